from itertools import combinations

import numpy as np
import pytest
from scipy.stats import entropy

from amucl.clustering.external import ari, nmi
from amucl.errors import AmuclError

TRUTH = np.array(["AML", "AML", "ALL", "ALL", "CLL", "CLL", "CLL", "AML"])
LABELS = np.array([2, 2, 1, 1, 3, 3, 1, 3])


def naive_ari(a, b):
    """From the four counts of pairs."""
    pairs = [(a[i] == a[j], b[i] == b[j]) for i, j in combinations(range(len(a)), 2)]
    both, only_a, only_b, neither = (
        pairs.count(kind) for kind in [(True, True), (True, False), (False, True), (False, False)]
    )
    numerator = 2 * (both * neither - only_a * only_b)
    return numerator / ((both + only_a) * (only_a + neither) + (both + only_b) * (only_b + neither))


def naive_nmi(a, b):
    table = np.array([[np.mean((a == x) & (b == y)) for y in np.unique(b)] for x in np.unique(a)])
    h_a, h_b = entropy(table.sum(axis=1)), entropy(table.sum(axis=0))
    return (h_a + h_b - entropy(table.ravel())) / ((h_a + h_b) / 2)


def test_equal_the_definitions():
    assert ari(LABELS, TRUTH) == pytest.approx(naive_ari(LABELS, TRUTH), abs=1e-12)
    assert nmi(LABELS, TRUTH) == pytest.approx(naive_nmi(LABELS, TRUTH), abs=1e-12)


@pytest.mark.parametrize("index", [ari, nmi])
def test_same_partition_under_other_names_scores_one(index):
    assert index(TRUTH, [5, 5, "x", "x", 0, 0, 0, 5]) == 1


@pytest.mark.parametrize("index", [ari, nmi])
def test_symmetric_and_unchanged_by_order(index):
    order = np.random.default_rng(0).permutation(len(TRUTH))
    assert index(TRUTH, LABELS) == pytest.approx(index(LABELS, TRUTH))
    assert index(LABELS[order], TRUTH[order]) == pytest.approx(index(LABELS, TRUTH))


def test_chance_scores_zero_in_ari():
    generator = np.random.default_rng(1)
    scores = [ari(generator.integers(3, size=60), generator.integers(4, size=60)) for _ in range(200)]
    assert abs(np.mean(scores)) < 0.01


@pytest.mark.parametrize("index", [ari, nmi])
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
