"""Which subtype a new patient has: the nearest in the embedding, or none of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from amucl.errors import AmuclError
from amucl.labels import subtype_order

COLUMNS = ["sample", "subtype", "nearest", "distance", "limit", "confidence", "second"]
NONE = "none"
# A patient further from a centroid than nearly all of the subtype's own are.
N_DEVIATIONS = 3


@dataclass(frozen=True)
class Subtypes:
    """Where the subtypes of a cohort lie in its embedding.

    Attributes
    ----------
    names : of the k subtypes.
    centroids : (k, d), their means.
    limits : (k,), distance from the centroid beyond which a patient is no longer taken for one of the subtype: mean and
        three standard deviations of its patients' distances.
    """

    names: list
    centroids: np.ndarray
    limits: np.ndarray

    def predict(self, embedding: pd.DataFrame) -> pd.DataFrame:
        """The subtype of every sample (rows) of an embedding of the same axes.

        Returns `COLUMNS`: the subtype, or "none" where even the nearest is further than its limit; the nearest, its
        distance and limit; the confidence 1 - d1 / d2, d1 and d2 the distances to the nearest and to the second
        nearest: 1 at a centroid, 0 halfway between two; the second nearest.
        """
        distances = cdist(embedding.to_numpy(), self.centroids)
        order = np.argsort(distances, axis=1, kind="stable")[:, :2]
        near, far = np.take_along_axis(distances, order, axis=1).T
        names = np.asarray(self.names, dtype=object)
        limits = self.limits[order[:, 0]]
        nearest = names[order[:, 0]]
        columns = {
            "sample": embedding.index,
            "subtype": np.where(near <= limits, nearest, NONE),
            "nearest": nearest,
            "distance": near,
            "limit": limits,
            "confidence": 1 - near / np.maximum(far, np.finfo(float).tiny),
            "second": names[order[:, 1]],
        }
        return pd.DataFrame(columns, columns=COLUMNS)


def find_subtypes(embedding: pd.DataFrame, labels: pd.Series) -> Subtypes:
    """Learn where subtypes lie. Both are indexed by sample; raises AmuclError for fewer than two subtypes."""
    labels = labels.loc[embedding.index]
    names = subtype_order(labels)
    if len(names) < 2:
        raise AmuclError("fewer than two subtypes to tell apart", expected="at least 2", got=len(names))
    members = [embedding[(labels == name).to_numpy()].to_numpy() for name in names]
    centroids = np.array([points.mean(axis=0) for points in members])
    own = [np.linalg.norm(points - centre, axis=1) for points, centre in zip(members, centroids, strict=True)]
    limits = np.array([distance.mean() + N_DEVIATIONS * distance.std() for distance in own])
    return Subtypes(names, centroids, limits)
