"""Markers of every omic: which methylation sites, miRNAs or proteins tell each subtype from the rest."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass

import numpy as np
import pandas as pd
from mudata import MuData

from amucl.biology.contrasts import PAIR_COLUMNS, pairwise_markers
from amucl.biology.correction import ALPHA
from amucl.biology.differential import (
    CONSTANT,
    MARKER_COLUMNS,
    NO_PATIENTS,
    ONE_SUBTYPE,
    not_available,
    permuted_control,
    subtype_markers,
    untested_control,
)
from amucl.biology.symbols import genes_of, read_gene_map
from amucl.cohort.cohort import about, analysis_matrix
from amucl.labels import subtype_order

logger = logging.getLogger(__name__)

BETA_LIMIT = 1e-3  # M-values of betas nearer to 0 or 1 would be infinite, or noise

OMIC_COLUMNS = ["omic", "scale", "subtype", "feature", "genes", *MARKER_COLUMNS[2:5], "delta", *MARKER_COLUMNS[5:]]
OMIC_PAIR_COLUMNS = ["omic", "scale", *PAIR_COLUMNS[:2], "feature", "genes", *PAIR_COLUMNS[3:]]


def are_betas(values: pd.DataFrame, omic: str) -> bool:
    """Whether an omic holds methylation levels: it is called something with `methyl` and all values are in 0 to 1."""
    return "methyl" in omic.lower() and bool(values.ge(0).all(axis=None) and values.le(1).all(axis=None))


def m_values(betas: pd.DataFrame) -> pd.DataFrame:
    """M-values log2(beta / (1 - beta)) of methylation levels, which are kept `BETA_LIMIT` away from 0 and 1.

    References
    ----------
    Du, P. et al. (2010). Comparison of Beta-value and M-value methods for quantifying methylation levels by microarray
    analysis. BMC Bioinformatics 11, 587.
    """
    kept = betas.clip(BETA_LIMIT, 1 - BETA_LIMIT)
    return np.log2(kept / (1 - kept))


def is_logged(cohort: MuData, omic: str) -> bool:
    """Whether an omic is known to be on a log2 scale: preprocessing logged it, or its source had."""
    known = about(cohort)
    return omic in known.get("log2", ()) or known["source"] == "xena"


def tested_scale(values: pd.DataFrame, omic: str, *, logged: bool) -> tuple[pd.DataFrame, str]:
    """What the t-tests of an omic are made on: M-values of betas (``M``), else the values as they are.

    These are called ``log2`` where they are known to be (`logged`), else ``as_is``.
    """
    if are_betas(values, omic):
        return m_values(values.astype(float)), "M"
    return values, "log2" if logged else "as_is"


def why_untestable(values: pd.DataFrame, labels: pd.Series) -> str | None:
    """The status of an omic in which no test can be made: `NO_PATIENTS`, `ONE_SUBTYPE` or `CONSTANT`; else None.

    labels : subtype of each sample of `values`.
    """
    if values.empty:
        return NO_PATIENTS
    if (labels == labels.iloc[0]).all():
        return ONE_SUBTYPE
    return None if (values != values.iloc[0]).any(axis=None) else CONSTANT


@dataclass(frozen=True)
class ScaledOmic:
    """An omic and the scale its t-tests are made on.

    Attributes
    ----------
    name : the omic's.
    values : samples x features, on the analysis scale.
    tested, scale : see `tested_scale`.
    genes : the genes of each feature, joined by `;`; None where no map is known.
    """

    name: str
    values: pd.DataFrame
    tested: pd.DataFrame
    scale: str
    genes: pd.Series | None = None

    @classmethod
    def of(cls, values: pd.DataFrame, name: str, genes: pd.Series | None = None, *, logged: bool = False) -> ScaledOmic:
        """The omic called `name`; `logged` as in `tested_scale`."""
        return cls(name, values, *tested_scale(values, name, logged=logged), genes)

    def named(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table of tests of its features: the omic, its scale and the features' genes added, `gene` as `feature`."""
        table = table.rename(columns={"gene": "feature"})
        named = None if self.genes is None else table["feature"].map(self.genes)
        genes = pd.Series(named, index=table.index, dtype=object)
        return table.assign(omic=self.name, scale=self.scale, genes=genes)


