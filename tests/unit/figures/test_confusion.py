import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from amucl.clustering.external import confusion
from amucl.errors import AmuclError
from amucl.figures.confusion import confusion_matrices, trust_figure
from amucl.figures.style import PALETTE, save_figure
from amucl.methods.registry import METHODS


@pytest.fixture
def table():
    return confusion([1, 1, 2, 2, 2, 3, 3, 3], ["b", "b", "a", "a", "b", "c", "c", "c"])


def trust(methods=("dmacl", "pca", "noise"), ks=(2, 3)):
    rows = [
        (method, k, 0.1 * number + 0.01 * k, 0.2 - 0.1 * number, 0.1 * k, "collapsed: ..." if number == 2 else "")
        for number, method in enumerate(methods)
        for k in ks
    ]
    columns = ["method", "k", "silhouette_embedding", "silhouette_common", "silhouette_reference", "warning"]
    return pd.DataFrame(rows, columns=columns)


def panels(figure):
    return {axes.get_title(): axes for axes in figure.axes if axes.axison}


def points(axes):
    """Label -> (x, y) of what is drawn as a single point."""
    return {line.get_label(): tuple(line.get_xydata()[0]) for line in axes.lines if len(line.get_xdata()) == 1}


def test_cells_hold_counts_and_shades_show_shares_of_the_class(table):
    figure = confusion_matrices({"pca": table})
    axes = figure.axes[0]
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "2", (0, 1): "1", (1, 1): "2", (2, 2): "3"}
    np.testing.assert_allclose(axes.images[0].get_array(), [[1, 0, 0], [1 / 3, 2 / 3, 0], [0, 0, 1]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a (n = 2)", "b (n = 3)", "c (n = 3)"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "1", "3"]
    assert axes.get_title() == "pca"


def test_counts_are_legible_on_dark_and_light_cells(table):
    colours = {text.get_text(): text.get_color() for text in confusion_matrices({"pca": table}).axes[0].texts}
    assert colours["3"] == "white"
    assert colours["1"] == "black"


def test_counts_of_every_method_stand_beside_their_own_known_label():
    truth = np.repeat(["a", "b", "c"], [4, 8, 6])
    methods = {
        "two": np.repeat([1, 2, 1], [4, 8, 6]),
        "three": np.repeat([3, 1, 2], [4, 8, 6]),
        "five": np.repeat([1, 2, 3, 4, 5], [4, 5, 3, 2, 4]),
    }
    figure = confusion_matrices({method: confusion(labels, truth) for method, labels in methods.items()})
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a (n = 4)", "b (n = 8)", "c (n = 6)"]
    drawn = {
        axes.get_title(): sorted((row, int(text.get_text())) for text in axes.texts for row in [text.get_position()[1]])
        for axes in figure.axes[:3]
    }
    assert drawn == {
        "two": [(0, 4), (1, 8), (2, 6)],
        "three": [(0, 4), (1, 8), (2, 6)],
        "five": [(0, 4), (1, 3), (1, 5), (2, 2), (2, 4)],
    }


def test_rows_in_another_order_are_put_in_that_of_the_first_method(table):
    figure = confusion_matrices({"pca": table, "snf": table.iloc[::-1]})
    first, second = ({text.get_position(): text.get_text() for text in axes.texts} for axes in figure.axes[:2])
    assert first == second


def test_methods_on_other_patients_are_refused(table):
    with pytest.raises(
        AmuclError, match=r"snf: confusion of other patients.*expected a: 2, b: 3, c: 3; got a: 2, b: 3"
    ):
        confusion_matrices({"pca": table, "snf": table.drop(index="c")})


def test_without_known_labels_the_figure_says_so():
    assert confusion_matrices({}).axes[0].texts[0].get_text() == "No sample has a known label"


@pytest.mark.parametrize("n_methods", [2, 5, 13])
def test_every_method_has_a_panel_inside_the_figure(table, n_methods):
    methods = [f"method {number}" for number in range(n_methods)]
    figure = confusion_matrices(dict.fromkeys(methods, table))
    assert [axes.get_title() for axes in figure.axes[:-1]] == methods
    boxes = [axes.get_position() for axes in figure.axes]
    assert all(box.x0 >= 0 and box.x1 <= 1 and box.y0 >= 0 and box.y1 <= 1 for box in boxes)
    for first, second in itertools.pairwise(boxes):
        assert first.x1 < second.x0 or first.y0 > second.y1 or second is boxes[-1]


def test_each_method_stands_at_its_two_silhouettes_in_the_panel_of_k():
    found = panels(trust_figure(trust()))
    assert list(found) == ["k = 2", "k = 3"]
    at = points(found["k = 3"])
    assert at["dmacl"] == pytest.approx((0.03, 0.2))
    assert at["pca"] == pytest.approx((0.13, 0.1))
    assert at["noise"] == pytest.approx((0.23, 0.0))
    _, reference = [line for line in found["k = 3"].lines if len(line.get_xdata()) == 2]
    assert list(reference.get_ydata()) == pytest.approx([0.3, 0.3])


def test_only_warned_methods_are_ringed():
    rows = trust()
    rows.loc[rows["method"] == "pca", "warning"] = np.nan  # as an empty text comes back from a file
    for axes in panels(trust_figure(rows)).values():
        at = points(axes)
        assert set(at) == {"dmacl", "pca", "noise", "noise: warning"}
        assert at["noise: warning"] == at["noise"]


def test_a_method_keeps_its_colour_where_another_is_undefined():
    rows = trust()
    rows.loc[(rows["method"] == "dmacl") & (rows["k"] == 2), "silhouette_common"] = np.nan
    for axes in panels(trust_figure(rows)).values():
        colours = {line.get_label(): to_hex(line.get_color()).upper() for line in axes.lines}
        assert colours["pca"] == PALETTE[1]
    assert "dmacl" not in points(panels(trust_figure(rows))["k = 2"])


def test_without_a_common_space_the_figure_says_so():
    (axes,) = trust_figure(trust().assign(silhouette_common=np.nan)).axes
    assert axes.texts[0].get_text().startswith("No method has silhouettes both in its own")


def test_page_width():
    assert trust_figure(trust(ks=range(2, 11))).get_size_inches()[0] <= 7.2


def test_same_bytes_on_repeat(tmp_path, table):
    for number in "12":
        save_figure(confusion_matrices({"pca": table}), tmp_path / f"confusion{number}.svg")
        save_figure(trust_figure(trust()), tmp_path / f"trust{number}.svg")
    for name in ("confusion", "trust"):
        assert (tmp_path / f"{name}1.svg").read_bytes() == (tmp_path / f"{name}2.svg").read_bytes()


def test_of_many_methods_no_two_look_the_same():
    figure = trust_figure(trust(methods=[*METHODS, "published-lfAE"], ks=(2,)))
    (axes,) = panels(figure).values()
    marks = [line for line in axes.lines if line.get_label() in [*METHODS, "published-lfAE"]]
    assert len(marks) == len(METHODS) + 1
    assert len({(line.get_color(), line.get_marker(), line.get_markerfacecolor()) for line in marks}) == len(marks)
