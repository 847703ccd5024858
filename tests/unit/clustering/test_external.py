from itertools import combinations, permutations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy
from sklearn import metrics

from amucl.clustering.external import (
    accuracy,
    ari,
    confusion,
    external_indices,
    external_over_partitions,
    f_measure,
    nmi,
    purity,
    rand,
)
from amucl.errors import AmuclError

INDICES = [ari, nmi, accuracy, purity, rand, f_measure]

TRUTH = np.array(["AML", "AML", "ALL", "ALL", "CLL", "CLL", "CLL", "AML"])
LABELS = np.array([2, 2, 1, 1, 3, 3, 1, 3])


def naive_pairs(a, b):
    pairs = [(a[i] == a[j], b[i] == b[j]) for i, j in combinations(range(len(a)), 2)]
    return [pairs.count(kind) for kind in [(True, True), (True, False), (False, True), (False, False)]]


def naive_ari(a, b):
    both, only_a, only_b, neither = naive_pairs(a, b)
    numerator = 2 * (both * neither - only_a * only_b)
    return numerator / ((both + only_a) * (only_a + neither) + (both + only_b) * (only_b + neither))


def naive_rand(a, b):
    both, only_a, only_b, neither = naive_pairs(a, b)
    return (both + neither) / (both + only_a + only_b + neither)


def naive_f_measure(a, b):
    both, only_a, only_b, _ = naive_pairs(a, b)
    precision, recall = both / (both + only_a), both / (both + only_b)
    return 2 * precision * recall / (precision + recall)


def naive_accuracy(a, b):
    """The best of all ways to name the clusters by classes, or the classes by clusters."""
    few, many = sorted((np.asarray(a), np.asarray(b)), key=lambda labels: len(np.unique(labels)))
    names = np.unique(few)
    return max(
        sum(np.sum((few == name) & (many == other)) for name, other in zip(names, others, strict=True))
        for others in permutations(np.unique(many), len(names))
    ) / len(few)


def naive_purity(a, b):
    return sum(max(np.sum((a == x) & (b == y)) for y in np.unique(b)) for x in np.unique(a)) / len(a)


def naive_nmi(a, b):
    table = np.array([[np.mean((a == x) & (b == y)) for y in np.unique(b)] for x in np.unique(a)])
    h_a, h_b = entropy(table.sum(axis=1)), entropy(table.sum(axis=0))
    return (h_a + h_b - entropy(table.ravel())) / ((h_a + h_b) / 2)


@pytest.mark.parametrize(
    ("index", "naive"),
    [
        (ari, naive_ari),
        (nmi, naive_nmi),
        (accuracy, naive_accuracy),
        (purity, naive_purity),
        (rand, naive_rand),
        (f_measure, naive_f_measure),
    ],
)
@pytest.mark.parametrize("n_clusters", [2, 3, 5])
def test_equal_the_definitions(index, naive, n_clusters):
    assert index(LABELS, TRUTH) == pytest.approx(naive(LABELS, TRUTH), abs=1e-12)
    labels = np.random.default_rng(n_clusters).permutation(np.arange(24) % n_clusters)
    truth = np.repeat(["x", "y", "z"], [5, 8, 11])
    assert index(labels, truth) == pytest.approx(naive(labels, truth), abs=1e-12)


def test_pair_counts_equal_those_of_scikit_learn():
    (neither, clusters_only), (classes_only, both) = metrics.pair_confusion_matrix(TRUTH, LABELS)
    assert rand(LABELS, TRUTH) == pytest.approx((both + neither) / (both + neither + clusters_only + classes_only))
    assert f_measure(LABELS, TRUTH) == pytest.approx(2 * both / (2 * both + clusters_only + classes_only))


def test_unmatched_clusters_and_classes_count_as_wrong():
    assert accuracy([1, 1, 2, 2, 3, 3], ["a"] * 4 + ["b"] * 2) == pytest.approx(4 / 6)
    assert accuracy([1] * 6, ["a"] * 3 + ["b"] * 2 + ["c"]) == pytest.approx(3 / 6)
    assert purity([1, 1, 2, 2, 3, 3], ["a"] * 4 + ["b"] * 2) == 1


@pytest.mark.parametrize("index", INDICES)
def test_same_partition_under_other_names_scores_one(index):
    assert index(TRUTH, [5, 5, "x", "x", 0, 0, 0, 5]) == 1
    assert index([1, 1, 1], ["a", "a", "a"]) == 1
    assert index([3, 1, 2], ["a", "b", "c"]) == 1


@pytest.mark.parametrize("k", range(2, 40))
def test_the_same_partition_scores_one_exactly(k):
    generator = np.random.default_rng(k)
    labels = generator.integers(k, size=300)
    assert set(external_indices(labels, generator.permutation(k)[labels]).values()) == {1.0}


def test_one_cluster_or_only_single_samples_say_nothing():
    truth = ["a", "a", "a", "b", "b", "b"]
    together = {"ari": 0, "nmi": 0, "accuracy": 0.5, "purity": 0.5, "rand": 0.4, "f_measure": 4 / 7}
    assert external_indices([1] * 6, truth) == pytest.approx(together, abs=1e-12)
    apart = external_indices(range(6), truth)
    expected = {
        "ari": 0,
        "nmi": 2 * np.log(2) / np.log(12),
        "accuracy": 2 / 6,
        "purity": 1,
        "rand": 0.6,
        "f_measure": 0,
    }
    assert apart == pytest.approx(expected, abs=1e-12)


