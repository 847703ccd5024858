"""What a multi-omics cohort is: raw (as a source gives it) and prepared (the MuData that every method reads)."""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import anndata
import mudata
import numpy as np
import pandas as pd

from amucl.cohort.account import with_notes
from amucl.cohort.assembly import (
    Tables,
    check_survival,
    join_clinical,
    join_tables,
    rows_by_barcode,
    rows_by_id,
)
from amucl.cohort.clinical.classes import class_names
from amucl.cohort.clinical.table import add_clinical, spellings_of
from amucl.cohort.columns import WRITTEN_NAMES, stored_columns, with_written_columns
from amucl.cohort.ids.barcodes import TUMOUR_TYPES
from amucl.cohort.ids.identifiers import CohortIds
from amucl.cohort.ids.matching import match_notes
from amucl.cohort.ids.strangers import without_strangers
from amucl.cohort.notes import Note
from amucl.cohort.readers.tables import (
    REPEATED_FEATURES,
    read_clinical,
    read_columns,
    read_h5mu,
    read_omic,
    spreadsheet_ids,
)
from amucl.cohort.readers.words import UnknownWords
from amucl.errors import AmuclError, counted, some
from amucl.files import atomic_path, reserve

logger = logging.getLogger(__name__)

COUNTS = "counts"  # the layer of raw counts
FOUND = "found"  # in `var` of new patients: features that they have, the others being filled
LEAST_SHARED = 0.5  # of a reference's features
_HDF5_BYTES = 1 << 20
_HDF5_BYTES_OF_A_COLUMN = 1 << 13


@dataclass(frozen=True)
class Step:
    """What one step did to one omic, in samples, features and values."""

    omic: str
    step: str
    samples_in: int
    samples_out: int
    features_in: int
    features_out: int
    values_changed: int = 0
    reason: str = ""


@dataclass
class RawCohort:
    """A cohort as its source gives it: one row per patient and omic, nothing transformed.

    Attributes
    ----------
    omics : omic -> samples x features (float64, NaN where missing), indexed by row id.
    clinical : columns by row id: ``os_time`` in days, ``os_event`` (1 death, 0 censored), others by their own names.
    patients : row id -> patient.
    steps : what reading did, omic by omic.
    ledger : one row per omic and source column: omic column sample patient status reason.
    join : what joining clinical tables did: source unit (rows or cells) n_in n_matched n_dropped reason examples.
    unmatched : one row per id that `join` counts as dropped: source id reason.
    var : omic -> annotation of its features (optional).
    notes : what was guessed, dropped, converted or left out on the way.
    clinical_columns : which columns of the source survival, age, sex and stages were read from, one a row (see
        `amucl.cohort.clinical.columns.COLUMNS`).
    written : the clinical columns as text, as their files have them, where that is known.
    """

    omics: Tables
    clinical: pd.DataFrame
    patients: pd.Series
    steps: list[Step]
    ledger: pd.DataFrame
    join: pd.DataFrame
    unmatched: pd.DataFrame
    var: Tables = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    clinical_columns: list[dict] = field(default_factory=list)
    written: pd.DataFrame = field(default_factory=pd.DataFrame)


