"""Smooth curves through many points: natural cubic splines."""

from __future__ import annotations

import numpy as np
from scipy.interpolate import BSpline
from scipy.linalg import null_space

_ORDER = 4  # of a cubic: a knot at an end counts four times


def natural_spline(x: np.ndarray, df: int) -> np.ndarray:
    """A basis of the natural cubic splines of `x`, the constant among them (the space of R's `splines::ns`).

    Cubic between knots, linear at both ends; the `df` - 2 inner knots are at quantiles of `x`, equally many points
    apart.

    Parameters
    ----------
    x : (n,), two values or more.
    df : 2 (a straight line) or more.

    Returns
    -------
    (n, df), or fewer columns where so many `x` are tied that an inner knot would lie on an end.

    References
    ----------
    Hastie, T. J. (1992). Generalized additive models. In Chambers & Hastie, Statistical Models in S, chapter 7.
    """
    x = (x - x.min()) / np.ptp(x)
    inner = np.quantile(x, np.linspace(0, 1, df)[1:-1])
    knots = np.concatenate([np.zeros(_ORDER), inner[(inner > 0) & (inner < 1)], np.ones(_ORDER)])
    cubics = BSpline.design_matrix(x, knots, k=_ORDER - 1).toarray()
    curvature = BSpline(knots, np.eye(cubics.shape[1]), k=_ORDER - 1).derivative(2)([0, 1])
    curvature /= np.linalg.norm(curvature, axis=1, keepdims=True)
    return cubics @ null_space(curvature)
