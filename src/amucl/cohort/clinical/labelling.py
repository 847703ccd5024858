"""Further tables of known labels, such as published subtypes, joined to a cohort by sample or patient."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from amucl.cohort.account import cells_rows
from amucl.cohort.assembly import by_rows, join_row, join_tables
from amucl.cohort.clinical.classes import keep_codes
from amucl.cohort.clinical.table import KeyedTable, key_table, spellings_of
from amucl.cohort.cohort import RawCohort
from amucl.cohort.ids.identifiers import CohortIds
from amucl.cohort.notes import Note
from amucl.cohort.readers.tables import read_columns, tidy_columns
from amucl.cohort.readers.words import UnknownWords
from amucl.errors import AmuclError, some


def join_label_tables(
    raw: RawCohort, tables: Mapping[str, str | os.PathLike], *, words: UnknownWords | None = None
) -> RawCohort:
    """The cohort with the columns of further tables in its clinical data, and their lines in its join report.

    A table is joined by the column that names samples or patients of the cohort best (`id_column`): as written, else by
    TCGA barcode, else as `match_ids` says. Of several rows of one patient the one of the same sample is taken, else the
    first. Its other columns are called ``{name}.{column}``; those without a value for the cohort are left out.

    Parameters
    ----------
    tables : name -> path of a text (.tsv, .csv, .txt, also .gz) or .parquet table with a header.
    words : what means unknown; the list of resources/unknown_words.txt by default.

    Raises
    ------
    AmuclError : a file is no table, no column names a sample or patient, one id has two different rows, or a column has
        the name of one that the cohort has.
    """
    clinical, written, report, notes = raw.clinical, raw.written.reindex(raw.clinical.index), [], list(raw.notes)
    cohort = CohortIds(raw.patients, spellings_of(raw.ledger), labels=True)
    for name, path in tables.items():
        joined, as_written, rows = _join(name, path, cohort, notes, words)
        twice = joined.columns.intersection(clinical.columns)
        if len(twice):
            raise AmuclError(
                "the clinical data have columns of these names",
                where=path,
                got=some(twice),
                action=f"give the table another name than {name} in `label_tables`",
            )
        clinical, written, report = clinical.join(joined), written.join(as_written), report + rows
    join, unmatched = join_tables(report)
    return replace(
        raw,
        clinical=clinical,
        written=written,
        notes=notes,
        join=pd.concat([raw.join, join], ignore_index=True),
        unmatched=pd.concat([raw.unmatched, unmatched], ignore_index=True),
    )


def _join(
    name: str, path: str | os.PathLike, cohort: CohortIds, notes: list[Note], words: UnknownWords | None
) -> tuple[pd.DataFrame, pd.DataFrame, list[dict]]:
    """The table by the cohort's rows, the same as text, and its lines of the join report."""
    told: list[Note] = []
    columns = read_columns(path, purpose="table of labels", notes=told, source=name)
    keyed = key_table(
        columns,
        cohort,
        source=name,
        where=path,
        lacking="no column of the table names samples or patients of the cohort",
        words=words,
        merge=False,
    )
    notes += [*told, *keyed.notes]
    written = by_rows(keyed.written, keyed.found, cohort.patients).dropna(axis=1, how="all")
    joined = keep_codes(tidy_columns(written), written)
    taken = set(keyed.found.values())
    unused = [key for key in keyed.table.index if key not in taken]
    lines = [
        join_row(name, len(keyed.table), unused, "no row of the cohort takes it"),
        join_row("cohort", len(cohort.patients), _without(cohort, keyed), f"not in {name}"),
    ]
    if keyed.column is not None:
        lines = [join_row(name, len(columns), [], f"joined by the column {keyed.column or '(no name)'}"), *lines]
    lines += cells_rows(keyed.notes)
    return joined.add_prefix(f"{name}."), written.add_prefix(f"{name}."), lines


def _without(cohort: CohortIds, keyed: KeyedTable) -> list[str]:
    return [row for row in cohort.patients.index if row not in keyed.found]
