"""Follow-up of TCGA patients: from a table of samples or patients to one survival time and event per patient."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np
import pandas as pd

from amucl.cohort.assembly import MAX_DAYS, join_row
from amucl.cohort.ids.barcodes import parse_barcode
from amucl.cohort.readers.text import NUMBER
from amucl.errors import AmuclError, some

logger = logging.getLogger(__name__)


def parse_followup(times: pd.Series, events: pd.Series, where: object, *, columns: Mapping[str, str]) -> pd.DataFrame:
    """Columns id, patient, os_time (days), os_event (1 death, 0 censored) from cells as written, indexed by barcodes.

    Row i stands on line i + 2 of `where`. `columns` names the columns id, os_time and os_event of the source, for the
    messages. Zero times are kept, negative times stay for the join to count. Raises AmuclError, with the line, where an
    id is no barcode or a value is impossible.
    """
    rows = []
    for line, (name, time, event) in enumerate(zip(times.index, times, events, strict=True), start=2):
        places = {key: f"{where}, line {line}, column {column}" for key, column in columns.items()}
        barcode = parse_barcode(name)
        if barcode is None:
            raise AmuclError("not a TCGA barcode", where=places["id"], got=name)
        days = _number(time, places["os_time"], "days")
        if days > MAX_DAYS:
            raise AmuclError("impossible time", where=places["os_time"], expected=f"at most {MAX_DAYS} days", got=days)
        death = _number(event, places["os_event"], "0 or 1")
        if death not in (0, 1) and not np.isnan(death):
            raise AmuclError("impossible event", where=places["os_event"], expected="0 or 1", got=death)
        rows.append((barcode.sample, barcode.patient, days, death))
    return pd.DataFrame(rows, columns=["id", "patient", "os_time", "os_event"])


def join_followup(survival: pd.DataFrame, patients: pd.Series) -> tuple[pd.DataFrame, list[dict]]:
    """Give every row of the cohort the follow-up of its patient.

    Parameters
    ----------
    survival : as `parse_followup` returns it. A negative time is taken as missing; of a patient's rows that differ, the
        one with the longest follow-up stands.
    patients : row id -> patient.

    Returns ``os_time`` and ``os_event`` indexed by the cohort's rows (missing where unknown) and the rows of the join
    report.
    """
    negative = survival["os_time"] < 0
    report = [join_row("survival", len(survival), list(survival["id"][negative]), "negative time, taken as missing")]
    survival = survival.copy()
    survival.loc[negative, ["os_time", "os_event"]] = np.nan
    for key, what in (("id", "the id"), ("patient", "the patient")):
        survival, rows = _collapse(survival, key, what)
        report += rows
    survival = survival.set_index("patient")[["os_time", "os_event"]]
    strangers = list(survival.index[~survival.index.isin(patients)])
    joined = survival.reindex(patients).set_axis(patients.index)
    unknown = joined.index[joined.isna().any(axis=1)]
    report += [
        join_row("survival", len(survival), strangers, "not in the cohort"),
        join_row("cohort", len(patients), list(unknown), "no survival time or event"),
    ]
    return joined, report


def _collapse(survival: pd.DataFrame, key: str, what: str) -> tuple[pd.DataFrame, list[dict]]:
    """One row per `key`: of those that differ, the one with the longest follow-up (a death before a censoring)."""
    values = ["os_time", "os_event"]
    ranked = survival.sort_values(values, ascending=False, na_position="last", kind="stable")
    repeated = ranked[ranked.duplicated(key)].sort_index()
    kept = ranked.drop_duplicates(key).sort_index()
    winner = kept.set_index(key)[values].reindex(repeated[key]).to_numpy()
    own = repeated[values].to_numpy()
    conflict = ~(np.isnan(own) | (own == winner)).all(axis=1)
    same, other = list(repeated["id"][~conflict]), list(repeated["id"][conflict])
    if other:
        logger.warning(
            "survival: %s is repeated with other values; the longest follow-up is kept: %s", what, some(other)
        )
    return kept, [
        join_row("survival", len(survival), same, f"{what} is repeated with the same values"),
        join_row("survival", len(survival) - len(same), other, f"{what} is repeated with other values"),
    ]


def _number(cell: object, where: str, expected: str) -> float:
    if pd.isna(cell):
        return np.nan
    if not NUMBER.fullmatch(cell) or np.isinf(float(cell)):
        raise AmuclError("not a number", where=where, expected=expected, got=repr(cell))
    return float(cell)
