import numpy as np
import pandas as pd
import pytest

from amucl.clustering.common import common_space
from amucl.clustering.external import external_indices
from amucl.clustering.indices import internal_indices
from amucl.clustering.metrics import metrics_table
from amucl.errors import AmuclError

N = 24
SAMPLES = pd.Index([f"S{i:02d}" for i in range(N)], name="sample")


@pytest.fixture
def inputs():
    generator = np.random.default_rng(0)
    labels = pd.DataFrame({"k2": np.arange(N) % 2 + 1, "k10": np.arange(N) % 10 + 1}, index=SAMPLES)
    return {
        "dataset": "toy",
        "method": "pca",
        "seed": 5,
        "embedding": pd.DataFrame(generator.normal(size=(N, 3)), index=SAMPLES),
        "common": pd.DataFrame(generator.normal(size=(N, 7)), index=SAMPLES),
        "labels": labels,
        "truth": pd.Series(np.where(np.arange(N) % 4 < 2, "A", "B"), index=SAMPLES),
    }


def value(table, k, metric, space):
    found = table.query("k == @k and metric == @metric and space == @space")["value"]
    assert len(found) == 1
    return found.item()


def test_one_row_per_k_metric_and_space(inputs):
    table = metrics_table(**inputs)
    assert list(table.columns) == ["dataset", "method", "seed", "k", "metric", "space", "value", "warning"]
    assert len(table) == 2 * (3 * 2 + 6)
    assert not table.duplicated(["k", "metric", "space"]).any()
    assert set(table["k"]) == {2, 10}
    assert table[["dataset", "method", "seed"]].drop_duplicates().to_numpy().tolist() == [["toy", "pca", 5]]
    for space in ("embedding", "common"):
        for k in (2, 10):
            expected = internal_indices(inputs[space], inputs["labels"][f"k{k}"])
            assert {name: value(table, k, name, space) for name in expected} == expected
    for k in (2, 10):
        expected = external_indices(inputs["labels"][f"k{k}"], inputs["truth"])
        assert {name: value(table, k, name, "truth") for name in expected} == expected
    assert table["warning"].isna().all()


def test_a_warning_stands_where_the_own_space_is_spoken_of(inputs):
    table = metrics_table(**inputs, warnings={2: "collapsed", 10: ""})
    assert set(table.dropna(subset="warning")[["k", "space", "warning"]].itertuples(index=False, name=None)) == {
        (2, "embedding", "collapsed")
    }


def test_without_truth_there_are_no_external_metrics(inputs):
    table = metrics_table(**inputs | {"truth": None})
    assert set(table["metric"]) == {"c_index", "silhouette", "davies_bouldin"}
    assert set(table["space"]) == {"embedding", "common"}


def test_only_known_truth_counts(inputs):
    truth = inputs["truth"].astype(object)
    truth.iloc[:3] = [None, np.nan, ""]
    table = metrics_table(**inputs | {"truth": truth})
    expected = external_indices(inputs["labels"]["k10"].iloc[3:], truth.iloc[3:])
    assert value(table, 10, "ari", "truth") == expected["ari"]


def test_samples_are_aligned_by_name(inputs):
    expected = metrics_table(**inputs)
    shuffled = {
        name: item.sample(frac=1, random_state=i)
        for i, (name, item) in enumerate(inputs.items())
        if hasattr(item, "loc")
    }
    found = metrics_table(**inputs | shuffled)
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12)


def test_undefined_values_are_missing_not_dropped(inputs):
    table = metrics_table(**inputs | {"labels": pd.DataFrame({"k2": 1}, index=SAMPLES)})
    internal = table[table["space"] != "truth"]
    assert len(internal) == 6
    assert internal["value"].isna().all()


@pytest.mark.parametrize("name", ["embedding", "common", "truth"])
def test_other_samples_are_refused_by_name(inputs, name):
    renamed = inputs[name].rename({"S03": "X03"})
    with pytest.raises(AmuclError, match=r"not those of the labels; got 1 missing \(S03\), 1 too many \(X03\)"):
        metrics_table(**inputs | {name: renamed})


