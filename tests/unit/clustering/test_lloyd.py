"""What the parts of Lloyd's algorithm do where a restart sees a subset of the samples only."""

import numpy as np
import pytest

from amucl.clustering.lloyd import KMEANS_PLUS_PLUS, RANDOM, _inertias, _means, _refill, refine, run_batches


def emptied(points, labels, k, mask=None):
    X = np.asarray(points, dtype=float)[:, None]
    labels = np.array(labels)
    given = None if mask is None else np.array(mask)[None]
    means, sizes = _means(X, labels[None], given, k)
    _refill(X, labels, means[0], sizes[0], None if mask is None else given[0])
    return labels.tolist(), means[0].ravel().tolist(), sizes[0].tolist()


def test_an_empty_cluster_goes_to_the_farthest_sample():
    """Of 0, 1, 2 and 7, mean 2.5: 7 leaves, and the others' mean is 1."""
    labels, means, sizes = emptied([0, 1, 2, 7], [0, 0, 0, 0], 2)
    assert labels == [0, 0, 0, 1]
    assert means == [1, 7]
    assert sizes == [3, 1]


def test_an_empty_cluster_never_goes_to_a_sample_outside_the_subset():
    """1000 is the farthest, but takes no part: of 0, 1, 2 and 7 it is 7 as before, and 1000 counts for no mean."""
    labels, means, sizes = emptied([0, 1000, 1, 2, 7], [0, 0, 0, 0, 0], 2, [True, False, True, True, True])
    assert labels == [0, 0, 0, 0, 1]
    assert means == [1, 7]
    assert sizes == [3, 1]


def test_samples_of_one_place_leave_the_cluster_empty():
    labels, means, sizes = emptied([4, 9, 4, 4], [0, 0, 0, 0], 3, [True, False, True, True])
    assert labels == [0, 0, 0, 0]
    assert means == [4, 0, 0]
    assert sizes == [3, 0, 0]


def test_two_empty_clusters_go_to_two_samples():
    """Around the mean 110 / 3 of 0, 10 and 100 the farthest is 100; then 0 and 10 are as far from 5, and 0 is first."""
    labels, means, sizes = emptied([0, 10, 100], [1, 1, 1], 3)
    assert labels == [2, 1, 0]
    assert means == pytest.approx([100, 10, 0])
    assert sizes == [1, 1, 1]


def test_inertia_is_the_squares_around_the_means_of_those_inside():
    """1 and 3 around 2, 10 alone: 2. The sample outside at 50 adds nothing."""
    X = np.array([1.0, 3, 10, 50])[:, None]
    labels, mask = np.array([[0, 0, 1, 1]]), np.array([[True, True, True, False]])
    assert _inertias(X, *_means(X, labels, mask, 2), mask) == pytest.approx([2])
    assert _inertias(X, *_means(X, labels, None, 2), None) == pytest.approx([2 + 2 * 20**2])


@pytest.mark.parametrize("kind", [KMEANS_PLUS_PLUS, RANDOM])
def test_a_subset_is_clustered_as_if_it_were_alone(kind):
    """The three groups of the subset are found although a far group outside it would draw a centre."""
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(centre, 0.1, (8, 2)) for centre in (0, 3, 6, 500)])
    mask = np.arange(32) < 24
    starts = np.full(20, kind)
    ((_, labels, inertias),) = run_batches(X, 3, np.random.SeedSequence(1), starts, np.tile(mask, (20, 1)))
    best = labels[inertias.argmin()]
    assert [len(set(best[8 * i : 8 * i + 8])) for i in range(3)] == [1, 1, 1]
    assert len(set(best[:24])) == 3
    inside = [X[8 * i : 8 * i + 8] for i in range(3)]
    assert inertias.min() == pytest.approx(sum(((part - part.mean(axis=0)) ** 2).sum() for part in inside))
    assert set(best[24:]) == {best[23]}  # only assigned, to the nearest


def test_an_exchange_that_pays_is_found_where_lloyd_stops():
    """0, 10 | 21 with means 5 and 21: 10 is nearer 5. Moved, 10 and 21 cost 60.5 and not 50: no move pays.
    0, 6 | 11: alone 0, and 6 with 11 cost 12.5 and not 18, though 6 is as near to 3 as it can be."""
    for points, labels, expected in (([0, 10, 21], [0, 0, 1], 50), ([0, 6, 11], [0, 0, 1], 12.5)):
        X = np.array(points, dtype=float)[:, None]
        X -= X.mean()
        found, inertia = refine(X, np.array([labels]), 2)
        assert inertia == pytest.approx([expected])
        assert (found[0, 1] == found[0, 2]) == (expected == 12.5)
