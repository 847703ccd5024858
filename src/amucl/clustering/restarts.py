"""What the restarts of k-means scored: how far a figure depends on the start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from amucl.clustering.external import external_over_partitions
from amucl.clustering.indices import internal_over_partitions
from amucl.clustering.kmeans import Restarts
from amucl.clustering.scores import HIGHER_IS_BETTER
from amucl.labels import missing_labels

COLUMNS = ["dataset", "method", "k", "metric", "space", "n_restarts", "n_partitions", "mean", "sd", "best"]


def restarts_table(
    dataset: str,
    method: str,
    restarts: Mapping[int, Restarts],
    spaces: Mapping[str, pd.DataFrame],
    truth: pd.Series | None = None,
) -> pd.DataFrame:
    """Mean, standard deviation and best over all restarts of every index of every k.

    The restarts are plain Lloyd. The clusters that a run goes on with, of least inertia after Hartigan's exchanges,
    have their own scores in the table of metrics. `best` is what one would report who chose the restart by the index.

    Parameters
    ----------
    restarts : k -> Restarts of one embedding.
    spaces : name -> samples x dimensions, in the order of the labels.
    truth : known labels in the same order, missing where unknown; external indices are computed where there are any.

    Returns
    -------
    DataFrame
        `COLUMNS`; missing where an index is undefined for all restarts.
    """
    rows = [
        (k, metric, space, result.n_restarts, len(result.labels), *_summary(values, result.counts, metric))
        for k, result in restarts.items()
        for space, scores in _scores(result.labels, spaces, truth)
        for metric, values in scores.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS[2:]).assign(dataset=dataset, method=method)[COLUMNS]


def restarts_to_arrays(restarts: Mapping[int, Restarts]) -> dict[str, np.ndarray]:
    """Named arrays of restarts, for a file."""
    return {
        f"k{k}_{name}": np.asarray(getattr(result, name))
        for k, result in restarts.items()
        for name in ("best", "inertia", "labels", "counts", "inertias", "warning")
    }


def restarts_from_arrays(arrays: Mapping[str, np.ndarray]) -> dict[int, Restarts]:
    """The inverse of `restarts_to_arrays`."""
    ks = [int(name.removeprefix("k").removesuffix("_labels")) for name in arrays if name.endswith("_labels")]
    return {
        k: Restarts(
            best=arrays[f"k{k}_best"],
            inertia=float(arrays[f"k{k}_inertia"]),
            labels=arrays[f"k{k}_labels"],
            counts=arrays[f"k{k}_counts"],
            inertias=arrays[f"k{k}_inertias"],
            warning=str(arrays[f"k{k}_warning"]),
        )
        for k in ks
    }


def _scores(
    partitions: np.ndarray, spaces: Mapping[str, pd.DataFrame], truth: pd.Series | None
) -> Iterator[tuple[str, pd.DataFrame]]:
    for space, points in spaces.items():
        yield space, internal_over_partitions(points, partitions)
    if truth is not None:
        known = ~missing_labels(truth)
        yield "truth", external_over_partitions(partitions[:, known], truth[known])


def _summary(values: pd.Series, counts: np.ndarray, metric: str) -> tuple[float, float, float]:
    defined = values.notna().to_numpy()
    if not defined.any():
        return np.nan, np.nan, np.nan
    values, weights = values.to_numpy()[defined], counts[defined]
    mean = np.average(values, weights=weights)
    deviation = np.sqrt(np.average((values - mean) ** 2, weights=weights))
    return float(mean), float(deviation), float(values.max() if HIGHER_IS_BETTER[metric] else values.min())
