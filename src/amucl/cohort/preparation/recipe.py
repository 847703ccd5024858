"""New patients, prepared exactly as the cohort was whose subtypes they are to be given.

The reference's cohort file is the recipe: which omics were logged, how counts were scaled for depth, which features
were kept, and the reference's patients, from whom missing values are filled. A new patient's values depend on their own
file and on the reference alone, never on who else is new.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

import anndata
import mudata
import numpy as np
import pandas as pd

from amucl.cohort.cohort import FOUND, LEAST_SHARED, RawCohort, Step, about, make_cohort
from amucl.cohort.notes import Note
from amucl.cohort.preparation.depth import PRIOR, DepthScaling
from amucl.cohort.preparation.preprocess import STEP_COLUMNS, PreprocessedCohort
from amucl.cohort.preparation.shift import omic_shift, shift_notes, shift_table
from amucl.errors import AmuclError, counted, some

_VERSIONED = re.compile(r"(ENS[A-Z]*\d{11})\.\d+")
_LEAST_KNOWN = 0.5  # of the features; a patient with fewer has not been measured


@dataclass(frozen=True)
class OmicRecipe:
    """How one omic of a reference was prepared.

    Attributes
    ----------
    values : the reference's patients x the features kept, on the analysis scale, complete.
    var : annotation of these features, `selected` and `variance` among it.
    logged : whether values are log2(x + 1).
    depth : how counts were scaled; None where the omic is no counts.
    impute, n_neighbors : how missing values were filled.
    reads : totals of the reference's patients where the omic is counts.
    """

    values: pd.DataFrame
    var: pd.DataFrame
    logged: bool
    depth: DepthScaling | None
    impute: str
    n_neighbors: int
    reads: pd.Series | None = None

    def scaled(self, raw: pd.DataFrame, features: pd.Index) -> pd.DataFrame:
        """Raw values (samples x features) on the reference's scale; `features` are those the reference has too."""
        if self.depth is not None:
            known = len(features) >= LEAST_SHARED * self.values.shape[1]
            sizes = self.depth.libraries(raw)["effective"] if known else raw.sum(axis=1)
            return np.log2((raw + PRIOR) / (sizes.to_numpy()[:, None] + 2 * PRIOR) * 1e6)
        return np.log2(raw + 1) if self.logged else raw

    def filled(self, table: pd.DataFrame) -> pd.DataFrame:
        """Missing values as the mean of the nearest reference patients, or as the reference's median.

        Patient by patient: with others beside them sums would be rounded otherwise, and ties fall otherwise.
        """
        values = table.to_numpy(np.float64).copy()
        incomplete = np.flatnonzero(np.isnan(values).any(axis=1))
        if len(incomplete):
            known = self.values.to_numpy(np.float64)
            centre = known.mean(axis=0)  # loses fewer digits
            fill = np.median(known, axis=0) if self.impute == "median" else None
            known = known - centre
            norms = (known**2).sum(axis=1)
            for number in incomplete:
                row = values[number]
                gaps = np.isnan(row)
                if fill is None:
                    nearest = _nearest(np.where(gaps, 0, row - centre), gaps, known, norms)[: self.n_neighbors]
                    row[gaps] = known[np.ix_(nearest, gaps)].mean(axis=0) + centre[gaps]
                else:
                    row[gaps] = fill[gaps]
        return pd.DataFrame(values, index=table.index, columns=table.columns)


def _nearest(row: np.ndarray, gaps: np.ndarray, known: np.ndarray, norms: np.ndarray) -> np.ndarray:
    """Rows of `known` (m, p) by their distance from `row` (p,), 0 in its gaps, over the features without a gap."""
    squared = norms - (known[:, gaps] ** 2).sum(axis=1) - 2 * known @ row
    return np.argsort(squared, kind="stable")


