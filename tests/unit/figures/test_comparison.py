import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from amucl.comparison.ranking import rank_methods
from amucl.figures.comparison import RIVAL, critical_difference, radar
from amucl.figures.families import FAMILIES
from amucl.figures.metrics import GREYS
from amucl.figures.style import PALETTE, save_figure
from amucl.methods.registry import METHODS

KINDS = [(metric, "common") for metric in ("c_index", "silhouette", "davies_bouldin")] + [("ari", "truth")]


def metrics_table(datasets, methods, ks=(2, 3), known=()):
    """Values that differ in every cell; ARI only of the datasets in `known`."""
    cells = itertools.product(datasets, methods, ks, KINDS)
    rows = [
        (dataset, method, 1, k, metric, space)
        for dataset, method, k, (metric, space) in cells
        if space != "truth" or dataset in known
    ]
    table = pd.DataFrame(rows, columns=["dataset", "method", "seed", "k", "metric", "space"])
    return table.assign(value=np.random.default_rng(0).permutation(len(table)) / len(table))


def ranks_of(mean_ranks, difference=np.nan, *, n_blocks=8):
    table = pd.DataFrame({"method": list(mean_ranks), "mean_rank": list(mean_ranks.values())})
    return table.assign(
        metric="c_index", space="common", ranking="own", n_blocks=n_blocks, n_methods=len(table), friedman_p=0.0123,
        critical_difference=difference, n_ranked=6 * n_blocks, n_dropped=0, status="ok",
    )  # fmt: skip


def texts(axes):
    return [text.get_text() for text in axes.texts]


def lines(axes, label):
    return [line for line in axes.lines if line.get_label() == label]


def test_diagram_puts_every_method_at_its_mean_rank_the_best_on_the_left():
    ranks = ranks_of({"pca": 3.5, "dmacl": 1.25, "kmeans": 3.25, "published-efAE": 2}, difference=1.5)
    figure = critical_difference(ranks)
    (axes,) = figure.axes
    for method, rank in zip(ranks["method"], ranks["mean_rank"], strict=True):
        (line,) = lines(axes, method)
        assert list(line.get_xdata()[:2]) == [rank, rank]
        assert line.get_xdata()[2] == (1 if rank < 3 else 4)
    assert texts(axes) == [
        "critical difference 1.50", "dmacl  1.25", "published-efAE  2.00", "3.25  kmeans", "3.50  pca",
    ]  # fmt: skip
    assert [text.get_color() for text in axes.texts[1:]] == ["black", RIVAL, "black", "black"]
    assert axes.get_title() == "C-index, common space (lower is better)\nFriedman $P$ = 0.012"
    assert axes.get_xlabel() == "Mean rank over 8 datasets (1 is best)"
    (scale,) = lines(axes, "critical difference")
    assert np.ptp(scale.get_xdata()) == 1.5


@pytest.mark.parametrize(
    ("mean_ranks", "joined"),
    [
        ([1, 2, 3, 4], [(1, 2), (2, 3), (3, 4)]),
        ([1, 1.5, 2, 4], [(1, 2)]),
        ([1, 2.5, 4], []),
        ([1, 1.6, 2.2, 3.6, 5.2], [(1, 2.2), (2.2, 3.6)]),
        ([1, 3, 3.2], [(3, 3.2)]),
    ],
)
def test_bars_join_the_largest_groups_that_do_not_differ(mean_ranks, joined):
    """A difference as large as the critical one is significant, one below is not."""
    ranks = ranks_of(dict(zip("abcde", mean_ranks, strict=False)), difference=1.5)
    (axes,) = critical_difference(ranks).axes
    found = lines(axes, "clique")
    assert [tuple(line.get_xdata()) for line in found] == [pytest.approx(ends, abs=0.05) for ends in joined]
    assert len({line.get_ydata()[0] for line in found}) == len(found)


