"""The real two-class data that the oracles of this folder were computed on."""

from functools import cache

import numpy as np
import pandas as pd

from amucl.biology.differential import subtype_markers
from amucl.biology.genesets import read_gmt
from tests.shared import MIRROR, SHARED


@cache
def leukemia() -> tuple[pd.DataFrame, pd.Series]:
    """Samples x genes (log2 of at least 20, the row with the highest mean for each symbol) and ALL / AML."""
    table = pd.read_csv(SHARED / "leukemia" / "Leukemia_hgu95av2.trim2.txt", sep="\t", index_col=0)
    values = np.log2(table.clip(lower=20))
    values = values.iloc[np.argsort(-values.mean(axis=1), kind="stable")]
    expression = values[~values.index.duplicated()].T
    return expression, pd.Series([sample.split("_")[0] for sample in expression.index], index=expression.index)


@cache
def leukemia_markers() -> pd.DataFrame:
    return subtype_markers(*leukemia())


@cache
def hallmark() -> dict[str, list[str]]:
    return read_gmt(MIRROR / "genesets" / "h.all.v7.0.symbols.gmt")


def oracle(name: str, key: str) -> pd.DataFrame:
    return pd.read_csv(SHARED / "oracles" / name, sep="\t").set_index(key)


def key_values(name: str) -> dict[str, float]:
    return pd.read_csv(SHARED / "oracles" / name, sep="\t", header=None, index_col=0)[1].to_dict()
