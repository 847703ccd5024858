"""Survival and covariates of a clinical table, found by the names that people give them, in the columns the rest reads.

Every endpoint that is found becomes ``{endpoint}_time`` (days) and ``{endpoint}_event`` (1 or 0): ``os_time``,
``os_event``, ``pfs_time`` and so on. The columns it came from stay. Names are those of resources/clinical_columns.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from amucl.cohort.assembly import MAX_DAYS, OWN_COLUMNS
from amucl.cohort.clinical.names import (
    BENCHMARK_LABELS,
    DAYS_OF,
    DEATH,
    ENDPOINTS,
    EVENT,
    LAST,
    TIME,
    Meaning,
    coding,
    label_columns,
    looks_like_survival,
    meanings,
    require_column,
    spellings,
    squeezed,
    table,
    unit_of,
)
from amucl.cohort.clinical.values import Events, age_unit, ages, numbers, read_events, stages
from amucl.cohort.notes import Note
from amucl.errors import AmuclError, counted, some

SHORT = 400  # days: a longest follow-up below it, of no known unit, may well be in months
_FEW = 0.05
COLUMNS = ["role", "column", "unit", "n_known", "n_patients"]
_GENERIC = len(table()["overall"])  # the group of names such as time and status: used, but not suspected


@dataclass(frozen=True)
class Found:
    """One endpoint of a table.

    Attributes
    ----------
    time, event : by patient, in days, and 1 or 0; NaN where unknown.
    columns : the columns of the time, then that of the event.
    unit : of the time as it was written, and whether its name or the user says so (unit_known).
    how : what the cells of an event say.
    told : what was decided on the way, in words.
    """

    endpoint: str
    time: pd.Series
    event: pd.Series
    columns: tuple[str, ...]
    unit: str
    how: str = ""
    told: list[str] = field(default_factory=list)
    unit_known: bool = True


def canonical_clinical(
    clinical: pd.DataFrame,
    setting: Mapping | bool | None = None,
    *,
    own_survival: bool = False,
    prefixes: Sequence[str] = (),
    covariates: Mapping[str, str] | None = None,
) -> tuple[pd.DataFrame, list[dict], list[Note]]:
    """The clinical data with the columns of every endpoint that is found, what was used, and what was decided.

    Parameters
    ----------
    clinical : patients x columns.
    setting : ``survival`` of the dataset's entry: time, event, unit and event_values of overall survival, and by name
        of other endpoints; False: nothing is looked for.
    own_survival : the source reads overall survival by a rule of its own: it is not looked for.
    prefixes : names of label tables, whose columns begin with them and are looked at after all others.
    covariates : ``age``, ``sex`` and ``stage`` -> the column that is to be taken for it.

    Returns
    -------
    The table; rows of `COLUMNS`, one for each of os_time, os_event, ..., age, gender, stages; notes.

    Raises
    ------
    AmuclError : a column or value that `setting` names is absent, or a time is impossible.
    """
    given = survival_settings(setting)
    notes, rows, result, used = [], [], clinical, set()
    for endpoint in ENDPOINTS if setting is not False else ():
        mine = given.get(endpoint, {})
        declared = {f"{endpoint}_time", f"{endpoint}_event"} <= set(clinical.columns) and not mine
        if endpoint == "os" and not mine and (own_survival or (declared and _is_canonical(clinical))):
            used |= {"os_time", "os_event"}
            if "os_time" in clinical:
                _warn_of_unit(clinical["os_time"], notes)
            continue
        found = _given(clinical, endpoint, mine, prefixes) if mine else _recognised(clinical, endpoint, prefixes)
        if found is None:
            continue
        found = _checked(found, clinical)
        used |= set(found.columns)
        before, result = result, _with_columns(result, found)
        rows += _survival_rows(found)
        if found.told or result is not before or found.columns != (f"{endpoint}_time", f"{endpoint}_event"):
            notes.append(_survival_note(found))
    if {"os_time", "os_event"} <= set(result.columns) and not any(row["role"] == "os_time" for row in rows):
        rows = [_row(name, name, unit, result[name]) for name, unit in (("os_time", "days"), ("os_event", ""))] + rows
    if not own_survival and setting is not False:
        notes += _unused(clinical, used, "os_time" in result and "os_event" in result)
    for name, column in (covariates or {}).items():
        require_column(clinical.columns, column, key=f"covariates.{name}")
        cells = clinical[column]
        result = _with_column(result, f"{name}_covariate", ages(cells) if name == "age" else cells)
    used_covariates = _covariate_rows(result, {f"{name}_covariate": one for name, one in (covariates or {}).items()})
    if not own_survival:
        notes += _covariate_notes(used_covariates)
        notes += _unread_notes(result, used_covariates)
    return result, rows + used_covariates, notes


def survival_settings(setting: Mapping | bool | None) -> dict[str, dict]:
    """The entry ``survival`` by endpoint: what stands in it directly is of overall survival."""
    if not setting:
        return {}
    direct = {key: value for key, value in setting.items() if key not in ENDPOINTS}
    by_endpoint = {key: dict(value) for key, value in setting.items() if key in ENDPOINTS}
    return ({"os": direct} if direct else {}) | by_endpoint


def column_table(dataset: str, rows: Sequence[dict]) -> pd.DataFrame:
    """What `canonical_clinical` used as a table: dataset and `COLUMNS`."""
    return pd.DataFrame([{"dataset": dataset, **row} for row in rows], columns=["dataset", *COLUMNS])


def endpoints_of(clinical: pd.DataFrame) -> list[str]:
    """The endpoints of a prepared cohort, overall survival first."""
    return [one for one in ENDPOINTS if {f"{one}_time", f"{one}_event"} <= set(clinical.columns)]


def _is_canonical(clinical: pd.DataFrame) -> bool:
    return all(pd.api.types.is_numeric_dtype(clinical[name]) for name in ("os_time", "os_event"))


def _given(clinical: pd.DataFrame, endpoint: str, mine: Mapping, prefixes: Sequence[str]) -> Found | None:
    """What the user says, and the rest by the names; None where only the names could tell and do not."""
    key = f"survival.{endpoint}" if endpoint != "os" else "survival"
    for one in (TIME, EVENT):
        if one in mine:
            require_column(clinical.columns, mine[one], key=f"{key}.{one}")
    times, events = _candidates(clinical, endpoint, "")
    time = [(Meaning(-1, 0, TIME), mine[TIME])] if TIME in mine else [one for one in times if one[1] != mine.get(EVENT)]
    event = (
        [(Meaning(-1, 0, EVENT), mine[EVENT])] if EVENT in mine else [one for one in events if one[1] != mine.get(TIME)]
    )
    found = _pair(clinical, endpoint, time, event, mine)
    for prefix in prefixes if found is None and not {TIME, EVENT} & set(mine) else ():
        found = found or _pair(clinical, endpoint, *_candidates(clinical, endpoint, prefix), mine)
    if found is not None:
        return found
    raise AmuclError(
        f"no survival of this description is in the clinical table: {'time' if not time else 'event'} is missing"
        if not time or not event
        else "the event column cannot be read",
        where=key,
        expected="a column of times and one of events: dead and alive, 1 and 0",
        got=_values_of(clinical[mine[EVENT]]) if EVENT in mine else some(clinical.columns, 20),
        action="write survival: {time: ..., event: ..., unit: days, event_values: [...]}",
    )


def _recognised(clinical: pd.DataFrame, endpoint: str, prefixes: Sequence[str]) -> Found | None:
    for prefix in ("", *prefixes):
        found = _pair(clinical, endpoint, *_candidates(clinical, endpoint, prefix), {})
        if found is not None:
            return found
    return None


def _candidates(
    clinical: pd.DataFrame, endpoint: str, prefix: str
) -> tuple[list[tuple[Meaning, str]], list[tuple[Meaning, str]]]:
    """Columns whose names and values may be times, and those that may be events, the likeliest first."""
    times, events = [], []
    for column in clinical.columns:
        name = _without(prefix, column)
        if name is None or column in OWN_COLUMNS:
            continue
        own = list(_meanings(name, endpoint))
        for meaning in own:
            if f"{endpoint}_{meaning.role}" == column:
                meaning = replace(meaning, rank=-1)
            cells = clinical[column]
            if meaning.role == EVENT:
                if read_events(cells, endpoint=endpoint, codes=coding(name)[1]) is not None:
                    events.append((meaning, column))
            elif _is_time(cells, meaning, ambiguous=len(own) > 1):
                times.append((meaning, column))
    return sorted(times, key=_order), sorted(events, key=_order)


def _order(candidate: tuple[Meaning, str]) -> tuple:
    meaning, column = candidate
    return meaning.group, meaning.rank, meaning.role, column


def _without(prefix: str, column: str) -> str | None:
    if not prefix:
        return column
    return column.removeprefix(f"{prefix}.") if column.startswith(f"{prefix}.") else None


def _meanings(name: str, endpoint: str) -> Iterator[Meaning]:
    """What a name may mean, in its first spelling that means anything."""
    known = meanings(endpoint)
    alone = coding(name)[0]
    for spelling in spellings(name) if alone == name else (*spellings(name), *spellings(alone)):
        if spelling in known:
            yield from known[spelling]
            return


def _is_time(cells: pd.Series, meaning: Meaning, *, ambiguous: bool) -> bool:
    """Whether most known cells are numbers; of a name that may be an event too, more than codes."""
    values = numbers(cells) if not pd.api.types.is_bool_dtype(cells) else cells.where(False).astype(float)
    known = values.dropna()
    if not len(known) or 2 * len(known) < cells.notna().sum() or (ambiguous and set(known) <= {0.0, 1.0, 2.0}):
        return False
    unread = cells[cells.notna() & values.isna()].astype(str)  # "Deceased 1135" is a time that would be lost
    if unread.str.contains(r"\d").sum() > _FEW * len(known):
        return False
    return meaning.group < _GENERIC or bool((known <= MAX_DAYS).all())


def _pair(clinical: pd.DataFrame, endpoint: str, times: list, events: list, mine: Mapping) -> Found | None:
    """Time and event of the first group that has both, else the likeliest of each."""
    groups = sorted({meaning.group for meaning, _ in [*times, *events]})
    for group in [*groups, None]:
        some_times, some_events = (
            [one for one in found if group is None or one[0].group in (group, -1)] for found in (times, events)
        )
        for event in some_events:
            others = [one for one in some_times if one[1] != event[1]]
            found = _read(clinical, endpoint, others, event, mine) if others else None
            if found is not None:
                return found
    return None


def _read(clinical: pd.DataFrame, endpoint: str, times: list, event: tuple, mine: Mapping) -> Found | None:
    cells = clinical[event[1]]
    read = read_events(
        cells,
        endpoint=endpoint,
        values=mine.get("event_values"),
        codes=coding(event[1])[1] if EVENT not in mine else None,
    )
    if read is None:
        return None
    told = []
    if "event_values" in mine:
        _require_values(cells, read, mine["event_values"])
    if read.n_unread:
        unread = f"{counted(read.n_unread, 'cell')} of {event[1]} read neither as an event nor as none"
        told.append(f"{unread}, so unknown: {some(pd.Index(read.unread))}")
    meaning, column = times[0]
    if meaning.role in (DEATH, LAST):
        return _composite(clinical, endpoint, times, event[1], read, mine, told)
    said = mine.get("unit") or meaning.unit or _unit_column(clinical)
    time = numbers(clinical[column])
    if said is None:
        _warn(time, told)
    days = time * DAYS_OF[said or "days"]
    return Found(endpoint, days, read.codes, (column, event[1]), said or "days", read.how, told, said is not None)


def _composite(
    clinical: pd.DataFrame, endpoint: str, times: list, event: str, read: Events, mine: Mapping, told: list[str]
) -> Found | None:
    """Days to death of the dead, to the last follow-up of the living."""
    by_role = {role: [one for one in times if one[0].role == role] for role in (DEATH, LAST)}
    if not all(by_role.values()):
        return next(
            (_read(clinical, endpoint, [one], (None, event), mine) for one in times if one[0].role == TIME), None
        )
    unit = {role: mine.get("unit") or ones[0][0].unit or "days" for role, ones in by_role.items()}
    death = numbers(clinical[by_role[DEATH][0][1]]) * DAYS_OF[unit[DEATH]]
    follow_ups = [column for _, column in by_role[LAST]]
    last = pd.concat([numbers(clinical[one]) for one in follow_ups], axis=1).max(axis=1) * DAYS_OF[unit[LAST]]
    died = read.codes == 1
    if n := int((died & death.isna()).sum()):
        told.append(f"{n} died on an unknown day: their time is unknown")
    if n := int(((read.codes == 0) & death.notna()).sum()):
        told.append(f"alive with a day of death: {n}, of whom the last follow-up is taken")
    told.append("death of those who died, the last follow-up of the others")
    time = death.where(died, last).where(read.codes.notna())
    return Found(endpoint, time, read.codes, (by_role[DEATH][0][1], *follow_ups, event), unit[DEATH], read.how, told)


def _require_values(cells: pd.Series, read: Events, values: Sequence) -> None:
    if not read.codes.eq(1).any():
        raise AmuclError(
            "no patient has an event of these values",
            where="survival.event_values",
            expected=f"some of {_values_of(cells)}",
            got=some(pd.Index([str(value) for value in values])),
        )


def _values_of(cells: pd.Series) -> str:
    return some(pd.Index(sorted({str(cell) for cell in cells.dropna()})), 6)


def _unit_column(clinical: pd.DataFrame) -> str | None:
    names = [squeezed(name) for name in table()["unit_columns"]]
    for column in sorted(clinical.columns):
        said = {unit_of(str(cell)) for cell in clinical[column].dropna()} if squeezed(column) in names else set()
        if len(said) == 1:
            return said.pop()
    return None


def _warn(time: pd.Series, told: list[str]) -> None:
    if time.max() < SHORT:
        told.append(
            f"the longest is only {time.max():g} days: if the unit is months or years write survival: {{unit: months}}"
        )


def _warn_of_unit(cells: pd.Series, notes: list[Note]) -> None:
    told: list[str] = []
    time = numbers(cells)
    if time.notna().any():
        _warn(time, told)
    notes += [Note("clinical", "survival unit", int(time.notna().sum()), f"os_time is in days: {one}") for one in told]


def _checked(found: Found, clinical: pd.DataFrame) -> Found:
    """Without negative times; AmuclError for one longer than a life."""
    negative = found.time < 0
    told = list(found.told)
    if negative.any():
        whose = f"{counted(int(negative.sum()), 'patient')}: {some(found.time.index[negative])}"
        told.append(f"negative times, taken as unknown, of {whose}")
    time = found.time.mask(negative)
    beyond = (time > MAX_DAYS) | np.isinf(time)
    if beyond.any():
        patient = time.index[beyond][0]
        raise AmuclError(
            "impossible survival",
            where=f"clinical table, {found.columns[0]}, sample {patient}",
            expected=f"days, 0 to {MAX_DAYS}",
            got=f"{clinical.loc[patient, found.columns[0]]} {found.unit} = {time[patient]:g} days",
            action="write the unit, as survival: {unit: days}, or survival: false",
        )
    words = clinical[found.columns[0]]
    lost = words.notna() & numbers(words).isna()
    if lost.any():
        told.append(f"{counted(int(lost.sum()), 'cell')} of {found.columns[0]} not a number: {_values_of(words[lost])}")
    lone = [int((one.notna() & other.isna()).sum()) for one, other in ((time, found.event), (found.event, time))]
    if any(lone):
        parts = [
            f"{n} {what}" for n, what in zip(lone, ("a time but no event", "an event but no time"), strict=True) if n
        ]
        told.append(f"left out are patients with half of it: {', '.join(parts)}")
    return replace(found, time=time, told=told)


def _with_columns(clinical: pd.DataFrame, found: Found) -> pd.DataFrame:
    """The table with the endpoint's two columns; other cells of these names become {name}_clinical."""
    for name, values in ((f"{found.endpoint}_time", found.time), (f"{found.endpoint}_event", found.event)):
        same = name in clinical and pd.api.types.is_numeric_dtype(clinical[name])
        if not (same and clinical[name].astype(float).equals(values)):
            clinical = _with_column(clinical, name, values)
    return clinical


