"""Small cohorts with planted subtypes, as a user might have them on disk."""

import numpy as np
import pandas as pd


def groups(n: int, k: int, *, seed: int = 9) -> np.ndarray:
    """k subtypes of n patients, in random order, as equal in size as can be."""
    return np.random.default_rng(seed).permutation(np.arange(n) % k)


def planted(
    labels: np.ndarray, p: int, *, seed: int, feature: str = "GENE", effect: float = 2.0, level: float = 8.0
) -> pd.DataFrame:
    """Patients x features; half of the features are raised in one subtype each."""
    rng = np.random.default_rng(seed)
    k = labels.max() + 1
    values = rng.normal(level, 1, (len(labels), p))
    for subtype in range(k):
        values[np.ix_(labels == subtype, np.arange(subtype, p, k)[: p // (2 * k)])] += effect
    index = [f"P{number:03d}" for number in range(1, len(labels) + 1)]
    return pd.DataFrame(values, index=index, columns=[f"{feature}{number}" for number in range(1, p + 1)]).round(4)


def counts(labels: np.ndarray, p: int, *, seed: int, depth_sd: float) -> pd.DataFrame:
    """Reads of patients x genes: negative binomial, some genes doubled in one subtype, depth log-normal."""
    rng = np.random.default_rng(seed)
    k = labels.max() + 1
    share = np.tile(np.exp(rng.normal(4, 1.6, p)), (len(labels), 1))
    for subtype in range(k):
        share[np.ix_(labels == subtype, np.arange(subtype, p, k)[: p // (11 * k)])] *= 2
    share /= share.sum(axis=1, keepdims=True)
    expected = share * (2e6 * rng.lognormal(0, depth_sd, len(labels)))[:, None]
    dispersion = 0.15
    values = rng.poisson(rng.gamma(1 / dispersion, expected * dispersion))
    index = [f"P{number:03d}" for number in range(1, len(labels) + 1)]
    return pd.DataFrame(values, index=index, columns=[f"GENE{number}" for number in range(1, p + 1)])


def followup(labels: np.ndarray, *, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Days and events; later subtypes die sooner."""
    rng = np.random.default_rng(seed)
    days = rng.exponential(900 / (1 + labels)).round().astype(int) + 1
    return days, (rng.random(len(labels)) < 0.7).astype(int)


def names(labels: np.ndarray) -> list[str]:
    """The known classes S1, S2, ... of the patients."""
    return [f"S{label + 1}" for label in labels]
