"""What notes of reading add to the account of a cohort."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

import pandas as pd

from amucl.cohort.assembly import cells_row, join_tables
from amucl.cohort.notes import Note
from amucl.cohort.readers.words import UnknownCells, shown

if TYPE_CHECKING:
    from amucl.cohort.cohort import RawCohort


def with_notes(raw: RawCohort, notes: list[Note]) -> RawCohort:
    """The cohort with the notes of reading its tables before its own, and the unknown cells in its join report."""
    rows, _ = join_tables(cells_rows(notes))
    join = pd.concat([raw.join, rows], ignore_index=True) if len(rows) else raw.join
    return replace(raw, join=join, notes=[*notes, *raw.notes])


def cells_rows(notes: Iterable[Note]) -> list[dict]:
    """The rows of the join report, of unit cells, for what was read as unknown: one for each source and word."""
    return [
        cells_row(note.source, note.n_cells, n, f"read as unknown: {shown(word)}", list(columns))
        for note in notes
        if isinstance(note, UnknownCells)
        for word, n, columns in note.found
    ]