def _with_column(clinical: pd.DataFrame, name: str, values: pd.Series) -> pd.DataFrame:
    if name in clinical:
        other = f"{name}_clinical"
        while other in clinical:
            other += "_2"
        clinical = clinical.rename(columns={name: other})
    return clinical.assign(**{name: values.rename(name)})


def _survival_rows(found: Found) -> list[dict]:
    *times, event = found.columns
    name = found.endpoint
    return [
        _row(f"{name}_time", ", ".join(times), found.unit, found.time),
        _row(f"{name}_event", event, f"event: {found.how}", found.event),
    ]


def _survival_note(found: Found) -> Note:
    *times, event = found.columns
    both = found.time.notna() & found.event.notna()
    name = "overall survival" if found.endpoint == "os" else found.endpoint.upper()
    length = f" of {DAYS_OF[found.unit]:g} days" if found.unit in ("months", "years") else ""
    length = length if found.unit_known else " as no unit is named"
    told = "".join(f"; {one}" for one in found.told)
    key = "survival: {" if found.endpoint == "os" else f"survival: {{{found.endpoint}: {{"
    return Note(
        "clinical",
        "survival columns",
        int(both.sum()),
        f"{name}: time from {', '.join(times)} ({found.unit}{length}), event from {event} ({found.how or 'none'}); "
        f"known of {int(both.sum())} of {len(both)} patients, {int(found.event[both].sum())} events{told}; "
        f"to have it otherwise write {key}time: ..., event: ..., unit: ...{'}' * key.count('{')}",
    )


