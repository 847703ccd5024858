"""The table of metrics of one method on one cohort."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from amucl.clustering.external import external_indices
from amucl.clustering.indices import finite_matrix, internal_indices, pair_distances
from amucl.errors import AmuclError
from amucl.labels import aligned, k_of, missing_labels, require_k_columns

COLUMNS = ["dataset", "method", "seed", "k", "metric", "space", "value", "warning"]


def metrics_table(
    *,
    dataset: str,
    method: str,
    seed: int,
    embedding: pd.DataFrame,
    common: pd.DataFrame | None,
    labels: pd.DataFrame,
    truth: pd.Series | None = None,
    warnings: Mapping[int, str] | None = None,
) -> pd.DataFrame:
    """Every metric of one method's partitions, one value per row.

    Parameters
    ----------
    dataset, method, seed : written into every row.
    embedding : samples x dimensions of the method.
    common : samples x components of `common_space`, the same for all methods; None where the data are not at hand.
    labels : samples x columns k2, k3, ...
    truth : known labels by sample, missing where unknown; such samples do not count. All are indexed by the same
        sample ids, in any order.
    warnings : k -> why the method's own space is not to be trusted (see `amucl.clustering.collapse`).

    Returns
    -------
    DataFrame
        `COLUMNS`. Metrics c_index, silhouette and davies_bouldin in the spaces embedding and common; with `truth` also
        ari, nmi, accuracy, purity, rand and f_measure in the space truth. NaN where undefined. A warning stands in the
        rows of the space embedding.

    Raises
    ------
    AmuclError
        If the tables do not hold the same samples, or `truth` is known for fewer than 2.
    """
    require_k_columns(labels)
    spaces = {"embedding": aligned(embedding, labels, "embedding")}
    if common is not None:
        spaces["common"] = aligned(common, labels, "common space")
    rows = [(k, *row) for space, points in spaces.items() for k, *row in _internal_rows(points, space, labels)]
    if truth is not None:
        rows += _external_rows(aligned(truth, labels, "true labels"), labels)
    table = pd.DataFrame(rows, columns=COLUMNS[3:-1])
    warning = table["k"].map(dict(warnings or {})).astype(object)
    spoken_of = (table["space"] == "embedding") & (warning != "")
    return table.assign(dataset=dataset, method=method, seed=seed, warning=warning.where(spoken_of))[COLUMNS]


def _internal_rows(points: pd.DataFrame, space: str, labels: pd.DataFrame) -> Iterator[tuple]:
    X = finite_matrix(points, f"the {space} space")
    distances = pair_distances(X)
    for column in labels:
        for metric, value in internal_indices(X, labels[column], distances=distances).items():
            yield k_of(column), metric, space, value


def _external_rows(truth: pd.Series, labels: pd.DataFrame) -> Iterator[tuple]:
    known = ~missing_labels(truth)
    if known.sum() < 2:
        raise AmuclError("true labels are known for too few samples", expected="2 or more", got=known.sum())
    for column in labels:
        for metric, value in external_indices(labels[column][known], truth[known]).items():
            yield k_of(column), metric, "truth", value
