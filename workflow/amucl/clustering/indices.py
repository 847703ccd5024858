"""Internal validity indices: how compact and separate clusters are, without knowing the truth.

All are computed from one matrix of Euclidean distances. None may choose the number of clusters alone, nor compare
methods in their own embeddings: a collapsed embedding wins there (see `amucl.clustering.metrics.common_space`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import pdist, squareform

from amucl.clustering.labels import encode_labels, sample_names
from amucl.errors import AmuclError


@dataclass(frozen=True)
class PairDistances:
    """Distances between n samples, computed once for any number of partitions.

    Attributes
    ----------
    matrix : (n, n) Euclidean distances.
    sums : (n (n - 1) / 2 + 1,) ``sums[m]`` is the sum of the m smallest distances between two samples.
    """

    matrix: np.ndarray
    sums: np.ndarray


def pair_distances(X: ArrayLike) -> PairDistances:
    """Euclidean distances between the rows of `X` (n_samples x n_features).

    Raises
    ------
    AmuclError
        If there are fewer than 2 samples or a value is missing or infinite.
    """
    condensed = pdist(finite_matrix(X))
    return PairDistances(squareform(condensed), np.concatenate([[0.0], np.cumsum(np.sort(condensed))]))


def finite_matrix(X: ArrayLike, name: str = "the matrix") -> np.ndarray:
    """`X` as a float64 matrix (n_samples x n_features) of at least 2 samples without missing or infinite values."""
    matrix = np.asarray(X, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] < 2 or matrix.shape[1] < 1:
        raise AmuclError(f"{name} is too small", expected="at least 2 samples x 1 feature", got=f"shape {matrix.shape}")
    rows = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if rows.size:
        raise AmuclError(
            f"{name} has missing or infinite values",
            where=sample_names(X, rows),
            expected="finite numbers",
            got=f"{np.count_nonzero(~np.isfinite(matrix))} others",
            action="impute or drop them first",
        )
    return matrix


def c_index_hubert_levin(X: ArrayLike, labels: ArrayLike, *, distances: PairDistances | None = None) -> float:
    """C-index of Hubert and Levin, in [0, 1]; lower is better.

    (S - S_min) / (S_max - S_min), where S is the sum of the N distances within clusters and S_min, S_max are the
    sums of the N smallest and largest of all distances. Not to be mistaken for Harrell's C of survival analysis.

    Parameters
    ----------
    X : (n_samples, n_features).
    labels : (n_samples,) of any kind.
    distances : ``pair_distances(X)`` if it is known already.

    Returns
    -------
    float
        NaN where undefined: one cluster, n clusters, or S_min = S_max (all distances equal, for one).

    References
    ----------
    [1] L. J. Hubert, J. R. Levin (1976), A general statistical framework for assessing categorical clustering in
        free recall, Psychological Bulletin 83(6), 1072-1080.
    """
    distances = distances or pair_distances(X)
    member = _membership(labels, len(distances.matrix))
    if member is None:
        return np.nan
    sizes = member.sum(axis=0)
    n_within = int((sizes * (sizes - 1)).sum() / 2)
    within = np.einsum("ic,ic->", distances.matrix @ member, member) / 2
    smallest = distances.sums[n_within]
    largest = distances.sums[-1] - distances.sums[-1 - n_within]
    if largest - smallest <= 1e-12 * largest:  # equal but for rounding
        return np.nan
    return float(np.clip((within - smallest) / (largest - smallest), 0, 1))


def silhouette(X: ArrayLike, labels: ArrayLike, *, distances: PairDistances | None = None) -> float:
    """Mean silhouette width, in [-1, 1]; higher is better.

    The mean over samples of (b - a) / max(a, b): a is the mean distance to the others of the own cluster, b the
    smallest mean distance to another cluster. A sample alone in its cluster, or with a = b, counts 0.

    Parameters
    ----------
    X : (n_samples, n_features).
    labels : (n_samples,) of any kind.
    distances : ``pair_distances(X)`` if it is known already.

    Returns
    -------
    float
        NaN with one cluster or n clusters.

    References
    ----------
    [1] P. J. Rousseeuw (1987), Silhouettes: a graphical aid to the interpretation and validation of cluster
        analysis, Journal of Computational and Applied Mathematics 20, 53-65.
    """
    distances = distances or pair_distances(X)
    member = _membership(labels, len(distances.matrix))
    if member is None:
        return np.nan
    own = member.astype(bool)
    sizes = member.sum(axis=0)
    to_clusters = distances.matrix @ member
    a = to_clusters[own] / np.maximum(own @ sizes - 1, 1)
    b = np.where(own, np.inf, to_clusters / sizes).min(axis=1)
    scale = np.maximum(a, b)
    alone = own @ sizes == 1
    return float(np.divide(b - a, scale, out=np.zeros_like(scale), where=(scale > 0) & ~alone).mean())


def davies_bouldin(X: ArrayLike, labels: ArrayLike) -> float:
    """Davies-Bouldin index, 0 or more; lower is better.

    The mean over clusters of the largest (s_i + s_j) / d_ij: s is the mean distance of a cluster's samples to its
    centroid, d the distance between two centroids.

    Parameters
    ----------
    X : (n_samples, n_features).
    labels : (n_samples,) of any kind.

    Returns
    -------
    float
        NaN with one cluster or n clusters, or where two centroids coincide.

    References
    ----------
    [1] D. L. Davies, D. W. Bouldin (1979), A cluster separation measure, IEEE Transactions on Pattern Analysis and
        Machine Intelligence PAMI-1(2), 224-227.
    """
    X = finite_matrix(X)
    member = _membership(labels, len(X))
    if member is None:
        return np.nan
    sizes = member.sum(axis=0)
    centroids = (member.T @ X) / sizes[:, None]
    spread = member.T @ np.linalg.norm(X - member @ centroids, axis=1) / sizes
    between = squareform(pdist(centroids))
    np.fill_diagonal(between, np.inf)
    if between.min() <= 1e-12 * np.abs(X).max():
        return np.nan
    return float(((spread[:, None] + spread) / between).max(axis=1).mean())


def internal_indices(X: ArrayLike, labels: ArrayLike, *, distances: PairDistances | None = None) -> dict[str, float]:
    """All three indices of one partition: keys c_index, silhouette, davies_bouldin.

    Parameters
    ----------
    X : (n_samples, n_features).
    labels : (n_samples,) of any kind.
    distances : ``pair_distances(X)`` if it is known already.
    """
    distances = distances or pair_distances(X)
    return {
        "c_index": c_index_hubert_levin(X, labels, distances=distances),
        "silhouette": silhouette(X, labels, distances=distances),
        "davies_bouldin": davies_bouldin(X, labels),
    }


def _membership(labels: ArrayLike, n_samples: int) -> np.ndarray | None:
    """Indicator matrix (n_samples, k), or None where no index is defined: one cluster or n clusters."""
    codes = encode_labels(labels, n_samples)
    n_clusters = codes.max() + 1
    if n_clusters in (1, n_samples):
        return None
    return np.eye(n_clusters)[codes]