def _unused(clinical: pd.DataFrame, used: set[str], has_survival: bool) -> list[Note]:
    """Columns that look like survival and were not used, in one note."""
    units = [squeezed(name) for name in table()["unit_columns"]]
    generic = [] if has_survival else _generic(clinical)
    other = [
        column
        for column in clinical.columns
        if column not in used
        and squeezed(column) not in units
        and (_suspect(column) or column in generic)
        and clinical[column].notna().any()
    ]
    if not other:
        return []
    what = "" if has_survival else "no survival was found; "
    return [
        Note(
            "clinical",
            "survival not used",
            len(other),
            f"{what}columns that look like survival and were not used: {some(pd.Index(other), 8)}; to use them write "
            "survival: {time: ..., event: ..., unit: ..., event_values: [...]}",
        )
    ]


def _generic(clinical: pd.DataFrame) -> list[str]:
    """Columns such as time and status, where both stand in the table: one alone may be anything."""
    roles = {column: {m.role for m in _meanings(column, "os") if m.group == _GENERIC} for column in clinical.columns}
    found = [column for column, own in roles.items() if own]
    return found if {TIME, EVENT} <= set().union(*roles.values()) else []


def _suspect(column: str) -> bool:
    known = any(m.group < _GENERIC for endpoint in ENDPOINTS for m in _meanings(column, endpoint))
    return known or looks_like_survival(column)


