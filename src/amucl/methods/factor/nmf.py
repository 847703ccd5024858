"""Non-negative matrix factorisation of several omics, with one matrix W of sample coordinates for all of them."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.decomposition import NMF as Factorisation
from sklearn.exceptions import ConvergenceWarning

from amucl.methods.blocks import checked_views
from amucl.methods.parameters import check_parameters, possible_components
from amucl.threads import limited_threads

LOWEST = {"n_clusters": 2, "n_components": 1, "n_iterations": 1, "n_threads": 1}


class NMF(BaseEstimator):
    """Sample coordinates W of a factorisation X = W H of the concatenated omics, all non-negative [1].

    Features with negative values, such as z-scores, are shifted to a minimum of 0, so each keeps its variance; those
    without stay as they are. Omics weigh equally: block m is multiplied by 1 / sqrt(its number of features). The start
    is that of scikit-learn's nndsvda, which draws nothing.

    Parameters
    ----------
    n_components : columns of W; default the cohort's n_clusters, else 10; at most the samples and the features.
    n_iterations : at most so many passes of coordinate descent (HALS).
    n_clusters, random_state, n_threads, device : as for every method.

    Attributes
    ----------
    embedding_ : (n, n_components) array, W with the rows of H at unit length.
    objective_ : ||X - W H||^2.

    References
    ----------
    [1] Lee & Seung, Learning the parts of objects by non-negative matrix factorization. Nature 401 (1999), 788-791.
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        n_components: int | None = None,
        n_iterations: int = 500,
        random_state: int = 0,
        n_threads: int = 1,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.n_components = n_components
        self.n_iterations = n_iterations
        self.random_state = random_state
        self.n_threads = n_threads
        self.device = device

    def fit(self, views: list[np.ndarray], y: None = None) -> NMF:
        """views: list of (n, p_m) arrays. Raises AmuclError for missing values and parameters out of range."""
        check_parameters(self, lowest=LOWEST)
        blocks = [shifted_features(view) / np.sqrt(view.shape[1]) for view in checked_views(views)]
        X = np.hstack(blocks)
        with limited_threads(self.n_threads):
            self.embedding_, self.objective_ = factorise(
                X, _components(self, X), n_iterations=self.n_iterations, seed=self.random_state
            )
        return self


class IntNMF(BaseEstimator):
    """Sample coordinates W shared by the factorisations X_m = W H_m of all omics, all non-negative [1].

    Minimises sum_m theta_m ||X_m - W H_m||^2, theta_m = max_l mean(X_l^2) / mean(X_m^2). As W is shared, that is the
    factorisation of the blocks sqrt(theta_m) X_m put side by side, and so it is solved; the best of several random
    starts is kept. As in [1] an omic with negative values is shifted to a minimum of 0 as a whole, then divided by its
    maximum.

    Parameters
    ----------
    n_components : columns of W; default the cohort's n_clusters, else 10; at most the samples and the features.
    n_restarts : random starts.
    n_iterations : at most so many passes of coordinate descent (HALS) in each.
    n_clusters, random_state, n_threads, device : as for every method.

    Attributes
    ----------
    embedding_ : (n, n_components) array, W with the rows of H at unit length.
    objective_ : the weighted sum of squares.

    References
    ----------
    [1] Chalise & Fridley, Integrative clustering of multi-level 'omic data based on non-negative matrix factorization
        algorithm. PLoS ONE 12 (2017), e0176278.
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        n_components: int | None = None,
        n_restarts: int = 10,
        n_iterations: int = 500,
        random_state: int = 0,
        n_threads: int = 1,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.n_components = n_components
        self.n_restarts = n_restarts
        self.n_iterations = n_iterations
        self.random_state = random_state
        self.n_threads = n_threads
        self.device = device

    def fit(self, views: list[np.ndarray], y: None = None) -> IntNMF:
        """views: list of (n, p_m) arrays. Raises AmuclError for missing values and parameters out of range."""
        check_parameters(self, lowest={**LOWEST, "n_restarts": 1})
        blocks = [shifted_omic(view) for view in checked_views(views)]
        squares = np.array([np.mean(block**2) for block in blocks])
        theta = squares.max() / np.maximum(squares, np.finfo(float).tiny)
        X = np.hstack([np.sqrt(weight) * block for weight, block in zip(theta, blocks, strict=True)])
        n_components = _components(self, X)
        with limited_threads(self.n_threads):
            starts = [
                factorise(X, n_components, n_iterations=self.n_iterations, seed=seed, start="random")
                for seed in np.random.SeedSequence(self.random_state).generate_state(self.n_restarts)
            ]
        self.embedding_, self.objective_ = min(starts, key=lambda start: start[1])
        return self


def _components(estimator: NMF | IntNMF, X: np.ndarray) -> int:
    """No more components than samples or features (n, p): with as many any X can be had exactly."""
    n, p = X.shape
    return possible_components(estimator, min(n, p), f"there are {n} samples and {p} features")


def shifted_features(x: np.ndarray) -> np.ndarray:
    """Each feature with negative values shifted to a minimum of 0. x: (n, p)."""
    return x - np.minimum(x.min(axis=0), 0)


def shifted_omic(x: np.ndarray) -> np.ndarray:
    """An omic with negative values shifted to a minimum of 0, then divided by its maximum. x: (n, p)."""
    shifted = x - min(x.min(), 0)
    return shifted / max(shifted.max(), np.finfo(float).tiny)


def factorise(
    X: np.ndarray, n_components: int, *, n_iterations: int, seed: int, start: str = "nndsvda"
) -> tuple[np.ndarray, float]:
    """W of X = W H with the rows of H at unit length, and ||X - W H||^2.

    X: (n, p), non-negative. Coordinate descent [1] stops after n_iterations, or when its steps become small.

    References
    ----------
    [1] Cichocki & Phan, Fast local algorithms for large scale nonnegative matrix and tensor factorizations. IEICE
        Transactions E92-A (2009), 708-721.
    """
    model = Factorisation(n_components, init=start, max_iter=n_iterations, random_state=int(seed))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        W = model.fit_transform(X)
    return W * np.linalg.norm(model.components_, axis=1), model.reconstruction_err_**2
