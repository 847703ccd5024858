import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb, to_rgba

from amucl.comparison.peers import METHODS as PUBLISHED_METHODS
from amucl.figures.families import FAMILIES
from amucl.figures.metrics import embedding_map, method_styles, metrics_over_k, prediction_map
from amucl.figures.style import MISSING, PALETTE, save_figure
from amucl.methods.registry import METHODS

INTERNAL = ("silhouette", "c_index", "davies_bouldin")


def metrics_table(methods=("dmacl", "pca"), ks=(2, 3, 4), truth=True):
    kinds = [(metric, space) for space in ("embedding", "common") for metric in INTERNAL]
    kinds += [("ari", "truth"), ("nmi", "truth")] if truth else []
    rows = [
        ("toy", method, 1, k, metric, space, len(method) + k + 10 * number)
        for method in methods
        for number, (metric, space) in enumerate(kinds)
        for k in reversed(ks)
    ]
    return pd.DataFrame(rows, columns=["dataset", "method", "seed", "k", "metric", "space", "value"])


def panels(figure):
    return {axes.get_title(): axes for axes in figure.axes if axes.axison}


def test_every_index_has_a_panel_and_says_which_way_is_better():
    found = panels(metrics_over_k(metrics_table(), reference_k=3))
    assert {title: axes.get_ylabel() for title, axes in found.items()} == {
        "Silhouette, own space": "higher is better",
        "C-index, own space": "lower is better",
        "Davies-Bouldin, own space": "lower is better",
        "Silhouette, common space": "higher is better",
        "C-index, common space": "lower is better",
        "Davies-Bouldin, common space": "lower is better",
        "ARI against known labels": "higher is better",
        "NMI against known labels": "higher is better",
    }


def test_every_method_is_a_curve_over_k_and_the_reference_is_marked():
    figure = metrics_over_k(metrics_table(), reference_k=3)
    axes = panels(figure)["C-index, own space"]
    mark, dmacl, pca = axes.lines
    assert list(mark.get_xdata()) == [3, 3]
    assert mark.get_color() == MISSING
    np.testing.assert_array_equal(dmacl.get_xydata(), [[2, 17], [3, 18], [4, 19]])
    np.testing.assert_array_equal(pca.get_xydata(), [[2, 15], [3, 16], [4, 17]])
    assert [line.get_color() for line in (dmacl, pca)] == PALETTE[:2]
    assert dmacl.get_marker() != pca.get_marker()
    assert list(axes.get_xticks()) == [2, 3, 4]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["dmacl", "pca"]


def test_without_known_labels_there_are_six_panels():
    figure = metrics_over_k(metrics_table(truth=False), reference_k=3)
    assert len(panels(figure)) == 6
    assert len(figure.axes) == 6


def test_a_method_without_one_index_keeps_its_colour():
    table = metrics_table()
    table = table[~((table["method"] == "dmacl") & (table["space"] == "embedding"))]
    found = panels(metrics_over_k(table, reference_k=3))
    for axes in found.values():
        curves = {line.get_label(): line.get_color() for line in axes.lines[1:]}
        assert curves == {"dmacl": PALETTE[0], "pca": PALETTE[1]}


def test_more_methods_than_markers():
    table = metrics_table(methods=[f"m{number}" for number in range(12)])
    axes = panels(metrics_over_k(table, reference_k=2))["Silhouette, own space"]
    assert len(axes.lines) == 13


def test_many_methods_are_told_apart_by_family_and_marker():
    names = [*METHODS, *PUBLISHED_METHODS]
    styles = method_styles(names)
    assert set(styles) == set(names)
    looks = {(style["color"], style["marker"], style.get("markerfacecolor")) for style in styles.values()}
    assert len(looks) == len(styles)
    for name, twin in {"lfae": "published-lfAE", "efsvae": "published-efSVAE"}.items():
        assert (styles[name]["color"], styles[name]["marker"]) == (styles[twin]["color"], styles[twin]["marker"])
        assert styles[twin]["markerfacecolor"] == "white"
    assert {styles[name]["color"] for name in ("sglrr", "lrr")} == {FAMILIES["Low rank"][0]}


def test_published_rivals_are_thin_and_grey_below_a_heading():
    table = metrics_table(methods=["published-efAE", "dmacl", "published-efVAE"])
    table = pd.concat([table, table[table["method"] != "dmacl"].assign(space="published")])
    figure = metrics_over_k(table, reference_k=2)
    dmacl, first, second = panels(figure)["Silhouette, own space"].lines[1:]
    assert [line.get_label() for line in (dmacl, first, second)] == ["dmacl", "published-efAE", "published-efVAE"]
    assert dmacl.get_color() == PALETTE[0]
    for line in (first, second):
        red, green, blue = to_rgb(line.get_color())
        assert red == green == blue
        assert line.get_linewidth() < dmacl.get_linewidth()
    assert len(first.get_xdata()) == 3
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["dmacl", "published:", "efAE", "efVAE"]


def test_suggested_k_is_marked_on_the_axis_side_by_side():
    suggested = {"dmacl": 3, "pca": 3, "sglrr": np.nan, "absent": 2}
    table = metrics_table(methods=["dmacl", "pca", "sglrr"])
    figure = metrics_over_k(table, reference_k=2, suggested=suggested)
    for axes in panels(figure).values():
        marks = [line for line in axes.lines if str(line.get_label()).startswith("suggested")]
        assert [line.get_label() for line in marks] == ["suggested k of dmacl", "suggested k of pca"]
        assert [line.get_color() for line in marks] == PALETTE[:2]
        places = [line.get_xdata()[0] for line in marks]
        assert places[0] < 3 < places[1] < 3.2
        assert np.mean(places) == 3
    assert figure.legends[0].get_texts()[-1].get_text() == "suggested k"


