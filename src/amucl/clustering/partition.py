"""One partition of a cohort's patients: a method's at a k, at the k it suggests, or the labels known beforehand."""

from __future__ import annotations

import os

import pandas as pd

from amucl.errors import AmuclError, some
from amucl.files import are_whole_numbers, read_matrix, read_table, write_matrix
from amucl.labels import is_k_column, k_of

AUTO = "auto"


def chosen_partition(labels: pd.DataFrame, k: int | str, choice: pd.DataFrame | None = None) -> pd.Series:
    """The labels at one k.

    Parameters
    ----------
    labels : samples x (k2, k3, ...).
    k : a number of clusters, or ``auto`` for the one that `choice` suggests.
    choice : table of `amucl.clustering.choice.suggest_k`, one row.

    Raises
    ------
    AmuclError if the data suggest no clusters, or a k without labels.
    """
    number = int(choice["suggested_k"].iloc[0]) if k == AUTO else int(k)
    if number < 2:
        raise AmuclError(
            "there are no subtypes to explain: the data speak for one cluster",
            where=" ".join(choice[["dataset", "method"]].iloc[0].astype(str)),
            expected="a suggested k of 2 or more for `k: auto`",
            got=number,
            action="name a k in `biology` to look at one all the same",
        )
    if f"k{number}" not in labels:
        ks = [k_of(name) for name in labels if is_k_column(name)]
        raise AmuclError("no labels for this k", expected=f"one of {some(ks, 20)}", got=number)
    return labels[f"k{number}"].rename("subtype")


def known_partition(known: pd.Series | None, dataset: str) -> pd.Series:
    """The labels known beforehand, patients without one left out; whole numbers as such.

    known : as `amucl.cohort.cohort.truth` gives them. Raises AmuclError for a cohort without any.
    """
    labels = pd.Series(dtype=object) if known is None else known.dropna()
    if labels.empty:
        raise AmuclError(
            "no known labels to explain",
            where=dataset,
            expected="a column `truth` of the clinical table with labels",
            action="set `truth` in the dataset's entry",
        )
    whole = are_whole_numbers(labels) and labels.astype(str).str.isdigit().all()
    return (labels.astype(int) if whole else labels.astype(str)).rename("subtype")


def write_partition(labels: pd.Series, path: str | os.PathLike) -> None:
    """Write a partition as a table: sample, subtype."""
    write_matrix(labels.to_frame("subtype"), path)


def read_partition(path: str | os.PathLike) -> pd.Series:
    """Read what `write_partition` wrote: subtype by sample, numbers where all are."""
    return read_matrix(path)["subtype"]


def read_subtype_table(path: str | os.PathLike, labels: pd.Series) -> pd.DataFrame:
    """Read a table of the subtypes of a partition, which are text where those of the partition are.

    By itself a table of the classes 1 and 2 out of 1, 2 and 2b would be one of numbers, and no class would be found.
    """
    return read_table(path, text_subtypes=not pd.api.types.is_numeric_dtype(labels))
