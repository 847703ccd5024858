"""Columns of a matrix that no other file knows as samples, named unlike these: Average, Total, Length."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from amucl.cohort.notes import Note
from amucl.errors import counted, some

if TYPE_CHECKING:
    from amucl.cohort.cohort import RawCohort

_NEARLY_ALL = 0.9  # of an omic's samples, known to another file: then the rest is odd


def without_strangers(raw: RawCohort, clinical: Collection[str]) -> RawCohort:
    """The cohort without samples that only one matrix has, where other files know nearly all the others of it.

    Such a sample is left out if its name is unlike those of the others (other parts of letters and digits), and kept
    where it is alike: a patient may lack the other omics and the clinical data. Both are told. A matrix that is the
    only file is taken as it is; a few names unlike the others that remain are told.

    clinical : rows of the cohort that the clinical table knows.
    """
    omics, ledger, notes = dict(raw.omics), raw.ledger.copy(), []
    for omic, table in raw.omics.items():
        elsewhere = set(clinical).union(*(set(other.index) for name, other in raw.omics.items() if name != omic))
        known = [row in elsewhere for row in table.index]
        if sum(known) < _NEARLY_ALL * len(table) or all(known):
            continue
        shapes = {shape for row, one in zip(table.index, known, strict=True) if one for shape in _shapes(row)}
        unknown = [row for row, is_known in zip(table.index, known, strict=True) if not is_known]
        left_out = [row for row in unknown if not shapes & _shapes(row)]
        kept = [row for row in unknown if shapes & _shapes(row)]
        if left_out:
            reason = "no other file knows it as a sample, and its name is unlike the others"
            lost = (ledger["omic"] == omic) & (ledger["status"] == "kept") & ledger["sample"].isin(left_out)
            ledger.loc[lost, ["status", "reason"]] = ["dropped", reason]
            omics[omic] = table.drop(index=left_out)
            told = f"{counted(len(left_out), 'column')} left out, in no other file a sample and with a name"
            notes.append(Note(omic, "unknown samples", len(left_out), f"{told} unlike the others: {some(left_out)}"))
        if kept:
            told = f"{counted(len(kept), 'sample')} in no other file, named like the others and kept: {some(kept)}"
            notes.append(Note(omic, "samples of one file", len(kept), told))
    rows = [row for row in raw.patients.index if any(row in table.index for table in omics.values())]
    odd = [row for row in _oddly_named(rows) if row not in clinical]
    if odd:
        told = f"{counted(len(odd), 'sample')} named unlike the others and kept: {some(odd)}"
        notes.append(Note("cohort", "oddly named samples", len(odd), f"{told}; remove the columns where they are none"))
    if not notes:
        return raw
    return replace(
        raw,
        omics=omics,
        ledger=ledger,
        patients=raw.patients.loc[rows],
        clinical=raw.clinical.reindex(rows),
        written=raw.written.reindex(rows),
        notes=[*raw.notes, *notes],
    )


def _oddly_named(rows: Collection[str]) -> list[str]:
    """The rows, a few, whose names are unlike those of nearly all others: Reference among P001, P002, ..."""
    usual, n = Counter(map(_runs, rows)).most_common(1)[0] if rows else ("", 0)
    if n < _NEARLY_ALL * len(rows):
        return []
    shapes = {shape for row in rows if _runs(row) == usual for shape in _shapes(row)}
    return [row for row in rows if not shapes & _shapes(row)]


def _runs(name: str) -> str:
    """The runs of letters and digits: A9 of P001, A-A-9 of TCGA-AB-2803."""
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "A", name))


def _shapes(name: str) -> set[str]:
    """What a name looks like: its runs of letters and digits, and, of a name with digits, where its signs stand.

    A9 and xxxx of P001; A-A9A9 and xxxx-xxxx of TEST-A2B8, which is like TEST-A2FB by the second: codes mix both.
    """
    return {_runs(name), re.sub(r"[^\W_]", "x", name)} if re.search(r"\d", name) else {_runs(name)}
