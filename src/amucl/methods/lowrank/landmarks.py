"""Large cohorts: represent a sample of landmarks exactly and place the others beside their nearest landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import kmeans_plusplus
from sklearn.neighbors import NearestNeighbors

from amucl.errors import AmuclError
from amucl.methods.lowrank.affinity import unit_rows


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

        Before it is scaled to unit length, that mean minimises sum_j ||m - m_j||^2 over the nearest landmarks j.
        """
        placed = unit_rows(directions[self.nearest].mean(axis=1))
        placed[self.chosen] = directions
        return placed


def choose_landmarks(X: np.ndarray, n_landmarks: int, n_neighbors: int, seed: int = 0) -> Landmarks:
    """Landmarks spread over the samples as k-means++ spreads its starts: each next one likely far from all before.

    X : (n, m) samples x features; n_landmarks : at most the different samples that are not zero, else AmuclError;
    n_neighbors : landmarks that place another sample.
    """
    different = np.sort(np.unique(X, axis=0, return_index=True)[1])
    different = different[X[different].any(axis=1)]
    if n_landmarks > len(different):
        expected = f"at most {len(different)}, the different samples that are not zero"
        raise AmuclError("too many landmarks", where="landmarks", expected=expected, got=n_landmarks)
    _, chosen = kmeans_plusplus(X[different], n_landmarks, random_state=seed)
    chosen = np.sort(different[chosen])
    finder = NearestNeighbors(n_neighbors=min(n_neighbors, n_landmarks)).fit(X[chosen])
    return Landmarks(chosen, finder.kneighbors(X, return_distance=False))
