"""Which omics are raw counts, and which of their features are counted often enough to be learnt from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from amucl.cohort.notes import Note
from amucl.cohort.preparation.depth import DepthScaling, checked_counts
from amucl.errors import AmuclError, some

_LARGEST = 1000  # raw counts of some feature reach more
_SMALLEST = 50  # and of some other are fewer; intensities that were rounded start higher
_LEAST_DISTINCT = 20  # codes and scores have fewer values
_LEAST_SPREAD = 1.2  # of the depths, from the first to the last decile: what was scaled to one depth has 1
_SAME_DEPTH = 1.005  # what has less was scaled: reads or transcripts per million
_SKEWED = 2.0
_UNSCALED = 100.0  # values above are on no logarithmic scale
_LEAST_PATIENTS = 3
_LARGEST_LOGARITHM = 40.0


def spread(depths: np.ndarray) -> float:
    """Last over first decile of the patients' totals, infinite where the first is 0."""
    low, high = np.quantile(depths, [0.1, 0.9])
    return float(high / low) if low > 0 else np.inf


def are_raw_counts(values: np.ndarray) -> bool:
    """Whether samples x features look like raw counts: whole, from few to over 1,000, of totals that differ.

    Not so: 0/1 mutations, copy number, ranks and quantiles (equal totals), reads per million, betas, logarithms,
    intensities (no small values), expected counts of RSEM (no whole numbers: to be declared).
    """
    present = values[~np.isnan(values)]
    if not present.size or present.min() < 0 or present.max() <= _LARGEST or (present % 1).any():
        return False
    distinct = np.unique(present)
    if len(distinct) < _LEAST_DISTINCT or distinct[distinct > 0][0] > _SMALLEST:
        return False
    return spread(np.nansum(values, axis=1)) >= _LEAST_SPREAD


def counted_omics(
    tables: Mapping[str, pd.DataFrame], counts: str | Collection[str] | None, unlogged: Collection[str] = ()
) -> tuple[list[str], list[Note]]:
    """Which of `tables` (omic -> samples x features) are raw counts, in their order, and what is to be said of it.

    Parameters
    ----------
    counts : names of the omics that are, or ``auto``: those whose values look so (`are_raw_counts`). None where the
        source says what its values are: there are none, and nothing is said.
    unlogged : omics that are not to be logged, and so none that `auto` takes.

    Raises
    ------
    AmuclError for an omic of `counts` that is not there or holds no counts.
    """
    if counts is None:
        return [], []
    auto = counts == "auto"
    unknown = [] if auto else [name for name in counts if name not in tables]
    if unknown:
        raise AmuclError("counts names an unknown omic", expected=some(tables, 20), got=some(unknown))
    found, notes = [], []
    for omic, table in tables.items():
        if auto and omic not in unlogged and are_raw_counts(table.to_numpy()):
            found.append(omic)
            notes.append(_recognised(omic, table))
        elif not auto and omic in counts:
            found.append(omic)
            notes.append(_declared(omic, table))
        else:
            notes.append(_unscaled(omic, table))
    return found, [note for note in notes if note is not None]


def depth_in_words(reads: pd.Series, libraries: pd.DataFrame, scaling: DepthScaling) -> str:
    """The reason of the step that scales counts: which depths went in, by which factors, and what came out.

    reads : total of every patient before anything was filtered. libraries : of `DepthScaling.libraries`.
    """
    sizes = f"reads per patient {reads.min():,.0f} to {reads.max():,.0f}, median {reads.median():,.0f}"
    factors = libraries["factor"]
    by = f"TMM factors {factors.min():.3f} to {factors.max():.3f}, reference {scaling.reference_sample}"
    if not scaling.by_features:
        by = "plain library sizes: too few features are counted for TMM"
    return f"log2((count + 0.5) / (effective library size + 1) * 1e6); {sizes}; {by}"


