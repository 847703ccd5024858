"""Figures of what makes each subtype itself: markers, over-represented and enriched gene sets, survival.

Each function returns a figure; where there is nothing to show, the figure says so.
"""

from __future__ import annotations

import itertools
import textwrap

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle
from matplotlib.ticker import MaxNLocator, PercentFormatter

from amucl.biology.correction import ALPHA
from amucl.biology.differential import significant
from amucl.biology.survival import complete_survival
from amucl.figures.names import columns, shown
from amucl.figures.style import MISSING, add_legend, ink, palette, placeholder, styled
from amucl.figures.terms import readable_terms
from amucl.labels import subtype_order

_SUBTYPE = "Subtype"
_ROW = 0.105  # inches per gene
_GAP = 0.06
_LEGEND_ROW, _LEGEND_HEAD = 0.104, 0.27
_MAX_LEVELS = 10
_OTHER = "#999999"
_BAR_MAPS = ["viridis", "magma", "YlGnBu", "copper", "PuRd"]  # ordered, so safe for colour-blind readers


@styled
def marker_heatmap(
    expression: pd.DataFrame,
    labels: pd.Series,
    markers: pd.DataFrame,
    bars: pd.DataFrame | None = None,
    *,
    n_top: int = 10,
    alpha: float = ALPHA,
    min_logfc: float = 0.0,
) -> Figure:
    """Heat map of the `n_top` significant genes of each subtype that are up-regulated most (largest logFC).

    Parameters
    ----------
    expression : samples x genes, log2; shown as z-scores per gene, clipped at +-2.
    labels : subtype of each sample.
    markers : table of `subtype_markers`. A gene that marks several subtypes stands with the one of largest logFC.
    bars : clinical columns by sample, drawn above: text as classes, numbers as a scale, missing in grey. One that is
        called like the bar of the subtypes, in whatever case, is named as known.
    alpha, min_logfc : what makes a gene significant, as in `amucl.biology.differential.significant`.
    """
    top = _top_markers(markers[significant(markers, alpha=alpha, min_logfc=min_logfc)], n_top)
    if top.empty:
        return placeholder(f"No gene is up-regulated in any subtype (adjusted P < {alpha:g})")
    labels = labels.loc[labels.index.intersection(expression.index)]
    z = _z_scores(expression.loc[labels.index, top["gene"]])
    samples = _samples_by_subtype(z, labels, top)
    z, labels = z.loc[samples], labels.loc[samples]
    colours = palette(subtype_order(labels))
    sizes, named = labels.value_counts(), shown(colours)
    legends = [(_SUBTYPE, [Patch(color=c, label=f"{named[name]} (n = {sizes[name]})") for name, c in colours.items()])]
    shades = {}
    bars = pd.DataFrame(index=samples) if bars is None else bars.reindex(samples)
    titles = shown(bars.columns)
    for (column, values), cmap in zip(bars.items(), itertools.cycle(_BAR_MAPS)):
        name = f"known: {column}" if str(column).casefold() == _SUBTYPE.casefold() else titles[column]
        shades[name], handles = _bar_colours(values, colormaps[cmap].resampled(256))
        legends.append((name, handles))

    width, side, bar = 4.6, 0.09, 0.11
    height = _ROW * len(top)
    above = (bar + 0.03) * (1 + len(shades))
    foot = 0.2 + max(0, _legends_height(legends) - height - above)
    genes = list(shown(top["gene"]).values())
    beside = [0.052 * columns(gene) for gene in genes] + [0.062 * columns(name) for name in (_SUBTYPE, *shades)]
    left = 0.3 + width + 0.25 + max(beside)
    figure = Figure(figsize=(max(width + 2.6, left + 1.6), foot + height + above + 0.1))
    main = _axes_in_inches(figure, 0.3, foot, width, height)
    image = main.imshow(z.T, aspect="auto", cmap="RdBu_r", vmin=-2, vmax=2, interpolation="nearest")
    main.set_yticks(range(len(top)), genes, fontsize=5.5, fontstyle="italic")
    main.yaxis.tick_right()
    main.tick_params(length=0, pad=2)
    main.set_xticks([])
    main.set_xlabel(f"{len(samples)} samples")
    main.spines[:].set_visible(False)
    for edge in _block_edges(labels):
        main.axvline(edge, color="white", linewidth=1)
    for edge in _block_edges(top["subtype"]):
        main.axhline(edge, color="white", linewidth=1)
    _colour_strip(
        _axes_in_inches(figure, 0.3 - side - 0.03, foot, side, height), top["subtype"].map(colours), vertical=True
    )
    bottom = foot + height + 0.04
    strip = _axes_in_inches(figure, 0.3, bottom, width, bar)
    _colour_strip(strip, labels.map(colours), name=_SUBTYPE)
    _name_blocks(strip, labels, colours, width / len(samples))
    for name, colouring in shades.items():
        bottom += bar + 0.03
        _colour_strip(_axes_in_inches(figure, 0.3, bottom, width, bar), colouring, name=name)
    _stacked_legends(figure, legends, left, foot + height + above, image)
    return figure


