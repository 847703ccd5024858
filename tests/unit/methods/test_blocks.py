import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from amucl.errors import AmuclError
from amucl.methods.blocks import (
    balanced_blocks,
    checked_views,
    principal_coordinates,
    scale_by_maximum,
    zscore,
)


@pytest.fixture
def x():
    return np.random.default_rng(0).normal(5, 3, size=(20, 8)) * np.arange(1, 9)


def test_zscore_and_scaling_are_scikit_learns(x):
    np.testing.assert_allclose(zscore(x), StandardScaler().fit_transform(x))
    np.testing.assert_allclose(scale_by_maximum(x), MaxAbsScaler().fit_transform(x))


@given(st.floats(-1e6, 1e6, allow_subnormal=False), st.integers(2, 50))
def test_constant_features_become_zero(value, n):
    """Equal values may have a mean that rounds to another number."""
    assert (zscore(np.full((n, 1), value)) == 0).all()


def test_all_zero_features_stay_zero():
    assert (scale_by_maximum(np.zeros((4, 2))) == 0).all()
    np.testing.assert_array_equal(scale_by_maximum(np.array([[-4.0, 1], [2, 0]])), [[-1, 1], [0.5, 0]])


def test_z_scored_blocks_have_equal_total_variance():
    rng = np.random.default_rng(0)
    views = [zscore(rng.normal(size=(30, p))) for p in (5, 200, 17)]
    blocks = balanced_blocks(views)
    total = [block.var(axis=0).sum() for block in blocks]
    np.testing.assert_allclose(total, (5 + 200 + 17) / 3)
    np.testing.assert_allclose(blocks[0], views[0] * np.sqrt(222 / 15))
    np.testing.assert_allclose(balanced_blocks(views[:1])[0], views[0])


def test_features_of_a_balanced_block_keep_their_scales(x):
    blocks = balanced_blocks([x, 1000 * x[:, :3], np.ones((20, 2))])
    assert [block.var(axis=0).sum() for block in blocks] == pytest.approx([13 / 3, 13 / 3, 0])
    ratio = blocks[0].std(axis=0) / x.std(axis=0)
    np.testing.assert_allclose(ratio, ratio[0])


@given(arrays.arrays(float, st.tuples(st.integers(2, 12), st.integers(1, 12)), elements=st.integers(-100, 100)))
def test_principal_coordinates_keep_distances_and_fix_signs(x):
    coordinates = principal_coordinates(x)
    np.testing.assert_allclose(pdist(coordinates), pdist(x), atol=1e-3)
    assert coordinates.shape[1] <= max(1, min(len(x) - 1, x.shape[1]))
    np.testing.assert_allclose(coordinates.mean(axis=0), 0, atol=1e-9)
    largest = coordinates[np.abs(coordinates).argmax(axis=0), np.arange(coordinates.shape[1])]
    assert (largest >= 0).all()


def test_principal_coordinates_are_pca_up_to_sign(x):
    ours, theirs = principal_coordinates(x), PCA().fit_transform(x)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-9)
    np.testing.assert_allclose(np.abs(principal_coordinates(-x)), np.abs(ours))


def test_principal_coordinates_hold_a_share_of_variance(x):
    shares = PCA().fit(x).explained_variance_ratio_.cumsum()
    for wanted in (0.3, 0.8, 0.95, 0.999):
        held = principal_coordinates(x, wanted)
        assert held.shape[1] == int((shares < wanted).sum()) + 1
        np.testing.assert_allclose(held, principal_coordinates(x)[:, : held.shape[1]])


def test_far_more_features_than_samples():
    x = np.random.default_rng(0).normal(size=(10, 3000))
    coordinates = principal_coordinates(x)
    assert coordinates.shape == (10, 9)
    np.testing.assert_allclose(pdist(coordinates), pdist(x))


def test_equal_samples_have_one_column_of_zeros():
    assert principal_coordinates(np.ones((4, 3))).tolist() == [[0], [0], [0], [0]]


def test_checked_views_are_float64_copies_of_the_numbers(x):
    checked = checked_views([x.astype(np.float32), x.astype(int)])
    assert [view.dtype for view in checked] == [np.float64, np.float64]
    np.testing.assert_allclose(checked[0], x, rtol=1e-6)


def broken(x, value):
    x = x.copy()
    x[4, 2] = value
    return x


@pytest.mark.parametrize(
    ("views", "message"),
    [
        (lambda x: [], r"there is no omic to learn from; expected at least one \(samples x features\) array"),
        (lambda x: [x, x[:, :0]], r"omic 2: an omic is empty; expected samples x features; got \(20, 0\)"),
        (lambda x: [x[0]], r"omic 1: an omic is empty; expected samples x features; got \(8,\)"),
        (lambda x: [x, x, x[:19]], r"omic 3: omics differ in samples; expected 20; got 19"),
        (lambda x: [x, broken(x, np.nan)], r"omic 2, sample 5, feature 3: a value is missing or infinite; impute it"),
        (lambda x: [broken(x, -np.inf)], r"omic 1, sample 5, feature 3: a value is missing or infinite"),
        (lambda x: [x[:2]], r"too few samples; expected at least 3; got 2"),
    ],
)
def test_bad_views(x, views, message):
    with pytest.raises(AmuclError, match=message):
        checked_views(views(x))
