"""A table of what is known of patients, joined to a cohort by the column that names its samples or patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from amucl.cohort.account import cells_rows
from amucl.cohort.assembly import by_rows, check_survival, join_clinical, join_row, join_tables
from amucl.cohort.clinical.classes import keep_codes
from amucl.cohort.clinical.levels import one_spelling
from amucl.cohort.clinical.sentinels import sentinel_notes
from amucl.cohort.ids.identifiers import CohortIds, IdColumn, id_column, is_row_number
from amucl.cohort.ids.matching import match_notes
from amucl.cohort.notes import Note
from amucl.cohort.readers.tables import tidy_columns
from amucl.cohort.readers.words import UnknownCount, UnknownWords, known_frame, unknown_words
from amucl.errors import AmuclError, counted, some

if TYPE_CHECKING:
    from amucl.cohort.cohort import RawCohort

_MORE_THAN_CHANCE = 0.5


@dataclass(frozen=True)
class KeyedTable:
    """A table by its ids.

    Attributes
    ----------
    table : columns by id, numbers where a column holds numbers; the ids are in no column.
    written : the same as text, as the file has it.
    found : row of the cohort -> id; rows without one are absent.
    column : the name of the ids' column, where it is not the first of the table; else None.
    nameless : where rows without an id stand in the file.
    repeated : ids of the rows that were merged into another of the same id.
    notes : what was decided on the way.
    """

    table: pd.DataFrame
    written: pd.DataFrame
    found: Mapping[str, str]
    column: str | None
    nameless: list[str]
    repeated: list[str]
    notes: list[Note]


def key_table(
    columns: pd.DataFrame,
    cohort: CohortIds,
    *,
    source: str,
    where: object,
    lacking: str,
    words: UnknownWords | None = None,
    merge: bool = True,
) -> KeyedTable:
    """The table by the ids of the column that `id_column` chooses; a table with samples in its columns is transposed.

    Row numbers left over by a data frame are dropped. Rows of one id become one: where they differ, the cell is unknown
    (or, without `merge`, an error).

    Parameters
    ----------
    columns : of `read_columns`: every column as text, rows named by where they stand in the file.
    source : of the notes. where : the file. lacking : what is said where no column holds ids of the cohort.
    words : what means unknown, in all columns but that of the ids; the list of resources/unknown_words.txt by default.

    Raises
    ------
    AmuclError : no column names samples or patients of the cohort.
    """
    notes: list[Note] = []
    chosen = id_column(columns, cohort)
    if (flipped := _transposed(columns, cohort, chosen)) is not None:
        columns, chosen = flipped, id_column(flipped, cohort)
        told = "the samples stand in the columns of the table: it was read transposed"
        notes.append(Note(source, "transposed table", len(columns), told))
    if chosen is None:
        first = columns.iloc[:, 0].dropna()
        raise AmuclError(
            lacking,
            where=where,
            expected=f"ids such as {some(cohort.patients.index)}",
            got=f"a first column with {some(first) or 'nothing'}",
            action="give the samples or patients a column of their own, spelled as in the omics",
        )
    numbers = [
        position
        for position, name in enumerate(columns.columns)
        if position != chosen.position
        and is_row_number(str(name), columns.iloc[:, position].dropna())
        and _counts(columns.iloc[:, position])
    ]
    if numbers:
        names = [str(columns.columns[position]) or "(no name)" for position in numbers]
        told = f"the row numbers in column {some(names)} were left out"
        notes.append(Note(source, "row numbers", len(numbers), told))
    if chosen.position > 0:
        notes.append(_chosen_note(chosen, columns, cohort, source))
    if chosen.rivals:
        told = f"joined by the column {chosen.name or '(no name)'}; {some(chosen.rivals)} would give the samples other"
        told += " rows: leave one of them out"
        notes.append(Note(source, "columns of ids that disagree", len(chosen.rivals), told))
    notes += match_notes(chosen.matches, "table", source=source, other="the cohort")
    words = words or unknown_words()
    ids = columns.iloc[:, chosen.position].fillna("").astype(str).str.strip()
    ids = ids.mask(ids.map(words.__contains__) & ~ids.isin(list(chosen.found.values())), "")
    kept = [i for i in range(columns.shape[1]) if i != chosen.position and i not in numbers]
    present = (ids != "").to_numpy()
    rows = columns.iloc[:, kept].loc[present].set_axis(pd.Index(ids[present], dtype=object, name=None))
    nameless = [f"line {line}" for line in columns.index[~present]]
    if nameless:
        told = f"{counted(len(nameless), 'row')} without an id left out: {some(nameless)}"
        notes.append(Note(source, "rows without an id", len(nameless), told))
    unknown = UnknownCount()
    rows = known_frame(rows, words, unknown)
    notes += unknown.notes(source)
    rows, repeated, told = _one_row_each(rows, source, where, merge=merge)
    table = keep_codes(tidy_columns(rows, notes=notes, source=source), rows)
    notes += sentinel_notes(table, source)
    column = chosen.name if chosen.position > 0 else None
    return KeyedTable(table, rows, chosen.found, column, nameless, repeated, notes + told)


def _chosen_note(chosen: IdColumn, columns: pd.DataFrame, cohort: CohortIds, source: str) -> Note:
    first = str(columns.columns[0]) or "(no name)"
    n, all_rows = len(chosen.found), len(cohort.patients)
    told = f"joined by the column {chosen.name or '(no name)'}, which names {n} of {all_rows} samples, not by the first"
    return Note(source, "column of ids", n, f"{told}, {first}; to have it otherwise, leave one column of ids")


def _one_row_each(
    rows: pd.DataFrame, source: str, where: object, *, merge: bool
) -> tuple[pd.DataFrame, list[str], list[Note]]:
    """One row per id, in the order of their first rows; a cell on which the rows of an id differ is missing."""
    again = rows.index.duplicated(keep=False)
    if not again.any():
        return rows, [], []
    repeated = rows.index[rows.index.duplicated()].to_list()
    groups = rows[again].groupby(level=0, sort=False)
    distinct = groups.nunique()
    differing = distinct > 1
    merged = groups.first().mask(differing)
    if not merge and differing.to_numpy().any():
        raise AmuclError(
            "rows of one sample or patient that differ",
            where=where,
            expected="one row each",
            got=some(differing.index[differing.any(axis=1)]),
            action="keep the row that holds",
        )
    first = rows[~rows.index.duplicated()].astype(object)
    result = pd.concat([first[~first.index.isin(merged.index)], merged]).reindex(first.index)
    told = f"{counted(len(merged), 'id')} with several rows each, such as {some(merged.index)}: made one row each"
    unsure = differing.sum()
    unsure = unsure[unsure > 0]
    if len(unsure):
        counts = some([f"{name} ({n})" for name, n in unsure.items()])
        told += f"; where the rows of an id differ its cell is unknown: {counts}"
    result = result.where(result.notna(), np.nan)
    return result, repeated, [Note(source, "repeated ids", len(repeated), told)]


def _transposed(columns: pd.DataFrame, cohort: CohortIds, chosen: IdColumn | None) -> pd.DataFrame | None:
    """The table with rows for columns, where its header names more of the cohort than any of its columns does."""
    if columns.shape[1] < 2 or (chosen is not None and chosen.share >= _MORE_THAN_CHANCE):
        return None
    header = [str(name).strip() for name in columns.columns[1:]]
    if len(set(header)) < len(header) or "" in header:
        return None
    found, _ = cohort.match(header)
    share = len(found) / len(cohort.patients)
    named = len(found) / len(header)
    if max(share, named) < _MORE_THAN_CHANCE or (chosen is not None and chosen.share >= share):
        return None
    names = columns.iloc[:, 0].fillna("").astype(str).str.strip()
    if (names == "").any() or names.duplicated().any():
        return None
    flipped = columns.iloc[:, 1:].T.set_axis(names.to_list(), axis=1)
    flipped.insert(0, "", header)
    return flipped.set_axis(pd.RangeIndex(2, len(flipped) + 2, name="column"))


def _counts(cells: pd.Series) -> bool:
    """Whether cells are all different, as the numbers of rows are."""
    return bool(cells.notna().all() and cells.is_unique)


def spellings_of(ledger: pd.DataFrame) -> dict[str, str]:
    """How omics write a sample otherwise than the cohort: column -> row, of the ledger's columns that were kept."""
    kept = ledger[(ledger["status"] == "kept") & (ledger["column"] != ledger["sample"])]
    return dict(zip(kept["column"], kept["sample"], strict=True))


