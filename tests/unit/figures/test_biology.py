import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from amucl.biology.differential import subtype_markers
from amucl.biology.enrichment import GSEA_COLUMNS, ORA_COLUMNS
from amucl.figures.biology import (
    contribution_bars,
    gsea_dotplot,
    kaplan_meier,
    marker_heatmap,
    over_representation_dotplot,
)
from amucl.figures.style import PALETTE, save_figure
from amucl.figures.terms import readable_overview, readable_term
from amucl.labels import subtype_order

SUBTYPES = ["S1", "S2", "S3"]


def cohort(k=3, planted=6, seed=0):
    rng = np.random.default_rng(seed)
    labels = pd.Series([f"S{i % k + 1}" for i in range(12 * k)], index=[f"p{i}" for i in range(12 * k)])
    values = rng.normal(8, 1, (12 * k, 60))
    for i in range(k):
        values[(labels == f"S{i + 1}").to_numpy(), planted * i : planted * (i + 1)] += 4
    expression = pd.DataFrame(values, index=labels.index, columns=[f"GENE{j}" for j in range(60)])
    return expression, labels, subtype_markers(expression, labels)


def enriched(kind, n=8, collections=("hallmark",), subtypes=SUBTYPES):
    rng = np.random.default_rng(1)
    rows = [
        {
            "subtype": subtype,
            "collection": collection,
            "direction": "up",
            "term": f"HALLMARK_{subtype}_{collection}_{i}",
            "k": i + 1, "n": 40, "M": 50, "N": 400, "odds_ratio": 2.0, "genes": "A;B",
            "size": 10 + 5 * i, "ES": 0.5, "NES": rng.uniform(-2, 2), "log2err": 0.1, "tag_pct": 30.0, "gene_pct": 20.0,
            "leading_edge": "A;B", "pval": 10.0 ** -(i + 3), "padj": 10.0 ** -(i + 2),
        }
        for subtype in subtypes
        for collection in collections
        for i in range(n)
    ]  # fmt: skip
    own = ["direction", *ORA_COLUMNS] if kind == "ora" else GSEA_COLUMNS
    return pd.DataFrame(rows, columns=["subtype", "collection", *own])


def texts(figure):
    figure.draw_without_rendering()
    return [t.get_text() for t in figure.findobj(Text) if t.get_visible() and t.get_text()]


