"""The patients of another cohort by the subtype's template they follow most closely, where that can be trusted."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from amucl.biology.calibration import Limits, limits
from amucl.biology.templates import LEAST_GENES, LEAST_SAMPLES, Placement, cosine, place

logger = logging.getLogger(__name__)

ASSIGNMENT_COLUMNS = [
    "sample", "subtype", "reason", "nearest", "distance", "pval", "padj", "second", "distance_second", "margin",
]  # fmt: skip
UNASSIGNED = "unassigned"

# Why a patient is unassigned; of several the first.
NOT_NEAR = "random genes are as near"
UNTRIED = "the templates could not be tried on patients left out"
NO_GROUPS = "the cohort shows no subtypes"
BETWEEN = "between subtypes"
FAR = "far from all subtypes"

# What the check of a cohort says that is too small for it.
TOO_FEW = "too few patients to show subtypes"


@dataclass(frozen=True)
class Assignment:
    """Patients and their nearest templates.

    Attributes
    ----------
    patients : `ASSIGNMENT_COLUMNS`, one row a sample.
    genes : how many genes of each template the cohort has: subtype n_genes n_found used.
    check : one row, the cohort beside the one that the subtypes come from: n, n_assigned, the median margin here, of
        patients left out there and of patients without subtypes, p (Mann-Whitney, one side: larger here than without
        subtypes), least_margin, most_distance, status (``ok``, `NO_GROUPS`, `UNTRIED` or `TOO_FEW`).
    """

    patients: pd.DataFrame
    genes: pd.DataFrame
    check: pd.DataFrame


def nearest_template(
    expression: pd.DataFrame,
    templates: pd.DataFrame,
    calibration: pd.DataFrame,
    *,
    seed: int,
    reference: pd.DataFrame | None = None,
    n_permutations: int = 1000,
    alpha: float = 0.05,
) -> Assignment:
    """The subtype whose template each sample is nearest to, by nearest template prediction, or "unassigned".

    A sample is unassigned, with the reason, if

    - random genes are as near: P, how often as many random genes bring it as near to any template, (b + 1) / (n + 1),
      corrected over the samples (Benjamini-Hochberg), is not below `alpha`;
    - the templates could not be tried: `calibration` lacks patients left out, or without subtypes;
    - the cohort shows no subtypes: its margins are not larger (P >= `alpha`) than those of patients without subtypes
      whose genes move together as in the cohort of the templates. So it is where all patients are of one subtype, or
      subtypes are missing: genes are z-scored over the samples, and a missing one's template takes others' patients;
    - between subtypes: its margin is smaller than that from which on 95 % of patients left out were right;
    - far from all subtypes: farther from its nearest than 95 % of the patients left out that were right.

    Fewer than `LEAST_SAMPLES` samples are compared with the means and deviations of `reference`, each by itself. They
    cannot show whether they have subtypes: p is missing, the status `TOO_FEW`, and the other reasons decide.

    Parameters
    ----------
    expression, templates, reference : as in `amucl.biology.templates.place`.
    calibration : table of `amucl.biology.calibration.calibration` that belongs to `templates`.
    n_permutations : random sets of genes, the same for all samples.

    Raises
    ------
    AmuclError as `place` does.

    References
    ----------
    Hoshida, Y. (2010). Nearest template prediction: a single-sample-based flexible class prediction with confidence
    assessment. PLoS ONE 5, e15543. It compares with random genes' distance to the nearest template only; any template,
    as here, is stricter. The other reasons are ours.
    """
    placed, known = place(expression, templates, reference), limits(calibration)
    for subtype in placed.genes.loc[~placed.genes["used"], "subtype"]:
        logger.warning("fewer than %d genes of subtype %s are here: nobody can be of it", LEAST_GENES, subtype)
    p = _p_of_random_genes(placed, np.random.default_rng(seed), n_permutations)
    padj = stats.false_discovery_control(p)
    patients = placed.patients.assign(pval=p, padj=padj)
    few = len(patients) < LEAST_SAMPLES
    p_groups = np.nan if few else _p_of_groups(patients["margin"].to_numpy(), known)
    status = _status(known, p_groups < alpha, few=few)
    reasons = {
        NOT_NEAR: patients["padj"] >= alpha,
        status: np.full(len(patients), status in (UNTRIED, NO_GROUPS)),
        BETWEEN: patients["margin"] < known.least_margin,
        FAR: patients["distance"] > known.most_distance,
    }
    reason = np.select(list(reasons.values()), list(reasons), "")
    subtype = np.where(reason == "", patients["nearest"], UNASSIGNED)
    check = {
        "n": len(patients),
        "n_assigned": int((reason == "").sum()),
        "margin": patients["margin"].median(),
        "margin_left_out": _median(known.left_out),
        "margin_no_subtypes": _median(known.no_subtypes),
        "p": p_groups,
        "least_margin": known.least_margin,
        "most_distance": known.most_distance,
        "status": status,
    }
    if status in (UNTRIED, NO_GROUPS):
        logger.warning("nobody is assigned: %s", status)
    elif status == TOO_FEW:
        logger.warning("%s: each is compared with the patients of the reference", status)
    patients = patients.assign(subtype=subtype, reason=reason)[ASSIGNMENT_COLUMNS]
    return Assignment(patients, placed.genes, pd.DataFrame([check]))


def check_in_words(check: pd.DataFrame) -> str:
    """A sentence or two of the check of an `Assignment`."""
    row = check.iloc[0]
    words = f"{row['n_assigned']:.0f} of {row['n']:.0f} patients were given a subtype."
    if row["status"] == UNTRIED:
        return f"{words} {UNTRIED.capitalize()}."
    if row["status"] == TOO_FEW:
        return (
            f"{words} {TOO_FEW.capitalize()}: their genes are compared with means and standard deviations of the "
            "reference, so both must be on one scale. That they are of one of its subtypes is taken for granted."
        )
    verdict = "subtypes are here" if row["status"] == "ok" else f"{NO_GROUPS}, or some are missing"
    return (
        f"{words} Margin between the nearest and the next subtype, median: {row['margin']:.2f} here, "
        f"{row['margin_left_out']:.2f} among patients left out where the subtypes were found, "
        f"{row['margin_no_subtypes']:.2f} among patients without subtypes (P {row['p']:.1g}): {verdict}."
    )


def _p_of_random_genes(placed: Placement, rng: np.random.Generator, n_permutations: int) -> np.ndarray:
    values, signs = placed.z.to_numpy(), placed.signs.to_numpy()
    near = placed.patients["distance"].to_numpy()
    as_near = np.zeros(len(values))
    for _ in range(n_permutations):
        drawn = rng.choice(values.shape[1], len(signs), replace=False)
        as_near += (1 - cosine(values[:, drawn], signs)).min(axis=1) <= near
    return (as_near + 1) / (n_permutations + 1)


def _status(known: Limits, grouped: bool, *, few: bool) -> str:
    if not len(known.left_out) or not len(known.no_subtypes):
        return UNTRIED
    if few:
        return TOO_FEW
    return "ok" if grouped else NO_GROUPS


def _p_of_groups(margins: np.ndarray, known: Limits) -> float:
    """P of margins as large as these without subtypes; missing where nothing is known of those."""
    if not len(known.no_subtypes):
        return np.nan
    return float(stats.mannwhitneyu(margins, known.no_subtypes, alternative="greater").pvalue)


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else np.nan
