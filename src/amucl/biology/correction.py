"""Correction for several tests; a missing p-value was not a test."""

from __future__ import annotations

import pandas as pd
from scipy import stats

ALPHA = 0.05  # the level of significance of every test


def bonferroni(p: pd.Series) -> pd.Series:
    """p-values times their number, at most 1."""
    return (p * p.notna().sum()).clip(upper=1)


def benjamini_hochberg(p: pd.Series) -> pd.Series:
    """False discovery rates.

    References
    ----------
    Y. Benjamini, Y. Hochberg (1995), Controlling the false discovery rate, JRSS B 57, 289-300.
    """
    tested = p.dropna()
    rates = stats.false_discovery_control(tested) if len(tested) else []
    return pd.Series(rates, index=tested.index, dtype=float).reindex(p.index)
