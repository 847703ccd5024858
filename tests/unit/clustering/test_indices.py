from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import davies_bouldin_score, silhouette_score

from amucl.clustering import indices
from amucl.clustering.indices import (
    c_index_hubert_levin,
    davies_bouldin,
    internal_indices,
    internal_over_partitions,
    pair_distances,
    silhouette,
)
from amucl.errors import AmuclError

INDICES = [c_index_hubert_levin, silhouette, davies_bouldin]


def naive_c_index(X, labels):
    """The definition, pair by pair."""
    pairs = list(combinations(range(len(X)), 2))
    distances = [float(np.sqrt(((X[i] - X[j]) ** 2).sum())) for i, j in pairs]
    within = [distance for distance, (i, j) in zip(distances, pairs, strict=True) if labels[i] == labels[j]]
    ordered = sorted(distances)
    smallest, largest = sum(ordered[: len(within)]), sum(ordered[len(ordered) - len(within) :])
    return (sum(within) - smallest) / (largest - smallest)


def naive_davies_bouldin(X, labels):
    """The definition, cluster by cluster."""
    clusters = [X[labels == label] for label in np.unique(labels)]
    centroids = [cluster.mean(axis=0) for cluster in clusters]
    pairs = list(zip(clusters, centroids, strict=True))
    spread = [np.mean([np.linalg.norm(x - centroid) for x in cluster]) for cluster, centroid in pairs]
    worst = [
        max((spread[i] + spread[j]) / np.linalg.norm(centroids[i] - centroids[j]) for j in range(len(pairs)) if j != i)
        for i in range(len(pairs))
    ]
    return np.mean(worst)


def random_case(seed, n=40, d=3, k=4):
    generator = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(k), generator.integers(k, size=n - k)])
    return generator.normal(size=(n, d)) + labels[:, None] * generator.uniform(0, 2), generator.permutation(labels)


@pytest.mark.parametrize("seed", range(6))
def test_c_index_equals_the_definition(seed):
    X, labels = random_case(seed)
    assert c_index_hubert_levin(X, labels) == pytest.approx(naive_c_index(X, labels), abs=1e-12)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2)), min_size=4, max_size=14).filter(
        lambda rows: len({(x, y) for x, y, _ in rows}) > 2 and 1 < len({label for *_, label in rows}) < len(rows)
    )
)
def test_c_index_equals_the_definition_with_many_ties(rows):
    points = np.array(rows)
    X, labels = points[:, :2].astype(float), points[:, 2]
    found = c_index_hubert_levin(X, labels)
    if np.isnan(found):  # the definition divides by zero
        with np.errstate(all="ignore"), pytest.raises(ZeroDivisionError):
            naive_c_index(X, labels)
    else:
        assert found == pytest.approx(naive_c_index(X, labels), abs=1e-12)


def test_c_index_by_hand():
    X = np.array([[0.0], [1.0], [3.0], [7.0]])  # distances 1 2 3 4 6 7
    assert c_index_hubert_levin(X, [1, 1, 2, 2]) == pytest.approx((1 + 4 - 3) / (13 - 3))
    assert c_index_hubert_levin(X, [1, 1, 1, 2]) == 0
    assert c_index_hubert_levin(X, [1, 2, 2, 1]) == pytest.approx((7 + 2 - 3) / (13 - 3))


@pytest.mark.parametrize("seed", range(6))
def test_silhouette_and_davies_bouldin_equal_scikit_learn(seed):
    X, labels = random_case(seed, n=60, d=5, k=5)
    assert silhouette(X, labels) == pytest.approx(silhouette_score(X, labels), abs=1e-12)
    assert davies_bouldin(X, labels) == pytest.approx(davies_bouldin_score(X, labels), abs=1e-12)


def test_repeated_rows_and_a_cluster_of_one():
    X, labels = random_case(1, n=12)
    X, labels = np.vstack([X, X, X]), np.tile(labels, 3)
    labels[0] = 9
    assert c_index_hubert_levin(X, labels) == pytest.approx(naive_c_index(X, labels), abs=1e-12)
    # scikit-learn's own distances are good to 1e-8 only where two points coincide, so it gets exact ones
    exact = pair_distances(X).matrix
    assert silhouette(X, labels) == pytest.approx(silhouette_score(exact, labels, metric="precomputed"), abs=1e-12)
    assert davies_bouldin(X, labels) == pytest.approx(naive_davies_bouldin(X, labels), abs=1e-12)
    assert davies_bouldin(X, labels) == pytest.approx(davies_bouldin_score(X, labels), abs=1e-6)


def test_far_from_the_origin():
    X, labels = random_case(2)
    expected = internal_indices(X, labels)
    assert internal_indices(X + 1e4, labels) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("index", INDICES)
def test_tight_clusters_score_better(index):
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 20)
    noise = generator.normal(size=(60, 2))
    tight, loose = (index(10 * np.eye(3)[labels][:, :2] + width * noise, labels) for width in (0.1, 3))
    assert tight > loose if index is silhouette else tight < loose


@pytest.mark.parametrize("index", INDICES)
def test_unchanged_by_names_order_position_rotation_and_scale(index):
    X, labels = random_case(3)
    expected = index(X, labels)
    generator = np.random.default_rng(7)
    order = generator.permutation(len(X))
    rotation, _ = np.linalg.qr(generator.normal(size=(3, 3)))
    names = np.array(["d", "a", "c", "b"])[labels]
    assert index(X, names) == pytest.approx(expected, abs=1e-12)
    assert index(X[order], labels[order]) == pytest.approx(expected, abs=1e-12)
    assert index(5 * X @ rotation - 3, labels) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("index", INDICES)
