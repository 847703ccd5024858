import numpy as np
import pandas as pd
import pytest

from amucl.comparison.standings import STANDINGS, standings, times


def metrics_table(values, metric="ari", space="truth", k=3):
    """values: dataset -> method -> value."""
    rows = [
        (dataset, method, k, metric, space, value)
        for dataset, methods in values.items()
        for method, value in methods.items()
    ]
    return pd.DataFrame(rows, columns=["dataset", "method", "k", "metric", "space", "value"])


VALUES = {
    "a": {"dmacl": 1.0, "pca": 0.5, "snf": 0.5, "published-efAE": 0.8},
    "b": {"dmacl": 0.2, "pca": 0.9, "snf": 0.1},
}


def test_methods_are_rows_datasets_are_columns():
    elsewhere = metrics_table(VALUES, k=2).assign(value=0)
    found = standings(pd.concat([elsewhere, metrics_table(VALUES)]), reference_k={"a": 3, "b": 3})
    assert list(found) == ["metric", "space", "method", "a", "b", *STANDINGS]
    assert found["method"].tolist() == ["dmacl", "pca", "snf", "published-efAE"]
    assert found["a"].tolist() == [1.0, 0.5, 0.5, 0.8]
    assert found["b"].tolist()[:3] == [0.2, 0.9, 0.1]
    assert np.isnan(found["b"].iloc[3])
    assert found["mean"].tolist() == pytest.approx([0.6, 0.7, 0.3, 0.8])
    assert found["n_datasets"].tolist() == [2, 2, 2, 1]


def test_ranks_are_of_what_ran_here_and_of_all():
    found = standings(metrics_table(VALUES), reference_k={"a": 3, "b": 3}).set_index("method")
    assert found["mean_rank"].dropna().to_dict() == {"dmacl": 1.5, "pca": 1.75, "snf": 2.75}
    assert found["place"].dropna().to_dict() == {"dmacl": 1, "pca": 2, "snf": 3}
    assert found["mean_rank_all"].to_dict() == {"dmacl": 1.5, "pca": 2.25, "snf": 3.25, "published-efAE": 2}
    assert found["place_all"].to_dict() == {"dmacl": 1, "pca": 3, "snf": 4, "published-efAE": 2}


def test_low_is_best_where_it_is_and_every_index_has_its_rows():
    low = metrics_table(VALUES, "c_index", "embedding")
    both = pd.concat([low, metrics_table(VALUES), metrics_table(VALUES, "silhouette", "published")])
    found = standings(both, reference_k={"a": 3, "b": 3})
    assert found[["metric", "space"]].drop_duplicates().to_numpy().tolist() == [
        ["ari", "truth"],
        ["c_index", "embedding"],
    ]
    places = found[found["metric"] == "c_index"].set_index("method")["place"].dropna()
    assert places.to_dict() == {"snf": 1, "pca": 2, "dmacl": 3}


def test_seconds_are_rows_like_the_others_less_is_better():
    seconds = pd.DataFrame(
        [("a", "dmacl", 30.0), ("a", "pca", 1.0), ("b", "dmacl", 10.0), ("b", "pca", 2.0)],
        columns=["dataset", "method", "seconds"],
    )
    found = times(seconds, datasets=["b", "a"])
    assert list(found) == ["metric", "space", "method", "b", "a", *STANDINGS]
    assert found["metric"].tolist() == ["seconds"] * 2
    assert found.set_index("method")["place"].to_dict() == {"dmacl": 2, "pca": 1}
    assert found.set_index("method").loc["dmacl", ["b", "a", "mean"]].tolist() == [10, 30, 20]
