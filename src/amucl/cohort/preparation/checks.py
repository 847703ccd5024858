"""What looks like a slip in a cohort's tables: failed samples, patients entered twice, one file given for two omics.

Only measured profiles are looked at: of a panel of mutations many patients have the same one, or none at all.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations

import numpy as np
import pandas as pd

from amucl.cohort.assembly import Tables
from amucl.cohort.notes import Note
from amucl.errors import counted, some

_LEAST_FEATURES = 20  # fewer can be equal by chance
_MOST_COMMON = 0.5  # a value that more of the cells have is a state, such as unmutated, not a measurement


def constant_samples(table: pd.DataFrame) -> list[str]:
    """The samples whose features all have one value, in an omic where that value is rare otherwise.

    A sample that failed reads zero everywhere; patients without a mutation do too, but so do most cells of theirs.

    table : samples x features. Missing values are no values; a sample without any is not meant.
    """
    if table.shape[1] < _LEAST_FEATURES:
        return []
    values = table.to_numpy()
    with np.errstate(invalid="ignore"):
        lowest, highest = np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)
    flat = lowest == highest
    others = values[~flat]
    common = {value: (others == value).mean() > _MOST_COMMON for value in set(lowest[flat])} if len(others) else {}
    return [name for name, value in zip(table.index[flat], lowest[flat], strict=True) if not common.get(value, True)]


def identical_patients(omics: Tables) -> list[tuple[str, ...]]:
    """Groups of patients who have the very same values in every omic that they have, measured ones among these."""
    measured = [omic for omic, table in omics.items() if _is_measured(table)]
    profiles: dict[str, list[bytes]] = defaultdict(list)
    for omic, table in omics.items():
        values = np.ascontiguousarray(table.to_numpy()) + 0.0  # no negative zeros
        for row, name in zip(values, table.index, strict=True):
            profiles[name].append(omic.encode() + row.tobytes())
    with_measurement = {name for omic in measured for name in omics[omic].index}
    groups: dict[bytes, list[str]] = defaultdict(list)
    for name, parts in profiles.items():
        if name in with_measurement:
            groups[b"\n".join(parts)].append(name)
    return [tuple(names) for names in groups.values() if len(names) > 1]


def identical_omics(omics: Tables) -> list[tuple[str, str]]:
    """Pairs of omics with the same samples, features and values."""
    return [(first, second) for first, second in combinations(omics, 2) if omics[first].equals(omics[second])]


def check_notes(omics: Tables) -> list[Note]:
    """The lines that patients entered twice, and omics given twice, are worth."""
    notes = []
    groups = identical_patients(omics)
    if groups:
        pairs = some(" = ".join(group) for group in groups)
        surplus = sum(len(group) - 1 for group in groups)
        told = (
            f"{counted(surplus, 'patient')} with exactly the values of another: {pairs}; leave out those entered twice"
        )
        notes.append(Note("cohort", "identical patients", surplus, told))
    pairs = identical_omics(omics)
    if pairs:
        told = f"omics that are the same table: {some(' = '.join(pair) for pair in pairs)}; it would count twice"
        notes.append(Note("cohort", "identical omics", len(pairs), told))
    return notes


def _is_measured(table: pd.DataFrame) -> bool:
    """Whether no single value makes up most of the cells, and there are features enough."""
    if table.shape[1] < _LEAST_FEATURES or table.empty:
        return False
    sample = table.iloc[: min(len(table), 20)].to_numpy().ravel()
    values, n = np.unique(sample[~np.isnan(sample)], return_counts=True)
    return len(values) >= _LEAST_FEATURES and n.max() / n.sum() <= _MOST_COMMON
