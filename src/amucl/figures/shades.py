"""Indices of one dataset over k: curves of a few methods, shades of many."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from amucl.clustering.scores import HIGHER_IS_BETTER, PAIRS, is_published
from amucl.figures.families import by_family, family_colour, family_of, rows_of
from amucl.figures.metrics import MANY_METHODS, direction, metrics_over_k, panel_title, values_of
from amucl.figures.style import MISSING, ink, styled

_ROW, _N_COLUMNS = 0.118, 4  # inches, panels
_SHADES = colormaps["YlGnBu"]


def indices_over_k(table: pd.DataFrame, *, reference_k: int, suggested: Mapping[str, int] | None = None) -> Figure:
    """Every index of every method over k: `metrics_over_k` of up to `MANY_METHODS` methods, else `shades_over_k`."""
    draw = metrics_over_k if table["method"].nunique() <= MANY_METHODS else shades_over_k
    return draw(table, reference_k=reference_k, suggested=suggested)


@styled
def shades_over_k(table: pd.DataFrame, *, reference_k: int, suggested: Mapping[str, int] | None = None) -> Figure:
    """Every index of every method over k, a panel each: a row a method, a column a k, the darker the better.

    Shades go from a panel's worst value to its best, which its title gives; grey: no value. A dot marks the k that the
    data suggest, a bold number the reference k. Rows by family; published rivals in italics below ours of their kind.

    table: columns method, k, metric, space, value of one dataset. suggested: k by method.
    """
    panels = [panel for panel in PAIRS if len(values_of(table, *panel))]
    methods, ks = _ordered(table["method"]), sorted(table["k"].unique())
    n_rows = -(-len(panels) // _N_COLUMNS)
    figure = Figure(figsize=(7.1, n_rows * (_ROW * len(methods) + 0.75)), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02)
    grid = figure.subplots(n_rows, _N_COLUMNS, squeeze=False, sharey=True)
    for axes in grid.ravel()[len(panels) :]:
        axes.set_axis_off()
    for axes, (metric, space) in zip(grid.ravel(), panels, strict=False):
        values = values_of(table, metric, space).pivot_table(index="method", columns="k", values="value")
        values = values.reindex(index=methods, columns=ks)
        _shade(axes, values, metric, suggested or {})
        low, high = np.nanmin(values), np.nanmax(values)
        title = panel_title(metric, space).replace(", ", "\n").replace(" against", "\nagainst")
        axes.set_title(f"{title}\n{low:.2g} to {high:.2g}, {direction(metric)}", fontsize=6)
        axes.set_xticks(range(len(ks)), ks)
        axes.get_xticklabels()[ks.index(reference_k)].set_fontweight("bold")
    for axes in grid[:, 0]:
        axes.set_yticks(range(len(methods)), methods, fontsize=5.5)
        for method, label in zip(methods, axes.get_yticklabels(), strict=True):
            label.set(color=family_colour(family_of(method)), fontstyle="italic" if is_published(method) else "normal")
    figure.supxlabel("k (bold: reference; dot: suggested by the data)", fontsize=7)
    return figure


def _ordered(methods: pd.Series) -> list[str]:
    """Methods by family, each followed by its published twin."""
    ordered = []
    for members in by_family(methods).values():
        rows = {row: place for place, row in enumerate(dict.fromkeys(rows_of(member)[0] for member in members))}
        places = {member: (rows[rows_of(member)[0]], is_published(member)) for member in members}
        ordered += sorted(members, key=places.get)
    return ordered


def _shade(axes: Axes, values: pd.DataFrame, metric: str, suggested: Mapping[str, int]) -> None:
    """Cells coloured from the worst value (pale) to the best (dark)."""
    array = values.to_numpy() if HIGHER_IS_BETTER[metric] else -values.to_numpy()
    low, high = np.nanmin(array), np.nanmax(array)
    shares = (array - low) / (high - low or 1)
    colours = np.where(np.isnan(shares)[..., None], to_rgba(MISSING), _SHADES(np.nan_to_num(shares)))
    axes.imshow(colours, aspect="auto", interpolation="nearest")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    for row, method in enumerate(values.index):
        if suggested.get(method) in values.columns:
            column = values.columns.get_loc(suggested[method])
            axes.plot(column, row, "o", color=ink(colours[row, column, :3]), markersize=2.2, label=method)