def test_the_table_of_six_holds_each_index():
    found = external_indices(LABELS, TRUTH)
    assert found == {index.__name__: index(LABELS, TRUTH) for index in INDICES}
    assert list(found) == ["ari", "nmi", "accuracy", "purity", "rand", "f_measure"]


@pytest.mark.parametrize("index", [ari, nmi, accuracy, rand, f_measure])
def test_symmetric_and_unchanged_by_order(index):
    order = np.random.default_rng(0).permutation(len(TRUTH))
    assert index(TRUTH, LABELS) == pytest.approx(index(LABELS, TRUTH))
    assert index(LABELS[order], TRUTH[order]) == pytest.approx(index(LABELS, TRUTH))


def test_purity_is_of_the_clusters():
    assert purity([1, 2, 3, 4], ["a", "a", "b", "b"]) == 1
    assert purity(["a", "a", "b", "b"], [1, 2, 3, 4]) == 0.5


@pytest.fixture
def partitions():
    """From random to nearly the truth, of 1 to 9 clusters, one partition in rows of its own names."""
    generator = np.random.default_rng(3)
    truth = np.arange(120) % 5
    ks = generator.integers(1, 10, size=(60, 1))
    drawn = np.where(
        generator.random((60, 120)) < generator.random((60, 1)), truth, generator.integers(10, size=(60, 120))
    )
    return drawn % ks + 1, truth


def test_many_partitions_equal_one_by_one_and_scikit_learn(partitions):
    labels, truth = partitions
    table = external_over_partitions(labels, truth)
    pd.testing.assert_frame_equal(table, pd.DataFrame([external_indices(row, truth) for row in labels]), rtol=1e-12)
    oracles = {
        "ari": metrics.adjusted_rand_score,
        "nmi": metrics.normalized_mutual_info_score,
        "rand": metrics.rand_score,
    }
    for name, oracle in oracles.items():
        np.testing.assert_allclose(table[name], [oracle(truth, row) for row in labels], atol=1e-12, rtol=0)
    assert table["ari"].max() > 0.9
    assert table["ari"].min() < 0.05


def test_names_of_clusters_do_not_matter(partitions):
    labels, truth = partitions
    names = np.random.default_rng(0).permutation(np.arange(-500, 500, 100))
    pd.testing.assert_frame_equal(
        external_over_partitions(names[labels - 1], truth.astype(str)), external_over_partitions(labels, truth)
    )


@pytest.mark.parametrize("wrong", [np.ones(8, dtype=int), np.ones((3, 7), dtype=int), np.full((3, 8), np.nan)])
def test_what_is_no_matrix_of_partitions(wrong):
    with pytest.raises(AmuclError, match="expected integers, partitions x 8 samples; got"):
        external_over_partitions(wrong, TRUTH)


def test_confusion_matches_clusters_to_classes_on_the_diagonal():
    table = confusion([7, 7, 10, 10, 9, 9, 9, 2], ["S10", "S10", "S2", "S2", "S9", "S9", "S10", "S9"])
    assert list(table.index) == ["S2", "S9", "S10"]
    assert list(table.columns) == [10, 9, 7, 2]
    assert table.to_numpy().tolist() == [[2, 0, 0, 0], [0, 2, 0, 1], [0, 1, 2, 0]]
    assert (table.index.name, table.columns.name) == ("class", "cluster")


def test_confusion_with_more_classes_than_clusters_keeps_the_classes_in_order():
    table = confusion([2, 2, 2, 1, 1], ["a", "b", "b", "c", "c"])
    assert list(table.index) == ["a", "b", "c"]
    assert list(table.columns) == [2, 1]
    assert table.to_numpy().tolist() == [[1, 0], [2, 0], [0, 2]]


def test_confusion_diagonal_is_the_accuracy_but_for_classes_without_a_cluster(partitions):
    labels, truth = partitions
    for row in labels[:20]:
        table = confusion(row, truth)
        assert list(table.index) == [0, 1, 2, 3, 4]
        assert table.to_numpy().sum() == 120
        diagonals = [np.diag(table.iloc[list(rows)]) for rows in combinations(range(5), min(table.shape))]
        assert max(map(sum, diagonals)) / 120 == pytest.approx(accuracy(row, truth))


def test_chance_scores_zero_in_ari():
    generator = np.random.default_rng(1)
    scores = [ari(generator.integers(3, size=60), generator.integers(4, size=60)) for _ in range(200)]
    assert abs(np.mean(scores)) < 0.01


@pytest.mark.parametrize("index", [*INDICES, confusion])
@pytest.mark.parametrize(
    ("labels", "truth", "message"),
    [
        ([1, np.nan, 2], ["a", "b", "c"], r"position 1 \(from 0\): 1 of 3 labels are missing"),
        ([1, 1, 2], ["a", "", None], r"position 1, 2 \(from 0\): 2 of 3 true labels are missing"),
        ([1, 2], ["a", "b", "c"], r"labels of a wrong length; expected 3, one per sample; got \(2,\)"),
    ],
)
def test_bad_input(index, labels, truth, message):
    with pytest.raises(AmuclError, match=message):
        index(labels, truth)
