"""From one or several omics to what is represented: samples of unit length over all features that vary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from amucl.errors import AmuclError
from amucl.methods.lowrank.affinity import unit_rows

Views = np.ndarray | Sequence[np.ndarray]


def joined_samples(views: Views) -> np.ndarray:
    """(n, m) array of unit-length samples over the features of all views that vary; zero samples stay zero.

    Each view is divided by its Frobenius norm, so that omics weigh equally whatever their number of features; for
    z-scored views that is 1 / sqrt(features). A view in which nothing varies is left out. Raises AmuclError where a
    view is no table of numbers or has missing values, where views differ in samples, or nothing varies in any.
    """
    views = as_list(views)
    if not views:
        raise AmuclError("no view to fit", expected="at least one samples x features array")
    blocks = [_block(np.asarray(view), f"view {number}") for number, view in enumerate(views, start=1)]
    sizes = [len(block) for block in blocks]
    if len(set(sizes)) > 1:
        raise AmuclError("the views hold different samples", expected="as many rows in each", got=sizes)
    if sizes[0] < 2:
        raise AmuclError("too few samples", expected="at least 2", got=sizes[0])
    if not any(block.shape[1] for block in blocks):
        raise AmuclError("every feature is constant", expected="features that differ between the samples")
    return unit_rows(np.hstack(blocks))


def as_list(views: Views) -> list[np.ndarray]:
    """Views as a list; one array is one view."""
    return list(views) if isinstance(views, list | tuple) else [views]


def _block(view: np.ndarray, where: str) -> np.ndarray:
    """The features of one view that vary, if any do, divided by their Frobenius norm."""
    if view.ndim != 2 or view.dtype.kind not in "fiub":
        raise AmuclError(
            "not a numeric table", where=where, expected="samples x features", got=f"{view.dtype} {view.shape}"
        )
    finite = np.isfinite(view)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise AmuclError(
            "missing or infinite value",
            where=f"{where}, row {row}, column {column}",
            expected="a number",
            got=view[row, column],
            action="impute or drop it first",
        )
    varies = (view != view[:1]).any(axis=0)
    block = view[:, varies].astype(np.float64)
    if not varies.any():
        return block
    block = block / np.abs(block).max()  # no square may overflow or vanish
    return block / np.linalg.norm(block)