def recipes(reference: mudata.MuData) -> dict[str, OmicRecipe]:
    """How every omic of a prepared cohort was prepared, in its order."""
    told = about(reference)
    settings, depths = told["preprocessing"], told.get("depth", {})
    technical = dict(zip(told.get("counts", ()), told.get("technical", ()), strict=True))
    return {
        omic: OmicRecipe(
            reference[omic].to_df(),
            reference[omic].var,
            omic in told["log2"],
            DepthScaling.from_dict(depths[omic]) if omic in depths else None,
            settings["impute"],
            settings["n_neighbors"],
            reference.obs[technical[omic]] if omic in technical else None,
        )
        for omic in reference.mod
    }


@dataclass(frozen=True)
class PreparedNew(PreprocessedCohort):
    """A new cohort prepared as a reference was; `shift` compares the two (`shift.SHIFT_COLUMNS`)."""

    shift: pd.DataFrame


def prepare_new(
    raw: RawCohort,
    reference: mudata.MuData,
    *,
    dataset: str = "new",
    source: str = "files",
    log2: bool | str | Mapping[str, bool | str] = "auto",
    counts: Sequence[str] = (),
    truth: str | None = None,
    own_features: Sequence[str] = (),
    files: list[dict] | None = None,
) -> PreparedNew:
    """Prepare `raw` as `reference` was prepared.

    In every modality X holds the reference's features on its analysis scale, those that the new cohort lacks filled
    from the nearest reference patients; ``var["found"]`` marks those that it has. Patients with any of the reference's
    omics stay. Nothing is filtered or selected by the new patients' own values.

    Parameters
    ----------
    log2 : what the new cohort's own configuration says, also per omic: ``auto`` does as the reference did; False: its
        values are logged already; True: they are to be logged.
    counts : omics that the new cohort declares as raw counts: where the reference's are none, they become counts per
        million before they are logged.
    own_features : omics that also keep features which the reference has not, where complete: for templates, which look
        genes up under other names. An omic that shares less than half of the reference's features keeps only its own.

    Raises AmuclError where no omic is shared, where values to be logged are negative, and where no patient is left.
    """
    known = recipes(reference)
    work = _Work(raw, dataset, about(reference)["dataset"])
    _tell_omics(work, known)
    shifts = []
    prepared = {}
    for omic, recipe in known.items():
        if omic in raw.omics:
            prepared[omic], compared = _modality(
                work, omic, recipe, _for_omic(log2, omic), own=omic in own_features, counted=omic in counts
            )
            shifts.append(compared)
    order = [row for row in raw.patients.index if any(row in data.obs_names for data in prepared.values())]
    if not order:
        raise AmuclError(
            "no patient has an omic of the reference", where=dataset, expected=f"values of {some(known, 20)}"
        )
    prepared = {omic: data for omic, data in prepared.items() if data.n_obs}
    lacking = sum(any(row not in data.obs_names for data in prepared.values()) for row in order)
    if lacking:
        work.note("patients", "lack an omic", lacking, f"{lacking} of {len(order)} patients lack an omic")
    obs = raw.clinical.reindex(order)
    obs.insert(0, "patient", raw.patients.reindex(order))
    told = {"dataset": dataset, "source": source, "files": files or [], "reference": work.reference}
    told |= {"preprocessing": about(reference)["preprocessing"], "truth": truth if truth in obs else None}
    told |= {"n_clusters": None, "log2": [omic for omic in prepared if omic in about(reference)["log2"]]}
    table = shift_table(shifts)
    work.notes += shift_notes(table, dataset, work.reference)
    steps = pd.DataFrame([{"dataset": dataset, **asdict(step)} for step in work.steps], columns=STEP_COLUMNS)
    cohort = make_cohort(prepared, obs, told)
    return PreparedNew(cohort, steps, work.ledger, raw.join, raw.unmatched, work.notes, table)


