import numpy as np
import pandas as pd

from amucl.figures.style import save_figure
from amucl.figures.training import loss_curves


def history(n_restarts=3, epochs=4, parts=("loss", "instance", "cluster", "entropy")):
    table = pd.DataFrame([(e, r) for e in range(1, epochs + 1) for r in range(1, n_restarts + 1)])
    table.columns = ["epoch", "restart"]
    for number, part in enumerate(parts):
        table[part] = 100 * number + 10.0 * table["restart"] - table["epoch"]
    return table


def test_a_panel_per_part_of_the_loss():
    figure = loss_curves(history())
    assert [axes.get_title() for axes in figure.axes] == [
        "Total loss",
        "Instance loss",
        "Cluster loss",
        "Negative entropy",
    ]
    assert {axes.get_xlabel() for axes in figure.axes} == {"Epoch"}


def test_restarts_are_thin_lines_and_their_mean_a_thick_one():
    axes = loss_curves(history()).axes[1]
    *restarts, mean = axes.lines
    assert len(restarts) == 3
    for number, line in enumerate(restarts, start=1):
        np.testing.assert_array_equal(line.get_xydata(), [[e, 100 + 10 * number - e] for e in (1, 2, 3, 4)])
        assert line.get_linewidth() < mean.get_linewidth()
    np.testing.assert_array_equal(mean.get_ydata(), [119, 118, 117, 116])


def test_rows_may_come_in_any_order():
    shuffled = loss_curves(history().sample(frac=1, random_state=0)).axes[0].lines[-1]
    np.testing.assert_array_equal(shuffled.get_xydata(), [[1, 19], [2, 18], [3, 17], [4, 16]])


def test_a_single_restart_is_one_line():
    assert [len(axes.lines) for axes in loss_curves(history(n_restarts=1)).axes] == [1, 1, 1, 1]


def test_methods_with_a_plain_loss_have_one_panel():
    figure = loss_curves(history(parts=("loss",)))
    assert [axes.get_title() for axes in figure.axes] == ["Total loss"]


def test_same_bytes_on_repeat(tmp_path):
    for name in ("a.svg", "b.svg"):
        save_figure(loss_curves(history()), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
