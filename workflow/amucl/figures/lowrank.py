"""Figures of a low-rank representation: its affinity and its solver's convergence."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from mpl_toolkits.axes_grid1.axes_divider import AxesDivider, make_axes_locatable

from amucl.clustering.labels import subtype_order
from amucl.figures.style import MISSING, PALETTE, palette, styled


@styled
def affinity_heatmap(affinity: np.ndarray, labels: pd.Series, truth: pd.Series | None = None) -> Figure:
    """Heat map of an (n, n) affinity, samples ordered by cluster (then by true label), under a bar of each.

    Shades follow the square root of the affinity: off the diagonal most of it is small. labels, truth: in the order of
    the affinity's rows; a missing true label is grey.
    """
    groups = {"Cluster": labels} if truth is None else {"Cluster": labels, "Known label": truth}
    ranks = [values.map({name: rank for rank, name in enumerate(_names(values))}) for values in groups.values()]
    order = np.lexsort(ranks[::-1])
    figure = Figure(figsize=(5.4, 4.2))
    axis = figure.subplots(gridspec_kw={"left": 0.14, "right": 0.76, "bottom": 0.06, "top": 0.96})
    image = axis.imshow(
        affinity[np.ix_(order, order)], cmap="cividis", norm=PowerNorm(0.5, 0, 1), interpolation="nearest"
    )
    axis.set(xlabel=f"{len(labels)} samples, ordered by cluster", xticks=[], yticks=[])
    beside = make_axes_locatable(axis)
    figure.colorbar(image, cax=beside.append_axes("right", 0.1, pad=0.08), label="Affinity")
    height = 0.97
    for name, values in reversed(groups.items()):
        _bar(beside, name, values.iloc[order])
    for name, values in groups.items():
        handles = [Patch(color=colour, label=str(group)) for group, colour in palette(_names(values)).items()]
        figure.legend(handles=handles, title=name, loc="upper left", bbox_to_anchor=(0.84, height))
        height -= 0.09 + 0.04 * len(handles)
    return figure


@styled
def convergence_plot(history: pd.DataFrame) -> Figure:
    """Certified relative gap and constraint residuals by iteration, log scale, from a solution's history."""
    lines = {"gap": ("certified gap", "-", "o"), "r1": ("X = XZ + E", "--", "s"), "r2": ("Z = J", ":", "^")}
    figure = Figure(figsize=(3.4, 2.3), layout="constrained")
    axis = figure.subplots()
    for (column, (label, style, marker)), colour in zip(lines.items(), PALETTE, strict=False):
        axis.plot(history["iteration"], history[column], style, marker=marker, ms=3, color=colour, label=label)
    axis.set(yscale="log", xlabel="Iteration", ylabel="Relative gap, relative residuals")
    axis.grid()
    axis.legend()
    return figure


def _names(values: pd.Series) -> list:
    return subtype_order(values.dropna())


def _bar(beside: AxesDivider, name: str, values: pd.Series) -> Axes:
    """A named bar above the heat map, one colour a sample."""
    colours = palette(_names(values))
    bar = beside.append_axes("top", 0.12, pad=0.04)
    bar.imshow([[to_rgb(colours.get(value, MISSING)) for value in values]], aspect="auto", interpolation="nearest")
    bar.set(xticks=[], yticks=[0], yticklabels=[name])
    bar.tick_params(length=0)
    return bar
