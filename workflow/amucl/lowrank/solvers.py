"""Two solvers of one problem: the paper's LADMAP, and an exact ADMM that needs far fewer iterations.

Each is a stream of iterates on the rescaled problem; `_run` certifies every tenth and stops when the relative
duality gap and both constraint residuals are small enough.

References
----------
[1] Lin, Liu & Su, Linearized alternating direction method with adaptive penalty for low-rank representation.
    NIPS 2011.
[2] Boyd et al., Distributed optimization and statistical learning via the alternating direction method of
    multipliers. Foundations and Trends in Machine Learning 3(1), 2011.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
import pandas as pd

from amucl.lowrank.certificate import Certificate, duality_gap, symmetric_part
from amucl.lowrank.problem import Problem
from amucl.lowrank.proximal import clip, nonnegative_soft_threshold, soft_threshold, symmetric_eigenvalue_shrink

CHECK_EVERY = 10  # a certificate costs about one iteration


class Iterate(NamedTuple):
    """Z = U diag(w) U^T (n, n), its copy J, noise E (m, n), multipliers Y1 of X = XZ + E and Y2 of Z = J."""

    Z: np.ndarray
    U: np.ndarray
    w: np.ndarray
    J: np.ndarray
    E: np.ndarray
    Y1: np.ndarray
    Y2: np.ndarray


@dataclass(frozen=True)
class Solution:
    """The last iterate and how good it is.

    Attributes
    ----------
    Z : (n, n) exactly symmetric, = U diag(w) U^T with U (n, rank) and w (rank,) in falling |w|.
    J : (n, n), its sparse copy, non-negative if the problem asks for it.
    E, Y1 : (m, n) noise and multiplier of X = XZ + E; Y2 : (n, n) multiplier of Z = J.
    iterations : how many were made.
    converged : whether gap, r1 and r2 are at most the tolerance.
    certificate : objective, lower bound and gap of this iterate (the bound is the best seen).
    history : one row a check: iteration, primal, dual, gap, r1 = ||X - XZ - E|| / ||X||, r2 = ||Z - J|| / ||Z||.
    """

    Z: np.ndarray
    U: np.ndarray
    w: np.ndarray
    J: np.ndarray
    E: np.ndarray
    Y1: np.ndarray
    Y2: np.ndarray
    iterations: int
    converged: bool
    certificate: Certificate
    history: pd.DataFrame

    @property
    def rank(self) -> int:
        """Number of eigenvalues that the shrinkage left."""
        return len(self.w)


def solve_admm(problem: Problem, *, tol: float = 1e-2, max_iter: int = 500) -> Solution:
    """Solve by ADMM with an exact step in Z [2], O(m n^2 + n^3) an iteration."""
    return _run(problem, _admm, tol, max_iter)


def solve_ladmap(problem: Problem, *, tol: float = 1e-2, max_iter: int = 5000) -> Solution:
    """Solve by the paper's LADMAP [1], O(m n^2 + n^3) an iteration (not O(rmn + n^2 m), as the paper counts).

    The paper stops on residuals and change alone, which can be small far from the optimum.
    """
    return _run(problem, _ladmap, tol, max_iter)


SOLVERS = {"admm": solve_admm, "ladmap": solve_ladmap}


def _run(problem: Problem, method, tol: float, max_iter: int) -> Solution:
    s, rescaled = problem.scale, problem.rescaled()
    rows, dual = [], -np.inf
    for iteration, iterate in enumerate(islice(method(rescaled), max_iter), start=1):
        if iteration % CHECK_EVERY and iteration < max_iter:
            continue
        Z, J, E = iterate.Z, iterate.J, iterate.E
        bound = duality_gap(rescaled, Z, J, iterate.Y1, iterate.Y2)
        dual = max(dual, bound.dual)
        certificate = Certificate(bound.primal, dual)
        r1 = _ratio(rescaled.X - rescaled.X @ Z - E, rescaled.X)
        r2 = _ratio(Z - J, Z)
        rows.append((iteration, bound.primal, dual, certificate.gap, r1, r2))
        converged = max(certificate.gap, r1, r2) <= tol
        if converged:
            break
    history = pd.DataFrame(rows, columns=["iteration", "primal", "dual", "gap", "r1", "r2"])
    in_units_of_X = iterate._replace(E=iterate.E * s, Y1=iterate.Y1 / s)
    return Solution(*in_units_of_X, iteration, converged, certificate, history)


def _admm(problem: Problem, mu: float = 3.0, relaxation: float = 1.8) -> Iterator[Iterate]:
    """Blocks Z against (K, J, E): Z is exact in the eigenbases of X^T X and L, K carries rank and symmetry.

    On z-scored TCGA miRNA and simulated cohorts this mu and relaxation reach a gap of 1e-2 in 40 to 50 iterations,
    1e-3 in 100 to 130; mu from 1 to 4 is nearly as good, and balancing the residuals only slowed it.
    """
    X, n = problem.X, problem.X.shape[1]
    d, V = np.linalg.eigh(X.T @ X)
    g, S = np.linalg.eigh(problem.L.toarray())
    curvature = mu * d[:, None] + 2 * problem.beta * g[None, :] + 2 * mu
    K = J = YK = Y2 = np.zeros((n, n), X.dtype)
    E = Y1 = np.zeros_like(X)
    while True:
        pull = X.T @ (mu * (X - E) + Y1) + mu * (K + J) - YK - Y2
        Z = V @ ((V.T @ pull @ S) / curvature) @ S.T
        R = relaxation * (X - X @ Z) + (1 - relaxation) * E
        E, Y1 = _noise_step(R, Y1, mu, problem.gamma)
        T = mu * (relaxation * Z + (1 - relaxation) * K) + YK
        K, U, w = symmetric_eigenvalue_shrink(symmetric_part(T) / mu, 1 / mu)
        YK = T - mu * K
        J, Y2 = _sparse_step(relaxation * symmetric_part(Z) + (1 - relaxation) * J, Y2, mu, problem)
        yield Iterate(K, U, w, J, E, Y1, Y2)


def _ladmap(problem: Problem, growth: float = 1.1, change: float = 1e-7, mu_max: float = 1e6) -> Iterator[Iterate]:
    """Linearised step in Z against (E, J), with mu growing by `growth` where an iteration changed less than `change`.

    The printed (19) shrinks twice, by 1/eta and by 1/mu, the wrong scale; one shrink by 1/eta solves (16).
    eta must exceed the bound that (16) equals. (20) and (21) lack the l1 subgradient: E and J are soft-thresholded.
    Where mu grew sooner (`change` of 1e-3) the iterates stalled at a gap near 1e-2.
    """
    X, L, n = problem.X, problem.L, problem.X.shape[1]
    norm_X = float(np.linalg.norm(X))
    a = 1.02 * (1 + float(np.linalg.eigvalsh(X.T @ X)[-1]))
    curvature_L = 2 * problem.beta * float(np.linalg.eigvalsh(L.toarray())[-1])
    mu, ratio = 1.0, 1.0
    Z = J = Y2 = step2 = np.zeros((n, n), X.dtype)
    E = Y1 = np.zeros_like(X)
    step1 = X  # mu (X - XZ - E) before the first iteration; afterwards Y1 - its predecessor, which saves a product
    while True:
        eta = curvature_L + mu * a
        gradient = 2 * problem.beta * (L @ Z).T + Y2 + ratio * step2 - X.T @ (Y1 + ratio * step1)
        before = Z, J, E, Y1, Y2
        Z, U, w = symmetric_eigenvalue_shrink(symmetric_part(Z - gradient / eta), 1 / eta)
        XZ = (X @ U * w) @ U.T if 2 * len(w) < n else X @ Z
        E, Y1 = _noise_step(X - XZ, Y1, mu, problem.gamma)
        J, Y2 = _sparse_step(Z, Y2, mu, problem)
        step1, step2 = Y1 - before[3], Y2 - before[4]
        yield Iterate(Z, U, w, J, E, Y1, Y2)
        moved = [float(np.linalg.norm(new - old)) for new, old in zip((Z, J, E), before[:3], strict=True)]
        moved[0] *= (eta / mu) ** 0.5
        small = mu * max(moved) / norm_X < change
        ratio = min(growth, mu_max / mu) if small else 1.0
        mu *= ratio


def _noise_step(R: np.ndarray, Y1: np.ndarray, mu: float, gamma: float) -> tuple[np.ndarray, np.ndarray]:
    """E = soft(R + Y1/mu, gamma/mu) and the multiplier after it, which is the clipped remainder (Moreau)."""
    T = mu * R + Y1
    Y1 = clip(T, gamma)
    return (T - Y1) / mu, Y1


def _sparse_step(Z: np.ndarray, Y2: np.ndarray, mu: float, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """J = soft(Z + Y2/mu, lam/mu), non-negative if asked, and the multiplier after it."""
    T = mu * Z + Y2
    shrunk = nonnegative_soft_threshold(T, problem.lam) if problem.nonneg else soft_threshold(T, problem.lam)
    return shrunk / mu, T - shrunk


def _ratio(part: np.ndarray, whole: np.ndarray) -> float:
    """||part|| / ||whole||, with 0 / 0 = 0."""
    return float(np.linalg.norm(part)) / max(float(np.linalg.norm(whole)), float(np.finfo(whole.dtype).tiny))
