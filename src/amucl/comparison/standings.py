"""Methods by datasets: one table of every index and of the time, and where each method stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from amucl.clustering.scores import HIGHER_IS_BETTER, is_published

PAIRS = (
    ("ari", "truth"),
    ("nmi", "truth"),
    ("c_index", "embedding"),
    ("c_index", "common"),
    ("silhouette", "embedding"),
    ("silhouette", "common"),
    ("davies_bouldin", "embedding"),
    ("davies_bouldin", "common"),
)
STANDINGS = ["mean", "n_datasets", "mean_rank", "place", "mean_rank_all", "place_all"]
_TIE = 9  # decimals: what differs by rounding is a tie
TIME = ("seconds", "")


def standings(metrics: pd.DataFrame, *, reference_k: Mapping[str, int]) -> pd.DataFrame:
    """Every method on every dataset at the dataset's reference k, index by index, and its mean rank.

    Parameters
    ----------
    metrics : columns dataset, method, k, metric, space, value; several seeds are averaged.
    reference_k : dataset -> k.

    Returns
    -------
    DataFrame
        A row per index and method: metric, space, method, a column per dataset, and `STANDINGS`: mean over the datasets
        and their number; mean rank (1 the best, ties averaged) over them and the place it gives among the methods that
        ran here, then among these and the published rivals. Ranks are taken in each dataset among those with a value.
    """
    here = metrics[metrics["k"] == metrics["dataset"].map(dict(reference_k))]
    datasets, methods = (list(dict.fromkeys(here[name])) for name in ("dataset", "method"))
    tables = []
    for metric, space in PAIRS:
        rows = here[(here["metric"] == metric) & (here["space"] == space)]
        values = rows.pivot_table(index="method", columns="dataset", values="value")
        if values.notna().any(axis=None):
            tables.append(_table(metric, space, values.reindex(index=methods, columns=datasets)))
    return pd.concat(tables, ignore_index=True)


def times(seconds: pd.DataFrame, *, datasets: Sequence[str]) -> pd.DataFrame:
    """Seconds of fitting as rows of `standings`: columns dataset, method, seconds."""
    values = seconds.pivot_table(index="method", columns="dataset", values="seconds", sort=False)
    return _table(*TIME, values.reindex(columns=datasets))


def _table(metric: str, space: str, values: pd.DataFrame) -> pd.DataFrame:
    values = values.dropna(how="all")
    own = [method for method in values.index if not is_published(method)]
    ascending = not HIGHER_IS_BETTER.get(metric, False)
    table = values.assign(mean=values.mean(axis=1), n_datasets=values.notna().sum(axis=1))
    for name, field in (("", own), ("_all", list(values.index))):
        ranks = values.loc[field].round(_TIE).rank(ascending=ascending).mean(axis=1)
        table[f"mean_rank{name}"] = ranks
        table[f"place{name}"] = ranks.rank(method="min").reindex(values.index).astype("Int64")
    table = table.rename_axis("method").reset_index()
    table.insert(0, "metric", metric)
    table.insert(1, "space", space or np.nan)
    return table.rename_axis(columns=None)
