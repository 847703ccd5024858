"""Proximal operators, prox_f(x) = argmin_p f(p) + ||p - x||^2 / 2: one function each.

Each operator takes NumPy arrays and torch tensors and keeps their dtype. By Moreau's identity
x = prox_f(x) + prox_f*(x), where f* is the convex conjugate: `clip` belongs to `soft_threshold`, `clip_columns` to
`column_soft_threshold`; the prox of the conjugate of a nuclear norm clips eigenvalues or singular values.

References
----------
[1] Parikh & Boyd, Proximal algorithms. Foundations and Trends in Optimization 1(3), 2014.
[2] Cai, Candes & Shen, A singular value thresholding algorithm for matrix completion. SIAM J. Optim. 20(4), 2010.
"""

from __future__ import annotations

from array_api_compat import array_namespace

from amucl.methods.lowrank.arrays import Array


def soft_threshold(x: Array, threshold: float) -> Array:
    """Prox of threshold * ||x||_1: sgn(x) max(|x| - threshold, 0), entrywise ([1], 6.5.2)."""
    return x - clip(x, threshold)


def nonnegative_soft_threshold(x: Array, threshold: float) -> Array:
    """Prox of threshold * ||x||_1 over x >= 0: max(x - threshold, 0), entrywise ([1], 6.5.2)."""
    return array_namespace(x).clip(x - threshold, 0.0, None)


def clip(x: Array, bound: float) -> Array:
    """Projection on |x| <= bound, entrywise: the prox of the conjugate of bound * ||x||_1 ([1], 6.2.4)."""
    return array_namespace(x).clip(x, -bound, bound)


def column_soft_threshold(x: Array, threshold: float) -> Array:
    """Prox of threshold * ||x||_{2,1}, the sum of the columns' norms: each column is made shorter ([1], 6.5.4)."""
    return x - clip_columns(x, threshold)


def clip_columns(x: Array, bound: float) -> Array:
    """Projection on columns of norm <= bound: the prox of the conjugate of bound * ||x||_{2,1} ([1], 6.5.1)."""
    xp = array_namespace(x)
    norms = xp.linalg.vector_norm(x, axis=0, keepdims=True)
    return x * (bound / xp.clip(norms, bound, None)) if bound > 0 else x * 0


def symmetric_eigenvalue_shrink(S: Array, threshold: float) -> tuple[Array, Array, Array]:
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
    xp = array_namespace(S)
    w, U = xp.linalg.eigh(S)
    w = soft_threshold(w, threshold)
    order = xp.argsort(-xp.abs(w), stable=True)[: int(xp.count_nonzero(w))]
    U, w = xp.take(U, order, axis=1), xp.take(w, order)
    return compose(U, w), U, w


def singular_value_shrink(S: Array, threshold: float) -> tuple[Array, Array, Array]:
    """Prox of threshold * ||S||_*: U diag(max(s - threshold, 0)) V^T, singular value thresholding [2].

    By the eigenvectors of S^T S, a quarter of the time of an SVD; that knows singular values above sqrt(eps) of the
    largest only, so those below four times that count as noise.

    Returns the matrix (n, n), the r left singular vectors (n, r) and singular values (r,) left after the shrink.
    """
    xp = array_namespace(S)
    d, V = xp.linalg.eigh(S.T @ S)
    s = xp.sqrt(xp.clip(xp.flip(d), 0.0, None))
    resolved = 4 * float(xp.finfo(s.dtype).eps) ** 0.5 * float(s[0])
    r = int(xp.count_nonzero(s > max(threshold, resolved)))
    U, V = S @ xp.flip(V, axis=1)[:, :r] / s[:r], xp.flip(V, axis=1)[:, :r]
    s = s[:r] - threshold
    return (U * s) @ V.T, U, s


def compose(U: Array, w: Array) -> Array:
    """U diag(w) U^T, exactly symmetric because each sign is one product A A^T."""
    xp = array_namespace(U)
    A = U * xp.sqrt(xp.abs(w))
    positive, negative = A[:, w > 0], A[:, w < 0]
    return positive @ positive.T - negative @ negative.T