def test_undefined_at_one_and_at_n_clusters(index):
    X, _ = random_case(0, n=8)
    assert np.isnan(index(X, np.ones(8)))
    assert np.isnan(index(X, np.arange(8)))


def test_identical_points():
    X, labels = np.full((6, 2), 0.1), [0, 0, 0, 1, 1, 1]
    assert np.isnan(c_index_hubert_levin(X, labels))
    assert np.isnan(davies_bouldin(X, labels))
    assert silhouette(X, labels) == 0


@pytest.mark.parametrize("scale", [1e-8, 0.1, 1e8])
def test_c_index_of_equal_distances_is_undefined(scale):
    assert np.isnan(c_index_hubert_levin(scale * np.eye(7), [0, 0, 0, 1, 1, 2, 2]))


def test_davies_bouldin_of_coinciding_centroids_is_undefined():
    assert np.isnan(davies_bouldin([[1.0, 0.3], [-1, 0.3], [0, 1.3], [0, -0.7], [5, 5]], [0, 0, 1, 1, 2]))


def test_all_three_from_one_set_of_distances():
    X, labels = random_case(5)
    distances = pair_distances(X)
    expected = {
        "c_index": c_index_hubert_levin(X, labels),
        "silhouette": silhouette(X, labels),
        "davies_bouldin": davies_bouldin(X, labels),
    }
    assert internal_indices(X, labels) == expected
    assert internal_indices(X, labels, distances=distances) == expected


def test_single_precision_input_is_computed_in_double():
    X, labels = random_case(2)
    X = X.astype(np.float32)
    assert internal_indices(X, labels) == internal_indices(X.astype(np.float64), labels)


@pytest.mark.parametrize("index", [*INDICES, internal_indices])
@pytest.mark.parametrize(
    ("X", "labels", "message"),
    [
        (
            [[0.0], [np.nan], [np.inf], [1.0]],
            [0, 0, 1, 1],
            r"position 1, 2 \(from 0\): the matrix has missing or infinite",
        ),
        ([[0.0]], [0], r"at least 2 samples x 1 feature; got shape \(1, 1\)"),
        ([0.0, 1.0], [0, 1], r"got shape \(2,\)"),
        ([[0.0], [1.0], [2.0]], [0, 1], r"labels of a wrong length; expected 3, one per sample; got \(2,\)"),
        ([[0.0], [1.0], [2.0]], [0, np.nan, 1], r"position 1 \(from 0\): 1 of 3 labels are missing"),
        ([[0.0], [1.0], [2.0]], ["a", "", None], r"position 1, 2 \(from 0\): 2 of 3 labels are missing"),
    ],
)
def test_bad_input(index, X, labels, message):
    with pytest.raises(AmuclError, match=message):
        index(np.array(X), labels)


@pytest.mark.parametrize("k", [2, 3, 6])
def test_many_partitions_at_once_equal_one_by_one(k):
    rng = np.random.default_rng(k)
    X = rng.normal(size=(37, 4)) * [1, 5, 0.1, 1] + 100
    X[5:9] = X[4]  # duplicates: distances of 0
    partitions = np.array([rng.permutation(np.resize(np.arange(1, k + 1), 37)) for _ in range(50)])
    partitions[0] = np.where(np.arange(37) == 0, 2, 1)  # a cluster of one
    partitions[1] = 1
    together = internal_over_partitions(X, partitions)
    alone = pd.DataFrame([internal_indices(X, labels) for labels in partitions])
    np.testing.assert_allclose(together, alone, atol=1e-12, rtol=1e-12)
    assert together.loc[1].isna().all()


def test_batches_do_not_change_the_values(monkeypatch):
    rng = np.random.default_rng(0)
    X, partitions = rng.normal(size=(20, 3)), rng.integers(1, 4, size=(9, 20))
    whole = internal_over_partitions(X, partitions)
    monkeypatch.setattr("amucl.clustering.indices._BATCH_VALUES", 1)
    pd.testing.assert_frame_equal(internal_over_partitions(X, partitions), whole, rtol=1e-13)


def test_all_samples_apart_is_undefined():
    assert internal_over_partitions(np.eye(4), np.array([[1, 2, 3, 4]])).isna().all(axis=None)


def test_coinciding_centroids_leave_davies_bouldin_undefined():
    X = np.array([[0.0], [2.0], [0.0], [2.0]])
    values = internal_over_partitions(X, np.array([[1, 1, 2, 2]])).iloc[0]
    assert np.isnan(values["davies_bouldin"])
    assert np.isfinite(values["silhouette"])


def test_distances_of_many_samples_are_those_of_few(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.normal(1e6, 1, (60, 40))  # far from the origin, where a product of matrices would lose digits
    X[1] = X[0]
    few = pair_distances(X)
    monkeypatch.setattr(indices, "_MANY", 50)
    many = pair_distances(X)
    np.testing.assert_allclose(many.matrix, few.matrix, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(many.sums, few.sums, rtol=1e-9, atol=1e-6)
    np.testing.assert_array_equal(np.diag(many.matrix), 0)
    np.testing.assert_array_equal(many.matrix, many.matrix.T)
