"""Tables of several methods and datasets brought together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

KEYS = ["dataset", "method", "k"]
INDICES = {
    ("silhouette", "embedding"): "silhouette_own",
    ("silhouette", "common"): "silhouette_common",
    ("c_index", "embedding"): "c_index_own",
    ("c_index", "common"): "c_index_common",
    ("davies_bouldin", "embedding"): "davies_bouldin_own",
    ("davies_bouldin", "common"): "davies_bouldin_common",
    ("ari", "truth"): "ari",
    ("nmi", "truth"): "nmi",
    ("accuracy", "truth"): "accuracy",
}
COLUMNS = [
    *KEYS, "n", "silhouette_own", "silhouette_common", "ari", "nmi", "accuracy", "minus_log10_p", "n_labels",
    "n_enriched",
    "suggested_k", "confidence", "warning", "c_index_own", "c_index_common", "davies_bouldin_own",
    "davies_bouldin_common", "minus_log10_p_asymptotic", "n_benchmark_labels", "n_enriched_benchmark",
    "n_enriched_asymptotic",
]  # fmt: skip


def together(tables: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Tables of the same columns, one below the other; those without rows lend their columns only."""
    tables = list(tables)
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def wide_metrics(metrics: pd.DataFrame) -> pd.DataFrame:
    """A row per dataset, method and k, a column per metric and space, and the warning."""
    names = metrics["metric"] + " (" + metrics["space"] + ")"
    wide = _columns(metrics.assign(name=names), names.unique())
    return _rows(metrics).merge(wide, on=KEYS, how="left").merge(_warnings(metrics), on=KEYS, how="left")


def suggested_k(choice: pd.DataFrame) -> dict[str, int]:
    """The suggested k by method, of one dataset's rows of `amucl.clustering.choice.suggest_k`."""
    return choice.dropna(subset="suggested_k").set_index("method")["suggested_k"].astype(int).to_dict()


def summary_table(
    *,
    metrics: pd.DataFrame,
    trust: pd.DataFrame,
    survival: pd.DataFrame,
    enrichment: pd.DataFrame,
    choice: pd.DataFrame,
    reference_k: Mapping[str, int],
) -> pd.DataFrame:
    """Every method on every dataset at the dataset's reference k: one row each, in the order of `metrics`.

    Parameters
    ----------
    metrics, trust : tables of `amucl.clustering.evaluation.evaluate`, of all methods and datasets.
    survival, enrichment : tables of `amucl.biology.clinic.clinic`.
    choice : rows of `amucl.clustering.choice.suggest_k`.
    reference_k : dataset -> k.

    Returns
    -------
    DataFrame
        `COLUMNS`: samples scored, indices in the method's own and in the common space, agreement with known labels,
        -log10 of the log-rank P (by permutation; asymptotic beside it), clinical labels tested and enriched
        (permutation with Bonferroni), of the benchmark's labels alone too (and uncorrected asymptotic beside it), the k
        that the data speak for, and the warning.
    """
    here = metrics[metrics["k"] == metrics["dataset"].map(dict(reference_k))]
    names = pd.Series(list(zip(here["metric"], here["space"], strict=True)), index=here.index).map(INDICES)
    values = _columns(here.assign(name=names).dropna(subset="name"), INDICES.values())
    rows = _rows(here).merge(values, on=KEYS, how="left")
    for table in (trust[[*KEYS, "n"]], _minus_log10(survival), enrichment, _warnings(here)):
        rows = rows.merge(table, on=KEYS, how="left")
    chosen = choice[["dataset", "method", "suggested_k", "confidence"]]
    return rows.merge(chosen, on=["dataset", "method"], how="left")[COLUMNS]


def _columns(metrics: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Values by dataset, method and k, a column per `name`."""
    wide = metrics.pivot_table(index=KEYS, columns="name", values="value", aggfunc="first")
    return wide.reindex(columns=list(names))


def _rows(metrics: pd.DataFrame) -> pd.DataFrame:
    return metrics[KEYS].drop_duplicates()


def _warnings(metrics: pd.DataFrame) -> pd.DataFrame:
    return metrics.dropna(subset="warning").drop_duplicates(KEYS)[[*KEYS, "warning"]]


def _minus_log10(survival: pd.DataFrame) -> pd.DataFrame:
    smallest = np.finfo(float).tiny
    return survival[KEYS].assign(
        minus_log10_p=-np.log10(survival["p_permutation"].clip(lower=smallest)),
        minus_log10_p_asymptotic=-np.log10(survival["p_asymptotic"].clip(lower=smallest)),
    )
