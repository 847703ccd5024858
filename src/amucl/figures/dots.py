"""Every method in a row of its own, with what others published beside it: figures that hold many methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from amucl.clustering.scores import HIGHER_IS_BETTER, is_published
from amucl.comparison.printed import PRINTED_METHOD
from amucl.figures.families import by_family, family_colour, family_of, rows_of
from amucl.figures.metrics import METRIC_NAMES, SPACE_NAMES, direction, panel_title, values_of
from amucl.figures.names import shown
from amucl.figures.style import add_legend, placeholder, styled

INTERNAL = ("c_index", "silhouette", "davies_bouldin")

_WIDTH, _NAMES = 7.1, 1.05  # inches: a page, the names of methods
_ROW, _FAMILY_GAP = 0.125, 0.5  # inches, rows
_MOST_COLUMNS = 9
_OURS = {"linestyle": "none", "marker": "o", "markersize": 3.6, "markeredgewidth": 0, "zorder": 4}
_THEIRS = _OURS | {"markersize": 4.2, "markerfacecolor": "white", "markeredgewidth": 0.9, "zorder": 3}
_PRINTED = _THEIRS | {"marker": "D", "markersize": 3.8}


@dataclass(frozen=True)
class _Panel:
    title: str
    metric: str
    values: pd.Series  # by method


@styled
def methods_on_dataset(metrics: pd.DataFrame, *, k: int) -> Figure:
    """Every method's indices on one dataset; as a setting of figures 2 and 3 of the AMUCL paper.

    Above: the internal indices in each method's own space, as the papers measure them, and ARI; below: in the common
    space, and NMI. A filled dot is a method that ran here, a ring the embedding that others published, judged alike, a
    diamond a number printed in the AMUCL paper. Rows: families, the best first, in each the best method first (mean
    rank over the panels). The vertical line is the first method's value.

    metrics: columns method, k, metric, space, value of one dataset; seeds are averaged.
    """
    metrics = metrics[metrics["k"] == k]
    kinds = [(metric, space) for space in ("embedding", "common") for metric in INTERNAL]
    kinds[3:3], kinds[7:7] = [("ari", "truth")], [("nmi", "truth")]
    panels = [
        _Panel(panel_title(*kind).replace(", ", "\n").replace(" against", "\nagainst"), kind[0], _means(metrics, *kind))
        for kind in kinds
    ]
    known = any(panel.values.notna().any() for panel in panels if panel.metric in ("ari", "nmi"))
    panels = [panel for panel in panels if known or panel.metric in INTERNAL]
    return _grid(panels, 4 if known else 3, first=_first(metrics))


@styled
def methods_over_datasets(metrics: pd.DataFrame, metric: str, space: str, *, ks: Mapping[str, int]) -> Figure:
    """One index of every method on every dataset, each at its own k; as figures 2, 3 and 4 of the AMUCL paper.

    Drawn as `methods_on_dataset` is, a panel per dataset. metrics: columns dataset, method, k, metric, space, value.
    ks: k by dataset.
    """
    metrics = metrics[metrics["k"] == metrics["dataset"].map(ks)]
    named = shown(metrics["dataset"], 20)
    panels = [
        _Panel(f"{named[dataset]}\nk = {ks[dataset]}", metric, _means(rows, metric, space))
        for dataset, rows in metrics.groupby("dataset", sort=False)
    ]
    panels = [panel for panel in panels if panel.values.notna().any()]
    n_rows = -(-len(panels) // _MOST_COLUMNS) if len(panels) <= 6 else max(2, -(-len(panels) // _MOST_COLUMNS))
    title = f"{METRIC_NAMES[metric]}{SPACE_NAMES[space]}: {direction(metric)}"
    return _grid(panels, -(-len(panels) // max(n_rows, 1)), first=_first(metrics), title=title, sharex=True)


def _first(metrics: pd.DataFrame) -> str | None:
    return next((method for method in metrics["method"] if not is_published(method)), None)


def _means(metrics: pd.DataFrame, metric: str, space: str) -> pd.Series:
    return values_of(metrics, metric, space).groupby("method", sort=False)["value"].mean().dropna()


def _grid(
    panels: Sequence[_Panel], n_columns: int, *, first: str | None, title: str | None = None, sharex: bool = False
) -> Figure:
    if not any(len(panel.values) for panel in panels):
        return placeholder(f"{title or 'The indices at the chosen k'}: no values")
    places = _places(panels)
    n_rows = -(-len(panels) // n_columns)
    height = n_rows * (_ROW * (max(places.values()) + 1.2) + 0.5) + (0.75 if title is None else 0.95)
    figure = Figure(figsize=(_NAMES + (_WIDTH - _NAMES) * min(1, n_columns / 4), height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.03)
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=sharex, sharey=True)
    for axes in grid.ravel()[len(panels) :]:
        axes.set_axis_off()
    for axes, panel in zip(grid.ravel(), panels, strict=False):
        _draw(axes, panel, places, first)
        axes.set_title(panel.title if title else f"{panel.title}\n{direction(panel.metric)}", fontsize=6.5)
    grid[0, 0].set_ylim(max(places.values()) + 0.6, -0.6)
    for axes in grid[:, 0]:
        axes.set_yticks(list(places.values()), list(places), fontsize=6)
        for name, label in zip(places, axes.get_yticklabels(), strict=True):
            label.set_color(family_colour(family_of(name)))
    if title:
        figure.suptitle(title, fontsize=8)
    add_legend(figure, _handles(places, panels), loc="outside lower center", ncols=4)
    return figure


def _places(panels: Sequence[_Panel]) -> dict[str, float]:
    """Method -> its row: by family, the best method first, a gap between families."""
    ranks = [panel.values.rank(ascending=not HIGHER_IS_BETTER[panel.metric]) for panel in panels]
    mean_rank = pd.concat(ranks, axis=1).mean(axis=1)
    best: dict[str, float] = {}
    for method, rank in mean_rank.items():
        for row in rows_of(method):
            # What ran here decides the place; a rival alone decides where nothing ran.
            best[row] = rank if not is_published(method) else best.get(row, 1000 + rank)
    order = by_family(sorted(best, key=best.get))
    places, place = {}, 0.0
    for members in sorted(order.values(), key=lambda members: best[members[0]]):
        for method in members:
            places[method] = place
            place += 1
        place += _FAMILY_GAP
    return places


def _draw(axes: Axes, panel: _Panel, places: Mapping[str, float], first: str | None) -> None:
    axes.grid(axis="y")
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_locator(MaxNLocator(3, steps=[1, 2, 5, 10]))
    if first in panel.values:
        axes.axvline(panel.values[first], color=family_colour(family_of(first)), linewidth=0.6, alpha=0.6, zorder=1)
    for method, value in panel.values.items():
        look = _OURS if not is_published(method) else _PRINTED if method == PRINTED_METHOD else _THEIRS
        for row in rows_of(method):
            axes.plot([value], [places[row]], color=family_colour(family_of(row)), **look, label=method, clip_on=False)


def _handles(places: Mapping[str, float], panels: Sequence[_Panel]) -> list[Line2D]:
    drawn = {method for panel in panels for method in panel.values.index}
    handles = [Line2D([], [], **_OURS, color=family_colour(family), label=family) for family in by_family(places)]
    kinds = {
        "run here": (_OURS, any(not is_published(method) for method in drawn)),
        "published embedding, judged alike": (_THEIRS, any(map(is_published, drawn - {PRINTED_METHOD}))),
        "printed in the AMUCL paper": (_PRINTED, PRINTED_METHOD in drawn),
    }
    return handles + [Line2D([], [], **look, color="black", label=name) for name, (look, here) in kinds.items() if here]