@pytest.mark.parametrize("name", ["embedding", "common", "truth", "labels"])
def test_duplicate_samples_are_refused(inputs, name):
    doubled = pd.concat([inputs[name], inputs[name].iloc[[4]]])
    with pytest.raises(AmuclError, match="duplicate samples; got S04"):
        metrics_table(**inputs | {name: doubled})


def test_unlabelled_sample_is_refused(inputs):
    labels = inputs["labels"].astype(float)
    labels.loc["S05", "k10"] = np.nan
    with pytest.raises(AmuclError, match="sample S05: 1 of 24 labels are missing"):
        metrics_table(**inputs | {"labels": labels})


def test_missing_value_names_the_space(inputs):
    inputs["common"].iloc[7, 2] = np.nan
    with pytest.raises(AmuclError, match="sample S07: the common space has missing or infinite values"):
        metrics_table(**inputs)


def test_wrong_label_columns(inputs):
    with pytest.raises(AmuclError, match=r"expected k2, k3, .* got cluster"):
        metrics_table(**inputs | {"labels": inputs["labels"].rename(columns={"k2": "cluster"})})


def test_truth_known_for_one_sample(inputs):
    truth = inputs["truth"].where(SAMPLES == "S01")
    with pytest.raises(AmuclError, match="true labels are known for too few samples; expected 2 or more; got 1"):
        metrics_table(**inputs | {"truth": truth})


def test_common_space_keeps_distances_when_it_keeps_everything():
    generator = np.random.default_rng(1)
    views = [generator.normal(size=(15, 4)), generator.normal(size=(15, 3))]
    points = common_space(views)
    joined = np.hstack(views) - np.hstack(views).mean(axis=0)
    assert points.shape == (15, 7)
    np.testing.assert_allclose(points @ points.T, joined @ joined.T, atol=1e-12)


def test_common_space_is_the_exact_leading_part():
    view = np.random.default_rng(4).normal(size=(120, 300))
    points = common_space([view])
    left, values, _ = np.linalg.svd(view - view.mean(axis=0), full_matrices=False)
    scores = left[:, :20] * values[:20]
    np.testing.assert_allclose(points @ points.T, scores @ scores.T, atol=1e-9)


def test_common_space_of_a_large_cohort_is_the_same(monkeypatch):
    view = np.random.default_rng(4).normal(size=(90, 150)) * np.linspace(1, 4, 150)
    exact = common_space([view])
    monkeypatch.setattr("amucl.clustering.common._LARGE", 10)
    np.testing.assert_allclose(common_space([view]), exact, atol=1e-8)


@pytest.mark.parametrize(("n", "features", "expected"), [(100, 40, 20), (12, 40, 11), (100, 3, 6)])
def test_common_space_size(n, features, expected):
    generator = np.random.default_rng(1)
    points = common_space([generator.normal(size=(n, features)) for _ in range(2)])
    assert points.shape == (n, expected)
    variances = points.var(axis=0)
    assert (np.diff(variances) <= 1e-12).all()


def test_common_space_does_not_depend_on_the_order_of_samples():
    generator = np.random.default_rng(2)
    views = [generator.normal(size=(30, 50)) for _ in range(2)]
    order = generator.permutation(30)
    np.testing.assert_allclose(common_space([view[order] for view in views]), common_space(views)[order], atol=1e-9)


def test_common_space_bad_input():
    with pytest.raises(AmuclError, match=r"do not have the same samples; .* got \[4, 5\]"):
        common_space([np.zeros((4, 2)), np.zeros((5, 2))])
    with pytest.raises(AmuclError, match=r"position 0, 1, 2 and 1 more \(from 0\): the input has missing"):
        common_space([np.full((4, 2), np.nan)])
