import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from amucl.clustering.scores import HIGHER_IS_BETTER
from amucl.comparison.ranking import COLUMNS, nemenyi_difference, rank_methods
from amucl.errors import AmuclError

# Demšar (2006), table 6: ranks by AUC of C4.5, with m tuned, with cf tuned, with both, on 14 datasets of UCI
DEMSAR = [
    (4, 3, 2, 1), (1, 2, 3, 4), (4, 1, 2, 3), (4, 1, 3, 2), (4, 2, 3, 1), (1, 2.5, 4, 2.5), (3, 2, 4, 1),
    (2.5, 2.5, 4, 1), (4, 3, 2, 1), (2.5, 2.5, 2.5, 2.5), (4, 2.5, 1, 2.5), (3, 2, 4, 1), (4, 1, 2, 3), (3, 1, 4, 2),
]  # fmt: skip


def table(values, metric="silhouette", space="common"):
    """A table of metrics from {(dataset, k, method): value}."""
    rows = [(dataset, method, 1, k, metric, space, value) for (dataset, k, method), value in values.items()]
    return pd.DataFrame(rows, columns=["dataset", "method", "seed", "k", "metric", "space", "value"])


def grid(datasets, methods, ks=(2, 3), seed=0):
    rng = np.random.default_rng(seed)
    return {cell: rng.random() for cell in itertools.product(datasets, ks, methods)}


def mean_ranks(ranks):
    return ranks.set_index("method")["mean_rank"].to_dict()


def test_the_published_example():
    values = {
        (f"d{number}", 2, method): rank
        for number, row in enumerate(DEMSAR)
        for method, rank in zip(("C4.5", "C4.5+m", "C4.5+cf", "C4.5+m+cf"), row, strict=True)
    }
    ranks = rank_methods(table(values, "c_index"), reference_k={}, pairs=[("c_index", "common")])
    assert list(ranks["method"]) == ["C4.5+m+cf", "C4.5+m", "C4.5+cf", "C4.5"]
    np.testing.assert_allclose(ranks["mean_rank"], [1.964, 2.000, 2.893, 3.143], atol=5e-4)
    assert (ranks[["n_blocks", "n_methods", "n_ranked", "n_dropped"]].to_numpy() == [14, 4, 14, 0]).all()
    tied = 2**3 - 2 + 2**3 - 2 + 4**3 - 4 + 2**3 - 2
    statistic = 9.28 / (1 - tied / (14 * 4 * (4**2 - 1)))  # the paper's, which leaves ties uncorrected
    np.testing.assert_allclose(ranks["friedman_p"], chi2.sf(statistic, 3), rtol=0.01)
    np.testing.assert_allclose(ranks["critical_difference"], 1.25, atol=0.005)
    assert (ranks["status"] == "ok").all()


@pytest.mark.parametrize(
    ("n_methods", "q"),
    [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031), (9, 3.102), (10, 3.164)],
)
def test_critical_values_of_the_published_table(n_methods, q):
    expected = q * np.sqrt(n_methods * (n_methods + 1) / (6 * 30))
    assert nemenyi_difference(n_methods, 30) == pytest.approx(expected, rel=5e-4)


def test_a_wider_level_needs_less():
    assert nemenyi_difference(4, 14, alpha=0.1) == pytest.approx(2.291 * np.sqrt(20 / 84), rel=5e-4)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.integers(0, 3), min_size=12, max_size=12), min_size=2, max_size=4))
def test_mean_ranks_are_the_naive_ones(numbers):
    """3 values of k and 4 methods in each dataset; integers, so that there are ties."""
    methods = "abcd"
    cells = [(f"d{i}", k, m) for i in range(len(numbers)) for k in (2, 3, 4) for m in methods]
    values = dict(zip(cells, itertools.chain(*numbers), strict=True))
    expected = {}
    for method in methods:
        of_datasets = []
        for i in range(len(numbers)):
            of_ks = []
            for k in (2, 3, 4):
                others = [values[f"d{i}", k, other] for other in methods]
                mine = values[f"d{i}", k, method]
                of_ks.append(sum(x > mine for x in others) + (sum(x == mine for x in others) + 1) / 2)
            of_datasets.append(sum(of_ks) / 3)
        expected[method] = sum(of_datasets) / len(of_datasets)
    ranks = rank_methods(table(values), reference_k={}, pairs=[("silhouette", "common")])
    assert mean_ranks(ranks) == pytest.approx(expected)
    assert ranks["mean_rank"].is_monotonic_increasing


@pytest.mark.parametrize("metric", HIGHER_IS_BETTER)
def test_the_best_is_first_in_the_metrics_own_direction(metric):
    values = {("d", 2, "low"): 0.1, ("d", 2, "high"): 0.9}
    ranks = rank_methods(table(values, metric), reference_k={}, pairs=[(metric, "common")])
    assert list(ranks["method"]) == (["low", "high"] if metric in ("c_index", "davies_bouldin") else ["high", "low"])
    assert list(ranks["mean_rank"]) == [1, 2]


