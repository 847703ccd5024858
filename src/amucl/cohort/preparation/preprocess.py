"""From a raw cohort to what methods learn from, every step counted.

The order follows the TCGA benchmark (Rappoport & Shamir, Nucleic Acids Research 46:10546, 2018): log2 where large,
features and samples with too many missing values dropped, patients intersected, missing values imputed from the nearest
samples (as Troyanskaya et al., Bioinformatics 17:520, 2001, do from the nearest genes), constant features dropped, top
features by variance, normalised per feature. Raw counts are not logged as they are: once the patients are chosen they
are filtered by expression and become log2 counts per million (`amucl.cohort.preparation.depth`).
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from itertools import chain

import anndata
import mudata
import numpy as np
import pandas as pd

from amucl.cohort.clinical.classes import class_names
from amucl.cohort.cohort import COUNTS, RawCohort, Step, make_cohort
from amucl.cohort.columns import own_column
from amucl.cohort.notes import Note
from amucl.cohort.preparation.checks import check_notes, constant_samples
from amucl.cohort.preparation.counting import ExpressionFilter, counted_omics, depth_in_words
from amucl.cohort.preparation.depth import DepthScaling
from amucl.cohort.readers.words import stated_unknown
from amucl.errors import AmuclError, counted, some

STEP_COLUMNS = [
    "dataset", "omic", "step", "samples_in", "samples_out", "features_in", "features_out", "values_changed", "reason",
]  # fmt: skip
COUNT_QUANTILE = 0.99
COUNT_THRESHOLD = 100.0

_CHOICES = {
    "patients": ("intersect", "partial"),
    "impute": ("knn", "median", "none"),
    "normalize": ("zscore", "center", "max", "none"),
    "truth_missing": ("error", "ignore"),
}


@dataclass(frozen=True)
class Preprocessing:
    """Settings of `preprocess`.

    Parameters
    ----------
    patients : ``intersect`` keeps patients with every omic, ``partial`` all.
    max_missing_feature, max_missing_sample : largest fraction of missing values that a feature (sample) may have.
    impute : ``knn`` (mean of the nearest samples that have the value), ``median`` of the feature, or ``none``.
    n_neighbors : number of nearest samples for ``knn``.
    log2 : log2(x + 1): True, False, or ``auto`` (see `looks_like_counts`); also per omic. Not of `counts`.
    counts : omics that are raw counts, ``auto`` to recognise them, or None (see `counting.counted_omics`).
    min_count, min_patients : features of counts that are kept (see `counting.ExpressionFilter`).
    top_features : number of features of highest variance that methods learn from, None for all; also per omic.
    normalize : per feature: ``zscore``, ``center`` (x - mean), ``max`` (x / max|x|) or ``none``.
    truth, truth_missing : column of known labels; whether patients without a label are an ``error``.
    n_clusters : reference number of clusters.
    min_samples : least number of patients.
    """

    patients: str = "intersect"
    max_missing_feature: float = 0.2
    max_missing_sample: float = 0.2
    impute: str = "knn"
    n_neighbors: int = 10
    log2: bool | str | Mapping[str, bool | str] = "auto"
    counts: str | Collection[str] | None = "auto"
    min_count: float = ExpressionFilter.min_count
    min_patients: float = ExpressionFilter.min_patients
    top_features: int | Mapping[str, int | None] | None = 2000
    normalize: str = "zscore"
    truth: str | None = None
    truth_missing: str = "error"
    n_clusters: int | None = None
    min_samples: int = 3

    def __post_init__(self):
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise AmuclError(f"unknown {name}", expected=" or ".join(allowed), got=getattr(self, name))


@dataclass(frozen=True)
class PreprocessedCohort:
    """The prepared cohort, and what became of every feature (`steps`), column (`ledger`) and clinical row (`join`).

    `unmatched` names the clinical rows and patients that `join` counts as dropped, `notes` what was guessed, dropped,
    converted or left out.
    """

    cohort: mudata.MuData
    steps: pd.DataFrame
    ledger: pd.DataFrame
    join: pd.DataFrame
    unmatched: pd.DataFrame
    notes: list[Note]


def preprocess(
    raw: RawCohort,
    settings: Preprocessing | None = None,
    *,
    dataset: str = "cohort",
    source: str = "files",
    files: list[dict] | None = None,
) -> PreprocessedCohort:
    """Prepare `raw` for the methods.

    In every modality of the result, X (float32) holds all kept features on the analysis scale (after log2 and
    imputation), ``layers["normalized"]`` the same features normalised, ``var["selected"]`` marks the features of
    highest variance and ``var["variance"]`` is the variance on the analysis scale. Omics that are raw counts hold these
    in ``layers["counts"]``, and ``obs`` has the total of every patient (``reads``, of several such omics
    ``reads_{omic}``). `files` (name and sha256 of each input) goes into the provenance.

    Raises AmuclError when a step leaves no sample or feature, when fewer than `min_samples` patients remain, when no
    patient has every omic, or when the truth column is absent or incomplete.
    """
    settings = settings or Preprocessing()
    work = _Work(raw)
    work.notes += check_notes(raw.omics)
    for omic in raw.omics:
        _drop_failed(work, omic)
    log2 = {omic: _for_omic(settings.log2, raw.omics, omic, "log2", default="auto") for omic in raw.omics}
    unlogged = [omic for omic, setting in log2.items() if setting is False]
    counted, notes = counted_omics(raw.omics, settings.counts, unlogged)
    work.notes += notes
    for omic in raw.omics:
        if omic not in counted:
            _log2(work, omic, log2[omic])
        _drop_features(work, omic, settings.max_missing_feature)
        _drop_samples(work, omic, settings.max_missing_sample)
    _choose_patients(work, settings)
    depths = {omic: _scale_depth(work, omic, raw.omics[omic], settings) for omic in counted}
    prepared = {}
    for omic in raw.omics:
        _impute(work, omic, settings)
        _drop_constant(work, omic)
        top = _for_omic(settings.top_features, raw.omics, omic, "top_features", default=None)
        prepared[omic] = _modality(work, omic, top, settings.normalize, raw.var.get(omic))
        if omic in depths:
            prepared[omic].layers[COUNTS] = depths[omic].layer(work.tables[omic])
    order = [row for row in raw.patients.index if any(row in table.index for table in work.tables.values())]
    obs = raw.clinical.reindex(order)
    patients = raw.patients.reindex(order)
    if "patient" in obs and (obs["patient"] == patients).all():  # of a prepared cohort that serves as input
        obs = obs.drop(columns="patient")
    obs.insert(0, _own_column(work, "patient", obs), patients)
    _check_truth(obs, settings, work.notes)
    if settings.truth is not None:
        written = raw.written.get(settings.truth, obs[settings.truth])
        obs[settings.truth] = class_names(written.reindex(order))
    names = {omic: _own_column(work, "reads" if len(depths) == 1 else f"reads_{omic}", obs) for omic in depths}
    obs = obs.assign(**{names[omic]: one.reads for omic, one in depths.items()})
    about = {"dataset": dataset, "source": source, "files": files or [], "preprocessing": asdict(settings)}
    logged = [omic for omic, steps in work.steps.items() for one in steps if one.step == "log2" and one.values_changed]
    about |= {"truth": settings.truth, "n_clusters": settings.n_clusters, "log2": logged + counted}
    about |= {"clinical_columns": raw.clinical_columns, "counts": counted, "technical": list(names.values())}
    about["depth"] = {omic: one.scaling.to_dict() for omic, one in depths.items()}
    cohort = make_cohort(prepared, obs, about)
    return PreprocessedCohort(cohort, work.step_table(dataset), work.ledger, raw.join, raw.unmatched, work.notes)


def looks_like_counts(values: np.ndarray) -> bool:
    """Whether log2(x + 1) is due: no negative value, and a 99th percentile above 100.

    Counts, RSEM and reads per million reach thousands; beta values, log ratios and logged values do not reach 100.
    """
    present = values[~np.isnan(values)]
    if not present.size or present.min() < 0:
        return False
    return bool(np.quantile(present, COUNT_QUANTILE) > COUNT_THRESHOLD)


def impute_nearest(values: np.ndarray, n_neighbors: int) -> np.ndarray:
    """Fill NaN in `values` (samples x features) with the mean over the nearest samples that have the feature.

    Nearness is by `nan_distances`; ties go to the sample that comes first. Every feature must have a value in some
    sample. A filled value never serves to fill another.
    """
    filled = values.copy()
    incomplete = np.flatnonzero(np.isnan(values).any(axis=1))
    distances = nan_distances(values[incomplete], values)
    for sample, distance in zip(incomplete, distances, strict=True):
        nearest = np.argsort(distance, kind="stable")
        gaps = np.flatnonzero(np.isnan(values[sample]))
        donors = values[np.ix_(nearest, gaps)]
        has_value = ~np.isnan(donors)
        chosen = has_value & (np.cumsum(has_value, axis=0) <= n_neighbors)
        filled[sample, gaps] = np.where(chosen, donors, 0).sum(axis=0) / chosen.sum(axis=0)
    return filled


def nan_distances(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Mean squared difference over the features that both samples have: (n x p), (m x p) -> (n x m).

    It orders samples as the Euclidean distance scaled up for what is missing does (Dixon, IEEE Trans. SMC 9:617, 1979).
    Samples with no feature in common are infinitely far apart. Three matrix products: scikit-learn's
    nan_euclidean_distances multiplies by a boolean mask, which takes ten times as long (21 s for 500 x 20,000).
    """
    centre = np.nanmean(right, axis=0)  # leaves the differences as they are and loses fewer digits
    (x, has_x), (y, has_y) = ((np.nan_to_num(v - centre), (~np.isnan(v)).astype(np.float64)) for v in (left, right))
    squared = x**2 @ has_y.T + has_x @ (y**2).T - 2 * x @ y.T
    shared = has_x @ has_y.T
    return np.divide(squared, shared, out=np.full_like(squared, np.inf), where=shared > 0)


