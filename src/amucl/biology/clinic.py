"""Do a method's subtypes differ in survival and in the clinic? All tables for every k."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from amucl.biology.clinical import ENRICHMENT_COLUMNS, clinical_over_k, enrichment_table, find_labels
from amucl.biology.hazards import OUTCOME_COLUMNS, adjustment, outcome_table
from amucl.biology.survival import SURVIVAL_COLUMNS, survival_over_k
from amucl.cohort.clinical.columns import endpoints_of
from amucl.cohort.notes import Note
from amucl.labels import k_of

ENDPOINT_COLUMNS = ["endpoint", *SURVIVAL_COLUMNS]
ENDPOINT_OUTCOME_COLUMNS = ["endpoint", *OUTCOME_COLUMNS]
_TELLING = 0.01  # of P of several ks and methods: one in a hundred would be told by chance


def partition_clinic(
    dataset: str, clinical: pd.DataFrame, labels: pd.Series, *, seed: int, max_permutations: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Survival and outcome of one partition that is no method's: tables as those of `clinic`, the method `truth`."""
    time, event = clinical.get("os_time"), clinical.get("os_event")
    columns = labels.to_frame(f"k{labels.nunique()}")
    permuted = {"seed": seed, "max_permutations": max_permutations}
    survival = survival_over_k(dataset, "truth", time, event, columns, **permuted)
    return survival, outcome_table(dataset, "truth", time, event, columns, adjustment(clinical))


def clinic(
    dataset: str,
    method: str,
    clinical: pd.DataFrame,
    labels: pd.DataFrame,
    *,
    clinical_labels: Sequence[str] | None,
    seed: int,
    max_permutations: int,
    technical: Sequence[str] = (),
) -> dict[str, pd.DataFrame]:
    """Survival, outcome, clinical labels and their number for the clusters of every k.

    Parameters
    ----------
    clinical : samples x columns, os_time and os_event (days; 1 died or 0 censored) among them; without columns where
        nothing is known.
    labels : samples x (k2, k3, ...), the clusters.
    clinical_labels : columns to test beside those of the benchmark (see `amucl.biology.clinical.find_labels`).
    seed, max_permutations : of the permutation tests.
    technical : columns that tell of the measurement (``reads``): tested like a clinical label, counted as none.

    Returns
    -------
    Tables by name. With rows for every k, also where nothing could be tested: survival (`survival_over_k`), outcome
    (`outcome_table`, adjusted for age and stage) and enrichment (`enrichment_table`, counts of 0 where no label is
    known). clinical (`clinical_over_k`) has no row where there is no label; those of `technical` come last.

    Raises
    ------
    AmuclError
        If a column of `clinical_labels` is absent or a survival time or event impossible.
    """
    time, event = clinical.get("os_time"), clinical.get("os_event")
    permuted = {"seed": seed, "max_permutations": max_permutations}
    columns = find_labels(clinical.drop(columns=list(technical)), clinical_labels or ())
    tests = clinical_over_k(dataset, method, clinical, labels, columns=columns, **permuted)
    counts = enrichment_table(tests).set_index("k").reindex(map(k_of, labels), fill_value=0).rename_axis("k")
    depth = dict(zip(technical, technical, strict=True))
    depths = clinical_over_k(dataset, method, clinical, labels, columns=depth, technical=True, **permuted)
    return {
        "survival": survival_over_k(dataset, method, time, event, labels, **permuted),
        "outcome": outcome_table(dataset, method, time, event, labels, adjustment(clinical)),
        "clinical": pd.concat([table for table in (tests, depths) if len(table)] or [tests], ignore_index=True),
        "enrichment": counts.assign(dataset=dataset, method=method).reset_index()[ENRICHMENT_COLUMNS],
    }


def endpoint_tables(
    dataset: str,
    method: str,
    clinical: pd.DataFrame,
    labels: pd.DataFrame,
    tables: dict[str, pd.DataFrame],
    *,
    seed: int,
    max_permutations: int,
) -> dict[str, pd.DataFrame]:
    """Every endpoint of the cohort, tested as overall survival is.

    Parameters
    ----------
    clinical, labels, seed, max_permutations : as of `clinic`; endpoints are the columns {endpoint}_time and
        {endpoint}_event (pfs_time, pfs_event ...).
    tables : what `clinic` gives: its survival and outcome are those of overall survival.

    Returns
    -------
    endpoints (rows of `survival_over_k`) and endpoint_outcome (of `outcome_table`), each with the endpoint in front;
    overall survival (``os``) comes first and is always there, as in survival and outcome. P-values are corrected over k
    within an endpoint.

    Raises
    ------
    AmuclError if a time or event is impossible.
    """
    found = {"endpoints": [tables["survival"].assign(endpoint="os")]}
    found["endpoint_outcome"] = [tables["outcome"].assign(endpoint="os")]
    covariates = adjustment(clinical)
    for endpoint in endpoints_of(clinical):
        if endpoint == "os":
            continue
        time, event = clinical[f"{endpoint}_time"], clinical[f"{endpoint}_event"]
        tested = survival_over_k(dataset, method, time, event, labels, seed=seed, max_permutations=max_permutations)
        outcome = outcome_table(dataset, method, time, event, labels, covariates)
        found["endpoints"].append(tested.assign(endpoint=endpoint))
        found["endpoint_outcome"].append(outcome.assign(endpoint=endpoint))
    columns = {"endpoints": ENDPOINT_COLUMNS, "endpoint_outcome": ENDPOINT_OUTCOME_COLUMNS}
    return {name: pd.concat(rows, ignore_index=True)[columns[name]] for name, rows in found.items()}


def technical_notes(tests: pd.DataFrame) -> list[Note]:
    """A warning for every technical column of a table of `clinic` that differs between the clusters of some k."""
    found = tests[(tests["kind"] == "technical") & (tests["p_permutation"] <= _TELLING)]
    notes = []
    for (method, column), rows in found.groupby(["method", "column"], sort=False):
        least = rows["p_permutation"].min()
        ks = ", ".join(map(str, rows["k"]))
        told = f"{method}: {column} differ between the subtypes (k {ks}; P {least:.2g}): these may be sequencing depth"
        notes.append(Note("subtypes", "technical difference", len(rows), told))
    return notes
