"""What the AMUCL paper prints of its own DMACL: a few indices in the method's own space, in its text and abstract."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from amucl.clustering.scores import PUBLISHED

PRINTED_METHOD = f"{PUBLISHED}DMACL"
# Dataset, by its name in `amucl.comparison.peers` -> k, metric -> value. Of the cancers the abstract gives one set of
# indices without naming the cancer, and the figures no numbers: neither can stand beside a dataset here.
PRINTED = {
    "heterogeneous_5": (5, {"c_index": 0.002}),
    "heterogeneous_10": (10, {"c_index": 0.022}),
    "heterogeneous_15": (15, {"c_index": 0.023}),
    "equal_5": (5, {"c_index": 0.005}),
    "equal_10": (10, {"c_index": 0.021}),
    "equal_15": (15, {"c_index": 0.014}),
    "singlecell": (3, {"c_index": 0.002, "silhouette": 0.801, "davies_bouldin": 0.38}),
}


def printed_metrics(names: Mapping[str, str]) -> pd.DataFrame:
    """The printed values in the columns of a metrics table: dataset, method, k, metric, space, value.

    names: dataset of the run -> what `amucl.comparison.peers.peer_name` calls it.
    """
    rows = [
        (dataset, PRINTED_METHOD, PRINTED[name][0], metric, "embedding", value)
        for dataset, name in names.items()
        if name in PRINTED
        for metric, value in PRINTED[name][1].items()
    ]
    return pd.DataFrame(rows, columns=["dataset", "method", "k", "metric", "space", "value"])
