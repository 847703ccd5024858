import numpy as np
import pandas as pd

from amucl.figures.lowrank import affinity_heatmap, convergence_plot


def test_heatmap_orders_samples_by_cluster_then_truth():
    labels = np.array([1, 0, 1, 0])
    truth = ["b", "b", "a", "a"]
    affinity = np.arange(16.0).reshape(4, 4)
    heat, _, truth_bar, cluster_bar = affinity_heatmap(affinity, labels, truth).axes
    order = [3, 1, 2, 0]
    np.testing.assert_array_equal(heat.images[0].get_array(), affinity[np.ix_(order, order)])
    colours = truth_bar.images[0].get_array()[0]
    np.testing.assert_array_equal(colours[0], colours[2])
    assert (colours[0] != colours[1]).any()
    assert [text.get_text() for text in cluster_bar.texts] == ["0", "1"]
    assert [text.get_position()[0] for text in cluster_bar.texts] == [0.5, 2.5]


def test_heatmap_names_the_true_classes_and_works_without_them():
    figure = affinity_heatmap(np.eye(20), np.zeros(20), [f"type {i}" for i in range(20)])
    assert [text.get_text() for text in figure.legends[0].get_texts()][-1] == "type 9"
    assert affinity_heatmap(np.eye(3), [0, 1, 1]).legends == []


def test_convergence_plot_shows_the_history_on_a_log_scale():
    history = pd.DataFrame({"iteration": [10, 20], "gap": [0.1, 0.01], "r1": [0.2, 0.02], "r2": [0.3, 0.03]})
    (axis,) = convergence_plot(history).axes
    assert axis.get_yscale() == "log"
    for line, column in zip(axis.lines, ["gap", "r1", "r2"], strict=True):
        np.testing.assert_array_equal(line.get_xydata(), history[["iteration", column]])
