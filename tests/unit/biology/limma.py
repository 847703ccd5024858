"""limma's tables with and without a trend of the variances, as `tests/oracles/limma_trend.R` made them."""

from functools import cache

import pandas as pd

from tests.shared import REPOSITORY

ORACLES = REPOSITORY / "tests" / "oracles"
COLUMNS = ["logFC", "AveExpr", "t", "df_total", "P.Value", "adj.P.Val"]
MATRIX, TABLES = "limma_trend_expression.tsv.gz", "limma_trend_tables.tsv.gz"
ONE_AGAINST_REST = {
    "rest": slice(None),
    "rest, no trend": slice(None),
    "four samples": [0, 1, 6, 7],
    "three samples": [0, 1, 6],
    "29 genes": slice(None),
    "30 genes": slice(None),
    "6 genes": slice(None),
    "5 genes": slice(None),
    "on the trend": slice(None),
}
"""Cases of subtype a against the rest, and the samples each is about."""


@cache
def expression() -> pd.DataFrame:
    """Fourteen samples x 300 genes; the first two genes do not vary within subtypes."""
    return pd.read_csv(ORACLES / MATRIX, sep="\t", index_col="gene").T


def subtypes() -> pd.Series:
    """Six samples of a, five of b, three of c."""
    return pd.Series(expression().index.str[0], index=expression().index)


@cache
def tables() -> dict[str, pd.DataFrame]:
    """limma's table of each case, indexed by the genes it is about."""
    read = pd.read_csv(ORACLES / TABLES, sep="\t", float_precision="round_trip")
    return {case: table.set_index("gene") for case, table in read.groupby("case", sort=False)}


def case(name: str) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Expression (samples x genes) and who is in a, of a case of `ONE_AGAINST_REST`, and limma's table of it."""
    chosen = expression()[tables()[name].index].iloc[ONE_AGAINST_REST[name]]
    return chosen, subtypes()[chosen.index] == "a", tables()[name]
