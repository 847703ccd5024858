"""Figures of a low-rank representation: the matrix, its affinity, its solver's convergence, what its weights change."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, PowerNorm, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator
from mpl_toolkits.axes_grid1.axes_divider import AxesDivider, make_axes_locatable

from amucl.figures.names import shown
from amucl.figures.style import MISSING, PALETTE, PowersOfTen, add_legend, palette, placeholder, styled
from amucl.labels import subtype_order

RESIDUALS = {"gap": ("certified gap", "-", "o"), "r1": ("X = XZ + E", "--", "s"), "r2": ("Z = J", ":", "^")}
SYMBOLS = {"lam": "λ", "beta": "β", "gamma": "γ"}  # as in the paper
DOUBT = "#666666"
AGREEMENT = {
    "ari": {"label": "ARI to known labels", "linestyle": "-", "marker": "o", "color": PALETTE[0]},
    "nmi": {"label": "NMI to known labels", "linestyle": "-", "marker": "s", "color": PALETTE[1]},
    "accuracy": {"label": "accuracy to known labels", "linestyle": "-", "marker": "^", "color": PALETTE[2]},
    "ari_to_default": {"label": "ARI to labels at default", "linestyle": "--", "marker": "D", "color": PALETTE[4]},
}
IN_DOUBT = {"linestyle": "", "marker": "o", "markersize": 3.5, "color": DOUBT, "markerfacecolor": "white"}
SIGNED = 0.05  # a smaller share of negative mass off the diagonal is the solver's tolerance


@styled
def affinity_heatmap(affinity: np.ndarray, labels: pd.Series, truth: pd.Series | None = None) -> Figure:
    """Heat map of an (n, n) affinity, samples ordered by cluster (then by true label), under a bar of each.

    Shades follow the square root of the affinity: off the diagonal most of it is small. labels, truth: in the order of
    the affinity's rows; a missing true label is grey.
    """
    return _ordered_heatmap(affinity, labels, truth, "Affinity", cmap="cividis", norm=PowerNorm(0.5, 0, 1))


@styled
def representation_heatmap(Z: np.ndarray, labels: pd.Series, truth: pd.Series | None = None) -> Figure:
    """Heat map of an (n, n) representation, samples ordered as by `affinity_heatmap`.

    White is 0, blue is above, red below. The scale ends at the 99th percentile of |Z| off the diagonal: the diagonal
    would take it all. It is one-sided where Z is non-negative but for the solver's tolerance. labels, truth: in the
    order of the rows of Z.
    """
    off_diagonal = Z[~np.eye(len(Z), dtype=bool)]
    limit = np.percentile(np.abs(off_diagonal), 99) or np.abs(Z).max() or 1.0
    signed = -off_diagonal[off_diagonal < 0].sum() > SIGNED * np.abs(off_diagonal).sum()
    return _ordered_heatmap(
        Z,
        labels,
        truth,
        "Representation Z\n(to the 99th percentile of |Z| off the diagonal)",
        cmap="RdBu" if signed else "Blues",
        norm=Normalize(-limit if signed else 0, limit),
        extend="both" if signed else "max",
    )


@styled
def convergence_plot(history: pd.DataFrame, tol: float) -> Figure:
    """Certified relative gap and constraint residuals by iteration, log scale, above the rank of Z.

    The title says whether all came down to `tol`, the dashed line. A residual that is zero throughout (Z = J where a
    problem needs no copy) is not drawn. history: columns iteration, gap, r1, r2, rank.
    """
    drawn = {column: look for column, look in RESIDUALS.items() if (history[column] > 0).any()}
    figure = Figure(figsize=(3.4, 2.9), layout="constrained")
    axis, ranks = figure.subplots(2, sharex=True, height_ratios=[3, 1])
    for (column, (label, style, marker)), colour in zip(drawn.items(), PALETTE, strict=False):
        axis.plot(history["iteration"], history[column], style, marker=marker, ms=3, color=colour, label=label)
    axis.axhline(tol, color=DOUBT, linestyle=(0, (4, 2)), linewidth=0.8, label=f"wanted: {tol:g}")
    axis.set(yscale="log", ylabel="Relative gap, residuals")
    axis.yaxis.set_major_formatter(PowersOfTen())
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1))
    ranks.plot(history["iteration"], history["rank"], "o-", ms=3, color=PALETTE[0])
    ranks.set(xlabel="Iteration", ylabel="Rank of Z", ylim=(0, 1.15 * max(history["rank"].max(), 1)))
    ranks.xaxis.set_major_locator(MaxNLocator(integer=True))
    for panel in (axis, ranks):
        panel.grid()
    last = history.iloc[-1]
    missed = [f"{label} {last[column]:.2g}" for column, (label, *_) in drawn.items() if not last[column] <= tol]
    if missed:
        said = f"Not converged in {last['iteration']:.0f} iterations:\n{', '.join(missed)}; wanted {tol:g}"
        figure.suptitle(said, color=PALETTE[3])
    else:
        figure.suptitle(f"Converged in {last['iteration']:.0f} iterations")
    return figure


@styled
def sensitivity_figure(table: pd.DataFrame) -> Figure:
    """Agreement of clusters with known labels, and with those at the default, over multiples of each weight.

    One panel a weight, the default a grey band. Open symbols are solutions in doubt, and above the panel stands why:
    not converged, near the identity, of rank 0. Where no clusters could be cut a grey one stands at 0.

    table: as `amucl.comparison.sensitivity.sensitivity_table` makes it.
    """
    if table.empty:
        return placeholder("No weight to vary: the method has none of those asked for, or they are 0")
    drawn = {column: look for column, look in AGREEMENT.items() if table[column].notna().any()}
    panels = list(table.groupby("parameter", sort=False))
    figure = Figure(figsize=(1.6 + 2.0 * len(panels), 2.6), layout="constrained")
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    for axis, (parameter, rows) in zip(axes, panels, strict=True):
        default = rows.loc[rows["factor"] == 1, "value"].item()
        axis.set(xscale="log", xlabel=f"{SYMBOLS[parameter]} / default ({default:.3g})")
        axis.xaxis.set_major_formatter(PowersOfTen())
        _sensitivity_panel(axis, rows, drawn)
    lowest = min(0, table[list(drawn)].min(axis=None)) if drawn else 0
    axes[0].set(ylabel="Agreement", ylim=(lowest - 0.05, 1.05))
    handles = [Line2D([], [], **look, markersize=3.5) for look in drawn.values()]
    handles += [Line2D([], [], **IN_DOUBT, label="in doubt: see above"), Patch(color=MISSING, label="default")]
    add_legend(figure, handles, loc="outside right upper")
    return figure


def _sensitivity_panel(axis: Axes, rows: pd.DataFrame, drawn: dict[str, dict]) -> None:
    """The curves of one weight, white inside where a point is in doubt, and above them why it is."""
    axis.axvline(1, color=MISSING, linewidth=5, zorder=0)
    doubtful = rows[rows["status"] != "ok"]
    for column, look in drawn.items():
        axis.plot(rows["factor"], rows[column], **look, markersize=3.5)
        unlined = {**look, "linestyle": "", "markerfacecolor": "white"}
        axis.plot(doubtful["factor"], doubtful[column], **unlined, markersize=3.5)
    uncut = rows.loc[rows["n_clusters"] == 0, "factor"]
    axis.plot(uncut, np.zeros(len(uncut)), **IN_DOUBT)
    above = {"transform": axis.get_xaxis_transform(), "rotation": 90, "ha": "center", "va": "bottom", "fontsize": 5}
    for factor, status in doubtful[["factor", "status"]].itertuples(index=False):
        axis.text(factor, 1.02, status.replace(", ", ",\n"), **above)
    axis.grid(axis="y")


def _ordered_heatmap(
    matrix: np.ndarray, labels: pd.Series, truth: pd.Series | None, label: str, *, extend: str = "neither", **shades
) -> Figure:
    """An (n, n) matrix with samples ordered by cluster, then by true label, under a bar of each; `shades` to imshow.

    More samples than dots are averaged, not skipped, so that the figure is as small and thin structure does not vanish.
    """
    groups = {"Cluster": labels} if truth is None else {"Cluster": labels, "Known label": truth}
    ranks = [values.map({name: rank for rank, name in enumerate(_names(values))}) for values in groups.values()]
    order = np.lexsort(ranks[::-1])
    figure = Figure(figsize=(5.4, 4.2))
    axis = figure.subplots(gridspec_kw={"left": 0.14, "right": 0.76, "bottom": 0.06, "top": 0.96})
    image = axis.imshow(matrix[np.ix_(order, order)], interpolation="auto", **shades)
    axis.set(xlabel=f"{len(labels)} samples, ordered by cluster", xticks=[], yticks=[])
    beside = make_axes_locatable(axis)
    figure.colorbar(image, cax=beside.append_axes("right", 0.1, pad=0.08), label=label, extend=extend)
    height = 0.97
    for name, values in reversed(groups.items()):
        _bar(beside, name, values.iloc[order])
    for name, values in groups.items():
        colours, named = palette(_names(values)), shown(_names(values))
        handles = [Patch(color=colour, label=named[group]) for group, colour in colours.items()]
        add_legend(figure, handles, title=name, loc="upper left", bbox_to_anchor=(0.9, height))
        height -= 0.09 + 0.04 * len(handles)
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
