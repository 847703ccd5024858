"""The one evaluation that every method, and every rival's published embedding, goes through."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from amucl.clustering.collapse import trust_table
from amucl.clustering.kmeans import Restarts, kmeans_restarts, labels_over_k
from amucl.clustering.metrics import metrics_table
from amucl.clustering.restarts import restarts_table
from amucl.labels import k_of, missing_labels

_REFERENCE_RESTARTS = 100


@dataclass(frozen=True)
class Evaluation:
    """The scores of one method on one cohort.

    Attributes
    ----------
    metrics : see `amucl.clustering.metrics.metrics_table`.
    restarts : see `amucl.clustering.restarts.restarts_table`; no rows for a method without restarts.
    trust : see `amucl.clustering.collapse.trust_table`.
    """

    metrics: pd.DataFrame
    restarts: pd.DataFrame
    trust: pd.DataFrame


def evaluate(
    *,
    dataset: str,
    method: str,
    seed: int,
    embedding: pd.DataFrame,
    common: pd.DataFrame | None,
    labels: pd.DataFrame,
    restarts: Mapping[int, Restarts],
    truth: pd.Series | None,
    doubts: Mapping[int, str] | None = None,
) -> Evaluation:
    """Score the clusters of one method.

    Parameters
    ----------
    embedding : samples x dimensions of the method.
    common : samples x components of `amucl.clustering.common.common_space`; None where the data are not at hand.
    labels : samples x columns k2, k3, ...
    restarts : k -> Restarts of k-means on the embedding; empty for a method that clusters otherwise.
    truth : known labels by sample, missing where unknown, or None; fewer than 2 known ones tell nothing and count as
        none. All are indexed by the same samples, in any order.
    doubts : k -> what the method itself says against its clusters; it joins the warnings of the collapse guard.
    """
    if truth is not None and (~missing_labels(truth)).sum() < 2:
        truth = None
    trust = trust_table(
        dataset=dataset,
        method=method,
        embedding=embedding,
        labels=labels,
        common=common,
        reference=None if common is None else _reference_labels(common, labels, seed),
        seed=seed,
    )
    own = trust["k"].map(dict(doubts or {})).fillna("")
    trust["warning"] = ["; ".join(filter(None, both)) for both in zip(own, trust["warning"], strict=True)]
    metrics = metrics_table(
        dataset=dataset,
        method=method,
        seed=seed,
        embedding=embedding,
        common=common,
        labels=labels,
        truth=truth,
        warnings=trust.set_index("k")["warning"].to_dict(),
    )
    order = labels.index
    spaces = {"embedding": embedding.loc[order]} | ({} if common is None else {"common": common.loc[order]})
    known = None if truth is None else truth.loc[order]
    return Evaluation(metrics, restarts_table(dataset, method, restarts, spaces, known), trust)


def _reference_labels(common: pd.DataFrame, labels: pd.DataFrame, seed: int) -> pd.DataFrame:
    """The clusters that k-means finds in the common space itself."""
    ks = [k_of(column) for column in labels]
    return labels_over_k(kmeans_restarts(common, ks, n_restarts=_REFERENCE_RESTARTS, seed=seed), common.index)