class _Work:
    """The tables as they are now, and the account of how they came to be so."""

    def __init__(self, raw: RawCohort):
        self.tables = dict(raw.omics)
        self.ledger = raw.ledger.copy()
        self.notes = list(raw.notes)
        self.steps = {omic: [step for step in raw.steps if step.omic == omic] for omic in raw.omics}

    def advance(self, omic: str, step: str, table: pd.DataFrame, *, changed: int = 0, reason: str = "") -> None:
        before = self.tables[omic]
        self.tables[omic] = table
        self.count(omic, step, before.shape, table.shape, changed=changed, reason=reason)
        if table.shape[1] == 0:
            raise AmuclError("no feature is left", where=f"{omic}, step {step}", got=reason)
        if table.shape[0] == 0:
            raise AmuclError("no sample is left: the cohort is empty", where=f"{omic}, step {step}", got=reason)

    def count(self, omic: str, step: str, before: tuple, after: tuple, *, changed: int = 0, reason: str = "") -> None:
        record = Step(omic, step, before[0], after[0], before[1], after[1], changed, reason)
        self.steps.setdefault(omic, []).append(record)

    def drop_samples(self, omic: str, samples: pd.Index, reason: str) -> None:
        lost = (self.ledger["omic"] == omic) & (self.ledger["status"] == "kept") & self.ledger["sample"].isin(samples)
        self.ledger.loc[lost, ["status", "reason"]] = ["dropped", reason]

    def step_table(self, dataset: str) -> pd.DataFrame:
        rows = [{"dataset": dataset, **asdict(step)} for step in chain.from_iterable(self.steps.values())]
        return pd.DataFrame(rows, columns=STEP_COLUMNS)


