"""How far templates can be trusted: tried on patients left out, and on patients of no subtype.

The genes of a template move together in most patients, whatever their subtype, so nearly every patient of any cohort
is nearer to some template than to random genes. What tells rightly placed patients from others is how much nearer the
nearest template is than the next one, and how near it is at all; how much is enough is read here from the cohort that
the subtypes come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from amucl.biology.differential import checked, subtype_markers
from amucl.biology.templates import LEAST_SAMPLES, place, subtype_templates
from amucl.errors import AmuclError

CALIBRATION_COLUMNS = ["trial", "sample", "nearest", "right", "distance", "margin"]
LEFT_OUT, NO_SUBTYPES = "left out", "no subtypes"

N_SPLITS = 5
PRECISION = 0.95  # of the patients left out that may be assigned, the share that must be right


def calibration(
    expression: pd.DataFrame, labels: pd.Series, templates: pd.DataFrame, *, seed: int, trend: bool = False
) -> pd.DataFrame:
    """Place patients left out by templates learned on the others, and random patients without subtypes.

    Left out: each subtype is halved `N_SPLITS` times, templates are learned on one half (moderated t) and the other one
    is placed, both ways. Patients whose subtype has no template in the other half are not counted. No subtypes: as many
    patients as there are, `N_SPLITS` times, each a sum of all patients' deviations from the mean with Gaussian
    weights, so that genes have the covariances of the cohort, but patients no groups; placed by `templates`.

    Parameters
    ----------
    expression, labels : as in `amucl.biology.differential.subtype_markers`. templates : learned on them.
    seed : of halves and weights.
    trend : as in `amucl.biology.differential.moderated_t`.

    Returns
    -------
    Columns `CALIBRATION_COLUMNS`; right: nearest is the patient's own subtype (False without subtypes). Empty where the
    templates of halves, or these, cannot place anybody.
    """
    expression, labels = checked(expression, labels)
    rng = np.random.default_rng(seed)
    tables = [*_left_out(expression, labels, rng, trend), *_without_subtypes(expression, templates, rng)]
    tables = [table for table in tables if len(table)]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=CALIBRATION_COLUMNS)


@dataclass(frozen=True)
class Limits:
    """What a patient must reach to be given a subtype.

    Attributes
    ----------
    least_margin : infinite where no margin was enough. most_distance : of 1 - cosine.
    left_out, no_subtypes : margins of the patients left out, and of those without subtypes.
    """

    least_margin: float
    most_distance: float
    left_out: np.ndarray
    no_subtypes: np.ndarray


def limits(table: pd.DataFrame) -> Limits:
    """From which margin on 95 % of the patients left out were right, and within which distance 95 % of those were.

    table : of `calibration`.
    """
    tried, chance = (table[table["trial"] == trial] for trial in (LEFT_OUT, NO_SUBTYPES))
    right = tried["right"].to_numpy(dtype=bool)
    margin = tried["margin"].to_numpy(dtype=float)
    order = np.argsort(-margin, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(precision >= PRECISION)
    return Limits(
        least_margin=float(margin[order[enough[-1]]]) if len(enough) else np.inf,
        most_distance=float(np.quantile(tried["distance"].astype(float)[right], 0.95)) if right.any() else -np.inf,
        left_out=margin,
        no_subtypes=chance["margin"].to_numpy(dtype=float),
    )


def _left_out(
    expression: pd.DataFrame, labels: pd.Series, rng: np.random.Generator, trend: bool
) -> Iterator[pd.DataFrame]:
    for _ in range(N_SPLITS):
        half = _half(labels, rng)
        for learned in (half, ~half):
            try:
                markers = subtype_markers(expression[learned], labels[learned], trend=trend)
                placed = place(expression[~learned], subtype_templates(markers))
            except AmuclError:  # too few patients or markers in this half
                continue
            own = labels[~learned].to_numpy()
            known = np.isin(own, list(placed.signs.columns))
            right = (placed.patients["nearest"] == own).to_numpy()
            yield _rows(LEFT_OUT, placed.patients, right)[known]


def _half(labels: pd.Series, rng: np.random.Generator) -> np.ndarray:
    """Half of each subtype's patients, of an odd number by chance one more or less."""
    half = np.zeros(len(labels), dtype=bool)
    for subtype in labels.unique():
        mine = rng.permutation(np.flatnonzero(labels == subtype))
        half[mine[: (len(mine) + rng.integers(2)) // 2]] = True
    return half


def _without_subtypes(
    expression: pd.DataFrame, templates: pd.DataFrame, rng: np.random.Generator
) -> Iterator[pd.DataFrame]:
    n = len(expression)
    if n < LEAST_SAMPLES:
        return
    names = [f"random {i}" for i in range(1, n + 1)]
    centred = expression.to_numpy(dtype=float) - expression.to_numpy(dtype=float).mean(axis=0)
    for _ in range(N_SPLITS):
        mixed = rng.normal(size=(n, n)) @ centred / np.sqrt(n - 1)
        try:
            placed = place(pd.DataFrame(mixed, names, expression.columns), templates)
        except AmuclError:  # no two templates to choose from
            return
        yield _rows(NO_SUBTYPES, placed.patients, False)


def _rows(trial: str, patients: pd.DataFrame, right: np.ndarray | bool) -> pd.DataFrame:
    return patients.assign(trial=trial, right=right)[CALIBRATION_COLUMNS]