@dataclass
class _Work:
    """The account of how new patients were prepared."""

    raw: RawCohort
    dataset: str
    reference: str
    steps: list[Step] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    ledger: pd.DataFrame = field(init=False)

    def __post_init__(self):
        self.ledger, self.notes = self.raw.ledger.copy(), list(self.raw.notes)

    def count(self, omic: str, step: str, before: tuple, after: tuple, *, changed: int = 0, reason: str = "") -> None:
        self.steps.append(Step(omic, step, before[0], after[0], before[1], after[1], changed, reason))

    def note(self, source: str, what: str, n: int, note: str) -> None:
        self.notes.append(Note(source, what, n, note))

    def drop_samples(self, omic: str, samples: pd.Index, reason: str) -> None:
        lost = (self.ledger["omic"] == omic) & (self.ledger["status"] == "kept") & self.ledger["sample"].isin(samples)
        self.ledger.loc[lost, ["status", "reason"]] = ["dropped", reason]


def _for_omic(setting: object, omic: str) -> object:
    return setting.get(omic, "auto") if isinstance(setting, Mapping) else setting


def _tell_omics(work: _Work, known: Mapping[str, OmicRecipe]) -> None:
    """What omics the two cohorts do not share. Raises AmuclError where they share none."""
    given = work.raw.omics
    if not any(omic in given for omic in known):
        raise AmuclError(
            f"no omic of {work.reference}", where=work.dataset, expected=some(known, 20), got=some(given, 20)
        )
    for omic in [omic for omic in known if omic not in given]:
        work.note(omic, "omic absent", len(work.raw.patients), f"{work.reference} has it, {work.dataset} has not")
    for omic in [omic for omic in given if omic not in known]:
        work.note(omic, "omic not used", given[omic].shape[1], f"{work.reference} does not have it")


def _modality(
    work: _Work, omic: str, recipe: OmicRecipe, log2: bool | str, *, own: bool, counted: bool
) -> tuple[anndata.AnnData, dict[str, object]]:
    """One omic of the new cohort as the reference has it, and how its values compare."""
    work.steps += [step for step in work.raw.steps if step.omic == omic]
    raw = _named_alike(work, omic, work.raw.omics[omic], recipe.values.columns)
    features = recipe.values.columns
    if counted and recipe.depth is None:
        work.note(omic, "counts per million", raw.shape[1], f"declared as counts, in {work.reference} it is none")
        raw = raw.div(raw.sum(axis=1), axis=0) * 1e6
    found = features[features.isin(raw.columns) & raw.reindex(columns=features).notna().any().to_numpy()]
    table = _on_scale(work, omic, recipe, raw, found, log2)
    shared = len(found) >= LEAST_SHARED * len(features)
    others = table.columns.difference(features, sort=False) if own or not shared else table.columns[:0]
    others = others[table[others].notna().all().to_numpy()]
    kept = _measured(work, omic, table[found]) if shared else table.index[table[[*found, *others]].notna().any(axis=1)]
    used = features if shared else found
    gaps = int(table.loc[kept, found].isna().to_numpy().sum())
    complete = recipe.filled(table.loc[kept].reindex(columns=features))[used]
    if shared and (gaps or len(found) < len(features)):
        n = len(features) - len(found)
        how = "the reference's median" if recipe.impute == "median" else f"{recipe.n_neighbors} nearest of its patients"
        told = f"{n} of the {len(features)} features are absent, {gaps} more values are missing: filled by {how}"
        work.note(omic, "features filled", n * len(kept) + gaps, told)
        shape = (len(kept), len(found))
        work.count(omic, "impute", shape, (len(kept), len(features)), changed=n * len(kept) + gaps, reason=told)
    var = recipe.var.loc[used].assign(**{FOUND: used.isin(found)})
    new = pd.DataFrame({"selected": False, "variance": np.nan, FOUND: True}, index=others.rename(None))
    columns = pd.concat([var, new]) if len(new) else var
    values = complete.join(table.loc[kept, others]) if len(others) else complete
    compared = omic_shift(omic, recipe.values, table.loc[kept, found], reads=(recipe.reads, _reads(recipe, raw)))
    obs = pd.DataFrame(index=kept.rename(None))
    return anndata.AnnData(values.to_numpy(np.float32), obs=obs, var=columns.rename_axis(None)), compared


