"""Figures of trust: clusters against known labels, and a method's own space against the common space."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from amucl.errors import AmuclError
from amucl.figures.metrics import MANY_METHODS, MARKERS, method_styles
from amucl.figures.names import columns, shown
from amucl.figures.style import MISSING, add_legend, ink, palette, placeholder, styled

_CELL = 0.3  # inches
_WIDTH = 7.2
_DOUBT = "#222222"


@styled
def confusion_matrices(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Number of samples of each class (rows) in each cluster (columns), a panel per method; shades: share of the class.

    tables: method -> counts, as `amucl.clustering.external.confusion` gives them; all of the same patients.

    Raises
    ------
    AmuclError
        If the classes or their sizes differ between methods: they share the names on the left.
    """
    first = next(iter(tables.values()), pd.DataFrame())
    if first.empty:
        return placeholder("No sample has a known label")
    sizes = first.sum(axis=1)
    for method, table in tables.items():
        if table.sum(axis=1).to_dict() != sizes.to_dict():
            raise AmuclError(
                "confusion of other patients than the first method's",
                where=method,
                expected=_listed(sizes),
                got=_listed(table.sum(axis=1)),
            )
    named = shown(sizes.index)
    names = [f"{named[name]} (n = {size})" for name, size in sizes.items()]
    n_columns = max(table.shape[1] for table in tables.values())
    margin, panel_width, panel_height = 0.4 + 0.055 * max(map(columns, names)), _CELL * n_columns, _CELL * len(first)
    per_row = int(np.clip((_WIDTH - margin - 0.7) // (panel_width + 0.2), 1, len(tables)))
    n_rows = -(-len(tables) // per_row)
    w, h = margin + per_row * (panel_width + 0.2) + 0.6, n_rows * (panel_height + 0.65) + 0.1
    figure = Figure(figsize=(w, h))
    shading = ScalarMappable(Normalize(0, 1), colormaps["Blues"])
    for number, (title, table) in enumerate(tables.items()):
        row, column = divmod(number, per_row)
        left, bottom = margin + column * (panel_width + 0.2), h - (row + 1) * (panel_height + 0.65) + 0.4
        width = _CELL * table.shape[1]
        axes = figure.add_axes((left / w, bottom / h, width / w, panel_height / h))
        _counts(axes, table.loc[sizes.index], shading)
        axes.set(xlabel="Cluster", title=title)
        axes.set_yticks(range(len(table)), names if column == 0 else [])
        if column == 0:
            axes.set_ylabel("Known label")
    bar_height = np.clip(panel_height, 0.9, 1.5)
    bar = figure.add_axes(((w - 0.55) / w, (h - 0.25 - bar_height) / h, 0.09 / w, bar_height / h))
    figure.colorbar(shading, cax=bar, label="Share of the label").outline.set_visible(False)
    return figure


def _listed(sizes: pd.Series) -> str:
    return ", ".join(f"{name}: {size}" for name, size in sizes.items())


def _counts(axes: Axes, table: pd.DataFrame, shading: ScalarMappable) -> None:
    shares = table.div(table.sum(axis=1), axis=0).fillna(0)
    axes.imshow(shares, cmap=shading.cmap, norm=shading.norm, aspect="auto")
    for row, counts in enumerate(table.to_numpy()):
        for column, count in enumerate(counts):
            if count:
                colour = ink(shading.to_rgba(shares.iloc[row, column])[:3])
                axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=6.5)
    axes.set_xticks(range(table.shape[1]), list(shown(table.columns, 12).values()))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


@styled
def trust_figure(trust: pd.DataFrame) -> Figure:
    """Own-space against common-space silhouette of several methods on one dataset, a panel per k.

    The dashed line is k-means in the common space itself. A ringed method has a warning: its own space shows clusters
    that the data do not confirm, or another doubt of `amucl.clustering.collapse.trust_table`, which made `trust`.
    """
    known = trust.dropna(subset=["silhouette_embedding", "silhouette_common"])
    if known.empty:
        return placeholder("No method has silhouettes both in its own and in the common space")
    methods, ks = list(dict.fromkeys(trust["method"])), sorted(known["k"].unique())
    looks = _looks(methods)
    n_columns = min(3, len(ks))
    n_rows = -(-len(ks) // n_columns)
    size = 1.9 * n_columns + 1.4, max(1.8 * n_rows + 0.3, 0.15 * len(methods) + 0.7)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True).ravel()
    for axes, k in zip(grid, ks, strict=False):
        _trust_panel(axes, known[known["k"] == k], looks)
        axes.set_title(f"k = {k}")
        axes.tick_params(labelbottom=True)
    for axes in grid[len(ks) :]:
        axes.set_axis_off()
    figure.supxlabel("Silhouette, own space (in both, higher is better)", fontsize=7)
    figure.supylabel("Silhouette, common space", fontsize=7)
    handles = [Line2D([], [], **look, label=name) for name, look in looks.items()]
    handles += [
        Line2D([], [], color="#666666", linestyle="--", linewidth=0.8, label="k-means in the\ncommon space"),
        Line2D([], [], linestyle="", marker="o", markersize=9, label="warning", **_RING),
    ]
    add_legend(figure, handles, loc="outside right upper", title="Method", alignment="left")
    return figure


def _looks(methods: list[str]) -> dict[str, dict]:
    """A colour and a marker for each method; of many, those of its family."""
    if len(methods) > MANY_METHODS:
        return {name: style | {"linestyle": "", "markersize": 4} for name, style in method_styles(methods).items()}
    return {
        name: {"color": colour, "marker": MARKERS[i % len(MARKERS)], "linestyle": "", "markersize": 4.5}
        for i, (name, colour) in enumerate(palette(methods).items())
    }


_RING = {"markerfacecolor": "none", "markeredgecolor": _DOUBT, "markeredgewidth": 0.9}


def _trust_panel(axes: Axes, rows: pd.DataFrame, looks: dict) -> None:
    axes.axhline(0, color=MISSING, linewidth=0.8, zorder=0)
    axes.axhline(rows["silhouette_reference"].iloc[0], color="#666666", linestyle="--", linewidth=0.8, zorder=0)
    for row in rows.itertuples():
        place = [row.silhouette_embedding], [row.silhouette_common]
        axes.plot(*place, **looks[row.method], label=row.method)
        if isinstance(row.warning, str) and row.warning:
            axes.plot(*place, linestyle="", marker="o", markersize=9, label=f"{row.method}: warning", **_RING)
