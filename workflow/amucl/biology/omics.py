"""Markers of every omic: which methylation sites, miRNAs or proteins tell each subtype from the rest."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
import pandas as pd
from mudata import MuData

from amucl.biology.contrasts import PAIR_COLUMNS, pairwise_markers
from amucl.biology.differential import MARKER_COLUMNS, permuted_control, subtype_markers
from amucl.biology.symbols import genes_of, read_gene_map
from amucl.cohort.cohort import analysis_matrix

BETA_LIMIT = 1e-3  # M-values of betas nearer to 0 or 1 would be infinite, or noise

OMIC_COLUMNS = ["omic", "scale", "subtype", "feature", "genes", *MARKER_COLUMNS[2:5], "delta", *MARKER_COLUMNS[5:]]
OMIC_PAIR_COLUMNS = ["omic", "scale", *PAIR_COLUMNS[:2], "feature", "genes", *PAIR_COLUMNS[3:]]


def are_betas(values: pd.DataFrame, omic: str) -> bool:
    """Whether an omic holds methylation levels: it is called something with `methyl` and all values are in 0 to 1."""
    lowest, highest = values.to_numpy().min(), values.to_numpy().max()
    return "methyl" in omic.lower() and bool(lowest >= 0 and highest <= 1)


def m_values(betas: pd.DataFrame) -> pd.DataFrame:
    """M-values log2(beta / (1 - beta)) of methylation levels, which are kept `BETA_LIMIT` away from 0 and 1.

    References
    ----------
    Du, P. et al. (2010). Comparison of Beta-value and M-value methods for quantifying methylation levels by microarray
    analysis. BMC Bioinformatics 11, 587.
    """
    kept = betas.clip(BETA_LIMIT, 1 - BETA_LIMIT)
    return np.log2(kept / (1 - kept))


def tested_scale(values: pd.DataFrame, omic: str) -> tuple[pd.DataFrame, str]:
    """What the t-tests of an omic are made on: M-values of betas (``M``), else the values as they are (``as_is``)."""
    return (m_values(values.astype(float)), "M") if are_betas(values, omic) else (values, "as_is")


def omic_markers(
    values: pd.DataFrame, labels: pd.Series, omic: str, genes: pd.Series | None = None, *, trend: bool = False
) -> pd.DataFrame:
    """`subtype_markers` of an omic, on the scale of `tested_scale`.

    Parameters
    ----------
    values : samples x features, on the analysis scale.
    genes : the genes of each feature, joined by `;`; absent where no map is known.
    trend : as in `amucl.biology.differential.moderated_t`.

    Returns
    -------
    Columns `OMIC_COLUMNS`: those of `subtype_markers`, the gene's column called `feature`, with the omic, the scale,
    the feature's genes, and delta, the difference of the means in the omic's own unit (of betas where logFC is of
    M-values).
    """
    tested, scale = tested_scale(values, omic)
    table = subtype_markers(tested, labels, trend=trend).rename(columns={"gene": "feature"})
    delta = [
        _difference(values, labels == subtype).reindex(rows["feature"])
        for subtype, rows in table.groupby("subtype", sort=False)
    ]
    table = table.assign(omic=omic, scale=scale, genes=_named(table["feature"], genes), delta=np.concatenate(delta))
    return table[OMIC_COLUMNS]


def omic_pairs(
    values: pd.DataFrame, labels: pd.Series, omic: str, genes: pd.Series | None = None, *, trend: bool = False
) -> pd.DataFrame:
    """`pairwise_markers` of an omic in `OMIC_PAIR_COLUMNS`; scale and parameters as in `omic_markers`."""
    tested, scale = tested_scale(values, omic)
    table = pairwise_markers(tested, labels, trend=trend).rename(columns={"gene": "feature"})
    return table.assign(omic=omic, scale=scale, genes=_named(table["feature"], genes))[OMIC_PAIR_COLUMNS]


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
) -> OmicResults:
    """What tells the subtypes apart in one omic of a cohort, on the patients who have it.

    gene_map : file that names the genes of the features (see `read_gene_map`); without one the cohort's own annotation
    `gene` is taken, where its source gave one (InterSIM). seed : of the permuted labels. trend : as in
    `amucl.biology.differential.moderated_t`.
    """
    values = analysis_matrix(cohort, omic)
    values = values.loc[labels.index.intersection(values.index)]
    labels = labels.loc[values.index]
    genes = cohort[omic].var.get("gene")
    if gene_map is not None:
        genes = genes_of(values.columns, read_gene_map(gene_map))
    control = permuted_control(tested_scale(values, omic)[0], labels, seed, trend=trend)
    markers = omic_markers(values, labels, omic, genes, trend=trend)
    return OmicResults(markers, omic_pairs(values, labels, omic, genes, trend=trend), control)


def _difference(values: pd.DataFrame, inside: pd.Series) -> pd.Series:
    """Mean inside minus mean outside, per feature."""
    rows, inside = values.to_numpy(dtype=float), inside.loc[values.index].to_numpy()
    return pd.Series(rows[inside].mean(axis=0) - rows[~inside].mean(axis=0), index=values.columns)


def _named(features: pd.Series, genes: pd.Series | None) -> pd.Series:
    return features.map(genes) if genes is not None else pd.Series(None, index=features.index, dtype=object)
