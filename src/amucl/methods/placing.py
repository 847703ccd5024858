"""New patients in the embedding of a trained network."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mudata
import numpy as np
import pandas as pd

from amucl.cohort.cohort import about, matched_views
from amucl.errors import AmuclError, some
from amucl.methods.blocks import present_omics

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Placed:
    """Where new patients lie: `embedding` (samples x dimensions) and `features` (omic n_features n_found)."""

    embedding: pd.DataFrame
    features: pd.DataFrame


def place_patients(
    estimator: Any, features: Mapping[str, Sequence[str]], cohort: mudata.MuData, columns: Sequence[str]
) -> Placed:
    """Embed the patients of a new cohort, prepared as the reference was (`amucl.cohort.preparation.recipe`).

    Each by itself: of several at once the last digits of a patient would depend on the others. Patients who lack an
    omic are embedded by a network that learns from such patients and left out by others, with a line in the log.

    Parameters
    ----------
    estimator : loaded, of an inductive method. features : omic -> names, as loaded with it.
    columns : names of the embedding's dimensions.

    Raises AmuclError as `matched_views` does, and where the network takes no patient.
    """
    views, samples, found = matched_views(cohort, features)
    present = present_omics(views)
    if not estimator.takes_missing_omics:
        complete = present.all(axis=1)
        if not complete.any():
            lacking = [omic for omic, has in zip(features, present.T, strict=True) if not has.all()]
            raise AmuclError(
                "this network takes no patient who lacks an omic",
                where=about(cohort)["dataset"],
                expected=f"patients with {some(features, 20)}",
                got=f"none; without {some(lacking, 20)}",
                action="take a method that learns from patients who lack an omic, such as dmacl, or by: templates",
            )
        if not complete.all():
            left_out = [sample for sample, has in zip(samples, complete, strict=True) if not has]
            logger.warning("%d patients lack an omic and are left out: %s", len(left_out), some(left_out))
        views = [view[complete] for view in views]
        samples = [sample for sample, has in zip(samples, complete, strict=True) if has]
    omics = dict(zip(features, views, strict=True))
    rows = [
        estimator.transform({omic: view[row : row + 1] for omic, view in omics.items()}) for row in range(len(samples))
    ]
    return Placed(pd.DataFrame(np.vstack(rows), index=samples, columns=list(columns)), found)
