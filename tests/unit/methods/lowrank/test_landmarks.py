import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from amucl.errors import AmuclError
from amucl.methods.lowrank.family import SGLRR
from amucl.methods.lowrank.landmarks import Landmarks, choose_landmarks


def groups(n=240, m=30, noise=0.5, seed=0):
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(4), n // 4)
    return 2 * rng.normal(size=(4, m))[truth] + noise * rng.normal(size=(n, m)), truth


def test_landmarks_are_different_samples_that_reach_every_group():
    X, truth = groups()
    landmarks = choose_landmarks(X, 20, 3)
    assert len(set(landmarks.chosen)) == 20
    assert (np.diff(landmarks.chosen) > 0).all()
    assert set(truth[landmarks.chosen]) == {0, 1, 2, 3}
    np.testing.assert_array_equal(landmarks.nearest[landmarks.chosen, 0], np.arange(20))
    distances = np.linalg.norm(X[:, None] - X[landmarks.chosen][None], axis=2)
    np.testing.assert_array_equal(np.sort(landmarks.nearest), np.sort(np.argsort(distances, axis=1)[:, :3]))
    np.testing.assert_array_equal(landmarks.chosen, choose_landmarks(X, 20, 3).chosen)
    assert set(landmarks.chosen) != set(choose_landmarks(X, 20, 3, seed=1).chosen)


def test_equal_samples_are_one_landmark_and_zero_samples_none():
    X, _ = groups(n=40)
    X = np.vstack([X, X, np.zeros((5, X.shape[1]))])
    landmarks = choose_landmarks(X, 40, 3)
    assert (landmarks.chosen < 40).all()
    assert len(np.unique(X[landmarks.chosen], axis=0)) == 40
    with pytest.raises(AmuclError, match="at most 40, the different samples that are not zero; got 41"):
        choose_landmarks(X, 41, 3)


def test_others_get_the_mean_direction_of_their_landmarks():
    landmarks = Landmarks(np.array([0, 2, 3]), np.array([[0, 1], [0, 2], [1, 0], [2, 1]]))
    directions = np.array([[1.0, 0], [0, 1], [-1, 0]])
    spread = landmarks.spread(directions)
    np.testing.assert_array_equal(spread[[0, 2, 3]], directions)
    np.testing.assert_array_equal(spread[1], [0, 0])  # opposite directions cancel: no direction
    np.testing.assert_allclose(Landmarks(np.array([0]), np.array([[0], [0]])).spread(directions[:1]), [[1, 0], [1, 0]])


def test_a_few_landmarks_cluster_as_all_samples_do():
    X, truth = groups()
    exact, few = SGLRR(4).fit(X), SGLRR(4, landmarks=60).fit(X)
    assert exact.landmarks_ is None
    assert few.representation_.shape == (60, 60)
    assert len(few.landmarks_) == 60
    assert few.embedding_.shape[0] == few.affinity_.shape[0] == 240
    assert adjusted_rand_score(exact.labels_, few.labels_) == 1
    assert adjusted_rand_score(truth, few.labels_) == 1


def test_every_sample_a_landmark_is_the_exact_method():
    X, _ = groups(n=60)
    exact, all_of_them = SGLRR(4).fit(X), SGLRR(4, landmarks=60).fit(X)
    np.testing.assert_allclose(all_of_them.embedding_, exact.embedding_, atol=1e-6)
