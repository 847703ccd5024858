"""Which method is best over many datasets: mean ranks, Friedman's test and Nemenyi's critical difference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import pandas as pd
from scipy.stats import friedmanchisquare, studentized_range

from amucl.clustering.scores import HIGHER_IS_BETTER, PAIRS, is_published
from amucl.errors import AmuclError, some

COLUMNS = [
    "metric", "space", "ranking", "method", "mean_rank", "n_blocks", "n_methods", "friedman_p", "critical_difference",
    "n_ranked", "n_dropped", "status",
]  # fmt: skip


def rank_methods(
    metrics: pd.DataFrame, *, reference_k: Mapping[str, int], pairs: Iterable[tuple[str, str]] = PAIRS
) -> pd.DataFrame:
    """Mean rank of every method over the datasets, 1 the best, and whether the methods differ at all.

    Methods are ranked at each (dataset, k), ties averaged; against known labels only at the dataset's reference k. The
    k of one dataset are not independent, so its ranks are averaged over k first: the blocks of the tests are datasets.
    As averaged ranks vary less than ranks, the critical difference is then a cautious one.

    Only where every method has a value is ranked. Rivals published on few datasets would cost the others most of
    theirs; so where there are any, there are two rankings: `own`, of the methods that ran here, and `all`.

    Parameters
    ----------
    metrics : columns dataset, method, k, metric, space, value; several seeds are averaged. A method without any value
        of a metric does not take part in its ranking.
    reference_k : k by dataset, of those with known labels.
    pairs : (metric, space) to rank by; those not in `metrics` are left out.

    Returns
    -------
    DataFrame
        Columns `COLUMNS`, the best method of each ranking first. n_blocks: datasets; n_ranked: (dataset, k) ranked;
        n_dropped: those without a value of some method. status: `ok`, or why the tests are NaN: `no_common_block` (no
        (dataset, k) has all methods), `single_dataset`, `fewer_than_3_methods`, `all_tied`.

    Raises
    ------
    AmuclError
        If a metric's direction is unknown, or a dataset with known labels has no reference k.

    References
    ----------
    Demšar, J. (2006). Statistical comparisons of classifiers over multiple data sets. JMLR 7, 1-30.
    """
    rankings = [
        _ranking(blocks[methods], metric).assign(metric=metric, space=space, ranking=name)
        for metric, space in pairs
        for blocks in [_blocks(metrics, metric, space, reference_k)]
        for name, methods in _fields(blocks)
    ]
    return pd.concat(rankings, ignore_index=True)[COLUMNS] if rankings else pd.DataFrame(columns=COLUMNS)


def nemenyi_difference(n_methods: int, n_blocks: int, alpha: float = 0.05) -> float:
    """Mean ranks that differ by this much or more differ at level `alpha`, over all pairs of methods (Demšar 2006)."""
    q = studentized_range.ppf(1 - alpha, n_methods, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(n_methods * (n_methods + 1) / (6 * n_blocks)))


def _blocks(metrics: pd.DataFrame, metric: str, space: str, reference_k: Mapping[str, int]) -> pd.DataFrame:
    """Values by (dataset, k) and method."""
    rows = metrics[(metrics["metric"] == metric) & (metrics["space"] == space)]
    if space == "truth":
        unknown = [dataset for dataset in rows["dataset"].unique() if dataset not in reference_k]
        if unknown:
            raise AmuclError("datasets with known labels but no reference k", got=some(unknown), action="give one")
        rows = rows[rows["k"] == rows["dataset"].map(reference_k)]
    return rows.pivot_table(index=["dataset", "k"], columns="method", values="value", sort=False)


def _fields(blocks: pd.DataFrame) -> Iterator[tuple[str, list[str]]]:
    own = [method for method in blocks if not is_published(method)]
    if own:
        yield "own", own
    if len(own) < blocks.shape[1]:
        yield "all", list(blocks)


def _ranking(blocks: pd.DataFrame, metric: str) -> pd.DataFrame:
    if metric not in HIGHER_IS_BETTER:
        raise AmuclError("no direction is known", where=f"metric {metric}", expected=", ".join(HIGHER_IS_BETTER))
    complete = blocks.dropna()
    ranks = complete.rank(axis=1, ascending=not HIGHER_IS_BETTER[metric])
    by_dataset = ranks.groupby(level="dataset", sort=False).mean()
    n_blocks, n_methods = by_dataset.shape
    status = _status(by_dataset)
    tested = status == "ok"
    table = by_dataset.mean().sort_values(kind="stable").rename_axis("method").reset_index(name="mean_rank")
    return table.assign(
        n_blocks=n_blocks,
        n_methods=n_methods,
        friedman_p=friedmanchisquare(*by_dataset.to_numpy().T).pvalue if tested else np.nan,
        critical_difference=nemenyi_difference(n_methods, n_blocks) if tested else np.nan,
        n_ranked=len(complete),
        n_dropped=len(blocks) - len(complete),
        status=status,
    )


def _status(by_dataset: pd.DataFrame) -> str:
    n_blocks, n_methods = by_dataset.shape
    if not n_blocks:
        return "no_common_block"
    if n_methods < 3:
        return "fewer_than_3_methods"
    if n_blocks < 2:
        return "single_dataset"
    return "all_tied" if np.ptp(by_dataset, axis=1).max() == 0 else "ok"
