"""What speaks for or against a trained DMACL on this cohort, without any known label: its graph and its restarts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from amucl.clustering.kmeans import kmeans_restarts
from amucl.methods.blocks import checked_views, present_omics
from amucl.methods.graph.fusion import omic_affinities, strongest_neighbors
from amucl.methods.network.dmacl import DMACL
from amucl.methods.network.views import fused_neighbors, neighbor_count
from amucl.threads import limited_threads

COLUMNS = ["part", "name", "n_features", "n_inputs", "n_neighbors", "agreement", "by_chance"]
N_STARTS = 50


def training_evidence(estimator: DMACL, views: list[np.ndarray], omics: list[str], k: int) -> pd.DataFrame:
    """How far each omic supports the graph that the views were drawn from, and each restart the joined embedding.

    Parameters
    ----------
    estimator : trained with neighbour views, as fitted or loaded.
    views : list of (n, p_m), the training patients, rows of NaN where one lacks an omic; omics : their names.
    k : number of clusters at which restarts are compared.

    Returns
    -------
    `COLUMNS`. A row per omic: its features, the columns it fills in the network's input, the neighbours that may stand
    in for a patient, and the share of these that the omic alone would also choose (`by_chance`: as a random graph
    would). A row per restart: ARI between k-means on that restart alone and on the joined embedding (0 by chance).
    """
    views = checked_views(views, missing_omics=True)
    with limited_threads(estimator.n_threads):
        blocks, present = estimator.input_map_(views), present_omics(views)
        return pd.DataFrame(
            [*_omic_rows(estimator, blocks, present, omics), *_restart_rows(estimator, blocks, present, k)],
            columns=COLUMNS,
        )


def _omic_rows(estimator: DMACL, blocks: list[np.ndarray], present: np.ndarray, omics: list[str]) -> list[dict]:
    n_neighbors = neighbor_count(len(present), estimator.n_clusters)
    fused = fused_neighbors(blocks, n_neighbors, present)[0][:, 1:]
    affinities = omic_affinities(blocks, present)
    rows = []
    for name, way, affinity, has in zip(omics, estimator.input_map_.omics, affinities, present.T, strict=True):
        own = affinity.copy()
        np.fill_diagonal(own, -np.inf)
        chosen = strongest_neighbors(own, n_neighbors)[0]
        shared = (fused[:, :, None] == chosen[:, None, :]).any(axis=2).mean(axis=1)
        sizes = {"n_features": len(way.scale), "n_inputs": way.n_columns, "n_neighbors": n_neighbors}
        chance = n_neighbors / (len(present) - 1)
        rows.append({"part": "omic", "name": name, **sizes, "agreement": shared[has].mean(), "by_chance": chance})
    return rows


def _restart_rows(estimator: DMACL, blocks: list[np.ndarray], present: np.ndarray, k: int) -> list[dict]:
    features = estimator.features_of(blocks, present)
    joined = _clusters(estimator.joined(features), k, estimator.random_state)
    found = [_clusters(own, k, estimator.random_state) for own in features]
    return [
        {"part": "restart", "name": number, "agreement": adjusted_rand_score(joined, own), "by_chance": 0.0}
        for number, own in enumerate(found, start=1)
    ]


def _clusters(features: np.ndarray, k: int, seed: int) -> np.ndarray:
    return kmeans_restarts(features, [k], n_restarts=N_STARTS, seed=seed)[k].best
