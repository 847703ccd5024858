"""The family of low-rank representations as estimators: LRR, LRRSC, graph LRR and sgLRR."""

from __future__ import annotations

import logging
import re
import time
from numbers import Integral, Real

import numpy as np
import torch
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted

from amucl.errors import AmuclError
from amucl.methods.lowrank.affinity import (
    angular_affinity,
    contrast,
    normalized_cuts,
    pieces,
    representation_factor,
    unit_rows,
)
from amucl.methods.lowrank.arrays import DEVICES, host, placed
from amucl.methods.lowrank.doubts import doubts
from amucl.methods.lowrank.graph import knn_graph, laplacian
from amucl.methods.lowrank.landmarks import choose_landmarks
from amucl.methods.lowrank.problem import NOISES, Problem
from amucl.methods.lowrank.samples import Views, as_list, joined_samples
from amucl.methods.lowrank.solvers import SOLVERS, Solution
from amucl.threads import limited_threads

logger = logging.getLogger(__name__)

LARGE = 1000  # samples
NOISE_PRICE = 0.8
RANK_TOLERANCE = 1e-6  # relative to the largest |eigenvalue| of Z


class LowRankRepresentation(ClusterMixin, BaseEstimator):
    """What all members share: one solver, one certificate, the angular affinity and normalised cuts.

    A member's constructor names its weights; where it has none, 0 stands here.

    Parameters
    ----------
    n_clusters : clusters in `labels_`; None computes no `labels_` (`labels(k)` serves every k).
    lam, beta : weights of sparsity and of the graph, where a member has them.
    gamma : weight of the noise; "auto" makes a sample that is noise altogether cost NOISE_PRICE on average. A sample
        represented by itself alone costs 1, its share of the nuclear norm of the identity: at a price below 1 the
        identity costs more than Z = 0. For l1 noise and normal values: 1 / sqrt(features).
    noise : "l1", or "l21" for outlying samples.
    n_neighbors : neighbours in the graph; also the landmarks that place another sample.
    nonneg : whether Z >= 0 is asked (published for sgLRR only).
    solver : "admm" (fewer iterations) or "ladmap" (the paper's); both reach the same optimum.
    tol : relative duality gap and constraint residuals at which the solver stops.
    max_iter : cap on the iterations.
    landmarks : None represents every sample. A number, at least that of the clusters, represents that many different
        samples, chosen by `random_state`, and places the others beside their nearest ones: an approximation for
        thousands of samples.
    dtype : "float64", "float32" for speed and half the memory, or "auto": float32 from 1,000 samples on.
    random_state : seed of the landmarks and of the eigensolver's start in normalised cuts.
    n_threads : threads of the linear algebra; results are identical only at the same number.
    device : "cpu" (the faster of NumPy and torch), "cuda", or the library on the processor: "numpy", "torch".

    Attributes
    ----------
    representation_ : (n, n) Z, exactly symmetric where asked; of the landmarks only if there are any.
    embedding_ : (n, r) rows of U |w|^(1/2) at unit length (zero rows stay zero), for |w| above 1e-6 of the largest;
        Euclidean distance here orders pairs as their cosine does, so this is the space of internal indices.
    affinity_ : (n, n) squared cosines, in [0, 1].
    labels_ : (n,) labels from 0, if `n_clusters` is given.
    landmarks_ : rows that were represented, or None.
    converged_ : whether `tol` was reached.
    solver_ : dict of solver, iterations, seconds, primal, dual, gap, r1, r2, rank, samples (rows of Z), contrast
        (of the affinity, see `contrast`), unrepresented (zero rows), pieces (it falls into), converged.
    history_ : DataFrame of iteration, primal, dual, gap, r1, r2, rank.
    n_features_in_ : features over all views.
    """

    lam = 0.0
    beta = 0.0
    symmetric = True
    n_neighbors = 5

    def fit(self, views: Views, y: object = None) -> LowRankRepresentation:
        """Represent the samples; `views` is one (n_samples, n_features) array or a list of them, one an omic.

        Constant features are dropped; each view is divided by its Frobenius norm; the views are joined and each sample
        is scaled to unit length (`joined_samples`). Centre or z-score the features before if their level means nothing.
        """
        self._check_parameters()
        samples = joined_samples(views)
        self._check_sizes(len(samples))
        self.__dict__.pop("labels_", None)  # of an earlier fit
        with limited_threads(self.n_threads):
            begin = time.perf_counter()
            self._landmarks = None
            if self.landmarks is not None:
                self._landmarks = choose_landmarks(samples, self.landmarks, self.n_neighbors, self.random_state)
                samples = samples[self._landmarks.chosen]
            problem = self._problem(samples)
            solution = SOLVERS[self.solver](problem, tol=self.tol, max_iter=self.max_iter)
            self._keep(solution, time.perf_counter() - begin)
            self._warn(problem)
        self.n_features_in_ = sum(np.shape(view)[1] for view in as_list(views))
        if self.n_clusters is not None:
            self.labels_ = self.labels(self.n_clusters)
        return self

    def labels(self, k: int) -> np.ndarray:
        """Labels (n_samples,) of `k` clusters by normalised cuts of the same affinity."""
        check_is_fitted(self, "embedding_")
        represented = self.solver_["samples"]
        if not isinstance(k, Integral) or not 2 <= k <= represented:
            raise self._bad("k", f"a whole number from 2 to {represented}, the samples that were represented", k)
        rank = self.solver_["rank"]
        if rank < k:
            logger.warning(
                "k = %d: Z has rank %d, too low for as many clusters: raise gamma, or ask for fewer", k, rank
            )
        with limited_threads(self.n_threads):
            return normalized_cuts(self.affinity_, k, self.random_state)

    def fit_predict(self, views: Views, y: object = None) -> np.ndarray:
        """Fit and return `labels_`."""
        if self.n_clusters is None:
            raise self._bad("n_clusters", "a number of clusters", None)
        return self.fit(views).labels_

    @property
    def landmarks_(self) -> np.ndarray | None:
        """Rows that were represented, or None for all."""
        check_is_fitted(self, "embedding_")
        return None if self._landmarks is None else self._landmarks.chosen

    def _problem(self, samples: np.ndarray) -> Problem:
        gamma = NOISE_PRICE / _noise_of_a_sample(samples, self.noise) if self.gamma == "auto" else self.gamma
        dtype = self.dtype
        if dtype == "auto":
            dtype = "float64" if len(samples) < LARGE else "float32"
        L = laplacian(knn_graph(samples, self.n_neighbors)).astype(dtype)
        X = np.ascontiguousarray(samples.T, dtype=dtype)
        weights = float(self.lam), float(self.beta), float(gamma)
        X, L = placed(X, self.device), placed(L, self.device)
        return Problem(X, L, *weights, self.nonneg, self.symmetric, self.noise)

    def _keep(self, solution: Solution, seconds: float) -> None:
        Z, U, w = (host(array) for array in (solution.Z, solution.U, solution.w))
        strong = np.abs(w) > RANK_TOLERANCE * np.abs(w).max(initial=0)
        directions = unit_rows(_fixed_signs(representation_factor(U[:, strong], w[strong])))
        if not strong.any():
            directions = np.zeros((len(U), 1), dtype=U.dtype)  # all samples are at one place
        self.representation_ = Z
        self.embedding_ = directions if self._landmarks is None else self._landmarks.spread(directions)
        self.affinity_ = angular_affinity(self.embedding_)
        self.converged_ = solution.converged
        self.history_ = solution.history
        self.solver_ = {
            "solver": self.solver,
            "iterations": solution.iterations,
            "seconds": round(seconds, 3),
            **solution.history.iloc[-1][["primal", "dual", "gap", "r1", "r2"]].to_dict(),
            "rank": int(strong.sum()),
            "samples": len(Z),
            "contrast": contrast(self.affinity_, int(strong.sum())),
            "unrepresented": int((~self.embedding_.any(axis=1)).sum()),
            "pieces": pieces(self.affinity_),
            "converged": solution.converged,
        }

    def _warn(self, problem: Problem) -> None:
        """Say what makes labels doubtful: not converged, nothing represented, or nothing but the samples themselves."""
        found = self.solver_
        named = doubts(found, 1)
        if not self.converged_:
            state = ", ".join(f"{name} {found[name]:.1e}" for name in ("gap", "r1", "r2"))
            advice = f"{state}, wanted {self.tol:g}: raise max_iter or tol"
            logger.warning("not converged in %d iterations: %s", found["iterations"], advice)
        if "rank 0" in named:
            advice = f"raise gamma well above {smallest_gamma(problem):.3g}"
            logger.warning("Z = 0, no sample is represented (gamma = %.3g): %s", problem.gamma, advice)
        advice = f"lower gamma (now {problem.gamma:.3g})"
        if "near identity" in named:
            logger.warning(
                "Z has rank %d of %d samples, nearly the identity: %s", found["rank"], found["samples"], advice
            )
        if "chance" in named:
            logger.warning("%s: %s", named["chance"], advice)

    def _check_parameters(self) -> None:
        for name in ("lam", "beta"):
            if not _is_real(getattr(self, name)) or not 0 <= getattr(self, name) < np.inf:
                raise self._bad(name, "a number of at least 0", getattr(self, name))
        if self.gamma != "auto" and not (_is_real(self.gamma) and 0 < self.gamma < np.inf):
            raise self._bad("gamma", "'auto' or a number above 0", self.gamma)
        if not _is_real(self.tol) or not 0 < self.tol < 1:
            raise self._bad("tol", "between 0 and 1", self.tol)
        if not isinstance(self.nonneg, bool | np.bool_):
            raise self._bad("nonneg", "true or false", self.nonneg)
        for name, choices in (("solver", SOLVERS), ("noise", NOISES), ("dtype", ("auto", "float32", "float64"))):
            if str(getattr(self, name)) not in choices:
                raise self._bad(name, " or ".join(choices), getattr(self, name))
        if not re.fullmatch(DEVICES, str(self.device)):
            raise self._bad("device", "cpu, cuda, numpy or torch", self.device)
        if str(self.device).startswith("cuda") and not torch.cuda.is_available():
            raise self._bad("device", "cpu, as there is no GPU here", self.device)
        whole = {name: getattr(self, name) for name in ("n_neighbors", "max_iter", "n_threads")}
        optional = {
            name: getattr(self, name) for name in ("n_clusters", "landmarks") if getattr(self, name) is not None
        }
        for name, value in (whole | optional).items():
            if not isinstance(value, Integral) or value < 1:
                raise self._bad(name, "a whole number of at least 1", value)

    def _check_sizes(self, n: int) -> None:
        if self.n_clusters is not None and not 2 <= self.n_clusters <= n:
            raise self._bad("n_clusters", f"2 to {n}, the number of samples", self.n_clusters)
        least = self.n_clusters or 2
        if self.landmarks is not None and not least <= self.landmarks <= n:
            raise self._bad("landmarks", f"None, or {least} (clusters) to {n} (samples)", self.landmarks)

    def _bad(self, name: str, expected: str, got: object) -> AmuclError:
        return AmuclError(f"{name} is out of range", where=type(self).__name__, expected=expected, got=got)


