"""How well clusters hold, how many there are, and what they mean to a clinician."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, MultipleLocator
from scipy.cluster.hierarchy import leaves_list, linkage
from scipy.spatial.distance import squareform

from amucl.biology.correction import ALPHA
from amucl.errors import AmuclError, some
from amucl.figures.metrics import method_handles, method_styles
from amucl.figures.names import shown
from amucl.figures.style import MISSING, PALETTE, add_legend, palette, placeholder, styled
from amucl.labels import subtype_order

NULL = "#777777"

_APART, _STACK = 0.22, 0.75  # of an enriched label: between two points, and of a stack at most
_MARKER = 0.04  # of the width of a panel
_AT_CAP = {"marker": "$→$", "markersize": 5, "color": "black", "linestyle": "none", "markeredgewidth": 0}

_LEGEND = {"alignment": "left", "borderaxespad": 0, "handlelength": 1, "handleheight": 1, "labelspacing": 0.3}

# column, title, direction, column of the spread, column of the null
CRITERIA = (
    ("ari_mean", "ARI under subsampling", "higher is better", "ari_sd", None),
    ("pac", "PAC", "lower is better", None, "pac_null"),
    ("gap", "Gap statistic", "higher is better", "gap_se", None),
    ("eigengap", "Eigengap", "higher is better", None, None),
    ("silhouette", "Silhouette", "higher is better", None, None),
    ("prediction_index", "Prediction index", "higher is better", "prediction_sd", None),
)


@styled
def consensus_heatmap(
    consensus: pd.DataFrame,
    labels: pd.Series,
    truth: pd.Series | None = None,
    *,
    k: int,
    pac: float = np.nan,
) -> Figure:
    """How often each two samples fall into one cluster when the data are resampled: white never, blue always.

    Samples stand by cluster, in each by average linkage of 1 - consensus. Crisp blocks mean stable clusters.

    Parameters
    ----------
    consensus : samples x samples, as `amucl.clustering.stability.consensus_of` gives it; NaN (a pair never drawn
        together) is grey.
    labels, truth : cluster and known label by sample, in any order and of more samples too; missing truth is grey.
    k : number of clusters, for the title.
    pac : proportion of ambiguous clustering, for the title unless NaN.

    Raises
    ------
    AmuclError
        If a sample of `consensus` has no label.
    """
    if consensus.isna().all(axis=None):
        return placeholder(f"No consensus for k = {k}: subsamples cannot be divided into so many clusters")
    unlabelled = consensus.index.difference(labels.index)
    if len(unlabelled):
        raise AmuclError("samples of the consensus without a label", got=some(unlabelled))
    labels, consensus = labels.loc[consensus.index], consensus.to_numpy()
    order = _leaf_order(consensus, labels)
    groups = {"Cluster": labels}
    if truth is not None:
        groups["Known label"] = truth.reindex(labels.index)
    left, bottom, side, bar, gap = 0.8, 0.25, 3.6, 0.13, 0.04
    height = bottom + side + (bar + gap) * len(groups) + 0.3
    figure = Figure(figsize=(6.9, height))
    place = _inches(figure)
    image = _consensus_blocks(figure.add_axes(place(left, bottom, side, side)), consensus, labels, order)
    beside, upper, legend_top = left + side + 0.15, bottom + side + (bar + gap) * len(groups), height - 0.05
    for name, values in groups.items():
        colours = palette(subtype_order(values.dropna()))
        upper -= bar
        strip = figure.add_axes(place(left, upper, side, bar))
        _strip(strip, [colours.get(value, MISSING) for value in values.iloc[order]], name)
        upper -= gap
        handles = _group_handles(values, colours)
        corner = place(beside, legend_top, 0, 0)[:2]
        add_legend(figure, handles, title=name, loc="upper left", bbox_to_anchor=corner, **_LEGEND)
        legend_top -= 0.115 * len(handles) + 0.27
    scale = figure.colorbar(image, cax=figure.add_axes(place(beside + 0.05, bottom, 0.09, 0.8)), ticks=[0, 0.5, 1])
    scale.set_label("Consensus")
    scale.outline.set_visible(False)
    figure.axes[1].set_title(f"k = {k}" if np.isnan(pac) else f"k = {k}, PAC = {pac:.2f} (lower is better)")
    return figure


@styled
def choice_of_k(stability: pd.DataFrame, choice: pd.Series, *, chosen_k: int | None = None) -> Figure:
    """What speaks for each k: every criterion over k, with its spread and its value without clusters.

    A grey line marks the suggested k, a dashed one the k in use.

    stability: a row per k with columns k, ari_mean, ari_sd, pac, pac_null, gap, gap_se, eigengap, silhouette,
    prediction_index, prediction_sd, some of them missing or NaN. choice: suggested_k (NaN: none), confidence, evidence.
    """
    stability = stability.sort_values("k")
    criteria = [row for row in CRITERIA if row[0] in stability and stability[row[0]].notna().any()]
    if not criteria:
        return placeholder("No criterion could be computed at any k")
    n_rows = -(-len(criteria) // 3)
    advice = textwrap.wrap(_advice(choice), 125)
    figure = Figure(figsize=(7.1, 1.8 * n_rows + 0.35 + 0.12 * len(advice)), layout="constrained")
    grid = figure.subplots(n_rows, 3, squeeze=False).ravel()
    for axes, (column, title, better, spread, null) in zip(grid, criteria, strict=False):
        _criterion(axes, stability, column, spread, null)
        if pd.notna(choice["suggested_k"]):
            axes.axvline(choice["suggested_k"], color=MISSING, linewidth=4, zorder=0, label="suggested k")
        if chosen_k is not None:
            axes.axvline(chosen_k, color="black", linewidth=0.8, linestyle="--", zorder=1, label="k in use")
        axes.set(title=title, ylabel=better, xlabel="k", xticks=stability["k"])
    for axes in grid[len(criteria) :]:
        axes.set_axis_off()
    handles = {name: handle for axes in grid for handle, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=len(handles))
    figure.suptitle("\n".join(advice), fontsize=7)
    return figure


@styled
def enrichment_figure(survival: pd.DataFrame, enrichment: pd.DataFrame, k: Mapping[str, int]) -> Figure:
    """Do the subtypes differ in survival and in the clinic? A panel per dataset with survival, a point per method.

    As the benchmark shows its methods: the best stand far to the right and high up. The dashed line is P = .05. Points
    that would hide one another are stacked upwards: their count is the whole number below. An arrow marks a P that is
    the least its permutations allow, none of them being as extreme. Named below their panel are methods without a
    p-value, which are not drawn, and those without a known clinical label, drawn at 0.

    survival: columns dataset, method, k, p_permutation, n_permutations. enrichment: columns dataset, method, k,
    n_labels, n_enriched. k: by dataset; those not in it are not drawn.

    References
    ----------
    Rappoport, N., & Shamir, R. (2018). Multi-omic and multi-view clustering algorithms: review and cancer benchmark.
    Nucleic Acids Research 46, 10546-10562.
    """
    keys = ["dataset", "method", "k"]
    points = survival[[*keys, "p_permutation", "n_permutations"]]
    points = points[points["k"] == points["dataset"].map(k)]
    points = points.merge(enrichment[[*keys, "n_labels", "n_enriched"]], on=keys, how="left")
    points = points.fillna({"n_labels": 0, "n_enriched": 0})
    points["x"] = -np.log10(points["p_permutation"])
    points["at_cap"] = np.isclose(points["p_permutation"] * (points["n_permutations"] + 1), 1)
    tested = points.dropna(subset="x")
    if tested.empty:
        return placeholder("No method has a log-rank test of survival")
    datasets, styles = list(dict.fromkeys(tested["dataset"])), method_styles(points["method"])
    named = shown(datasets, 24)
    right = max(1.5, tested["x"].max() * 1.12)
    n_columns = min(4, len(datasets))
    n_rows = -(-len(datasets) // n_columns)
    figure = Figure(figsize=(max(1.45 * n_columns + 1.3, 3.8), max(1.6 * n_rows, 2) + 0.5), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True).ravel()
    for axes, dataset in zip(grid, datasets, strict=False):
        _survival_and_labels(axes, points[points["dataset"] == dataset], styles, _MARKER * right)
        axes.set_title(f"{named[dataset]}\nk = {k[dataset]}", fontsize=7)
    for axes in grid[len(datasets) :]:
        axes.set_axis_off()
    grid[0].set(xlim=(0, right), ylim=(-0.2, max(tested["n_enriched"].max(), 1) + 0.9))
    grid[0].xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    grid[0].yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
    grid[0].yaxis.set_minor_locator(MultipleLocator(1))
    across = "−log$_{10}$ log-rank $P$, by permutation (further right is better)"
    figure.supxlabel(across, fontsize=7, parse_math=True)
    figure.supylabel("Enriched clinical labels (higher is better)", fontsize=7)
    handles = method_handles(styles, linestyle="none", markersize=4)
    if points["at_cap"].any():
        drawn = " or ".join(f"{n:,.0f}" for n in sorted(points.loc[points["at_cap"], "n_permutations"].unique()))
        handles.append(Line2D([], [], **_AT_CAP, label=f"none of {drawn}\npermutations\nas extreme"))
    add_legend(figure, handles, loc="outside right upper", alignment="left")
    return figure


def _leaf_order(consensus: np.ndarray, labels: pd.Series) -> np.ndarray:
    """Positions of the samples: by cluster, inside each in the order of the leaves of average linkage."""
    blocks = []
    for cluster in subtype_order(labels):
        members = np.flatnonzero(labels == cluster)
        if len(members) > 2:
            distances = 1 - np.nan_to_num(consensus[np.ix_(members, members)])
            members = members[leaves_list(linkage(squareform(distances, checks=False), "average"))]
        blocks.append(members)
    return np.concatenate(blocks)


def _consensus_blocks(axes: Axes, consensus: np.ndarray, labels: pd.Series, order: np.ndarray) -> AxesImage:
    """The ordered matrix, a line between clusters."""
    shades = colormaps["Blues"].with_extremes(bad=MISSING)
    image = axes.imshow(np.ma.masked_invalid(consensus)[np.ix_(order, order)], cmap=shades, vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[], xlabel=f"{len(labels)} samples")
    clusters = labels.iloc[order].to_numpy()
    for edge in np.flatnonzero(clusters[1:] != clusters[:-1]) + 0.5:
        axes.axvline(edge, color="black", linewidth=0.4)
        axes.axhline(edge, color="black", linewidth=0.4)
    return image


def _inches(figure: Figure) -> Callable[..., np.ndarray]:
    """Turns (left, bottom, width, height) in inches into shares of `figure`."""
    w, h = figure.get_size_inches()
    return lambda *rectangle: np.array(rectangle) / [w, h, w, h]


def _strip(axes: Axes, colours: list, name: str) -> None:
    axes.imshow([[to_rgb(colour) for colour in colours]], aspect="auto", interpolation="nearest")
    axes.set(xticks=[])
    axes.set_yticks([0], [name])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _group_handles(values: pd.Series, colours: dict) -> list[Patch]:
    """A patch per group with its size; `unknown` where values are missing."""
    sizes, named = values.value_counts(), shown(colours)
    handles = [Patch(color=colour, label=f"{named[group]} ({sizes[group]})") for group, colour in colours.items()]
    if values.isna().any():
        handles.append(Patch(color=MISSING, label=f"unknown ({values.isna().sum()})"))
    return handles


def _criterion(axes: Axes, stability: pd.DataFrame, column: str, spread: str | None, null: str | None) -> None:
    ks, values = stability["k"], stability[column]
    if spread in stability:
        name = "standard error" if spread == "gap_se" else "standard deviation"
        low, high = values - stability[spread], values + stability[spread]
        shade = PALETTE[1] if spread == "gap_se" else PALETTE[5]
        axes.fill_between(ks, low, high, color=shade, alpha=0.4, linewidth=0, label=name)
    if null in stability and stability[null].notna().any():
        axes.plot(ks, stability[null], color=NULL, linestyle=":", marker="s", markersize=2.5, label="without clusters")
    axes.plot(ks, values, color=PALETTE[0], marker="o", markersize=3)


def _advice(choice: pd.Series) -> str:
    if pd.isna(choice["suggested_k"]):
        return f"No k is suggested. {choice['evidence']}"
    return f"Suggested k = {choice['suggested_k']:.0f}, confidence: {choice['confidence']}. {choice['evidence']}"


def _stacked(points: pd.DataFrame, width: float) -> pd.DataFrame:
    """Points less than `width` apart, which would hide one another, set apart upwards: counts are whole numbers."""
    points = points.sort_values(["n_enriched", "x"], kind="stable")
    place = points.groupby(["n_enriched", (points["x"].diff().abs() > width).cumsum()])["method"]
    apart = np.minimum(_APART, _STACK / place.transform("size"))
    return points.assign(n_enriched=points["n_enriched"] + place.cumcount() * apart)


def _survival_and_labels(axes: Axes, points: pd.DataFrame, styles: Mapping[str, dict], width: float) -> None:
    axes.grid(which="both")
    axes.tick_params(which="minor", length=0)
    axes.axvline(-np.log10(ALPHA), color="black", linewidth=0.8, linestyle="--", zorder=1)
    is_tested = points["x"].notna()
    for row in _stacked(points[is_tested], width).itertuples():
        place, style = (row.x, row.n_enriched), styles[row.method] | {"linestyle": "none", "markersize": 4}
        axes.plot(*place, **style, clip_on=False, label=row.method)
        if row.at_cap:
            axes.annotate("→", place, (2.5, 0), textcoords="offset points", va="center_baseline", fontsize=5.5)
    notes = {"not tested": ~is_tested, "no clinical labels": points["n_labels"] == 0}
    lines = [
        note if which.all() else textwrap.fill(f"{note}: {', '.join(points.loc[which, 'method'])}", 32)
        for note, which in notes.items()
        if which.any()
    ]
    axes.set_xlabel("\n".join(lines), fontsize=5.5, color=NULL)
