import numpy as np
from scipy.spatial.distance import pdist

from amucl.representation.joining import RestartJoin, fit_join


def joined(features):
    return fit_join(features)(features)


def test_every_restart_has_the_same_weight():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(3, 20, 4)) * np.array([1, 100, 1e-3])[:, None, None] + 5
    centred = features - features.mean(axis=1, keepdims=True)
    unit = [block / np.sqrt((block**2).mean()) for block in centred]
    found = joined(features)
    assert found.shape[1] <= 12
    np.testing.assert_allclose(pdist(found, "sqeuclidean"), sum(pdist(block, "sqeuclidean") for block in unit), 0.02)
    np.testing.assert_allclose((found**2).sum(), 3 * 20 * 4, rtol=1.1e-3)
    rescaled = joined(features * np.array([7, 0.1, 30])[:, None, None])
    np.testing.assert_allclose(rescaled, found, atol=1e-9)


def test_a_collapsed_restart_does_no_harm():
    features = np.random.default_rng(0).normal(size=(2, 10, 3))
    features[1] = 4
    np.testing.assert_allclose(pdist(joined(features)), pdist(joined(features[:1])))


def test_new_patients_are_joined_alike():
    features = np.random.default_rng(0).normal(size=(3, 20, 4))
    join = fit_join(features)
    again = RestartJoin.from_arrays(join.arrays())
    np.testing.assert_allclose(again(features[:, 5:7]), join(features)[5:7])
