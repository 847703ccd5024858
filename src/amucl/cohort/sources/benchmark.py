"""The TCGA benchmark of Rappoport & Shamir: http://acgt.cs.tau.ac.il/multi_omic_benchmark

An archive {cancer}.zip holds exp, methy, mirna and survival; clinical.zip holds clinical/{cancer}. Members are read in
memory and never extracted.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from amucl.cohort.account import with_notes
from amucl.cohort.assembly import join_clinical, join_tables
from amucl.cohort.clinical.followup import join_followup, parse_followup
from amucl.cohort.cohort import RawCohort, assemble
from amucl.cohort.ids.barcodes import TUMOUR_TYPES
from amucl.cohort.notes import Note
from amucl.cohort.readers.annotation import merge_duplicates
from amucl.cohort.readers.archives import read_members
from amucl.cohort.readers.tables import parse_numbers, parse_strings, tidy_columns
from amucl.cohort.readers.text import check_ids
from amucl.cohort.readers.words import UnknownWords
from amucl.errors import AmuclError, some

MEMBERS = {"expression": "exp", "methylation": "methy", "mirna": "mirna"}
MAX_BYTES = 4 * 2**30

_ENTREZ_PIPE = re.compile(r"(?P<symbol>.*)\|(?P<entrez>[0-9]+)")
_ENTREZ_DOT = re.compile(r"(?P<symbol>.+)\.(?P<entrez>[0-9]+)")
_UNKNOWN_SYMBOL = re.compile(r"[?]?|X\.*")  # '?' becomes 'X.' where R has made the names
_DOT_SHARE = 0.9  # symbols with a dot (ESP.1, RP11-34.1) are the exception; a table SYMBOL.ENTREZ has it in every row


def read_benchmark(
    archive: str | os.PathLike,
    *,
    cancer: str,
    omics: Sequence[str],
    clinical_archive: str | os.PathLike | None = None,
    sample_types: tuple[str, ...] = TUMOUR_TYPES,
    max_bytes: int = MAX_BYTES,
    words: UnknownWords | None = None,
) -> RawCohort:
    """Read one cancer of the benchmark: one tumour sample per patient and omic, survival and clinical columns joined.

    Parameters
    ----------
    archive : {cancer}.zip.
    cancer : its name in `clinical_archive`.
    omics : which of ``expression``, ``methylation``, ``mirna`` to read.
    sample_types : TCGA sample types that count as tumours, in order of preference.
    max_bytes : largest uncompressed size of a member.
    words : what means unknown; the list of resources/unknown_words.txt by default.

    Raises
    ------
    AmuclError : the archive is damaged, unsafe or lacks a member, or a member is not the table it should be.
    """
    unknown = [omic for omic in omics if omic not in MEMBERS]
    if unknown:
        raise AmuclError("the benchmark has no such omic", where=cancer, expected=some(MEMBERS), got=some(unknown))
    advice = {MEMBERS[omic]: f"declare `omics:` without {omic} in the dataset's registry entry" for omic in omics}
    texts = read_members(archive, [*advice, "survival"], max_bytes=max_bytes, advice=advice)
    tables, features_read, var = {}, {}, {}
    notes: list[Note] = []
    for omic in omics:
        where = f"{archive}:{MEMBERS[omic]}"
        rows = parse_numbers(texts[MEMBERS[omic]], where, kind=".txt", words=words, notes=notes, source=omic)
        check_ids(rows.columns, "sample", where)
        names, entrez = feature_names(rows.index, omic)
        check_ids(list(dict.fromkeys(names)), "feature", where)
        rows, keep = merge_duplicates(rows.set_axis(names))
        tables[omic], features_read[omic] = rows.T, len(names)
        if entrez is not None:
            var[omic] = pd.DataFrame({"entrez": np.asarray(entrez, dtype=object)[keep]}, index=rows.index)
    where = {omic: f"{archive}:{MEMBERS[omic]}" for omic in omics}
    raw = assemble(tables, tcga=True, sample_types=sample_types, where=where, features_read=features_read, var=var)
    survival, report = join_followup(read_survival(texts["survival"], f"{archive}:survival", words), raw.patients)
    if clinical_archive is not None:
        where, text = (
            f"{clinical_archive}:clinical/{cancer}",
            read_members(clinical_archive, [cancer], max_bytes=max_bytes),
        )
        table = parse_strings(text[cancer], where, words=words, notes=notes, source="clinical")
        clinical, clinical_report = _join_clinical(table, raw.patients, where)
        survival, report = survival.join(clinical), report + clinical_report
    raw.clinical = survival
    raw.join, raw.unmatched = join_tables(report)
    return with_notes(raw, notes)


def feature_names(rows: Sequence[str], omic: str) -> tuple[list[str], list[str] | None]:
    """Feature ids from the benchmark's row names, and the Entrez ids of genes (None where the table has none).

    ``SYMBOL|ENTREZ`` gives SYMBOL, and so does ``SYMBOL.ENTREZ`` when nearly every row of an expression table ends so;
    an unknown symbol (``?|123``) gives ``ENTREZ:123``. ``hsa.let.7a.1`` gives ``hsa-let-7a-1``. Other names stay.
    """
    if omic == "mirna":
        return [name.replace(".", "-") if name.lower().startswith("hsa.") else name for name in rows], None
    if omic != "expression":
        return list(rows), None
    dotted = np.mean([_ENTREZ_DOT.fullmatch(name) is not None for name in rows]) >= _DOT_SHARE
    names, entrez = [], []
    for name in rows:
        match = _ENTREZ_PIPE.fullmatch(name) or (_ENTREZ_DOT.fullmatch(name) if dotted else None)
        unknown = match is not None and _UNKNOWN_SYMBOL.fullmatch(match["symbol"])
        names.append(name if match is None else f"ENTREZ:{match['entrez']}" if unknown else match["symbol"])
        entrez.append(match["entrez"] if match else "")
    return names, entrez if any(entrez) else None


def read_survival(text: str, where: object, words: UnknownWords | None = None) -> pd.DataFrame:
    """The benchmark's survival table as columns id, patient, os_time (days), os_event (1 death, 0 censored).

    Both dialects are read: patient level in lower case, sample level in upper case. Zero times are kept, negative times
    stay for the join to count. Raises AmuclError, with the line, where an id is no barcode or a value is impossible.
    """
    table = parse_strings(text, where, words=words)
    columns = {name.casefold(): position for position, name in enumerate(table.columns)}
    if not {"survival", "death"} <= set(columns):
        wanted = "columns PatientID, Survival, Death"
        raise AmuclError("not a survival table", where=where, expected=wanted, got=some(table.columns))
    place = {"id": "PatientID", "os_time": "Survival", "os_event": "Death"}
    times, events = (table.iloc[:, columns[name]] for name in ("survival", "death"))
    return parse_followup(times, events, where, columns=place)


def _join_clinical(table: pd.DataFrame, patients: pd.Series, where: object) -> tuple[pd.DataFrame, list[dict]]:
    check_ids(table.index, "sample", where)
    check_ids(table.columns, "column", where)
    table = table.rename(columns={"os_time": "os_time_clinical", "os_event": "os_event_clinical"})
    joined, report = join_clinical(tidy_columns(table), patients, tcga=True, where=where)
    return joined.dropna(axis=1, how="all"), report
