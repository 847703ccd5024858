import numpy as np
import pandas as pd
import pytest

from amucl.biology.clinical import ENRICHMENT_COLUMNS
from amucl.clustering.metrics import COLUMNS as METRICS
from amucl.comparison.summary import COLUMNS, suggested_k, summary_table, together, wide_metrics


def metric(dataset, method, k, name, space, value, warning=np.nan):
    return dict(zip(METRICS, (dataset, method, 1, k, name, space, value, warning), strict=True))


@pytest.fixture
def tables():
    metrics = [
        metric("toy", "pca", 2, "silhouette", "embedding", 0.9),
        metric("toy", "pca", 3, "silhouette", "embedding", 0.5, "collapsed: own 0.5"),
        metric("toy", "pca", 3, "c_index", "common", 0.2),
        metric("toy", "pca", 3, "ari", "truth", 0.7),
        metric("toy", "pca", 3, "f_measure", "truth", 0.6),
        metric("toy", "published-efAE", 3, "silhouette", "embedding", 0.1),
        metric("toy", "published-efAE", 3, "silhouette", "published", 0.4),
        metric("other", "pca", 2, "silhouette", "common", 0.3),
    ]
    keys = ["dataset", "method", "k"]
    survival = pd.DataFrame([("toy", "pca", 2, 0.5, 0.5), ("toy", "pca", 3, 0.01, 1e-5)])
    enrichment = pd.DataFrame([("toy", "pca", 3, 6, 2, 3, 5, 1, 4)])
    return {
        "metrics": pd.DataFrame(metrics),
        "trust": pd.DataFrame([("toy", "pca", 3, 50), ("toy", "pca", 2, 50)]).set_axis([*keys, "n"], axis=1),
        "survival": survival.set_axis([*keys, "p_permutation", "p_asymptotic"], axis=1),
        "enrichment": enrichment.set_axis(ENRICHMENT_COLUMNS, axis=1),
        "choice": pd.DataFrame([{"dataset": "toy", "method": "pca", "suggested_k": 4, "confidence": "low"}]),
        "reference_k": {"toy": 3, "other": 2},
    }


def test_one_row_per_method_and_dataset_at_the_reference_k(tables):
    table = summary_table(**tables)
    assert list(table.columns) == COLUMNS
    assert table[["dataset", "method", "k"]].to_numpy().tolist() == [
        ["toy", "pca", 3],
        ["toy", "published-efAE", 3],
        ["other", "pca", 2],
    ]
    first = table.iloc[0]
    assert first["n"] == 50
    assert (first["silhouette_own"], first["c_index_common"], first["ari"]) == (0.5, 0.2, 0.7)
    assert (first["minus_log10_p"], first["minus_log10_p_asymptotic"]) == pytest.approx((2, 5))
    assert (first["n_labels"], first["n_enriched"], first["n_enriched_asymptotic"]) == (6, 2, 4)
    assert (first["suggested_k"], first["confidence"], first["warning"]) == (4, "low", "collapsed: own 0.5")


def test_what_is_unknown_is_missing(tables):
    peer = summary_table(**tables).iloc[1]
    assert peer["silhouette_own"] == 0.1  # not that of all published samples
    assert peer[["silhouette_common", "ari", "minus_log10_p", "n_enriched", "suggested_k", "warning"]].isna().all()


def test_a_p_of_zero_stays_finite(tables):
    tables["survival"].loc[1, "p_asymptotic"] = 0.0
    assert np.isfinite(summary_table(**tables).loc[0, "minus_log10_p_asymptotic"])


def test_a_method_without_any_index_keeps_its_row_and_its_warning(tables):
    lost = metric("toy", "flat", 3, "silhouette", "embedding", np.nan, "undefined: one cluster")
    tables["metrics"] = pd.concat([tables["metrics"], pd.DataFrame([lost])], ignore_index=True)
    row = summary_table(**tables).set_index("method").loc["flat"]
    assert row["warning"] == "undefined: one cluster"
    assert wide_metrics(tables["metrics"]).set_index("method").loc["flat", "warning"] == "undefined: one cluster"


def test_wide_metrics_have_a_column_per_metric_and_space(tables):
    wide = wide_metrics(tables["metrics"])
    assert list(wide.columns[:5]) == ["dataset", "method", "k", "silhouette (embedding)", "c_index (common)"]
    assert len(wide) == 4
    assert wide.set_index(["dataset", "method", "k"]).at[("toy", "pca", 3), "c_index (common)"] == 0.2


def test_empty_tables_change_nothing():
    rows = pd.DataFrame({"k": [2, 3], "value": [0.5, np.nan]})
    found = together([rows[:0], rows, rows[:0].astype(object)])
    pd.testing.assert_frame_equal(found, rows)
    assert list(together([rows[:0], rows[:0]])) == ["k", "value"]


def test_suggestions_by_method():
    choice = pd.DataFrame({"method": ["a", "b"], "suggested_k": pd.array([4, None], dtype="Int64")})
    assert suggested_k(choice) == {"a": 4}
