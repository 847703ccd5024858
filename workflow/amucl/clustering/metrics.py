"""The table of metrics of one method on one cohort, and the space in which methods can be compared."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from amucl.clustering.external import ari, nmi
from amucl.clustering.indices import finite_matrix, internal_indices, pair_distances
from amucl.clustering.labels import is_k_column, missing_labels
from amucl.errors import AmuclError, some

COLUMNS = ["dataset", "method", "seed", "k", "metric", "space", "value"]


def metrics_table(
    *,
    dataset: str,
    method: str,
    seed: int,
    embedding: pd.DataFrame,
    common: pd.DataFrame,
    labels: pd.DataFrame,
    truth: pd.Series | None = None,
) -> pd.DataFrame:
    """Every metric of one method's partitions, one value per row.

    Parameters
    ----------
    dataset, method, seed : written into every row.
    embedding : samples x dimensions of the method.
    common : samples x components of `common_space`, the same for all methods.
    labels : samples x columns k2, k3, ...
    truth : known labels by sample, missing where unknown; such samples do not count. All are indexed by the same
        sample ids, in any order.

    Returns
    -------
    DataFrame
        Columns dataset, method, seed, k, metric, space, value. Metrics c_index, silhouette and davies_bouldin in
        the spaces embedding and common; with `truth` also ari and nmi in the space truth. NaN where undefined.

    Raises
    ------
    AmuclError
        If the tables do not hold the same samples, or `truth` is known for fewer than 2.
    """
    _require_k_columns(labels)
    spaces = {"embedding": _aligned(embedding, labels, "embedding"), "common": _aligned(common, labels, "common space")}
    rows = [(k, *row) for space, points in spaces.items() for k, *row in _internal_rows(points, space, labels)]
    if truth is not None:
        rows += _external_rows(_aligned(truth, labels, "true labels"), labels)
    table = pd.DataFrame(rows, columns=COLUMNS[3:])
    return table.assign(dataset=dataset, method=method, seed=seed)[COLUMNS]


def _internal_rows(points: pd.DataFrame, space: str, labels: pd.DataFrame) -> Iterator[tuple]:
    X = finite_matrix(points, f"the {space} space")
    distances = pair_distances(X)
    for column in labels:
        for metric, value in internal_indices(X, labels[column], distances=distances).items():
            yield _number(column), metric, space, value


def _external_rows(truth: pd.Series, labels: pd.DataFrame) -> Iterator[tuple]:
    known = ~missing_labels(truth)
    if known.sum() < 2:
        raise AmuclError("true labels are known for too few samples", expected="2 or more", got=known.sum())
    for column in labels:
        for metric, index in {"ari": ari, "nmi": nmi}.items():
            yield _number(column), metric, "truth", index(labels[column][known], truth[known])


def _number(column: str) -> int:
    return int(column.removeprefix("k"))


def _require_k_columns(labels: pd.DataFrame) -> None:
    wrong = [column for column in labels if not is_k_column(column)]
    if wrong or labels.empty:
        raise AmuclError(
            "wrong columns in labels", expected="k2, k3, ... and samples in rows", got=some(wrong) or "none"
        )


def _aligned(table: pd.DataFrame | pd.Series, labels: pd.DataFrame, name: str):
    """`table` in the order of the samples of `labels`, if both hold the same ones."""
    for index, place in ((table.index, name), (labels.index, "labels")):
        if not index.is_unique:
            raise AmuclError("duplicate samples", where=place, got=some(index[index.duplicated()].unique()))
    lost, added = labels.index.difference(table.index), table.index.difference(labels.index)
    if len(lost) or len(added):
        raise AmuclError(
            "the samples are not those of the labels",
            where=name,
            got=f"{len(lost)} missing ({some(lost) or 'none'}), {len(added)} too many ({some(added) or 'none'})",
            action="make both from the same cohort",
        )
    return table.loc[labels.index]
