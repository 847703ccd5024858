import numpy as np
import pytest

from amucl.lowrank.certificate import duality_gap
from tests.unit.lowrank.problems import optimum, random_problem


@pytest.mark.parametrize("nonneg", [True, False])
@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_bound_is_never_above_the_optimum_and_the_objective_never_below(nonneg, beta):
    problem = random_problem(nonneg=nonneg, beta=beta)
    best, _ = optimum(problem)
    rng = np.random.default_rng(1)
    m, n = problem.X.shape
    for size in (0.01, 0.1, 1.0, 10.0):
        for _ in range(25):
            Z, J, Y2 = (size * rng.normal(size=(n, n)) for _ in range(3))
            Y1 = size * (rng.normal(size=(m, n)) + problem.X)
            certificate = duality_gap(problem, Z, J, Y1, Y2)
            assert certificate.dual <= best * (1 + 1e-7)
            assert certificate.primal >= best * (1 - 1e-7)
            assert certificate.gap >= 0


@pytest.mark.parametrize("nonneg", [True, False])
@pytest.mark.parametrize("gamma", [0.15, 0.6])
def test_multipliers_outside_their_bounds_do_not_raise_the_bound_above_the_optimum(nonneg, gamma):
    problem = random_problem(m=12, n=8, gamma=gamma, beta=0.0, nonneg=nonneg)
    best, _ = optimum(problem)
    X, zero = problem.X, np.zeros((8, 8))
    along_signs = problem.gamma * np.sign(X)
    for Y1, Y2 in [(np.linalg.pinv(X).T, zero), (along_signs, X.T @ along_signs), (X, X.T @ X)]:
        certificate = duality_gap(problem, zero, zero, Y1, Y2)
        assert certificate.dual <= best * (1 + 1e-7)


def test_objective_is_the_formula():
    problem = random_problem(nonneg=False)
    A = np.random.default_rng(0).normal(size=(10, 10))
    Z = A + A.T
    by_hand = (
        np.linalg.svd(Z, compute_uv=False).sum()
        + problem.lam * np.abs(Z).sum()
        + problem.beta * np.trace(Z @ problem.L.toarray() @ Z.T)
        + problem.gamma * np.abs(problem.X - problem.X @ Z).sum()
    )
    assert problem.objective(Z) == pytest.approx(by_hand, rel=1e-12)


def test_rescaling_changes_neither_objective_nor_bound():
    problem = random_problem()
    bigger = type(problem)(37 * problem.X, problem.L, problem.lam, problem.beta, problem.gamma / 37, problem.nonneg)
    Z = np.abs(np.random.default_rng(0).normal(size=(10, 10)))
    Z = Z + Z.T
    assert bigger.rescaled().scale == pytest.approx(1)
    assert bigger.rescaled().objective(Z) == pytest.approx(problem.objective(Z), rel=1e-12)
