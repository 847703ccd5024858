import cvxpy as cp
import numpy as np
import pytest
import torch

from amucl.methods.lowrank import proximal

ENTRYWISE = {
    "soft": (proximal.soft_threshold, np.abs, -5),
    "nonnegative": (proximal.nonnegative_soft_threshold, np.abs, 0),
}


@pytest.fixture
def symmetric():
    A = np.random.default_rng(0).normal(size=(7, 7))
    return (A + A.T) / 2


@pytest.mark.parametrize("name", ENTRYWISE)
@pytest.mark.parametrize("threshold", [0.0, 0.3, 2.0])
def test_entrywise_operators_minimise_their_definition_on_a_fine_grid(name, threshold):
    operator, penalty, lowest = ENTRYWISE[name]
    x = np.linspace(-3, 3, 25)
    grid = np.linspace(lowest, 5, 50001)
    best = grid[np.argmin(threshold * penalty(grid)[None] + (grid[None] - x[:, None]) ** 2 / 2, axis=1)]
    np.testing.assert_allclose(operator(x, threshold), best, atol=2e-4)


def test_clip_and_soft_threshold_satisfy_moreaus_identity():
    x = np.random.default_rng(1).normal(size=(5, 6))
    np.testing.assert_array_equal(proximal.soft_threshold(x, 0.4) + proximal.clip(x, 0.4), x)
    assert np.count_nonzero(proximal.soft_threshold(x, 0.4)) == (np.abs(x) > 0.4).sum()


def test_nonnegative_remainder_is_the_projection_on_the_conjugates_domain():
    x = np.random.default_rng(2).normal(size=50)
    np.testing.assert_allclose(x - proximal.nonnegative_soft_threshold(x, 0.4), np.minimum(x, 0.4))


def test_eigenvalue_shrink_agrees_with_a_convex_solver(symmetric):
    Z = cp.Variable(symmetric.shape, symmetric=True)
    cp.Problem(cp.Minimize(0.8 * cp.normNuc(Z) + cp.sum_squares(Z - symmetric) / 2)).solve(solver="CLARABEL")
    np.testing.assert_allclose(proximal.symmetric_eigenvalue_shrink(symmetric, 0.8)[0], Z.value, atol=1e-5)


def test_eigenvalue_shrink_keeps_signs_and_satisfies_moreaus_identity(symmetric):
    matrix, U, w = proximal.symmetric_eigenvalue_shrink(symmetric, 0.8)
    assert (w < 0).any()
    assert (w > 0).any()
    np.testing.assert_array_equal(np.abs(w), np.sort(np.abs(w))[::-1])
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_allclose((U * w) @ U.T, matrix, atol=1e-13)
    values, V = np.linalg.eigh(symmetric)
    projection = (V * np.clip(values, -0.8, 0.8)) @ V.T  # on the spectral-norm ball: the prox of the conjugate
    np.testing.assert_allclose(matrix + projection, symmetric, atol=1e-13)


def test_eigenvalue_shrink_above_every_eigenvalue_leaves_nothing(symmetric):
    matrix, U, w = proximal.symmetric_eigenvalue_shrink(symmetric, 100.0)
    assert not matrix.any()
    assert U.shape == (7, 0)
    assert w.shape == (0,)


def test_columns_satisfy_moreaus_identity_and_agree_with_a_convex_solver():
    x = np.random.default_rng(3).normal(size=(4, 6)) * np.arange(6)
    prox, projection = proximal.column_soft_threshold(x, 3.0), proximal.clip_columns(x, 3.0)
    np.testing.assert_allclose(prox + projection, x, atol=1e-14)
    assert np.linalg.norm(projection, axis=0).max() <= 3 * (1 + 1e-12)
    short = np.linalg.norm(x, axis=0) <= 3
    assert 0 < short.sum() < 6
    np.testing.assert_array_equal(projection[:, short], x[:, short])
    E = cp.Variable(x.shape)
    cp.Problem(cp.Minimize(3 * cp.sum(cp.norm(E, 2, axis=0)) + cp.sum_squares(E - x) / 2)).solve(solver="CLARABEL")
    np.testing.assert_allclose(prox, E.value, atol=1e-4)
    assert not proximal.clip_columns(x, 0.0).any()


def test_singular_value_shrink_agrees_with_a_convex_solver_and_moreaus_identity():
    S = np.random.default_rng(4).normal(size=(6, 6))
    matrix, U, s = proximal.singular_value_shrink(S, 1.5)
    Z = cp.Variable(S.shape)
    cp.Problem(cp.Minimize(1.5 * cp.normNuc(Z) + cp.sum_squares(Z - S) / 2)).solve(solver="CLARABEL")
    np.testing.assert_allclose(matrix, Z.value, atol=1e-4)
    left, values, right = np.linalg.svd(S)
    np.testing.assert_allclose(matrix + (left * np.minimum(values, 1.5)) @ right, S, atol=1e-13)
    assert (np.diff(s) < 0).all()
    assert (s > 0).all()
    np.testing.assert_allclose(np.linalg.norm(U.T @ matrix, axis=1), s, atol=1e-12)


@pytest.mark.parametrize("threshold", [0.8, 100.0])
@pytest.mark.parametrize("name", ["symmetric_eigenvalue_shrink", "singular_value_shrink"])
def test_both_shrinks_agree_on_symmetric_matrices_in_numpy_and_torch(symmetric, name, threshold):
    expected = proximal.symmetric_eigenvalue_shrink(symmetric, threshold)[0]
    shrink = getattr(proximal, name)
    np.testing.assert_allclose(shrink(symmetric, threshold)[0], expected, atol=1e-13)
    np.testing.assert_allclose(shrink(torch.as_tensor(symmetric), threshold)[0].numpy(), expected, atol=1e-13)


@pytest.mark.parametrize(
    "operator",
    [
        proximal.soft_threshold,
        proximal.nonnegative_soft_threshold,
        proximal.clip,
        proximal.column_soft_threshold,
        proximal.clip_columns,
    ],
)
def test_operators_take_torch(operator):
    x = np.random.default_rng(5).normal(size=(4, 5))
    np.testing.assert_allclose(operator(torch.as_tensor(x), 0.4).numpy(), operator(x, 0.4), atol=1e-15)


@pytest.mark.parametrize("operator", [proximal.soft_threshold, proximal.nonnegative_soft_threshold, proximal.clip])
def test_operators_keep_float32(operator):
    assert operator(np.ones(3, np.float32), 0.5).dtype == np.float32


def test_singular_values_below_what_single_products_resolve_count_as_noise():
    """S^T S holds squares: a value of 1e-9 is 1e-18 beside 1 there, less than double precision has. 1e-7 is held."""
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(6, 6)))[0]
    for least, rank in ((1e-6, 3), (1e-7, 3), (1e-8, 2), (1e-9, 2)):
        S = turn * np.array([1, 0.5, least, 0, 0, 0]) @ turn.T
        matrix, U, s = proximal.singular_value_shrink(S, 1e-12)
        assert (len(s), U.shape) == (rank, (6, rank))
        np.testing.assert_allclose(s[:2], [1, 0.5], rtol=1e-9)
        np.testing.assert_allclose(matrix, S, atol=2e-7)
