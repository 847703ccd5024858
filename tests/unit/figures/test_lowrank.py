import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from amucl.figures.lowrank import affinity_heatmap, convergence_plot, representation_heatmap, sensitivity_figure
from amucl.figures.style import MISSING, save_figure


def test_heatmap_orders_samples_by_cluster_then_truth():
    affinity = np.arange(16.0).reshape(4, 4)
    figure = affinity_heatmap(affinity, pd.Series([2, 1, 2, 1]), pd.Series(["b", "b", "a", "a"]))
    heat, _, truth_bar, cluster_bar = figure.axes
    order = [3, 1, 2, 0]
    np.testing.assert_array_equal(heat.images[0].get_array(), affinity[np.ix_(order, order)])
    truth_colours = truth_bar.images[0].get_array()[0]
    np.testing.assert_array_equal(truth_colours[0], truth_colours[2])
    assert (truth_colours[0] != truth_colours[1]).any()
    cluster_colours = cluster_bar.images[0].get_array()[0]
    np.testing.assert_array_equal(cluster_colours[0], cluster_colours[1])
    assert (cluster_colours[1] != cluster_colours[2]).any()


def test_heatmap_names_clusters_and_true_classes():
    truth = pd.Series([f"type {number}" for number in range(20)])
    figure = affinity_heatmap(np.eye(20), pd.Series([1] * 12 + [2] * 8), truth)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["1", "2"]
    assert [text.get_text() for text in figure.legends[1].get_texts()] == list(truth)
    assert len(affinity_heatmap(np.eye(3), pd.Series([1, 2, 2])).legends) == 1


def test_an_unknown_true_label_is_grey():
    figure = affinity_heatmap(np.eye(3), pd.Series([1, 1, 2]), pd.Series(["a", None, "b"]))
    colours = figure.axes[2].images[0].get_array()[0]
    assert any(tuple(colour) == to_rgb(MISSING) for colour in colours)


def test_representation_is_ordered_as_the_affinity_and_shows_signs():
    Z = np.random.default_rng(0).normal(size=(40, 40)) + 100 * np.eye(40)
    labels, truth = pd.Series(np.arange(40) % 3), pd.Series(np.arange(40) % 2)
    image = representation_heatmap(Z, labels, truth).axes[0].images[0]
    affinity = affinity_heatmap(Z, labels, truth).axes[0].images[0]
    np.testing.assert_array_equal(image.get_array(), affinity.get_array())
    limit = np.percentile(np.abs(Z[~np.eye(40, dtype=bool)]), 99)
    assert image.get_clim() == (-limit, limit)  # not the diagonal's 100
    red, white, blue = (to_rgb(image.to_rgba(value)) for value in (-limit, 0.0, limit))
    assert red[0] > red[2]
    assert min(white) > 0.95
    assert blue[2] > blue[0]


def test_a_representation_without_negative_values_has_a_one_sided_scale():
    rng = np.random.default_rng(0)
    Z = np.where(rng.random((60, 60)) < 0.1, rng.random((60, 60)), -1e-4)  # below zero as far as a solver's tolerance
    figure = representation_heatmap(Z, pd.Series([1, 2] * 30))
    limit = np.percentile(np.abs(Z[~np.eye(60, dtype=bool)]), 99)
    assert figure.axes[0].images[0].get_clim() == (0, limit)
    assert "99th percentile of |Z| off the diagonal" in figure.axes[1].get_ylabel()
    sparse = Z * np.where(np.add.outer(np.arange(60), np.arange(60)) % 2, 1, -1)
    assert representation_heatmap(sparse, pd.Series([1, 2] * 30)).axes[0].images[0].get_clim()[0] < 0


@pytest.mark.parametrize("Z", [np.zeros((4, 4)), np.eye(4)])
def test_nothing_but_a_diagonal_can_be_drawn(Z, tmp_path):
    figure = representation_heatmap(Z, pd.Series([1, 1, 2, 2]))
    assert figure.axes[0].images[0].get_clim() == (0, 1)
    save_figure(figure, tmp_path / "z.png")


def test_thousands_of_samples_make_a_small_file(tmp_path):
    rng = np.random.default_rng(0)
    groups = np.arange(1000) // 100
    Z = (groups[:, None] == groups) * rng.random((1000, 1000), dtype=np.float32)
    figure = representation_heatmap(Z, pd.Series(groups))
    for suffix in (".png", ".pdf"):
        save_figure(figure, tmp_path / f"z{suffix}")
        assert (tmp_path / f"z{suffix}").stat().st_size < 2e6


def history(gap=0.001, r2=0.003):
    return pd.DataFrame(
        {"iteration": [10, 20], "gap": [0.1, gap], "r1": [0.2, 0.002], "r2": [10 * r2, r2], "rank": [9, 7]}
    )


