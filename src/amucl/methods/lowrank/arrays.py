"""One code for NumPy and torch: where a problem's arrays lie, and the few things the array standard lacks."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import torch
from array_api_compat import array_namespace
from scipy import sparse

Array = Any  # a NumPy array or a torch tensor
DEVICES = r"cpu|numpy|torch|cuda(:\d+)?"


def placed(matrix: np.ndarray | sparse.sparray, device: str) -> Array:
    """`matrix` where it is to be worked on: a NumPy array, or a torch tensor on the processor or a GPU.

    On the "cpu", float64 stays with NumPy and float32 goes to torch, whose eigensolver takes half the time there (at
    2,500 samples and one thread 1.7 s against 3.7 s; in float64 they are alike). A sparse matrix stays sparse.
    """
    if device == "numpy" or (device == "cpu" and matrix.dtype == np.float64):
        return matrix
    where = device if device.startswith("cuda") else "cpu"
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
    return part / max(whole, sys.float_info.min)


def symmetric_part(A: Array) -> Array:
    """(A + A^T) / 2."""
    return (A + A.T) / 2
