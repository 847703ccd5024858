import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from amucl.biology.splines import natural_spline

X = np.random.default_rng(0).gamma(2, size=200)


def misfit(basis, y):
    return np.abs(basis @ np.linalg.lstsq(basis, y)[0] - y).max()


@pytest.mark.parametrize("df", [2, 3, 4, 6])
def test_spans_the_natural_splines_through_quantiles_and_no_others(df):
    basis = natural_spline(X, df)
    assert basis.shape == (200, df) == (200, np.linalg.matrix_rank(basis))
    knots = np.quantile(X, np.linspace(0, 1, df))
    heights = np.random.default_rng(1).normal(size=df)
    assert misfit(basis, CubicSpline(knots, heights, bc_type="natural")(X)) < 1e-10
    assert misfit(basis, X**2) > 0.1


def test_place_and_unit_do_not_matter():
    y = np.sin(X)
    assert misfit(natural_spline(1e4 - 1e-3 * X, 4), y) == pytest.approx(misfit(natural_spline(X, 4), y), rel=1e-6)


@pytest.mark.parametrize("tied", [X.min(), X.max()])
def test_a_knot_on_an_end_is_left_out(tied):
    basis = natural_spline(np.where(np.arange(200) < 90, tied, X), 4)
    assert basis.shape == (200, 3)
    assert np.isfinite(basis).all()