@pytest.fixture
def cohort():
    """Three groups on a tilted line in five dimensions, and their labels in another order."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], [4, 5, 6])
    values = truth[:, None] * np.array([3, -4, 0, 12, 5]) + 0.1 * rng.normal(size=(15, 5)) + 7
    samples = [f"s{number}" for number in range(15)]
    labels = pd.Series(truth + 1, index=samples)
    return pd.DataFrame(values, index=samples), labels.sample(frac=1, random_state=0)


def groups(axes):
    return {
        points.get_label(): (to_hex(points.get_facecolors()[0]), np.asarray(points.get_offsets()))
        for points in axes.collections
    }


def test_map_shows_the_principal_plane_and_its_share_of_variance(cohort):
    embedding, labels = cohort
    (axes,) = embedding_map(embedding, labels).axes
    assert axes.get_title() == "Clusters, k = 3"
    assert axes.get_xlabel() == "PC 1 (100%)"
    assert axes.get_ylabel() == "PC 2 (0%)"
    found = groups(axes)
    assert list(found) == ["1 (4)", "2 (5)", "3 (6)"]
    assert [colour.upper() for colour, _ in found.values()] == PALETTE[:3]
    everything = np.vstack([points for _, points in found.values()])
    centred = embedding.to_numpy() - embedding.to_numpy().mean(axis=0)
    _, _, axes_of_data = np.linalg.svd(centred)
    np.testing.assert_allclose(np.abs(everything), np.abs(centred @ axes_of_data[:2].T), atol=1e-9)


def test_labels_are_matched_to_patients_by_name(cohort):
    embedding, labels = cohort
    in_order = groups(embedding_map(embedding, labels.sort_index()).axes[0])
    for name, (_, points) in groups(embedding_map(embedding, labels).axes[0]).items():
        np.testing.assert_array_equal(np.sort(points[:, 0]), np.sort(in_order[name][1][:, 0]))
        assert np.ptp(points[:, 0]) < 2  # a group is tight; mixed labels would span the line


def test_known_labels_stand_beside_and_unknown_ones_are_grey(cohort):
    embedding, labels = cohort
    truth = labels.map({1: "type 10", 2: "type 9", 3: np.nan})
    clusters, known = embedding_map(embedding, labels, truth).axes
    assert known.get_title() == "Known labels"
    found = groups(known)
    assert list(found) == ["unknown", "type 9 (5)", "type 10 (4)"]
    assert to_rgba(found["unknown"][0]) == to_rgba(MISSING)
    assert len(found["unknown"][1]) == 6
    assert [text.get_text() for text in clusters.get_legend().get_texts()] == ["1 (4)", "2 (5)", "3 (6)"]


def test_an_embedding_of_one_dimension_is_drawn_on_a_line(cohort):
    embedding, labels = cohort
    (axes,) = embedding_map(embedding[[3]], labels).axes
    assert axes.get_xlabel() == "PC 1 (100%)"
    for _, points in groups(axes).values():
        assert (points[:, 1] == 0).all()


def test_a_map_of_patients_in_one_place_says_that_its_axes_explain_nothing(cohort):
    embedding, labels = cohort[:2]
    (axes,) = embedding_map(embedding * 0 + 1, labels).axes
    assert "nan" not in axes.get_xlabel() + axes.get_ylabel()
    assert "0 %" in axes.get_xlabel().replace("0%", "0 %")


def test_same_bytes_on_repeat(tmp_path, cohort):
    for number in "12":
        save_figure(metrics_over_k(metrics_table(), reference_k=3), tmp_path / f"metrics{number}.svg")
        save_figure(embedding_map(*cohort, cohort[1]), tmp_path / f"map{number}.svg")
    for name in ("metrics", "map"):
        assert (tmp_path / f"{name}1.svg").read_bytes() == (tmp_path / f"{name}2.svg").read_bytes()


def test_new_patients_stand_among_the_known_ones():
    rng = np.random.default_rng(0)
    known = pd.DataFrame(np.repeat([[0, 0, 0], [9, 0, 0]], 10, axis=0) + rng.normal(size=(20, 3)))
    labels = pd.Series(np.repeat([1, 2], 10))
    new = pd.DataFrame([[0, 0, 0], [9, 0, 0], [90, 0, 0]], index=list("abc"))
    figure = prediction_map(known, labels, new, pd.Series([1, 2, "none"], index=list("abc")))
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["1 (1)", "2 (1)", "none (1)"]
    crosses = axes.collections[1::2] + axes.collections[-1:]
    places = [cross.get_offsets()[0] for cross in (axes.collections[1], axes.collections[3], axes.collections[4])]
    assert abs(places[2][0]) > 5 * abs(places[0][0])
    assert np.sign(places[0][0]) != np.sign(places[1][0])
    assert [to_hex(cross.get_facecolor()[0]) for cross in crosses[:2]] == [to_hex(c) for c in PALETTE[:2]]
    assert to_hex(axes.collections[4].get_facecolor()[0]) == to_hex(MISSING)
