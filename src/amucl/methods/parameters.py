"""Hyperparameters out of range, told the same way by every method."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator

from amucl.errors import AmuclError

logger = logging.getLogger(__name__)

DEFAULT_N_COMPONENTS = 10


def check_parameters(
    estimator: BaseEstimator,
    *,
    choices: Mapping[str, tuple[str, ...]] | None = None,
    lowest: Mapping[str, int] | None = None,
    ranges: Mapping[str, tuple[float, float]] | None = None,
) -> None:
    """Raise an AmuclError for the first hyperparameter that is not allowed.

    Parameters
    ----------
    choices : name -> the words allowed.
    lowest : name -> the smallest whole number allowed; None is allowed where it is the default.
    ranges : name -> (above, highest): the value must exceed the first and not the second.
    """
    where, values = type(estimator).__name__, estimator.get_params()
    defaults = type(estimator)().get_params()
    for name, allowed in (choices or {}).items():
        if (value := values[name]) not in allowed:
            raise AmuclError(f"unknown {name}", where=where, expected=" or ".join(allowed), got=value)
    for name, least in (lowest or {}).items():
        value = values[name]
        unset = value is None and defaults[name] is None
        if not unset and not (isinstance(value, Integral) and value >= least):
            expected = f"a whole number of at least {least}"
            raise AmuclError(f"{name} is out of range", where=where, expected=expected, got=value)
    for name, (above, highest) in (ranges or {}).items():
        if not above < (value := values[name]) <= highest:
            expected = f"more than {above}" + (f" and at most {highest}" if highest < np.inf else "")
            raise AmuclError(f"{name} is out of range", where=where, expected=expected, got=value)


def wanted_components(estimator: BaseEstimator) -> int:
    """Dimensions of an embedding: `n_components`, else the cohort's n_clusters, else 10 as in the papers."""
    return estimator.n_components or estimator.n_clusters or DEFAULT_N_COMPONENTS


def possible_components(estimator: BaseEstimator, most: int, why: str) -> int:
    """`wanted_components`, but no more than `most`; where these are fewer, the log says how many and `why`."""
    wanted = wanted_components(estimator)
    if wanted > most:
        name = type(estimator).__name__
        logger.warning("%s: %d components instead of %d: %s", name, most, wanted, why)
    return min(wanted, most)