def test_the_tests_count_datasets_not_values_of_k():
    values = grid("ABC", "xyz", ks=(2,))
    repeated = {(d, k, m): value for (d, _, m), value in values.items() for k in range(2, 8)}
    once, often = (rank_methods(table(v), reference_k={}).drop(columns="n_ranked") for v in (values, repeated))
    pd.testing.assert_frame_equal(once, often)


def test_against_known_labels_only_the_reference_k_counts():
    metrics = table(grid("AB", "xyz", ks=(2, 3, 4)), "ari", "truth")
    ranks = rank_methods(metrics, reference_k={"A": 2, "B": 4, "C": 9})
    kept = metrics[metrics["k"] == metrics["dataset"].map({"A": 2, "B": 4})]
    expected = kept.assign(rank=kept.groupby("dataset")["value"].rank(ascending=False)).groupby("method")["rank"].mean()
    assert mean_ranks(ranks) == pytest.approx(expected.to_dict())
    assert set(ranks["n_ranked"]) == {2}


def test_a_dataset_without_a_reference_k_is_named():
    metrics = table(grid("AB", "xyz"), "ari", "truth")
    with pytest.raises(AmuclError, match=r"known labels but no reference k; got B"):
        rank_methods(metrics, reference_k={"A": 2})


def test_blocks_without_a_method_are_dropped_and_counted():
    values = grid("ABC", "xyz")
    values["A", 3, "y"] = np.nan
    del values["C", 2, "x"], values["C", 3, "x"]
    complete = {cell: value for cell, value in values.items() if cell[0] != "C" and cell[:2] != ("A", 3)}
    found, expected = (rank_methods(table(v), reference_k={}) for v in (values, complete))
    assert (found[["n_blocks", "n_ranked", "n_dropped"]].to_numpy() == [2, 3, 3]).all()
    pd.testing.assert_frame_equal(found.drop(columns="n_dropped"), expected.drop(columns="n_dropped"))


def test_a_method_without_any_value_costs_the_others_nothing():
    values = grid("AB", "xyz")
    empty = values | {(d, k, "broken"): np.nan for d in "AB" for k in (2, 3)}
    pd.testing.assert_frame_equal(
        rank_methods(table(values), reference_k={}), rank_methods(table(empty), reference_k={})
    )


def test_rivals_on_few_datasets_have_a_ranking_of_their_own():
    values = grid("ABC", "xyz") | grid("AB", ["published-x"], seed=1)
    ranks = rank_methods(table(values), reference_k={})
    own, everybody = ranks[ranks["ranking"] == "own"], ranks[ranks["ranking"] == "all"]
    alone = rank_methods(table(grid("ABC", "xyz")), reference_k={})
    pd.testing.assert_frame_equal(own, alone)
    assert set(everybody["method"]) == {"x", "y", "z", "published-x"}
    assert (everybody[["n_blocks", "n_methods", "n_dropped"]].to_numpy() == [2, 4, 2]).all()


def test_only_rivals():
    ranks = rank_methods(table(grid("AB", ["published-x", "published-y", "published-z"])), reference_k={})
    assert set(ranks["ranking"]) == {"all"}


def test_seeds_are_averaged():
    metrics = table({("A", 2, "x"): 0.5, ("A", 2, "y"): 0.6})
    second = metrics.assign(seed=2, value=[0.9, 0.6])
    assert mean_ranks(rank_methods(pd.concat([metrics, second]), reference_k={})) == {"x": 1, "y": 2}


@pytest.mark.parametrize(
    ("values", "status"),
    [
        (grid("A", "xyz"), "single_dataset"),
        (grid("ABC", "xy"), "fewer_than_3_methods"),
        (dict.fromkeys(grid("ABC", "xyz"), 0.5), "all_tied"),
        (grid("A", "xyz") | grid("B", "uvw"), "no_common_block"),
    ],
)
def test_without_a_test_there_is_a_reason(values, status):
    ranks = rank_methods(table(values), reference_k={})
    assert set(ranks["status"]) == {status}
    assert ranks[["friedman_p", "critical_difference"]].isna().all(axis=None)
    assert ranks["mean_rank"].isna().all() == (status == "no_common_block")


def test_every_pair_there_is_in_the_named_columns():
    metrics = pd.concat([table(grid("AB", "xyz"), "c_index"), table(grid("AB", "xyz"), "ari", "truth")])
    ranks = rank_methods(metrics, reference_k={"A": 2, "B": 2})
    assert list(ranks.columns) == COLUMNS
    assert list(map(tuple, ranks[["metric", "space"]].drop_duplicates().to_numpy())) == [
        ("c_index", "common"),
        ("ari", "truth"),
    ]
    assert list(rank_methods(metrics.iloc[:0], reference_k={}).columns) == COLUMNS


def test_a_metric_without_a_direction_is_refused():
    with pytest.raises(AmuclError, match=r"metric speed: no direction is known; expected silhouette, c_index"):
        rank_methods(table(grid("AB", "xyz"), "speed"), reference_k={}, pairs=[("speed", "common")])
