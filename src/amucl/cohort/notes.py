"""What reading and preparing a cohort guessed, dropped, converted or left out: one line each, kept in a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import pandas as pd

NOTE_COLUMNS = ["dataset", "source", "what", "n", "note"]


@dataclass(frozen=True)
class Note:
    """One thing the program decided in the user's place.

    Attributes
    ----------
    source : where it happened: an omic, ``clinical``, the name of a label table.
    what : its kind in two or three words that never change, such as ``unknown words``.
    n : how many values, columns, rows or ids it touched.
    note : the sentence a user reads, with examples, and what to write to have it otherwise.
    """

    source: str
    what: str
    n: int
    note: str

    @property
    def line(self) -> str:
        """How it is told on the terminal and in the log."""
        return f"{self.source}: {self.note}"


def note_table(dataset: str, notes: Iterable[Note]) -> pd.DataFrame:
    """The notes of a dataset as a table of `NOTE_COLUMNS`, in the order in which they were made."""
    return pd.DataFrame([{"dataset": dataset, **asdict(note)} for note in notes], columns=NOTE_COLUMNS)