def _for_omic(setting: object, omics: Mapping, omic: str, name: str, *, default: object) -> object:
    if not isinstance(setting, Mapping):
        return setting
    unknown = [key for key in setting if key not in omics]
    if unknown:
        raise AmuclError(f"{name} names an unknown omic", expected=some(omics, 20), got=some(unknown))
    return setting.get(omic, default)


def _log2(work: _Work, omic: str, setting: bool | str) -> None:
    table = work.tables[omic]
    values = table.to_numpy()
    wanted = looks_like_counts(values) if setting == "auto" else setting
    if not wanted:
        why = f"not counts: negative values, or {COUNT_QUANTILE:.0%} of them at most {COUNT_THRESHOLD:g}"
        work.advance(omic, "log2", table, reason=why if setting == "auto" else "not asked for")
        return
    if np.any(values < 0):
        row, column = np.argwhere(values < 0)[0]
        raise AmuclError(
            "log2(x + 1) of a negative value",
            where=f"{omic}, sample {table.index[row]}, feature {table.columns[column]}",
            expected="counts, 0 or more",
            got=f"{values[row, column]:g}",
            action=f"set log2 to false for {omic}",
        )
    logged = pd.DataFrame(np.log2(values + 1), index=table.index, columns=table.columns)
    work.advance(omic, "log2", logged, changed=int(np.isfinite(values).sum()), reason="log2(x + 1)")


@dataclass(frozen=True)
class _Depth:
    """How an omic's counts were scaled; `counts` are those of the features kept, `reads` the totals of all."""

    counts: pd.DataFrame
    reads: pd.Series
    effective: pd.Series
    scaling: DepthScaling

    def layer(self, logged: pd.DataFrame) -> np.ndarray:
        """The counts of the patients and features of `logged`; where these were imputed, as many as that stands for."""
        counts = self.counts.loc[logged.index, logged.columns]
        if counts.isna().to_numpy().any():
            counts = counts.fillna(self.scaling.counts(logged, self.effective))
        small = counts.to_numpy(np.float32)
        return small if (small == counts.to_numpy()).all() else counts.to_numpy(np.float64)