def omic_markers(omic: ScaledOmic, labels: pd.Series, *, trend: bool = False) -> pd.DataFrame:
    """`subtype_markers` of an omic, in `OMIC_COLUMNS`.

    Beside those of `subtype_markers`: the omic, the scale, the feature's genes, and delta, the difference of the means
    in the omic's own unit (of betas where logFC is of M-values). trend : as in
    `amucl.biology.differential.moderated_t`.
    """
    table = omic.named(subtype_markers(omic.tested, labels, trend=trend))
    delta = [
        _difference(omic.values, labels == subtype).reindex(rows["feature"])
        for subtype, rows in table.groupby("subtype", sort=False)
    ]
    return table.assign(delta=np.concatenate(delta))[OMIC_COLUMNS]


def omic_pairs(omic: ScaledOmic, labels: pd.Series, *, trend: bool = False) -> pd.DataFrame:
    """`pairwise_markers` of an omic, in `OMIC_PAIR_COLUMNS`; `trend` as in `omic_markers`."""
    return omic.named(pairwise_markers(omic.tested, labels, trend=trend))[OMIC_PAIR_COLUMNS]


@dataclass(frozen=True)
class OmicResults:
    """Tables of an omic: `omic_markers`, `omic_pairs`, and `permuted_control` on the same scale."""

    markers: pd.DataFrame
    pairs: pd.DataFrame
    control: pd.DataFrame


def omic_results(
    cohort: MuData,
    labels: pd.Series,
    omic: str,
    *,
    seed: int,
    gene_map: str | os.PathLike | None = None,
    trend: bool = False,
    alpha: float = ALPHA,
) -> OmicResults:
    """What tells the subtypes apart in one omic of a cohort, on the patients who have it.

    Where nothing can be tested (see `why_untestable`), every subtype has a row of missing values whose status says why,
    and there are no pairs: one poor omic does not end a run.

    gene_map : file that names the genes of the features (see `read_gene_map`); without one the cohort's own annotation
    `gene` is taken, where its source gave one (InterSIM). seed : of the permuted labels. trend : as in
    `amucl.biology.differential.moderated_t`; of counts always. alpha : what the control counts; fold changes differ in
    scale from omic to omic, so that there is no least one.
    """
    values = analysis_matrix(cohort, omic)
    values = values.loc[labels.index.intersection(values.index)]
    subtypes, labels = labels, labels.loc[values.index]
    reason = why_untestable(values, labels)
    if reason is not None:
        logger.warning("%s: nothing can be tested (%s)", omic, reason)
        return _untested(subtypes, labels, omic, reason)
    genes = cohort[omic].var.get("gene")
    if gene_map is not None:
        genes = genes_of(values.columns, read_gene_map(gene_map))
    scaled = ScaledOmic.of(values, omic, genes, logged=is_logged(cohort, omic))
    trend = trend or omic in about(cohort).get("counts", ())
    return OmicResults(
        omic_markers(scaled, labels, trend=trend),
        omic_pairs(scaled, labels, trend=trend),
        permuted_control(scaled.tested, labels, seed, alpha=alpha, trend=trend),
    )


def _untested(subtypes: pd.Series, labels: pd.Series, omic: str, reason: str) -> OmicResults:
    """The tables of an omic without a test; `labels` are those of `subtypes` whose patients have the omic."""
    markers = not_available(labels, reason, subtypes=subtype_order(subtypes)).rename(columns={"gene": "feature"})
    markers = markers.assign(omic=omic).reindex(columns=OMIC_COLUMNS).astype({"genes": object})
    return OmicResults(markers, pd.DataFrame(columns=OMIC_PAIR_COLUMNS), untested_control(subtypes))


def _difference(values: pd.DataFrame, inside: pd.Series) -> pd.Series:
    """Mean inside minus mean outside, per feature."""
    rows, inside = values.to_numpy(dtype=float), inside.loc[values.index].to_numpy()
    return pd.Series(rows[inside].mean(axis=0) - rows[~inside].mean(axis=0), index=values.columns)