def overlapping_labels(figure):
    """Pairs of y tick labels, on any axes, whose boxes overlap by more than a fifth of a line."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    labels = [t for axes in figure.axes for t in axes.get_yticklabels() if t.get_text() and t.get_visible()]
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in labels]
    return [
        (a, b)
        for (a, first), (b, second) in itertools.combinations(boxes, 2)
        if first.x0 < second.x1
        and second.x0 < first.x1
        and min(first.y1, second.y1) - max(first.y0, second.y0) > 0.2 * min(first.height, second.height)
    ]


@pytest.mark.parametrize("k", [2, 3, 7])
def test_heatmap_shows_each_subtypes_genes_and_samples_in_blocks(k, tmp_path):
    expression, labels, markers = cohort(k)
    figure = marker_heatmap(expression, labels, markers, n_top=5)
    main = figure.axes[0]
    genes = [label.get_text() for label in main.get_yticklabels()]
    assert len(genes) == 5 * k
    for block in range(k):
        shown = genes[5 * block : 5 * block + 5]
        assert {int(gene.removeprefix("GENE")) // 6 for gene in shown} == {block}
        table = markers[markers["subtype"] == f"S{block + 1}"].set_index("gene")
        assert list(table.loc[shown, "logFC"]) == sorted(table.loc[shown, "logFC"], reverse=True)
    image = main.images[0].get_array()
    assert image.shape == (5 * k, 12 * k)
    assert (np.abs(image) <= 2).all()
    assert image[:5, :12].mean() > 0.8
    assert image[:5, 12:].mean() < -0.2
    assert not overlapping_labels(figure)
    save_figure(figure, tmp_path / "heatmap.png")


def test_heatmap_has_clinical_bars():
    expression, labels, markers = cohort()
    bars = pd.DataFrame(
        {
            "Sex": ["male", "female", None] * 12,
            "Age": np.linspace(20, 80, 36),
            "Site": [f"site {i}" for i in range(36)],
        },
        index=labels.index,
    )
    bars["subtype"] = ["theirs", "others"] * 18
    shown = texts(marker_heatmap(expression, labels, markers, bars.drop("p5")))
    assert shown.count("Subtype") == 2, "the bar and its legend"
    assert shown.count("known: subtype") == 2
    assert {"Sex", "Age", "Site", "male", "female", "missing", "other", "S1 (n = 12)", "z-score"} <= set(shown)


def test_what_a_marker_is_may_be_set():
    expression, labels, markers = cohort()
    limit = markers["logFC"].nlargest(4).iloc[-1]
    figure = marker_heatmap(expression, labels, markers, n_top=50, min_logfc=limit)
    assert len(figure.axes[0].get_yticklabels()) == 3
    (text,) = texts(marker_heatmap(expression, labels, markers, alpha=1e-300))
    assert text == "No gene is up-regulated in any subtype (adjusted P < 1e-300)"


def test_a_gene_of_two_subtypes_is_shown_once():
    expression, labels, _ = cohort()
    expression["GENE0"] = (labels != "S3") * 5.0 + expression["GENE0"] * 0.1
    figure = marker_heatmap(expression, labels, subtype_markers(expression, labels))
    genes = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert len(genes) == len(set(genes))


@pytest.mark.parametrize("kind", ["ora", "gsea"])
def test_dotplot_shows_the_top_terms_by_subtype(kind, tmp_path):
    draw = over_representation_dotplot if kind == "ora" else gsea_dotplot
    figure = draw(enriched(kind), n_top=4)
    panels = [axes for axes in figure.axes if axes.collections and axes.get_yticklabels()[0].get_text()]
    panels = [axes for axes in panels if "hallmark" in axes.get_yticklabels()[0].get_text()]
    assert len(panels) == 3
    for axes, subtype in zip(panels, SUBTYPES, strict=True):
        labels = [label.get_text() for label in axes.get_yticklabels()]
        assert labels == [f"{subtype} hallmark {i}" for i in (4, 5, 6, 7)]
        np.testing.assert_allclose(axes.collections[0].get_offsets()[:, 0], [6, 7, 8, 9])
    assert not overlapping_labels(figure)
    assert "[hallmark]" not in " ".join(texts(figure))
    several = texts(draw(enriched(kind, collections=("hallmark", "kegg"))))
    assert any("[kegg]" in text for text in several)
    save_figure(figure, tmp_path / "dots.pdf")


def test_terms_of_genes_that_are_down_are_not_drawn():
    table = enriched("ora", n=2, subtypes=["S1"]).assign(direction=["up", "down"])
    shown = texts(over_representation_dotplot(table))
    assert [term for term in ("S1 hallmark 0", "S1 hallmark 1") if term in shown] == ["S1 hallmark 0"]


def test_gsea_colours_are_red_for_up_and_blue_for_down():
    table = enriched("gsea", n=2, subtypes=["S1"]).assign(NES=[2.0, -2.0])
    red, blue = gsea_dotplot(table).axes[-1].collections[0].get_facecolors()
    assert red[0] > 0.3 > red[2]
    assert blue[2] > 0.3 > blue[0]


def test_dotplot_names_subtypes_without_terms_and_keeps_their_colours():
    table = enriched("ora", subtypes=["S1", "S3"])
    figure = over_representation_dotplot(table, subtypes=SUBTYPES)
    assert "No significant set: S2" in texts(figure)
    faces = {patch.get_facecolor() for axes in figure.axes for patch in axes.patches}
    as_hex = {"#{:02X}{:02X}{:02X}".format(*(round(255 * c) for c in face[:3])) for face in faces}
    assert {PALETTE[0], PALETTE[2]} <= as_hex
    assert PALETTE[1] not in as_hex


def test_kaplan_meier_steps_and_numbers_at_risk(tmp_path):
    time = pd.Series([1.0, 2, 3, 4, 2, 4, 6, np.nan], index=list("abcdefgh"))
    event = pd.Series([1, 1, 0, 1, 0, 1, 0, 1], index=time.index)
    labels = pd.Series(["x", "x", "x", "x", "y", "y", "y", "y"], index=time.index)
    figure = kaplan_meier(time, event, labels, 1.2e-5, unit="months")
    shown = texts(figure)
    assert {"x (n = 4, 3 events)", "y (n = 3, 1 events)", "Time (months)"} <= set(shown)
    assert "log-rank $P$ = 1.2 × 10$^{-5}$" in shown
    curves = {line.get_label(): line for line in figure.axes[0].lines}
    steps = curves["x (n = 4, 3 events)"]
    at = dict(zip(steps.get_xdata(), steps.get_ydata(), strict=True))
    assert (at[1.0], at[2.0], at[3.0], at[4.0]) == pytest.approx((0.75, 0.5, 0.5, 0.0))
    risk = [(t.get_position(), t.get_text()) for t in figure.axes[1].texts if t.get_text().isdigit()]
    assert ((0.0, 0), "4") in risk
    assert ((2.0, 0), "3") in risk
    assert ((4.0, 1), "2") in risk
    save_figure(figure, tmp_path / "km.svg")


@pytest.mark.parametrize(
    ("p_permutation", "expected"),
    [
        (0.0176, "log-rank $P$ = 1.2 × 10$^{-5}$ (permutation 0.018)"),
        (4e-5, "log-rank $P$ = 1.2 × 10$^{-5}$ (permutation 4.0 × 10$^{-5}$)"),
        (np.nan, "log-rank $P$ = 1.2 × 10$^{-5}$"),
    ],
)
def test_kaplan_meier_shows_both_p_values(p_permutation, expected):
    time = pd.Series([1.0, 2, 3, 4], index=list("abcd"))
    labels = pd.Series([1, 1, 2, 2], index=time.index)
    figure = kaplan_meier(time, time * 0 + 1, labels, 1.2e-5, p_permutation=p_permutation)
    assert expected in texts(figure)


@pytest.mark.parametrize(
    ("figure", "message"),
    [
        (lambda: gsea_dotplot(enriched("gsea", n=0)), "No gene set is enriched"),
        (lambda: over_representation_dotplot(enriched("ora").assign(padj=0.4)), "No gene set is over-represented"),
        (
            lambda: marker_heatmap(*cohort(planted=0)[:2], cohort(planted=0)[2].assign(**{"adj.P.Val": 1.0})),
            "No gene is",
        ),
        (lambda: kaplan_meier(*[pd.Series([np.nan] * 2)] * 2, pd.Series(["a", "b"])), "No survival data"),
    ],
)
def test_nothing_to_show_says_so(figure, message):
    (text,) = texts(figure())
    assert message in text


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("HALLMARK_TNFA_SIGNALING_VIA_NFKB", "TNFα signaling via NF-κB"),
        ("HALLMARK_UV_RESPONSE_DN", "UV response down"),
        ("HALLMARK_IL6_JAK_STAT3_SIGNALING", "IL6 JAK STAT3 signaling"),
        ("KEGG_MTOR_SIGNALING_PATHWAY", "mTOR signaling pathway"),
        ("REACTOME_CELL_CYCLE", "Cell cycle"),
        ("neutrophil degranulation (GO:0043312)", "Neutrophil degranulation"),
        ("mRNA splicing, via spliceosome (GO:0000398)", "mRNA splicing, via spliceosome"),
        ("My own set", "My own set"),
    ],
)
def test_readable_terms(term, expected):
    assert readable_term(term) == expected


def test_long_terms_are_wrapped_and_shortened():
    lines = readable_term("REACTOME_" + "_".join(["REGULATION"] * 20)).split("\n")
    assert len(lines) == 2
    assert all(len(line) <= 42 for line in lines)
    assert lines[-1].endswith("…")


def test_order_of_subtypes_is_natural():
    assert subtype_order(pd.Series(["S10", "S9"])) == ["S9", "S10"]


def test_the_overview_is_readable():
    table = pd.DataFrame(
        {"subtype": [1, 2], "top_markers": ["NKX2-3; A_B", ""], "top_go": ["cell adhesion (GO:0000001)", ""],
         "top_gsea_up": ["HALLMARK_HYPOXIA; KEGG_CALCIUM_SIGNALING_PATHWAY", ""], "top_gsea_down": ["", ""]}
    )  # fmt: skip
    shown = readable_overview(table)
    assert shown.loc[0, "top_gsea_up"] == "Hypoxia; Calcium signaling pathway"
    assert shown.loc[0, "top_go"] == "Cell adhesion"
    assert shown["top_markers"].equals(table["top_markers"])
    assert shown.loc[1, "top_go"] == ""


def test_contributions_show_the_top_features_of_each_subtype():
    rows = [
        (subtype, "rna", f"G{subtype}{rank}", 1 / rank, 0.5 / rank, "up" if rank % 2 else "down", rank)
        for subtype in (1, 2)
        for rank in range(1, 16)
    ]
    columns = ["subtype", "omic", "feature", "contribution", "share", "direction", "rank"]
    figure = contribution_bars(pd.DataFrame(rows, columns=columns), n_top=4)
    assert [axes.get_title() for axes in figure.axes] == ["Subtype 1", "Subtype 2"]
    for number, axes in enumerate(figure.axes, start=1):
        names = [label.get_text() for label in axes.get_yticklabels()]
        assert names == [f"G{number}{rank} (rna)" for rank in range(1, 5)]
        assert [bar.get_width() for bar in axes.patches] == [0.5 / rank for rank in range(1, 5)]
        up, down = axes.patches[0].get_facecolor(), axes.patches[1].get_facecolor()
        assert up[0] > up[2]
        assert down[0] < down[2]
