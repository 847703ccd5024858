"""From a cohort on disk to a fitted method, and back to files: what the embedding rules share."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from amucl.cohort.cohort import about, read_cohort, views
from amucl.errors import AmuclError
from amucl.files import write_matrix
from amucl.methods.blocks import present_omics
from amucl.methods.registry import METHODS, build

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fitted:
    """A fitted estimator, the samples (rows) it was fitted on and, omic by omic, their features (columns)."""

    estimator: Any
    samples: list[str]
    features: dict[str, list[str]]


def fit_method(cohort_path: str | Path, method: str, settings: dict[str, Any], *, n_threads: int) -> Fitted:
    """Fit a method of the registry on a cohort.

    settings: `random_state`, `device` where it applies, and the user's hyperparameters, laid over the preset.
    Patients without one of the omics are counted in the log; most methods leave them out (see `Method`).
    """
    cohort = read_cohort(cohort_path)
    accepts = METHODS[method].missing_omics
    arrays, omics, samples, features = views(cohort, layer=METHODS[method].layer, complete=not accepts)
    n_lacking = int((~present_omics(arrays).all(axis=1)).sum()) if accepts else cohort.n_obs - len(samples)
    if n_lacking:
        fate = "learns from what they have" if accepts else "leaves them out"
        logger.warning("%d of %d patients lack an omic: %s %s", n_lacking, cohort.n_obs, method, fate)
    logger.info(
        "%s on %d samples: %s",
        method,
        len(samples),
        ", ".join(f"{omic} ({array.shape[1]} features)" for omic, array in zip(omics, arrays, strict=True)),
    )
    for omic, array in zip(omics, arrays, strict=True):
        present = array[~np.isnan(array).all(axis=1)]
        if (present == present[:1]).all():
            logger.warning("%s: no feature differs between these samples: it does not count", omic)
    n_clusters = about(cohort)["n_clusters"]
    estimator = build(method, **{"n_clusters": n_clusters, **settings, "n_threads": n_threads})
    try:
        estimator.fit(arrays)
    except AmuclError as error:
        raise _named(error, omics, features) from error
    return Fitted(estimator, samples, dict(zip(omics, features, strict=True)))


def _named(error: AmuclError, omics: list[str], features: list[list[str]]) -> AmuclError:
    """An estimator knows omics and features by their numbers; a user by their names."""
    found = re.match(r"(?:omic|view) (\d+)\b", str(error.where or ""))
    if found is None:
        return error
    number = int(found[1]) - 1
    where = f"{omics[number]}{error.where[found.end() :]}"
    where = re.sub(r"\bfeature (\d+)", lambda feature: f"feature {features[number][int(feature[1]) - 1]}", where)
    return AmuclError(error.what, where=where, expected=error.expected, got=error.got, action=error.action)


def embedding_of(fitted: Fitted) -> pd.DataFrame:
    """`embedding_` as samples x dimensions dim1, dim2, ..."""
    values = np.asarray(fitted.estimator.embedding_)
    columns = [f"dim{number}" for number in range(1, values.shape[1] + 1)]
    return pd.DataFrame(values, index=fitted.samples, columns=columns)


def write_embedding(fitted: Fitted, path: str | Path) -> None:
    """Write `embedding_` as a table: sample, then one column a dimension."""
    write_matrix(embedding_of(fitted), path)
