"""The paper's iteration as one writes it from the paper: what the solvers are measured against."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from amucl.methods.lowrank.problem import Problem


def literal_ladmap(
    problem: Problem, mu0: float = 1.0, rho0: float = 1.1, eps: float = 1e-7, mu_max: float = 1e6
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]]:
    """sgLRR with l1 noise by LADMAP in float64: every formula by itself, nothing kept that the paper does not keep.

    The published slips are corrected: one shrink by 1/eta; the signs of a symmetric matrix's eigenvalues, which U and V
    of its SVD carry; E and J soft-thresholded entrywise; eta 1.02 times its bound. X is scaled as the solvers do.

    Yields Z, J (n, n), E, Y1 (m, n), Y2 (n, n) and the mu they were made with, without end.

    References
    ----------
    Multi-cancer samples clustering via graph regularized low-rank representation method under sparse and symmetric
    constraints. BMC Bioinformatics 20:718, 2019, its (15) to (23).
    """
    X, L = problem.X.astype(np.float64), problem.L.toarray().astype(np.float64)
    lam, beta, n = problem.lam, problem.beta, X.shape[1]
    scale = np.linalg.norm(X) / np.sqrt(n)
    X, gamma = X / scale, problem.gamma * scale
    a, norm_L, norm_X = 1.02 * (1 + np.linalg.norm(X, 2) ** 2), np.linalg.norm(L, 2), np.linalg.norm(X)
    Z, J, Y2 = np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, n))
    E, Y1 = np.zeros(X.shape), np.zeros(X.shape)
    mu = mu0
    while True:
        old_Z, old_J, old_E = Z, J, E
        eta = 2 * beta * norm_L + mu * a
        gradient = 2 * beta * Z @ L + mu * (Z - J) + Y2 - X.T @ (mu * (X - X @ Z - E) + Y1)
        Q = Z - gradient / eta
        U, s, Vt = np.linalg.svd((Q + Q.T) / 2)
        Z = (U * np.maximum(s - 1 / eta, 0)) @ Vt
        E = soft(X - X @ Z + Y1 / mu, gamma / mu)
        J = soft(Z + Y2 / mu, lam / mu)
        if problem.nonneg:
            J = np.maximum(J, 0)
        Y1 = Y1 + mu * (X - X @ Z - E)
        Y2 = Y2 + mu * (Z - J)
        yield Z, J, E, Y1, Y2, mu
        moved_Z = np.sqrt(eta / mu) * np.linalg.norm(Z - old_Z)
        if mu * max(moved_Z, np.linalg.norm(E - old_E), np.linalg.norm(J - old_J)) / norm_X < eps:
            mu = min(mu_max, rho0 * mu)


def soft(x: np.ndarray, threshold: float) -> np.ndarray:
    """Soft-thresholding, entrywise."""
    return np.sign(x) * np.maximum(np.abs(x) - threshold, 0)
