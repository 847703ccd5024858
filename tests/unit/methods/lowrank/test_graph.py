import logging

import numpy as np
import pytest

from amucl.errors import AmuclError
from amucl.methods.lowrank.graph import knn_graph, laplacian


def brute_force(X, k):
    n = len(X)
    W = np.zeros((n, n))
    for i in range(n):
        nearest = sorted((j for j in range(n) if j != i), key=lambda j: (np.sum((X[i] - X[j]) ** 2), j))[:k]
        W[i, nearest] = W[nearest, i] = 1
    return W


def test_graph_equals_a_brute_force_one():
    X = np.random.default_rng(0).normal(size=(30, 4))
    np.testing.assert_array_equal(knn_graph(X, 5).toarray(), brute_force(X, 5))


def test_ties_go_to_the_lower_index():
    points = np.random.default_rng(0).normal(size=(3, 7))
    X = points[np.random.default_rng(1).integers(0, 3, size=150)]
    np.testing.assert_array_equal(knn_graph(X, 4).toarray(), brute_force(X, 4))


def test_neighbours_are_capped_at_all_others():
    W = knn_graph(np.random.default_rng(0).normal(size=(4, 3)), 10).toarray()
    np.testing.assert_array_equal(W, 1 - np.eye(4))


def test_zero_samples_stay_isolated_and_are_named(caplog):
    X = np.random.default_rng(0).normal(size=(8, 3))
    X[5] = 0
    with caplog.at_level(logging.WARNING, "amucl.methods.lowrank"):
        W = knn_graph(X, 7).toarray()
    others = np.delete(np.arange(8), 5)
    assert not W[5].any()
    np.testing.assert_array_equal(W[np.ix_(others, others)], 1 - np.eye(7))
    assert "row 5" in caplog.text


def test_laplacian_is_degrees_minus_weights():
    W = knn_graph(np.random.default_rng(0).normal(size=(12, 3)), 2)
    z = np.random.default_rng(1).normal(size=12)
    L = laplacian(W)
    pairs = sum(W.toarray()[i, j] * (z[i] - z[j]) ** 2 for i in range(12) for j in range(12)) / 2
    assert z @ (L @ z) == pytest.approx(pairs)
    np.testing.assert_allclose(L.sum(axis=1), 0)


def test_no_neighbours_is_an_error():
    with pytest.raises(AmuclError, match=r"n_neighbors.*at least 1.*got 0"):
        knn_graph(np.ones((3, 2)), 0)


def test_one_neighbour_is_enough_and_the_default_is_the_papers_five(caplog):
    X = np.random.default_rng(3).normal(size=(20, 4))
    np.testing.assert_array_equal(knn_graph(X, 1).toarray(), brute_force(X, 1))
    np.testing.assert_array_equal(knn_graph(X).toarray(), brute_force(X, 5))
    assert caplog.text == ""  # no sample is zero
    assert knn_graph(np.zeros((3, 2)), 2).toarray().tolist() == [[0, 0, 0]] * 3