class LRR(LowRankRepresentation):
    """Low-rank representation [1]: min ||Z||_* + gamma ||X - XZ||, Z free; its affinity from U s^(1/2).

    noise "l1" or "l21" (as in [1]); see `LowRankRepresentation` for parameters and attributes.

    References
    ----------
    [1] Liu et al., Robust recovery of subspace structures by low-rank representation. IEEE TPAMI 35(1), 2013.
    """

    symmetric = False

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        gamma: float | str = "auto",
        noise: str = "l1",
        nonneg: bool = False,
        solver: str = "admm",
        tol: float = 1e-2,
        max_iter: int = 500,
        landmarks: int | None = None,
        dtype: str = "auto",
        random_state: int = 0,
        n_threads: int = 1,
        device: str = "cpu",
    ) -> None:
        self.n_clusters = n_clusters
        self.gamma = gamma
        self.noise = noise
        self.nonneg = nonneg
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.landmarks = landmarks
        self.dtype = dtype
        self.random_state = random_state
        self.n_threads = n_threads
        self.device = device


class LRRSC(LRR):
    """Low-rank representation with symmetric constraint [1]: min ||Z||_* + gamma ||X - XZ||, Z = Z^T.

    sgLRR at lam = beta = 0; see `LowRankRepresentation` for parameters and attributes.

    References
    ----------
    [1] Chen & Yang, Robust subspace segmentation by low-rank representation. IEEE Trans. Cybern. 44(8), 2014.
    """

    symmetric = True


