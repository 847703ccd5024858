"""Rivals' published embeddings, judged as every method is: clusters, indices, trust, stability, survival, clinic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mudata
import pandas as pd

from amucl.biology.clinic import clinic
from amucl.biology.clinical import CLINICAL_COLUMNS, ENRICHMENT_COLUMNS
from amucl.biology.hazards import OUTCOME_COLUMNS
from amucl.biology.survival import SURVIVAL_COLUMNS
from amucl.clustering.choice import COLUMNS as CHOICE_COLUMNS
from amucl.clustering.choice import suggest_k
from amucl.clustering.collapse import TRUST_COLUMNS
from amucl.clustering.common import common_coordinates
from amucl.clustering.evaluation import evaluate
from amucl.clustering.kmeans import Restarts, kmeans_restarts, labels_over_k
from amucl.clustering.metrics import COLUMNS as METRIC_COLUMNS
from amucl.clustering.metrics import metrics_table
from amucl.clustering.restarts import COLUMNS as RESTART_COLUMNS
from amucl.clustering.stability import COLUMNS as STABILITY_COLUMNS
from amucl.clustering.stability import stability_table
from amucl.cohort.cohort import truth as truth_of
from amucl.comparison.peers import matched
from amucl.comparison.summary import together

PUBLISHED_SPACE = "published"
TABLES = {
    "metrics": METRIC_COLUMNS,
    "restarts": RESTART_COLUMNS,
    "trust": TRUST_COLUMNS,
    "stability": STABILITY_COLUMNS,
    "k_choice": CHOICE_COLUMNS,
    "survival": SURVIVAL_COLUMNS,
    "outcome": OUTCOME_COLUMNS,
    "clinical": CLINICAL_COLUMNS,
    "enrichment": ENRICHMENT_COLUMNS,
    "matches": ["dataset", "method", "n_published", "n_matched", "n_normal", "n_other", "status"],
}


@dataclass(frozen=True)
class Protocol:
    """How every method is judged: the settings of the rules that judge the methods run here.

    Attributes
    ----------
    ks : numbers of clusters.
    n_restarts, starts, n_threads : see `amucl.clustering.kmeans.kmeans_restarts`.
    n_draws, fraction : see `amucl.clustering.stability.stability_table`.
    clinical_labels, max_permutations : see `amucl.biology.clinic.clinic`.
    seed : of all of it.
    """

    ks: Sequence[int]
    n_restarts: int
    starts: Sequence[str]
    n_draws: int
    fraction: float
    clinical_labels: Sequence[str] | None
    max_permutations: int
    seed: int
    n_threads: int = 1

    def cluster(self, embedding: pd.DataFrame) -> tuple[dict[int, Restarts], pd.DataFrame]:
        """k-means for every k: all restarts, and the labels kept."""
        restarts = kmeans_restarts(
            embedding,
            self.ks,
            n_restarts=self.n_restarts,
            starts=self.starts,
            seed=self.seed,
            n_threads=self.n_threads,
        )
        return restarts, labels_over_k(restarts, embedding.index)


def score_peers(
    dataset: str,
    peers: Mapping[str, pd.DataFrame],
    protocol: Protocol,
    *,
    cohort: mudata.MuData | None,
    truth: pd.Series | None,
) -> dict[str, pd.DataFrame]:
    """Judge the embeddings that others published for a dataset.

    Parameters
    ----------
    peers : method -> samples x dimensions, as `amucl.comparison.peers.read_peers` gives them.
    cohort : the same dataset as it was prepared here. Peers are judged on the patients that both hold; without a cohort
        on all their samples, with no common space, survival or clinic.
    truth : known labels by published sample, used where there is no cohort.

    Returns
    -------
    `TABLES` by name. ``matches`` has a row per method: how many published samples are patients of the cohort, normal
    tissue, or neither. A method of which too few are left to cluster has no other row. The metrics have a further space
    ``published``: the own space with all samples, as published.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [pd.DataFrame(columns=columns)] for name, columns in TABLES.items()}
    common = None if cohort is None else common_coordinates(cohort)
    for method, published in peers.items():
        embedding, counts = published, {"n_published": len(published), "n_matched": len(published)}
        if common is not None:
            embedding, counts = matched(published, common.index)
        enough = len(embedding) > max(protocol.ks)
        row = {"dataset": dataset, "method": method, **counts, "status": "ok" if enough else "too_few_matched"}
        parts["matches"].append(pd.DataFrame([row], columns=TABLES["matches"]))
        if enough:
            known = truth if cohort is None else truth_of(cohort, embedding.index)
            clinical = pd.DataFrame(index=embedding.index) if cohort is None else cohort.obs.loc[embedding.index]
            restarts, labels = protocol.cluster(embedding)
            found = _judged(
                dataset, method, embedding, restarts, labels, protocol, common=common, truth=known, clinical=clinical
            )
            all_labels = labels if embedding is published else protocol.cluster(published)[1]
            as_published = _as_published(dataset, method, published, all_labels, protocol.seed)
            found["metrics"] = together([found["metrics"], as_published])
            for name, table in found.items():
                parts[name].append(table)
    return {name: together(tables) for name, tables in parts.items()}


def _judged(
    dataset: str,
    method: str,
    embedding: pd.DataFrame,
    restarts: Mapping[int, Restarts],
    labels: pd.DataFrame,
    protocol: Protocol,
    *,
    common: pd.DataFrame | None,
    truth: pd.Series | None,
    clinical: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    found = evaluate(
        dataset=dataset,
        method=method,
        seed=protocol.seed,
        embedding=embedding,
        common=None if common is None else common.loc[embedding.index],
        labels=labels,
        restarts=restarts,
        truth=truth,
    )
    stability = stability_table(
        dataset=dataset,
        method=method,
        embedding=embedding,
        labels=labels,
        n_draws=protocol.n_draws,
        fraction=protocol.fraction,
        seed=protocol.seed,
    )
    tests = clinic(
        dataset,
        method,
        clinical,
        labels,
        clinical_labels=protocol.clinical_labels,
        seed=protocol.seed,
        max_permutations=protocol.max_permutations,
    )
    choice = suggest_k(stability, doubts=found.trust.set_index("k")["warning"].to_dict())
    evaluation = {"metrics": found.metrics, "restarts": found.restarts, "trust": found.trust}
    return evaluation | {"stability": stability, "k_choice": choice} | tests


def _as_published(dataset: str, method: str, published: pd.DataFrame, labels: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Own-space indices of all published samples, normal tissue included where it was."""
    table = metrics_table(dataset=dataset, method=method, seed=seed, embedding=published, common=None, labels=labels)
    return table.assign(space=PUBLISHED_SPACE)