def test_without_a_test_the_mean_ranks_are_dots_the_best_on_top():
    (axes,) = critical_difference(ranks_of({"pca": 2.5, "published-efAE": 1.5, "dmacl": 2}, n_blocks=1)).axes
    (dots,) = axes.collections
    np.testing.assert_array_equal(dots.get_offsets(), [[1.5, 0], [2, 1], [2.5, 2]])
    assert [label.get_text() for label in axes.get_yticklabels()] == ["published-efAE", "dmacl", "pca"]
    assert [to_hex(colour) for colour in dots.get_facecolors()] == [RIVAL, "#000000", "#000000"]
    assert axes.get_ylim()[0] > axes.get_ylim()[1]
    assert axes.get_xlabel() == "Mean rank, 1 is best (datasets: 1, with every k: 6)"
    assert not lines(axes, "clique")


def test_the_ranks_of_the_library_are_drawn():
    table = metrics_table("ABCDE", ["x", "y", "z"])
    ranks = rank_methods(table, reference_k={}, pairs=[("silhouette", "common")])
    (axes,) = critical_difference(ranks).axes
    assert [lines(axes, method)[0].get_xdata()[0] for method in ranks["method"]] == list(ranks["mean_rank"])


def test_nothing_to_rank_is_said():
    (axes,) = critical_difference(ranks_of({"a": np.nan, "b": np.nan})).axes
    assert texts(axes) == ["No dataset has a value of every method: nothing to rank"]


def test_radar_has_a_panel_per_k_a_spoke_per_dataset_and_a_closed_line_per_method():
    datasets, methods = ["aml", "breast", "gbm", "lung"], ["dmacl", "published-efAE"]
    table = metrics_table(datasets, methods, ks=(3, 2))
    figure = radar(table, "c_index", "common")
    assert figure.get_suptitle() == "C-index, common space: lower is better"
    assert [axes.get_title() for axes in figure.axes] == ["k = 2", "k = 3"]
    for axes, k in zip(figure.axes, (2, 3), strict=True):
        assert axes.name == "polar"
        assert texts(axes)[-4:] == datasets
        assert len(axes.lines) == 2
        for method in methods:
            (line,) = lines(axes, method)
            rows = table[(table["metric"] == "c_index") & (table["method"] == method) & (table["k"] == k)]
            expected = rows.set_index("dataset")["value"].loc[[*datasets, "aml"]]
            np.testing.assert_allclose(line.get_xdata(), np.pi / 2 * np.arange(5))
            np.testing.assert_array_equal(line.get_ydata(), expected)
    ours, rival = (lines(figure.axes[0], method)[0] for method in methods)
    assert ours.get_color() == PALETTE[0]
    assert rival.get_color() in GREYS
    assert rival.get_linewidth() < ours.get_linewidth()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["dmacl", "published:", "efAE"]


def test_radars_share_one_scale_and_show_negative_values():
    table = metrics_table("ABC", ["x", "y"], ks=range(2, 8))
    table["value"] -= 0.3
    figure = radar(table, "silhouette", "common")
    assert len(figure.axes) == 6
    rows = table[table["metric"] == "silhouette"]
    for axes in figure.axes:
        low, high = axes.get_ylim()
        assert low == rows["value"].min()
        assert rows["value"].max() < high


def test_a_k_that_only_some_datasets_have_makes_no_chart():
    table = metrics_table("ABCD", ["x", "y"], ks=(2, 3, 15))
    table = table[(table["k"] < 15) | table["dataset"].isin(["A", "B"])]
    assert [axes.get_title() for axes in radar(table, "silhouette", "common").axes] == ["k = 2", "k = 3"]


def test_radar_of_some_k_with_a_gap():
    table = metrics_table("ABC", ["x", "y"])
    table = table[(table["method"] != "y") | (table["dataset"] != "B")]
    figure = radar(table, "silhouette", "common", ks=[3])
    (axes,) = figure.axes
    assert axes.get_title() == "k = 3"
    np.testing.assert_array_equal(np.isnan(lines(axes, "y")[0].get_ydata()), [False, True, False, False])


