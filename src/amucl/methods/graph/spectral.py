"""Laplacian eigenmaps: with k-means on them, spectral clustering."""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.manifold import spectral_embedding

from amucl.errors import AmuclError
from amucl.methods.lowrank.affinity import unit_rows
from amucl.methods.lowrank.graph import knn_graph
from amucl.methods.lowrank.samples import joined_samples
from amucl.methods.parameters import DEFAULT_N_COMPONENTS


class Spectral(BaseEstimator):
    """Leading eigenvectors of the normalised Laplacian of the nearest-neighbour graph, rows at unit length [1].

    With k-means on them this is the field's baseline "spectral clustering". Samples and graph are those of sgLRR: what
    sgLRR gains over it, it does not gain from its graph.

    Parameters
    ----------
    n_components : eigenvectors; default the cohort's n_clusters, else 10. The constant one counts.
    n_neighbors : neighbours in the graph.
    n_clusters, random_state, n_threads, device : accepted by every method.

    Attributes
    ----------
    embedding_ : (n, n_components) array.

    References
    ----------
    [1] Ng, Jordan & Weiss, On spectral clustering: analysis and an algorithm. NIPS 2001.
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        n_components: int | None = None,
        n_neighbors: int = 5,
        random_state: int = 0,
        n_threads: int = 1,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.n_components = n_components
        self.n_neighbors = n_neighbors
        self.random_state = random_state
        self.n_threads = n_threads
        self.device = device

    def fit(self, views: list[np.ndarray], y: None = None) -> Spectral:
        """views: list of (n, p_m) arrays. Raises AmuclError for missing values and more components than n - 1."""
        X = joined_samples(views)
        self.embedding_ = laplacian_eigenvectors(knn_graph(X, self.n_neighbors), self)
        return self


def laplacian_eigenvectors(graph: np.ndarray | sparse.csr_array, estimator: BaseEstimator) -> np.ndarray:
    """The leading eigenvectors of a graph's normalised Laplacian, the constant one among them, rows at unit length.

    graph: (n, n), symmetric. As many as the estimator's n_components or n_clusters, else 10; its random_state starts
    the eigensolver. Raises AmuclError where n_components is not between 1 and n - 1.
    """
    most = graph.shape[0] - 1
    wanted = estimator.n_components or min(estimator.n_clusters or DEFAULT_N_COMPONENTS, most)
    if not 1 <= wanted <= most:
        where = type(estimator).__name__
        raise AmuclError("n_components is out of range", where=where, expected=f"1 to {most}", got=wanted)
    with warnings.catch_warnings():
        # Clusters apart are pieces of the graph: the eigenvectors of eigenvalue 0 then name them.
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        vectors = spectral_embedding(graph, n_components=wanted, random_state=estimator.random_state, drop_first=False)
    return unit_rows(vectors)