def test_convergence_plot_shows_the_history_on_a_log_scale_and_the_rank():
    figure = convergence_plot(history(), 0.01)
    axis, ranks = figure.axes
    assert axis.get_yscale() == "log"
    for line, column in zip(axis.lines, ["gap", "r1", "r2"], strict=False):
        np.testing.assert_array_equal(line.get_xydata(), history()[["iteration", column]])
    assert set(axis.lines[3].get_ydata()) == {0.01}
    np.testing.assert_array_equal(ranks.lines[0].get_xydata(), [[10, 9], [20, 7]])
    assert figure.get_suptitle() == "Converged in 20 iterations"


@pytest.mark.parametrize("gap", [0.02, np.inf, np.nan])
def test_convergence_plot_says_when_it_is_not(gap):
    said = convergence_plot(history(gap), 0.01).get_suptitle()
    assert said == f"Not converged in 20 iterations:\ncertified gap {gap:.2g}; wanted 0.01"


def test_a_residual_that_is_always_zero_has_no_curve():
    axis = convergence_plot(history(r2=0.0), 0.01).axes[0]
    assert [line.get_label() for line in axis.lines] == ["certified gap", "X = XZ + E", "wanted: 0.01"]


@pytest.fixture
def sensitivity():
    """Two weights: the second not converged at its default's tenth and of rank 0 at ten times it."""
    table = pd.DataFrame(
        {
            "parameter": np.repeat(["lam", "gamma"], 3),
            "factor": [0.1, 1, 10] * 2,
            "value": [0.001, 0.01, 0.1, 0.02, 0.2, 2],
            "status": [*("ok", "ok", "near identity", "not converged", "ok", "rank 0")],
            "n_clusters": [3, 3, 3, 3, 3, 0],
            "ari": [0.8, 0.9, 0.7, 0.4, 0.9, np.nan],
            "ari_to_default": [0.9, 1, 0.8, -0.1, 1, np.nan],
        }
    )
    return table.assign(nmi=table["ari"] / 2, accuracy=table["ari"] / 3)


def filled(axis):
    """Points with a filled and with an open symbol, by the label of their curve."""
    return {
        line.get_label(): [line.get_xydata().tolist(), later.get_xydata().tolist()]
        for line, later in zip(axis.lines[1:-1:2], axis.lines[2:-1:2], strict=True)
    }


def test_sensitivity_has_a_panel_a_weight_with_a_curve_an_index(sensitivity):
    figure = sensitivity_figure(sensitivity)
    lam, gamma = figure.axes
    assert [axis.get_xlabel() for axis in (lam, gamma)] == ["λ / default (0.01)", "γ / default (0.2)"]
    assert lam.get_xscale() == "log"
    assert lam.lines[0].get_xdata()[0] == gamma.lines[0].get_xdata()[0] == 1  # the default's band
    assert list(filled(lam)) == [
        *("ARI to known labels", "NMI to known labels", "accuracy to known labels", "ARI to labels at default")
    ]
    assert filled(lam)["ARI to known labels"][0] == [[0.1, 0.8], [1, 0.9], [10, 0.7]]
    assert lam.get_ylim()[0] < -0.1


def test_solutions_in_doubt_have_open_symbols_and_a_reason(sensitivity):
    lam, gamma = sensitivity_figure(sensitivity).axes
    assert filled(lam)["ARI to known labels"][1] == [[10, 0.7]]
    assert filled(gamma)["ARI to labels at default"][1][0] == [0.1, -0.1]
    assert all(to_rgb(line.get_markerfacecolor()) == (1, 1, 1) for line in lam.lines[2:-1:2])
    assert [(text.get_position()[0], text.get_text()) for text in gamma.texts] == [
        (0.1, "not converged"),
        (10, "rank 0"),
    ]
    assert gamma.lines[-1].get_xydata().tolist() == [[10, 0]]
    assert len(lam.lines[-1].get_xydata()) == 0


def test_without_known_labels_only_the_default_is_compared_with(sensitivity):
    figure = sensitivity_figure(sensitivity.assign(ari=np.nan, nmi=np.nan, accuracy=np.nan))
    assert list(filled(figure.axes[0])) == ["ARI to labels at default"]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["ARI to labels at default", "in doubt: see above", "default"]


def test_a_method_without_these_weights_says_so(sensitivity):
    (axis,) = sensitivity_figure(sensitivity.iloc[:0]).axes
    assert "No weight to vary" in axis.texts[0].get_text()


def test_a_default_without_clusters_can_be_drawn(sensitivity, tmp_path):
    indices = ["ari", "nmi", "accuracy", "ari_to_default"]
    save_figure(sensitivity_figure(sensitivity.assign(**dict.fromkeys(indices, np.nan))), tmp_path / "s.png")
    assert (tmp_path / "s.png").stat().st_size > 5000
