import pandas as pd

from amucl.comparison.sweep import COLUMNS
from amucl.figures.sweep import sweep_figure


def table(truth=True):
    kinds = [("silhouette", "common"), ("silhouette", "embedding")] + [("ari", "truth")] * truth
    rows = [
        ("toy", "dmacl", 3, parameter, setting, metric, space, number / 10, 0.9)
        for parameter, settings in {"n_heads": [1, 8, 32], "embedding": ["backbone", "instance"]}.items()
        for number, setting in enumerate(settings)
        for metric, space in kinds
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_a_panel_a_hyperparameter_with_its_values_in_order():
    figure = sweep_figure(table())
    assert [axes.get_title() for axes in figure.axes] == ["n heads", "embedding"]
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["1", "8", "32"]
    curves = [line for line in figure.axes[0].lines if line.get_linestyle() == "-"]
    assert [line.get_label() for line in curves] == ["ARI", "silhouette, common space"]
    assert list(curves[0].get_ydata()) == [0, 0.1, 0.2]
    assert [line.get_ydata()[0] for line in figure.axes[0].lines if line.get_linestyle() == "--"] == [0.9, 0.9]


def test_without_known_labels_the_silhouette_stands_alone():
    (legend,) = sweep_figure(table(truth=False)).legends
    assert [text.get_text() for text in legend.get_texts()] == ["silhouette, common space"]
