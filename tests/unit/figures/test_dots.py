import itertools

import numpy as np
import pandas as pd
import pytest

from amucl.comparison.peers import METHODS as PUBLISHED_METHODS
from amucl.comparison.printed import printed_metrics
from amucl.figures.dots import methods_on_dataset, methods_over_datasets
from amucl.figures.families import FAMILIES
from amucl.figures.style import save_figure
from amucl.methods.registry import METHODS

INTERNAL = ("c_index", "silhouette", "davies_bouldin")
KINDS = [(metric, space) for space in ("embedding", "common") for metric in INTERNAL]
TRUTH = [("ari", "truth"), ("nmi", "truth")]


def metrics_table(datasets, methods, ks=(2, 5), kinds=(*KINDS, *TRUTH)):
    """Values that differ in every cell."""
    cells = itertools.product(datasets, methods, ks, kinds)
    rows = [(dataset, method, k, metric, space) for dataset, method, k, (metric, space) in cells]
    table = pd.DataFrame(rows, columns=["dataset", "method", "k", "metric", "space"])
    return table.assign(value=np.random.default_rng(0).permutation(len(table)) / len(table))


def dots(axes):
    """Method -> (value, row, is filled) of each of its marks."""
    found = {}
    for line in axes.lines:
        if not line.get_label().startswith("_"):
            (point,) = line.get_xydata()
            filled = line.get_markerfacecolor() == line.get_color()
            found.setdefault(line.get_label(), []).append((*point, filled))
    return found


def rows(axes):
    return dict(zip([label.get_text() for label in axes.get_yticklabels()], axes.get_yticks(), strict=True))


def test_a_dataset_has_a_panel_for_every_index_and_a_row_for_every_method():
    table = metrics_table(["toy"], METHODS)
    figure = methods_on_dataset(table, k=5)
    assert [axes.get_title() for axes in figure.axes] == [
        "C-index\nown space\nlower is better",
        "Silhouette\nown space\nhigher is better",
        "Davies-Bouldin\nown space\nlower is better",
        "ARI\nagainst known labels\nhigher is better",
        "C-index\ncommon space\nlower is better",
        "Silhouette\ncommon space\nhigher is better",
        "Davies-Bouldin\ncommon space\nlower is better",
        "NMI\nagainst known labels\nhigher is better",
    ]
    places = rows(figure.axes[0])
    assert set(places) == set(METHODS)
    at_k = table[table["k"] == 5].set_index(["metric", "space", "method"])["value"].sort_index()
    for axes, kind in zip(figure.axes, [*KINDS[:3], TRUTH[0], *KINDS[3:], TRUTH[1]], strict=True):
        values = at_k.loc[kind]
        assert dots(axes) == {method: [(values[method], places[method], True)] for method in METHODS}


def test_what_others_published_is_hollow_and_beside_ours():
    table = metrics_table(["equal_5"], [*METHODS, *PUBLISHED_METHODS])
    table = pd.concat([table, printed_metrics({"equal_5": "equal_5"})])
    figure = methods_on_dataset(table, k=5)
    axes = figure.axes[0]
    places, found = rows(axes), dots(axes)
    assert set(places) == {*METHODS, "lstmvae"}
    assert not any(filled for name, marks in found.items() if name.startswith("published") for _, _, filled in marks)
    assert found["published-efVAE"][0][1] == places["efvae"]
    assert {row for _, row, _ in found["published-mmdVAE"]} == {places["lfmmdvae"], places["efmmdvae"]}
    assert found["published-DMACL"] == [(0.005, places["dmacl-published"], False)]
    (diamond,) = [line for line in axes.lines if line.get_label() == "published-DMACL"]
    assert diamond.get_marker() == "D"
    legend = [text.get_text() for text in figure.legends[0].get_texts()]
    assert legend == [*FAMILIES, "run here", "published embedding, judged alike", "printed in the AMUCL paper"]
    small = methods_on_dataset(metrics_table(["toy"], ["pca"]), k=5)
    assert [text.get_text() for text in small.legends[0].get_texts()] == ["Factors", "run here"]


def test_the_best_family_is_on_top_and_in_it_the_best_method():
    methods = ["pca", "kmeans", "nmf", "snf"]
    ranks = {"snf": 1, "nmf": 2, "kmeans": 3, "pca": 4}
    table = metrics_table(["toy"], methods)
    better = table["metric"].isin(["silhouette", "ari", "nmi"]).map({True: -1, False: 1})
    figure = methods_on_dataset(table.assign(value=better * table["method"].map(ranks)), k=5)
    assert list(rows(figure.axes[0])) == ["snf", "nmf", "pca", "kmeans"]
    bottom, top = figure.axes[0].get_ylim()
    assert bottom > top


def test_datasets_are_panels_of_one_scale_each_at_its_own_k():
    table = metrics_table(["a", "b", "c"], ["dmacl", "pca"], ks=(2, 3))
    table.loc[(table["dataset"] == "b") & (table["method"] == "pca"), "value"] = np.nan
    table.loc[table["dataset"] == "c", "value"] = np.nan
    figure = methods_over_datasets(table, "silhouette", "common", ks={"a": 3, "b": 2, "c": 2})
    first, second = figure.axes
    assert [axes.get_title() for axes in (first, second)] == ["a\nk = 3", "b\nk = 2"]
    assert figure.get_suptitle() == "Silhouette, common space: higher is better"
    value = table.query(
        "dataset == 'a' and method == 'pca' and k == 3 and metric == 'silhouette' and space == 'common'"
    )
    assert dots(first)["pca"][0][0] == value["value"].item()
    assert set(dots(second)) == {"dmacl"}
    assert first.get_xlim() == second.get_xlim()


def test_the_first_method_is_a_line_to_compare_with():
    figure = methods_over_datasets(metrics_table("ab", ["dmacl", "pca"]), "c_index", "embedding", ks={"a": 2, "b": 2})
    for axes in figure.axes:
        (line,) = [line for line in axes.lines if line.get_label().startswith("_")]
        assert list(line.get_xdata()) == [dots(axes)["dmacl"][0][0]] * 2
        assert line.get_color() == FAMILIES["DMACL"][0]


def test_without_known_labels_there_are_the_internal_indices():
    assert len(methods_on_dataset(metrics_table(["toy"], ["pca"], kinds=KINDS), k=2).axes) == 6


def test_nothing_to_draw_is_said():
    table = metrics_table(["toy"], ["pca"])
    for figure in (methods_on_dataset(table, k=9), methods_over_datasets(table, "ari", "truth", ks={"toy": 9})):
        assert "no values" in figure.axes[0].texts[0].get_text()


@pytest.mark.parametrize("n_datasets", [1, 4, 6, 13, 18])
def test_figures_fit_on_a_page_and_are_the_same_bytes_again(n_datasets, tmp_path):
    datasets = [f"dataset{number}" for number in range(n_datasets)]
    table = metrics_table(datasets, [*METHODS, *PUBLISHED_METHODS], ks=(2,), kinds=KINDS[:1])
    for name in ("1", "2"):
        figure = methods_over_datasets(table, "c_index", "embedding", ks=dict.fromkeys(datasets, 2))
        width, height = figure.get_size_inches()
        assert width <= 7.2
        assert height <= 10
        save_figure(figure, tmp_path / f"{name}.svg")
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()
