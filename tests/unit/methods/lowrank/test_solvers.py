from dataclasses import replace

import numpy as np
import pytest
import torch

from amucl.methods.lowrank.arrays import host
from amucl.methods.lowrank.problem import Problem
from amucl.methods.lowrank.solvers import SOLVERS, _admm, solve_admm, solve_ladmap
from tests.unit.methods.lowrank.problems import FAMILY, optimum, placed_problem, random_problem

SHAPES = {"square": {}, "wide": {"m": 7, "n": 12}, "tall": {"m": 30, "n": 8}}


def assert_optimal(problem, solution, best, tol):
    assert solution.converged
    feasible = solution.J if problem.nonneg else solution.Z
    assert problem.objective(feasible) == pytest.approx(best, rel=1e-5)
    assert solution.certificate.dual <= best * (1 + 1e-7)
    assert max(solution.history.iloc[-1][["gap", "r1", "r2"]]) <= tol


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("nonneg", [True, False], ids=["nonneg", "free"])
@pytest.mark.parametrize("noise", ["l1", "l21"])
@pytest.mark.parametrize("member", FAMILY)
def test_both_solvers_reach_the_optimum_of_a_convex_solver(member, noise, nonneg, shape):
    problem = random_problem(**FAMILY[member], **SHAPES[shape], noise=noise, nonneg=nonneg)
    best, Z = optimum(problem)
    assert np.abs(Z).max() > 0.05, "a problem whose optimum is zero tests nothing"
    for solve in SOLVERS.values():
        solution = solve(problem, tol=4e-6, max_iter=30000)
        assert_optimal(problem, solution, best, 4e-6)
        np.testing.assert_allclose(solution.Z, Z, atol=5e-3)


@pytest.mark.parametrize("solve", SOLVERS.values())
def test_units_of_the_data_do_not_matter(solve):
    unit = random_problem(seed=3)
    scaled = replace(unit, X=5 * unit.X, gamma=unit.gamma / 5)
    one, other = (solve(problem, tol=1e-5, max_iter=20000) for problem in (unit, scaled))
    np.testing.assert_allclose(one.Z, other.Z, atol=1e-12)
    assert one.certificate.primal == pytest.approx(other.certificate.primal, rel=1e-12)


@pytest.mark.parametrize("solve", SOLVERS.values())
@pytest.mark.parametrize("member", FAMILY)
def test_solution_is_consistent(solve, member):
    problem = random_problem(seed=3, **FAMILY[member])
    solution = solve(problem, tol=1e-5, max_iter=20000)
    assert solution.rank == np.linalg.matrix_rank(solution.Z, tol=1e-9)
    assert solution.J.min() >= 0
    if problem.symmetric:
        np.testing.assert_array_equal(solution.Z, solution.Z.T)
        np.testing.assert_allclose((solution.U * solution.w) @ solution.U.T, solution.Z, atol=1e-13)
    else:
        np.testing.assert_allclose(np.linalg.svd(solution.Z)[1][: solution.rank], solution.w, atol=1e-12)
        np.testing.assert_allclose(np.abs(np.linalg.norm(solution.U.T @ solution.Z, axis=1)), solution.w, atol=1e-12)
    history = solution.history
    assert list(history) == ["iteration", "primal", "dual", "gap", "r1", "r2", "rank"]
    assert history["iteration"].iloc[-1] == solution.iterations
    assert history["rank"].iloc[-1] == solution.rank
    assert history["dual"].is_monotonic_increasing
    assert (history["dual"] <= history["primal"]).all()


def test_symmetry_is_a_constraint_and_not_a_rounding():
    """LRR's own optimum is not symmetric where noise matters, so the family's members differ."""
    free, symmetric = (
        solve_admm(random_problem(**FAMILY[name], nonneg=False), tol=1e-6, max_iter=20000) for name in ("LRR", "LRRSC")
    )
    assert np.abs(free.Z - free.Z.T).max() > 1e-3
    assert free.certificate.primal < symmetric.certificate.primal


def test_sglrr_tends_to_lrrsc_as_sparsity_and_graph_vanish():
    """By another splitting: where lam > 0, Z has a copy J."""
    lrrsc = solve_admm(random_problem(**FAMILY["LRRSC"], nonneg=False), tol=1e-7, max_iter=20000)
    faint = solve_admm(random_problem(lam=1e-9, beta=1e-9, nonneg=False), tol=1e-7, max_iter=20000)
    np.testing.assert_allclose(faint.Z, lrrsc.Z, atol=1e-4)


