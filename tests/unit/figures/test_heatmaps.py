import numpy as np
import pandas as pd

from amucl.biology.differential import subtype_markers
from amucl.biology.nearest import UNASSIGNED, nearest_template
from amucl.biology.single_sample import score_tests
from amucl.biology.templates import subtype_templates
from amucl.figures.heatmaps import score_heatmap, template_heatmap
from amucl.figures.style import PALETTE, save_figure
from tests.unit.biology.test_templates import drawn, tried


def images(figure):
    return [axes.images[0].get_array() for axes in figure.axes if axes.images]


def texts(figure):
    return [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]


def test_scores_stand_with_their_subtype():
    scores, labels = drawn()
    scores = scores.iloc[:, :60].rename(columns={"g000": "HALLMARK_DNA_REPAIR"})
    figure = score_heatmap(scores, labels, score_tests(scores, labels), n_top=3)
    shown = images(figure)[0]
    assert shown.shape == (9, 36)
    assert shown[:3, :12].mean() > 0.5
    assert shown[3:6, 12:24].mean() > 0.5
    assert np.abs(shown).max() <= 2
    assert "a (n = 12)" in texts(figure)


def test_nothing_up_is_said():
    scores = pd.DataFrame(np.random.default_rng(0).normal(size=(12, 4)), columns=list("wxyz"))
    labels = pd.Series([1, 2] * 6)
    for some in (scores, scores[[]]):
        figure = score_heatmap(some, labels, score_tests(some, labels))
        assert any("No gene set" in text for text in texts(figure))


def test_new_patients_stand_with_the_template_they_follow(tmp_path):
    templates = subtype_templates(subtype_markers(*drawn()))
    expression, _ = drawn(seed=2, n=48, strange=12)
    patients = nearest_template(expression, templates, tried(), seed=1).patients
    figure = template_heatmap(expression, patients, templates, ["a", "b", "c"])
    strip = images(figure)[1]
    assert strip.shape[:2] == (1, 48)
    n_unassigned = (patients["subtype"] == UNASSIGNED).sum()
    assert f"{UNASSIGNED} (n = {n_unassigned})" in texts(figure)
    assert PALETTE[0] == "#0072B2"
    np.testing.assert_allclose(np.asarray(strip[0, 0]) * 255, [0x00, 0x72, 0xB2])
    for name in ("one.png", "two.png"):
        save_figure(figure, tmp_path / name)
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "two.png").read_bytes()


def test_a_patient_alone_is_shown_by_the_reference():
    reference, _ = drawn()
    templates = subtype_templates(subtype_markers(*drawn()))
    alone = drawn(seed=2)[0].head(1)
    patients = nearest_template(alone, templates, tried(), seed=1, reference=reference).patients
    shown = np.asarray(images(template_heatmap(alone, patients, templates, ["a", "b", "c"], reference))[0])
    z = ((alone - reference.mean()) / reference.std()).clip(-2, 2)
    up = templates[templates["direction"] == "up"].drop_duplicates("gene")
    np.testing.assert_allclose(np.sort(shown.ravel()), np.sort(z[up["gene"]].to_numpy().ravel()))
