"""From a low-rank representation to sample labels: angular affinity and normalised cuts."""

from __future__ import annotations

import logging
import warnings

import numpy as np
from scipy.sparse.csgraph import connected_components
from sklearn.cluster import SpectralClustering

from amucl.errors import AmuclError, some

logger = logging.getLogger(__name__)


def representation_factor(U: np.ndarray, w: np.ndarray) -> np.ndarray:
    """M = U |w|^(1/2), (n, r): the samples' coordinates from the eigenpairs of Z, as before the paper's (24)."""
    return U * np.sqrt(np.abs(w))


def unit_rows(M: np.ndarray) -> np.ndarray:
    """Rows of `M` at unit length; rows of zeros, or of rounding error beside the longest row, become zero."""
    norms = np.linalg.norm(M, axis=1, keepdims=True)
    smallest = 1e3 * np.finfo(M.dtype).eps * norms.max(initial=0)
    return np.divide(M, norms, out=np.zeros_like(M), where=norms > smallest)


def angular_affinity(M: np.ndarray) -> np.ndarray:
    """H_ij = squared cosine of the angle between rows i and j of `M`, the paper's (24), clipped to [0, 1].

    A zero row has no direction: its row and column of H are zero, and a warning names it.

    Parameters
    ----------
    M : (n, r) array.

    Returns
    -------
    (n, n) symmetric array.
    """
    directions = unit_rows(M)
    zero = np.flatnonzero(~directions.any(axis=1))
    if len(zero):
        logger.warning(
            "%d of %d samples are not represented, so have no affinity (row %s): raise gamma, or remove them",
            len(zero),
            len(M),
            some(zero),
        )
    return np.clip((directions @ directions.T) ** 2, 0, 1)


def contrast(H: np.ndarray, rank: int) -> float:
    """Mean squared affinity off the diagonal, relative to that between random directions in `rank` dimensions.

    The fourth power of the cosine between random directions in r dimensions is 3 / (r (r + 2)) on average. k clusters
    on k orthogonal directions have (k + 2) / 3; about 1 or less means that no samples stand out as alike, as in a
    representation near the identity. H : (n, n). Returns nan for a single sample or rank 0.
    """
    n = len(H)
    if n < 2 or rank == 0:
        return float("nan")
    squares = float(np.vdot(H, H)) - float((np.diag(H) ** 2).sum())
    return squares / (n * (n - 1)) * rank * (rank + 2) / 3


def pieces(H: np.ndarray) -> int:
    """Number of separate parts that an affinity (n, n) falls into, samples without any affinity left out."""
    used = H.any(axis=1)
    return int(connected_components(H[np.ix_(used, used)] > 0)[0]) if used.any() else 0


def normalized_cuts(H: np.ndarray, k: int, seed: int = 0) -> np.ndarray:
    """Partition a graph into `k` clusters by normalised cuts [1], eigenvectors rounded by pivoted QR [2].

    The rounding draws nothing; `seed` only starts the eigensolver. Samples without any affinity (zero rows) take no
    part and get the label of the largest cluster, with a warning. Where fewer samples than `k` have any, these are the
    clusters, where none has, there is one; with a warning. So does a graph in more than `k` pieces, where several cuts
    cost nothing, and a partition into fewer than `k` clusters.

    Parameters
    ----------
    H : (n, n) symmetric affinity, finite and non-negative.
    k : number of clusters, 2 to n.

    Returns
    -------
    (n,) labels from 0.

    Raises
    ------
    AmuclError
        `H` is not an affinity, or `k` is below 2 or above n.

    References
    ----------
    [1] Shi & Malik, Normalized cuts and image segmentation. IEEE TPAMI 22(8), 2000.
    [2] Damle, Minden & Ying, Simple, direct and efficient multi-way spectral clustering. Information and
        Inference 8(1), 2019.
    """
    _check_affinity(H)
    used = np.flatnonzero(H.any(axis=1))
    if not 2 <= k <= len(H):
        raise AmuclError(
            "the number of clusters does not fit",
            where="normalised cuts",
            expected=f"2 to {len(H)}, the number of samples",
            got=k,
            action="ask for fewer clusters",
        )
    if k > len(used):
        logger.warning(
            "k = %d: only %d of %d samples have any affinity, so there are %d cluster(s): raise gamma",
            k,
            len(used),
            len(H),
            max(len(used), 1),
        )
    if not len(used):
        return np.zeros(len(H), dtype=int)
    part = _cut(H[np.ix_(used, used)], min(k, len(used)), seed)
    if len(used) < len(H):
        logger.warning(
            "k = %d: %d sample(s) without affinity joined the largest cluster; their label means nothing (row %s)",
            k,
            len(H) - len(used),
            some(np.setdiff1d(np.arange(len(H)), used)),
        )
    labels = np.full(len(H), np.bincount(part).argmax())
    labels[used] = part
    return labels


def _cut(H: np.ndarray, k: int, seed: int) -> np.ndarray:
    if k == len(H):
        return np.arange(k)
    apart = pieces(H)
    if apart > k:
        logger.warning(
            "k = %d: the affinity has %d separate pieces, joined arbitrarily: ask for more clusters", k, apart
        )
    cuts = SpectralClustering(k, affinity="precomputed", assign_labels="cluster_qr", random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Graph is not fully connected")
        found = cuts.fit_predict(H)
    names, labels = np.unique(found, return_inverse=True)
    if len(names) < k:
        logger.warning("k = %d: only %d clusters were found: ask for fewer", k, len(names))
    return labels


def _check_affinity(H: np.ndarray) -> None:
    if H.ndim != 2 or H.shape[0] != H.shape[1]:
        raise AmuclError("the affinity is not square", expected="(n, n)", got=H.shape)
    if not np.isfinite(H).all():
        row, column = np.argwhere(~np.isfinite(H))[0]
        raise AmuclError(
            "the affinity is not finite", where=f"row {row}, column {column}", expected="a number", got=H[row, column]
        )
    if (H < 0).any() or not np.allclose(H, H.T):
        raise AmuclError("the affinity is not symmetric and non-negative", expected="H = H^T, H >= 0")
