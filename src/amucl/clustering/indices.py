"""Internal validity indices: how compact and separate clusters are, without knowing the truth.

All are computed from one matrix of Euclidean distances. None may choose the number of clusters alone, nor compare
methods in their own embeddings: a collapsed embedding wins there (see `amucl.clustering.common.common_space`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.spatial.distance import pdist, squareform

from amucl.errors import AmuclError
from amucl.labels import encode_labels, sample_names

_BATCH_VALUES = 2**18  # 2 MB of float64
# Samples from which on distances are products of matrices: tens of times faster. Those that are small beside the spread
# of the samples lose digits.
_MANY = 2_000


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
    X = finite_matrix(X)
    n = len(X)
    sums = np.zeros(n * (n - 1) // 2 + 1)
    if n > _MANY:
        sums[1:] = squareform(_distances_by_products(X), checks=False)
    else:
        pdist(X, out=sums[1:])
    matrix = squareform(sums[1:])
    sums[1:].sort()  # in place: at n = 10,000 a copy is 400 MB
    np.cumsum(sums[1:], out=sums[1:])
    return PairDistances(matrix, sums)


def _distances_by_products(X: np.ndarray) -> np.ndarray:
    from sklearn.metrics.pairwise import euclidean_distances  # half a second that small cohorts need not wait

    return euclidean_distances(X - X.mean(axis=0))  # the farther from the origin, the more digits cancel


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


def internal_over_partitions(
    X: ArrayLike, partitions: np.ndarray, *, distances: PairDistances | None = None
) -> pd.DataFrame:
    """All three indices of many partitions at once, as `internal_indices` gives them one by one.

    Parameters
    ----------
    X : (n_samples, n_features).
    partitions : (n_partitions, n_samples) integers 1..k, such as `amucl.clustering.kmeans.Restarts.labels`.
    distances : ``pair_distances(X)`` if it is known already.

    Returns
    -------
    DataFrame
        One row per partition: c_index, silhouette, davies_bouldin.
    """
    X = finite_matrix(X)
    distances = distances or pair_distances(X)
    scale, X = np.abs(X).max(), X - X.mean(axis=0)
    size = max(_BATCH_VALUES // (len(X) * max(int(partitions.max()), X.shape[1])), 1)
    batches = [
        _indices_of_batch(X, scale, partitions[begin : begin + size], distances)
        for begin in range(0, len(partitions), size)
    ]
    return pd.DataFrame(np.concatenate(batches), columns=["c_index", "silhouette", "davies_bouldin"])


def _indices_of_batch(X: np.ndarray, scale: float, partitions: np.ndarray, distances: PairDistances) -> np.ndarray:
    """The three indices, (batch, 3), of partitions (batch, n) with clusters 1..k."""
    k, n = int(partitions.max()), len(X)
    member = partitions[:, None] == np.arange(1, k + 1)[:, None]  # (batch, k, n)
    indicator = member.astype(np.float64)
    sizes = indicator.sum(axis=2)
    to_clusters = (indicator.reshape(-1, n) @ distances.matrix).reshape(indicator.shape)
    own = partitions[:, None].astype(np.intp) - 1
    to_own = np.take_along_axis(to_clusters, own, axis=1)[:, 0]
    own_size = np.take_along_axis(sizes, own[:, 0], axis=1)
    values = np.column_stack(
        [
            _c_indices(to_own.sum(axis=1) / 2, sizes, distances),
            _silhouettes(to_clusters, to_own, own_size, member, sizes),
            _davies_bouldins(X, scale, indicator, own, own_size, sizes),
        ]
    )
    n_clusters = (sizes > 0).sum(axis=1)
    values[(n_clusters == 1) | (n_clusters == n)] = np.nan
    return values


def _c_indices(within: np.ndarray, sizes: np.ndarray, distances: PairDistances) -> np.ndarray:
    n_within = ((sizes * (sizes - 1)).sum(axis=1) / 2).astype(np.intp)
    smallest = distances.sums[n_within]
    largest = distances.sums[-1] - distances.sums[-1 - n_within]
    span = largest - smallest
    defined = span > 1e-12 * largest
    values = np.divide(within - smallest, span, out=np.full_like(within, np.nan), where=defined)
    return np.clip(values, 0, 1)


def _silhouettes(
    to_clusters: np.ndarray, to_own: np.ndarray, own_size: np.ndarray, member: np.ndarray, sizes: np.ndarray
) -> np.ndarray:
    """Uses `to_clusters` up."""
    a = to_own / np.maximum(own_size - 1, 1)
    to_clusters /= np.maximum(sizes, 1)[:, :, None]
    to_clusters[member | (sizes == 0)[:, :, None]] = np.inf
    b = to_clusters.min(axis=1)
    larger = np.maximum(a, b)
    counts = (own_size > 1) & (larger > 0) & np.isfinite(larger)
    return np.divide(b - a, larger, out=np.zeros_like(a), where=counts).mean(axis=1)


def _davies_bouldins(
    X: np.ndarray, scale: float, indicator: np.ndarray, own: np.ndarray, own_size: np.ndarray, sizes: np.ndarray
) -> np.ndarray:
    batch, k, _ = indicator.shape
    centroids = (indicator.reshape(batch * k, -1) @ X).reshape(batch, k, -1) / np.maximum(sizes, 1)[:, :, None]
    away = X - np.take_along_axis(centroids, own[:, 0, :, None], axis=1)
    to_centroid = np.sqrt(np.einsum("pid,pid->pi", away, away))
    spread = np.einsum("pci,pi->pc", indicator, to_centroid) / np.maximum(sizes, 1)
    between = np.sqrt(((centroids[:, :, None] - centroids[:, None]) ** 2).sum(axis=3))
    alone = (sizes == 0)[:, :, None] | (sizes == 0)[:, None] | np.eye(k, dtype=bool)
    between[alone] = np.inf
    coincide = between.min(axis=(1, 2)) <= 1e-12 * scale
    between[between == 0] = np.inf
    worst = ((spread[:, :, None] + spread[:, None]) / between).max(axis=2)
    values = worst.sum(axis=1) / (sizes > 0).sum(axis=1)
    values[coincide] = np.nan
    return values


def _membership(labels: ArrayLike, n_samples: int) -> np.ndarray | None:
    """Indicator matrix (n_samples, k), or None where no index is defined: one cluster or n clusters."""
    codes = encode_labels(labels, n_samples)
    n_clusters = codes.max() + 1
    if n_clusters in (1, n_samples):
        return None
    return np.eye(n_clusters)[codes]
