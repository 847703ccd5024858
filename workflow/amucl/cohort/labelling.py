"""Further tables of known labels, such as published subtypes, joined to a cohort by sample or patient."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from amucl.cohort.assembly import join_row, join_tables, targets_by_barcode
from amucl.cohort.cohort import RawCohort
from amucl.cohort.readers import read_strings, tidy_columns
from amucl.errors import AmuclError, some


def join_label_tables(raw: RawCohort, tables: Mapping[str, str | os.PathLike]) -> RawCohort:
    """The cohort with the columns of further tables in its clinical data, and their lines in its join report.

    A table is joined by the first of its columns that names samples or patients of the cohort: as written, else by TCGA
    barcode. Of several rows of one patient the one of the same sample is taken, else the first. Its other columns are
    called ``{name}.{column}``; those without a value for the cohort are left out.

    Parameters
    ----------
    tables : name -> path of a text (.tsv, .csv, .txt, also .gz) or .parquet table with a header.

    Raises
    ------
    AmuclError : a file is no table, no column names a sample or patient, one id has two different rows, or a column has
        the name of one that the cohort has.
    """
    clinical, report = raw.clinical, []
    for name, path in tables.items():
        joined, rows = _join(name, path, raw.patients)
        twice = joined.columns.intersection(clinical.columns)
        if len(twice):
            raise AmuclError(
                "the clinical data have columns of these names",
                where=path,
                got=some(twice),
                action=f"give the table another name than {name} in `label_tables`",
            )
        clinical, report = clinical.join(joined), report + rows
    join, unmatched = join_tables(report)
    return replace(
        raw,
        clinical=clinical,
        join=pd.concat([raw.join, join], ignore_index=True),
        unmatched=pd.concat([raw.unmatched, unmatched], ignore_index=True),
    )


def _join(name: str, path: str | os.PathLike, patients: pd.Series) -> tuple[pd.DataFrame, list[dict]]:
    """The table by the cohort's rows, and its lines of the join report."""
    table = read_strings(path, purpose="table of labels")
    ids, values = _by_ids(table, patients, path)
    values = _without_repeats(values.set_axis(ids), path)
    found = {row: key for row, key in _targets(values.index, patients).items() if key is not None}
    joined = tidy_columns(values.reindex([found.get(row) for row in patients.index]).set_axis(patients.index))
    unused = [key for key in values.index if key not in set(found.values())]
    lines = [
        join_row(name, len(values), unused, "no row of the cohort takes it"),
        join_row("cohort", len(patients), [row for row in patients.index if row not in found], f"not in {name}"),
    ]
    return joined.dropna(axis=1, how="all").add_prefix(f"{name}."), lines


def _by_ids(table: pd.DataFrame, patients: pd.Series, path: str | os.PathLike) -> tuple[pd.Index, pd.DataFrame]:
    """The ids of the rows, and the columns that are not these ids; rows without an id are left out."""
    columns = [("", pd.Series(table.index, dtype=object)), *((name, cells) for name, cells in table.items())]
    for name, cells in columns:
        written = cells.fillna("").astype(str).str.strip()
        if any(key is not None for key in _targets(pd.Index(written), patients).values()):
            present = (written != "").to_numpy()
            rest = table.drop(columns=name) if name else table
            return pd.Index(written[present], dtype=object), rest[present]
    raise AmuclError(
        "no column of the table names samples or patients of the cohort",
        where=path,
        expected=f"ids such as {some(patients.index)}",
        got=f"a first column with {some(table.index)}",
        action="give the samples or patients a column of their own",
    )


def _without_repeats(values: pd.DataFrame, path: str | os.PathLike) -> pd.DataFrame:
    """One row per id, where rows of one id say the same."""
    cells = values.set_axis(range(values.shape[1]), axis=1).assign(id=values.index)
    distinct = values[~cells.duplicated().to_numpy()]
    repeated = distinct.index[distinct.index.duplicated()].unique()
    if len(repeated):
        raise AmuclError(
            "rows of one sample or patient that differ",
            where=path,
            expected="one row each",
            got=some(repeated),
            action="keep the row that holds",
        )
    return distinct


def _targets(ids: pd.Index, patients: pd.Series) -> dict[str, str | None]:
    """Row of the cohort -> its id in the table, or None."""
    by_barcode, written = targets_by_barcode(ids, patients), set(ids)
    return {
        row: row if row in written else patient if patient in written else by_barcode[row]
        for row, patient in patients.items()
    }
