import logging
import warnings

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from amucl.errors import AmuclError
from amucl.methods.lowrank.affinity import (
    angular_affinity,
    contrast,
    normalized_cuts,
    pieces,
    representation_factor,
    unit_rows,
)
from amucl.methods.lowrank.proximal import symmetric_eigenvalue_shrink


@pytest.fixture(autouse=True)
def strict():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def blocks(*sizes, between=0.0):
    truth = np.repeat(np.arange(len(sizes)), sizes)
    return np.where(truth[:, None] == truth[None], 1.0, between), truth


def test_factor_of_a_positive_matrix_is_its_root():
    A = np.random.default_rng(0).normal(size=(6, 3))
    _, U, w = symmetric_eigenvalue_shrink(A @ A.T, 1e-9)
    M = representation_factor(U, w)
    np.testing.assert_allclose(M @ M.T, A @ A.T, atol=1e-6)


def test_affinity_is_the_squared_cosine():
    M = np.random.default_rng(0).normal(size=(5, 3))
    H = angular_affinity(M)
    cosine = M[1] @ M[3] / np.linalg.norm(M[1]) / np.linalg.norm(M[3])
    assert H[1, 3] == pytest.approx(cosine**2)
    np.testing.assert_array_equal(H, H.T)
    np.testing.assert_allclose(np.diag(H), 1)
    assert H.min() >= 0
    assert H.max() <= 1


def test_zero_rows_stay_zero_and_are_named(caplog):
    M = np.random.default_rng(0).normal(size=(5, 3))
    M[2] = 0
    with caplog.at_level(logging.WARNING, "amucl.methods.lowrank"):
        H = angular_affinity(M)
    assert not H[2].any()
    assert not H[:, 2].any()
    assert not unit_rows(M)[2].any()
    assert "1 of 5" in caplog.text
    assert "row 2" in caplog.text


@pytest.mark.parametrize("rank", [2, 5, 30])
def test_contrast_is_one_for_random_directions_and_more_for_clusters(rank):
    M = np.random.default_rng(0).normal(size=(600, rank))
    assert contrast(angular_affinity(M), rank) == pytest.approx(1, abs=0.03)
    clusters = angular_affinity(np.eye(rank)[np.arange(600) % rank])
    assert contrast(clusters, rank) == pytest.approx((rank + 2) / 3, rel=0.06)
    assert contrast(np.eye(600), rank) == 0
    assert np.isnan(contrast(np.zeros((600, 600)), 0))


@pytest.mark.parametrize("between", [0.0, 0.05])
def test_blocks_are_found(between):
    H, truth = blocks(5, 9, 7, between=between)
    assert adjusted_rand_score(truth, normalized_cuts(H, 3)) == 1


def test_seed_does_not_matter_and_permuted_samples_are_cut_alike():
    H, _ = blocks(6, 6, 8, between=0.1)
    noise = np.random.default_rng(0).uniform(0, 0.2, H.shape)
    H = np.clip(H + noise + noise.T, 0, 1)
    labels = normalized_cuts(H, 3)
    np.testing.assert_array_equal(labels, normalized_cuts(H, 3, seed=5))
    order = np.random.default_rng(1).permutation(len(H))
    assert adjusted_rand_score(labels[order], normalized_cuts(H[np.ix_(order, order)], 3)) == 1


def test_samples_without_affinity_join_the_largest_cluster_with_a_warning(caplog):
    H, truth = blocks(4, 8)
    H[1] = H[:, 1] = 0
    labels = normalized_cuts(H, 2)
    assert labels[1] == labels[-1]
    used = np.delete(np.arange(12), 1)
    assert adjusted_rand_score(truth[used], labels[used]) == 1
    assert "row 1" in caplog.text
    assert "means nothing" in caplog.text


def test_more_pieces_than_clusters_is_said(caplog):
    H, _ = blocks(4, 5, 6, 7)
    assert set(normalized_cuts(H, 2)) == {0, 1}
    assert "4 separate pieces" in caplog.text