def assemble(
    tables: Tables,
    *,
    clinical: pd.DataFrame | None = None,
    clinical_where: object = "clinical table",
    tcga: bool = False,
    sample_types: tuple[str, ...] = TUMOUR_TYPES,
    where: Mapping[str, object] | None = None,
    features_read: Mapping[str, int] | None = None,
    left_out: Mapping[str, Sequence[tuple[str, int, str]]] | None = None,
    var: Tables | None = None,
    declared_survival: bool = True,
) -> RawCohort:
    """A RawCohort from samples x features tables and a clinical table, both keyed by the source's own sample ids.

    `where` gives the file of each omic, for the messages. `features_read` gives the number of features before
    duplicates were merged, where that differs; `left_out` what was left out before that: (step, features that stayed,
    reason). `declared_survival`: ``os_time`` and ``os_event`` are days and 0 or 1, as their names have it, unless the
    configuration describes them otherwise. Raises AmuclError when there is
    no omic, when an omic (or the clinical table) shares no sample with the
    others, or when ``os_time`` or ``os_event`` is impossible.
    """
    if not tables:
        raise AmuclError("the cohort has no omic", expected="at least one table")
    omics, patients, ledger, notes = (*rows_by_barcode(tables, sample_types, where), []) if tcga else rows_by_id(tables)
    _require_shared_samples(omics, tables, where)
    chosen = f"one of the types {', '.join(sample_types)} per patient" if tcga else "every sample"
    steps = []
    for omic, table in tables.items():
        (n, n_kept), p = (len(table), len(omics[omic])), table.shape[1]
        p_read = (features_read or {}).get(omic, p)
        steps.append(Step(omic, "read", n, n, p_read, p_read, reason="as the source has it" + _doubts(omic, table)))
        for step, p_left, reason in (left_out or {}).get(omic, ()):
            steps.append(Step(omic, step, n, n, p_read, p_left, reason=reason))
            p_read = p_left
        steps += [
            Step(omic, "duplicate_features", n, n, p_read, p, reason="of rows with one name the highest mean is kept"),
            Step(omic, "tumour_samples", n, n_kept, p, p, reason=chosen),
        ]
    joined, report = pd.DataFrame(index=patients.index), []
    if clinical is not None:
        if declared_survival:
            check_survival(clinical, clinical_where)
        found, matches = CohortIds(patients, spellings_of(ledger), tcga=tcga).match(list(clinical.index))
        joined, report = join_clinical(clinical, patients, tcga=tcga, where=clinical_where, found=found)
        notes += match_notes(matches, "table", source="clinical", other="the cohort")
    return RawCohort(omics, joined, patients, steps, ledger, *join_tables(report), var or {}, notes)


def read_files_cohort(
    omics: Mapping[str, str | os.PathLike],
    *,
    clinical: str | os.PathLike | None = None,
    orientation: str = "features_in_rows",
    tcga: bool = False,
    declared_survival: bool = True,
    words: UnknownWords | None = None,
) -> RawCohort:
    """A RawCohort from the user's own files (formats: see `read_omic` and `read_clinical`).

    Every sample is a patient of its own, and ids of several omics and of the clinical table are matched as `match_ids`
    says; with `tcga`, ids are barcodes and every patient keeps one tumour sample. The clinical table is joined by the
    column that names the samples best (`id_column`). `words` is what means unknown, by default the list of
    resources/unknown_words.txt.
    """
    notes: list[Note] = []
    tables = {
        omic: read_omic(path, omic=omic, orientation=orientation, words=words, notes=notes)
        for omic, path in omics.items()
    }
    repeated = {note.source: note.n for note in notes if note.what == REPEATED_FEATURES}
    counts = {omic: table.shape[1] + repeated.get(omic, 0) for omic, table in tables.items()}
    own, declared = {"where": omics, "features_read": counts}, {"declared_survival": declared_survival}
    if clinical is None or str(clinical).lower().endswith(".h5mu"):
        table = None if clinical is None else read_clinical(clinical, words=words, notes=notes)
        raw = assemble(tables, clinical=table, clinical_where=clinical, tcga=tcga, **own, **declared)
        return with_notes(raw if tcga else without_strangers(raw, _with_clinical(raw)), notes)
    raw = assemble(tables, tcga=tcga, **own)
    columns = read_columns(clinical, purpose="clinical table", notes=notes, source="clinical")
    raw = add_clinical(raw, columns, where=clinical, tcga=tcga, words=words, **declared)
    return with_notes(raw if tcga else without_strangers(raw, _with_clinical(raw)), notes)


def _with_clinical(raw: RawCohort) -> list[str]:
    """The rows that the clinical table has, were it with nothing but unknown cells."""
    if not raw.join["source"].isin(["clinical", "cohort"]).any():
        return []
    lacking = set(raw.unmatched.loc[raw.unmatched["source"] == "cohort", "id"])
    return [row for row in raw.patients.index if row not in lacking]


