"""k-means: the one engine that every method's embedding goes through, with every restart kept."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from threadpoolctl import threadpool_limits

from amucl.clustering.indices import finite_matrix
from amucl.clustering.lloyd import STARTS, refine, run_batches
from amucl.errors import AmuclError
from amucl.labels import canonical_partitions

logger = logging.getLogger(__name__)

_REFINED_SHARE = 20  # one restart in so many


@dataclass(frozen=True)
class Restarts:
    """The partitions that all restarts of k-means with one k ended in: how much the start matters is a result.

    In every partition the clusters are 1..k, the largest first.

    Attributes
    ----------
    best : (n_samples,) the clusters to go on with: the best restart after Hartigan's exchanges.
    inertia : its sum of squared distances to the centroids.
    labels : (n_partitions, n_samples) the different partitions that plain restarts ended in, least inertia first.
    counts : (n_partitions,) restarts that ended there.
    inertias : (n_partitions,) their sums of squared distances, ascending.
    warning : empty, or why there are fewer clusters than asked for.
    """

    best: np.ndarray
    inertia: float
    labels: np.ndarray
    counts: np.ndarray
    inertias: np.ndarray
    warning: str = ""

    @property
    def n_restarts(self) -> int:
        """Number of restarts."""
        return int(self.counts.sum())


def kmeans_restarts(
    X: ArrayLike,
    ks: Iterable[int],
    *,
    n_restarts: int,
    seed: int,
    starts: Sequence[str] = STARTS,
    n_threads: int = 1,
) -> dict[int, Restarts]:
    """k-means by Lloyd's algorithm from many starts, for several numbers of clusters.

    The best twentieth of them is then refined by Hartigan's exchanges [3]; the clusters kept are the best of those.

    Parameters
    ----------
    X : (n_samples, n_features).
    ks : numbers of clusters, each 2 or more.
    n_restarts : per k; the first of them are the same whatever their number.
    seed : makes the result reproducible.
    starts : kinds of start, taken in turn: `k-means++` (greedy [2]) and `random` (k samples, the papers' way).
    n_threads : numbers of clusters worked on at a time; the result does not depend on it.

    Returns
    -------
    k -> Restarts. Where X has fewer than k different rows, those are the clusters, and `warning` says so.

    Raises
    ------
    AmuclError
        If a k is under 2 or over the number of samples, or a value is missing or infinite.

    References
    ----------
    [1] S. P. Lloyd (1982), Least squares quantization in PCM, IEEE Transactions on Information Theory 28(2), 129-137.
    [2] D. Arthur, S. Vassilvitskii (2007), k-means++: the advantages of careful seeding, SODA, 1027-1035.
    [3] J. A. Hartigan, M. A. Wong (1979), Algorithm AS 136: a k-means clustering algorithm, Applied Statistics 28,
        100-108.
    """
    ks = list(ks)
    X = finite_matrix(X)
    for k in ks:
        _require_enough_samples(X, k)
    if n_restarts < 1:
        raise AmuclError("k-means needs a restart", where="n_restarts", expected="1 or more", got=n_restarts)
    unknown = [start for start in starts if start not in STARTS]
    if unknown or not starts:
        raise AmuclError("unknown start of k-means", expected=" or ".join(STARTS), got=unknown or "none")
    kinds = np.resize(np.array(starts), n_restarts)
    centred, place = X - X.mean(axis=0), np.unique(X, axis=0, return_inverse=True)[1].ravel()
    with threadpool_limits(1), ThreadPoolExecutor(n_threads) as pool:
        results = list(pool.map(lambda k: _restarts(centred, place, k, kinds, seed), ks))
    for k, result in zip(ks, results, strict=True):
        if result.warning:
            logger.warning("k = %d: %s", k, result.warning)
    return dict(zip(ks, results, strict=True))


def kmeans_on_subsets(X: ArrayLike, k: int, subsets: np.ndarray, *, n_restarts: int, seed: int) -> np.ndarray:
    """The best of `n_restarts` k-means of every subset of the samples, refined by Hartigan's exchanges.

    Parameters
    ----------
    X : (n_samples, n_features).
    subsets : (n_subsets, n_samples) bool, True for the samples that are clustered; at least k each.

    Returns
    -------
    (n_subsets, n_samples)
        Labels 0..k-1. Samples outside of a subset have the label of the nearest centroid of those inside.
    """
    X = finite_matrix(X)
    X = X - X.mean(axis=0)
    n_subsets = len(subsets)
    best = np.full(n_subsets, np.inf)
    labels = np.zeros(subsets.shape, dtype=np.int16)
    owner = np.repeat(np.arange(n_subsets), n_restarts)
    kinds = np.resize(np.array(STARTS), n_restarts)
    seeds = np.random.SeedSequence([seed, k])
    with threadpool_limits(1):
        for batch, found, inertias in run_batches(X, k, seeds, np.tile(kinds, n_subsets), subsets[owner]):
            for row, subset in enumerate(owner[batch]):
                if inertias[row] < best[subset]:
                    best[subset], labels[subset] = inertias[row], found[row]
        return refine(X, labels, k, subsets)[0]


def labels_over_k(restarts: dict[int, Restarts], samples: Sequence[str]) -> pd.DataFrame:
    """The best labels for every k: samples x columns k2, k3, ..."""
    return pd.DataFrame({f"k{k}": result.best for k, result in restarts.items()}, index=list(samples))


def _restarts(X: np.ndarray, place: np.ndarray, k: int, kinds: np.ndarray, seed: int) -> Restarts:
    n_places = int(place.max()) + 1
    if n_places <= k:
        warning = f"only {n_places} of {len(X)} rows differ: {n_places} clusters" if n_places < k else ""
        labels = canonical_partitions(place[None])
        return Restarts(labels[0], 0.0, labels, np.array([len(kinds)]), np.zeros(1), warning)
    partitions = np.empty((len(kinds), len(X)), dtype=np.int16)
    inertias = np.empty(len(kinds))
    for batch, labels, values in run_batches(X, k, np.random.SeedSequence([seed, k]), kinds):
        partitions[batch], inertias[batch] = labels, values
    partitions = canonical_partitions(partitions)
    _, first, counts = np.unique(partitions, axis=0, return_index=True, return_counts=True)
    order = np.argsort(inertias[first], kind="stable")
    partitions, counts, inertias = partitions[first][order], counts[order], inertias[first][order]
    best, inertia = _refined(X, partitions[: -(-len(kinds) // _REFINED_SHARE)], k)
    inertia = min(inertia, float(inertias[0]))  # exchanges make nothing worse; summed in another order it may round up
    found = int(best.max())
    warning = "" if found == k else f"points too close together to tell apart: {found} clusters"
    return Restarts(best, inertia, partitions, counts, inertias, warning)


def _refined(X: np.ndarray, partitions: np.ndarray, k: int) -> tuple[np.ndarray, float]:
    """The best partition after Hartigan's exchanges, and its inertia."""
    labels, inertias = refine(X, partitions - 1, k)
    best = int(inertias.argmin())
    return canonical_partitions(labels[best : best + 1])[0], float(inertias[best])


def _require_enough_samples(X: np.ndarray, k: int) -> None:
    if k < 2:
        raise AmuclError("too few clusters", where="k", expected="2 or more", got=k)
    if len(X) < k:
        raise AmuclError(
            "fewer samples than clusters",
            where=f"k = {k}",
            expected=f"at least {k} samples",
            got=len(X),
            action="take a smaller k",
        )
