"""Similarity network fusion: one sample graph from several omics.

Source: Wang et al., Similarity network fusion for aggregating data types on a genomic scale, Nature Methods 11
(2014), 333-337.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import euclidean_distances

N_ITERATIONS = 20
_MANY = 2_000  # samples from which on distances are products of matrices: tens of times faster, last digits differ


def scaled_exponential_affinity(x: np.ndarray, n_neighbors: int = 10, mu: float = 0.5) -> np.ndarray:
    """Affinity of samples under one omic: a Gaussian kernel whose width follows the local density.

    W_ij is the normal density at d_ij = |x_i - x_j|^2 with standard deviation mu (m_i + m_j + d_ij) / 3, where m_i is
    the mean of d_i. over the n_neighbors nearest samples. x: (n, p); returns (n, n), symmetric, non-negative.
    """
    distance = euclidean_distances(x, squared=True) if len(x) > _MANY else cdist(x, x, "sqeuclidean")
    k = min(n_neighbors, len(x) - 1)
    nearest = np.sort(np.partition(distance, k, axis=1)[:, : k + 1], axis=1)[:, 1:].mean(axis=1)
    width = mu * (nearest[:, None] + nearest[None, :] + distance) / 3
    width = np.maximum(width, np.finfo(float).eps)  # equal samples have width 0
    affinity = np.exp(-0.5 * (distance / width) ** 2) / (np.sqrt(2 * np.pi) * width)
    return (affinity + affinity.T) / 2


def omic_affinities(
    omics: list[np.ndarray], present: np.ndarray | None = None, n_neighbors: int = 10, mu: float = 0.5
) -> list[np.ndarray]:
    """The affinities of samples under every omic, (n, n) each, also of patients who lack some.

    An entry that an omic cannot give, because one of the two patients lacks it, is the mean of what the other omics
    give, each on this omic's scale; without an omic in common it is 0, and fusion links the two through others.

    Parameters
    ----------
    omics : list of (n, p_m).
    present : (n, M), which patient has which omic; None where all have all.
    """
    if present is None or present.all():
        return [scaled_exponential_affinity(x, n_neighbors, mu) for x in omics]
    n = len(present)
    given, known = np.zeros((len(omics), n, n)), present.T[:, :, None] & present.T[:, None, :]
    for affinity, x, has in zip(given, omics, present.T, strict=True):
        affinity[np.ix_(has, has)] = scaled_exponential_affinity(x[has], n_neighbors, mu)
    levels = np.array([affinity[pairs].mean() for affinity, pairs in zip(given, known, strict=True)])
    typical = (given / levels[:, None, None]).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    filled = levels[:, None, None] * typical
    return list(np.where(known, given, filled))


def fuse(affinities: list[np.ndarray], n_neighbors: int = 10, n_iterations: int = N_ITERATIONS) -> np.ndarray:
    """Fuse the affinities of several omics into one, (n, n) symmetric with zero diagonal.

    Each omic's full kernel is smoothed through its own nearest-neighbour kernel with the mean of the others'; a single
    omic is smoothed with itself. All-zero rows cannot occur: a kernel row always holds its own neighbours.
    """
    full = [_full_kernel(affinity) for affinity in affinities]
    local = [_local_kernel(affinity, n_neighbors) for affinity in affinities]
    for _ in range(n_iterations):
        total = sum(full)
        full = [_full_kernel((s @ _others(total, own, len(full))) @ s.T) for s, own in zip(local, full, strict=True)]
    fused = sum(full) / len(full)
    fused = (fused + fused.T) / 2
    np.fill_diagonal(fused, 0)
    return fused


def _others(total: np.ndarray, own: np.ndarray, n_omics: int) -> np.ndarray:
    """The mean of the other omics' kernels, of a single omic its own."""
    return (total - own) / (n_omics - 1) if n_omics > 1 else own


def _full_kernel(affinity: np.ndarray) -> np.ndarray:
    """P of eq. 2: half of a sample's mass on itself, the other half spread over the others."""
    kernel = affinity.copy()
    np.fill_diagonal(kernel, 0)
    kernel /= 2 * np.maximum(kernel.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    np.fill_diagonal(kernel, 0.5)
    return (kernel + kernel.T) / 2


def _local_kernel(affinity: np.ndarray, n_neighbors: int) -> sparse.csr_array:
    """S of eq. 3: only a sample's strongest neighbours (itself among them), rows summing to 1."""
    columns, values = strongest_neighbors(affinity, n_neighbors)
    values = values / np.maximum(values.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    n, k = columns.shape
    return sparse.csr_array((values.ravel(), columns.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))


def strongest_neighbors(affinity: np.ndarray, n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """Column indices and values of the n_neighbors largest entries of each row; ties go to the lower index."""
    columns = np.argsort(-affinity, axis=1, kind="stable")[:, :n_neighbors]
    return columns, np.take_along_axis(affinity, columns, axis=1)
