"""The convex problem behind every member of the family, in the papers' orientation: samples are the columns of X."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from array_api_compat import array_namespace

from amucl.methods.lowrank.arrays import Array, norm, symmetric_part, total
from amucl.methods.lowrank.proximal import (
    clip,
    clip_columns,
    nonnegative_soft_threshold,
    singular_value_shrink,
    soft_threshold,
    symmetric_eigenvalue_shrink,
)

BLOCK_ROWS = 512
NOISES = ("l1", "l21")


@dataclass(frozen=True)
class Problem:
    """Low-rank representation of the samples by each other, with optional symmetry, sparsity and graph.

        min  ||Z||_* + lam ||Z||_1 + beta tr(Z L Z^T) + gamma ||X - XZ||   s.t.  Z = Z^T, Z >= 0 where asked

    | member | symmetric | lam | beta | source |
    |---|---|---|---|---|
    | LRR | no | 0 | 0 | [2] |
    | LRRSC | yes | 0 | 0 | [3] |
    | graph LRR | yes | 0 | > 0 | [1], its (9) |
    | sgLRR | yes | > 0 | > 0 | [1], its (10) |

    The solvers split it as X = XZ + E, Z = J. `nonneg` is (23) of [1], which its (10) lacks: it changes the optimum.
    The sum in (7) of [1] is 2 tr(Z L Z^T): the factor 2 is taken into beta.

    Attributes
    ----------
    X : (m, n) features x samples.
    L : (n, n) sparse Laplacian of the samples' graph.
    lam, beta, gamma : weights of sparsity, graph and noise, all >= 0.
    nonneg : whether Z >= 0 is asked.
    symmetric : whether Z = Z^T is asked.
    noise : "l1", the sum of |E_ij|, or "l21", the sum of the norms of E's columns: outlying samples.

    References
    ----------
    [1] Multi-cancer samples clustering via graph regularized low-rank representation method under sparse and
        symmetric constraints. BMC Bioinformatics 20:718, 2019.
    [2] Liu et al., Robust recovery of subspace structures by low-rank representation. IEEE TPAMI 35(1), 2013.
    [3] Chen & Yang, Robust subspace segmentation by low-rank representation. IEEE Trans. Cybern. 44(8), 2014.
    """

    X: Array
    L: Array
    lam: float
    beta: float
    gamma: float
    nonneg: bool = True
    symmetric: bool = True
    noise: str = "l1"

    @property
    def scale(self) -> float:
        """s = ||X||_F / sqrt(n), the root mean square norm of a sample."""
        return norm(self.X) / self.X.shape[1] ** 0.5

    @property
    def has_copy(self) -> bool:
        """Whether Z needs a copy J: for sparsity or Z >= 0."""
        return self.nonneg or self.lam > 0

    def rescaled(self) -> Problem:
        """The same problem with X / s and gamma * s: same Z, same objective, and a scale-free penalty."""
        return replace(self, X=self.X / self.scale, gamma=self.gamma * self.scale)

    def reduced(self) -> Problem:
        """The same problem on fewer rows: with X = QR, the columns of RE are as long as those of E.

        Only for l21 noise and more features than samples: l1 noise is not invariant under rotations of the features.
        """
        if self.noise != "l21" or self.X.shape[0] <= self.X.shape[1]:
            return self
        return replace(self, X=array_namespace(self.X).linalg.qr(self.X)[1])

    def row_blocks(self) -> Iterator[slice]:
        """Slices over the features, in which noise can be worked on apart: memory for a block is small."""
        step = BLOCK_ROWS if self.noise == "l1" else self.X.shape[0]
        return (slice(start, start + step) for start in range(0, self.X.shape[0], step))

    def objective(self, Z: Array) -> float:
        """Value at a `Z` (n, n), symmetric and non-negative where asked, with E = X - XZ."""
        xp = array_namespace(Z)
        spectrum = xp.abs(xp.linalg.eigvalsh(Z)) if self.symmetric else xp.linalg.svdvals(Z)
        noise = sum(self.noise_norm(self.X[rows] - self.X[rows] @ Z) for rows in self.row_blocks())
        return total(spectrum) + self.lam * total(xp.abs(Z)) + self.roughness(Z) + self.gamma * noise

    def roughness(self, Z: Array) -> float:
        """beta tr(Z L Z^T)."""
        return total(Z * self.graph_gradient(Z)) / 2 if self.beta else 0.0

    def graph_gradient(self, Z: Array) -> Array:
        """2 beta Z L, the gradient of the graph term, (n, n)."""
        return 2 * self.beta * (self.L @ Z.T).T

    def noise_norm(self, E: Array) -> float:
        """||E|| over a block of rows."""
        xp = array_namespace(E)
        return total(xp.abs(E) if self.noise == "l1" else xp.linalg.vector_norm(E, axis=0))

    def clip_noise(self, T: Array) -> Array:
        """Projection on the multipliers of the noise: |T| <= gamma, entrywise or by columns."""
        return clip(T, self.gamma) if self.noise == "l1" else clip_columns(T, self.gamma)

    def shrink_rank(self, S: Array, threshold: float) -> tuple[Array, Array, Array]:
        """Prox of threshold * ||Z||_*, over symmetric matrices where asked: the matrix, its vectors and values."""
        if self.symmetric:
            return symmetric_eigenvalue_shrink(symmetric_part(S), threshold)
        return singular_value_shrink(S, threshold)

    def shrink_copy(self, T: Array) -> Array:
        """Prox of lam ||J||_1, over J >= 0 where asked."""
        return nonnegative_soft_threshold(T, self.lam) if self.nonneg else soft_threshold(T, self.lam)

    def project_symmetry(self, A: Array) -> Array:
        """The symmetric part of `A` where Z is to be symmetric."""
        return symmetric_part(A) if self.symmetric else A