def _scale_depth(work: _Work, omic: str, raw: pd.DataFrame, settings: Preprocessing) -> _Depth:
    """Raw counts to log2 counts per million of the features that are expressed."""
    table = work.tables[omic]
    rule = ExpressionFilter(settings.min_count, settings.min_patients)
    keep = rule.keep(table)
    reason = f"fewer than {rule.needed(len(table))} patients have {rule.min_count:g} counts at the median depth"
    work.advance(omic, "expressed", table.loc[:, keep], reason=reason)
    counts = work.tables[omic]
    scaling = DepthScaling.fit(counts)
    libraries, reads = scaling.libraries(counts), raw.loc[counts.index].sum(axis=1)
    reason = depth_in_words(reads, libraries, scaling)
    changed = int(counts.notna().to_numpy().sum())
    work.advance(omic, "depth", scaling.transform(counts), changed=changed, reason=reason)
    return _Depth(counts, reads, libraries["effective"], scaling)


def _drop_failed(work: _Work, omic: str) -> None:
    table = work.tables[omic]
    failed = constant_samples(table)
    if not failed:
        return
    reason = "one value in all features, where others are measured"
    work.drop_samples(omic, pd.Index(failed), reason)
    told = f"{counted(len(failed), 'sample')} with {reason}, left out of {omic}: {some(failed)}"
    work.notes.append(Note(omic, "constant samples", len(failed), told))
    work.advance(omic, "constant_samples", table.drop(index=failed), reason=reason)


def _drop_features(work: _Work, omic: str, limit: float) -> None:
    table = work.tables[omic]
    missing = table.isna().mean().to_numpy()
    empty, keep = missing == 1, (missing <= limit) & (missing < 1)
    reason = f"more than {limit:.0%} missing; {empty.sum()} without any value"
    work.advance(omic, "missing_features", table.loc[:, keep], reason=reason)


def _drop_samples(work: _Work, omic: str, limit: float) -> None:
    table = work.tables[omic]
    missing = table.isna().mean(axis=1)
    keep = (missing <= limit) & (missing < 1)
    reason = f"more than {limit:.0%} of the features missing"
    work.drop_samples(omic, table.index[~keep], reason)
    work.advance(omic, "missing_samples", table[keep], reason=reason)


def _choose_patients(work: _Work, settings: Preprocessing) -> None:
    present = {omic: set(table.index) for omic, table in work.tables.items()}
    counts = ", ".join(f"{omic} {len(rows)}" for omic, rows in present.items())
    intersect = settings.patients == "intersect"
    complete = set.intersection(*present.values())
    patients = complete if intersect else set.union(*present.values())
    if len(patients) < settings.min_samples:
        join = intersect and len(present) > 1
        raise AmuclError(
            "too few patients with every omic" if join else "too few patients",
            expected=f"at least {settings.min_samples}",
            got=f"{len(patients)} (samples per omic: {counts})",
            action="check the ids of the samples, or set patients to partial" if join else None,
        )
    if not complete:
        raise AmuclError(
            "no patient has every omic",
            expected="at least one: methods need some",
            got=f"samples per omic: {counts}",
            action="check the ids of the samples, or leave an omic out",
        )
    partial = len(patients) - len(complete)
    everyone = "all patients" + (
        f"; {partial} of {len(patients)} lack an omic: few methods take them" if partial else ""
    )
    for omic, table in work.tables.items():
        keep = table.index.isin(list(patients))
        lacking = {other: ~table.index.isin(list(rows)) for other, rows in present.items() if other != omic}
        if intersect:
            for row in np.flatnonzero(~keep):
                reason = f"no {' and no '.join(other for other, absent in lacking.items() if absent[row])}"
                work.drop_samples(omic, table.index[[row]], reason)
        reason = "patients with every omic" if intersect else everyone
        work.advance(omic, "patients", table[keep], reason=reason)


