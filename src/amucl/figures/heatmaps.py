"""Heat maps of patients in groups: scores of gene sets, genes of templates."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from amucl.biology.correction import ALPHA
from amucl.biology.differential import IDS_ARE_FOREIGN
from amucl.biology.enrichment import ids_are_foreign
from amucl.biology.nearest import UNASSIGNED
from amucl.biology.templates import comparable, with_equal_names
from amucl.figures.names import columns, shown
from amucl.figures.style import MISSING, add_legend, palette, placeholder, styled
from amucl.figures.terms import readable_terms
from amucl.labels import subtype_order

_NAMED_ROWS = 60  # more rows than this stay unnamed


@styled
def score_heatmap(scores: pd.DataFrame, labels: pd.Series, table: pd.DataFrame, *, n_top: int = 6) -> Figure:
    """Heat map of the gene sets whose scores are up most in each subtype; patients in columns, by subtype.

    Parameters
    ----------
    scores : samples x sets, of `ssgsea`; shown as z-scores per set, clipped at +-2.
    labels : subtype of each sample.
    table : of `score_tests`. A set that is up in several subtypes stands with that of the largest t.
    """
    if ids_are_foreign(table):
        return placeholder(IDS_ARE_FOREIGN)
    up = table[(table["adj.P.Val"] < ALPHA) & (table["t"] > 0)].sort_values(["t", "term"], ascending=[False, True])
    top = up.drop_duplicates("term").groupby("subtype", sort=False).head(n_top)
    if top.empty:
        return placeholder(f"No gene set's score is up in any subtype (adjusted P < {ALPHA})")
    labels = labels.loc[labels.index.intersection(scores.index)]
    colours = palette(subtype_order(labels))
    rows = top.set_index("term")["subtype"]
    return _grouped_heatmap(scores.loc[labels.index], labels, rows, colours, "Gene set score", readable_terms)


@styled
def template_heatmap(
    expression: pd.DataFrame,
    patients: pd.DataFrame,
    templates: pd.DataFrame,
    subtypes: list,
    reference: pd.DataFrame | None = None,
) -> Figure:
    """Heat map of the templates' genes in new patients, who stand with the subtype they were given.

    Parameters
    ----------
    expression : samples x genes, log2; shown as z-scores per gene, clipped at +-2.
    patients : of `nearest_template`.
    templates : of `subtype_templates`; shown are the genes that are up and that `expression` has.
    subtypes : all there are, so that every figure gives them the same colours.
    reference : as in `amucl.biology.templates.place`: z-scores of few samples are by its means and deviations.
    """
    over = comparable(expression, reference)
    over, _ = with_equal_names(over, templates)
    expression, templates = with_equal_names(expression, templates)
    expression = expression[expression.columns.intersection(over.columns, sort=False)]
    up = templates[(templates["direction"] == "up") & templates["gene"].isin(expression.columns)]
    rows = up.drop_duplicates("gene").set_index("gene")["subtype"]
    given = patients.sort_values("distance", kind="stable").set_index("sample")["subtype"]
    colours = {str(name): colour for name, colour in palette(subtypes).items()} | {UNASSIGNED: MISSING}
    given, rows = given.astype(str), rows.astype(str)
    return _grouped_heatmap(expression.loc[given.index], given, rows, colours, "Template gene", _genes, over)


def _grouped_heatmap(
    values: pd.DataFrame,
    groups: pd.Series,
    rows: pd.Series,
    colours: dict,
    what: str,
    named,
    over: pd.DataFrame | None = None,
) -> Figure:
    """values: samples x features; groups: of the samples; rows: feature -> group; colours: group -> colour.

    over : samples over which features are z-scored; without it over those shown.
    """
    position = {name: i for i, name in enumerate(colours)}
    samples = groups.map(position).sort_values(kind="stable").index
    features = rows.map(position).sort_values(kind="stable").index
    z = values.loc[samples, features].astype(float)
    known = z if over is None else over[features].astype(float)
    z = ((z - known.mean()) / known.std()).clip(-2, 2)
    names = named(features) if len(features) <= _NAMED_ROWS else []
    lines = sum(name.count("\n") + 1 for name in names)
    width, height, side = 4.2, max(0.11 * lines + 0.03 * len(names), 1.5) if names else 4.0, 0.09
    right = 0.35 + 0.044 * max((columns(part) for name in names for part in name.split("\n")), default=0)
    figure = Figure(figsize=(0.4 + width + right + 1.3, height + 0.5))
    w, h = figure.get_size_inches()

    def panel(left: float, bottom: float, wide: float, high: float):
        return figure.add_axes((left / w, bottom / h, wide / w, high / h), xticks=[], yticks=[])

    main = panel(0.3, 0.2, width, height)
    image = main.imshow(z.T, aspect="auto", cmap="RdBu_r", vmin=-2, vmax=2, interpolation="nearest")
    if names:
        main.set_yticks(range(len(names)), names, fontsize=5.5)
        main.yaxis.tick_right()
        main.tick_params(length=0, pad=2)
    main.set_xlabel(f"{len(samples)} patients" + ("" if names else f", {len(features)} genes"))
    strip, edge = panel(0.3, 0.24 + height, width, 0.11), panel(0.3 - side - 0.03, 0.2, side, height)
    strip.imshow(_pixels(groups[samples], colours)[None], aspect="auto", interpolation="nearest")
    edge.imshow(_pixels(rows[features], colours)[:, None], aspect="auto", interpolation="nearest")
    for axes in (main, strip, edge):
        axes.spines[:].set_visible(False)
    for cut in _cuts(groups[samples]):
        main.axvline(cut, color="white", linewidth=1)
    for cut in _cuts(rows[features]):
        main.axhline(cut, color="white", linewidth=1)
    sizes, subtypes = groups.value_counts(), shown(colours)
    handles = [
        Patch(color=colour, label=f"{subtypes[name]} (n = {sizes.get(name, 0)})") for name, colour in colours.items()
    ]
    left, top = 0.3 + width + right, 0.2 + height + 0.15
    corner = (left / w, top / h)
    add_legend(
        figure, handles, title="Subtype", loc="upper left", bbox_to_anchor=corner, alignment="left", borderaxespad=0,
        handlelength=1, handleheight=1, labelspacing=0.25,
    )  # fmt: skip
    bar = figure.colorbar(image, cax=panel(left + 0.05, 0.2, 0.09, 0.6), ticks=[-2, 0, 2])
    bar.ax.set_title(f"{what}\n(z-score)", fontsize=6.5, loc="left")
    bar.outline.set_visible(False)
    return figure


def _genes(genes: pd.Index) -> list[str]:
    return list(shown(genes).values())


def _pixels(groups: pd.Series, colours: dict) -> np.ndarray:
    return np.array([to_rgb(colours[name]) for name in groups])


def _cuts(groups: pd.Series) -> np.ndarray:
    values = groups.to_numpy()
    return np.flatnonzero(values[1:] != values[:-1]) + 0.5
