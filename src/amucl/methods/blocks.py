"""Several omics as one matrix: checks, normalisation and equal weights, the same for every method."""

from __future__ import annotations

import numpy as np

from amucl.errors import AmuclError


def checked_views(views: list[np.ndarray], *, min_samples: int = 3, missing_omics: bool = False) -> list[np.ndarray]:
    """The views as float64 arrays with the same samples in rows, or an error that says what is wrong.

    Parameters
    ----------
    views : list of (n, p_m).
    min_samples : least number of samples, and where omics may be missing of samples that have each of them; with 1, as
        for patients who are only to be embedded, an omic may be missing altogether.
    missing_omics : a row of NaN is allowed: the patient lacks the omic.

    Raises AmuclError for no view, other samples, non-finite values, too few samples, a patient without any omic.
    """
    if not views:
        raise AmuclError("there is no omic to learn from", expected="at least one (samples x features) array")
    arrays = [np.asarray(view, dtype=np.float64) for view in views]
    for number, array in enumerate(arrays, start=1):
        if array.ndim != 2 or 0 in array.shape:
            raise AmuclError("an omic is empty", where=f"omic {number}", expected="samples x features", got=array.shape)
        if len(array) != len(arrays[0]):
            raise AmuclError("omics differ in samples", where=f"omic {number}", expected=len(arrays[0]), got=len(array))
        bad = ~np.isfinite(array)
        if missing_omics:
            bad &= ~np.isnan(array).all(axis=1, keepdims=True)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise AmuclError(
                "a value is missing or infinite",
                where=f"omic {number}, sample {row + 1}, feature {column + 1}",
                action="impute it in preprocessing, or use complete patients",
            )
    if len(arrays[0]) < min_samples:
        raise AmuclError("too few samples", expected=f"at least {min_samples}", got=len(arrays[0]))
    if missing_omics:
        _check_presence(present_omics(arrays), min_samples if min_samples > 1 else 0)
    return arrays


def present_omics(views: list[np.ndarray]) -> np.ndarray:
    """Which patient has which omic: (n, M), False where the patient's row is NaN."""
    return np.column_stack([~np.isnan(view).all(axis=1) for view in views])


def _check_presence(present: np.ndarray, min_samples: int) -> None:
    if not present.any(axis=1).all():
        raise AmuclError("a patient has no omic at all", where=f"sample {np.argmin(present.any(axis=1)) + 1}")
    if (present.sum(axis=0) < min_samples).any():
        raise AmuclError(
            "too few patients have an omic",
            where=f"omic {np.argmin(present.sum(axis=0)) + 1}",
            expected=f"at least {min_samples}",
            got=present.sum(axis=0).min(),
            action="leave the omic out",
        )


def zscore(x: np.ndarray) -> np.ndarray:
    """Each feature to mean 0 and variance 1; constant features become 0. x: (n, p)."""
    varies = x.max(axis=0) > x.min(axis=0)  # the standard deviation of equal values may round to more than 0
    return (x - x.mean(axis=0)) / np.where(varies, x.std(axis=0), np.inf)


def scale_by_maximum(x: np.ndarray) -> np.ndarray:
    """Each feature divided by its largest absolute value; all-zero features stay 0. x: (n, p)."""
    largest = np.abs(x).max(axis=0)
    return x / np.where(largest > 0, largest, 1)


def principal_coordinates(x: np.ndarray, variance: float = 1.0) -> np.ndarray:
    """Rotate x (n, p) onto its principal axes: (n, r), the fewest that hold `variance` of the total.

    With variance = 1 all distances are kept and r is the numerical rank, at most n - 1. Signs are fixed: the largest
    entry of each column is positive.
    """
    return _principal(x, variance)[0]


def principal_axes(x: np.ndarray, variance: float = 1.0) -> np.ndarray:
    """The axes (p, r) of `principal_coordinates`: of centred x, coordinates = x @ axes."""
    return _principal(x, variance)[1]


def _principal(x: np.ndarray, variance: float) -> tuple[np.ndarray, np.ndarray]:
    u, s, vt = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    rank = int((s > s[0] * 1e-6).sum()) if s[0] > 0 else 1
    held = np.cumsum(s[:rank] ** 2) / max((s[:rank] ** 2).sum(), np.finfo(float).tiny)
    r = min(rank, int(np.searchsorted(held, variance * (1 - 1e-12))) + 1)
    coordinates = u[:, :r] * s[:r]
    signs = np.sign(coordinates[np.abs(coordinates).argmax(axis=0), np.arange(r)])
    signs = np.where(signs == 0, 1, signs)
    return coordinates * signs, np.ascontiguousarray(vt[:r].T * signs)


def balanced_blocks(views: list[np.ndarray]) -> list[np.ndarray]:
    """Centre each block and scale it to D / M in total variance: M omics then weigh equally, D their features in all.

    Within an omic the features keep their scales: z-scored blocks are multiplied by sqrt(D / (M p_m)).
    """
    share = sum(view.shape[1] for view in views) / len(views)
    centred = [view - view.mean(axis=0) for view in views]
    totals = [block.var(axis=0).sum() for block in centred]
    return [block * np.sqrt(share / total if total > 0 else 0) for block, total in zip(centred, totals, strict=True)]


def concatenated_coordinates(views: list[np.ndarray]) -> np.ndarray:
    """All omics, equally weighted, as coordinates that keep every distance: (n, r), r <= n - 1."""
    return principal_coordinates(np.hstack(balanced_blocks(checked_views(views))))
