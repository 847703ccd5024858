from dataclasses import replace

import numpy as np
import pytest

from amucl.methods.lowrank import certificate
from amucl.methods.lowrank.certificate import Certificate, Certifier
from amucl.methods.lowrank.solvers import solve_admm
from tests.unit.methods.lowrank.problems import FAMILY, optimum, random_problem


def certify(problem, Z, J, Y1, Y2, **options):
    return Certifier(problem, *np.linalg.eigh(problem.X.T @ problem.X))(Z, J, Y1.copy(), Y2, **options)


@pytest.mark.parametrize("nonneg", [True, False])
@pytest.mark.parametrize("noise", ["l1", "l21"])
@pytest.mark.parametrize("member", FAMILY)
def test_bound_is_never_above_the_optimum_and_the_objective_never_below(member, noise, nonneg):
    problem = random_problem(nonneg=nonneg, noise=noise, **FAMILY[member])
    best, _ = optimum(problem)
    rng = np.random.default_rng(1)
    m, n = problem.X.shape
    for size in (0.01, 0.1, 1.0, 10.0):
        for _ in range(10):
            Z, J, Y2 = (size * rng.normal(size=(n, n)) for _ in range(3))
            Y1 = size * (rng.normal(size=(m, n)) + problem.X)
            found = certify(problem, Z, J, Y1, Y2)
            assert found.dual <= best * (1 + 1e-7)
            assert found.primal >= best * (1 - 1e-7)
            assert found.gap >= 0


@pytest.mark.parametrize("nonneg", [True, False])
@pytest.mark.parametrize("gamma", [0.15, 0.6])
def test_multipliers_outside_their_bounds_do_not_raise_the_bound_above_the_optimum(nonneg, gamma):
    problem = random_problem(m=12, n=8, gamma=gamma, beta=0.0, nonneg=nonneg)
    best, _ = optimum(problem)
    X, zero = problem.X, np.zeros((8, 8))
    along_signs = problem.gamma * np.sign(X)
    for Y1, Y2 in [(np.linalg.pinv(X).T, zero), (along_signs, X.T @ along_signs), (X, X.T @ X)]:
        assert certify(problem, zero, zero, Y1, Y2).dual <= best * (1 + 1e-7)


@pytest.mark.parametrize("member", FAMILY)
def test_repairs_tighten_the_bound_and_leave_the_objective(member, monkeypatch):
    problem = random_problem(m=60, n=40, gamma=0.25, nonneg=False, **FAMILY[member]).rescaled()
    monkeypatch.setattr(certificate, "WORTH_REPAIRING", np.inf)
    tight = solve_admm(problem, tol=1e-12, max_iter=20).certificate
    monkeypatch.setattr(certificate, "REPAIRS", 0)
    plain = solve_admm(problem, tol=1e-12, max_iter=20).certificate
    assert tight.primal == plain.primal
    assert 0 < tight.gap < 0.7 * plain.gap


def test_repairs_end_where_the_gap_is_small_enough_or_hopeless(monkeypatch):
    problem = random_problem(m=60, n=40, gamma=0.25).rescaled()
    monkeypatch.setattr(certificate, "STALLED", 1.0)
    rounds = []
    shrink = type(problem).shrink_rank
    monkeypatch.setattr(type(problem), "shrink_rank", lambda *a: rounds.append(1) or shrink(*a))
    d, V = np.linalg.eigh(problem.X.T @ problem.X)
    zero, Y1 = np.zeros((40, 40)), problem.gamma * np.sign(problem.X)
    for tol, expected in ((0.0, 1 + certificate.REPAIRS), (0.999, 1), (1e-6, 1)):
        rounds.clear()
        Certifier(problem, d, V)(zero, zero, Y1.copy(), zero, tol)
        assert len(rounds) == expected


@pytest.mark.parametrize("noise", ["l1", "l21"])
@pytest.mark.parametrize("symmetric", [True, False])
def test_objective_is_the_formula(noise, symmetric):
    problem = random_problem(nonneg=False, noise=noise, symmetric=symmetric)
    A = np.random.default_rng(0).normal(size=(10, 10))
    Z = A + A.T if symmetric else A
    E = problem.X - problem.X @ Z
    by_hand = (
        np.linalg.svd(Z, compute_uv=False).sum()
        + problem.lam * np.abs(Z).sum()
        + problem.beta * np.trace(Z @ problem.L.toarray() @ Z.T)
        + problem.gamma * (np.abs(E).sum() if noise == "l1" else np.linalg.norm(E, axis=0).sum())
    )
    assert problem.objective(Z) == pytest.approx(by_hand, rel=1e-12)


@pytest.mark.parametrize("noise", ["l1", "l21"])
def test_rescaling_changes_no_objective(noise):
    problem = random_problem(noise=noise)
    bigger = replace(problem, X=37 * problem.X, gamma=problem.gamma / 37)
    Z = np.abs(np.random.default_rng(0).normal(size=(10, 10)))
    Z = Z + Z.T
    assert bigger.rescaled().scale == pytest.approx(1)
    assert bigger.rescaled().objective(Z) == pytest.approx(problem.objective(Z), rel=1e-12)


def test_relative_gap():
    assert Certificate(8.0, 6.0).gap == 0.25
    assert Certificate(0.0, 0.0).gap == 0
    assert np.isnan(Certificate(np.nan, 0.0).gap)  # and so is within no tolerance


@pytest.mark.parametrize(
    ("linear", "q", "norm", "best"),
    [
        (1, 2, 1, 1 / 8),  # t - 2 t^2 is largest at t = 1/4
        (3, 1, 2, 5 / 4),  # 3 t - t^2 rises until t = 3/2; the norm allows t = 1/2
        (3, 1, 0.5, 2),  # no more than t = 1 is ever allowed
        (1, 0, 4, 1 / 4),
        (1, 0, 0.1, 1),
        (1, 100, 1, 1 / 400),
        (-1, 1, 1, 0),  # t = 0: the objective is never negative
        (-1, 0, 1, 0),
    ],
)
def test_the_best_scale_of_the_multipliers(linear, q, norm, best):
    assert certificate._scaled_bound(linear, q, norm) == pytest.approx(best)


def test_the_bound_is_the_product_over_the_spectral_norm_where_there_is_neither_copy_nor_graph(monkeypatch):
    """min ||Z||_* + gamma ||X - XZ||_1 is at least <Y, X> / ||X^T Y||_2 for any Y within gamma."""
    monkeypatch.setattr(certificate, "REPAIRS", 0)
    problem = random_problem(gamma=100.0, nonneg=False, **FAMILY["LRR"])
    zero = np.zeros((10, 10))
    for seed in range(5):
        Y = problem.X + 0.3 * np.random.default_rng(seed).normal(size=problem.X.shape)
        norm = np.linalg.norm(problem.X.T @ Y, 2)
        assert norm > 1
        found = certify(problem, zero, zero, Y, zero).dual
        assert found == pytest.approx((Y * problem.X).sum() / norm, rel=1e-12)


@pytest.mark.parametrize("member", FAMILY)
def test_the_multipliers_of_a_solved_problem_need_no_repair(member, monkeypatch):
    """At the optimum they are a solution of the dual: the gap closes by itself."""
    monkeypatch.setattr(certificate, "REPAIRS", 0)
    problem = random_problem(nonneg=False, **FAMILY[member])
    assert 0 <= solve_admm(problem, tol=2e-3, max_iter=5000).certificate.gap <= 2e-3
