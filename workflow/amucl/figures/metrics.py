"""Methods beside one another: their indices over k, and the maps they draw of a cohort."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from amucl.clustering.labels import subtype_order
from amucl.figures.style import MISSING, palette, styled
from amucl.representation.blocks import principal_coordinates

PANELS = (
    ("silhouette", "embedding", "Silhouette, own space", "higher is better"),
    ("c_index", "embedding", "C-index, own space", "lower is better"),
    ("davies_bouldin", "embedding", "Davies-Bouldin, own space", "lower is better"),
    ("silhouette", "common", "Silhouette, common space", "higher is better"),
    ("c_index", "common", "C-index, common space", "lower is better"),
    ("davies_bouldin", "common", "Davies-Bouldin, common space", "lower is better"),
    ("ari", "truth", "ARI against known labels", "higher is better"),
    ("nmi", "truth", "NMI against known labels", "higher is better"),
)
MARKERS = "osD^vPX*<>"


@styled
def metrics_over_k(table: pd.DataFrame, *, reference_k: int) -> Figure:
    """Every index of every method over k, a panel each; a grey line marks the reference k.

    table: columns method, k, metric, space, value of one dataset. The panels of known labels are drawn where there are
    any.
    """
    panels = [panel for panel in PANELS if ((table["metric"] == panel[0]) & (table["space"] == panel[1])).any()]
    methods = list(dict.fromkeys(table["method"]))
    colours = palette(methods)
    n_rows = -(-len(panels) // 3)
    figure = Figure(figsize=(7.2, 1.9 * n_rows), layout="constrained")
    grid = figure.subplots(n_rows, 3, squeeze=False).ravel()
    for axes, (metric, space, title, direction) in zip(grid, panels, strict=False):
        rows = table[(table["metric"] == metric) & (table["space"] == space)]
        axes.axvline(reference_k, color=MISSING, linewidth=4, zorder=0)
        for method, marker in zip(methods, MARKERS * len(methods), strict=False):
            curve = rows[rows["method"] == method].sort_values("k")
            axes.plot(curve["k"], curve["value"], color=colours[method], marker=marker, markersize=3, label=method)
        axes.set_title(title)
        axes.set_ylabel(direction)
        axes.set_xticks(sorted(rows["k"].unique()))
        axes.set_xlabel("k")
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    handles, names = grid[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right upper", title="Method")
    return figure


@styled
def embedding_map(embedding: pd.DataFrame, labels: pd.Series, truth: pd.Series | None = None) -> Figure:
    """Patients on the first two principal axes of an embedding, coloured by cluster and, where known, by true label.

    embedding: samples x dimensions; labels, truth: by sample.
    """
    points = principal_coordinates(embedding.to_numpy())
    share = points.var(axis=0) / embedding.to_numpy().var(axis=0).sum()
    if points.shape[1] == 1:
        points, share = [[x, 0.0] for x in points[:, 0]], [share[0], 0.0]
    place = pd.DataFrame(points, index=embedding.index).iloc[:, :2]
    panels = {f"Clusters, k = {labels.nunique()}": labels}
    if truth is not None:
        panels["Known labels"] = truth
    figure = Figure(figsize=(3.6 * len(panels), 2.7), layout="constrained")
    for axes, (title, groups) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
        _scatter(axes, place, groups.reindex(embedding.index))
        axes.set_title(title)
        axes.set_xlabel(f"PC 1 ({share[0]:.0%})")
        axes.set_ylabel(f"PC 2 ({share[1]:.0%})")
    return figure


def _scatter(axes: Axes, place: pd.DataFrame, groups: pd.Series) -> None:
    unknown = groups.isna()
    if unknown.any():
        axes.scatter(*place[unknown.to_numpy()].to_numpy().T, s=9, color=MISSING, label="unknown")
    order = subtype_order(groups.dropna())
    for name, colour in palette(order).items():
        points = place[(groups == name).to_numpy()]
        axes.scatter(
            *points.to_numpy().T, s=9, color=colour, edgecolor="white", linewidth=0.2, label=f"{name} ({len(points)})"
        )
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0.1)
