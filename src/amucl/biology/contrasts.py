"""Each subtype against each other one: moderated t-tests of all pairs in one linear model."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from amucl.biology.differential import checked, shrink, t_of
from amucl.labels import subtype_order

PAIR_COLUMNS = [
    "subtype", "against", "gene", "logFC", "AveExpr", "t", "df_total", "P.Value", "adj.P.Val", "n", "n_against",
    "status",
]  # fmt: skip


def pairwise_markers(
    expression: pd.DataFrame, labels: pd.Series, *, min_size: int = 3, trend: bool = False
) -> pd.DataFrame:
    """Moderated t-tests of every pair of subtypes (limma's `lmFit` on a group-means design, `contrasts.fit`, `eBayes`).

    One model holds all subtypes, so that every pair is judged by the variance within all of them.

    Parameters
    ----------
    expression, labels : as in `amucl.biology.differential.subtype_markers`.
    min_size : a subtype with fewer samples stays out of the model; its pairs get one row with the status `too_small`.
    trend : as in `amucl.biology.differential.moderated_t`.

    Returns
    -------
    Columns `PAIR_COLUMNS`, pair by pair in the subtypes' order, in each the smallest p first. logFC is the mean of
    `subtype` minus that of `against`; adj.P.Val is Benjamini-Hochberg over the genes of the pair.

    Raises
    ------
    AmuclError as `subtype_markers` does.

    References
    ----------
    Smyth (2004), as in `amucl.biology.differential.moderated_t`.
    """
    expression, labels = checked(expression, labels)
    subtypes = subtype_order(labels)
    sizes = labels.value_counts()
    tested = [subtype for subtype in subtypes if sizes[subtype] >= min_size]
    model = _GroupMeans(expression, labels, tested, trend) if len(tested) > 1 else None
    tables = []
    for pair in combinations(subtypes, 2):
        both = set(pair) <= set(tested)
        table = model.contrast(*pair).assign(status="ok") if both else _untested(expression)
        named = {"subtype": pair[0], "against": pair[1], "n": sizes[pair[0]], "n_against": sizes[pair[1]]}
        tables.append(table.assign(**named))
    return pd.concat(tables, ignore_index=True)[PAIR_COLUMNS]


class _GroupMeans:
    """One mean per group and gene, and the moderated variance around them."""

    def __init__(self, expression: pd.DataFrame, labels: pd.Series, groups: list, trend: bool) -> None:
        chosen = expression[labels.isin(groups).to_numpy()]
        values = chosen.to_numpy(dtype=float)
        members = {group: (labels[chosen.index] == group).to_numpy() for group in groups}
        self.genes, self.average = expression.columns, values.mean(axis=0)
        self.means = {group: values[inside].mean(axis=0) for group, inside in members.items()}
        self.sizes = {group: inside.sum() for group, inside in members.items()}
        scatter = sum(((values[inside] - self.means[group]) ** 2).sum(axis=0) for group, inside in members.items())
        df = len(values) - len(groups)
        self.variance, self.df = shrink(scatter / df, df, self.average if trend else None)

    def contrast(self, first, second) -> pd.DataFrame:
        difference = self.means[first] - self.means[second]
        t = t_of(difference, self.variance * (1 / self.sizes[first] + 1 / self.sizes[second]))
        p = 2 * stats.t.sf(np.abs(t), self.df)
        table = pd.DataFrame({"gene": self.genes, "logFC": difference, "AveExpr": self.average, "t": t})
        table = table.assign(**{"df_total": self.df, "P.Value": p, "adj.P.Val": stats.false_discovery_control(p)})
        return table.sort_values(["P.Value", "gene"], ignore_index=True)


def _untested(expression: pd.DataFrame) -> pd.DataFrame:
    row = pd.DataFrame({"gene": [None]}).reindex(columns=PAIR_COLUMNS).astype({"gene": object})
    return row.assign(status="too_small")