@styled
def over_representation_dotplot(table: pd.DataFrame, *, n_top: int = 5, subtypes: list | None = None) -> Figure:
    """Dot plot of the `n_top` most significant terms of each subtype's up-regulated genes, one panel a subtype.

    x: -log10 adjusted P; size: genes of the subtype in the term (k); colour: their share of its genes (k / n).
    `table` is one of `subtype_over_representation`; its terms of down-regulated genes are left out. `subtypes` are all
    there are, so that one without a term is named and every other figure gives them the same colours (default: those of
    the table).
    """
    top = _top_terms(table[table["direction"] == "up"], n_top)
    if top.empty:
        return placeholder(f"No gene set is over-represented among the genes up in any subtype (adjusted P < {ALPHA})")
    top = top.assign(colour=top["k"] / top["n"], area=top["k"])
    scale = Normalize(0, top["colour"].max())
    colours = palette(subtype_order(table["subtype"]) if subtypes is None else subtypes)
    return _dotplot(top, colours, ScalarMappable(scale, "viridis_r"), colour_label="Gene ratio", size_label="Genes")


@styled
def gsea_dotplot(table: pd.DataFrame, *, n_top: int = 6, subtypes: list | None = None) -> Figure:
    """Dot plot of the `n_top` most significant gene sets of each subtype, up and down, one panel a subtype.

    x: -log10 adjusted P; colour: normalised enrichment score (NES), red for up; size: genes in the set.
    `table` is one of `subtype_gsea`; `subtypes` as in `over_representation_dotplot`.
    """
    top = _top_terms(table, n_top)
    if top.empty:
        return placeholder(f"No gene set is enriched in any subtype (adjusted P < {ALPHA})")
    limit = top["NES"].abs().max()
    top = top.assign(colour=top["NES"], area=top["size"])
    colours = palette(subtype_order(table["subtype"]) if subtypes is None else subtypes)
    scale = Normalize(-limit, limit)
    return _dotplot(top, colours, ScalarMappable(scale, "RdBu_r"), colour_label="NES", size_label="Set size")


@styled
def kaplan_meier(
    time: pd.Series,
    event: pd.Series,
    labels: pd.Series,
    p: float | None = None,
    *,
    p_permutation: float | None = None,
    unit: str = "days",
) -> Figure:
    """Kaplan-Meier curves of the subtypes, censoring marked, with the numbers at risk below.

    `time`, `event` and `labels` as in `amucl.biology.survival.logrank`; `p` is its asymptotic p-value, `p_permutation`
    that of `permutation_logrank`.
    """
    known = complete_survival(time, event, labels)
    if known.empty:
        return placeholder("No survival data")
    colours = palette(subtype_order(labels.dropna()))
    groups = {name: known[known["label"] == name] for name in colours}
    groups = {name: group for name, group in groups.items() if len(group)}

    row = 0.14
    below = row * len(groups) + 0.6
    figure = Figure(figsize=(5.2, below + 2.7))
    axes = _axes_in_inches(figure, 0.9, below, 3.0, 2.6)
    named, curves = shown(groups), []
    for name, group in groups.items():
        label = f"{named[name]} (n = {len(group)}, {int(group['event'].sum())} events)"
        curves.append(survival_curve(axes, group, colours[name], label))
    axes.set(
        ylim=(0, 1.03), xlim=(0, known["time"].max() * 1.03), ylabel="Survival probability", xlabel=f"Time ({unit})"
    )
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    if p is not None and np.isfinite(p):
        permuted = p_permutation is not None and np.isfinite(p_permutation)
        text = f"log-rank $P$ = {_p_text(p)}" + (f" (permutation {_p_text(p_permutation)})" if permuted else "")
        axes.text(0.98, 0.97, text, transform=axes.transAxes, ha="right", va="top", parse_math=True)
    look = {"loc": "upper left", "bbox_to_anchor": (1.02, 1), "alignment": "left", "borderaxespad": 0}
    add_legend(axes, curves, title="Subtype", **look)
    _numbers_at_risk(_axes_in_inches(figure, 0.9, 0.05, 3.0, row * len(groups)), groups, colours, axes)
    return figure


