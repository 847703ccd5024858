"""Do the subtypes differ in survival?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from lifelines.statistics import multivariate_logrank_test

from amucl.errors import AmuclError, some

SURVIVAL_COLUMNS = [
    "dataset", "method", "k", "n", "n_events", "n_dropped", "min_cluster", "chi2", "df", "p_asymptotic", "status",
]  # fmt: skip


def logrank(time: pd.Series, event: pd.Series, labels: pd.Series) -> dict:
    """Log-rank test of equal survival in all groups, with the asymptotic p-value.

    The asymptotic p-value is too small when a group is: read it beside `min_cluster`.

    Parameters
    ----------
    time : follow-up per sample, not negative, in any unit; event : 1 (died) or 0 (censored); labels : group per sample.
        All are indexed by sample. Samples without a time, event or label are dropped and counted, never taken as day 0.

    Returns
    -------
    n (samples tested), n_events, n_dropped, min_cluster (smallest group), chi2, df, p_asymptotic and status: `ok`; or
    `no_survival` (no sample with a time and an event), `single_group` or `no_events` with chi2, df and p missing.

    References
    ----------
    Mantel, N. (1966). Evaluation of survival data and two new rank order statistics arising in its consideration.
    """
    known = complete_survival(time, event, labels)
    sizes = known["label"].value_counts()
    result = {
        "n": len(known),
        "n_events": int(known["event"].sum()),
        "n_dropped": len(labels) - len(known),
        "min_cluster": int(sizes.min()) if len(sizes) else 0,
        "chi2": np.nan,
        "df": np.nan,
        "p_asymptotic": np.nan,
    }
    if known.empty:
        return result | {"status": "no_survival"}
    if len(sizes) < 2:
        return result | {"status": "single_group"}
    if not result["n_events"]:
        return result | {"status": "no_events"}
    test = multivariate_logrank_test(known["time"], known["label"], known["event"])
    df = len(sizes) - 1
    return result | {"chi2": float(test.test_statistic), "df": df, "p_asymptotic": float(test.p_value), "status": "ok"}


def survival_table(
    dataset: str, method: str, k: int, time: pd.Series | None, event: pd.Series | None, labels: pd.Series
) -> pd.DataFrame:
    """`logrank` of one clustering as a row of `SURVIVAL_COLUMNS`; `time` and `event` are None where there is none."""
    if time is None or event is None:
        time = event = pd.Series(np.nan, index=labels.index)
    row = {"dataset": dataset, "method": method, "k": k} | logrank(time, event, labels)
    return pd.DataFrame([row], columns=SURVIVAL_COLUMNS)


def complete_survival(time: pd.Series, event: pd.Series, labels: pd.Series) -> pd.DataFrame:
    """Columns time, event and label of the labelled samples for which all three are known.

    Raises AmuclError for a negative time and an event that is neither 0 nor 1, naming the sample.
    """
    table = pd.DataFrame({"time": time, "event": event}).reindex(labels.index).assign(label=labels).dropna()
    for column, wrong, expected in [
        ("time", table["time"] < 0, "a time of 0 or more"),
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
