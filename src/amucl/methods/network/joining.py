"""Several trainings of one network as one embedding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from amucl.methods.blocks import principal_axes

JOINED_VARIANCE = 0.999


@dataclass(frozen=True)
class RestartJoin:
    """Restarts' features (R, n, d), each centred and at unit root mean square, side by side on their principal axes.

    Attributes
    ----------
    centre : (R, 1, d); scale : (R, 1, 1); axes : (R d, r), of the patients it was learnt on.
    """

    centre: np.ndarray
    scale: np.ndarray
    axes: np.ndarray

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """(R, n, d) to (n, r)."""
        return np.hstack(list((features - self.centre) * self.scale)) @ self.axes

    def directions(self, direction: np.ndarray) -> np.ndarray:
        """A direction (r,) of the joined embedding as directions (R, d) of the features."""
        return (self.axes @ direction).reshape(len(self.centre), -1) * self.scale[:, 0]

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it as named arrays, for the model's file."""
        return {"join.centre": self.centre, "join.scale": self.scale, "join.axes": self.axes}

    @classmethod
    def from_arrays(cls, named: Mapping[str, np.ndarray]) -> RestartJoin:
        """What `arrays` wrote."""
        return cls(named["join.centre"], named["join.scale"], named["join.axes"])


def fit_join(features: np.ndarray) -> RestartJoin:
    """Learn how to join restarts: none outweighs the rest, and the fewest axes hold 99.9 % of the variance.

    features: (R, n, d), float64.
    """
    centre = features.mean(axis=1, keepdims=True)
    rms = np.sqrt(((features - centre) ** 2).mean(axis=(1, 2), keepdims=True))
    scale = 1 / np.maximum(rms, np.finfo(float).tiny)
    return RestartJoin(centre, scale, principal_axes(np.hstack(list((features - centre) * scale)), JOINED_VARIANCE))
