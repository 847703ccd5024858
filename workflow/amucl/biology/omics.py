"""Markers of every omic: which methylation sites, miRNAs or proteins tell each subtype from the rest."""

from __future__ import annotations

import numpy as np
import pandas as pd

from amucl.biology.contrasts import PAIR_COLUMNS, pairwise_markers
from amucl.biology.differential import MARKER_COLUMNS, subtype_markers

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


def omic_markers(values: pd.DataFrame, labels: pd.Series, omic: str, genes: pd.Series | None = None) -> pd.DataFrame:
    """`subtype_markers` of an omic, on the scale of `tested_scale`.

    Parameters
    ----------
    values : samples x features, on the analysis scale.
    genes : the genes of each feature, joined by `;`; absent where no map is known.

    Returns
    -------
    Columns `OMIC_COLUMNS`: those of `subtype_markers`, the gene's column called `feature`, with the omic, the scale,
    the feature's genes, and delta, the difference of the means in the omic's own unit (of betas where logFC is of
    M-values).
    """
    tested, scale = tested_scale(values, omic)
    table = subtype_markers(tested, labels).rename(columns={"gene": "feature"})
    delta = [
        _difference(values, labels == subtype).reindex(rows["feature"])
        for subtype, rows in table.groupby("subtype", sort=False)
    ]
    table = table.assign(omic=omic, scale=scale, genes=_named(table["feature"], genes), delta=np.concatenate(delta))
    return table[OMIC_COLUMNS]


def omic_pairs(values: pd.DataFrame, labels: pd.Series, omic: str, genes: pd.Series | None = None) -> pd.DataFrame:
    """`pairwise_markers` of an omic in `OMIC_PAIR_COLUMNS`; scale and parameters as in `omic_markers`."""
    tested, scale = tested_scale(values, omic)
    table = pairwise_markers(tested, labels).rename(columns={"gene": "feature"})
    return table.assign(omic=omic, scale=scale, genes=_named(table["feature"], genes))[OMIC_PAIR_COLUMNS]


def _difference(values: pd.DataFrame, inside: pd.Series) -> pd.Series:
    """Mean inside minus mean outside, per feature."""
    rows, inside = values.to_numpy(dtype=float), inside.loc[values.index].to_numpy()
    return pd.Series(rows[inside].mean(axis=0) - rows[~inside].mean(axis=0), index=values.columns)


def _named(features: pd.Series, genes: pd.Series | None) -> pd.Series:
    return features.map(genes) if genes is not None else pd.Series(None, index=features.index, dtype=object)