def _recognised(omic: str, table: pd.DataFrame) -> Note:
    depths = table.sum(axis=1)
    return Note(
        omic,
        "recognised counts",
        len(table),
        f"whole numbers up to {np.nanmax(table.to_numpy()):,.0f} whose totals per patient go from {depths.min():,.0f} "
        f"to {depths.max():,.0f} are taken for raw counts and scaled for depth; where they are none, list the omics "
        "that are in the dataset's `counts` (`[]` for none)",
    )


def _declared(omic: str, table: pd.DataFrame) -> Note | None:
    """What is odd about omics declared as counts. Raises AmuclError where they can be none."""
    values = table.to_numpy()
    present = values[~np.isnan(values)]
    broken = float((present % 1 != 0).mean()) if present.size else 0.0
    if broken > 0.5 and present.max() <= _LARGEST_LOGARITHM:
        raise AmuclError(
            "declared as counts but looks like logarithms",
            where=omic,
            expected="raw counts",
            got=f"{broken:.0%} fractions, none above {present.max():.4g}",
            action="leave it out of `counts`, or give the counts themselves",
        )
    checked_counts(table.dropna(how="all"))
    if broken and len(table) > 1 and spread(np.nansum(values, axis=1)) < _SAME_DEPTH:
        told = "declared as counts but every patient has the same total, as of reads or transcripts per million: "
        told += "tests of counts are too sure of them; give raw counts, or leave the omic out of `counts`"
        return Note(omic, "counts of one depth", len(table), told)
    if broken:
        told = f"{broken:.1%} of the counts are no whole numbers (expected counts); tests of counts round them"
        return Note(omic, "fractions among counts", int((present % 1 != 0).sum()), told)
    return None


def _unscaled(omic: str, table: pd.DataFrame) -> Note | None:
    """A warning about what is no counts as far as is known, but differs in depth from patient to patient."""
    values = table.to_numpy()
    present = values[~np.isnan(values)]
    if not present.size or present.min() < 0 or present.max() <= _UNSCALED:
        return None
    depths = table.mean(axis=1).dropna().to_numpy()  # of what is known: missing values are no depth
    if depths.max() < _SKEWED * max(depths.min(), np.finfo(float).tiny):
        return None
    what = "looks like raw counts" if are_raw_counts(values) else "is on no logarithmic scale"
    return Note(
        omic,
        "depth not scaled",
        len(table),
        f"{what}, and the mean of a patient's values goes from {depths.min():,.4g} to {depths.max():,.4g}, which "
        "clusters may follow; where these are counts, list the omic in the dataset's `counts`, else scale its values",
    )


@dataclass(frozen=True)
class ExpressionFilter:
    """Keeps what is counted in enough patients, as edgeR's filterByExpr.

    Attributes
    ----------
    min_count : count that a feature must reach at the median depth; at other depths the same share of the library.
    min_patients : in how many patients: a number, or below 1 a share of them; never fewer than 3.

    References
    ----------
    Chen, Y., Lun, A. T. L. & Smyth, G. K. (2016). From reads to genes to pathways. F1000Research 5, 1438.
    """

    min_count: float = 10.0
    min_patients: float = 0.05

    def needed(self, n: int) -> int:
        """Patients, of `n`, in which a feature must reach the count."""
        wanted = np.ceil(self.min_patients * n) if self.min_patients < 1 else self.min_patients
        return int(min(max(wanted, _LEAST_PATIENTS), n))

    def keep(self, counts: pd.DataFrame) -> np.ndarray:
        """(p,) bool. All of fewer than three patients, who cannot tell what is expressed."""
        if len(counts) < _LEAST_PATIENTS or self.min_count <= 0:
            return np.ones(counts.shape[1], dtype=bool)
        depths = counts.sum(axis=1)
        wanted = self.min_count * depths / depths.median()
        return (counts.ge(wanted, axis=0).sum() >= self.needed(len(counts))).to_numpy()
