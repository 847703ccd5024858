import numpy as np
import pandas as pd
from matplotlib.colors import to_rgb

from amucl.figures.lowrank import affinity_heatmap, convergence_plot
from amucl.figures.style import MISSING


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


def test_convergence_plot_shows_the_history_on_a_log_scale():
    history = pd.DataFrame({"iteration": [10, 20], "gap": [0.1, 0.01], "r1": [0.2, 0.02], "r2": [0.3, 0.03]})
    (axis,) = convergence_plot(history).axes
    assert axis.get_yscale() == "log"
    for line, column in zip(axis.lines, ["gap", "r1", "r2"], strict=True):
        np.testing.assert_array_equal(line.get_xydata(), history[["iteration", column]])
