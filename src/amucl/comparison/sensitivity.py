"""How far the clusters of a low-rank representation depend on its weights: each one varied, the others at theirs."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import clone

from amucl.clustering.external import external_indices
from amucl.errors import AmuclError
from amucl.labels import missing_labels
from amucl.methods.lowrank.doubts import doubts
from amucl.methods.lowrank.family import LowRankRepresentation
from amucl.methods.lowrank.samples import Views, joined_samples

logger = logging.getLogger(__name__)

INDICES = ("ari", "nmi", "accuracy")
SOLVER = ("iterations", "gap", "rank", "converged")
COLUMNS = ["parameter", "factor", "value", *SOLVER, "status", "n_clusters", *INDICES, "ari_to_default"]


def sensitivity_table(
    estimator: LowRankRepresentation,
    views: Views,
    parameters: Sequence[str],
    factors: Sequence[float],
    k: int,
    truth: ArrayLike | None = None,
) -> pd.DataFrame:
    """Clusters of `estimator` when one weight at a time is a multiple of its default, the others as they are.

    Parameters
    ----------
    estimator : any member of the family; what it was constructed with is the default. It is not fitted itself.
    views : as for its `fit`.
    parameters : some of lam, beta, gamma; those that the member lacks, or that are 0, are left out.
    factors : multiples of the default, all above 0; 1 is always in the table, and solved once.
    k : number of clusters.
    truth : (n_samples,) known labels, missing where unknown, or None.

    Returns
    -------
    DataFrame
        A row per parameter and factor, factors rising. value: of the parameter ("auto" resolved to its number).
        iterations, gap, rank, converged: of the solution. status: "ok", or its doubts by name, as
        `amucl.methods.lowrank.doubts.doubts` has them. n_clusters: those found, 0 where none could be cut.
        ari, nmi, accuracy: against the known labels. ari_to_default: against the labels at the default. NaN where
        unknown.

    Raises
    ------
    AmuclError
        `k` is no number of clusters of these samples, or a parameter or the views cannot be used.
    """
    samples = joined_samples(views)
    if not 2 <= k <= len(samples):
        raise AmuclError("k is out of range", expected=f"2 to {len(samples)}, the number of samples", got=k)
    default = clone(estimator).set_params(n_clusters=None).fit(views)
    solved = samples if default.landmarks_ is None else samples[default.landmarks_]
    values = default.get_params() | {"gamma": default._problem(solved).gamma}
    facts, reference = _outcome(default, k)
    rows = []
    for parameter in parameters:
        if not values.get(parameter):
            continue
        for factor in sorted({1.0, *map(float, factors)}):
            value = values[parameter] * factor
            found, labels = facts, reference
            if factor != 1:
                found, labels = _outcome(clone(default).set_params(**{parameter: value}).fit(views), k)
            agreement = {**_agreement(labels, truth), "ari_to_default": _agreement(labels, reference)["ari"]}
            said = f"rank {found['rank']}, ARI to the default's labels {agreement['ari_to_default']:.3f}"
            logger.info("%s = %.4g, the default times %g: %s", parameter, value, factor, said)
            rows.append({"parameter": parameter, "factor": factor, "value": value, **found, **agreement})
    return pd.DataFrame(rows, columns=COLUMNS)


def _outcome(fitted: LowRankRepresentation, k: int) -> tuple[dict[str, object], np.ndarray | None]:
    """What a solution is, and its labels; None where too few samples are represented to be cut into `k`."""
    facts = {name: fitted.solver_[name] for name in SOLVER}
    labels = fitted.labels(k)
    if len(np.unique(labels)) < k:
        labels = None
    n_clusters = 0 if labels is None else len(np.unique(labels))
    return facts | {"status": ", ".join(doubts(fitted.solver_, k)) or "ok", "n_clusters": n_clusters}, labels


def _agreement(labels: np.ndarray | None, truth: ArrayLike | None) -> dict[str, float]:
    """ARI, NMI and accuracy over the samples of known label; NaN without labels or with fewer than 2 known ones."""
    known = np.flatnonzero(~missing_labels(truth)) if truth is not None else []
    if labels is None or len(known) < 2:
        return dict.fromkeys(INDICES, np.nan)
    found = external_indices(labels[known], np.asarray(truth, dtype=object)[known])
    return {name: found[name] for name in INDICES}
