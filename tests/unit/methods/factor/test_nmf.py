import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from amucl.errors import AmuclError
from amucl.methods.factor.nmf import NMF, IntNMF, factorise, shifted_features, shifted_omic
from tests.unit.methods.planted import TRUTH, planted_views


def product(n=30, sizes=(12, 20), k=3, seed=0):
    """Non-negative omics that share W exactly, each sample and feature led by one factor."""
    rng = np.random.default_rng(seed)
    W = rng.exponential(size=(n, k)) * (rng.random((n, k)) < 0.6) + np.eye(k)[np.arange(n) % k]
    return W, [W @ (rng.exponential(size=(k, p)) + 2 * np.eye(k)[:, np.arange(p) % k]) for p in sizes]


def multiplicative(blocks, theta, k, passes, seed):
    """sum_m theta_m ||X_m - W H_m||^2 by Lee and Seung's updates, omic by omic."""
    rng = np.random.default_rng(seed)
    W = rng.random((len(blocks[0]), k))
    H = [rng.random((k, block.shape[1])) for block in blocks]
    for _ in range(passes):
        H = [h * (W.T @ x) / (W.T @ W @ h + 1e-12) for x, h in zip(blocks, H, strict=True)]
        above = sum(t * x @ h.T for t, x, h in zip(theta, blocks, H, strict=True))
        below = sum(t * W @ h @ h.T for t, h in zip(theta, H, strict=True))
        W = W * above / (below + 1e-12)
    return sum(t * ((x - W @ h) ** 2).sum() for t, x, h in zip(theta, blocks, H, strict=True))


def spanned(embedding, W):
    """Share of W's sum of squares outside the span of an embedding."""
    residual = W - embedding @ np.linalg.lstsq(embedding, W, rcond=None)[0]
    return (residual**2).sum() / (W**2).sum()


@pytest.mark.parametrize("method", [NMF, IntNMF])
def test_an_exact_product_is_factorised(method):
    W, views = product()
    model = method(3, n_iterations=20_000).fit(views)
    assert model.objective_ < 1e-4 * sum((view**2).mean() for view in views)
    assert spanned(model.embedding_, W) < 1e-3
    assert (model.embedding_ >= 0).all()


@pytest.mark.parametrize("start", ["random", "nndsvda"])
def test_objective_falls_with_every_pass(start):
    X = shifted_features(np.hstack(planted_views()))
    objectives = [factorise(X, 4, n_iterations=passes, seed=0, start=start)[1] for passes in range(1, 30)]
    assert (np.diff(objectives) <= 1e-9 * objectives[0]).all()
    assert objectives[-1] < 0.9 * objectives[0]


def test_joint_objective_is_no_worse_than_that_of_multiplicative_updates():
    blocks = [shifted_omic(view) for view in planted_views()]
    squares = [(block**2).mean() for block in blocks]
    theta = [max(squares) / square for square in squares]
    theirs = min(multiplicative(blocks, theta, 3, 1000, seed) for seed in range(3))
    ours = IntNMF(3).fit(planted_views()).objective_
    assert ours <= theirs * 1.001
    assert ours == pytest.approx(theirs, rel=0.02)


def test_best_of_several_starts_is_kept():
    views = planted_views()
    objectives = [IntNMF(6, n_restarts=restarts).fit(views).objective_ for restarts in (1, 4, 12)]
    assert objectives[0] >= objectives[1] >= objectives[2]
    assert objectives[0] > objectives[2]


@pytest.mark.parametrize("method", [NMF, IntNMF])
def test_planted_groups_are_found_and_the_same_again(method):
    model = method(3).fit(planted_views())
    labels = KMeans(3, n_init=10, random_state=0).fit_predict(model.embedding_)
    assert adjusted_rand_score(TRUTH, labels) > 0.9
    assert clone(model).fit(planted_views()).embedding_.tobytes() == model.embedding_.tobytes()


def test_columns_carry_the_scale_of_their_factor():
    w, h = np.arange(1.0, 9), np.arange(1.0, 6)
    embedding, objective = factorise(np.outer(w, h), 1, n_iterations=500, seed=0)
    np.testing.assert_allclose(embedding[:, 0], w * np.linalg.norm(h), rtol=1e-3)
    assert objective < 1e-3


def test_values_are_made_non_negative():
    x = np.array([[-1.0, 2.0], [3.0, 5.0]])
    np.testing.assert_array_equal(shifted_features(x), [[0, 2], [4, 5]])
    np.testing.assert_array_equal(shifted_omic(x), np.array([[0, 3], [4, 6]]) / 6)
    np.testing.assert_array_equal(shifted_omic(x + 1), (x + 1) / 6)
    np.testing.assert_array_equal(shifted_omic(np.zeros((2, 2))), 0)


@pytest.mark.parametrize("method", [NMF, IntNMF])
def test_number_of_components_and_bad_input(method):
    views = planted_views()
    assert method().fit(views).embedding_.shape == (60, 10)
    assert method(4, n_components=2).fit(views[:1]).embedding_.shape == (60, 2)
    with pytest.raises(AmuclError, match="n_components is out of range; expected a whole number of at least 1; got 0"):
        method(n_components=0).fit(views)
    views[0][0, 0] = np.inf
    with pytest.raises(AmuclError, match="omic 1, sample 1, feature 1: a value is missing or infinite"):
        method().fit(views)
