"""Several cohorts as one: the patients of all, the features that all have, each patient labelled with its cohort."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from amucl.cohort.assembly import JOIN_COLUMNS, UNMATCHED_COLUMNS
from amucl.cohort.clinical.classes import class_names
from amucl.cohort.cohort import RawCohort, Step
from amucl.cohort.ids.barcodes import parse_barcode
from amucl.cohort.readers.tables import tidy_columns
from amucl.errors import AmuclError, some

CANCER = "cancer"


def join_cohorts(members: Mapping[str, RawCohort]) -> RawCohort:
    """Stack the patients of `members` (two or more, of the same omics) and keep the features that all of them have.

    Names of features that differ only in case are one feature, spelled as the first member does, unless a member has
    both. The clinical column ``cancer`` holds the member's name (one that a member has of its own becomes
    ``cancer_clinical``); a column that is text in one member is text in all. Reasons of steps and sources of the join
    report begin with the member's name, and the ledger has a column ``member``. After the members' own steps comes
    ``shared_features``: from the features in any member to those in all.

    Raises AmuclError when a patient is in two members, or when they share fewer than two features of an omic.
    """
    _check_patients(members)
    omics, var, steps = {}, {}, []
    for omic in next(iter(members.values())).omics:
        tables = {member: raw.omics[omic] for member, raw in members.items()}
        spellings = _spellings({member: table.columns for member, table in tables.items()})
        shared = _shared(omic, spellings)
        own = {member: [names[key] for key in shared] for member, names in spellings.items()}
        spelled = next(iter(own.values()))
        omics[omic] = pd.concat([table[own[member]].set_axis(spelled, axis=1) for member, table in tables.items()])
        annotated = next((member for member, raw in members.items() if omic in raw.var), None)
        if annotated is not None:
            var[omic] = members[annotated].var[omic].loc[own[annotated]].set_axis(spelled)
        steps += _steps(omic, members, spellings, len(shared))
    renamed = _renamed(members)
    return RawCohort(
        omics,
        _join_clinical(members, renamed),
        pd.concat([raw.patients for raw in members.values()]),
        steps,
        pd.concat([_with_member(raw.ledger, member) for member, raw in members.items()], ignore_index=True),
        _join_reports({member: raw.join for member, raw in members.items()}, JOIN_COLUMNS),
        _join_reports({member: raw.unmatched for member, raw in members.items()}, UNMATCHED_COLUMNS),
        var,
        [replace(note, source=f"{member}: {note.source}") for member, raw in members.items() for note in raw.notes],
        written=_join_written(members, renamed),
    )


def _check_patients(members: Mapping[str, RawCohort]) -> None:
    first: dict[str, str] = {}
    for member, raw in members.items():
        for name in raw.patients:
            barcode = parse_barcode(name)
            patient = barcode.patient if barcode else name
            if first.setdefault(patient, member) != member:
                raise AmuclError(
                    "a patient is in two members of a joined dataset",
                    where=f"patient {patient}",
                    expected="each patient in one member",
                    got=f"{first[patient]} and {member}",
                    action="leave one of the two out of `members`, or the patient out of one",
                )


def _spellings(features: Mapping[str, pd.Index]) -> dict[str, dict[str, str]]:
    """Member -> a key for each of its features -> its own name of it; names with the same key are one feature."""
    folded = {member: [name.casefold() for name in names] for member, names in features.items()}
    twice = {key for keys in folded.values() for key, count in Counter(keys).items() if count > 1}
    return {
        member: {name if key in twice else key: name for key, name in zip(folded[member], names, strict=True)}
        for member, names in features.items()
    }


def _shared(omic: str, spellings: dict[str, dict[str, str]]) -> list[str]:
    """Keys that every member has, in the order of the first."""
    (first, names), *others = spellings.items()
    shared = list(names)
    for member, others_names in others:
        common = [key for key in shared if key in others_names]
        if len(common) < 2:
            raise AmuclError(
                f"{len(common) or 'no'} feature of {omic} is shared by {member} and the members before it",
                expected=f"at least 2, with names such as {some(names[key] for key in shared)} ({first})",
                got=f"{some(others_names.values())} ({member})",
                action="spell features alike in all members, or leave the member or the omic out",
            )
        shared = common
    return shared


def _steps(
    omic: str, members: Mapping[str, RawCohort], spellings: dict[str, dict[str, str]], n_shared: int
) -> list[Step]:
    own = [
        replace(step, reason=f"{member}: {step.reason}")
        for member, raw in members.items()
        for step in raw.steps
        if step.omic == omic
    ]
    n = sum(len(raw.omics[omic]) for raw in members.values())
    n_union = len(set().union(*spellings.values()))
    counts = ", ".join(f"{member} {len(names)}" for member, names in spellings.items())
    reason = f"features that every member has; their own: {counts}"
    return [*own, Step(omic, "shared_features", n, n, n_union, n_shared, reason=reason)]


def _renamed(members: Mapping[str, RawCohort]) -> str:
    """What a clinical column of the members is called that has the name of that of the member."""
    taken = {name for raw in members.values() for name in raw.clinical.columns}
    renamed = f"{CANCER}_clinical"
    while renamed in taken:
        renamed += "_2"
    return renamed


def _join_written(members: Mapping[str, RawCohort], renamed: str) -> pd.DataFrame:
    """The clinical columns as text; where a member does not know how they were written, whole numbers without .0."""
    tables = [
        raw.clinical.apply(class_names).astype(object).assign(**{name: raw.written[name] for name in raw.written})
        for raw in members.values()
    ]
    return pd.concat(tables).rename(columns={CANCER: renamed})


def _join_clinical(members: Mapping[str, RawCohort], renamed: str) -> pd.DataFrame:
    tables = [raw.clinical.astype(object) for raw in members.values()]
    clinical = tidy_columns(pd.concat(tables).map(_whole).rename(columns={CANCER: renamed}))
    clinical.insert(0, CANCER, [member for member, raw in members.items() for _ in raw.clinical.index])
    return clinical


def _whole(cell: object) -> object:
    """3.0 as 3, which is how a member where the column is text writes it."""
    return int(cell) if isinstance(cell, float) and cell.is_integer() else cell


def _with_member(ledger: pd.DataFrame, member: str) -> pd.DataFrame:
    named = ledger.copy()
    named.insert(0, "member", member)
    return named


def _join_reports(reports: Mapping[str, pd.DataFrame], columns: list[str]) -> pd.DataFrame:
    rows = [
        row | {"source": f"{member}: {row['source']}"}
        for member, report in reports.items()
        for row in report.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=columns)