class GraphLRR(LowRankRepresentation):
    """Graph-regularised symmetric low-rank representation, (9) of [1]: ||Z||_* + beta tr(Z L Z^T) + gamma ||X - XZ||.

    sgLRR at lam = 0; see `LowRankRepresentation` for parameters and attributes.

    References
    ----------
    [1] Multi-cancer samples clustering via graph regularized low-rank representation method under sparse and
        symmetric constraints. BMC Bioinformatics 20:718, 2019.
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        beta: float = 0.1,
        gamma: float | str = "auto",
        noise: str = "l1",
        n_neighbors: int = 5,
        nonneg: bool = False,
        solver: str = "admm",
        tol: float = 1e-2,
        max_iter: int = 500,
        landmarks: int | None = None,
        dtype: str = "auto",
        random_state: int = 0,
        n_threads: int = 1,
        device: str = "cpu",
    ) -> None:
        self.n_clusters = n_clusters
        self.beta = beta
        self.gamma = gamma
        self.noise = noise
        self.n_neighbors = n_neighbors
        self.nonneg = nonneg
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.landmarks = landmarks
        self.dtype = dtype
        self.random_state = random_state
        self.n_threads = n_threads
        self.device = device


class SGLRR(LowRankRepresentation):
    """Graph-regularised low-rank representation under sparse and symmetric constraints, (10) of [1].

    min ||Z||_* + lam ||Z||_1 + beta tr(Z L Z^T) + gamma ||X - XZ|| over symmetric Z, non-negative by default as in
    (23); see `LowRankRepresentation` for parameters and attributes.

    References
    ----------
    [1] Multi-cancer samples clustering via graph regularized low-rank representation method under sparse and
        symmetric constraints. BMC Bioinformatics 20:718, 2019.
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        lam: float = 0.01,
        beta: float = 0.1,
        gamma: float | str = "auto",
        noise: str = "l1",
        n_neighbors: int = 5,
        nonneg: bool = True,
        solver: str = "admm",
        tol: float = 1e-2,
        max_iter: int = 500,
        landmarks: int | None = None,
        dtype: str = "auto",
        random_state: int = 0,
        n_threads: int = 1,
        device: str = "cpu",
    ) -> None:
        self.n_clusters = n_clusters
        self.lam = lam
        self.beta = beta
        self.gamma = gamma
        self.noise = noise
        self.n_neighbors = n_neighbors
        self.nonneg = nonneg
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.landmarks = landmarks
        self.dtype = dtype
        self.random_state = random_state
        self.n_threads = n_threads
        self.device = device


def _noise_of_a_sample(samples: np.ndarray, noise: str) -> float:
    """Mean norm of a sample (n, m) as noise, of those that are not zero."""
    norms = np.abs(samples).sum(axis=1) if noise == "l1" else np.linalg.norm(samples, axis=1)
    return float(norms[norms > 0].mean()) if norms.any() else 1.0


def smallest_gamma(problem: Problem) -> float:
    """1 / ||X^T S||_2, S the (sub)gradient of the noise at E = X: up to this gamma the optimum is Z = 0.

    Of symmetric problems it is the norm of the symmetric part; sparsity and Z >= 0 raise the limit.
    """
    X = host(problem.X)
    signs = np.sign(X) if problem.noise == "l1" else unit_rows(X.T).T
    return 1 / float(np.linalg.norm(problem.project_symmetry(X.T @ signs), 2))


def _is_real(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _fixed_signs(M: np.ndarray) -> np.ndarray:
    """Columns of `M` with their largest entry positive: an eigenvector's sign is arbitrary."""
    return M * np.sign(M[np.abs(M).argmax(axis=0), np.arange(M.shape[1])])
