"""Which features a trained network tells a subtype by.

Source: Sundararajan, Taly & Yan, Axiomatic attribution for deep networks, ICML 2017 (integrated gradients).
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from amucl.labels import subtype_order
from amucl.methods.blocks import checked_views, present_omics
from amucl.methods.network.dmacl import DMACL
from amucl.threads import limited_threads

COLUMNS = ["subtype", "omic", "feature", "contribution", "share", "direction", "rank"]
N_STEPS = 20


def feature_contributions(
    estimator: DMACL, views: list[np.ndarray], labels: pd.Series, features: dict[str, list[str]]
) -> pd.DataFrame:
    """How much each feature moves a subtype's patients towards their own subtype and away from the others.

    A patient's score for a subtype is linear in the embedding: how much nearer it is (in squared distance) to the
    subtype's centroid than, on average, to the others'. Integrated gradients divide the score, less that of the
    cohort's mean patient, among the patient's features; a subtype's contributions are their mean over its patients.

    Parameters
    ----------
    estimator : trained, as fitted or loaded.
    views : list of (n, p_m), the training patients, rows of NaN where one lacks an omic.
    labels : (n,) their subtypes.
    features : omic -> names of its features.

    Returns
    -------
    `COLUMNS`, sorted by subtype and contribution: contribution (positive: speaks for the subtype), its share of the
    subtype's absolute contributions, direction (up or down: the mean of the subtype's patients against the cohort's),
    rank (1 speaks most for the subtype).
    """
    views = checked_views(views, missing_omics=True)
    names = pd.DataFrame([(omic, name) for omic, own in features.items() for name in own], columns=["omic", "feature"])
    with limited_threads(estimator.n_threads):
        embedding = estimator.transform(views)
        tables = []
        for subtype in subtype_order(labels):
            own = (labels == subtype).to_numpy()
            values, gradients = _values_and_gradients(
                estimator, [view[own] for view in views], _towards(embedding, labels.to_numpy(), subtype)
            )
            contribution = (values * gradients).mean(axis=0)
            direction = np.where(values.mean(axis=0) >= 0, "up", "down")
            tables.append(_ranked(names.assign(contribution=contribution, direction=direction), subtype))
    return pd.concat(tables, ignore_index=True)


def _values_and_gradients(
    estimator: DMACL, views: list[np.ndarray], direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Normalised features of some patients and their integrated gradients, all omics side by side: (n, p) each."""
    gradients = integrated_gradients(estimator, estimator.input_map_(views), present_omics(views), direction)
    omics = estimator.input_map_.omics
    values = [omic.normalized(view) for omic, view in zip(omics, views, strict=True)]
    by_feature = [omic.of_features(gradient) for omic, gradient in zip(omics, gradients, strict=True)]
    return np.hstack(values), np.hstack(by_feature)


def _ranked(table: pd.DataFrame, subtype: object) -> pd.DataFrame:
    table = table.sort_values("contribution", ascending=False, kind="stable")
    total = table["contribution"].abs().sum()
    share = table["contribution"] / (total if total > 0 else 1)
    return table.assign(subtype=subtype, share=share, rank=range(1, len(table) + 1))[COLUMNS]


def _towards(embedding: np.ndarray, labels: np.ndarray, subtype: object) -> np.ndarray:
    """w (d,) with z w = mean over the other centroids of |z - other|^2 - |z - own|^2, up to a constant."""
    centroids = {name: embedding[labels == name].mean(axis=0) for name in np.unique(labels)}
    own = centroids.pop(subtype)
    return 2 * (own - np.mean(list(centroids.values()), axis=0))


def integrated_gradients(
    estimator: DMACL, blocks: list[np.ndarray], present: np.ndarray, direction: np.ndarray, n_steps: int = N_STEPS
) -> list[np.ndarray]:
    """Mean gradient of `embedding @ direction` on the way from the cohort's mean (0) to each patient, block by block.

    blocks: the network's input, (n, size) each; returns arrays of the same shapes. Gradient times input sums to the
    difference of the scores at both ends, as exactly as `n_steps` points of the midpoint rule are.
    """
    x = estimator.whole_input(blocks, present)
    weights = torch.as_tensor(estimator.restart_directions(direction), dtype=torch.float32, device=x.device)
    total = torch.zeros_like(x)
    for step in range(n_steps):
        total += _gradient(estimator, x * ((step + 0.5) / n_steps), weights)
    scale = estimator.whole_input([np.ones_like(block) for block in blocks], present)
    mean = (total / n_steps * scale).cpu().numpy()
    return np.split(mean, np.cumsum([block.shape[1] for block in blocks])[:-1], axis=1)


def _gradient(estimator: DMACL, x: Tensor, weights: Tensor) -> Tensor:
    """Gradient of sum_r features_r w_r at every patient: x (n, D), weights (R, d)."""
    gradients = []
    for batch in x.split(estimator.batch_size):
        at = batch.clone().requires_grad_()
        score = (estimator.restart_features(at) * weights[:, None]).sum()
        gradients.append(torch.autograd.grad(score, at)[0])
    return torch.cat(gradients)
