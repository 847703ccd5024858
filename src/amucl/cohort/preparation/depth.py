"""Counts of libraries sequenced to different depths, side by side: log2 counts per million of effective library sizes.

The effective library size is the total of a patient's counts times a factor by trimmed mean of M values (TMM), the same
as edgeR's: genes that a few patients have in abundance take reads from all others, which the factor gives back.

References
----------
Robinson, M. D. & Oshlack, A. (2010). A scaling normalization method for differential expression analysis of RNA-seq
data. Genome Biology 11, R25. Law, C. W. et al. (2014). voom: precision weights unlock linear model analysis tools for
RNA-seq read counts. Genome Biology 15, R29.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from amucl.errors import AmuclError, some

PRIOR = 0.5
_TRIM_RATIO, _TRIM_LEVEL = 0.3, 0.05  # of M and of A, at either end
_SAME = 1e-6  # log ratios below: two libraries alike
_LEAST_FEATURES = 20  # counted in both libraries; a trimmed mean of fewer is noise
_NO_QUANTILE = 1e-20


def tmm_factor(counts: np.ndarray, reference: np.ndarray) -> float:
    """Factor of one library (p,) against another (p,), as edgeR's: a weighted mean of log ratios, trimmed.

    NaN where fewer than 20 features are counted in both.
    """
    total, total_reference = counts.sum(), reference.sum()
    both = (counts > 0) & (reference > 0)
    if both.sum() < _LEAST_FEATURES:
        return np.nan
    x, y = counts[both] / total, reference[both] / total_reference
    ratio, level = np.log2(x / y), (np.log2(x) + np.log2(y)) / 2
    if np.abs(ratio).max() < _SAME:
        return 1.0
    keep = _within(ratio, _TRIM_RATIO) & _within(level, _TRIM_LEVEL)
    variance = (1 - x) / counts[both] + (1 - y) / reference[both]  # of the log ratio, by the delta method
    weights = 1 / variance[keep]
    return float(2 ** (np.sum(ratio[keep] * weights) / np.sum(weights))) if keep.any() else 1.0


@dataclass(frozen=True)
class DepthScaling:
    """How a cohort's counts were scaled, so that a patient who comes later is scaled in the same way.

    A patient's values depend on their own counts and on the reference library alone: within the cohort and by
    themselves they are the same.

    Attributes
    ----------
    features : names, in order.
    reference_sample : the patient whose library the others are compared with: the one whose upper quartile, as a share
        of its library, is nearest to the mean (the richest one where most upper quartiles are 0).
    reference : (p,) counts of that patient; NaN where unknown.
    scale : geometric mean of the cohort's factors before they are divided by it.
    by_features : False where too few features are counted for TMM: plain library sizes.
    """

    features: list[str]
    reference_sample: str
    reference: np.ndarray
    scale: float
    by_features: bool

    @classmethod
    def fit(cls, counts: pd.DataFrame) -> DepthScaling:
        """Learn from a cohort's counts, samples x features: 0 or more, also fractions (expected counts), NaN unknown.

        Raises AmuclError for a negative count and for a sample without any.
        """
        values = checked_counts(counts)
        row = _reference_row(values)
        draft = cls(list(counts.columns), str(counts.index[row]), values[row], 1.0, True)
        factors = draft._factors(values)
        by_features = bool(np.isfinite(factors).any())
        scale = float(np.exp(np.nanmean(np.log(factors)))) if by_features else 1.0
        return replace(draft, scale=scale, by_features=by_features)

    def libraries(self, counts: pd.DataFrame) -> pd.DataFrame:
        """Depth of every sample: its total (reads), its factor, and reads * factor (effective).

        The features that a sample lacks are taken to have the share of the library that they have in the reference.
        """
        shared = counts.reindex(columns=self.features)
        values = checked_counts(shared)
        with np.errstate(invalid="ignore"):
            factors = self._factors(values) / self.scale
        factors[~np.isfinite(factors)] = 1.0
        known = ~np.isnan(values) & ~np.isnan(self.reference)
        share = np.where(known, np.nan_to_num(self.reference), 0).sum(axis=1) / np.nansum(self.reference)
        reads = np.where(known, np.nan_to_num(values), 0).sum(axis=1)
        _refuse_empty(reads, counts.index)
        reads = np.divide(reads, share, out=reads.copy(), where=share > 0)
        return pd.DataFrame({"reads": reads, "factor": factors, "effective": reads * factors}, index=counts.index)

    def transform(self, counts: pd.DataFrame) -> pd.DataFrame:
        """log2((count + 0.5) / (effective library size + 1) * 1e6), samples x features, as voom has it.

        Features are those fitted that `counts` has, in the fitted order; an unknown count stays NaN.
        """
        known = pd.Index(self.features)
        present = counts.loc[:, known[known.isin(counts.columns)]]
        effective = self.libraries(present)["effective"].to_numpy()[:, None]
        return np.log2((present.astype(np.float64) + PRIOR) / (effective + 2 * PRIOR) * 1e6)

    def counts(self, logged: pd.DataFrame, effective: pd.Series) -> pd.DataFrame:
        """`transform` undone, for values that were filled in on its scale; `effective` as `libraries` gives it."""
        sizes = effective.loc[logged.index].to_numpy()[:, None]
        return (np.exp2(logged) / 1e6 * (sizes + 2 * PRIOR) - PRIOR).clip(lower=0)

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, for JSON."""
        known = [None if np.isnan(value) else float(value) for value in self.reference]
        return {
            "features": self.features,
            "reference_sample": self.reference_sample,
            "reference": known,
            "scale": self.scale,
            "by_features": self.by_features,
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> DepthScaling:
        """What `to_dict` wrote."""
        reference = np.array([np.nan if value is None else value for value in given["reference"]])
        return cls(**{**given, "features": list(given["features"]), "reference": reference})

    def _factors(self, values: np.ndarray) -> np.ndarray:
        """TMM factor of each row against the reference over the features that both know, NaN where it has none."""
        if not self.by_features:
            return np.full(len(values), np.nan)
        factors = []
        for row in values:
            known = ~np.isnan(row) & ~np.isnan(self.reference)
            factors.append(tmm_factor(row[known], self.reference[known]) if row[known].sum() > 0 else np.nan)
        return np.array(factors)


def _within(values: np.ndarray, trim: float) -> np.ndarray:
    """Which of `values` (n,) are left where floor(n * trim) are trimmed at either end; ties share a mean rank."""
    least = np.floor(len(values) * trim) + 1
    ranks = rankdata(values)
    return (ranks >= least) & (ranks <= len(values) + 1 - least)


def _reference_row(values: np.ndarray) -> int:
    counted = values[:, np.nan_to_num(values).sum(axis=0) > 0]
    shares = np.nanquantile(counted, 0.75, axis=1) / np.nansum(counted, axis=1)
    if np.median(shares) < _NO_QUANTILE:
        return int(np.nansum(np.sqrt(counted), axis=1).argmax())
    return int(np.abs(shares - shares.mean()).argmin())


def checked_counts(counts: pd.DataFrame) -> np.ndarray:
    """The counts as float64. Raises AmuclError for a negative one and for a sample without any."""
    values = counts.to_numpy(np.float64)
    negative = values < 0
    if negative.any():
        row, column = np.argwhere(negative)[0]
        raise AmuclError(
            "a negative count",
            where=f"sample {counts.index[row]}, feature {counts.columns[column]}",
            expected="counts, 0 or more",
            got=f"{values[row, column]:g}",
            action="leave the omic out of `counts`",
        )
    _refuse_empty(np.nansum(values, axis=1), counts.index)
    return values


def _refuse_empty(reads: np.ndarray, samples: pd.Index) -> None:
    if (reads == 0).any():
        raise AmuclError(
            "a sample without a single count",
            where=f"sample {some(samples[reads == 0])}",
            expected="raw counts",
            action="leave it out",
        )
