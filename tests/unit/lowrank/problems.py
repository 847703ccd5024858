"""Small problems and an independent convex solver for the tests of this folder."""

import cvxpy as cp
import numpy as np

from amucl.lowrank.graph import knn_graph, laplacian
from amucl.lowrank.problem import Problem


def random_problem(m=12, n=10, lam=0.05, beta=0.1, gamma=0.5, nonneg=True, seed=0, dtype=np.float64):
    X = np.random.default_rng(seed).normal(size=(m, n))
    L = laplacian(knn_graph(X.T, 3))
    return Problem((X / np.linalg.norm(X, axis=0)).astype(dtype), L.astype(dtype), lam, beta, gamma, nonneg)


def optimum(problem):
    """Optimal value and Z by CVXPY, which shares nothing with the solvers."""
    n = problem.X.shape[1]
    g, S = np.linalg.eigh(problem.L.toarray())
    Z = cp.Variable((n, n), symmetric=True)
    value = (
        cp.normNuc(Z)
        + problem.lam * cp.sum(cp.abs(Z))
        + problem.beta * cp.sum_squares(Z @ (S * np.sqrt(np.maximum(g, 0))))
        + problem.gamma * cp.sum(cp.abs(problem.X - problem.X @ Z))
    )
    model = cp.Problem(cp.Minimize(value), [Z >= 0] if problem.nonneg else [])
    return model.solve(solver="CLARABEL"), Z.value


def planted(sizes=(6, 8, 10), rank=2, m=40, seed=0):
    """Samples x features from independent subspaces without noise, and the subspace of each sample."""
    rng = np.random.default_rng(seed)
    blocks = [rng.normal(size=(size, rank)) @ rng.normal(size=(rank, m)) for size in sizes]
    return np.vstack(blocks), np.repeat(np.arange(len(sizes)), sizes)
