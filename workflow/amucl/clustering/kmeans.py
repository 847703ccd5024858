"""k-means: the one engine that every method's embedding goes through."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from amucl.clustering.indices import finite_matrix
from amucl.clustering.labels import canonical_labels
from amucl.errors import AmuclError


@dataclass(frozen=True)
class KMeansResult:
    """The best of several restarts, and all of them: how much the restart matters is part of the result.

    Attributes
    ----------
    labels : (n_samples,) clusters 1..k of the best restart, the largest first.
    inertia : its sum of squared distances to the centroids.
    restart_labels : (n_init, n_samples) the labels of every restart.
    restart_inertias : (n_init,)
    """

    labels: np.ndarray
    inertia: float
    restart_labels: np.ndarray
    restart_inertias: np.ndarray

    @property
    def n_init(self) -> int:
        """Number of restarts."""
        return len(self.restart_inertias)


def kmeans_labels(X: ArrayLike, k: int, *, n_init: int, seed: int, n_threads: int = 1) -> KMeansResult:
    """k-means by Lloyd's algorithm from k-means++ starts, best of `n_init` restarts by inertia.

    Parameters
    ----------
    X : (n_samples, n_features).
    k : number of clusters, 2 or more.
    n_init : number of restarts; the first of them are the same whatever their number.
    seed : makes the result reproducible at a given `n_threads`.
    n_threads : threads of scikit-learn and of the linear algebra.

    Raises
    ------
    AmuclError
        If k < 2, there are fewer samples or distinct samples than k, or a value is missing or infinite.

    References
    ----------
    [1] S. P. Lloyd (1982), Least squares quantization in PCM, IEEE Transactions on Information Theory 28(2), 129-137.
    [2] D. Arthur, S. Vassilvitskii (2007), k-means++: the advantages of careful seeding, SODA, 1027-1035.
    """
    X = finite_matrix(X)
    _require_enough_samples(X, k)
    if n_init < 1:
        raise AmuclError("k-means needs a restart", where="n_init", expected="1 or more", got=n_init)
    seeds = np.random.SeedSequence([seed, k]).generate_state(n_init)
    with threadpool_limits(n_threads):
        fits = [KMeans(k, n_init=1, random_state=int(state)).fit(X) for state in seeds]
    labels = np.array([canonical_labels(fit.labels_) for fit in fits])
    inertias = np.array([fit.inertia_ for fit in fits])
    best = int(inertias.argmin())
    return KMeansResult(labels[best], float(inertias[best]), labels, inertias)


def kmeans_over_k(X: pd.DataFrame, ks: Iterable[int], *, n_init: int, seed: int, n_threads: int = 1) -> pd.DataFrame:
    """Best k-means labels for several numbers of clusters: samples x columns k2, k3, ... in the order of `ks`.

    `X` is (n_samples x n_features), indexed by sample; the rest as for `kmeans_labels`.
    """
    columns = {f"k{k}": kmeans_labels(X, k, n_init=n_init, seed=seed, n_threads=n_threads).labels for k in ks}
    return pd.DataFrame(columns, index=X.index)


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
    n_distinct = len(np.unique(X, axis=0))
    if n_distinct < k:
        raise AmuclError(
            "fewer distinct samples than clusters",
            where=f"k = {k}",
            expected=f"at least {k} different rows",
            got=f"{n_distinct} among {len(X)} samples",
            action="take a smaller k, or check whether the embedding has collapsed",
        )
