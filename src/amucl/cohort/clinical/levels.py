"""Categories of clinical columns that people have spelled in several ways: Male, male and MALE are one."""

from __future__ import annotations

from collections import Counter

import pandas as pd

from amucl.cohort.notes import Note
from amucl.errors import counted, some

_MOST_LEVELS = 50  # more are free text or ids
_SHORTEST = 3  # letters that only differ in case may mean two things: blood groups C and c


def one_spelling(clinical: pd.DataFrame) -> tuple[pd.DataFrame, list[Note]]:
    """`clinical` with one spelling for values of a column that differ in capital letters or spaces only, and a note.

    The most frequent spelling stays, of equals the one that comes first. Case counts where words are shorter than three
    letters, and columns of more than 50 different values stay as they are.
    """
    merged, changed = clinical, {}
    for name in clinical.select_dtypes(object):
        spelled = _spellings(clinical[name].dropna())
        if spelled:
            if not changed:
                merged = clinical.copy()
            merged[name] = clinical[name].map(lambda value, spelled=spelled: spelled.get(value, value))
            changed[name] = spelled
    if not changed:
        return clinical, []
    n = sum(int(clinical[name].isin(list(spelled)).sum()) for name, spelled in changed.items())
    examples = some([f"{name}: {old!r} = {new!r}" for name, spelled in changed.items() for old, new in spelled.items()])
    told = f"{counted(n, 'cell')} unlike others of the column in case or spaces only, taken as the same: {examples}"
    return merged, [Note("clinical", "levels", n, told)]


def _spellings(cells: pd.Series) -> dict[str, str]:
    """Other spelling -> the one that stays."""
    counts = Counter(cell for cell in cells if isinstance(cell, str))
    if len(counts) > _MOST_LEVELS:
        return {}
    groups: dict[str, list[str]] = {}
    for value in counts:
        plain = " ".join(value.split())
        groups.setdefault(plain.casefold() if len(plain) >= _SHORTEST else plain, []).append(value)
    kept = {key: max(values, key=counts.__getitem__) for key, values in groups.items()}
    return {value: kept[key] for key, values in groups.items() for value in values if value != kept[key]}
