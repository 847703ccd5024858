"""Methods beside one another: their indices over k, and the maps they draw of a cohort."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from amucl.clustering.scores import HIGHER_IS_BETTER, PAIRS, PUBLISHED, is_published
from amucl.figures.families import by_family, family_colour, rows_of
from amucl.figures.names import shown
from amucl.figures.style import MISSING, add_legend, palette, styled
from amucl.labels import subtype_order
from amucl.methods.blocks import principal_axes, principal_coordinates

METRIC_NAMES = {
    "silhouette": "Silhouette",
    "c_index": "C-index",
    "davies_bouldin": "Davies-Bouldin",
    "ari": "ARI",
    "nmi": "NMI",
    "accuracy": "Accuracy",
    "purity": "Purity",
    "rand": "Rand",
    "f_measure": "F-measure",
}
SPACE_NAMES = {
    "embedding": ", own space",
    "published": ", own space with all published samples",
    "common": ", common space",
    "truth": " against known labels",
}
MARKERS = "osD^vPX*<>"
DASHES = ("-", "--", ":", "-.")
MANY_METHODS = 14
GREYS = ("#555555", "#777777", "#999999", "#b3b3b3")

_SUGGESTED = {"linestyle": "none", "marker": "^", "markersize": 4.5, "markeredgecolor": "white", "markeredgewidth": 0.4}


def panel_title(metric: str, space: str) -> str:
    """A metric and the space it was measured in, as a reader calls them."""
    return METRIC_NAMES[metric] + SPACE_NAMES[space]


def direction(metric: str) -> str:
    """Which way a metric is better, in words."""
    return "higher is better" if HIGHER_IS_BETTER[metric] else "lower is better"


def values_of(table: pd.DataFrame, metric: str, space: str) -> pd.DataFrame:
    """The rows of one metric in one space."""
    return table[(table["metric"] == metric) & (table["space"] == space)]


def method_styles(methods: Iterable[str]) -> dict[str, dict]:
    """How each method is drawn, as keywords of a line: ours first in colours, published rivals thin and grey.

    Of more than `MANY_METHODS` the colour tells the family and the marker the method; rivals are hollow.
    """
    methods = list(dict.fromkeys(methods))
    if len(methods) > MANY_METHODS:
        return _family_styles(methods)
    own = [method for method in methods if not is_published(method)]
    styles = {
        method: {"color": colour, "marker": MARKERS[i % len(MARKERS)], "markersize": 3, "zorder": 3}
        for i, (method, colour) in enumerate(palette(own).items())
    }
    for i, method in enumerate(method for method in methods if is_published(method)):
        styles[method] = {
            "color": GREYS[i % len(GREYS)],
            "linestyle": DASHES[i // 2 % len(DASHES)],
            "marker": MARKERS[i % len(MARKERS)],
            "markersize": 2.5,
            "markerfacecolor": "white",
            "markeredgewidth": 0.6,
            "linewidth": 0.7,
            "zorder": 2,
        }
    return styles


def _family_styles(methods: list[str]) -> dict[str, dict]:
    styles = {}
    for family, members in by_family(methods).items():
        rows = list(dict.fromkeys(rows_of(method)[0] for method in members))
        for method in members:
            style = {
                "color": family_colour(family),
                "marker": MARKERS[rows.index(rows_of(method)[0]) % len(MARKERS)],
                "markersize": 3,
                "zorder": 3,
            }
            hollow = {
                "markerfacecolor": "white",
                "markeredgewidth": 0.6,
                "linewidth": 0.7,
                "linestyle": "--",
                "zorder": 2,
            }
            styles[method] = style | (hollow if is_published(method) else {})
    return dict(sorted(styles.items(), key=lambda item: is_published(item[0])))


def method_handles(styles: Mapping[str, dict], **line) -> list[Line2D]:
    """Handles of a legend for `method_styles`, the published rivals under a heading of their own."""
    handles = [Line2D([], [], **style | line, label=name) for name, style in styles.items() if not is_published(name)]
    rivals = [name for name in styles if is_published(name)]
    if rivals:
        handles.append(Line2D([], [], linestyle="none", label="published:"))
    return handles + [Line2D([], [], **styles[name] | line, label=name.removeprefix(PUBLISHED)) for name in rivals]


@styled
def metrics_over_k(table: pd.DataFrame, *, reference_k: int, suggested: Mapping[str, int] | None = None) -> Figure:
    """Every index of every method over k, a panel each; a grey line marks the reference k.

    table: columns method, k, metric, space, value of one dataset. The panels of known labels are drawn where there are
    any. suggested: k by method, marked by a triangle on the axis.
    """
    panels = [panel for panel in PAIRS if len(values_of(table, *panel))]
    styles = method_styles(table["method"])
    suggested = {method: k for method, k in (suggested or {}).items() if method in styles and not pd.isna(k)}
    n_rows = -(-len(panels) // 3)
    figure = Figure(figsize=(7.1, 1.9 * n_rows), layout="constrained")
    grid = figure.subplots(n_rows, 3, squeeze=False).ravel()
    for axes, (metric, space) in zip(grid, panels, strict=False):
        rows = values_of(table, metric, space)
        axes.axvline(reference_k, color=MISSING, linewidth=4, zorder=0)
        for method, style in styles.items():
            curve = rows[rows["method"] == method].sort_values("k")
            axes.plot(curve["k"], curve["value"], **style, label=method)
        _mark_suggested(axes, suggested, styles)
        axes.set_title(panel_title(metric, space))
        axes.set_ylabel(direction(metric))
        axes.set_xticks(sorted(rows["k"].unique()))
        axes.set_xlabel("k")
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    handles = method_handles(styles)
    if suggested:
        handles.append(Line2D([], [], **_SUGGESTED, color="black", label="suggested k"))
    add_legend(figure, handles, loc="outside right upper", title="Method", alignment="left")
    return figure


def _mark_suggested(axes: Axes, suggested: Mapping[str, int], styles: Mapping[str, dict]) -> None:
    """Triangles on the axis, side by side where methods agree."""
    for k in set(suggested.values()):
        methods = [method for method in suggested if suggested[method] == k]
        for method, shift in zip(methods, 0.17 * (np.arange(len(methods)) - (len(methods) - 1) / 2), strict=True):
            style = _SUGGESTED | {"color": styles[method]["color"], "label": f"suggested k of {method}"}
            axes.plot(k + shift, 0, **style, transform=axes.get_xaxis_transform(), clip_on=False, zorder=5)


@styled
def embedding_map(embedding: pd.DataFrame, labels: pd.Series, truth: pd.Series | None = None) -> Figure:
    """Patients on the first two principal axes of an embedding, coloured by cluster and, where known, by true label.

    embedding: samples x dimensions; labels, truth: by sample.
    """
    points = principal_coordinates(embedding.to_numpy())
    share = points.var(axis=0) / (
        embedding.to_numpy().var(axis=0).sum() or 1
    )  # 0 of nothing where all stand in one place
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


_CROSS = {"s": 16, "marker": "x", "linewidth": 0.8}


@styled
def prediction_map(embedding: pd.DataFrame, labels: pd.Series, new: pd.DataFrame, predicted: pd.Series) -> Figure:
    """New patients (crosses) among those a model was trained on (pale dots), on the latter's first two principal axes.

    embedding, new: samples x the same dimensions; labels, predicted: by sample; who is none of the subtypes is grey.
    """
    axes_of = principal_axes(embedding.to_numpy())[:, :2]
    centre = embedding.to_numpy().mean(axis=0)
    known, place = (((table.to_numpy() - centre) @ axes_of) for table in (embedding, new))
    labels, predicted = labels.loc[embedding.index], predicted.loc[new.index]
    figure = Figure(figsize=(3.6, 2.7), layout="constrained")
    axes = figure.subplots()
    order, handles = subtype_order(labels), []
    named = shown(order)
    for name, colour in palette(order).items():
        own, crosses = (labels == name).to_numpy(), (predicted == name).to_numpy()
        axes.scatter(*known[own].T, s=9, color=colour, alpha=0.3, linewidth=0)
        label = f"{named[name]} ({crosses.sum()})"
        handles.append(axes.scatter(*place[crosses].T, color=colour, label=label, **_CROSS))
    none = (~predicted.isin(labels)).to_numpy()
    handles.append(axes.scatter(*place[none].T, color=MISSING, label=f"none ({none.sum()})", **_CROSS))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("PC 1")
    axes.set_ylabel("PC 2")
    add_legend(axes, handles, loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0.1, title="New patients")
    return figure


def _scatter(axes: Axes, place: pd.DataFrame, groups: pd.Series) -> None:
    unknown, handles = groups.isna(), []
    if unknown.any():
        points = place[unknown.to_numpy()].to_numpy()
        handles.append(axes.scatter(*points.T, s=9, color=MISSING, label="unknown"))
    order = subtype_order(groups.dropna())
    named = shown(order)
    for name, colour in palette(order).items():
        points, look = place[(groups == name).to_numpy()].to_numpy(), {"edgecolor": "white", "linewidth": 0.2}
        label = f"{named[name]} ({len(points)})"
        handles.append(axes.scatter(*points.T, s=9, color=colour, label=label, **look))
    axes.set_xticks([])
    axes.set_yticks([])
    add_legend(axes, handles, loc="center left", bbox_to_anchor=(1, 0.5), handletextpad=0.1)
