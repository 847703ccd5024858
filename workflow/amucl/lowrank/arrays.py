"""One code for NumPy and torch: where a problem's arrays lie, and the few things the array standard lacks."""

from __future__ import annotations

from typing import Any

import numpy as np
from array_api_compat import array_namespace
from scipy import sparse

Array = Any  # a NumPy array or a torch tensor
DEVICES = "cpu (NumPy), cuda (a GPU, by torch) or torch (torch on the processor)"


def placed(matrix: np.ndarray | sparse.sparray, device: str) -> Array:
    """`matrix` where it is to be worked on: as it is for "cpu", a torch tensor for "torch" or a torch device.

    A sparse matrix stays sparse.
    """
    if device == "cpu":
        return matrix
    import torch  # costs seconds, and only a GPU needs it

    where = "cpu" if device == "torch" else device
    if not sparse.issparse(matrix):
        return torch.as_tensor(matrix, device=where)
    coo = sparse.coo_array(matrix)
    places = torch.as_tensor(np.stack(coo.coords).astype(np.int64))
    return torch.sparse_coo_tensor(places, torch.as_tensor(coo.data), coo.shape, device=where, check_invariants=True)


def host(x: Array) -> np.ndarray:
    """`x` as a NumPy array."""
    return x if isinstance(x, np.ndarray) else x.cpu().numpy()


def dense(matrix: Array) -> Array:
    """A sparse matrix written out."""
    return matrix.toarray() if sparse.issparse(matrix) else matrix.to_dense()


def zeros(shape: tuple[int, int], like: Array) -> Array:
    """Zeros of the kind, dtype and device of `like`."""
    xp = array_namespace(like)
    return xp.zeros(shape, dtype=like.dtype, device=like.device)


def norm(x: Array) -> float:
    """Frobenius norm."""
    return float(array_namespace(x).linalg.vector_norm(x))


def total(x: Array) -> float:
    """Sum of all entries, accumulated in float64."""
    xp = array_namespace(x)
    return float(xp.sum(x, dtype=xp.float64))


def ratio(part: float, whole: float) -> float:
    """part / whole, with 0 / 0 = 0."""
    return part / whole if whole > 0 else 0.0


def symmetric_part(A: Array) -> Array:
    """(A + A^T) / 2."""
    return (A + A.T) / 2