@pytest.mark.parametrize("noise", ["l1", "l21"])
def test_features_in_another_order_or_in_blocks_give_the_same(noise, monkeypatch):
    problem = random_problem(m=30, n=8, noise=noise, gamma=0.3 if noise == "l1" else 1.2)
    whole = solve_admm(problem, tol=1e-4)
    monkeypatch.setattr("amucl.methods.lowrank.problem.BLOCK_ROWS", 7)
    np.testing.assert_allclose(solve_admm(problem, tol=1e-4).Z, whole.Z, atol=1e-12)
    order = np.random.default_rng(0).permutation(30)
    np.testing.assert_allclose(solve_admm(replace(problem, X=problem.X[order]), tol=1e-4).Z, whole.Z, atol=1e-12)


def test_fewer_rows_carry_the_same_l21_problem_and_not_the_l1_one():
    problem = random_problem(m=30, n=8, noise="l21")
    reduced = problem.reduced()
    assert reduced.X.shape == (8, 8)
    Z = np.abs(np.random.default_rng(1).normal(size=(8, 8)))
    Z = Z + Z.T
    assert reduced.objective(Z) == pytest.approx(problem.objective(Z), rel=1e-12)
    l1 = random_problem(m=30, n=8)
    assert l1.reduced() is l1


@pytest.mark.parametrize("solve", SOLVERS.values())
def test_float32_stays_float32_and_near_float64(solve):
    single, double = (solve(random_problem(dtype=dtype), tol=1e-4) for dtype in (np.float32, np.float64))
    for name in ("Z", "U", "w", "J"):
        assert getattr(single, name).dtype == np.float32
    assert single.certificate.primal == pytest.approx(double.certificate.primal, rel=1e-5)
    np.testing.assert_allclose(single.Z, double.Z, atol=1e-4)


@pytest.mark.parametrize("solve", SOLVERS.values())
@pytest.mark.parametrize("noise", ["l1", "l21"])
@pytest.mark.parametrize("member", FAMILY)
def test_torch_gives_what_numpy_gives(solve, noise, member):
    problem = random_problem(noise=noise, **FAMILY[member])
    numpy, torched = (solve(placed_problem(problem, device), tol=1e-4) for device in ("numpy", "torch"))
    assert isinstance(torched.Z, torch.Tensor)
    assert torched.iterations == numpy.iterations
    np.testing.assert_allclose(host(torched.Z), numpy.Z, atol=1e-10)
    assert torched.certificate.dual == pytest.approx(numpy.certificate.dual, rel=1e-10)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_a_gpu_gives_what_numpy_gives():
    problem = random_problem(m=200, n=60, dtype=np.float32)
    numpy, gpu = (solve_admm(placed_problem(problem, device), tol=1e-3) for device in ("numpy", "cuda"))
    np.testing.assert_allclose(host(gpu.Z), numpy.Z, atol=1e-4)


def test_a_cap_on_iterations_is_kept_and_reported():
    solution = solve_admm(random_problem(), tol=1e-9, max_iter=7)
    assert not solution.converged
    assert solution.iterations == 7
    assert solution.history["iteration"].tolist() == [7]


def test_admm_needs_fewer_iterations():
    problem = random_problem(m=40, n=30, gamma=0.3)
    assert solve_admm(problem, tol=1e-3).iterations < solve_ladmap(problem, tol=1e-3).iterations / 2


@pytest.mark.parametrize(("n", "least", "most"), [(10, 4, 8), (220, 4, 8), (713, 6, 12)])
def test_the_penalty_is_within_the_range_that_was_measured_to_be_quickest(n, least, most):
    """On TCGA miRNA, see `_admm`: a wrong start costs iterations and gives the same."""
    X = np.random.default_rng(0).normal(size=(3, n))
    problem = Problem(X / np.linalg.norm(X, axis=0), np.zeros((n, n)), 0.0, 0.0, 0.5, False, True, "l1")
    iterate = next(_admm(problem, *np.linalg.eigh(problem.X.T @ problem.X)))
    assert least <= iterate.mu <= most
