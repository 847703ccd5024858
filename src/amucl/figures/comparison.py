"""Methods against one another over many datasets: ranks and radar charts."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from amucl.clustering.scores import is_published
from amucl.figures.families import OTHERS, by_family, family_colour, rows_of
from amucl.figures.metrics import MANY_METHODS, direction, method_handles, method_styles, panel_title, values_of
from amucl.figures.names import plain, shown
from amucl.figures.style import MISSING, PALETTE, add_legend, palette, placeholder, styled

RIVAL = "#666666"

_WIDTH = 7.1
_NAME_WIDTH = 11
_HALO = {"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.4}
_MIN_SPOKES, _MANY_SPOKES = 3, 8
# Families that share a chart; the first stands in all.
_CHARTS = (("Late-fusion autoencoders",), ("Early-fusion autoencoders",), ("Low rank",), ("Graphs", "Factors", OTHERS))
_REFERENCE = "DMACL"


@styled
def critical_difference(ranks: pd.DataFrame) -> Figure:
    """Critical-difference diagram: methods on a line of mean ranks, those that do not differ joined by a bar.

    Without a test (see the column status) a dot plot of the mean ranks. Published rivals are grey.

    ranks: the rows of one metric, space and ranking of `amucl.comparison.ranking.rank_methods`.

    References
    ----------
    Demšar, J. (2006). Statistical comparisons of classifiers over multiple data sets. JMLR 7, 1-30.
    """
    if ranks["mean_rank"].isna().all():
        return placeholder("No dataset has a value of every method: nothing to rank")
    ranks = ranks.sort_values("mean_rank", kind="stable", ignore_index=True)
    first = ranks.iloc[0]
    title = f"{panel_title(first['metric'], first['space'])} ({direction(first['metric'])})"
    if np.isfinite(first["critical_difference"]):
        return _rank_diagram(ranks, title)
    return _rank_dots(ranks, title)


@styled
def radar(metrics: pd.DataFrame, metric: str, space: str, ks: Sequence[int] | None = None) -> Figure:
    """One metric of every method: a radar chart per k, a spoke per dataset; as figure 4 of the AMUCL paper.

    Missing values leave gaps; a k of fewer than 3 datasets is left out. With fewer than 3 datasets in all, dots take
    the place of radars. More methods than a chart can hold are divided by family: a row of charts per k, DMACL (red) in
    each for comparison.

    metrics: columns dataset, method, k, metric, space, value; seeds are averaged. ks: default all.
    """
    rows = values_of(metrics, metric, space)
    rows = rows[rows["k"].isin(rows["k"].unique() if ks is None else ks)]
    if rows["value"].isna().all():
        return placeholder(f"{panel_title(metric, space)}: no values")
    datasets = list(dict.fromkeys(rows["dataset"]))
    values = rows.pivot_table(index=["k", "method"], columns="dataset", values="value", sort=False, dropna=False)
    values, styles = values.reindex(columns=datasets), method_styles(rows["method"])
    judged = values.groupby("k").agg(lambda column: column.notna().any()).sum(axis=1)
    if (wide := judged.index[judged >= _MIN_SPOKES]).size:  # a known k of one dataset makes no chart
        values = values[values.index.isin(wide, level="k")]
    if len(datasets) < _MIN_SPOKES:
        figure = _dots_by_k(values, styles)
    else:
        figure = _radars(values, styles) if len(styles) <= MANY_METHODS else _radars_by_family(values, list(styles))
    title = figure.suptitle(f"{panel_title(metric, space)}: {direction(metric)}", fontsize=9)
    if figure.get_layout_engine() is None:
        title.set_y(1 - 0.03 / figure.get_figheight())
    return figure


def _rank_diagram(ranks: pd.DataFrame, title: str) -> Figure:
    """Demšar's figure, laid out in rows below the axis: first the bars, then the names on either side."""
    first, n = ranks.iloc[0], len(ranks)
    cliques = _cliques(ranks["mean_rank"].to_numpy(), first["critical_difference"])
    bar, name = 0.09, 0.14
    n_left = -(-n // 2)
    top, below = 1.05, 0.08 + bar * len(cliques) + name * (n_left + 0.5)
    width, margin = 4.0, 1.3
    figure = Figure(figsize=(width + 2 * margin, top + below))
    axes = figure.add_axes((margin / (width + 2 * margin), 0, width / (width + 2 * margin), below / (top + below)))
    axes.set(xlim=(1, n), ylim=(-below, 0))
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.spines["top"].set_visible(True)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xticks(range(1, n + 1, 1 if n <= 20 else 2))
    axes.set_yticks([])
    axes.set_xlabel(f"Mean rank over {first['n_blocks']} datasets (1 is best)")
    axes.set_title(f"{title}\nFriedman {_p_text(first['friedman_p'])}", y=1 + 0.7 / below, pad=0, parse_math=True)
    _scale_bar(axes, first["critical_difference"])
    for row, (low, high) in enumerate(cliques):
        y = -0.08 - bar * row
        ends = ranks["mean_rank"].iloc[[low, high]] + np.array([-0.02, 0.02]) * (n - 1) / 5
        axes.plot(ends, [y, y], color="black", linewidth=2.5, solid_capstyle="butt", clip_on=False, label="clique")
    for place, (method, rank) in enumerate(zip(ranks["method"], ranks["mean_rank"], strict=True)):
        left = place < n_left
        y = -below + name * (0.5 + n_left - 1 - (place if left else n - 1 - place))
        side, align, edge = (-0.02, "right", 1) if left else (1.02, "left", n)
        colour = RIVAL if is_published(method) else "black"
        axes.plot([rank, rank, edge], [0, y, y], color=colour, linewidth=0.7, clip_on=False, label=method)
        text = f"{method}  {rank:.2f}" if left else f"{rank:.2f}  {method}"
        axes.text(side, y, text, transform=axes.get_yaxis_transform(), ha=align, va="center", color=colour)
    return figure


def _scale_bar(axes: Axes, length: float) -> None:
    """The critical difference to scale, between the title and the axis."""
    y, tick = 0.46, 0.03
    axes.plot([1, 1, 1, 1 + length, 1 + length, 1 + length], [y - tick, y + tick, y, y, y + tick, y - tick],
              color="black", linewidth=0.8, clip_on=False, label="critical difference")  # fmt: skip
    axes.text(1 + length / 2, y + tick, f"critical difference {length:.2f}", ha="center", va="bottom", fontsize=6.5)


def _cliques(ranks: np.ndarray, difference: float) -> list[tuple[int, int]]:
    """First and last place of each largest run of sorted ranks that differ by less than `difference`."""
    last = [int(np.flatnonzero(ranks - rank < difference)[-1]) for rank in ranks]
    return [(i, j) for i, j in enumerate(last) if j > i and (i == 0 or j > last[i - 1])]


def _rank_dots(ranks: pd.DataFrame, title: str) -> Figure:
    first, n = ranks.iloc[0], len(ranks)
    figure = Figure(figsize=(3.6, 0.16 * n + 0.9), layout="constrained")
    axes = figure.subplots()
    axes.grid(axis="y")
    colours = [RIVAL if is_published(method) else "black" for method in ranks["method"]]
    axes.scatter(ranks["mean_rank"], range(n), s=16, color=colours, clip_on=False, zorder=3)
    axes.set_yticks(range(n), ranks["method"])
    for label, colour in zip(axes.get_yticklabels(), colours, strict=True):
        label.set_color(colour)
    axes.set(xlim=(1, max(n, 2)), ylim=(n - 0.5, -0.5))
    axes.xaxis.set_major_locator(MaxNLocator(7, integer=True))
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(f"Mean rank, 1 is best (datasets: {first['n_blocks']}, with every k: {first['n_ranked']})")
    axes.set_title(title)
    return figure


def _radars(values: pd.DataFrame, styles: Mapping[str, dict]) -> Figure:
    ks = values.index.unique("k").sort_values()
    n_columns = min(2 if values.shape[1] > _MANY_SPOKES else 3, len(ks))
    n_rows, side = -(-len(ks) // n_columns), _WIDTH / n_columns
    figure = Figure(figsize=(side * n_columns, 0.82 * side * n_rows + 0.7), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False, subplot_kw={"projection": "polar"}).ravel()
    limits = min(0, np.nanmin(values)), np.nanmax(values)
    for k, axes in zip(ks, grid, strict=False):
        _spokes(axes, values.columns, limits)
        angles = 2 * np.pi * np.arange(values.shape[1] + 1) / values.shape[1]
        for method, row in values.loc[k].iterrows():
            axes.plot(angles, [*row, row.iloc[0]], **styles[method] | {"markersize": 2}, label=method)
        axes.set_title(f"k = {k}", pad=6 + 8 * len(_name_lines(values.columns[0])))
    for axes in grid[len(ks) :]:
        axes.remove()
    add_legend(figure, method_handles(styles), loc="outside lower center", ncols=min(5, len(styles) + 1))
    return figure


def _radars_by_family(values: pd.DataFrame, methods: list[str]) -> Figure:
    families, ks = by_family(methods), values.index.unique("k").sort_values()
    groups = [[method for family in chart for method in families.get(family, [])] for chart in _CHARTS]
    names = [" / ".join(family for family in chart if family in families) for chart in _CHARTS]
    groups, names = zip(*[pair for pair in zip(groups, names, strict=True) if pair[0]], strict=True)
    looks = _chart_looks(families.get(_REFERENCE, []), groups)
    row_height = 0.76 * _WIDTH / max(len(groups), 3)
    key_height = 0.3 + 0.12 * max(map(len, looks))
    figure = Figure(figsize=(_WIDTH, row_height * len(ks) + key_height + 0.7))
    layout = figure.add_gridspec(
        len(ks) + 1, len(groups), height_ratios=[*[row_height] * len(ks), key_height],
        left=0.04, right=0.99, bottom=0.01, top=1 - 0.62 / figure.get_figheight(), hspace=0.21, wspace=0.05,
    )  # fmt: skip
    limits = min(0, np.nanmin(values)), np.nanmax(values)
    angles = 2 * np.pi * np.arange(values.shape[1] + 1) / values.shape[1]
    numbers = [str(number) for number in range(1, values.shape[1] + 1)]
    for column, (name, look) in enumerate(zip(names, looks, strict=True)):
        for row, k in enumerate(ks):
            axes = figure.add_subplot(layout[row, column], projection="polar")
            _spokes(axes, numbers, limits)
            for method, style in look.items():
                if (k, method) in values.index:
                    line = values.loc[(k, method)]
                    axes.plot(angles, [*line, line.iloc[0]], **style, label=method)
            if column == 0:
                axes.text(-0.22, 0.5, f"k = {k}", transform=axes.transAxes, rotation=90, ha="right", va="center")
            if row == 0:
                axes.set_title(name, fontsize=6.5, pad=11)
        below = figure.add_subplot(layout[len(ks), column])
        below.set_axis_off()
        handles = [Line2D([], [], **look[method] | {"markersize": 3}, label=method) for method in look]
        add_legend(below, handles, loc="upper center", fontsize=5.5, labelspacing=0.25, handlelength=2.2)
    key = ", ".join(map(" ".join, zip(numbers, shown(values.columns).values(), strict=True)))
    figure.text(0.5, 1 - 0.27 / figure.get_figheight(), textwrap.fill(key, 150), ha="center", va="top", fontsize=6)
    return figure


def _chart_looks(reference: list[str], groups: Sequence[list[str]]) -> list[dict[str, dict]]:
    """How the methods of a chart are drawn: the reference red, others a colour each, their published twins dashed."""
    red, others = family_colour(_REFERENCE), [colour for colour in PALETTE if colour != family_colour(_REFERENCE)]
    shared = {}
    for number, method in enumerate(reference):
        shared[method] = {
            "color": red,
            "linewidth": 1.6 - 0.8 * number,
            "zorder": 5,
            "linestyle": ("-", ":")[number % 2],
        }
    looks = []
    for group in groups:
        rows = list(dict.fromkeys(row for method in group for row in rows_of(method)[:1]))
        colours = dict(zip(rows, others, strict=False))
        looks.append(dict(shared))
        for method in sorted(group, key=lambda method: (rows.index(rows_of(method)[0]), is_published(method))):
            style = {"color": colours[rows_of(method)[0]], "linewidth": 0.8, "marker": "o", "markersize": 1.6}
            twin = {"linestyle": "--", "markerfacecolor": "white", "markeredgewidth": 0.5, "markersize": 2.2}
            looks[-1][method] = style | (twin if is_published(method) else {})
    return looks


def _spokes(axes: Axes, names: Sequence[str], limits: tuple[float, float]) -> None:
    """A polar grid that starts at the top and goes clockwise, names around it."""
    low, high = limits
    step = 2 * np.pi / len(names)
    axes.set_theta_zero_location("N")
    axes.set_theta_direction(-1)
    axes.set(rlim=(low, low + 1.05 * (high - low or 1)), xticks=step * np.arange(len(names)))
    axes.set_xticklabels([])
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.set_yticklabels([])
    axes.spines["polar"].set_color(MISSING)
    for tick in axes.get_yticks():
        if low < tick <= high:
            axes.text(
                step / 2, tick, f"{tick:g}", ha="center", va="center", color=RIVAL, fontsize=5.5, zorder=5, bbox=_HALO
            )
    for place, name in enumerate(names):
        x, y = np.sin(step * place), np.cos(step * place)
        across = "center" if abs(x) < 0.1 else "left" if x > 0 else "right"
        along = "center" if abs(y) < 0.9 else "bottom" if y > 0 else "top"
        axes.text(
            0.5 + 0.53 * x, 0.5 + 0.53 * y, "\n".join(_name_lines(name)), transform=axes.transAxes,
            ha=across, va=along, fontsize=6, linespacing=0.95,
        )  # fmt: skip


def _name_lines(name: str) -> list[str]:
    return textwrap.wrap(plain(name), _NAME_WIDTH, max_lines=3, placeholder="…")


def _dots_by_k(values: pd.DataFrame, styles: Mapping[str, dict]) -> Figure:
    ks, methods = values.index.unique("k").sort_values(), list(styles)
    n_columns = min(3, len(ks))
    n_rows = -(-len(ks) // n_columns)
    height = n_rows * (0.15 * len(methods) + 0.5) + 0.5
    figure = Figure(figsize=(_WIDTH - 2 * (3 - n_columns), height), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True).ravel()
    named, colours = shown(values.columns), palette(values.columns)
    looks = {
        dataset: {"linestyle": "", "marker": marker, "color": colour, "markersize": 3.5}
        for (dataset, colour), marker in zip(colours.items(), "oD", strict=False)
    }
    for k, axes in zip(ks, grid, strict=False):
        axes.grid(axis="y")
        for dataset, look in looks.items():
            axes.plot(values.loc[k, dataset].reindex(methods), range(len(methods)), **look, label=dataset)
        axes.set_title(f"k = {k}")
    for axes in grid[len(ks) :]:
        axes.set_axis_off()
    grid[0].set(ylim=(len(methods) - 0.5, -0.5))
    grid[0].set_yticks(range(len(methods)), methods)
    for axes in grid:
        axes.tick_params(axis="y", length=0)
    handles = [Line2D([], [], **look, label=named[dataset]) for dataset, look in looks.items()]
    add_legend(figure, handles, loc="outside lower center", ncols=2)
    return figure


def _p_text(p: float) -> str:
    return f"$P$ = {p:.2g}" if p >= 0.001 else "$P$ < 0.001"
