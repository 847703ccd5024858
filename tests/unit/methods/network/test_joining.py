import numpy as np
from scipy.spatial.distance import pdist

from amucl.methods.network.joining import RestartJoin, fit_join


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


def features_of_shares(*shares, n=40):
    """One restart whose principal axes hold these shares of the variance."""
    x = np.random.default_rng(1).normal(size=(n, len(shares)))
    axes = np.linalg.qr(x - x.mean(axis=0))[0]
    return (axes * np.sqrt(shares))[None]


def test_the_fewest_axes_that_hold_999_of_1000_parts_of_the_variance_are_kept():
    assert joined(features_of_shares(0.9, 0.0991, 0.0009)).shape[1] == 2  # 99.91 % by two
    assert joined(features_of_shares(0.9, 0.0989, 0.0011)).shape[1] == 3  # 99.89 % by two
    assert joined(features_of_shares(0.9992, 0.0008)).shape[1] == 1


def test_a_direction_of_the_embedding_is_one_of_the_features():
    """Along it the features give what the embedding gives: a linear map and its transpose."""
    rng = np.random.default_rng(2)
    features = rng.normal(size=(3, 20, 4)) * np.array([1, 5, 0.2])[:, None, None]
    join = fit_join(features)
    direction = rng.normal(size=join.axes.shape[1])
    by_features = np.einsum("rnd,rd->n", features - features.mean(axis=1, keepdims=True), join.directions(direction))
    np.testing.assert_allclose(by_features, join(features) @ direction)
