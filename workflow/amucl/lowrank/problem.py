"""The convex problem of sgLRR, in the paper's orientation: samples are the columns of X."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse


@dataclass(frozen=True)
class Problem:
    """Graph-regularised low-rank representation under sparse and symmetric constraints [1].

        min  ||Z||_* + lam ||Z||_1 + beta tr(Z L Z^T) + gamma ||X - XZ||_1   s.t.  Z = Z^T  (and Z >= 0)

    The solvers split it as X = XZ + E, Z = J. `nonneg` is the paper's (23), which its (10) lacks: it changes the
    optimum. The sum in the paper's (7) is 2 tr(Z L Z^T): the factor 2 is taken into beta.

    Attributes
    ----------
    X : (m, n) features x samples.
    L : (n, n) sparse Laplacian of the samples' graph.
    lam, beta, gamma : weights of sparsity, graph and noise, all >= 0.
    nonneg : whether Z >= 0 is asked.

    References
    ----------
    [1] Multi-cancer samples clustering via graph regularized low-rank representation method under sparse and
        symmetric constraints. BMC Bioinformatics 20:718, 2019.
    """

    X: np.ndarray
    L: sparse.sparray
    lam: float
    beta: float
    gamma: float
    nonneg: bool = True

    @property
    def scale(self) -> float:
        """s = ||X||_F / sqrt(n), the root mean square norm of a sample."""
        return float(np.linalg.norm(self.X)) / self.X.shape[1] ** 0.5

    def rescaled(self) -> Problem:
        """The same problem with X / s and gamma * s: same Z, same objective, and a scale-free penalty."""
        s = self.scale
        return Problem(self.X / s, self.L, self.lam, self.beta, self.gamma * s, self.nonneg)

    def objective(self, Z: np.ndarray) -> float:
        """Value at a symmetric `Z` (n, n) (non-negative if `nonneg`), with E = X - XZ."""
        nuclear = np.abs(np.linalg.eigvalsh(Z)).sum(dtype=np.float64)
        sparsity = np.abs(Z).sum(dtype=np.float64)
        noise = np.abs(self.X - self.X @ Z).sum(dtype=np.float64)
        return float(nuclear + self.lam * sparsity + self.roughness(Z) + self.gamma * noise)

    def roughness(self, Z: np.ndarray) -> float:
        """beta tr(Z L Z^T) of a symmetric `Z`."""
        return float(self.beta * np.sum(Z * (self.L @ Z), dtype=np.float64))
