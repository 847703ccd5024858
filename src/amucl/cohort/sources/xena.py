"""TCGA cohorts of the UCSC Xena hub https://tcga.xenahubs.net (Goldman et al., Nat. Biotechnol. 38, 2020, 675-678).

A cohort is a gzipped table for each omic (features in rows, samples in columns), a table of phenotypes and one of
survival. Expression and miRNA are on a log2 scale, methylation are beta values; NA is a missing value.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
import pandas as pd

from amucl.cohort.account import with_notes
from amucl.cohort.assembly import join_clinical, join_tables
from amucl.cohort.clinical.followup import join_followup, parse_followup
from amucl.cohort.cohort import RawCohort, assemble
from amucl.cohort.ids.barcodes import TUMOUR_TYPES, parse_barcode
from amucl.cohort.notes import Note
from amucl.cohort.readers.annotation import merge_duplicates
from amucl.cohort.readers.tables import parse_strings, stream_numbers, tidy_columns
from amucl.cohort.readers.text import check_ids, decode
from amucl.cohort.readers.words import UnknownWords
from amucl.cohort.sources.benchmark import feature_names
from amucl.errors import AmuclError, some
from amucl.files import require_file

NAMELESS = "?"
SURVIVAL_COLUMNS = {"id": "sample", "os_time": "OS.time", "os_event": "OS"}


def read_xena(
    omics: Mapping[str, str | os.PathLike],
    *,
    clinical: str | os.PathLike,
    survival: str | os.PathLike,
    max_missing: float = 0.2,
    top_probes: int | None = 20_000,
    sample_types: tuple[str, ...] = TUMOUR_TYPES,
    words: UnknownWords | None = None,
) -> RawCohort:
    """Read one cohort of the hub: one tumour sample per patient and omic, survival and clinical columns joined.

    Overall survival becomes ``os_time`` and ``os_event``; the other endpoints and all phenotypes keep their names, a
    phenotype whose name is taken becomes ``{name}_clinical``. Of genes with one name the one with the highest mean
    stays, genes without a name (``?``) are dropped.

    Parameters
    ----------
    omics : omic -> its table; that of ``methylation`` is reduced as `read_probes` says.
    clinical, survival : {cohort}_clinicalMatrix and {cohort}_survival.txt.
    max_missing, top_probes : see `read_probes`.
    sample_types : TCGA sample types that count as tumours, in order of preference.
    words : what means unknown; the list of resources/unknown_words.txt by default.

    Raises
    ------
    AmuclError : a file is missing, damaged or not the table it should be, or no tumour sample is in it.
    """
    notes: list[Note] = []
    outcomes = _read_outcomes(survival, words)
    phenotypes = _read_strings(clinical, "phenotype table", words, notes, "clinical")
    followup = parse_followup(outcomes["OS.time"], outcomes["OS"], survival, columns=SURVIVAL_COLUMNS)
    tables, features_read, left_out = {}, {}, {}
    for omic, path in omics.items():
        if omic == "methylation":
            rows, n_read, n_known = read_probes(
                path, max_missing=max_missing, top=top_probes, sample_types=sample_types, words=words, notes=notes
            )
            left_out[omic] = [("missing_probes", n_known, f"more than {max_missing:.0%} missing in the tumours")]
            left_out[omic] += [("top_probes", len(rows), "highest variance over the tumours")]
        else:
            rows = pd.concat(stream_numbers(path, words=words, notes=notes, source=omic))
            _tumours(rows.columns, path, sample_types)
            n_read, named = len(rows), rows.index != NAMELESS
            rows = rows[named]
            left_out[omic] = [("nameless_features", len(rows), "no name but ?")]
        names, _ = feature_names(rows.index, omic)
        check_ids(list(dict.fromkeys(names)), "feature", path)
        tables[omic], features_read[omic] = merge_duplicates(rows.set_axis(names))[0].T, n_read
    counts = {"features_read": features_read, "left_out": left_out}
    raw = assemble(tables, tcga=True, sample_types=sample_types, where=omics, **counts)
    overall, report = join_followup(followup, raw.patients)
    endpoints = outcomes.drop(columns=["OS", "OS.time", "_PATIENT"], errors="ignore")
    taken = {name: f"{name}_clinical" for name in [*overall, *endpoints]}
    known, rows = _join(phenotypes.rename(columns=taken), raw.patients, clinical)
    others, _ = _join(endpoints, raw.patients, survival)  # its samples are counted with the follow-up's
    raw.clinical = overall.join([known, others])
    raw.join, raw.unmatched = join_tables(report + rows)
    return with_notes(raw, notes)


def read_probes(
    path: str | os.PathLike,
    *,
    max_missing: float,
    top: int | None,
    sample_types: tuple[str, ...] = TUMOUR_TYPES,
    n_rows: int = 2000,
    words: UnknownWords | None = None,
    notes: list[Note] | None = None,
) -> tuple[pd.DataFrame, int, int]:
    """The probes that vary most over the tumours, read `n_rows` at a time: an array has 485,577.

    No more than 2 `top` + `n_rows` probes are held at a time, as float32.

    Parameters
    ----------
    max_missing : largest fraction of the tumours without a value that a probe may have; one without any is dropped.
    top : number of probes to keep, in the order of the table; None for all.
    words, notes : see `stream_numbers`.

    Returns probes x samples (float64, normals too), the number of probes read, and of those with enough values.
    """
    held, variances, n_read, n_known = [], [], 0, 0
    for rows in stream_numbers(path, n_rows=n_rows, words=words, notes=notes, source="methylation"):
        tumours = rows.to_numpy()[:, _tumours(rows.columns, path, sample_types)]
        missing = np.isnan(tumours).mean(axis=1)
        known = (missing <= max_missing) & (missing < 1)
        held.append(rows[known].astype(np.float32))
        variances.append(np.nanvar(tumours[known], axis=1))
        n_read, n_known = n_read + len(rows), n_known + int(known.sum())
        if top is not None and sum(map(len, held)) > 2 * top:
            held, variances = _most_variable(held, variances, top)
    (kept,), _ = _most_variable(held, variances, top)
    return kept.astype(np.float64), n_read, n_known


def _most_variable(
    held: list[pd.DataFrame], variances: list[np.ndarray], top: int | None
) -> tuple[list[pd.DataFrame], list[np.ndarray]]:
    """Of all probes the `top` with the highest variance (the first of equals), in their order."""
    variance = np.concatenate(variances)
    chosen = np.sort(np.argsort(-variance, kind="stable")[:top])
    return [pd.concat(held).iloc[chosen]], [variance[chosen]]


def _tumours(columns: pd.Index, path: str | os.PathLike, sample_types: tuple[str, ...]) -> np.ndarray:
    """Which of the table's columns are tumour samples."""
    barcodes = [parse_barcode(column) for column in columns]
    if not any(barcodes):
        raise AmuclError(
            "no column is a TCGA sample",
            where=path,
            expected="features in rows, and columns such as TCGA-05-4244-01",
            got=some(columns),
            action="fetch the table as the hub has it",
        )
    check_ids(columns, "sample", path, place="column")
    tumours = np.array([barcode is not None and barcode.sample_type in (*sample_types, None) for barcode in barcodes])
    if not tumours.any():
        types = f"samples of the types {', '.join(sample_types)}"
        raise AmuclError("no column is a tumour sample", where=path, expected=types, got=some(columns))
    return tumours


def _join(table: pd.DataFrame, patients: pd.Series, where: object) -> tuple[pd.DataFrame, list[dict]]:
    joined, report = join_clinical(tidy_columns(table), patients, tcga=True, where=where)
    return joined.dropna(axis=1, how="all"), report


def _read_outcomes(path: str | os.PathLike, words: UnknownWords | None) -> pd.DataFrame:
    table = _read_strings(path, "survival table", words)
    lacking = [name for name in ("OS", "OS.time") if name not in table]
    if lacking:
        wanted = f"columns {', '.join(SURVIVAL_COLUMNS.values())}"
        raise AmuclError(f"no column {some(lacking)}", where=path, expected=wanted, got=some(table.columns, 12))
    return table


def _read_strings(
    path: str | os.PathLike,
    purpose: str,
    words: UnknownWords | None,
    notes: list[Note] | None = None,
    source: str = "table",
) -> pd.DataFrame:
    text = decode(require_file(path, purpose=purpose).read_bytes(), path)
    table = parse_strings(text, path, words=words, notes=notes, source=source)
    check_ids(table.index, "sample", path, place="line")
    check_ids(table.columns, "column", path, place="column")
    return table
