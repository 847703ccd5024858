"""One line per method and dataset: what a reader wants to see first."""

from __future__ import annotations

from collections.abc import Mapping

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
    *KEYS, *INDICES.values(), "minus_log10_p", "minus_log10_p_asymptotic", "n_labels", "n_enriched",
    "n_benchmark_labels", "n_enriched_benchmark", "n_enriched_asymptotic", "suggested_k", "confidence", "warning",
]  # fmt: skip


def summary_table(
    *,
    metrics: pd.DataFrame,
    survival: pd.DataFrame,
    enrichment: pd.DataFrame,
    choice: pd.DataFrame,
    reference_k: Mapping[str, int],
) -> pd.DataFrame:
    """Every method on every dataset at the dataset's reference k: one row each, in the order of `metrics`.

    Parameters
    ----------
    metrics : table of `amucl.clustering.metrics.metrics_table`, of all methods and datasets.
    survival, enrichment : tables of `survival_over_k` and `enrichment_table` in `amucl.biology`.
    choice : rows of `amucl.clustering.choice.suggest_k`.
    reference_k : dataset -> k.

    Returns
    -------
    DataFrame
        `COLUMNS`: indices in the method's own and in the common space, agreement with known labels, -log10 of the
        log-rank P (by permutation; asymptotic beside it), clinical labels tested and enriched (permutation with
        Bonferroni), of the benchmark's labels alone too (and uncorrected asymptotic beside it), the k that the data
        speak for, and the warning.
    """
    at_reference = metrics[metrics["k"] == metrics["dataset"].map(dict(reference_k))]
    names = pd.Series(list(zip(at_reference["metric"], at_reference["space"], strict=True)), index=at_reference.index)
    wide = at_reference.assign(column=names.map(INDICES)).dropna(subset="column")
    rows = wide.pivot_table(index=KEYS, columns="column", values="value", dropna=False, sort=False)
    rows = rows.reindex(columns=list(INDICES.values())).dropna(how="all").reset_index()
    rows = rows.merge(_minus_log10(survival), on=KEYS, how="left").merge(enrichment, on=KEYS, how="left")
    rows = rows.merge(choice[["dataset", "method", "suggested_k", "confidence"]], on=["dataset", "method"], how="left")
    warnings = at_reference.dropna(subset="warning").drop_duplicates(KEYS)[[*KEYS, "warning"]]
    return rows.merge(warnings, on=KEYS, how="left")[COLUMNS]


def _minus_log10(survival: pd.DataFrame) -> pd.DataFrame:
    smallest = np.finfo(float).tiny
    return survival[KEYS].assign(
        minus_log10_p=-np.log10(survival["p_permutation"].clip(lower=smallest)),
        minus_log10_p_asymptotic=-np.log10(survival["p_asymptotic"].clip(lower=smallest)),
    )
