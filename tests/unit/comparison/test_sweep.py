import pandas as pd
import pytest

from amucl.clustering.metrics import COLUMNS as METRIC_COLUMNS
from amucl.comparison.sweep import COLUMNS, swept


def metrics(value, ks=(3,)):
    rows = [
        ("toy", "pca", 1, k, metric, space, value + k, None)
        for k in ks
        for metric, space in (("ari", "truth"), ("silhouette", "common"), ("silhouette", "embedding"))
    ]
    return pd.DataFrame(rows, columns=METRIC_COLUMNS)


def test_every_setting_stands_beside_the_run_as_it_is():
    points = [metrics(value).assign(parameter="epochs", setting=value) for value in (10, 20)]
    table = swept(points, metrics(0.5, ks=(2, 3, 4)), 3)
    assert list(table) == COLUMNS
    assert table["setting"].tolist() == [10] * 3 + [20] * 3
    assert table["value"].tolist() == [13] * 3 + [23] * 3
    assert set(table["as_it_is"]) == {3.5}


def test_a_run_with_two_values_of_one_metric_is_a_bug():
    with pytest.raises(pd.errors.MergeError):
        swept([metrics(1).assign(parameter="a", setting=1)], pd.concat([metrics(1), metrics(2)]), 3)