def _impute(work: _Work, omic: str, settings: Preprocessing) -> None:
    table = work.tables[omic]
    missing = table.isna()
    n_missing, empty = int(missing.to_numpy().sum()), missing.all().to_numpy()
    if n_missing and settings.impute == "none":
        feature = table.columns[missing.any().to_numpy().argmax()]
        raise AmuclError(
            f"{n_missing} values are missing and `impute` is none",
            where=f"{omic}, sample {table.index[missing[feature].to_numpy().argmax()]}, feature {feature}",
            action="set impute to knn or median",
        )
    table = table.loc[:, ~empty]
    changed = n_missing - int(empty.sum()) * len(table)
    method = {
        "none": "nothing missing",
        "median": "median of the feature",
        "knn": f"{settings.n_neighbors} nearest samples",
    }
    reason = method[settings.impute if changed else "none"] + (
        f"; {empty.sum()} features without any value left" if empty.any() else ""
    )
    if changed and settings.impute == "median":
        table = table.fillna(table.median())
    elif changed:
        filled = impute_nearest(table.to_numpy(), settings.n_neighbors)
        table = pd.DataFrame(filled, index=table.index, columns=table.columns)
    work.advance(omic, "impute", table, changed=changed, reason=reason)


def _drop_constant(work: _Work, omic: str) -> None:
    table = work.tables[omic].astype(np.float32)  # constant as stored: what differs by rounding only has no variance
    varying = (table.max() > table.min()).to_numpy()
    work.advance(omic, "constant_features", table.loc[:, varying], reason="one value in every patient")


def _modality(
    work: _Work, omic: str, top: int | None, normalize: str, annotation: pd.DataFrame | None
) -> anndata.AnnData:
    table = work.tables[omic]
    n, p = table.shape
    values = table.to_numpy(np.float64)
    variance = values.var(axis=0, ddof=1)
    selected = np.zeros(p, dtype=bool)
    selected[np.argsort(-variance, kind="stable")[:top]] = True
    n_selected = int(selected.sum())
    work.count(
        omic, "top_features", (n, p), (n, n_selected), reason=f"highest variance; all {p} stay in the cohort file"
    )
    shape = (n, n_selected)
    changed = 0 if normalize == "none" else n * n_selected
    work.count(omic, "normalize", shape, shape, changed=changed, reason=f"{normalize}, per feature")
    var = pd.DataFrame({"selected": selected, "variance": variance}, index=table.columns.rename(None))
    if annotation is not None:
        var = var.join(annotation)
    normalized = {"normalized": _normalize(values, normalize).astype(np.float32)}
    obs = pd.DataFrame(index=table.index.rename(None))
    return anndata.AnnData(table.to_numpy(np.float32), obs=obs, var=var, layers=normalized)


def _normalize(values: np.ndarray, how: str) -> np.ndarray:
    if how == "zscore":
        return (values - values.mean(axis=0)) / values.std(axis=0)
    if how == "center":
        return values - values.mean(axis=0)
    if how == "max":
        return values / np.abs(values).max(axis=0)
    return values


def _own_column(work: _Work, name: str, clinical: pd.DataFrame) -> str:
    """The name of a column of the cohort's own; where the clinical table has it, it keeps it."""
    own = own_column(name, clinical)
    if own != name:
        note = f"the clinical table's column `{name}` keeps its name; the cohort's own column is called `{own}`"
        work.notes.append(Note("clinical", "column renamed", 1, note))
    return own


def _check_truth(obs: pd.DataFrame, settings: Preprocessing, notes: list[Note]) -> None:
    """Refuse labels that are absent or lacking. A label that a word says to be unknown is no mistake, but told."""
    column = settings.truth
    if column is None:
        return
    if column not in obs:
        columns = {name.lower(): name for name in obs.columns[1:]}
        close = difflib.get_close_matches(column.lower(), columns, n=1)
        raise AmuclError(
            "no such column in the clinical table" + (f" (did you mean `{columns[close[0]]}`?)" if close else ""),
            where="`truth`",
            expected=f"one of {some(obs.columns[1:], 20)}" if columns else "a clinical table with that column",
            got=column,
        )
    unknown = obs.index[obs[column].isna()]
    stated = stated_unknown(notes, column)
    mistaken = settings.truth_missing == "error" and len(unknown) > stated
    if len(unknown) and not mistaken and settings.truth_missing == "error":
        says = f"{len(unknown)} of {len(obs)} patients have an unknown label in {column}: left out of ARI and NMI"
        notes.append(Note("clinical", "unknown labels", len(unknown), says))
    if len(unknown) and (mistaken or len(unknown) > len(obs) - 2):
        raise AmuclError(
            f"{len(unknown)} of {len(obs)} patients have no label in the truth column {column}",
            got=some(unknown),
            action="fill the column, or set truth_missing to ignore",
        )
