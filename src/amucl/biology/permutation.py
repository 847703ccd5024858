"""How many permutations a p-value needs: one rule for every permutation test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from amucl.biology.correction import ALPHA

FIRST_BATCH = (1_000, 1_000_000)  # least and most
NEXT_BATCH = 100_000
ROUNDING = 1e-9  # one value summed in two orders is a tie, and a tie counts as extreme


@dataclass(frozen=True)
class PermutationP:
    """A permutation p-value.

    Attributes
    ----------
    p : (b + 1) / (n + 1), b of n permuted statistics being at least the observed one.
    low, high : 95 % confidence interval of b / n (Clopper & Pearson).
    n : permutations drawn.
    stopped : ``precise`` (the interval is narrow and does not hold .05) or ``cap`` (as many as were allowed).
    """

    p: float
    low: float
    high: float
    n: int
    stopped: str


def permutation_p(
    statistics: Callable[[int], np.ndarray], observed: float, *, first: int, max_permutations: int, chunk: int = 10_000
) -> PermutationP:
    """Draw permuted statistics until their p-value is precise.

    After `first` permutations (see `first_batch`) as many again as were drawn, at most 100,000, follow each other until
    the 95 % confidence interval reaches less than min(p / 10, .01) to either side of b / n and does not hold .05, or
    until `max_permutations` are drawn.

    Parameters
    ----------
    statistics : given m, the next m permuted statistics (m,); larger is more extreme.
    observed : the statistic of the data, of order 1 or more where it matters (as a chi-squared is).
    chunk : largest m asked for at once, which bounds memory.

    References
    ----------
    The stopping rule is that of Rappoport & Shamir, Nucleic Acids Research 46:10546 (2018), whose later batches all
    have 100,000; (b + 1) / (n + 1): Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9:39 (2010).
    """
    least = observed - ROUNDING * max(1.0, abs(observed))
    extreme, n, batch = 0, 0, min(first, max_permutations)
    while True:
        for drawn in range(0, batch, chunk):
            extreme += int((statistics(min(chunk, batch - drawn)) >= least).sum())
        n += batch
        p, (low, high) = extreme / n, clopper_pearson(extreme, n)
        precise = max(high - p, p - low) < min(p / 10, 0.01) and not low < ALPHA < high
        if precise or n >= max_permutations:
            return PermutationP((extreme + 1) / (n + 1), low, high, n, "precise" if precise else "cap")
        batch = min(n, NEXT_BATCH, max_permutations - n)


def first_batch(p_asymptotic: float) -> int:
    """Permutations to begin with: enough to see ten as extreme if `p_asymptotic` is right, 1000 to 1,000,000."""
    least, most = FIRST_BATCH
    return most if p_asymptotic * most <= 10 else max(least, round(10 / p_asymptotic))


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact confidence interval of a binomial proportion (Clopper & Pearson, Biometrika 26:404, 1934)."""
    tail = (1 - level) / 2
    low = beta.ppf(tail, successes, n - successes + 1) if successes else 0.0
    high = beta.ppf(1 - tail, successes + 1, n - successes) if successes < n else 1.0
    return float(low), float(high)
