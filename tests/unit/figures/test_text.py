"""Names of people's making in every figure: none is lost, read as markup, or a reason to fail."""

import functools
import inspect
import logging
import re
import unicodedata
import warnings
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Patch
from matplotlib.text import Text

from amucl.biology.profile import profiles
from amucl.figures import (
    biology,
    comparison,
    confusion,
    dots,
    fonts,
    heatmaps,
    lowrank,
    metrics,
    profile,
    shades,
    stability,
    style,
    sweep,
    training,
)
from amucl.figures.names import LONGEST, columns, plain, shortened, shown
from amucl.figures.style import STYLE, add_legend, save_figure
from amucl.figures.terms import readable_terms
from tests.unit.biology import findings as given

NAMES = [
    "_none",
    "$20k-$40k",
    r"$x^{ \alpha_",
    "100% / 'a' \"b\" <c> & #1\\n",
    "two\nlines\tand a tab",
    "高危",
    "عالي",
    "גבוה",
    "🧬 e\u0301",
    "x" * 160 + " responder",
    "x" * 160 + " other",
]
N = 6 * len(NAMES)
SAMPLES = [f"_s{i}$" for i in range(N)]
CLASSES = pd.Series(np.repeat(NAMES, 6), index=SAMPLES)
CLUSTERS = pd.Series(np.tile([1, 2, 3], N // 3), index=SAMPLES)
GENES = [f"${i}^{{_" for i in range(2)] + [f"_{name}" for name in NAMES]
RNG = np.random.default_rng(0)
EXPRESSION = pd.DataFrame(RNG.normal(size=(N, len(GENES))), index=SAMPLES, columns=GENES)
EMBEDDING = pd.DataFrame(RNG.normal(size=(N, 3)), index=SAMPLES)
TIME = pd.Series(np.arange(1, N + 1), index=SAMPLES)
EVENT = pd.Series(np.tile([0, 1], N // 2), index=SAMPLES)


def of_classes(**more):
    return pd.DataFrame({"subtype": NAMES, **more})


MARKERS = of_classes(gene=GENES[2:], logFC=2.0, **{"adj.P.Val": 1e-6})
SETS = of_classes(
    term=[f"$SET_{name}$" for name in NAMES], collection=["$a_", "_b"] * 5 + ["_b"], pval=1e-6, padj=1e-5, NES=2.0,
    size=range(10, 21), direction="up", k=3, n=9,
)  # fmt: skip
SCORES = pd.DataFrame(RNG.normal(size=(N, len(NAMES))), index=SAMPLES, columns=SETS["term"])
SCORED = of_classes(term=SETS["term"], t=4.0, **{"adj.P.Val": 1e-6})
TEMPLATES = of_classes(gene=GENES[2:], direction="up")
PATIENTS = pd.DataFrame({"sample": SAMPLES, "subtype": CLASSES.to_numpy(), "distance": 0.1})
FEATURES = of_classes(feature=GENES[2:], omic="mRNA", share=0.01, direction="up")
CONSENSUS = pd.DataFrame(np.eye(N), index=SAMPLES, columns=SAMPLES)
MATRIX = np.eye(N) + 0.01

# name -> figure, and how many entries its largest legend has to have
FIGURES = {
    "consensus_heatmap": (lambda: stability.consensus_heatmap(CONSENSUS, CLUSTERS, CLASSES, k=3), len(NAMES)),
    "confusion_matrices": (lambda: confusion.confusion_matrices({"pca": pd.crosstab(CLASSES, CLUSTERS)}), 0),
    "embedding_map": (lambda: metrics.embedding_map(EMBEDDING, CLUSTERS, CLASSES), len(NAMES)),
    "prediction_map": (lambda: metrics.prediction_map(EMBEDDING, CLASSES, EMBEDDING, CLASSES), len(NAMES) + 1),
    "score_heatmap": (lambda: heatmaps.score_heatmap(SCORES, CLASSES, SCORED), len(NAMES)),
    "template_heatmap": (lambda: heatmaps.template_heatmap(EXPRESSION, PATIENTS, TEMPLATES, NAMES), len(NAMES) + 1),
    "marker_heatmap": (
        lambda: biology.marker_heatmap(EXPRESSION, CLASSES, MARKERS, CLASSES.head(30).to_frame("$ER_/PR$\n")),
        len(NAMES),
    ),
    "over_representation_dotplot": (lambda: biology.over_representation_dotplot(SETS, subtypes=NAMES), 1),
    "gsea_dotplot": (lambda: biology.gsea_dotplot(SETS, subtypes=NAMES), 1),
    "kaplan_meier": (lambda: biology.kaplan_meier(TIME, EVENT, CLASSES, 1e-5, p_permutation=1e-4), len(NAMES)),
    "contribution_bars": (lambda: biology.contribution_bars(FEATURES), 0),
    "affinity_heatmap": (lambda: lowrank.affinity_heatmap(MATRIX, CLUSTERS, CLASSES), len(NAMES)),
    "representation_heatmap": (lambda: lowrank.representation_heatmap(MATRIX, CLUSTERS, CLASSES), len(NAMES)),
    "profile_page": (lambda: page("_none"), 2),
    "placeholder": (lambda: style.placeholder("no $x^{ in _a"), 0),
}
# Figures of methods and datasets, whose names are the program's and plain words.
OF_PLAIN_WORDS = {
    "choice_of_k", "enrichment_figure", "trust_figure", "metrics_over_k", "shades_over_k", "loss_curves",
    "convergence_plot", "sensitivity_figure", "critical_difference", "radar", "methods_on_dataset",
    "methods_over_datasets", "sweep_figure", "indices_over_k",
}  # fmt: skip
MODULES = (
    biology,
    comparison,
    confusion,
    dots,
    heatmaps,
    lowrank,
    metrics,
    profile,
    shades,
    stability,
    style,
    sweep,
    training,
)


STYLED = functools.partial(matplotlib.rc_context, STYLE)
MATH = re.compile(r"log-rank \$P\$ = |−log\$_\{10\}\$ ")  # the figures' own markup


def page(subtype: str) -> Figure:
    named = dict(zip((1, 2, 3), (subtype, *NAMES[-2:]), strict=True))
    labels, clinical = given.LABELS.map(named), given.clinical()
    table = profiles(given.LABELS, clinical, given.findings(), classes={"FAB": "FAB"}, seed=1, max_permutations=200)
    table["subtype"] = table["subtype"].map(named)
    table["item"] = table["item"].replace({"p19": "_$x^{", "U0": "$_"})
    table["note"] = table["note"].replace({str(number): name for number, name in named.items()})
    return profile.profile_page(table, subtype, labels, clinical, title="$t_", others=list(named.values()))


def all_texts(figure: Figure) -> list[Text]:
    figure.draw_without_rendering()
    return [text for text in figure.findobj(Text) if text.get_text()]


def largest_legend(figure: Figure) -> list[str]:
    legends = [[text.get_text() for text in legend.get_texts()] for legend in figure.findobj(Legend)]
    return max(legends, key=len, default=[])


@pytest.fixture(params=FIGURES)
def drawn(request, caplog):
    make, n_entries = FIGURES[request.param]
    with warnings.catch_warnings(), fonts.quiet():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="Glyph")
        return request.param, make(), n_entries


def test_every_figure_function_is_tried():
    public = {
        name
        for module in MODULES
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and inspect.signature(function).return_annotation == "Figure"
    }
    assert public - OF_PLAIN_WORDS == set(FIGURES)


@pytest.mark.situation(
    "classes called $20k-$40k, _none, 高危, set names with a dollar sign",
    right="every class in its legend, nothing read as markup",
    before="no legend entry, drawn as mathematics, dot plots crashed",
)
def test_every_class_has_its_entry(drawn):
    _, figure, n_entries = drawn
    entries = largest_legend(figure)
    assert len(entries) >= n_entries
    if n_entries >= len(NAMES):
        assert len(set(entries)) == len(entries)
        for written in shown(NAMES).values():
            assert any(entry == written or entry.startswith(f"{written} (") for entry in entries), written


@pytest.mark.situation(
    "classes called $20k-$40k, _none, 高危, set names with a dollar sign",
    right="every class in its legend, nothing read as markup",
    before="no legend entry, drawn as mathematics, dot plots crashed",
)
def test_no_name_is_read_as_markup(drawn):
    _, figure, _ = drawn
    with STYLED(), fonts.written(figure):
        texts = all_texts(figure)
    assert [t.get_text() for t in texts if t.get_parse_math() and not MATH.match(t.get_text())] == []
    for text in texts:
        assert "x" * LONGEST not in text.get_text()
        assert not any(unicodedata.category(c) == "Cc" for c in text.get_text().replace("\n", ""))


@pytest.mark.situation(
    "classes called $20k-$40k, _none, 高危, set names with a dollar sign",
    right="every class in its legend, nothing read as markup",
    before="no legend entry, drawn as mathematics, dot plots crashed",
)
@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_every_figure_can_be_saved(drawn, suffix, tmp_path):
    _, figure, _ = drawn
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        save_figure(figure, tmp_path / f"a.{suffix}")
    assert (tmp_path / f"a.{suffix}").stat().st_size > 1000


def test_no_figure_makes_a_legend_by_itself():
    """`add_legend` keeps what matplotlib leaves out."""
    for module in MODULES:
        code = Path(module.__file__).read_text(encoding="utf-8")
        code = code.replace(inspect.getsource(add_legend), "")
        plain_words = 'axis.legend(loc="upper left", bbox_to_anchor=(1, 1))'  # of solvers' residuals
        assert not re.search(
            r"\.legend\(", code.replace(plain_words, "").replace(_OF_CRITERIA, "").replace(_OF_SWEEP, "")
        )


_OF_CRITERIA = "figure.legend(handles.values(), handles.keys()"
_OF_SWEEP = "figure.legend(*figure.axes[0].get_legend_handles_labels()"


def test_a_legend_keeps_labels_as_they_are():
    with STYLED():
        legend = add_legend(Figure(), [Patch(label=label) for label in ("_none", "", "$a$", "b")])
    assert [text.get_text() for text in legend.get_texts()] == ["_none", "", "$a$", "b"]


def test_powers_of_ten_without_markup():
    with STYLED():
        axes = Figure().subplots()
        axes.set(yscale="log", ylim=(1e-4, 1e2))
        axes.yaxis.set_major_formatter(style.PowersOfTen())
        axes.figure.draw_without_rendering()
        texts = [label.get_text() for label in axes.get_yticklabels()]
    assert {"10⁻³", "10⁰", "10¹"} <= set(texts)
    assert not any("$" in text for text in texts)


def test_names_are_one_line():
    assert plain(" a\r\nb\tc\x00\x1b\u202e ") == "a b c"
    assert plain("e\u0301") == "é"
    assert plain("_a") == "_a"


def test_a_width_counts_columns():
    assert [columns(text) for text in ("abc", "高危", "e\u0301x")] == [3, 4, 2]


def test_long_names_keep_both_ends():
    text = shortened("a" * 100 + "z" * 100, 20)
    assert columns(text) <= 20
    assert re.fullmatch("a+…z+", text)
    assert columns(shortened("高" * 100, 21)) <= 21
    assert shortened("short", 20) == "short"


def test_names_that_would_be_shown_alike_stay_apart():
    middle = ["x" * 80 + word + "y" * 80 for word in ("resp", "none")]
    written = shown([*middle, "a\nb", "a b", "a b (1)", "高" * 90, "高" * 91])
    assert len(set(written.values())) == 7
    assert "resp" in written[middle[0]]
    assert "none" in written[middle[1]]
    assert max(map(columns, written.values())) <= LONGEST + 4
    assert list(written) == [*middle, "a\nb", "a b", "a b (1)", "高" * 90, "高" * 91]


def test_names_that_are_not_text():
    assert shown([1, 2, 10]) == {1: "1", 2: "2", 10: "10"}


def test_terms_of_one_short_name_stay_apart():
    terms = readable_terms(["HALLMARK_" + "LONG_" * 40 + end for end in "AB"] + ["KEGG_MYC", "GO_"])
    assert len(set(terms)) == 4
    assert terms[2:] == ["MYC", "GO_"]


def a_figure(name: str) -> Figure:
    with STYLED():
        figure = Figure(figsize=(2, 1))
        figure.text(0.1, 0.5, name)
        figure.text(0.1, 0.1, "plain")
    return figure


@pytest.fixture
def font(monkeypatch):
    """Tells which files the machine's fonts are; what was found before is forgotten."""

    def installed(*files):
        monkeypatch.setattr(fonts, "_candidates", lambda: list(files))
        for name in ("_told", "_used"):
            monkeypatch.setattr(fonts, name, type(getattr(fonts, name))())
        fonts._families.cache_clear()

    yield installed
    fonts._families.cache_clear()


def test_characters_that_no_font_has_are_named_once(font, tmp_path, caplog):
    font()
    with warnings.catch_warnings(), caplog.at_level(logging.WARNING):
        warnings.simplefilter("error")
        for suffix in ("png", "pdf", "svg"):
            save_figure(a_figure("高危高 🧬"), tmp_path / f"a.{suffix}")
    (told,) = caplog.messages
    assert "boxes for 危 高 🧬: no installed font has them" in told
    assert "Noto Sans CJK" in told
    assert fonts.fonts_used() == {}


def test_a_font_is_taken_where_it_is_needed_only(font, tmp_path, caplog):
    """STIX has letters that DejaVu Sans lacks: it stands for a font that a machine happens to have."""
    stix = next(entry for entry in font_manager.fontManager.ttflist if Path(entry.fname).name == "STIXGeneral.ttf")
    own = fonts._opened(stix.fname)[1] - fonts._default_characters()
    letter = min(c for c in own if unicodedata.category(c)[0] in "LS")
    font(str(tmp_path / "broken.ttf"), stix.fname)
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    figure = a_figure(f"a{letter}")
    with caplog.at_level(logging.WARNING):
        for suffix in ("png", "pdf", "svg"):
            save_figure(figure, tmp_path / f"a.{suffix}")
    assert [text.get_fontfamily() for text in figure.texts] == [["DejaVu Sans", "STIXGeneral"], ["DejaVu Sans"]]
    assert list(fonts.fonts_used()) == ["STIXGeneral"]
    assert caplog.messages == []
    assert b"STIXGeneral" in (tmp_path / "a.pdf").read_bytes()


def test_what_is_not_seen_needs_no_font(font, tmp_path, caplog):
    font()
    figure = a_figure("a\U000e0041b\x00c\x1b")
    with caplog.at_level(logging.WARNING):
        save_figure(figure, tmp_path / "a.svg")
    assert figure.texts[0].get_text() == "abc"
    assert caplog.messages == []
