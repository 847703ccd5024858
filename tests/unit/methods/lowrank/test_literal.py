from itertools import islice

import numpy as np
import pytest

from amucl.methods.lowrank.certificate import Certifier
from amucl.methods.lowrank.solvers import _ladmap
from benchmarks.literal import literal_ladmap
from tests.unit.methods.lowrank.problems import optimum, random_problem

SHAPES = {"square": {}, "wide": {"m": 7, "n": 12}, "tall": {"m": 30, "n": 8, "gamma": 0.3}}


def rescaled_and_eigen(problem):
    problem = problem.rescaled()
    return problem, *np.linalg.eigh(problem.X.T @ problem.X)


@pytest.mark.parametrize("penalty", [(1.1, 1e-7), (1.2, 0.01)], ids=["default", "growing"])
@pytest.mark.parametrize("nonneg", [True, False], ids=["nonneg", "free"])
@pytest.mark.parametrize("shape", SHAPES)
def test_the_solver_makes_the_literal_iterates(shape, nonneg, penalty):
    problem = random_problem(**SHAPES[shape], nonneg=nonneg, seed=2)
    scaled, d, V = rescaled_and_eigen(problem)
    rho0, eps = penalty
    pairs = zip(literal_ladmap(problem, rho0=rho0, eps=eps), _ladmap(scaled, d, V, rho0, eps), strict=True)
    for (Z, J, E, Y1, Y2, mu), ours in islice(pairs, 60):
        multiplier = scaled.clip_noise(ours.noise)
        assert mu == pytest.approx(ours.mu, rel=1e-12)
        for literal, our in [(Z, ours.Z), (J, ours.J), (Y1, multiplier), (Y2, ours.Y2)]:
            np.testing.assert_allclose(literal, our, atol=1e-10)
        np.testing.assert_allclose(E, (ours.noise - multiplier) / ours.mu, atol=1e-10)
    assert np.abs(Z).max() > 0.05, "iterates of zeros test nothing"
    assert (mu > 1) == (eps == 0.01), "the growth of mu is tested where it is asked for"


def test_defaults_are_the_solvers():
    problem = random_problem()
    scaled, d, V = rescaled_and_eigen(problem)
    literal, ours = (next(islice(stream, 3000, None)) for stream in (literal_ladmap(problem), _ladmap(scaled, d, V)))
    assert literal[5] > 1
    assert literal[5] == pytest.approx(ours.mu, rel=1e-12)


@pytest.mark.parametrize("nonneg", [True, False], ids=["nonneg", "free"])
def test_its_limit_is_the_certified_optimum(nonneg):
    problem = random_problem(nonneg=nonneg, seed=1)
    best, Z_best = optimum(problem)
    Z, J, E, Y1, Y2, _ = next(islice(literal_ladmap(problem), 3000, None))
    scaled, d, V = rescaled_and_eigen(problem)
    certificate = Certifier(scaled, d, V)(Z, J, Y1.copy(), Y2)
    assert certificate.gap < 1e-5
    assert certificate.primal == pytest.approx(best, rel=1e-5)
    np.testing.assert_allclose(Z, Z_best, atol=5e-3)
    np.testing.assert_allclose(E, scaled.X - scaled.X @ Z, atol=1e-5)