def test_rivals_with_all_their_published_samples_are_a_space_of_their_own():
    table = metrics_table("ABC", ["x", "published-y"])
    table = pd.concat([table, table[table["method"] == "published-y"].assign(space="published")])
    assert [line.get_label() for line in radar(table, "c_index", "common", ks=[2]).axes[0].lines] == [
        "x",
        "published-y",
    ]
    figure = radar(table, "c_index", "published", ks=[2])
    assert [line.get_label() for line in figure.axes[0].lines] == ["published-y"]
    assert figure.get_suptitle() == "C-index, own space with all published samples: lower is better"


def test_two_datasets_are_dots():
    table = metrics_table(["aml", "gbm"], ["x", "y", "z"])
    figure = radar(table, "silhouette", "common")
    for axes, k in zip(figure.axes, (2, 3), strict=False):
        assert axes.get_title() == f"k = {k}"
        for dataset in ("aml", "gbm"):
            (dots,) = lines(axes, dataset)
            rows = table[(table["metric"] == "silhouette") & (table["dataset"] == dataset) & (table["k"] == k)]
            np.testing.assert_array_equal(dots.get_xdata(), rows["value"])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["x", "y", "z"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["aml", "gbm"]


def test_radar_without_values_says_so():
    table = metrics_table("ABC", ["x"]).assign(value=np.nan)
    assert texts(radar(table, "silhouette", "common").axes[0]) == ["Silhouette, common space: no values"]
    assert texts(radar(table, "silhouette", "embedding").axes[0]) == ["Silhouette, own space: no values"]


def test_many_methods_are_charts_by_family_with_dmacl_in_each():
    ours = ["dmacl", "dmacl-published", *METHODS]
    published = ["published-lfAE", "published-efVAE", "published-mmdVAE", "published-LSTMVAE"]
    table = metrics_table(list("ABCD"), [*dict.fromkeys(ours), *published], ks=(2, 3))
    figure = radar(table, "silhouette", "common")
    charts = [axes for axes in figure.axes if axes.name == "polar"]
    assert len(charts) == 2 * 4
    names = [{line.get_label() for line in axes.lines} for axes in charts]
    assert all({"dmacl", "dmacl-published"} <= chart for chart in names)
    assert set.union(*names) == {*ours, *published}
    titles = [axes.get_title() for axes in charts if axes.get_title()]
    assert titles == ["Late-fusion autoencoders", "Early-fusion autoencoders", "Low rank", "Graphs / Factors / Others"]
    assert "1 A, 2 B, 3 C, 4 D" in [text.get_text() for text in figure.texts]
    for axes in charts:
        colours = {line.get_label(): line.get_color() for line in axes.lines}
        assert colours["dmacl"] == colours["dmacl-published"] == FAMILIES["DMACL"][0]
        ran = [colour for name, colour in colours.items() if not name.startswith(("published", "dmacl-"))]
        assert len(set(ran)) == len(ran)
        for line in axes.lines:
            assert (line.get_linestyle() == "--") == line.get_label().startswith("published")
    late = {line.get_label(): line for line in charts[0].lines}
    assert late["published-lfAE"].get_color() == late["lfae"].get_color()
    rows = table.query("method == 'lfae' and k == 2 and metric == 'silhouette'").set_index("dataset")["value"]
    np.testing.assert_array_equal(late["lfae"].get_ydata(), rows.loc[list("ABCDA")])


@pytest.mark.parametrize("n_datasets", [1, 4, 16])
def test_no_figure_is_wider_than_a_page(n_datasets):
    for figure in all_figures(n_datasets):
        assert figure.get_size_inches()[0] <= 7.2


def test_the_same_figure_gives_the_same_bytes(tmp_path):
    for first, second in zip(all_figures(4), all_figures(4), strict=True):
        save_figure(first, tmp_path / "1.svg")
        save_figure(second, tmp_path / "2.svg")
        assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()


def all_figures(n_datasets):
    datasets = [f"dataset-{number}" for number in range(n_datasets)]
    table = metrics_table(datasets, ["dmacl", *(f"published-{name}" for name in "abcdefgh")], ks=(2,))
    ranks = rank_methods(table, reference_k={}, pairs=[("silhouette", "common")])
    yield radar(table, "silhouette", "common")
    yield critical_difference(ranks[ranks["ranking"] == "all"])
