"""What a network is fed: the omics of a cohort, normalised and side by side; and those of new patients in the same way.

The map is learnt once, on the cohort a network is trained on, and is kept with the network's weights.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from amucl.errors import AmuclError, some

NORMALIZATIONS = ("zscore", "max")
# Below a quarter of the columns the products saved outweigh the rotation.
FEATURES_PER_COORDINATE = 4
# Bounds the memory of a rotation in double precision.
AXES_AT_A_TIME = 20_000


@dataclass(frozen=True)
class OmicMap:
    """One omic's way into the network: (x - centre) * scale, then a rotation where it has one.

    Attributes
    ----------
    centre, scale : (p,), of the training cohort; a feature without variance has scale 0.
    rotation : (p, r) of orthonormal columns, or None.
    """

    centre: np.ndarray
    scale: np.ndarray
    rotation: np.ndarray | None = None

    @property
    def n_columns(self) -> int:
        """Columns it fills in the network's input."""
        return len(self.scale) if self.rotation is None else self.rotation.shape[1]

    def normalized(self, x: np.ndarray) -> np.ndarray:
        """(n, p) before the rotation; a patient without the omic (a row of NaN) gets 0, the cohort's mean."""
        return np.nan_to_num((x - self.centre) * self.scale, copy=False)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """(n, p) to (n, n_columns), float32."""
        normalized = self.normalized(x).astype(np.float32)
        return normalized if self.rotation is None else normalized @ self.rotation

    def of_features(self, gradient: np.ndarray) -> np.ndarray:
        """A gradient by the input's columns, (n, n_columns), as one by the normalised features, (n, p)."""
        return gradient if self.rotation is None else gradient @ self.rotation.T


@dataclass(frozen=True)
class InputMap:
    """The ways of all omics, in the order in which they were learnt.

    Attributes
    ----------
    omics : a way each.
    features : omic -> names of its features, in the same order; None where the omics were given without names.
    """

    omics: list[OmicMap]
    features: Mapping[str, Sequence[str]] | None = None

    def __post_init__(self):
        if self.features is not None:
            self._check_sizes([len(names) for names in self.features.values()], "names")

    @property
    def sizes(self) -> list[int]:
        """Columns of each omic in the input."""
        return [omic.n_columns for omic in self.omics]

    def __call__(self, views: list[np.ndarray]) -> list[np.ndarray]:
        """The blocks of the input, (n, size) each. Raises AmuclError for other omics than it was learnt on."""
        self._check_sizes([view.shape[1] for view in views], "features")
        return [omic(view) for omic, view in zip(self.omics, views, strict=True)]

    def _check_sizes(self, got: list[int], what: str) -> None:
        """As many omics, and of each as many features or names (`what`), as it was learnt on."""
        names = [f"omic {number}" for number in range(1, len(self.omics) + 1)]
        names = names if self.features is None else list(self.features)
        if len(got) != len(self.omics):
            raise AmuclError(
                "the omics are not those the model was trained on",
                expected=f"{len(self.omics)}: {some(names, 20)}",
                got=len(got),
            )
        for name, omic, size in zip(names, self.omics, got, strict=True):
            if size != len(omic.centre):
                raise AmuclError(
                    f"{name} has not the features the model was trained on",
                    expected=f"{len(omic.centre)} {what}",
                    got=size,
                )

    def arranged(self, views: Mapping[str, np.ndarray | pd.DataFrame]) -> list[np.ndarray]:
        """Omics given by name, in the order learnt.

        views : omic -> (n, p) array of its features in the order learnt, or a data frame, whose columns are looked up
            by name. An omic that is absent becomes rows of NaN.

        Raises AmuclError for an omic the model does not know, a feature that is absent, and where the model was trained
        without names.
        """
        if self.features is None:
            raise AmuclError("the model was trained without names of omics", action="give arrays in the order of `fit`")
        strange = [omic for omic in views if omic not in self.features]
        if strange or not views:
            raise AmuclError(
                "the omics are not those the model was trained on",
                expected=some(self.features, 20),
                got=some(strange, 20) if strange else "none",
            )
        n = len(next(iter(views.values())))
        empty = {omic: np.full((n, len(names)), np.nan) for omic, names in self.features.items()}
        return [_columns(omic, views.get(omic, empty[omic]), names) for omic, names in self.features.items()]

    def filled(self, views: list[np.ndarray]) -> list[np.ndarray]:
        """Features that patients lack (NaN) at the mean of the cohort learnt on; whole omics stay missing."""
        return [
            np.where(np.isnan(view) & ~np.isnan(view).all(axis=1, keepdims=True), omic.centre, view)
            for omic, view in zip(self.omics, views, strict=True)
        ]

    def arrays(self) -> dict[str, np.ndarray]:
        """All of it as named arrays, for the model's file; each omic's under its own name where it has one."""
        named = {}
        for key, omic in zip(self.features or range(len(self.omics)), self.omics, strict=True):
            named |= {f"input.{key}.centre": omic.centre, f"input.{key}.scale": omic.scale}
            if omic.rotation is not None:
                named[f"input.{key}.rotation"] = omic.rotation
        return named

    @classmethod
    def from_arrays(
        cls, named: Mapping[str, np.ndarray], features: Mapping[str, Sequence[str]] | None = None
    ) -> InputMap:
        """What `arrays` wrote; `features` as they were then. Raises AmuclError where an omic of these is absent."""
        n = sum(name.startswith("input.") and name.endswith(".centre") for name in named)
        keys = list(features or range(n))
        absent = [key for key in keys if f"input.{key}.centre" not in named]
        if absent or len(keys) != n:
            raise AmuclError("the model's file does not hold its omics", expected=some(keys, 20), got=f"{n} of them")
        parts = [[named.get(f"input.{key}.{part}") for part in ("centre", "scale", "rotation")] for key in keys]
        return cls([OmicMap(*found) for found in parts], features or None)


