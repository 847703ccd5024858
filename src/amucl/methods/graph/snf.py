"""Similarity network fusion with spectral clustering: the classical rival for several omics."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from amucl.methods.blocks import checked_views, present_omics
from amucl.methods.graph.fusion import N_ITERATIONS, fuse, omic_affinities
from amucl.methods.graph.spectral import laplacian_eigenvectors
from amucl.methods.parameters import check_parameters

LOWEST = {"n_clusters": 2, "n_components": 1, "n_neighbors": 2, "n_iterations": 1}
RANGES = {"mu": (0, np.inf)}


class SNF(BaseEstimator):
    """Leading eigenvectors of the normalised Laplacian of the fused sample graph, rows at unit length [1].

    Parameters
    ----------
    n_components : eigenvectors; default the cohort's n_clusters, else 10. The constant one counts.
    n_neighbors, mu : neighbours and width of the affinity of every omic.
    n_iterations : steps of fusion.
    n_clusters, random_state, n_threads, device : accepted by every method.

    Attributes
    ----------
    affinity_ : (n, n) array, the fused graph with zero diagonal.
    embedding_ : (n, n_components) array.

    References
    ----------
    [1] Wang et al., Similarity network fusion for aggregating data types on a genomic scale. Nature Methods 11 (2014),
        333-337.
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        n_components: int | None = None,
        n_neighbors: int = 10,
        mu: float = 0.5,
        n_iterations: int = N_ITERATIONS,
        random_state: int = 0,
        n_threads: int = 1,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.mu = mu
        self.n_iterations = n_iterations
        self.random_state = random_state
        self.n_threads = n_threads
        self.device = device

    def fit(self, views: list[np.ndarray], y: None = None) -> SNF:
        """views: list of (n, p_m) arrays, rows of NaN where a patient lacks an omic (see `omic_affinities`).

        Raises AmuclError for other missing values and parameters out of range.
        """
        check_parameters(self, lowest=LOWEST, ranges=RANGES)
        views = checked_views(views, missing_omics=True)
        affinities = omic_affinities(views, present_omics(views), self.n_neighbors, self.mu)
        self.affinity_ = fuse(affinities, self.n_neighbors, self.n_iterations)
        self.embedding_ = laplacian_eigenvectors(self.affinity_.astype(float, copy=False), self)
        return self
