"""Principal components: the linear baseline that every learned embedding must beat."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from amucl.errors import AmuclError
from amucl.methods.blocks import concatenated_coordinates


class PCA(BaseEstimator):
    """The first principal components of the equally weighted omics, as they were normalised.

    Parameters
    ----------
    n_components : how many; default the cohort's n_clusters, else 10, as for the deep methods. Data of lower rank
        (at most n - 1) give fewer.
    n_clusters, random_state, n_threads, device : accepted by every method; only n_clusters matters here.

    Attributes
    ----------
    embedding_ : (n, n_components) array.
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        n_components: int | None = None,
        random_state: int = 0,
        n_threads: int = 1,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.n_components = n_components
        self.random_state = random_state
        self.n_threads = n_threads
        self.device = device

    def fit(self, views: list[np.ndarray], y: None = None) -> PCA:
        """views: list of (n, p_m) arrays. Raises AmuclError for missing values and for n_components < 1."""
        if self.n_components is not None and self.n_components < 1:
            raise AmuclError("n_components is too small", where="PCA", expected="at least 1", got=self.n_components)
        wanted = self.n_components or self.n_clusters or 10
        self.embedding_ = concatenated_coordinates(views)[:, :wanted]
        return self
