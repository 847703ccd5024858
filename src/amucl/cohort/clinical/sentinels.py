"""Numbers that people write for what they do not know: -9, -99, 999 among measurements."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from amucl.cohort.notes import Note
from amucl.errors import some

_NINES = re.compile(r"-?9{2,}|-9|-8{2,}|-7{2,}|-1")
_APART = 3.0  # times the spread of the other values beyond their end
_LEAST = 3  # values beside it


def sentinel_notes(table: pd.DataFrame, source: str) -> list[Note]:
    """A line for the columns of numbers in which -9, -99, 999 and the like stand far from all other values.

    They stay numbers: only the user knows. `unknown_words: [-99]` makes them unknown.

    table : rows x columns, numbers as float64.
    """
    found = {name: value for name in table.select_dtypes("number") if (value := _sentinel(table[name])) is not None}
    if not found:
        return []
    told = some(f"{value:g} in {name}" for name, value in found.items())
    note = f"numbers that often mean unknown are read as measurements: {told}; if so, write them into `unknown_words`"
    return [Note(source, "numbers for unknown", len(found), note)]


def _sentinel(cells: pd.Series) -> float | None:
    """The lowest or highest value of a column, if it is such a number and apart from all others."""
    values = cells.dropna().to_numpy()
    if not len(values):
        return None
    for end in (values.min(), values.max()):
        rest = values[values != end]
        if len(np.unique(rest)) < _LEAST or not _NINES.fullmatch(f"{end:g}"):
            continue
        gap = max(rest.min() - end, end - rest.max())
        if end < 0 <= rest.min() or gap > _APART * (rest.max() - rest.min()):
            return float(end)
    return None
