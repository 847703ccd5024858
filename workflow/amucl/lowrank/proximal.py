"""Proximal operators, prox_f(x) = argmin_p f(p) + ||p - x||^2 / 2: one function each.

Each operator keeps the dtype of its argument. By Moreau's identity x = prox_f(x) + prox_f*(x), where f* is the
convex conjugate; for the l1 norm prox_f* is `clip`.

References
----------
[1] Parikh & Boyd, Proximal algorithms. Foundations and Trends in Optimization 1(3), 2014.
"""

from __future__ import annotations

import numpy as np


def soft_threshold(x: np.ndarray, threshold: float) -> np.ndarray:
    """Prox of threshold * ||x||_1: sgn(x) max(|x| - threshold, 0), entrywise ([1], 6.5.2)."""
    return x - clip(x, threshold)


def nonnegative_soft_threshold(x: np.ndarray, threshold: float) -> np.ndarray:
    """Prox of threshold * ||x||_1 over x >= 0: max(x - threshold, 0), entrywise ([1], 6.5.2)."""
    return np.maximum(x - threshold, 0)


def clip(x: np.ndarray, bound: float) -> np.ndarray:
    """Projection on |x| <= bound, entrywise: the prox of the conjugate of bound * ||x||_1 ([1], 6.2.4)."""
    return np.clip(x, -bound, bound)


def symmetric_eigenvalue_shrink(S: np.ndarray, threshold: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prox of threshold * ||S||_* over symmetric matrices: U diag(sgn(w) max(|w| - threshold, 0)) U^T.

    The published Lemma 1 keeps the positive singular values of S; what is shrunk is |w|, and the sign stays.

    Parameters
    ----------
    S : (n, n) symmetric matrix; only its lower triangle is read.

    Returns
    -------
    matrix : (n, n), exactly symmetric.
    U, w : the r eigenvectors (n, r) and eigenvalues (r,) left after the shrink, |w| in falling order.
    """
    w, U = np.linalg.eigh(S)
    w = soft_threshold(w, threshold)
    order = np.argsort(-np.abs(w), kind="stable")[: np.count_nonzero(w)]
    U, w = np.ascontiguousarray(U[:, order]), w[order]
    return compose(U, w), U, w


def compose(U: np.ndarray, w: np.ndarray) -> np.ndarray:
    """U diag(w) U^T, exactly symmetric because each sign is one product A A^T."""
    A = U * np.sqrt(np.abs(w))
    positive, negative = A[:, w > 0], A[:, w < 0]
    return positive @ positive.T - negative @ negative.T