def _covariate_rows(clinical: pd.DataFrame, given: Mapping[str, str]) -> list[dict]:
    """given : column of `clinical` -> the name it had, of those the configuration names."""
    rows = []
    for label in (*BENCHMARK_LABELS, "clinical_stage"):
        best = best_column(label, clinical)
        if best is not None:
            cells = clinical[best].rename(given.get(best, best))
            rows.append(_row(label, cells.name, age_unit(cells) if label == "age" else "", _read_label(label, cells)))
    return rows


def best_column(label: str, clinical: pd.DataFrame) -> str | None:
    """The first column by its name that is known for half of the patients or more, else the first of all.

    One that the configuration names goes before, however few have it.
    """
    columns = label_columns(label, clinical.columns)
    known = (one for one in columns if 2 * _read_label(label, clinical[one]).notna().sum() >= len(clinical))
    given = columns[:1] if columns and columns[0].endswith("_covariate") else []
    return next(iter([*given, *known]), columns[0] if columns else None)


def _read_label(label: str, cells: pd.Series) -> pd.Series:
    if label == "age":
        return ages(cells)
    return stages(cells) if label.endswith("stage") else cells


def _covariate_notes(rows: Sequence[dict]) -> list[Note]:
    """By which column age, sex and stages were found, where that had to be recognised, and ages that were converted."""
    plain = {*(name.casefold() for name in BENCHMARK_LABELS), "sex", "stage", "age_at_initial_pathologic_diagnosis"}
    notes = []
    found = [row for row in rows if row["column"].casefold() not in plain]
    if found:
        told = ", ".join(
            f"{row['role']} from {row['column']} ({row['n_known']} of {row['n_patients']})" for row in found
        )
        notes.append(Note("clinical", "covariate columns", len(found), told))
    notes += [
        Note(
            "clinical",
            "age unit",
            row["n_known"],
            f"{row['column']} is in {row['unit']} and is read as years of {DAYS_OF['years']:g} days",
        )
        for row in rows
        if row["role"] == "age" and row["unit"] != "years"
    ]
    return notes


def _unread_notes(clinical: pd.DataFrame, rows: Sequence[dict]) -> list[Note]:
    """Known cells of the ages and stages that say neither: hazard ratios are not adjusted for them."""
    notes = []
    for row in rows:
        if not (row["role"] == "age" or row["role"].endswith("stage")) or row["column"] not in clinical:
            continue
        cells = clinical[row["column"]]
        lost = cells[cells.notna() & _read_label(row["role"], cells).isna()]
        if len(lost):
            what = "age in numbers" if row["role"] == "age" else "stage from 0 to IV"
            told = (
                f"{len(lost)} of {int(cells.notna().sum())} cells of {row['column']} are no {what} and are unknown to "
            )
            told += f"hazard ratios: {_values_of(lost)}"
            notes.append(Note("clinical", "covariates not read", len(lost), told))
    return notes


def _row(role: str, column: str, unit: str, values: pd.Series) -> dict:
    counts = {"n_known": int(values.notna().sum()), "n_patients": len(values)}
    return {"role": role, "column": column, "unit": unit} | counts
