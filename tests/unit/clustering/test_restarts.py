import numpy as np
import pandas as pd
import pytest

from amucl.clustering.external import ari
from amucl.clustering.indices import internal_indices
from amucl.clustering.kmeans import kmeans_restarts
from amucl.clustering.restarts import COLUMNS, restarts_from_arrays, restarts_table, restarts_to_arrays


@pytest.fixture(scope="module")
def points():
    rng = np.random.default_rng(0)
    return pd.DataFrame(rng.normal(size=(40, 3)), index=[f"S{i}" for i in range(40)])


@pytest.fixture(scope="module")
def restarts(points):
    return kmeans_restarts(points, [2, 5], n_restarts=30, seed=1)


def test_summary_equals_the_loop_over_all_restarts(points, restarts):
    truth = pd.Series(np.where(points[0] > 0, "a", "b"), index=points.index).where(points.index != "S3")
    table = restarts_table("toy", "pca", restarts, {"embedding": points, "common": points * 2}, truth)
    assert list(table.columns) == COLUMNS
    every = np.repeat(restarts[5].labels, restarts[5].counts, axis=0)
    widths = [internal_indices(points, labels)["silhouette"] for labels in every]
    row = table.query("k == 5 and metric == 'silhouette' and space == 'common'").iloc[0]
    assert (row["mean"], row["sd"], row["best"]) == pytest.approx((np.mean(widths), np.std(widths), max(widths)))
    indices = [internal_indices(points, labels)["c_index"] for labels in every]
    assert table.query("k == 5 and metric == 'c_index'")["best"].unique() == pytest.approx(min(indices))
    agreement = [ari(labels[truth.notna()], truth.dropna()) for labels in every]
    row = table.query("k == 5 and metric == 'ari'").iloc[0]
    assert (row["mean"], row["best"], row["n_restarts"]) == pytest.approx((np.mean(agreement), max(agreement), 30))


def test_without_truth_there_is_none(points, restarts):
    table = restarts_table("toy", "pca", restarts, {"embedding": points})
    assert set(table["space"]) == {"embedding"}
    assert len(table) == 2 * 3


def test_undefined_indices_are_missing():
    points = pd.DataFrame(np.repeat([[0.0], [1.0]], 4, axis=0))
    table = restarts_table("toy", "pca", kmeans_restarts(np.zeros((8, 1)), [2], n_restarts=3, seed=1), {"own": points})
    assert table[["mean", "sd", "best"]].isna().all(axis=None)


def test_arrays_and_back(restarts):
    again = restarts_from_arrays(restarts_to_arrays(restarts))
    assert list(again) == [2, 5]
    for k, result in restarts.items():
        np.testing.assert_array_equal(again[k].labels, result.labels)
        np.testing.assert_array_equal(again[k].counts, result.counts)
        np.testing.assert_array_equal(again[k].best, result.best)
        assert again[k].inertia == result.inertia
        assert again[k].warning == result.warning
