"""The omics side by side: the field's baseline, k-means on the concatenation, needs no more of an embedding."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator

from amucl.methods.blocks import concatenated_coordinates


class Concatenation(BaseEstimator):
    """The equally weighted omics themselves, as they were normalised, rotated to at most n - 1 columns.

    All distances are kept. With k-means on it this is the field's baseline "k-means on the concatenation".

    Attributes
    ----------
    embedding_ : (n, r) array, r <= n - 1.
    """

    def __init__(
        self, n_clusters: int | None = None, *, random_state: int = 0, n_threads: int = 1, device: str = "auto"
    ) -> None:
        self.n_clusters = n_clusters
        self.random_state = random_state
        self.n_threads = n_threads
        self.device = device

    def fit(self, views: list[np.ndarray], y: None = None) -> Concatenation:
        """views: list of (n, p_m) arrays without missing values."""
        self.embedding_ = concatenated_coordinates(views)
        return self
