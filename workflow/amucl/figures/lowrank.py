"""Figures of a low-rank representation: its affinity and its solver's convergence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from mpl_toolkits.axes_grid1.axes_divider import AxesDivider, make_axes_locatable

# Okabe & Ito's colour-blind safe palette; the ninth to sixteenth group take the same colours, paler
OKABE_ITO = ["#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#000000"]


def affinity_heatmap(affinity: np.ndarray, labels: Sequence, truth: Sequence | None = None) -> Figure:
    """Heat map of an (n, n) affinity, samples ordered by cluster (then by truth), under a bar of each.

    Clusters are numbered grey blocks, because their order means nothing; the classes of `truth` have a colour each.
    """
    clusters, cluster = np.unique(np.asarray(labels), return_inverse=True)
    classes, index = np.unique(np.asarray(labels if truth is None else truth), return_inverse=True)
    order = np.lexsort([index, cluster])
    figure = Figure(figsize=(8, 6))
    axis = figure.subplots(gridspec_kw={"left": 0.1, "right": 0.74, "bottom": 0.06, "top": 0.96})
    image = axis.imshow(affinity[np.ix_(order, order)], cmap="cividis", vmin=0, interpolation="nearest")
    axis.set(xlabel="samples, ordered by cluster", xticks=[], yticks=[])
    beside = make_axes_locatable(axis)
    figure.colorbar(image, cax=beside.append_axes("right", 0.15, pad=0.1), label="affinity")
    if truth is not None:
        palette = _palette(len(classes))
        _bar(beside, "truth", palette[index[order]])
        handles = [Patch(color=colour, label=str(name)) for name, colour in zip(classes, palette, strict=True)]
        figure.legend(handles=handles, title="truth", loc="upper left", bbox_to_anchor=(0.82, 0.97), frameon=False)
    bar = _bar(beside, "cluster", np.where(cluster[order] % 2, 0.75, 0.9)[:, None] * np.ones(3))
    for number, name in enumerate(clusters):
        middle = np.flatnonzero(cluster[order] == number).mean()
        bar.text(middle, 0, str(name), ha="center", va="center", fontsize="small")
    return figure


def convergence_plot(history: pd.DataFrame) -> Figure:
    """Certified relative gap and constraint residuals by iteration, log scale, from a solution's history."""
    lines = {"gap": ("certified gap", "-", "o"), "r1": ("X = XZ + E", "--", "s"), "r2": ("Z = J", ":", "^")}
    figure = Figure(figsize=(5.5, 3.8), layout="constrained")
    axis = figure.subplots()
    for (column, (label, style, marker)), colour in zip(lines.items(), ["#0072B2", "#D55E00", "#009E73"], strict=True):
        axis.plot(history["iteration"], history[column], style, marker=marker, ms=3.5, color=colour, label=label)
    axis.set(yscale="log", xlabel="iteration", ylabel="relative gap, relative residuals")
    axis.grid(alpha=0.3)
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False)
    return figure


def _bar(beside: AxesDivider, name: str, colours: np.ndarray) -> Axes:
    """A named bar above the heat map, one RGB row of `colours` a sample."""
    bar = beside.append_axes("top", 0.2, pad=0.06)
    bar.imshow(colours[None], aspect="auto", interpolation="nearest")
    bar.set(xticks=[], yticks=[0], yticklabels=[name])
    bar.tick_params(length=0)
    return bar


def _palette(n: int) -> np.ndarray:
    """RGB rows of `n` groups."""
    strong = np.array([to_rgb(colour) for colour in OKABE_ITO])
    return np.resize(np.concatenate([strong, 0.5 + strong / 2]), (n, 3))
