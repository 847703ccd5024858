"""Rivals' published embeddings, scored as every method is: clusters, indices, trust, survival, clinic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mudata
import pandas as pd

from amucl.biology.clinical import clinical_over_k, enrichment_table, find_labels
from amucl.biology.survival import survival_over_k
from amucl.clustering.common import common_coordinates
from amucl.clustering.evaluation import evaluate
from amucl.clustering.kmeans import kmeans_restarts, labels_over_k
from amucl.clustering.metrics import metrics_table
from amucl.clustering.peers import matched
from amucl.cohort.cohort import truth as truth_of

PUBLISHED_SPACE = "published"


def score_peers(
    dataset: str,
    peers: Mapping[str, pd.DataFrame],
    *,
    cohort: mudata.MuData | None,
    truth: pd.Series | None,
    ks: Sequence[int],
    n_restarts: int,
    starts: Sequence[str],
    clinical_labels: Sequence[str] | None,
    max_permutations: int,
    seed: int,
) -> dict[str, pd.DataFrame]:
    """Score the embeddings that others published for a dataset.

    Parameters
    ----------
    peers : method -> samples x dimensions, as `amucl.clustering.peers.read_peers` gives them.
    cohort : the same dataset as it was prepared here. Peers are scored on the patients that both hold; without a
        cohort on all their samples, with no common space, survival or clinic.
    truth : known labels by published sample, used where there is no cohort.
    n_restarts, starts, seed : see `amucl.clustering.kmeans.kmeans_restarts`.
    clinical_labels : see `amucl.biology.clinical.find_labels`.

    Returns
    -------
    Tables by name: metrics, restarts, trust, survival, clinical, enrichment, matches (how many published samples were
    matched, per method). The metrics have a further space `published`: the own space with all samples, as published.
    """
    parts: dict[str, list[pd.DataFrame]] = {
        name: [] for name in ("metrics", "restarts", "trust", "survival", "clinical", "enrichment", "matches")
    }
    common = None if cohort is None else common_coordinates(cohort)
    for method, published in peers.items():
        embedding, counts = published, {"n_published": len(published), "n_matched": len(published)}
        if common is not None:
            embedding, counts = matched(published, common.index)
        restarts = kmeans_restarts(embedding, ks, n_restarts=n_restarts, starts=starts, seed=seed)
        labels = labels_over_k(restarts, embedding.index)
        known = truth if cohort is None else truth_of(cohort, embedding.index)
        found = evaluate(
            dataset=dataset,
            method=method,
            seed=seed,
            embedding=embedding,
            common=None if common is None else common.loc[embedding.index],
            labels=labels,
            restarts=restarts,
            truth=known,
        )
        parts["metrics"] += [found.metrics, _as_published(dataset, method, published, ks, n_restarts, starts, seed)]
        parts["restarts"].append(found.restarts)
        parts["trust"].append(found.trust)
        parts["matches"].append(pd.DataFrame([{"dataset": dataset, "method": method} | counts]))
        clinical = pd.DataFrame(index=labels.index) if cohort is None else cohort.obs.loc[labels.index]
        time, event = clinical.get("os_time"), clinical.get("os_event")
        permuted = {"seed": seed, "max_permutations": max_permutations}
        parts["survival"].append(survival_over_k(dataset, method, time, event, labels, **permuted))
        columns = find_labels(clinical, clinical_labels or ())
        parts["clinical"].append(clinical_over_k(dataset, method, clinical, labels, columns=columns, **permuted))
        parts["enrichment"].append(enrichment_table(parts["clinical"][-1]))
    return {name: pd.concat(tables, ignore_index=True) for name, tables in parts.items()}


def _as_published(
    dataset: str,
    method: str,
    published: pd.DataFrame,
    ks: Sequence[int],
    n_restarts: int,
    starts: Sequence[str],
    seed: int,
) -> pd.DataFrame:
    """Own-space indices of all published samples, normal tissue included where it was."""
    labels = labels_over_k(
        kmeans_restarts(published, ks, n_restarts=n_restarts, starts=starts, seed=seed), published.index
    )
    table = metrics_table(dataset=dataset, method=method, seed=seed, embedding=published, common=None, labels=labels)
    return table.assign(space=PUBLISHED_SPACE)
