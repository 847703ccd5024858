"""How often a gene stays a marker when the method is trained again: a marker's stability beside its p-value."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

from amucl.biology.correction import ALPHA
from amucl.biology.differential import name_of_test, significant, subtype_markers
from amucl.errors import AmuclError
from amucl.labels import subtype_order

CONSENSUS_COLUMNS = [
    "subtype", "gene", "direction", "logFC", "adj.P.Val", "rank", "n_runs", "n_marker", "frequency", "overlap",
    "test",
]  # fmt: skip
_UNMATCHED = "unmatched"


def aligned_to(reference: pd.Series, labels: pd.Series) -> pd.Series:
    """`labels` under the names of `reference`: clusters are paired so that most samples agree (Hungarian method).

    Both are indexed by sample; those that one lacks do not count. A cluster without a partner is missing (NaN).

    References
    ----------
    Kuhn, H. W. (1955). The Hungarian method for the assignment problem. Naval Research Logistics Quarterly 2, 83-97.
    """
    shared = reference.index.intersection(labels.index)
    if shared.empty:
        raise AmuclError("the partitions share no sample", expected="labels of the same cohort")
    table = pd.crosstab(reference[shared], labels[shared])
    rows, columns = linear_sum_assignment(table.to_numpy(), maximize=True)
    names = dict(zip(table.columns[columns], table.index[rows], strict=True))
    return labels.map(names)


def consensus_markers(
    expression: pd.DataFrame,
    reference: pd.Series,
    runs: list[pd.Series],
    *,
    alpha: float = ALPHA,
    min_logfc: float = 0.0,
    min_size: int = 3,
    trend: bool = False,
    test: str | None = None,
) -> pd.DataFrame:
    """In how many other runs each marker of the reference partition is a marker of the same subtype again.

    Parameters
    ----------
    expression : samples x genes, log2, as `amucl.biology.differential.subtype_markers` takes it.
    reference : subtype of each sample.
    runs : the partitions of other runs; each is aligned to the reference first.
    alpha, min_logfc, min_size : a gene is a marker where it is `significant`, in the direction it has in the reference.
        A run in which the subtype has no partner, or one under `min_size`, counts as one in which nothing is a marker.
    trend : as in `amucl.biology.differential.moderated_t`.
    test : what the column test says, by default `name_of_test`.

    Returns
    -------
    Columns `CONSENSUS_COLUMNS`: the reference's markers, up and down, by subtype and rank. frequency is n_marker /
    n_runs, overlap the mean Jaccard index of the subtype's samples between the reference and the runs (0 without a
    partner).
    """
    if not runs:
        raise AmuclError("no other run to compare markers with", expected="one partition or more")
    markers = subtype_markers(expression, reference, min_size=min_size, trend=trend)
    found = markers[significant(markers, alpha=alpha, min_logfc=min_logfc)].copy()
    found["direction"] = np.where(found["t"] > 0, "up", "down")
    counts = pd.Series(0, index=pd.MultiIndex.from_frame(found[["subtype", "gene", "direction"]]))
    overlap = pd.Series(0.0, index=subtype_order(reference))
    for run in runs:
        names = aligned_to(reference, run).fillna(_UNMATCHED).reindex(reference.index)
        overlap += [_jaccard(reference == subtype, names == subtype) for subtype in overlap.index]
        known = names.dropna()
        if known.nunique() < 2:
            continue
        again = subtype_markers(expression.loc[known.index], known, min_size=min_size, trend=trend)
        again = again[significant(again, alpha=alpha, min_logfc=min_logfc)]
        again = again.assign(direction=np.where(again["t"] > 0, "up", "down"))
        kept = pd.MultiIndex.from_frame(again[["subtype", "gene", "direction"]])
        counts += counts.index.isin(kept)
    table = found.assign(n_runs=len(runs), n_marker=counts.to_numpy(), frequency=counts.to_numpy() / len(runs))
    table = table.assign(overlap=table["subtype"].map(overlap / len(runs)), test=test or name_of_test(trend=trend))
    return table[CONSENSUS_COLUMNS].reset_index(drop=True)


def _jaccard(one: pd.Series, other: pd.Series) -> float:
    return (one & other).sum() / max((one | other).sum(), 1)
