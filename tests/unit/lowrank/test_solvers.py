import numpy as np
import pytest

from amucl.lowrank.solvers import SOLVERS, solve_admm, solve_ladmap
from tests.unit.lowrank.problems import optimum, random_problem

SETTINGS = {
    "nonneg": {},
    "free": {"nonneg": False},
    "wide": {"m": 8, "n": 14, "gamma": 0.8},
    "tall": {"m": 30, "n": 8, "gamma": 0.3, "nonneg": False},
    "no graph": {"beta": 0.0, "nonneg": False},
    "no sparsity": {"lam": 0.0, "nonneg": False},
    "symmetric only (LRRSC)": {"lam": 0.0, "beta": 0.0, "nonneg": False},
    "units of X": {"gamma": 0.5},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_both_solvers_reach_the_optimum_of_a_convex_solver(setting):
    problem = random_problem(**SETTINGS[setting])
    if setting == "units of X":
        problem = type(problem)(5 * problem.X, problem.L, problem.lam, problem.beta, problem.gamma / 5)
    best, Z = optimum(problem)
    for solve in SOLVERS.values():
        solution = solve(problem, tol=2e-6, max_iter=20000)
        assert solution.converged
        feasible = solution.J if problem.nonneg else solution.Z
        assert problem.objective(feasible) == pytest.approx(best, rel=1e-5)
        assert solution.certificate.dual <= best * (1 + 1e-7)
        assert max(solution.history.iloc[-1][["r1", "r2"]]) <= 2e-6
        np.testing.assert_allclose(solution.Z, Z, atol=2e-3)


@pytest.mark.parametrize("solve", [solve_admm, solve_ladmap])
def test_solution_is_consistent(solve):
    unit = random_problem(seed=3)
    problem = type(unit)(5 * unit.X, unit.L, unit.lam, unit.beta, unit.gamma / 5)
    solution = solve(problem, tol=1e-5, max_iter=20000)
    np.testing.assert_array_equal(solution.Z, solution.Z.T)
    np.testing.assert_allclose((solution.U * solution.w) @ solution.U.T, solution.Z, atol=1e-13)
    np.testing.assert_allclose(problem.X @ solution.Z + solution.E, problem.X, atol=5e-4)
    assert solution.J.min() >= 0
    assert np.abs(solution.Y1).max() <= problem.gamma * (1 + 1e-12)
    assert solution.rank == np.linalg.matrix_rank(solution.Z, tol=1e-9)
    history = solution.history
    assert list(history) == ["iteration", "primal", "dual", "gap", "r1", "r2"]
    assert history["iteration"].iloc[-1] == solution.iterations
    assert history["dual"].is_monotonic_increasing
    assert (history["dual"] <= history["primal"]).all()


@pytest.mark.parametrize("solve", [solve_admm, solve_ladmap])
def test_float32_stays_float32_and_near_float64(solve):
    single, double = (solve(random_problem(dtype=dtype), tol=1e-3) for dtype in (np.float32, np.float64))
    for name in ("Z", "U", "w", "J", "E", "Y1", "Y2"):
        assert getattr(single, name).dtype == np.float32
    assert single.certificate.primal == pytest.approx(double.certificate.primal, rel=1e-5)
    np.testing.assert_allclose(single.Z, double.Z, atol=1e-4)


def test_a_cap_on_iterations_is_kept_and_reported():
    solution = solve_admm(random_problem(), tol=1e-9, max_iter=7)
    assert not solution.converged
    assert solution.iterations == 7
    assert solution.history["iteration"].tolist() == [7]
