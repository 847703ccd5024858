import pandas as pd
import pytest
from matplotlib.figure import Figure

from amucl.biology.profile import profiles
from amucl.figures import profile
from amucl.figures.profile import profile_page, write_html, write_pdf
from tests.unit.biology import findings as given


def profiled(clinical, **changed):
    classes = {"FAB": "FAB"} if "FAB" in clinical else {}
    return profiles(given.LABELS, clinical, given.findings(**changed), classes=classes, seed=1, max_permutations=200)


def page(table, subtype, clinical, title="AML: dmacl, k = 3", **more):
    return profile_page(table, subtype, given.LABELS, clinical, title=title, others=[1, 2, 3], **more)


def texts(figure):
    return [text.get_text() for text in figure.texts]


@pytest.fixture(scope="module")
def table():
    return profiled(given.clinical())


def test_a_page_says_where_its_subtypes_are_from(table):
    found, known = (" ".join(texts(page(table, 1, given.clinical(), known=known))) for known in (False, True))
    assert "The subtypes were found in the same omics" in found
    assert "known beforehand, not found by a method" in known
    assert "took no part in the clustering" not in known


def overlaps(figure):
    """Pairs of texts of which one is written over the other."""
    figure.canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent().padded(-0.5)) for text in figure.texts]
    return [(a, b) for i, (a, one) in enumerate(boxes) for b, other in boxes[:i] if one.overlaps(other)]


def test_a_page_tells_what_the_table_does(table):
    shown = texts(page(table, 1, given.clinical()))
    for expected in (
        "Subtype 1", "AML: dmacl, k = 3", "20 of 40 patients (50%)", "FAB: M1", "18/20", "0.82", "U0", "+2.00", "90%",
        "U0 (RUNX1)", "Strong", "+2.5", "Low", "-2.0", "Cell cycle", "12/40", "Cell adhesion", "7/30",
        "p19", "log2 FC",
    ):  # fmt: skip
        assert expected in shown, expected
    assert any("leans to subtype 2" in text for text in shown)
    assert any(text.startswith("How to read this page") for text in shown)


def test_curves_are_the_subtype_against_the_others(table):
    axes = next(axes for axes in page(table, 2, given.clinical()).axes if axes.get_legend())
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert named == ["others (n = 22, 12 died)", "subtype 2 (n = 18, 18 died)"]


@pytest.mark.parametrize("subtype", [1, 2, 3])
def test_no_text_is_written_over_another_or_off_the_page(table, subtype):
    figure = page(table, subtype, given.clinical())
    assert overlaps(figure) == []
    for text in figure.texts:
        box = text.get_window_extent()
        assert min(box.x0, box.y0, figure.bbox.x1 - box.x1) >= 0, text.get_text()


def test_the_fullest_page_fits():
    clinical, long = given.clinical(), "a value with quite a long name that goes on"
    for i in range(7):
        clinical[f"class {i} with a long name"] = clinical["FAB"].map({"M1": f"{long} 1", "M3": f"{long} 2"})
    sites = given.markers("feature", scale="M", genes="ABCDEFGH1;ABCDEFGH2")
    omics = {name: sites.assign(feature="cg00000029_long_name") for name in "abcde"}
    gsea = pd.DataFrame(
        {
            "subtype": 1,
            "collection": "reactome",
            "term": [f"A rather long name of a pathway that takes two lines or more {i}" for i in range(16)],
            "size": 100,
            "NES": [2.5, -2.5] * 8,
            "pval": 1e-30,
            "padj": 1e-30,
        }
    )
    go = pd.concat([gsea.assign(k=100, M=450, odds_ratio=20.0, direction=direction) for direction in ("up", "down")])
    findings = given.findings(omics=omics, gsea=gsea, go=go)
    classes = {name: name for name in clinical if name.startswith("class")}
    table = profiles(given.LABELS, clinical, findings, classes=classes, seed=1, max_permutations=200)
    figure = page(table, 1, clinical)
    assert overlaps(figure) == []
    assert any(text.endswith("…") for text in texts(figure))


def test_a_page_without_anything_says_not_available():
    absent = given.markers().query("subtype == 3").assign(status="no_expression")
    absent = pd.concat([absent.assign(subtype=subtype) for subtype in (1, 2, 3)])
    nothing = pd.DataFrame(index=given.SAMPLES)
    table = profiled(nothing, markers=absent, omics={}, embedding=None, consensus=None)
    shown = " ".join(texts(page(table, 1, nothing)))
    assert shown.count("Not available") == 9


def test_dollars_in_a_name_are_no_formula():
    clinical = given.clinical().assign(FAB=given.clinical()["FAB"].map({"M1": "$\\oops$", "M3": "M3"}))
    figure = page(profiled(clinical), 1, clinical)
    figure.canvas.draw()
    assert "FAB: $\\oops$" in texts(figure)


def test_the_same_pages_give_the_same_bytes(table, tmp_path):
    for name in ("one", "two"):
        figures = {subtype: page(table, subtype, given.clinical()) for subtype in (1, 2)}
        write_pdf(figures.values(), tmp_path / f"{name}.pdf")
        write_html(figures, tmp_path / f"{name}.html")
    for suffix in ("pdf", "html"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (tmp_path / f"two.{suffix}").read_bytes()
    html = (tmp_path / "one.html").read_text()
    assert html.count("data:image/webp;base64,") == 2
    assert 'alt="Subtype 2"' in html
    assert (tmp_path / "one.pdf").read_bytes().startswith(b"%PDF")


def test_names_of_subtypes_are_text_in_the_page(tmp_path):
    figure = Figure(figsize=(1, 1))
    write_html({'<script>"x"</script>': figure}, tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text()
    assert "<script>" not in page
    assert 'alt="Subtype &lt;script&gt;&quot;x&quot;&lt;/script&gt;"' in page


def test_a_page_of_many_subtypes_is_coarser_and_never_larger_than_the_report_shows(table, tmp_path, monkeypatch):
    figures = {subtype: page(table, subtype, given.clinical()) for subtype in (1, 2, 3)}
    write_html(figures, tmp_path / "fine.html")
    fine = (tmp_path / "fine.html").stat().st_size
    monkeypatch.setattr(profile, "LARGEST_PAGE", fine - 1)
    write_html(figures, tmp_path / "coarse.html")
    coarse = (tmp_path / "coarse.html").read_text()
    assert coarse.count("<img") == 3
    assert len(coarse) < fine - 1
    monkeypatch.setattr(profile, "LARGEST_PAGE", fine // 4)
    write_html(figures, tmp_path / "cut.html")
    cut = (tmp_path / "cut.html").read_text()
    assert len(cut) < fine // 4
    assert cut.count("<img") < 3
    assert "Too many for one page" in cut
    assert "in the .pdf" in cut
