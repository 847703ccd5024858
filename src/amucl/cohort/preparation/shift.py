"""Whether new patients' values are those of the reference: another scale, platform or depth is measured and said.

Every measure of a patient is compared with the same measure of the reference's own patients, each against the others:
one new patient is enough.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from amucl.cohort.notes import Note

SHIFT_COLUMNS = [
    "omic", "n_patients", "warning", "n_features", "n_found", "n_compared", "n_shifted", "share_shifted", "location",
    "scale", "correlation", "correlation_reference", "lowest", "highest", "lowest_reference", "highest_reference",
    "reads_ratio",
]  # fmt: skip

# In standard deviations of the reference's patients. A subtype that is a quarter of the reference lies at most 1.7 from
# its mean, in the features that tell it.
_SHIFTED = 1.0
_MOST_SHIFTED = 0.25  # share of the features
_MOST_LOCATION = 0.5
_MOST_SCALE = 2.0
_LEAST_CORRELATION = 0.3  # a reference whose own patients follow its mean less closely says nothing
_MOST_CORRELATION_LOST = 0.15
_DEVIATIONS = 4
_QUANTILES = (0.01, 0.99)
_MOST_READS = 5.0
_ADVICE = "they fit {} Then set `log2` to {} in the new cohort's `preprocessing`"
_MOST_FEATURES = 20_000  # compared; of more, every so manieth


def omic_shift(
    omic: str,
    reference: pd.DataFrame,
    new: pd.DataFrame,
    *,
    reads: tuple[pd.Series | None, pd.Series | None] = (None, None),
) -> dict[str, object]:
    """Compare the values of new patients with those of a reference, on the reference's scale.

    Parameters
    ----------
    reference, new : samples x features, the features of `new` among those of `reference`; `new` may have NaN.
    reads : totals of counts of both, where they are counts.

    Returns
    -------
    A row of `SHIFT_COLUMNS`: features of the reference, those found and those compared; how many of these have a mean
    further than 1 and 3 standard errors from the reference's, in its standard deviations (`n_shifted`); medians over
    the patients of their median such distance (`location`, less that of the reference's patients), of their median
    absolute distance (`scale`, against that of the reference's: 1 is the same) and of their correlation with the
    reference's mean profile, beside the reference's patients' own; the 1 and 99 % quantiles of both; the ratio of the
    median totals; and what of it is a warning.
    """
    row = dict.fromkeys(SHIFT_COLUMNS, np.nan) | {"omic": omic, "n_patients": len(new)}
    row |= {"n_features": reference.shape[1], "n_found": new.shape[1], "warning": ""}
    if all(one is not None and len(one) for one in reads):
        row["reads_ratio"] = reads[1].median() / reads[0].median()
    if new.empty or len(reference) < 3:
        return row
    new = new.iloc[:, np.linspace(0, new.shape[1] - 1, min(new.shape[1], _MOST_FEATURES)).astype(int)]
    row["n_compared"] = new.shape[1]
    own = _Profile(reference[new.columns].to_numpy(np.float64))
    values = new.to_numpy(np.float64)
    z, patients, known = own.distances(values), own.measures(values), own.of_reference()
    n = np.maximum((~np.isnan(z)).sum(axis=0), 1)
    mean = np.abs(_nanmean(z, axis=0))
    row["n_shifted"] = int((mean > _SHIFTED + 3 / np.sqrt(n)).sum())
    row["share_shifted"] = row["n_shifted"] / new.shape[1]
    row["location"] = patients["location"].median() - known["location"].median()
    row["scale"] = patients["scale"].median()
    row["correlation"], row["correlation_reference"] = patients["correlation"].median(), known["correlation"].median()
    row["lowest"], row["highest"] = np.nanquantile(values, _QUANTILES)
    row["lowest_reference"], row["highest_reference"] = np.quantile(own.values, _QUANTILES)
    return row | {"warning": "; ".join(_warnings(row, known, own, values))}


class _Profile:
    """The reference's mean and deviation of every feature, and where patients lie by these."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        self.mean, self.deviation = values.mean(axis=0), values.std(axis=0)
        self.usual = max(np.median(np.abs(self._of_others())), np.finfo(float).tiny)

    def distances(self, values: np.ndarray) -> np.ndarray:
        """(n, p) from the mean, in standard deviations; features without any at 0."""
        varies = self.deviation > 0
        return np.where(varies, (values - self.mean) / np.where(varies, self.deviation, 1), 0)

    def measures(self, values: np.ndarray) -> pd.DataFrame:
        """location, scale and correlation of every patient."""
        return self._measures(values, self.distances(values), np.broadcast_to(self.mean, values.shape))

    def of_reference(self) -> pd.DataFrame:
        """The same of every patient of the reference against all others."""
        n = len(self.values)
        others = (n * self.mean - self.values) / (n - 1)
        return self._measures(self.values, self._of_others(), others)

    def _of_others(self) -> np.ndarray:
        return self.distances(self.values) * len(self.values) / (len(self.values) - 1)

    def _measures(self, values: np.ndarray, z: np.ndarray, means: np.ndarray) -> pd.DataFrame:
        rows = []
        for one, own, mean in zip(values, z, means, strict=True):
            known = ~np.isnan(own)
            correlation = np.nan
            if known.sum() > 2 and np.ptp(one[known]) > 0 and np.ptp(mean[known]) > 0:
                correlation = np.corrcoef(one[known], mean[known])[0, 1]
            location = np.median(own[known]) if known.any() else np.nan
            spread = np.median(np.abs(own[known])) if known.any() else np.nan
            rows.append((location, spread / self.usual, correlation))
        return pd.DataFrame(rows, columns=["location", "scale", "correlation"])


def _warnings(row: dict[str, object], known: pd.DataFrame, own: _Profile, values: np.ndarray) -> list[str]:
    """What of a row is more than the reference's own patients differ."""
    n = row["n_patients"]
    told = []
    room = {name: _DEVIATIONS * known[name].std() / np.sqrt(n) for name in ("location", "correlation")}
    if abs(row["location"]) > max(_MOST_LOCATION, room["location"]):
        side = "higher" if row["location"] > 0 else "lower"
        told.append(f"values are {side} by {abs(row['location']):.3g} standard deviations of the reference")
    log_scale = np.log2(known["scale"].clip(lower=np.finfo(float).tiny))
    if abs(np.log2(max(row["scale"], 1e-300))) > max(np.log2(_MOST_SCALE), _DEVIATIONS * log_scale.std() / np.sqrt(n)):
        told.append(f"values lie {row['scale']:.3g} times as far from its mean as those of its own patients")
    lost = row["correlation_reference"] - row["correlation"]
    if row["correlation_reference"] > _LEAST_CORRELATION and lost > max(_MOST_CORRELATION_LOST, room["correlation"]):
        told.append(f"correlation with its mean profile is {row['correlation']:.2f}, {lost:.2f} less than usual")
    if row["share_shifted"] > _MOST_SHIFTED:
        told.append(f"{row['share_shifted']:.0%} of the features are shifted: another platform or pipeline?")
    if told:
        told += _remedy(own, values)
    if not 1 / _MOST_READS < (row["reads_ratio"] if row["reads_ratio"] == row["reads_ratio"] else 1) < _MOST_READS:
        told.append(f"libraries are {row['reads_ratio']:.3g} times as deep")
    return told


def _remedy(own: _Profile, values: np.ndarray) -> list[str]:
    """A logarithm too many or too few, where one more or one fewer makes the values those of the reference."""
    good = min(_misfit(own, values) / 4, 1)
    if np.nanmin(values) >= 0 and _misfit(own, np.log2(values + 1)) < good:
        return [_ADVICE.format("as log2(x + 1): not logged yet?", "true")]
    with np.errstate(over="ignore"):
        undone = np.exp2(np.minimum(values, 1000)) - 1
    if _misfit(own, undone) < good:
        return [_ADVICE.format("without their log2: logged before?", "false")]
    return []


def _misfit(own: _Profile, values: np.ndarray) -> float:
    """Median distance of the features' means from the reference's, in its standard deviations."""
    return float(np.median(np.abs(_nanmean(own.distances(values), axis=0))))


def _nanmean(values: np.ndarray, axis: int) -> np.ndarray:
    known = ~np.isnan(values)
    return np.where(known, values, 0).sum(axis=axis) / np.maximum(known.sum(axis=axis), 1)


def shift_table(rows: Iterable[dict[str, object]]) -> pd.DataFrame:
    """The rows of `omic_shift` as a table of `SHIFT_COLUMNS`."""
    return pd.DataFrame(list(rows), columns=SHIFT_COLUMNS)


def shift_notes(table: pd.DataFrame, dataset: str, reference: str) -> list[Note]:
    """A note for every omic with a warning."""
    told = "{} differs from {}: {}. Look into it before you trust the subtypes"
    return [
        Note(row.omic, "shift", int(np.nan_to_num(row.n_shifted)), told.format(dataset, reference, row.warning))
        for row in table.itertuples()
        if row.warning
    ]


def shift_in_words(table: pd.DataFrame) -> str:
    """The warnings of a table as one text, empty where there is none."""
    told = [f"{row.omic}: {row.warning}." for row in table.itertuples() if isinstance(row.warning, str) and row.warning]
    return " ".join(["Warning, the new patients differ from the reference.", *told]) if told else ""