def make_cohort(omics: Mapping[str, anndata.AnnData], obs: pd.DataFrame, about: dict) -> mudata.MuData:
    """The MuData of prepared omics. `obs` is indexed by row id; `about` goes to ``uns["amucl"]`` as JSON."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="var_names are not unique")  # genes may stand in two omics
        cohort = mudata.MuData(dict(omics))
    cohort.obs = pd.DataFrame({name: _storable(obs[name]) for name in obs}, index=obs.index).loc[cohort.obs_names]
    cohort.uns["amucl"] = json.dumps(about)
    return cohort


def write_cohort(cohort: mudata.MuData, path: str | os.PathLike) -> None:
    """Write `cohort` as .h5mu; the same cohort gives the same bytes."""
    with atomic_path(path) as temporary, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="var_names are not unique")
        reserve(temporary, _most_bytes(cohort))  # HDF5 crashes where it comes upon a full disk by itself
        with _stored(cohort):
            cohort.write_h5mu(temporary, compression="gzip")


@contextmanager
def _stored(cohort: mudata.MuData) -> Iterator[None]:
    """Clinical columns by names that HDF5 can hold; what they are called stands in ``uns["amucl_columns"]``."""
    obs = cohort.obs
    names = stored_columns(obs.columns)
    changed = {key: name for name, key in names.items() if key != name}
    cohort.uns.pop(WRITTEN_NAMES, None)
    if changed:
        cohort.uns[WRITTEN_NAMES] = json.dumps(changed, sort_keys=True)
        cohort.obs = obs.rename(columns=names)
    try:
        yield
    finally:
        if changed:
            cohort.obs = obs


def _most_bytes(cohort: mudata.MuData) -> int:
    """More than the cohort's file will have."""
    arrays = [array for data in cohort.mod.values() for array in (data.X, *data.layers.values())]
    frames = [cohort.obs, *(frame for data in cohort.mod.values() for frame in (data.obs, data.var))]
    tables = sum(
        int(frame.memory_usage(deep=True).sum()) + frame.shape[1] * _HDF5_BYTES_OF_A_COLUMN for frame in frames
    )
    return sum(array.nbytes for array in arrays) + tables + len(cohort.uns["amucl"]) + _HDF5_BYTES


def read_cohort(path: str | os.PathLike) -> mudata.MuData:
    """Read what `write_cohort` wrote, clinical columns by the names that people gave them.

    Raises AmuclError if `path` is no .h5mu, or not one of this pipeline.
    """
    cohort = read_h5mu(path)
    if "amucl" not in cohort.uns:
        raise AmuclError(
            'not a prepared cohort: uns["amucl"] is absent', where=path, action="give the raw file as `omics`"
        )
    obs = with_written_columns(cohort.obs, cohort.uns)
    cohort.obs = pd.DataFrame({name: _plain(obs[name]) for name in obs}, index=cohort.obs_names)
    return cohort


def about(cohort: mudata.MuData) -> dict:
    """Provenance of `cohort`: dataset, source, files, preprocessing, truth, n_clusters, log2 (omics logged).

    Also counts (omics that are raw counts), technical (columns of ``obs`` with their totals) and depth (omic -> its
    `amucl.cohort.preparation.depth.DepthScaling` as plain values).
    """
    return json.loads(cohort.uns["amucl"])


def require_patients(cohort: mudata.MuData, ks: Sequence[int]) -> None:
    """Refuse to look for more clusters than there are patients with every omic."""
    complete = len(set.intersection(*(set(cohort[omic].obs_names) for omic in cohort.mod)))
    if max(ks) > complete:
        raise AmuclError(
            "more clusters are asked for than there are patients with every omic",
            where=f"{about(cohort)['dataset']}, keys `k`, `n_clusters` and `biology`",
            expected=f"at most {complete}",
            got=max(ks),
            action="ask for fewer",
        )


def views(
    cohort: mudata.MuData, *, layer: str | None = "normalized", complete: bool = True
) -> tuple[list[np.ndarray], list[str], list[str], list[list[str]]]:
    """What a method learns from: the selected features of every omic.

    Parameters
    ----------
    layer : name of a layer, or None for the analysis scale X.
    complete : only patients that have every omic; otherwise all, with rows of NaN where an omic is missing.

    Returns
    -------
    list of (n x p_m) float32 arrays, omic names, sample ids in the order of ``obs``, list of feature ids
    """
    omics = list(cohort.mod)
    samples = list(cohort.obs_names)
    if complete:
        shared = set.intersection(*(set(cohort[omic].obs_names) for omic in omics))
        samples = [sample for sample in samples if sample in shared]
    arrays, features = [], []
    for omic in omics:
        selected = cohort[omic][:, cohort[omic].var["selected"].to_numpy()]
        arrays.append(selected.to_df(layer=layer).reindex(samples).to_numpy(np.float32))
        features.append(list(selected.var_names))
    return arrays, omics, samples, features