def test_fewer_clusters_than_asked_is_said(caplog):
    labels = normalized_cuts(np.ones((6, 6)), 3)
    assert labels.max() + 1 == len(set(labels))
    assert len(set(labels)) == 3 or "clusters were found" in caplog.text


def test_as_many_clusters_as_samples_is_one_each():
    H, _ = blocks(2, 3, between=0.2)
    assert sorted(normalized_cuts(H, 5)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("k", range(2, 6))
def test_every_k_up_to_n_of_a_small_graph_gives_k_labels(k):
    M = np.random.default_rng(0).normal(size=(5, 3))
    assert set(normalized_cuts(angular_affinity(M), k)) == set(range(k))


@pytest.mark.parametrize("k", [-1, 0, 1, 13])
def test_impossible_number_of_clusters_is_an_error(k):
    with pytest.raises(AmuclError, match=rf"number of clusters.*2 to 12.*got {k}"):
        normalized_cuts(blocks(4, 8)[0], k)


def test_fewer_samples_with_affinity_than_clusters_are_said(caplog):
    """Of noise no sample may be represented: that is a result, of one cluster, not an end of the run."""
    assert normalized_cuts(np.zeros((4, 4)), 2).tolist() == [0, 0, 0, 0]
    assert "k = 2: only 0 of 4 samples have any affinity, so there are 1 cluster(s): raise gamma" in caplog.text
    H = np.zeros((5, 5))
    H[:2, :2] = 1
    labels = normalized_cuts(H, 4)
    assert labels[0] != labels[1]
    assert "k = 4: only 2 of 5 samples have any affinity, so there are 2 cluster(s)" in caplog.text
    with pytest.raises(AmuclError, match="expected 2 to 5, the number of samples; got 6; ask for fewer"):
        normalized_cuts(H, 6)


@pytest.mark.parametrize(
    ("H", "message"),
    [
        (np.ones((3, 4)), "not square"),
        (np.array([[1, np.nan], [np.nan, 1]]), "row 0, column 1.*not finite"),
        (np.array([[1.0, -0.5], [-0.5, 1.0]]), "non-negative"),
        (np.array([[1.0, 0.5], [0.1, 1.0]]), "not symmetric"),
    ],
)
def test_what_is_no_affinity_is_an_error(H, message):
    with pytest.raises(AmuclError, match=message):
        normalized_cuts(H, 2)


def test_pieces_are_counted_among_the_represented():
    H = np.kron(np.diag([1.0, 1, 0, 1]), np.ones((2, 2)))
    assert pieces(H) == 3
    assert pieces(np.ones((4, 4))) == 1
    assert pieces(np.zeros((3, 3))) == 0


def test_a_graph_of_as_many_clusters_as_asked_gives_no_warning(caplog):
    H, truth = blocks(5, 6, between=0.05)
    assert adjusted_rand_score(truth, normalized_cuts(H, 2)) == 1
    H, truth = blocks(5, 6)
    assert adjusted_rand_score(truth, normalized_cuts(H, 2)) == 1
    assert caplog.text == ""


def test_too_few_clusters_are_counted(caplog, monkeypatch):
    """Whatever the cut gives: labels 4 and 7 of three asked for are two clusters, 0 and 1."""
    labels = np.array([4, 4, 7, 7, 7])
    monkeypatch.setattr("amucl.methods.lowrank.affinity.SpectralClustering.fit_predict", lambda *_: labels)
    assert normalized_cuts(np.ones((5, 5)), 3).tolist() == [0, 0, 1, 1, 1]
    assert "k = 3: only 2 clusters were found: ask for fewer" in caplog.text
    caplog.clear()
    assert normalized_cuts(np.ones((5, 5)), 2).tolist() == [0, 0, 1, 1, 1]
    assert caplog.text == ""
