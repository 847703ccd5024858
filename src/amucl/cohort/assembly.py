"""From tables keyed by a source's own column ids to tables keyed by patients, with an account of every column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from amucl.cohort.clinical.values import read_events
from amucl.cohort.ids.barcodes import choose_tumour_samples, parse_barcode
from amucl.cohort.ids.matching import barcode_note, match_ids, match_notes
from amucl.cohort.notes import Note
from amucl.errors import AmuclError, some

LEDGER_COLUMNS = ["omic", "column", "sample", "patient", "status", "reason"]
JOIN_COLUMNS = ["source", "unit", "n_in", "n_matched", "n_dropped", "reason", "examples"]
UNMATCHED_COLUMNS = ["source", "id", "reason"]
MAX_DAYS = 50_000  # longer than a life
OWN_COLUMNS = ("patient", "sample", "_index")  # names of ids, not of what was measured

Tables = dict[str, pd.DataFrame]


def rows_by_id(tables: Tables) -> tuple[Tables, pd.Series, pd.DataFrame, list[Note]]:
    """Every column is a sample, every sample a patient; ids of several omics are matched as `match_ids` says.

    Returns as `rows_by_barcode`, and what is to be told of the ids. A row is named as the first omic writes it.
    """
    matches = match_ids({omic: table.index for omic, table in tables.items()})
    rows, renamed, notes = [], {}, []
    for omic, table in tables.items():
        names = [matches.name[omic, sample] for sample in table.index]
        renamed[omic] = table.set_axis(pd.Index(names, dtype=object, name=table.index.name))
        for sample, name in zip(table.index, names, strict=True):
            said = matches.level.get((omic, sample))
            reason = f"{name} in an earlier omic, which differs in {said}" if said else ""
            rows.append((omic, sample, name, name, "kept", reason))
        notes += match_notes(matches, omic, source=omic, other="other omics")
    samples = list(dict.fromkeys(name for table in renamed.values() for name in table.index))
    told = barcode_note(samples)
    patients = pd.Series(samples, index=samples, dtype=object)
    return renamed, patients, pd.DataFrame(rows, columns=LEDGER_COLUMNS), notes + ([told] if told else [])


def rows_by_barcode(
    tables: Tables, sample_types: tuple[str, ...], where: Mapping[str, object] | None = None
) -> tuple[Tables, pd.Series, pd.DataFrame]:
    """Keep one tumour sample per patient and omic.

    A patient's omics come from the first sample type that all of them have; where there is none, each omic gives its
    preferred sample and the row is named by the first omic's.

    Returns the tables indexed by row id (``TCGA-AB-2803-03``), the Series row id -> patient, and the ledger: one row
    per omic and column. `where` gives the file of each omic, for the messages.
    """
    prefer = _common_types(tables, sample_types)
    choices = {omic: choose_tumour_samples(table.index, sample_types, prefer=prefer) for omic, table in tables.items()}
    kept = {omic: choice[choice["status"] == "kept"] for omic, choice in choices.items()}
    row_of: dict[str, str] = {}
    for choice in kept.values():
        for patient, sample in zip(choice["patient"], choice["sample"], strict=True):
            row_of.setdefault(patient, sample)
    chosen, ledgers = {}, []
    for omic, choice in kept.items():
        if choice.empty:
            raise AmuclError(
                "no tumour sample with a TCGA barcode",
                where=(where or {}).get(omic, omic),
                expected=f"barcodes such as TCGA-AB-2803-03 of sample types {', '.join(sample_types)}",
                got=some(tables[omic].index),
            )
        chosen[omic] = tables[omic].loc[choice["column"]].set_axis(choice["patient"].map(row_of).to_list())
        ledgers.append(_ledger(omic, choices[omic], row_of))
    patients = pd.Series({row: patient for patient, row in row_of.items()}, dtype=object)
    return chosen, patients, pd.concat(ledgers, ignore_index=True)


def by_rows(table: pd.DataFrame, found: Mapping[str, str], patients: pd.Series) -> pd.DataFrame:
    """The rows of a table by those of the cohort, missing where nothing is known. found : row of the cohort -> id."""
    return table.reindex([found.get(row) for row in patients.index]).set_axis(patients.index)


def join_clinical(
    clinical: pd.DataFrame,
    patients: pd.Series,
    *,
    tcga: bool,
    where: object,
    found: Mapping[str, str] | None = None,
    repeated: Sequence[str] = (),
) -> tuple[pd.DataFrame, list[dict]]:
    """Give every row of the cohort its clinical row.

    Ids are compared as written; for TCGA by barcode: the same sample first, else the first barcode of the same patient
    (what a clinical table says of a tumour or of a normal sample, it says of the patient). `found`, row of the cohort
    -> id, says it where the ids were matched before; `repeated` are the ids of rows that were merged into others.

    Returns the clinical columns indexed by the cohort's rows (missing where nothing is known) and the rows of the join
    report. Raises AmuclError when no id is shared.
    """
    if found is None:
        targets = targets_by_barcode(clinical.index, patients) if tcga else {row: row for row in patients.index}
        found = {row: key for row, key in targets.items() if key in clinical.index}
    if not found:
        raise AmuclError(
            "the clinical table shares no sample with the cohort",
            where=where,
            expected=f"ids such as {some(patients.index)}",
            got=some(clinical.index),
            action="check the first column of the table",
        )
    joined = by_rows(clinical, found, patients)
    used = set(found.values())
    known = set(patients)
    unused = [key for key in clinical.index if key not in used]
    same_patient = {key for key in unused if tcga and (code := parse_barcode(key)) and code.patient in known}
    others = [*repeated, *(key for key in unused if key in same_patient)]
    strangers = [key for key in unused if key not in same_patient]
    n = len(clinical) + len(repeated)
    report = [
        join_row("clinical", n, others, "another row stands for the same patient"),
        join_row("clinical", n - len(others), strangers, "not in the cohort"),
        join_row("cohort", len(patients), [row for row in patients.index if row not in found], "no clinical data"),
    ]
    return joined, report


def check_survival(clinical: pd.DataFrame, where: object) -> None:
    """Refuse `os_time` that is not a number of days from 0 to `MAX_DAYS` and `os_event` that is not 0 or 1.

    An `os_event` of words alone, every one of which tells who died, stays to be read as such.
    """
    for column, allowed in (("os_time", f"days, 0 to {MAX_DAYS}"), ("os_event", "1 (death) or 0 (censored)")):
        if column not in clinical:
            continue
        numbers = pd.to_numeric(clinical[column], errors="coerce")
        possible = numbers.between(0, MAX_DAYS) if column == "os_time" else numbers.isin([0, 1])
        wrong = clinical[column].notna() & ~possible
        if (
            column == "os_event"
            and numbers.isna().all()
            and (read := read_events(clinical[column]))
            and not read.n_unread
        ):
            continue
        if np.any(wrong):
            sample = clinical.index[int(np.argmax(wrong))]
            raise AmuclError(
                "impossible survival",
                where=f"{where}, {column}, sample {sample}",
                expected=allowed,
                got=clinical.loc[sample, column],
            )


def join_row(source: str, n_in: int, dropped: list[str], reason: str) -> dict:
    """One row of the join report, and its `dropped` ids: `n_in` entered, all but these went on."""
    examples = ", ".join(list(dict.fromkeys(dropped))[:3])
    counts = {"n_in": n_in, "n_matched": n_in - len(dropped), "n_dropped": len(dropped)}
    return {"source": source, "unit": "rows", **counts, "reason": reason, "examples": examples, "dropped": dropped}


def cells_row(source: str, n_in: int, n_unknown: int, reason: str, columns: list[str]) -> dict:
    """One row of the join report that counts cells: of `n_in`, `n_unknown` were read as unknown, in these columns."""
    examples = ", ".join(columns[:3])
    counts = {"n_in": n_in, "n_matched": n_in - n_unknown, "n_dropped": n_unknown}
    return {"source": source, "unit": "cells", **counts, "reason": reason, "examples": examples, "dropped": []}


def join_tables(report: list[dict]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The rows of `join_row` as two tables: the join report (`JOIN_COLUMNS`), and every id that it counts as dropped.

    The second has columns `UNMATCHED_COLUMNS`, and n_dropped rows for every row of the first whose unit is rows: an id
    whose source repeats it stands there as often as it was dropped.
    """
    dropped = [(row["source"], name, row["reason"]) for row in report for name in row["dropped"]]
    return pd.DataFrame(report, columns=JOIN_COLUMNS), pd.DataFrame(dropped, columns=UNMATCHED_COLUMNS)