@styled
def contribution_bars(table: pd.DataFrame, *, n_top: int = 10) -> Figure:
    """The `n_top` features that speak most for each subtype, one panel a subtype; red is up in it, blue down.

    table: of `feature_contributions`. An omic stands behind the feature's name.
    """
    subtypes = list(dict.fromkeys(table["subtype"]))
    named = shown(subtypes, 34)
    n_columns = min(3, len(subtypes))
    n_rows = -(-len(subtypes) // n_columns)
    figure = Figure(figsize=(2.9 * n_columns, 0.5 + 0.15 * n_top * n_rows + 0.4 * n_rows), layout="constrained")
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True).ravel()
    for axes, subtype in zip(panels, subtypes, strict=False):
        top = table[table["subtype"] == subtype].head(n_top)
        axes.barh(range(len(top)), top["share"], color=top["direction"].map({"up": "#c0392b", "down": "#2c6fbb"}))
        axes.set_yticks(range(len(top)), list(_features(top).values()), fontsize=5.5)
        axes.invert_yaxis()
        axes.set_title(f"Subtype {named[subtype]}")
        axes.tick_params(labelbottom=True)
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=1))
    for axes in panels[len(subtypes) :]:
        axes.set_visible(False)
    figure.supxlabel("Share of what the network goes by", fontsize=7)
    return figure


def _features(rows: pd.DataFrame) -> dict:
    """Row -> its feature with the omic behind it."""
    pairs = list(zip(rows["feature"].astype(str), rows["omic"], strict=True))
    features = shown([feature for feature, _ in pairs])
    return {place: f"{features[feature]} ({omic})" for place, (feature, omic) in enumerate(pairs)}


def _top_markers(markers: pd.DataFrame, n_top: int) -> pd.DataFrame:
    """Rows of the genes to show, by subtype and then by logFC; each gene once. All of `markers` are significant."""
    up = markers[markers["logFC"] > 0]
    best = up.sort_values(["logFC", "gene"], ascending=[False, True]).drop_duplicates("gene")
    top = best.groupby("subtype", sort=False).head(n_top)
    position = {subtype: i for i, subtype in enumerate(subtype_order(top["subtype"]))}
    return top.sort_values("subtype", key=lambda s: s.map(position), kind="stable", ignore_index=True)


def _z_scores(expression: pd.DataFrame) -> pd.DataFrame:
    return ((expression - expression.mean()) / expression.std()).clip(-2, 2)


def _samples_by_subtype(z: pd.DataFrame, labels: pd.Series, top: pd.DataFrame) -> list:
    """Samples subtype by subtype, in each the ones that show its markers most first."""
    samples = []
    for subtype in subtype_order(labels):
        members = labels.index[labels == subtype]
        score = z.loc[members, top.loc[top["subtype"] == subtype, "gene"]].mean(axis=1).fillna(0)
        samples.extend(score.sort_values(ascending=False, kind="stable").index)
    return samples


def _block_edges(sequence: pd.Series) -> np.ndarray:
    values = sequence.to_numpy()
    return np.flatnonzero(values[1:] != values[:-1]) + 0.5


