import itertools

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_rgba

from amucl.figures.metrics import MANY_METHODS
from amucl.figures.shades import indices_over_k, shades_over_k
from amucl.figures.style import MISSING, save_figure
from amucl.methods.registry import METHODS

KINDS = [("silhouette", "embedding"), ("c_index", "embedding"), ("silhouette", "common"), ("ari", "truth")]
KS = (2, 3, 4)


def metrics_table(methods):
    cells = itertools.product(methods, KS, KINDS)
    rows = [(method, k, metric, space) for method, k, (metric, space) in cells]
    table = pd.DataFrame(rows, columns=["method", "k", "metric", "space"])
    return table.assign(value=np.random.default_rng(0).permutation(len(table)) / len(table))


def panels(figure):
    return {axes.get_title().split("\n")[0]: axes for axes in figure.axes if axes.axison}


def test_the_best_cell_is_the_darkest_whichever_way_is_better():
    table = metrics_table(METHODS)
    figure = shades_over_k(table, reference_k=3)
    first = figure.axes[0]
    methods = [label.get_text() for label in first.get_yticklabels()]
    assert set(methods) == set(METHODS)
    for axes, (metric, space), pick in zip(figure.axes, KINDS[:2], ("idxmax", "idxmin"), strict=False):
        rows = table[(table["metric"] == metric) & (table["space"] == space)]
        best = rows.loc[getattr(rows["value"], pick)()]
        cells = np.asarray(axes.images[0].get_array())
        np.testing.assert_allclose(cells[methods.index(best["method"]), KS.index(best["k"])], colormaps["YlGnBu"](1.0))
        assert f"{rows['value'].min():.2g} to {rows['value'].max():.2g}" in axes.get_title()
    assert [label.get_fontweight() for label in first.get_xticklabels()] == ["normal", "bold", "normal"]


def test_gaps_are_grey_and_dots_mark_the_suggested_k():
    table = metrics_table(["dmacl", "pca"])
    gap = (table["method"] == "pca") & (table["k"] == 4) & (table["metric"] == "silhouette")
    figure = shades_over_k(table[~gap], reference_k=2, suggested={"pca": 3, "absent": 2, "dmacl": np.nan})
    axes = figure.axes[0]
    np.testing.assert_allclose(np.asarray(axes.images[0].get_array())[1, 2], to_rgba(MISSING))
    (dot,) = axes.lines
    assert (dot.get_label(), *dot.get_xydata()[0]) == ("pca", 1, 1)


def test_published_rivals_stand_below_ours_of_their_kind_in_italics():
    figure = shades_over_k(metrics_table(["published-efAE", "lfae", "efae", "published-lfAE", "dmacl"]), reference_k=2)
    labels = figure.axes[0].get_yticklabels()
    assert [label.get_text() for label in labels] == ["dmacl", "lfae", "published-lfAE", "efae", "published-efAE"]
    assert [label.get_fontstyle() for label in labels] == ["normal", "normal", "italic", "normal", "italic"]


def test_few_methods_are_curves_many_are_shades(tmp_path):
    few = indices_over_k(metrics_table(list(METHODS)[:MANY_METHODS]), reference_k=2)
    many = indices_over_k(metrics_table(list(METHODS)[: MANY_METHODS + 1]), reference_k=2)
    assert not few.axes[0].images
    assert many.axes[0].images
    for name in "12":
        save_figure(indices_over_k(metrics_table(METHODS), reference_k=2), tmp_path / f"{name}.svg")
    assert (tmp_path / "1.svg").read_bytes() == (tmp_path / "2.svg").read_bytes()
