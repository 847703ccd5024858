"""Small problems and an independent convex solver for the tests of this folder."""

from dataclasses import replace

import cvxpy as cp
import numpy as np

from amucl.methods.lowrank.arrays import placed
from amucl.methods.lowrank.graph import knn_graph, laplacian
from amucl.methods.lowrank.problem import Problem

FAMILY = {
    "sgLRR": {},
    "graph LRR": {"lam": 0.0},
    "LRRSC": {"lam": 0.0, "beta": 0.0},
    "LRR": {"lam": 0.0, "beta": 0.0, "symmetric": False},
}


def random_problem(
    m=12, n=10, lam=0.05, beta=0.1, gamma=None, nonneg=True, symmetric=True, noise="l1", seed=0, dtype=np.float64
):
    """Unit-length samples without structure; gamma is such that some of the noise is explained, some left."""
    X = np.random.default_rng(seed).normal(size=(m, n))
    L = laplacian(knn_graph(X.T, 3)).astype(dtype)
    gamma = {"l1": 0.5, "l21": 1.2}[noise] if gamma is None else gamma
    return Problem((X / np.linalg.norm(X, axis=0)).astype(dtype), L, lam, beta, gamma, nonneg, symmetric, noise)


def optimum(problem):
    """Optimal value and Z by CVXPY, which shares nothing with the solvers."""
    n = problem.X.shape[1]
    g, S = np.linalg.eigh(problem.L.toarray())
    Z = cp.Variable((n, n), symmetric=problem.symmetric)
    E = problem.X - problem.X @ Z
    value = (
        cp.normNuc(Z)
        + problem.lam * cp.sum(cp.abs(Z))
        + problem.beta * cp.sum_squares(Z @ (S * np.sqrt(np.maximum(g, 0))))
        + problem.gamma * cp.sum(cp.abs(E) if problem.noise == "l1" else cp.norm(E, 2, axis=0))
    )
    model = cp.Problem(cp.Minimize(value), [Z >= 0] if problem.nonneg else [])
    return model.solve(solver="CLARABEL"), Z.value


def placed_problem(problem, device):
    """The same problem with its arrays on `device`."""
    return replace(problem, X=placed(problem.X, device), L=placed(problem.L, device))


def planted(sizes=(6, 8, 10), rank=2, m=40, seed=0):
    """Samples x features from independent subspaces without noise, and the subspace of each sample."""
    rng = np.random.default_rng(seed)
    blocks = [rng.normal(size=(size, rank)) @ rng.normal(size=(rank, m)) for size in sizes]
    return np.vstack(blocks), np.repeat(np.arange(len(sizes)), sizes)
