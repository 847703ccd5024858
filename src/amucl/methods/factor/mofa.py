"""Multi-omics factor analysis: the probabilistic rival, as its authors' package fits it."""

from __future__ import annotations

import io
from contextlib import contextmanager, redirect_stdout

import numpy as np
from mofapy2.run.entry_point import entry_point
from sklearn.base import BaseEstimator

from amucl.errors import AmuclError
from amucl.methods.blocks import checked_views
from amucl.methods.parameters import check_parameters, possible_components
from amucl.threads import limited_threads

LOWEST = {"n_clusters": 2, "n_components": 1, "n_iterations": 1, "n_threads": 1}


class MOFA(BaseEstimator):
    """Means of the factors that all omics share, found by variational inference with MOFA+ [1].

    Every omic is scaled to unit variance; features load on few factors (spike and slab), and a factor that explains an
    omic not at all is switched off in it (automatic relevance determination).

    Parameters
    ----------
    n_components : factors; default the cohort's n_clusters, else 10; at most the features and the samples less one.
    n_iterations : at most so many; it stops earlier where the evidence lower bound settles (the package's `fast`).
    n_clusters, random_state, n_threads, device : as for every method.

    Attributes
    ----------
    embedding_ : (n, n_components) array.

    References
    ----------
    [1] Argelaguet et al., MOFA+: a statistical framework for comprehensive integration of multi-modal single-cell data.
        Genome Biology 21 (2020), 111.
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        n_components: int | None = None,
        n_iterations: int = 1000,
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

    def fit(self, views: list[np.ndarray], y: None = None) -> MOFA:
        """views: list of (n, p_m) arrays. Raises AmuclError for missing values and parameters out of range."""
        check_parameters(self, lowest=LOWEST)
        arrays = checked_views(views)
        arrays = [array for array in arrays if (array != array[:1]).any()]  # the package divides by an omic's variance
        if not arrays:
            raise AmuclError("every feature is constant", expected="features that differ between the samples")
        with limited_threads(self.n_threads), redirect_stdout(io.StringIO()), own_random_state():
            self.embedding_ = self._factors(arrays)
        return self

    def _factors(self, arrays: list[np.ndarray]) -> np.ndarray:
        model = entry_point()
        model.set_data_options(scale_views=True)
        model.set_data_matrix([[array] for array in arrays], likelihoods=["gaussian"] * len(arrays))
        n, p = len(arrays[0]), sum(array.shape[1] for array in arrays)
        why = f"{n} samples of {p} features have no more directions"
        factors = possible_components(self, min(n - 1, p), why)
        model.set_model_options(factors=factors, spikeslab_weights=True, ard_weights=True)
        model.set_train_options(
            iter=self.n_iterations, convergence_mode="fast", seed=self.random_state, gpu_mode=False, quiet=True
        )
        model.build()
        with np.errstate(divide="ignore", invalid="ignore"):  # log 0 of a probability of 0, which it sets right
            model.run()
        return np.asarray(model.model.nodes["Z"].getExpectation())


@contextmanager
def own_random_state():
    """NumPy's global generator as it was afterwards: the package seeds it."""
    before = np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(before)  # noqa: NPY002
