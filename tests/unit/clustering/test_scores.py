import numpy as np

from amucl.clustering.external import external_indices
from amucl.clustering.indices import internal_indices
from amucl.clustering.scores import HIGHER_IS_BETTER, PAIRS, is_published


def test_every_score_has_a_direction_and_it_is_the_one_in_which_better_clusters_lie():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 20)
    points = 8 * np.eye(3)[truth] + rng.normal(size=(60, 3))
    scrambled = rng.permutation(truth)
    good = internal_indices(points, truth) | external_indices(truth, truth)
    bad = internal_indices(points, scrambled) | external_indices(scrambled, truth)
    assert set(good) == set(HIGHER_IS_BETTER)
    for name, higher in HIGHER_IS_BETTER.items():
        assert (good[name] > bad[name]) == higher, name
    assert {metric for metric, _ in PAIRS} <= set(HIGHER_IS_BETTER)


def test_published_rivals_are_told_apart():
    assert [is_published(method) for method in ("published-efAE", "dmacl-published", "pca")] == [True, False, False]