def _reads(recipe: OmicRecipe, raw: pd.DataFrame) -> pd.Series | None:
    return None if recipe.reads is None else raw.sum(axis=1)


def _measured(work: _Work, omic: str, table: pd.DataFrame) -> pd.Index:
    """Patients with half of the features that the cohort has; others count as without the omic."""
    share = table.notna().mean(axis=1)
    lost = table.index[share < _LEAST_KNOWN]
    if len(lost):
        reason = f"fewer than {_LEAST_KNOWN:.0%} of the features are known"
        work.drop_samples(omic, lost, reason)
        work.note(omic, "patients without the omic", len(lost), f"{some(lost)}: {reason}")
    kept = table.index[share >= _LEAST_KNOWN]
    work.count(omic, "missing_samples", table.shape, (len(kept), table.shape[1]), reason="patients who have the omic")
    return kept


def _named_alike(work: _Work, omic: str, raw: pd.DataFrame, wanted: pd.Index) -> pd.DataFrame:
    """Ensembl ids of another version under the reference's names, where that is unambiguous."""
    absent = wanted.difference(raw.columns, sort=False)
    spare = raw.columns.difference(wanted, sort=False)
    own = pd.Series(spare, index=[_stem(name) for name in spare])
    own = own[~own.index.duplicated(keep=False)]
    theirs = pd.Series(absent, index=[_stem(name) for name in absent])
    theirs = theirs[~theirs.index.duplicated(keep=False)]
    common = theirs.index.intersection(own.index)
    common = common[[key.startswith("ENS") for key in common]]
    if len(common):
        pairs = dict(zip(own[common], theirs[common], strict=True))
        shown = some(f"{name} as {other}" for name, other in pairs.items())
        work.note(
            omic, "feature ids matched", len(pairs), f"{counted(len(pairs), 'id')} of another version matched: {shown}"
        )
        raw = raw.rename(columns=pairs)
    return raw


def _stem(name: str) -> str:
    found = _VERSIONED.fullmatch(name)
    return found[1] if found else name


def _on_scale(
    work: _Work, omic: str, recipe: OmicRecipe, raw: pd.DataFrame, found: pd.Index, log2: bool | str
) -> pd.DataFrame:
    """Raw values as the reference has them, or as the new cohort's own `log2` says; where they differ that is told."""
    scaled = recipe.logged or recipe.depth is not None
    wanted = scaled if log2 == "auto" else bool(log2)
    if scaled and not wanted:
        how = "scaled for depth and logged" if recipe.depth is not None else "logged"
        work.note(omic, "taken as logged", raw.shape[1], f"{work.reference} was {how}, here `log2` is false: as it is")
    if wanted and not scaled:
        work.note(omic, "logged", raw.shape[1], f"log2(x + 1), as `log2` is true here; {work.reference} was not logged")
    values = raw.to_numpy()
    if wanted and np.any(values < 0):
        row, column = np.argwhere(values < 0)[0]
        raise AmuclError(
            f"a negative value, and {work.reference} was logged",
            where=f"{work.dataset}, {omic}, sample {raw.index[row]}, feature {raw.columns[column]}",
            expected="values as they were before log2, 0 or more",
            got=f"{values[row, column]:g}",
            action=f"set `log2` to false in the `preprocessing` of {work.dataset} if they are logged already",
        )
    if not wanted:
        work.count(omic, "log2", raw.shape, raw.shape, reason=f"not logged, as {work.reference}" if not scaled else "")
        return raw
    table = recipe.scaled(raw, found) if scaled else np.log2(raw + 1)
    how = "log2 counts per million" if scaled and recipe.depth is not None else "log2(x + 1)"
    changed = int(np.isfinite(values).sum())
    work.count(omic, "log2", raw.shape, table.shape, changed=changed, reason=f"{how}, as {work.reference}")
    return table