def matched_views(
    cohort: mudata.MuData, features: Mapping[str, Sequence[str]]
) -> tuple[list[np.ndarray], list[str], pd.DataFrame]:
    """The features of a model in another cohort, on the analysis scale.

    Parameters
    ----------
    features : omic -> names of the model's features.

    Returns
    -------
    list of (n x p_m) float64 arrays, NaN where the cohort has no such feature and in the rows of patients without the
    omic; sample ids, those without any of the omics left out; and a table of how many features were found: omic
    n_features n_found. Raises AmuclError where an omic that both have shares less than half of the features.
    """
    tables, found = [], []
    for omic, names in features.items():
        table = cohort[omic].to_df() if omic in cohort.mod else pd.DataFrame()
        shared = _measured(cohort, omic).intersection(names) if omic in cohort.mod else table.columns
        if omic in cohort.mod and len(shared) < LEAST_SHARED * len(names):
            raise AmuclError(
                f"{omic} has {len(shared)} of the {len(names)} features that the model goes by",
                where=about(cohort)["dataset"],
                expected=f"at least {LEAST_SHARED:.0%}, such as {some(names)}",
                got=some(table.columns),
                action="check that features are named alike; leave the omic out if it is another platform's",
            )
        tables.append(table.reindex(index=cohort.obs_names, columns=list(names)))
        found.append({"omic": omic, "n_features": len(names), "n_found": len(shared)})
    present = ~np.all([table.isna().all(axis=1) for table in tables], axis=0)
    arrays = [table[present].to_numpy(np.float64) for table in tables]
    return arrays, list(cohort.obs_names[present]), pd.DataFrame(found)


def truth(cohort: mudata.MuData, samples: Sequence[str]) -> pd.Series | None:
    """Known labels of `samples` as strings (missing where unknown), or None for a cohort without a truth column."""
    column = about(cohort)["truth"]
    if column is None:
        return None
    return class_names(cohort.obs.loc[list(samples), column])


def analysis_matrix(cohort: mudata.MuData, omic: str) -> pd.DataFrame:
    """Samples x all kept features of `omic` on the analysis scale (for differential expression).

    Of new patients those features that they have: others were filled in by the reference's.
    """
    if omic not in cohort.mod:
        raise AmuclError("no such omic in the cohort", expected=some(cohort.mod, 20), got=omic)
    return cohort[omic].to_df()[_measured(cohort, omic)]


def _measured(cohort: mudata.MuData, omic: str) -> pd.Index:
    """The features that a cohort itself has."""
    var = cohort[omic].var
    return var.index[var[FOUND].to_numpy(bool)] if FOUND in var else var.index


def raw_counts(cohort: mudata.MuData, omic: str) -> pd.DataFrame | None:
    """Samples x the features of `analysis_matrix`: the counts it was made of; None where the omic is no counts.

    Fractions where the source has expected counts or a missing count was imputed.
    """
    if omic not in about(cohort).get("counts", ()):
        return None
    return cohort[omic].to_df(layer=COUNTS)[_measured(cohort, omic)]


def _doubts(omic: str, table: pd.DataFrame) -> str:
    """What a spreadsheet seems to have done to the names of features; also logged."""
    mangled = spreadsheet_ids(table.columns)
    if not mangled:
        return ""
    told = (
        f"{counted(len(mangled), 'feature id looks', 'feature ids look')} like dates or numbers made by a spreadsheet"
    )
    told += f": {some(mangled)}"
    logger.warning("%s: %s", omic, told)
    return f"; {told}"


def _storable(cells: pd.Series) -> pd.Series:
    return cells if pd.api.types.is_numeric_dtype(cells) else cells.astype("category")


def _plain(cells: pd.Series) -> pd.Series:
    """Numbers as float64 (mudata reads them as nullable integers), everything else as strings."""
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        return cells.astype(np.float64)
    return cells.astype(object).where(cells.notna(), np.nan)


def _require_shared_samples(omics: Tables, tables: Tables, where: Mapping[str, object] | None) -> None:
    for omic, table in omics.items():
        others = [other for other in omics if other != omic]
        if others and not any(set(table.index) & set(omics[other].index) for other in others):
            named = [f"{other} ({where[other]})" if where else other for other in others]
            raise AmuclError(
                f"{omic} shares no samples with {some(named)}",
                where=(where or {}).get(omic),
                expected=f"ids such as {some(tables[others[0]].index)}",
                got=some(tables[omic].index),
                action="check that ids are spelled alike and that `orientation` is right",
            )
