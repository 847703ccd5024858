"""Cluster labels: checks, names that do not depend on the algorithm, tables."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from amucl.errors import AmuclError, some
from amucl.files import read_table


def missing_labels(labels: ArrayLike) -> np.ndarray:
    """Which of n labels are missing: None, NaN or an empty string; boolean array (n,)."""
    values = np.asarray(labels, dtype=object)
    blank = np.array([isinstance(value, str) and not value.strip() for value in values], dtype=bool)
    return pd.isna(values) | blank


def sample_names(data: object, positions: np.ndarray) -> str:
    """The samples at some positions, for an error message: by id where `data` is a pandas object."""
    if isinstance(data, pd.DataFrame | pd.Series):
        return f"sample {some(data.index[positions])}"
    return f"position {some(positions)} (from 0)"


def encode_labels(labels: ArrayLike, n_samples: int, name: str = "labels") -> np.ndarray:
    """Labels of any kind as integer codes 0..k-1, array (n_samples,).

    Raises
    ------
    AmuclError
        If there are not `n_samples` labels or one is missing.
    """
    values = np.asarray(labels, dtype=object)
    if values.shape != (n_samples,):
        raise AmuclError(f"{name} of a wrong length", expected=f"{n_samples}, one per sample", got=values.shape)
    absent = np.flatnonzero(missing_labels(values))
    if absent.size:
        raise AmuclError(
            f"{absent.size} of {n_samples} {name} are missing (NaN or empty)",
            where=sample_names(labels, absent),
            action="leave these samples out or label them",
        )
    return pd.factorize(values)[0]


def canonical_labels(labels: ArrayLike) -> np.ndarray:
    """Clusters renamed 1..k, the largest first, ties by the first sample; integer array (n,).

    The names of subtypes then depend on the partition alone, not on an algorithm's inner numbering.
    """
    codes = encode_labels(labels, len(np.asarray(labels)))  # numbered by first sample
    rank = np.argsort(np.argsort(-np.bincount(codes), kind="stable"))
    return rank[codes] + 1


def canonical_partitions(partitions: np.ndarray) -> np.ndarray:
    """`canonical_labels` of many partitions at once: integers (n_partitions, n_samples), each row from 0, to 1..k."""
    k = int(partitions.max()) + 1
    sizes, first = np.empty((2, len(partitions), k), dtype=np.intp)
    for c in range(k):
        member = partitions == c
        sizes[:, c], first[:, c] = member.sum(axis=1), member.argmax(axis=1)
    order = np.lexsort((first, -sizes), axis=1)
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(1, k + 1)[None], axis=1)
    return np.take_along_axis(rank, partitions.astype(np.intp), axis=1).astype(np.int16)


def labels_table(labels_by_k: Mapping[int, ArrayLike], samples: Sequence[str]) -> pd.DataFrame:
    """The table of labels.tsv: columns sample, k2, k3, ..., one row per sample."""
    return pd.DataFrame({"sample": list(samples)} | {f"k{k}": labels_by_k[k] for k in sorted(labels_by_k)})


def subtype_order(labels: pd.Series) -> list:
    """The distinct labels in natural order: 2 before 10, `S2` before `S10`."""

    def parts(label) -> list[tuple]:
        return [(len(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", str(label).casefold())]

    return sorted(pd.unique(labels), key=parts)


def read_labels(path: str | os.PathLike) -> pd.DataFrame:
    """Read a table that `labels_table` made: integer columns k2, k3, ..., indexed by sample.

    Raises
    ------
    AmuclError
        If the file is no such table; if a sample is named twice or not at all; if a label is missing or no integer.
    """
    try:
        table = read_table(path, dtype=str, keep_default_na=False)
    except ValueError as error:
        raise AmuclError(
            f"not a table ({error})", where=path, expected="tab-separated columns sample, k2, k3, ..."
        ) from error
    if table.columns[0] != "sample" or table.shape[1] < 2 or not all(map(is_k_column, table.columns[1:])):
        raise AmuclError("wrong columns", where=path, expected="sample, k2, k3, ...", got=some(table.columns))
    if table.empty:
        raise AmuclError("no samples", where=path, action="check the step that wrote it")
    _require_names(table["sample"], path)
    labels = table.set_index("sample")
    return labels.apply(_integers, path=path)


def is_k_column(name: str) -> bool:
    """Whether a column is named k and a number, such as k6."""
    return re.fullmatch(r"k[1-9]\d*", str(name)) is not None


def k_of(column: str) -> int:
    """The number of clusters that a column such as k6 is named by."""
    return int(column.removeprefix("k"))


def require_k_columns(labels: pd.DataFrame) -> None:
    """Refuse a table of labels whose columns are not k2, k3, ..."""
    wrong = [column for column in labels if not is_k_column(column)]
    if wrong or labels.empty:
        raise AmuclError(
            "wrong columns in labels", expected="k2, k3, ... and samples in rows", got=some(wrong) or "none"
        )


def aligned(table: pd.DataFrame | pd.Series, labels: pd.DataFrame, name: str):
    """`table` in the order of the samples of `labels`; an error that names samples if both do not hold the same."""
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


def _require_names(samples: pd.Series, path: str | os.PathLike) -> None:
    blank = np.flatnonzero(samples.str.strip() == "")
    if blank.size:
        raise AmuclError("samples without a name", where=path, got=f"line {some(blank + 2)}", action="name them")
    repeated = samples[samples.duplicated()].unique()
    if repeated.size:
        raise AmuclError("duplicate samples", where=path, got=some(repeated), action="keep one row per sample")


def _integers(column: pd.Series, path: str | os.PathLike) -> pd.Series:
    wrong = column[~column.str.fullmatch(r"[+-]?\d+")]
    if wrong.empty:
        return column.astype(int)
    raise AmuclError(
        f"{len(wrong)} labels are missing or not an integer",
        where=f"{path}, column {column.name}, sample {some(wrong.index)}",
        expected="an integer per sample",
        got=some(map(repr, wrong)),
        action="give every sample a cluster number",
    )
