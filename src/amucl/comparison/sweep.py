"""What a method's hyperparameters change, one at a time."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

COLUMNS = ["dataset", "method", "k", "parameter", "setting", "metric", "space", "value", "as_it_is"]
_KEYS = ["dataset", "method", "k", "metric", "space"]


def swept(points: Iterable[pd.DataFrame], metrics: pd.DataFrame, k: int) -> pd.DataFrame:
    """Every metric at every setting beside its value in the run, `COLUMNS`.

    Parameters
    ----------
    points : tables of `metrics_table` with the columns parameter and setting, one a setting.
    metrics : those of the run, for every k.
    """
    table = pd.concat(points, ignore_index=True)
    here = metrics.loc[metrics["k"] == k, [*_KEYS, "value"]].rename(columns={"value": "as_it_is"})
    return table.merge(here, on=_KEYS, how="left", validate="many_to_one")[COLUMNS]
