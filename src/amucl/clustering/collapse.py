"""The collapse guard: does the structure that an embedding shows also exist in the data?

An embedding that squeezes the samples onto a few points or a line scores well in every index of its own space,
whatever the points mean. Nothing here looks at known labels.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.neighbors import NearestNeighbors

from amucl.clustering.indices import (
    PairDistances,
    finite_matrix,
    internal_over_partitions,
    pair_distances,
    silhouette,
)
from amucl.labels import aligned, k_of, require_k_columns

TRUST_COLUMNS = [
    "dataset", "method", "k", "n", "n_dimensions", "effective_rank", "duplicated_share", "silhouette_embedding",
    "silhouette_common", "silhouette_reference", "transfer", "warning",
]  # fmt: skip

COINCIDENT = 1e-3
STRUCTURE = 0.25
CONFIRMED = 0.5
DOUBTFUL = 0.25
LINE = 1.5
DUPLICATED = 0.5
OUTLIERS = 0.05


def effective_rank(embedding: ArrayLike) -> float:
    """Effective number of dimensions, from 1 (a line) to the number of columns (a ball).

    The exponential of the entropy of the singular values of the centred matrix, scaled to sum 1.

    Parameters
    ----------
    embedding : (n_samples, n_dimensions).

    Returns
    -------
    float
        NaN where all samples are one point.

    References
    ----------
    [1] O. Roy, M. Vetterli (2007), The effective rank: a measure of effective dimensionality, EUSIPCO, 606-610.
    """
    centred = _centred(embedding)
    if not centred.any():
        return np.nan
    values = np.linalg.svd(centred, compute_uv=False)
    shares = values[values > 0] / values.sum()
    return float(np.exp(-(shares * np.log(shares)).sum()))


def duplicated_share(embedding: ArrayLike) -> float:
    """Share of samples that have another one practically on top of them, in [0, 1]; 1 where all are one point.

    On top: nearer than 1/1000 of the root mean squared distance between two samples. That is below what distinct
    samples do by chance: of n samples spread evenly over q effective dimensions, about n / 1000^q do so, 1 % of
    n = 10,000 in a plane and less in more dimensions (but many on a line, which the effective rank tells). It is above
    the rounding of 32-bit numbers. The mean, not the median, sets the scale: where most samples are one point, the
    median distance is itself a distance between duplicates.

    Parameters
    ----------
    embedding : (n_samples, n_dimensions).
    """
    centred = _centred(embedding)
    spread = np.sqrt(2 * centred.var(axis=0, ddof=1).sum())
    nearest = NearestNeighbors(n_neighbors=1).fit(centred).kneighbors()[0][:, 0]
    return float((nearest <= COINCIDENT * spread).mean())


def trust_table(
    *,
    dataset: str,
    method: str,
    embedding: pd.DataFrame,
    labels: pd.DataFrame,
    common: pd.DataFrame | None,
    reference: pd.DataFrame | None,
    seed: int,
    n_permutations: int = 19,
) -> pd.DataFrame:
    """How far the clusters of one method can be trusted, one row per k.

    ``transfer`` = (silhouette_common - null) / (silhouette_reference - null), all in the common space: of the method's
    clusters, of the clusters found in that space itself, and the mean of `n_permutations` random partitions with the
    cluster sizes of the method. 0: the clusters mean nothing in the data; 1: as compact there as the data's own. NaN
    where the reference is no better than random, or sets less than 5 % of the samples apart: outliers, no subtypes, and
    so far away that their silhouette says nothing about clusters.

    ``warning`` is empty or says, by rules that know no true labels:

    - collapsed: the own silhouette is above 0.25, below which there is no substantial structure [1], yet transfer is
      below 0.5, nearer to nothing than to what the data hold.
    - unconfirmed: transfer is below 0.25, nearer to nothing than to half of what the data hold, whatever the own space
      claims.
    - chance: the common-space silhouette does not exceed that of every random partition (P > 0.05 with 19).
    - line: an effective rank below 1.5, nearer to one dimension than to two, although there are several and k > 2;
      not where transfer confirms the clusters, as the data may be so.
    - duplicates: more than half of the samples have another one on top of them; own-space indices then count copies.
    - fewer clusters than k; undefined, where there is no silhouette; unchecked, where there is no transfer.

    A warning is a doubt and no proof: clusters that the leading principal components of the data do not show draw one
    although they may exist.

    Parameters
    ----------
    dataset, method : written into every row.
    embedding : samples x dimensions of the method.
    labels : samples x columns k2, k3, ... of the method.
    common : samples x components of `common_space`; None where the data are not at hand, and its columns are NaN.
    reference : as `labels`, of k-means in the common space. All are indexed by the same sample ids, in any order.
    seed : of the random partitions.

    Returns
    -------
    DataFrame
        Columns `TRUST_COLUMNS`; NaN where undefined.

    Raises
    ------
    AmuclError
        If the tables do not hold the same samples, or a value or label is missing.

    References
    ----------
    [1] L. Kaufman, P. J. Rousseeuw (1990), Finding Groups in Data, Wiley, table 4 of chapter 2.
    """
    require_k_columns(labels)
    X = finite_matrix(aligned(embedding, labels, "embedding"), "the embedding")
    own = _widths(X, labels)
    of_embedding = {
        "dataset": dataset,
        "method": method,
        "n": len(X),
        "n_dimensions": X.shape[1],
        "effective_rank": effective_rank(X),
        "duplicated_share": duplicated_share(X),
    }
    if common is not None:
        points = finite_matrix(aligned(common, labels, "common space"), "the common space")
        distances = pair_distances(points)
    if reference is not None:
        reference = aligned(reference, labels, "reference labels")
    rows = []
    for column, clusters in labels.items():
        row = of_embedding | {"k": k_of(column), "silhouette_embedding": own[column]}
        scores = _UNCHECKED
        if common is not None:
            found = None if reference is None else reference.get(column)
            generator = np.random.default_rng([seed, row["k"]])
            scores = _common_scores(points, distances, clusters, found, n_permutations, generator)
        row |= scores
        rows.append(row | {"warning": "; ".join(_doubts(row, clusters.nunique()))})
    return pd.DataFrame(rows)[TRUST_COLUMNS]


def _widths(X: np.ndarray, labels: pd.DataFrame) -> dict[str, float]:
    """Silhouettes in a space whose distances are needed no longer."""
    distances = pair_distances(X)
    return {column: silhouette(X, clusters, distances=distances) for column, clusters in labels.items()}


_UNCHECKED = dict.fromkeys(["silhouette_common", "silhouette_reference", "transfer"], np.nan) | {"by_chance": False}


def _common_scores(
    points: np.ndarray,
    distances: PairDistances,
    clusters: pd.Series,
    reference: pd.Series | None,
    n_permutations: int,
    generator: np.random.Generator,
) -> dict[str, float]:
    """The columns of the common space, and whether random clusters of these sizes do as well there."""
    common = silhouette(points, clusters, distances=distances)
    best = np.nan if reference is None else silhouette(points, reference, distances=distances)
    codes = clusters.factorize()[0] + 1
    random = np.array([generator.permutation(codes) for _ in range(n_permutations)])
    null = internal_over_partitions(points, random, distances=distances)["silhouette"].to_numpy()
    room = best - null.mean()
    comparable = room > 0 and reference.value_counts(normalize=True).max() <= 1 - OUTLIERS
    return {
        "silhouette_common": common,
        "silhouette_reference": best,
        "transfer": (common - null.mean()) / room if comparable else np.nan,
        "by_chance": bool((null >= common).any()),
    }


def _doubts(row: dict, n_clusters: int) -> list[str]:
    own, transfer, n_dimensions, k = (row[c] for c in ("silhouette_embedding", "transfer", "n_dimensions", "k"))
    doubts = []
    if own > STRUCTURE and transfer < CONFIRMED:
        doubts.append(f"collapsed: silhouette {own:.2f} in the own space, but transfer {transfer:.2f}")
    elif transfer < DOUBTFUL and not row["by_chance"]:
        doubts.append(f"unconfirmed: transfer {transfer:.2f}")
    elif row["by_chance"]:
        doubts.append("chance: no more compact in the common space than random clusters of these sizes")
    if row["effective_rank"] < LINE and n_dimensions > 1 and k > 2 and not transfer >= CONFIRMED:
        doubts.append(f"line: effective rank {row['effective_rank']:.2f} of {n_dimensions} dimensions")
    if row["duplicated_share"] > DUPLICATED:
        doubts.append(f"duplicates: {row['duplicated_share']:.0%} of the samples lie on another")
    if n_clusters < k:
        doubts.append(f"fewer clusters: {n_clusters}")
    if np.isnan(own):
        doubts.append("undefined: one cluster, or each sample its own")
    elif np.isnan(row["silhouette_common"]):
        doubts.append("unchecked: no common space")
    elif np.isnan(transfer):
        doubts.append("unchecked: the common space shows no clusters to compare with")
    return doubts


def _centred(embedding: ArrayLike) -> np.ndarray:
    """The embedding around its mean; exactly zero where a dimension is constant, which the mean may miss."""
    X = finite_matrix(embedding, "the embedding")
    return np.where(X.max(axis=0) > X.min(axis=0), X - X.mean(axis=0), 0)