def _columns(omic: str, view: np.ndarray | pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    if not isinstance(view, pd.DataFrame):
        return np.asarray(view)
    absent = [name for name in names if name not in view.columns]
    if absent:
        raise AmuclError(
            f"{omic} lacks {len(absent)} of the {len(names)} features the model was trained on", got=some(absent)
        )
    return view[list(names)].to_numpy()


def fit_input_map(views: list[np.ndarray], normalization: str, *, rotate: bool, rng: np.random.Generator) -> InputMap:
    """Learn the way of a cohort's omics into a network.

    Parameters
    ----------
    views : list of (n, p_m); the row of a patient without an omic is NaN.
    normalization : `zscore`, features to mean 0 and variance 1 and omics to equal total variance; or `max`, x / max|x|.
    rotate : turn an omic of many more features than patients into as many coordinates as it has patients.
    rng : draws the rotations.

    Distances between patients survive the rotation. Its axes lie at random in the span of the patients: none then holds
    more of the variance than another, and to drop some of them is like dropping as many of the features.
    """
    maps = []
    for view in views:
        has = ~np.isnan(view[:, 0])
        present = view if has.all() else view[has]
        centre, scale = _zscore_of(present) if normalization == "zscore" else _maximum_of(present)
        n, p = present.shape
        wanted = rotate and p >= FEATURES_PER_COORDINATE * n
        maps.append(OmicMap(centre, scale, _random_axes(_normalized(present, centre, scale), rng) if wanted else None))
    if normalization == "max":
        return InputMap(maps)
    total = sum(omic.n_columns for omic in maps)
    shares = [np.sqrt(total / (len(maps) * len(omic.scale))) for omic in maps]
    return InputMap(
        [OmicMap(omic.centre, omic.scale * share, omic.rotation) for omic, share in zip(maps, shares, strict=True)]
    )


def _zscore_of(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    varies = x.max(axis=0) > x.min(axis=0)  # the standard deviation of equal values may round to more than 0
    return x.mean(axis=0), np.where(varies, 1 / np.where(varies, x.std(axis=0), 1), 0)


def _maximum_of(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    largest = np.abs(x).max(axis=0)
    return np.zeros(x.shape[1]), 1 / np.where(largest > 0, largest, 1)


def _normalized(x: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    normalized = x - centre
    normalized *= scale  # in place: with hundreds of thousands of features another copy is most of the memory
    return normalized


def _random_axes(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Orthonormal axes (p, r) of the span of x's rows (n, p), in random directions within it."""
    values, vectors = np.linalg.eigh(x @ x.T)
    held = values > values[-1] * 1e-10
    turn = np.linalg.qr(rng.normal(size=(held.sum(),) * 2))[0]
    coefficients = vectors[:, held] / np.sqrt(values[held]) @ turn
    axes = np.empty((x.shape[1], held.sum()), dtype=np.float32)
    for start in range(0, len(axes), AXES_AT_A_TIME):
        rows = slice(start, start + AXES_AT_A_TIME)
        axes[rows] = x[:, rows].T @ coefficients
    return axes