def add_clinical(
    raw: RawCohort,
    columns: pd.DataFrame,
    *,
    where: object,
    tcga: bool,
    declared_survival: bool = True,
    words: UnknownWords | None = None,
) -> RawCohort:
    """The cohort with a clinical table, and what became of its rows in the join report and in the notes.

    columns : of `read_columns`. words : as in `key_table`. Raises AmuclError where no column names a sample of the
    cohort, and where ``os_time`` or ``os_event`` is impossible, unless not `declared_survival`.
    """
    cohort = CohortIds(raw.patients, spellings_of(raw.ledger), tcga=tcga)
    lacking = "the clinical table shares no sample with the cohort"
    keyed = key_table(columns, cohort, source="clinical", where=where, lacking=lacking, words=words)
    if declared_survival:
        check_survival(keyed.table, where)
    n = len(columns)
    report = []
    if keyed.column is not None:
        report.append(join_row("clinical", n, [], f"joined by the column {keyed.column or '(no name)'}"))
    if keyed.nameless:
        report.append(join_row("clinical", n, keyed.nameless, "no id"))
    clinical, rows = join_clinical(
        keyed.table, raw.patients, tcga=tcga, where=where, found=keyed.found, repeated=keyed.repeated
    )
    clinical, levels = one_spelling(clinical)
    written = by_rows(keyed.written, keyed.found, raw.patients)
    join, unmatched = join_tables(report + rows + cells_rows(keyed.notes))
    return replace(
        raw,
        clinical=clinical,
        written=written,
        join=pd.concat([raw.join, join], ignore_index=True),
        unmatched=pd.concat([raw.unmatched, unmatched], ignore_index=True),
        notes=[*raw.notes, *keyed.notes, *levels],
    )
