"""Large cohorts: represent a sample of landmarks exactly and place the others beside their nearest landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import kmeans_plusplus
from sklearn.neighbors import NearestNeighbors

from amucl.lowrank.affinity import unit_rows


@dataclass(frozen=True)
class Landmarks:
    """Which of the samples are represented, and how the others hang on them.

    Attributes
    ----------
    chosen : (p,) rows that are landmarks, in order.
    nearest : (n, q) for every sample its q nearest landmarks, as positions in `chosen`; a landmark is its own first.
    """

    chosen: np.ndarray
    nearest: np.ndarray

    def spread(self, directions: np.ndarray) -> np.ndarray:
        """(n, r) unit rows: a landmark's own direction (p, r), another sample's the mean of its nearest landmarks'.

        That mean minimises the graph term sum_j w_ij ||z_i - z_j||^2 over the sample's own edges.
        """
        placed = unit_rows(directions[self.nearest].mean(axis=1))
        placed[self.chosen] = directions
        return placed


def choose_landmarks(X: np.ndarray, n_landmarks: int, n_neighbors: int, seed: int = 0) -> Landmarks:
    """Landmarks spread over the samples as k-means++ spreads its starts: each next one likely far from all before.

    X : (n, m) samples x features; n_landmarks : at most n; n_neighbors : landmarks that place another sample.
    """
    _, chosen = kmeans_plusplus(X, n_landmarks, random_state=seed)
    chosen = np.sort(chosen)
    finder = NearestNeighbors(n_neighbors=min(n_neighbors, n_landmarks)).fit(X[chosen])
    return Landmarks(chosen, finder.kneighbors(X, return_distance=False))
