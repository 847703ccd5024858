"""The nearest-neighbour graph of the samples and its Laplacian."""

from __future__ import annotations

import logging

import numpy as np
from scipy import sparse

from amucl.errors import AmuclError, some

logger = logging.getLogger(__name__)


def knn_graph(X: np.ndarray, n_neighbors: int = 5) -> sparse.csr_array:
    """Symmetric binary k-nearest-neighbour graph: w_ij = 1 if i is in kNN(j) or j is in kNN(i), (6) of the paper.

    Distances are Euclidean; a sample is not its own neighbour; ties go to the lower index; k is at most n - 1.
    An all-zero sample says nothing about its neighbours: it stays isolated, and a warning names it.

    Parameters
    ----------
    X : (n, m) array, samples x features.

    Returns
    -------
    (n, n) sparse matrix of 0 and 1 in the dtype of X.
    """
    if n_neighbors < 1:
        raise AmuclError("too few neighbours", where="n_neighbors", expected="at least 1", got=n_neighbors)
    n = len(X)
    informative = np.flatnonzero(X.any(axis=1))
    if len(informative) < n:
        isolated = np.setdiff1d(np.arange(n), informative)
        logger.warning(
            "%d sample(s) are zero in every feature and isolated in the graph (row %s): remove them",
            len(isolated),
            some(isolated),
        )
    distance = _squared_distances(X[informative])
    k = min(n_neighbors, len(informative) - 1)
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :k]
    informative = informative.astype(np.int32)  # scikit-learn takes no longer indices
    rows, columns = np.repeat(informative, k), informative[nearest.ravel()]
    directed = sparse.csr_array((np.ones(len(rows), X.dtype), (rows, columns)), shape=(n, n))
    return directed.maximum(directed.T).tocsr()


def laplacian(W: sparse.sparray) -> sparse.csr_array:
    """Unnormalised graph Laplacian L = D - W, (n, n) sparse, D the diagonal of the degrees."""
    return (sparse.diags_array(W.sum(axis=1)) - W).tocsr().astype(W.dtype)


def _squared_distances(X: np.ndarray) -> np.ndarray:
    """Squared distances from the Gram matrix, infinite to oneself, rounded so that ties survive its rounding error."""
    gram = X @ X.T
    norms = np.diag(gram)
    distance = norms[:, None] + norms[None, :] - 2 * gram
    resolution = 1e3 * np.finfo(X.dtype).eps * norms.max(initial=0)
    if resolution > 0:
        distance = np.round(distance / resolution)
    np.fill_diagonal(distance, np.inf)
    return distance