def _common_types(tables: Tables, sample_types: tuple[str, ...]) -> dict[str, str]:
    """Patient -> first sample type found in every omic that has a tumour sample of the patient."""
    found: dict[str, list[set[str]]] = {}
    for table in tables.values():
        types: dict[str, set[str]] = {}
        for barcode in filter(None, map(parse_barcode, table.index)):
            if barcode.sample_type in sample_types:
                types.setdefault(barcode.patient, set()).add(barcode.sample_type)
        for patient, own in types.items():
            found.setdefault(patient, []).append(own)
    common = {patient: set.intersection(*sets) for patient, sets in found.items()}
    return {patient: min(types, key=sample_types.index) for patient, types in common.items() if types}


def _ledger(omic: str, choice: pd.DataFrame, row_of: dict[str, str]) -> pd.DataFrame:
    ledger = choice.assign(omic=omic)
    kept = ledger["status"] == "kept"
    rows = ledger["patient"].map(row_of)
    elsewhere = kept & (rows != ledger["sample"])
    ledger.loc[elsewhere, "reason"] = "stands in the row of the patient's sample " + rows[elsewhere].astype(str)
    ledger.loc[kept, "sample"] = rows[kept]
    return ledger[LEDGER_COLUMNS]


def targets_by_barcode(ids: pd.Index, patients: pd.Series) -> dict[str, str | None]:
    """Row of the cohort -> the id that is a barcode of the same sample, else the first of the same patient, else None.

    patients : row id -> patient.
    """
    by_sample: dict[str, str] = {}
    by_patient: dict[str, str] = {}
    for key in sorted(ids):
        barcode = parse_barcode(key)
        if barcode is not None:
            by_sample.setdefault(barcode.sample, key)
            by_patient.setdefault(barcode.patient, key)
    return {row: by_sample.get(row, by_patient.get(patient)) for row, patient in patients.items()}
