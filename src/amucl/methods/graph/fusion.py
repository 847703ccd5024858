"""Similarity network fusion: one sample graph from several omics.

Source: Wang et al., Similarity network fusion for aggregating data types on a genomic scale, Nature Methods 11
(2014), 333-337.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import euclidean_distances

N_ITERATIONS = 20
# Samples from which on a graph is single precision and distances are products of matrices: tens of times faster and
# half the memory. Distances that are small beside the spread of the samples lose digits.
_MANY = 2_000
_TILE = 256
_ENTRIES_AT_A_TIME = 10_000_000  # of a matrix that is gone through by rows


def scaled_exponential_affinity(x: np.ndarray, n_neighbors: int = 10, mu: float = 0.5) -> np.ndarray:
    """Affinity of samples under one omic: a Gaussian kernel whose width follows the local density.

    W_ij is the normal density at d_ij = |x_i - x_j|^2 with standard deviation mu (m_i + m_j + d_ij) / 3, where m_i is
    the mean of d_i. over the n_neighbors nearest samples. x: (n, p); returns (n, n), symmetric, non-negative.
    """
    distance = _squared_distances(x)
    k = min(n_neighbors, len(x) - 1)
    nearest = np.concatenate([_mean_of_nearest(distance[rows], k) for rows in _row_blocks(distance)])
    # In place, step by step: of ten thousand samples every further matrix is half a gigabyte.
    width = nearest[:, None] + nearest[None, :]
    width += distance
    width *= mu
    width /= 3
    np.maximum(width, np.finfo(float).eps, out=width)  # equal samples have width 0
    affinity = np.divide(distance, width, out=distance)
    np.square(affinity, out=affinity)
    affinity *= -0.5
    np.exp(affinity, out=affinity)
    width *= np.sqrt(2 * np.pi)
    affinity /= width
    return _symmetrized(affinity)


def _squared_distances(x: np.ndarray) -> np.ndarray:
    if len(x) <= _MANY:
        return cdist(x, x, "sqeuclidean")
    # The farther from the origin, the more digits cancel.
    return euclidean_distances((x - x.mean(axis=0)).astype(np.float32), squared=True)


def _mean_of_nearest(distance: np.ndarray, k: int) -> np.ndarray:
    """Mean of the k smallest of each row, the smallest of all (a sample's distance to itself) left out."""
    return np.sort(np.partition(distance, k, axis=1)[:, : k + 1], axis=1)[:, 1:].mean(axis=1)


def _row_blocks(matrix: np.ndarray) -> list[slice]:
    step = max(1, _ENTRIES_AT_A_TIME // matrix.shape[1])
    return [slice(start, start + step) for start in range(0, len(matrix), step)]


def _tile_pairs(matrix: np.ndarray) -> Iterator[tuple[slice, slice]]:
    """Rows and columns of the tiles on and above the diagonal; one and its mirror image fit the processor's cache."""
    starts = range(0, len(matrix), _TILE)
    for row in starts:
        for column in starts[row // _TILE :]:
            yield slice(row, row + _TILE), slice(column, column + _TILE)


def _symmetrized(matrix: np.ndarray) -> np.ndarray:
    """The mean of a matrix and its transpose, in its own memory."""
    for rows, columns in _tile_pairs(matrix):
        mean = (matrix[rows, columns] + matrix[columns, rows].T) / 2
        matrix[rows, columns] = mean
        matrix[columns, rows] = mean.T
    return matrix


def _transposed(matrix: np.ndarray) -> np.ndarray:
    """The transpose, in its own memory."""
    for rows, columns in _tile_pairs(matrix):
        above = matrix[rows, columns].copy()
        matrix[rows, columns] = matrix[columns, rows].T
        matrix[columns, rows] = above.T
    return matrix


def omic_affinities(
    omics: list[np.ndarray], present: np.ndarray | None = None, n_neighbors: int = 10, mu: float = 0.5
) -> Iterator[np.ndarray]:
    """The affinities of samples under every omic in turn, (n, n) each, also of patients who lack some.

    An entry that an omic cannot give, because one of the two patients lacks it, is the mean of what the other omics
    give, each on this omic's scale; without an omic in common it is 0, and fusion links the two through others.

    Parameters
    ----------
    omics : list of (n, p_m).
    present : (n, M), which patient has which omic; None where all have all.
    """
    if present is None or present.all():
        yield from (scaled_exponential_affinity(x, n_neighbors, mu) for x in omics)
        return
    n = len(present)
    given = [np.zeros((n, n), dtype=_precision(n)) for _ in omics]
    typical, n_known, levels = np.zeros_like(given[0]), np.zeros((n, n), dtype=np.uint8), []
    for affinity, x, has in zip(given, omics, present.T, strict=True):
        both = np.ix_(has, has)
        affinity[both] = scaled_exponential_affinity(x[has], n_neighbors, mu)
        levels.append(affinity[both].mean())
        typical[both] += affinity[both] / levels[-1]
        n_known[both] += 1
    typical /= np.maximum(n_known, 1)
    for affinity, level, has in zip(given, levels, present.T, strict=True):
        absent = ~has
        affinity[absent] = level * typical[absent]
        affinity[:, absent] = level * typical[:, absent]
        yield affinity


def _precision(n_samples: int) -> type:
    return np.float32 if n_samples > _MANY else np.float64


def fuse(affinities: Iterable[np.ndarray], n_neighbors: int = 10, n_iterations: int = N_ITERATIONS) -> np.ndarray:
    """Fuse the affinities of several omics into one, (n, n) symmetric with zero diagonal.

    Each omic's full kernel is smoothed through its own nearest-neighbour kernel with the mean of the others'; a single
    omic is smoothed with itself. All-zero rows cannot occur: a kernel row always holds its own neighbours.
    """
    full, local = [], []
    for affinity in affinities:
        local.append(_local_kernel(affinity, n_neighbors))
        full.append(_full_kernel(affinity.copy()))
    for _ in range(n_iterations):
        total = sum(full)
        for omic, neighbors in enumerate(local):
            full[omic] = _full_kernel(_smoothed(neighbors, _others(total, full[omic], len(full))))
    fused = sum(full)
    fused /= len(full)
    fused = _symmetrized(fused)
    np.fill_diagonal(fused, 0)
    return fused


def _others(total: np.ndarray, own: np.ndarray, n_omics: int) -> np.ndarray:
    """The mean of the other omics' kernels, of a single omic its own."""
    if n_omics == 1:
        return own
    others = total - own
    others /= n_omics - 1
    return others


def _smoothed(neighbors: sparse.csr_array, kernel: np.ndarray) -> np.ndarray:
    """S P S^T for a symmetric P: S times the transpose of S P, the sparse factor always on the left."""
    return neighbors @ _transposed(neighbors @ kernel)


def _full_kernel(kernel: np.ndarray) -> np.ndarray:
    """P of eq. 2, in the memory of the affinity: half of a sample's mass on itself, the other half over the others."""
    np.fill_diagonal(kernel, 0)
    kernel /= 2 * np.maximum(kernel.sum(axis=1, keepdims=True), np.finfo(kernel.dtype).tiny)
    np.fill_diagonal(kernel, 0.5)
    return _symmetrized(kernel)


def _local_kernel(affinity: np.ndarray, n_neighbors: int) -> sparse.csr_array:
    """S of eq. 3: only a sample's strongest neighbours (itself among them), rows summing to 1."""
    columns, values = strongest_neighbors(affinity, n_neighbors)
    values = values / np.maximum(values.sum(axis=1, keepdims=True), np.finfo(values.dtype).tiny)
    n, k = columns.shape
    return sparse.csr_array((values.ravel(), columns.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))


def strongest_neighbors(affinity: np.ndarray, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """Column indices and values of the n_neighbors largest entries of each row; ties go to the lower index."""
    blocks = [np.argsort(-affinity[rows], axis=1, kind="stable")[:, :n_neighbors] for rows in _row_blocks(affinity)]
    columns = np.concatenate(blocks)
    return columns, np.take_along_axis(affinity, columns, axis=1)
