"""Do the subtypes differ in survival?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from amucl.biology.correction import benjamini_hochberg, bonferroni
from amucl.biology.permutation import first_batch, permutation_p
from amucl.errors import AmuclError, some
from amucl.labels import k_of

SURVIVAL_COLUMNS = [
    "dataset", "method", "k", "n", "n_events", "n_dropped", "min_cluster", "chi2", "df", "p_asymptotic",
    "p_permutation", "p_low", "p_high", "n_permutations", "stopped", "padj_bh", "padj_bonferroni", "status",
]  # fmt: skip

_CELLS = 2**17  # permuted labels held at a time: few enough to stay in the cache


@dataclass(frozen=True)
class RiskSets:
    """What the log-rank test takes from n patients before it knows their groups.

    Attributes
    ----------
    residual : (n,) deaths (0 or 1) minus those expected by the end of the patient's follow-up if all groups were alike
        (martingale residuals): their sum over a group is its observed minus expected deaths.
    reached : (n,) at how many of the t death times that somebody at risk survives the patient was at risk.
    weight : (t,) d (n - d) / (n - 1) / n^2 there, with d deaths among n at risk: minus the (hypergeometric) covariance
        of the deaths of two groups, per product of their numbers at risk.
    """

    residual: np.ndarray
    reached: np.ndarray
    weight: np.ndarray


def risk_sets(time: np.ndarray, event: np.ndarray) -> RiskSets:
    """`RiskSets` of follow-up times (n,) and events (n,), 1 died or 0 censored."""
    death_times, d = np.unique(time[event == 1], return_counts=True)
    n = len(time) - np.searchsorted(np.sort(time), death_times)
    hazard = np.concatenate([[0.0], np.cumsum(d / n)])
    residual = event - hazard[np.searchsorted(death_times, time, side="right")]
    survived = n > d
    n, d = n[survived], d[survived]
    reached = np.searchsorted(death_times[survived], time, side="right")
    return RiskSets(residual, reached, d * (n - d) / (n - 1) / n**2)


def logrank_statistics(groups: np.ndarray, risk: RiskSets) -> np.ndarray:
    """Log-rank chi-squared of many groupings at once.

    Parameters
    ----------
    groups : (m, n) groups as integers from 0.

    Returns
    -------
    (m,) chi-squared: the quadratic form of the groups' observed minus expected deaths in the pseudo-inverse of their
    covariance. A group of which nobody is at risk at a death counts nothing.
    """
    m, k, t = len(groups), int(groups.max()) + 1, len(risk.weight)
    cell = groups + k * np.arange(m)[:, None]
    residual = np.broadcast_to(risk.residual, groups.shape)
    excess = np.bincount(cell.ravel(), residual.ravel(), m * k).reshape(m, k)
    ends = np.bincount((cell * (t + 1) + risk.reached).ravel(), minlength=m * k * (t + 1)).reshape(m, k, t + 1)
    at_risk = ends[:, :, :0:-1].cumsum(axis=2)[:, :, ::-1]
    scaled = at_risk * np.sqrt(risk.weight)
    shared = scaled @ scaled.mT
    diagonal = shared.sum(axis=2)
    # Adding 1 everywhere, and on the diagonal of groups never at risk, makes the covariance regular and leaves the
    # statistic alone: the excess sums to 0 over the groups and is 0 in those.
    regular = np.eye(k) * (diagonal + (diagonal == 0))[:, :, None] - shared + 1
    return np.einsum("mk,mk->m", excess, np.linalg.solve(regular, excess[:, :, None])[:, :, 0])


def logrank(time: pd.Series, event: pd.Series, labels: pd.Series) -> dict:
    """Log-rank test of equal survival in all groups, with the asymptotic p-value.

    The asymptotic p-value is too small when a group is: read it beside `min_cluster`, or use `permutation_logrank`.

    Parameters
    ----------
    time : follow-up per sample, not negative, in any unit; event : 1 (died) or 0 (censored); labels : group per sample.
        All are indexed by sample. Samples without a time, event or label are dropped and counted, never taken as day 0.

    Returns
    -------
    n (samples tested), n_events, n_dropped, min_cluster (smallest group), chi2, df (groups with somebody at risk at a
    death, less one), p_asymptotic and status: `ok`; or, with chi2, df and p missing, `no_survival` (no sample with a
    time and an event), `single_group`, `no_events` or `no_comparison` (no death with survivors and two groups at risk).

    References
    ----------
    Mantel, N. (1966). Evaluation of survival data and two new rank order statistics arising in its consideration.
    """
    return _logrank(complete_survival(time, event, labels), len(labels))[0]


def permutation_logrank(
    time: pd.Series, event: pd.Series, labels: pd.Series, *, seed: int = 42, max_permutations: int = 100_000
) -> dict:
    """`logrank` with a p-value that holds for small groups too: by permutation of the labels over the samples tested.

    The stopping rule is that of the Rappoport & Shamir benchmark, checked more often (see `permutation_p`) and ended at
    `max_permutations` instead of 2e7.

    Returns
    -------
    The items of `logrank` and p_permutation = (b + 1) / (m + 1), b of m permutations having a chi-squared at least the
    observed one; p_low and p_high, the Clopper-Pearson 95 % confidence interval of b / m; n_permutations (m); stopped
    (`precise` or `cap`). All of these are missing where the status is not `ok`.

    References
    ----------
    Rappoport, N. & Shamir, R. (2018). Multi-omic and multi-view clustering algorithms. Nucleic Acids Research 46:10546.
    """
    known = complete_survival(time, event, labels)
    result, risk, groups = _logrank(known, len(labels))
    if result["status"] != "ok":
        return result | dict.fromkeys(["p_permutation", "p_low", "p_high", "n_permutations", "stopped"], np.nan)
    rng = np.random.default_rng(seed)

    def permuted(m: int) -> np.ndarray:
        return logrank_statistics(rng.permuted(np.broadcast_to(groups, (m, len(groups))), axis=1), risk)

    found = permutation_p(
        permuted,
        result["chi2"],
        first=first_batch(result["p_asymptotic"]),
        max_permutations=max_permutations,
        chunk=max(1, _CELLS // len(groups)),
    )
    return result | {
        "p_permutation": found.p,
        "p_low": found.low,
        "p_high": found.high,
        "n_permutations": found.n,
        "stopped": found.stopped,
    }


def survival_over_k(
    dataset: str,
    method: str,
    time: pd.Series | None,
    event: pd.Series | None,
    labels: pd.DataFrame,
    *,
    seed: int = 42,
    max_permutations: int = 100_000,
) -> pd.DataFrame:
    """`permutation_logrank` of the clusters of every k.

    Parameters
    ----------
    time, event : by sample; None where the cohort has none.
    labels : samples x (k2, k3, ...), the clusters.
    seed : every test starts from it, so that its p-value does not depend on which other k are tested.

    Returns
    -------
    One row per k, columns `SURVIVAL_COLUMNS`; padj_bh and padj_bonferroni correct p_permutation over the k tested
    (Benjamini-Hochberg; Bonferroni).
    """
    rows = [
        {"dataset": dataset, "method": method, "k": k_of(name)}
        | permutation_logrank(time, event, clusters, seed=seed, max_permutations=max_permutations)
        for name, clusters in labels.items()
    ]
    table = pd.DataFrame(rows, columns=SURVIVAL_COLUMNS)
    p = table["p_permutation"]
    return table.assign(padj_bh=benjamini_hochberg(p), padj_bonferroni=bonferroni(p))


def complete_survival(time: pd.Series | None, event: pd.Series | None, labels: pd.Series) -> pd.DataFrame:
    """Columns time, event and label of the labelled samples for which all three are known.

    time, event : by sample; None where the cohort has none.

    Raises AmuclError for a negative or infinite time and an event that is neither 0 nor 1, naming the sample.
    """
    table = pd.DataFrame({"time": time, "event": event}, index=labels.index).assign(label=labels).dropna()
    table = table.astype({"time": float, "event": float})
    for column, wrong, expected in [
        ("time", (table["time"] < 0) | np.isinf(table["time"]), "a finite time of 0 or more"),
        ("event", ~table["event"].isin([0, 1]), "1 (died) or 0 (censored)"),
    ]:
        if wrong.any():
            samples = table.index[wrong]
            raise AmuclError(
                f"impossible survival {column}",
                where=f"sample {some(samples)}",
                expected=expected,
                got=table.loc[samples[0], column],
            )
    return table


def _logrank(known: pd.DataFrame, n_labels: int) -> tuple[dict, RiskSets | None, np.ndarray | None]:
    """The result of `logrank`, with the risk sets and groups (n,) where it could be tested."""
    sizes = known["label"].value_counts()
    result = {
        "n": len(known),
        "n_events": int(known["event"].sum()),
        "n_dropped": n_labels - len(known),
        "min_cluster": int(sizes.min()) if len(sizes) else 0,
        "chi2": np.nan,
        "df": np.nan,
        "p_asymptotic": np.nan,
    }
    if known.empty:
        return result | {"status": "no_survival"}, None, None
    if len(sizes) < 2:
        return result | {"status": "single_group"}, None, None
    if not result["n_events"]:
        return result | {"status": "no_events"}, None, None
    risk = risk_sets(known["time"].to_numpy(dtype=float), known["event"].to_numpy(dtype=float))
    groups = pd.factorize(known["label"])[0]
    df = len(np.unique(groups[risk.reached > 0])) - 1
    if df < 1:
        return result | {"status": "no_comparison"}, None, None
    chi2 = float(logrank_statistics(groups[None], risk)[0])
    tested = {"chi2": chi2, "df": df, "p_asymptotic": float(stats.chi2.sf(chi2, df)), "status": "ok"}
    return result | tested, risk, groups
