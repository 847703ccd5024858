"""One page per subtype, as data: everything that was found about it, in one long table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter

from amucl.biology.associations import LABEL, associations, nearest_classes
from amucl.biology.correction import ALPHA, benjamini_hochberg
from amucl.biology.differential import (
    CONSTANT,
    IDS_ARE_FOREIGN,
    NO_EXPRESSION,
    NO_PATIENTS,
    NOT_AVAILABLE,
    ONE_SUBTYPE,
    significant,
)
from amucl.biology.enrichment import ids_are_foreign
from amucl.biology.hazards import adjustment, outcome_table
from amucl.biology.survival import complete_survival, permutation_logrank
from amucl.labels import subtype_order

PROFILE_COLUMNS = [
    "subtype", "section", "group", "item", "rank", "measure", "value", "low", "high", "n", "total", "pval", "padj",
    "frequency", "note",
]  # fmt: skip
SIZE, SURVIVAL, LABELS, CLASSES, MARKERS, UP, DOWN, SETS, SETS_DOWN, PATIENTS = (
    "size", "survival", "labels", "classes", "markers", "pathways_up", "pathways_down", "over_represented",
    "over_represented_down", "patients",
)  # fmt: skip
CENTRAL, UNSURE = "central", "unsure"
ABSENT = "Not available: "
EXPRESSION = "expression"

N_MARKERS, N_SETS, N_LABELS, N_PATIENTS = 8, 6, 8, 3
_DIRECTIONS = {SETS: "up", SETS_DOWN: "down"}

_REASONS = {
    "no_survival": "the cohort has no survival",
    "single_group": "survival is known of this subtype alone, or of none of its patients",
    "no_events": "nobody is known to have died",
    "no_comparison": "no death while both groups had patients at risk",
}
_NO_RATIO = {
    "separation": "infinite or zero, deaths do not overlap",
    "no_events": "nobody of the subtype is known to have died",
    "no_reference_events": "nobody of the others is known to have died",
    "too_few_events": "too few deaths",
    "not_converged": "the model did not converge",
}
_TOO_SMALL = ABSENT + "the subtype, or all others together, have under three patients"
_NO_MARKERS = {
    NO_EXPRESSION: NOT_AVAILABLE,
    NO_PATIENTS: ABSENT + "no patient of these subtypes has this omic",
    ONE_SUBTYPE: ABSENT + "all patients with this omic are of one subtype",
    CONSTANT: ABSENT + "no feature varies between the patients",
}
_SCALES = {"M": "M values", "log2": "log2 fold change"}


@dataclass(frozen=True)
class Findings:
    """The tables of the other analyses of one partition that a profile is made of.

    Attributes
    ----------
    markers, gsea, go : of `subtype_markers`, `subtype_gsea`, `subtype_over_representation`.
    omics : omic -> table of `omic_markers`.
    consensus : of `consensus_markers`, where the method was trained again.
    embedding : samples x dimensions, what the clusters were made of; None for known labels.
    """

    markers: pd.DataFrame
    gsea: pd.DataFrame
    go: pd.DataFrame
    omics: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    consensus: pd.DataFrame | None = None
    embedding: pd.DataFrame | None = None


def profiles(
    labels: pd.Series,
    clinical: pd.DataFrame,
    findings: Findings,
    *,
    classes: Mapping[str, str],
    extra: Sequence[str] = (),
    seed: int,
    max_permutations: int = 100_000,
    alpha: float = ALPHA,
    min_logfc: float = 0.0,
) -> pd.DataFrame:
    """What is known of every subtype, one finding a row.

    Parameters
    ----------
    labels : subtype of each sample.
    clinical : samples x columns, os_time (days) and os_event among them where survival is known.
    classes, extra : as in `associations`.
    seed, max_permutations : of the log-rank tests of each subtype against all others.
    alpha, min_logfc : what makes a marker, as in `amucl.biology.differential.significant`; min_logfc of genes only.

    Returns
    -------
    Columns `PROFILE_COLUMNS`, subtype by subtype and in each the sections in the order in which a page shows them:

    - ``size``: n of total patients.
    - ``survival``: group ``subtype``, ``others`` or ``comparison``; restricted mean, median, hazard ratio, log-rank
      test (P by permutation, corrected over the subtypes).
    - ``labels``: values over-represented in the subtype at adjusted P < .05, n of total patients of the subtype; value
      is the odds ratio, low and high the shares among the subtype's patients and among the others (of a measurement
      both are medians, and value is their difference).
    - ``classes``: the nearest class of each known classification, the nearest of all first; value is the Jaccard
      index.
    - ``markers``: group is the omic; value is the log2 fold change (measure says where it is another difference),
      frequency how often the marker stayed one when the method was trained again, note the feature's genes.
    - ``pathways_up``, ``pathways_down``: group is the collection, value the NES.
    - ``over_represented``, ``over_represented_down``: GO terms of the genes that are up, and of those that are down;
      value is the odds ratio, n of total genes of the set.
    - ``patients``: `representatives`; value is the distance of a central patient, the margin of an unsure one, note the
      subtype that the patient leans to.

    A section in which there is nothing has one row without item, whose note says whether nothing was found, or why it
    could not be looked for (it then begins with "Not available").
    """
    tested = associations(clinical, labels, classes, extra)
    survival = _survival_rows(labels, clinical, seed, max_permutations)
    rows = []
    for subtype in subtype_order(labels):
        sections = [
            _size(labels, subtype),
            survival[subtype],
            _label_rows(tested, subtype),
            _class_rows(tested, subtype),
            _marker_rows(findings, subtype, alpha, min_logfc),
            *(_pathway_rows(findings, subtype, section) for section in (UP, DOWN)),
            *(_set_rows(findings, subtype, section) for section in _DIRECTIONS),
            _patient_rows(findings.embedding, labels, subtype),
        ]
        rows += [{"subtype": subtype} | row for section in sections for row in section]
    return pd.DataFrame(rows, columns=PROFILE_COLUMNS)


def representatives(embedding: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """How well every patient fits its subtype, by the distances to the subtypes' centres in the embedding.

    Returns
    -------
    By sample: subtype, distance (to the centre of its own subtype), leans_to (the subtype whose centre is next), and
    margin: (next - own) / max(next, own), the simplified silhouette; 1 is certain, 0 between two, below 0 nearer to the
    other.

    References
    ----------
    Hruschka, E. R. et al. (2006). Evolving clusters in gene-expression data. Information Sciences 176, 1898-1927.
    """
    samples = embedding.index.intersection(labels.index)
    points, own = embedding.loc[samples].to_numpy(dtype=float), labels.loc[samples]
    subtypes = subtype_order(own)
    members = [(own == subtype).to_numpy() for subtype in subtypes]
    centres = np.array([points[inside].mean(axis=0) for inside in members])
    distances = np.linalg.norm(points[:, None] - centres, axis=2)
    mine = distances[np.array(members).T]
    others = np.where(np.array(members).T, np.inf, distances)
    nearest = others.min(axis=1)
    table = pd.DataFrame({"subtype": own, "distance": mine, "leans_to": None, "margin": np.nan}, index=samples)
    if len(subtypes) > 1:
        table["leans_to"] = [subtypes[place] for place in others.argmin(axis=1)]
        larger = np.maximum(nearest, mine)
        table["margin"] = np.divide(nearest - mine, larger, out=np.zeros_like(mine), where=larger > 0)
    return table


def _row(section: str, item: str | None = None, **values) -> dict:
    return {"section": section, "item": item, **values}


def _nothing(section: str, note: str, group: str | None = None) -> list[dict]:
    return [_row(section, group=group, note=note)]


def _size(labels: pd.Series, subtype) -> list[dict]:
    n = int((labels == subtype).sum())
    return [_row(SIZE, "patients", measure="share", value=n / len(labels), n=n, total=len(labels))]


def _survival_rows(labels: pd.Series, clinical: pd.DataFrame, seed: int, max_permutations: int) -> dict:
    """Rows by subtype. Each is compared with all others as one group."""
    time, event = clinical.get("os_time"), clinical.get("os_event")
    tests = {
        subtype: permutation_logrank(time, event, labels == subtype, seed=seed, max_permutations=max_permutations)
        for subtype in subtype_order(labels)
    }
    padj = benjamini_hochberg(pd.Series({subtype: test["p_permutation"] for subtype, test in tests.items()}))
    return {
        subtype: _nothing(SURVIVAL, ABSENT + _REASONS[test["status"]])
        if test["status"] != "ok"
        else [
            *_outcome_rows(labels == subtype, clinical),
            _row(
                SURVIVAL,
                "log-rank",
                group="comparison",
                measure="chi-squared",
                value=test["chi2"],
                pval=test["p_permutation"],
                padj=padj[subtype],
            ),
        ]
        for subtype, test in tests.items()
    }


def _outcome_rows(inside: pd.Series, clinical: pd.DataFrame) -> list[dict]:
    time, event = clinical["os_time"], clinical["os_event"]
    columns = inside.astype(int).to_frame("k2")  # 0, the others, is the reference
    outcome = outcome_table("", "", time, event, columns, adjustment(clinical)).set_index("subtype")
    rows = []
    for member, group in ((1, "subtype"), (0, "others")):
        found = outcome.loc[member]
        known = complete_survival(time, event, inside[inside == bool(member)])
        counts = {"group": group, "n": int(found["n_events"]), "total": int(found["n"])}
        median = KaplanMeierFitter().fit(known["time"], known["event"]).median_survival_time_
        rows.append(
            _row(
                SURVIVAL,
                "restricted mean",
                **counts,
                measure=f"days within the first {found['tau']:.0f}",
                value=found["rmst"],
                low=found["rmst_low"],
                high=found["rmst_high"],
            )
        )
        reached = np.isfinite(median)
        note = None if reached else "not reached"
        rows.append(_row(SURVIVAL, "median", **counts, measure="days", value=median if reached else np.nan, note=note))
    for name, kind in (("hazard ratio", "hr"), ("hazard ratio, adjusted", "hr_adjusted")):
        found = outcome.loc[1]
        ratio = {"value": found[kind], "low": found[f"{kind}_low"], "high": found[f"{kind}_high"]}
        ratio["pval"] = found[f"{kind}_p"]
        missing = pd.isna(ratio["value"])
        note = (
            ABSENT + _NO_RATIO.get(found["status"], found["status"])
            if missing
            else f"for {found['adjusted_for']}" * (kind == "hr_adjusted")
        )
        if not (missing and kind == "hr_adjusted"):
            rows.append(_row(SURVIVAL, name, group="comparison", measure="ratio", **ratio, note=note or None))
    return rows


def _label_rows(tested: pd.DataFrame, subtype) -> list[dict]:
    """Values of clinical labels that are over-represented in a subtype; the smallest P first."""
    tested = tested[tested["kind"] == LABEL]
    if not (tested["status"] == "ok").any():
        return _nothing(LABELS, ABSENT + "no clinical label is known for half of the patients")
    found = tested[(tested["subtype"] == subtype) & (tested["padj"] < ALPHA)]
    if found.empty:
        return _nothing(LABELS, f"No label is over-represented (adjusted P < {ALPHA})")
    rows = []
    for rank, one in enumerate(found.sort_values(["p", "label"], kind="stable").head(N_LABELS).itertuples(), start=1):
        measured = pd.isna(one.level)
        rows.append(
            _row(
                LABELS,
                one.label if measured else f"{one.label}: {one.level}",
                group=one.kind,
                rank=rank,
                measure="difference of medians" if measured else "odds ratio",
                value=one.inside - one.outside if measured else one.odds_ratio,
                low=one.inside,
                high=one.outside,
                n=one.n_both,
                total=one.n_subtype,
                pval=one.p,
                padj=one.padj,
            )
        )
    return rows


def _class_rows(tested: pd.DataFrame, subtype) -> list[dict]:
    if not ((tested["kind"] != LABEL) & (tested["status"] == "ok")).any():
        return _nothing(CLASSES, ABSENT + "the cohort has no known classes")
    nearest = nearest_classes(tested)
    nearest = nearest[nearest["subtype"] == subtype]
    if nearest.empty:
        return _nothing(CLASSES, ABSENT + "no patient of the subtype has a known class")
    return [
        _row(
            CLASSES,
            str(one.level),
            group=one.label,
            rank=rank,
            measure="Jaccard index",
            value=one.jaccard,
            n=one.n_both,
            total=one.n_subtype,
            pval=one.p,
            padj=one.padj,
            note=f"{int(one.n_level)}/{int(one.n)} of all patients",
        )
        for rank, one in enumerate(nearest.sort_values("jaccard", ascending=False, kind="stable").itertuples(), start=1)
    ]


def _marker_rows(findings: Findings, subtype, alpha: float, min_logfc: float) -> list[dict]:
    expression = findings.markers.rename(columns={"gene": "feature"}).assign(genes=None)
    kept = {}
    if findings.consensus is not None:
        own = findings.consensus[findings.consensus["subtype"] == subtype]
        kept = own.set_index("gene")["frequency"].to_dict()
    rows = []
    for omic, table in {EXPRESSION: expression, **findings.omics}.items():
        found = table[table["subtype"] == subtype]
        least = min_logfc if omic == EXPRESSION else 0.0
        chosen = found[significant(found, alpha=alpha, min_logfc=least)]
        frequencies = kept if omic == EXPRESSION else {}
        if why := _why_no_markers(found, chosen, alpha, least):
            rows += _nothing(MARKERS, why, omic)
        else:
            rows += _top_markers(chosen, omic, frequencies)
    return rows


def _why_no_markers(found: pd.DataFrame, chosen: pd.DataFrame, alpha: float, min_logfc: float) -> str | None:
    """Why a subtype has no marker in an omic; None where it has (`chosen`, of the rows `found`)."""
    if found.empty:
        return ABSENT + "no patient of the subtype has this omic"
    if not (found["status"] == "ok").any():
        return _NO_MARKERS.get(found["status"].iloc[0], _TOO_SMALL)
    if chosen.empty:
        return f"No feature differs ({_limits(alpha, min_logfc)})"
    return None


def _limits(alpha: float, min_logfc: float) -> str:
    return f"adjusted P < {alpha:g}" + f", log2 fold change beyond {min_logfc:g}" * (min_logfc > 0)


def _top_markers(chosen: pd.DataFrame, omic: str, frequencies: Mapping[str, float]) -> list[dict]:
    """The markers that are up most surely, then those that are down."""
    chosen = chosen.sort_values(["P.Value", "feature"], kind="stable")
    scale = "log2 fold change" if omic == EXPRESSION else _SCALES.get(chosen["scale"].iloc[0], "difference")
    rows = []
    for up in (True, False):
        top = chosen[(chosen["logFC"] > 0) == up].head(N_MARKERS)
        for rank, (_, one) in enumerate(top.iterrows(), start=1):
            rows.append(
                _row(
                    MARKERS,
                    one["feature"],
                    group=omic,
                    rank=rank,
                    measure=scale,
                    value=one["logFC"],
                    pval=one["P.Value"],
                    padj=one["adj.P.Val"],
                    frequency=frequencies.get(one["feature"], np.nan),
                    note=one["genes"],
                )
            )
    return rows


def _why_no_sets(findings: Findings, subtype, table: pd.DataFrame) -> str | None:
    status = findings.markers.loc[findings.markers["subtype"] == subtype, "status"]
    if (status == NO_EXPRESSION).any():
        return NOT_AVAILABLE
    if not (status == "ok").any():
        return _TOO_SMALL
    if ids_are_foreign(table):
        return IDS_ARE_FOREIGN
    return None if len(table) else ABSENT + "no collection of gene sets was tested"


def _pathway_rows(findings: Findings, subtype, section: str) -> list[dict]:
    if why := _why_no_sets(findings, subtype, findings.gsea):
        return _nothing(section, why)
    table = findings.gsea[(findings.gsea["subtype"] == subtype) & (findings.gsea["padj"] < ALPHA)]
    table = table[(table["NES"] > 0) == (section == UP)]
    table = table.assign(strength=table["NES"].abs())
    top = table.sort_values(["strength", "term"], ascending=[False, True], kind="stable").head(N_SETS)
    rows = _term_rows(section, top, "NES", value="NES", n="size")
    return rows or _nothing(section, f"No gene set (adjusted P < {ALPHA})")


def _set_rows(findings: Findings, subtype, section: str) -> list[dict]:
    if why := _why_no_sets(findings, subtype, findings.go if ids_are_foreign(findings.go) else findings.markers):
        return _nothing(section, why)
    table = findings.go[(findings.go["subtype"] == subtype) & (findings.go["direction"] == _DIRECTIONS[section])]
    top = table[table["padj"] < ALPHA].sort_values(["pval", "term"]).head(N_SETS)
    rows = _term_rows(section, top, "odds ratio", value="odds_ratio", n="k", total="M")
    return rows or _nothing(section, f"No GO term (adjusted P < {ALPHA})")


def _term_rows(section: str, top: pd.DataFrame, measure: str, **columns: str) -> list[dict]:
    """A row per gene set; `columns` say where the profile's columns come from."""
    return [
        _row(
            section,
            one["term"],
            group=one["collection"],
            rank=rank,
            measure=measure,
            **{name: one[column] for name, column in columns.items()},
            pval=one["pval"],
            padj=one["padj"],
        )
        for rank, (_, one) in enumerate(top.iterrows(), start=1)
    ]


def _patient_rows(embedding: pd.DataFrame | None, labels: pd.Series, subtype) -> list[dict]:
    if embedding is None:
        return _nothing(PATIENTS, ABSENT + "known labels have no embedding")
    table = representatives(embedding, labels).query("subtype == @subtype")
    if table.empty:
        return _nothing(PATIENTS, ABSENT + "no patient of the subtype is in the embedding")
    central = table.sort_values("distance", kind="stable")[:N_PATIENTS]
    unsure = table.drop(central.index).sort_values("margin", kind="stable")[:N_PATIENTS]
    return [
        _row(PATIENTS, sample, group=group, rank=rank, measure=measure, value=value, note=str(leans_to))
        for group, top, measure in ((CENTRAL, central, "distance"), (UNSURE, unsure, "margin"))
        for rank, (sample, value, leans_to) in enumerate(top[[measure, "leans_to"]].itertuples(), start=1)
    ]
