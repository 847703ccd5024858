"""Tables in parquet files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from amucl.cohort.notes import Note
from amucl.cohort.readers.annotation import FeatureColumns
from amucl.cohort.readers.matrix import not_a_number, refuse_too_large
from amucl.cohort.readers.words import UnknownCount, UnknownWords, known_frame, unknown_words
from amucl.errors import AmuclError

_NUMERIC = ("string", "floating", "integer", "mixed-integer-float", "decimal", "empty")  # of columns of a parquet


def parquet_table(file: Path) -> pd.DataFrame:
    """A parquet by its ids: its index or, where that only counts, its first column of text."""
    frame = _opened_parquet(file)
    if isinstance(frame.index, pd.RangeIndex) and not frame.empty:
        first = frame.columns[0]
        if pd.api.types.infer_dtype(frame[first].astype(object), skipna=True) != "string":
            raise AmuclError(
                "no id column",
                where=file,
                expected="ids as the index or, as text, in the first column",
                got=f"a first column {first} of type {frame[first].dtype}",
                action="save the ids as the index or the first column as text",
            )
        frame = frame.set_index(first)
    if frame.empty:
        raise AmuclError("no rows or no columns", where=file, expected="ids and values", got=f"shape {frame.shape}")
    missing_id = frame.index.isna()
    frame.index = pd.Index(np.where(missing_id, "", frame.index.astype(str)), dtype=object)
    frame.columns = frame.columns.astype(str)
    return frame


def parquet_columns(file: Path) -> pd.DataFrame:
    """A parquet with its index, if it has one, as the first column."""
    frame = _opened_parquet(file)
    if frame.empty:
        raise AmuclError("no rows or no columns", where=file, expected="ids and values", got=f"shape {frame.shape}")
    frame.columns = frame.columns.astype(str)
    if not isinstance(frame.index, pd.RangeIndex):
        name = "" if frame.index.name is None else str(frame.index.name)
        first = pd.Series(frame.index, index=frame.index, name=name, dtype=object)
        frame = pd.concat([first, frame], axis=1)
    return frame.reset_index(drop=True)


def parquet_numbers(
    file: Path, words: UnknownWords, source: str, notes: list[Note], *, features_in_rows: bool
) -> tuple[pd.DataFrame, FeatureColumns]:
    """The numbers of a parquet, rows x columns as written, and what its columns are; the rest goes into `notes`."""
    frame = parquet_table(file)
    corner = None if frame.index.name is None else str(frame.index.name)
    roles = FeatureColumns(corner, list(frame.columns), list(frame.index[:20]), features_in_rows=features_in_rows)
    roles.refuse_no_matrix(file)
    if roles.id_place:
        ids = frame.iloc[:, roles.id_place - 1]
        frame = frame.set_axis(pd.Index(ids.astype(object).where(ids.notna(), "").map(str), dtype=object))
    frame = frame.iloc[[not roles.drops_row(name) for name in frame.index], [place - 1 for place in roles.value_places]]
    if all(kind.kind in "fiu" for kind in frame.dtypes):
        table = frame.astype(np.float64)
    else:
        count = UnknownCount()
        table = _numbers_of_columns(known_frame(frame, words, count), file)
        notes += count.notes(source)
    table = _without_numbers(table, words, source, notes)
    refuse_too_large(table, file)
    notes += roles.notes(source)
    return table, roles


def _opened_parquet(file: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(file)
    except Exception as error:  # malformed bytes make the parser fail in any way whatever
        raise AmuclError("not a parquet file, or a damaged one", where=file, got=type(error).__name__) from error
    if frame.index.nlevels > 1 or frame.columns.nlevels > 1:
        raise AmuclError("an index of several levels", where=file, expected="one id for each row and column")
    return frame


def _without_numbers(table: pd.DataFrame, words: UnknownWords, source: str, notes: list[Note]) -> pd.DataFrame:
    """`table` with NaN for the numbers that mean unknown, which are counted."""
    if not words.numbers:
        return table
    count = UnknownCount()
    count.n_cells = table.size
    for number in sorted(words.numbers):
        found = table == number
        if found.to_numpy().any():
            count.add(f"{number:g}", int(found.to_numpy().sum()), [str(name) for name in table.columns[found.any()]])
            table = table.mask(found)
    notes += count.notes(source)
    return table


def _numbers_of_columns(frame: pd.DataFrame, file: Path) -> pd.DataFrame:
    columns = {}
    for position, name in enumerate(frame.columns):
        cells = frame.iloc[:, position]
        if pd.api.types.infer_dtype(cells.astype(object), skipna=True) not in _NUMERIC:
            row = int(np.argmax(cells.notna()))
            raise not_a_number(cells.iloc[row], f"{file}, row {frame.index[row]}, column {name}")
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        wrong = np.isnan(numbers) & ~cells.isna().to_numpy()
        if wrong.any():
            row = int(np.argmax(wrong))
            raise not_a_number(cells.iloc[row], f"{file}, row {frame.index[row]}, column {name}")
        columns[position] = numbers
    return pd.DataFrame(columns, index=frame.index).set_axis(frame.columns, axis=1)


def known_table(table: pd.DataFrame, words: UnknownWords | None, source: str, notes: list[Note] | None) -> pd.DataFrame:
    """A table with types, NaN for the words that mean unknown."""
    count = UnknownCount()
    known = known_frame(table, words or unknown_words(), count)
    if notes is not None:
        notes += count.notes(source)
    return known