def _axes_in_inches(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    w, h = figure.get_size_inches()
    return figure.add_axes((left / w, bottom / h, width / w, height / h))


def _colour_strip(axes: Axes, colours, *, name: str | None = None, vertical: bool = False) -> None:
    pixels = np.array([to_rgb(colour) for colour in colours])
    axes.imshow(pixels[:, None] if vertical else pixels[None, :], aspect="auto", interpolation="nearest")
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    if name is not None:
        axes.yaxis.tick_right()
        axes.set_yticks([0], [name])
        axes.tick_params(length=0, pad=2)


def _name_blocks(axes: Axes, labels: pd.Series, colours: dict, inches_per_sample: float) -> None:
    named = shown(colours)
    for name, colour in colours.items():
        members = np.flatnonzero(labels == name)
        if len(members) * inches_per_sample < 0.07 * columns(named[name]):
            continue
        middle = members.mean()
        axes.text(middle, 0, named[name], ha="center", va="center", color=ink(colour), fontsize=6, fontweight="bold")


def _bar_colours(values: pd.Series, cmap: Colormap) -> tuple[list, list[Patch]]:
    """A colour per sample for one clinical column, and the legend's handles."""
    known = values.dropna()
    if pd.api.types.is_numeric_dtype(values) and known.nunique() > _MAX_LEVELS:
        scale = Normalize(known.min(), known.max())
        shades = [MISSING if pd.isna(value) else cmap(scale(value)) for value in values]
        handles = [Patch(color=cmap(scale(v)), label=f"{v:.3g}") for v in np.quantile(known, [0, 0.5, 1])]
    else:
        levels = subtype_order(pd.Series(known.value_counts().index[:_MAX_LEVELS]))
        colours = dict(zip(levels, cmap(np.linspace(0.12, 0.92, len(levels))), strict=True))
        shades = [MISSING if pd.isna(value) else colours.get(value, _OTHER) for value in values]
        handles = [Patch(color=colours[level], label=name) for level, name in shown(levels).items()]
        if known.nunique() > _MAX_LEVELS:
            handles.append(Patch(color=_OTHER, label="other"))
    if len(known) < len(values):
        handles.append(Patch(color=MISSING, label="missing"))
    return shades, handles


def _legends_height(legends: list) -> float:
    """Inches that `_stacked_legends` takes, its colour bar included."""
    return sum(_LEGEND_ROW * len(handles) + _LEGEND_HEAD for _, handles in legends) + 0.75


def _stacked_legends(figure: Figure, legends: list, left: float, top: float, image) -> None:
    w, h = figure.get_size_inches()
    for title, handles in legends:
        add_legend(
            figure,
            handles,
            title=title,
            loc="upper left",
            bbox_to_anchor=(left / w, top / h),
            alignment="left",
            borderaxespad=0,
            handlelength=1,
            handleheight=1,
            labelspacing=0.25,
        )
        top -= _LEGEND_ROW * len(handles) + _LEGEND_HEAD
    bar = figure.colorbar(image, cax=_axes_in_inches(figure, left + 0.05, top - 0.75, 0.09, 0.6), ticks=[-2, 0, 2])
    bar.ax.set_title("z-score", fontsize=6.5, loc="left")
    bar.outline.set_visible(False)


def _top_terms(table: pd.DataFrame, n_top: int) -> pd.DataFrame:
    significant = table[table["padj"] < ALPHA].sort_values(["padj", "pval", "term"])
    return significant.groupby("subtype", sort=False).head(n_top)


def _dotplot(
    top: pd.DataFrame, colours: dict, shading: ScalarMappable, *, colour_label: str, size_label: str
) -> Figure:
    """Panels of dots, one a subtype, that share the x axis; `top` has the columns colour and area."""
    present = [subtype for subtype in colours if (top["subtype"] == subtype).any()]
    row, left, width, low = 0.235, 2.6, 2.5, 0.5
    named = shown(colours, 30)
    heights = [max(row * (top["subtype"] == s).sum() + 0.06, 0.065 * columns(named[s]) + 0.1) for s in present]
    upper = low + max(sum(heights) + _GAP * (len(present) - 1), 2.3)
    figure = Figure(figsize=(left + width + 1.4, upper + 0.1))
    top = top.assign(x=-np.log10(top["padj"].clip(lower=1e-300)), label=_term_labels(top))
    area = _dot_area(top["area"])
    _dot_legends(figure, top["area"], area, shading, colour_label, size_label, left + width + 0.4)
    for subtype, height in zip(present, heights, strict=True):
        upper -= height
        axes = _axes_in_inches(figure, left, upper, width, height)
        rows = top[top["subtype"] == subtype].sort_values("x", kind="stable")
        _dots(axes, rows, area, shading)
        middle, half = (len(rows) - 1) / 2, height / row / 2
        axes.set(xlim=(0, top["x"].max() * 1.08), ylim=(middle - half, middle + half))
        axes.tick_params(axis="x", labelbottom=subtype == present[-1])
        _facet_label(axes, named[subtype], colours[subtype], width)
        upper -= _GAP
    axes.set_xlabel("−log$_{10}$ adjusted $P$", parse_math=True)
    absent = [named[subtype] for subtype in colours if subtype not in present]
    if absent:
        note = textwrap.fill(f"No significant set: {', '.join(absent)}", 80)
        axes.annotate(
            note, (1, 0), (0, -26), "axes fraction", "offset points", ha="right", va="top", color="#666666", fontsize=6
        )
    return figure


def _dots(axes: Axes, rows: pd.DataFrame, area, shading: ScalarMappable) -> None:
    axes.grid()
    axes.scatter(
        rows["x"],
        range(len(rows)),
        s=area(rows["area"]),
        c=shading.to_rgba(rows["colour"]),
        edgecolors="#444444",
        linewidths=0.4,
        clip_on=False,
    )
    axes.set_yticks(range(len(rows)), rows["label"])
    axes.tick_params(axis="y", length=0)


def _term_labels(table: pd.DataFrame) -> list[str]:
    """Readable terms; the collection stands behind where there are several."""
    if len(table["collection"].unique()) == 1:
        return readable_terms(table["term"])
    named = shown(table["collection"], 24)
    pairs = zip(readable_terms(table["term"], 34), table["collection"], strict=True)
    return [f"{term}  [{named[collection]}]" for term, collection in pairs]


def _dot_area(sizes: pd.Series):
    """Size in points squared, linear between the smallest and the largest of `sizes`."""
    low, high = sizes.min(), sizes.max()
    return lambda values: 14 + 66 * (np.asarray(values, dtype=float) - low) / max(high - low, 1)


def _facet_label(axes: Axes, name: str, colour: str, width: float) -> None:
    axes.add_patch(
        Rectangle((1.015, 0), 0.16 / width, 1, transform=axes.transAxes, color=colour, clip_on=False, linewidth=0)
    )
    axes.text(
        1.015 + 0.08 / width, 0.5, name, transform=axes.transAxes, rotation=270,
        ha="center", va="center", color=ink(colour), fontsize=6.5, fontweight="bold",
    )  # fmt: skip


def _dot_legends(
    figure: Figure, sizes: pd.Series, area, shading: ScalarMappable, colour_label: str, size_label: str, left: float
) -> None:
    w, h = figure.get_size_inches()
    values = [
        v for v in MaxNLocator(3, integer=True).tick_values(sizes.min(), sizes.max()) if sizes.min() <= v <= sizes.max()
    ]
    handles = [
        Line2D([], [], linestyle="", marker="o", color=_OTHER, markeredgecolor="#444444", markeredgewidth=0.4,
               markersize=np.sqrt(area(value)), label=f"{value:.0f}")
        for value in values or [sizes.max()]
    ]  # fmt: skip
    add_legend(
        figure, handles, title=size_label, loc="upper left", bbox_to_anchor=(left / w, 1 - 0.1 / h),
        alignment="left", borderaxespad=0, labelspacing=0.7,
    )  # fmt: skip
    top = h - 0.55 - 0.16 * len(handles)
    bar = figure.colorbar(shading, cax=_axes_in_inches(figure, left + 0.05, top - 0.8, 0.09, 0.8))
    bar.ax.set_title(colour_label, fontsize=6.5, loc="left")
    bar.outline.set_visible(False)
    bar.locator = MaxNLocator(5)
    bar.update_ticks()


def survival_curve(axes: Axes, group: pd.DataFrame, colour: str, label: str) -> Line2D:
    """Draw the Kaplan-Meier curve of patients (columns time, event), and return it; ticks are those censored."""
    from lifelines import KaplanMeierFitter  # half a second that other figures need not wait

    curve = KaplanMeierFitter().fit(group["time"], group["event"]).survival_function_.iloc[:, 0]
    (line,) = axes.step([0, *curve.index], [1, *curve], where="post", color=colour, label=label)
    censored = np.sort(group.loc[group["event"] == 0, "time"].unique())
    axes.plot(censored, curve.loc[censored], "|", color=colour, markersize=4, markeredgewidth=0.8)
    return line


def _numbers_at_risk(axes: Axes, groups: dict, colours: dict, curves: Axes) -> None:
    """One row of counts a group, below the ticks of the axes with the curves."""
    ticks = [tick for tick in curves.get_xticks() if 0 <= tick <= curves.get_xlim()[1]]
    axes.set(xlim=curves.get_xlim(), ylim=(len(groups) - 0.5, -0.5), xticks=[])
    axes.set_yticks(range(len(groups)), list(shown(groups).values()))
    axes.tick_params(length=0, pad=14)
    axes.spines[:].set_visible(False)
    for row, (label, (name, group)) in enumerate(zip(axes.get_yticklabels(), groups.items(), strict=True)):
        label.set(color=colours[name], fontweight="bold")
        for tick in ticks:
            axes.text(tick, row, str((group["time"] >= tick).sum()), ha="center", va="center", fontsize=6)
    axes.annotate("At risk", (0, 1), (-14, 1), "axes fraction", "offset points", ha="right", va="bottom", fontsize=6.5)


def _p_text(p: float) -> str:
    if p >= 0.001:
        return f"{p:.2g}"
    mantissa, exponent = f"{p:.1e}".split("e")
    return f"{mantissa} × 10$^{{{int(exponent)}}}$"
