import numpy as np
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from amucl.errors import AmuclError
from amucl.methods.factor.mofa import MOFA
from tests.unit.methods.planted import TRUTH, planted_views


def test_planted_groups_are_found_and_the_same_again(capsys):
    model = MOFA(3, random_state=4).fit(planted_views())
    labels = KMeans(3, n_init=10, random_state=0).fit_predict(model.embedding_)
    assert adjusted_rand_score(TRUTH, labels) > 0.9
    assert clone(model).fit(planted_views()).embedding_.tobytes() == model.embedding_.tobytes()
    assert capsys.readouterr().out == ""


def test_factors_that_made_the_data_are_found():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(80, 2))
    views = [Z @ rng.normal(size=(2, p)) + 0.3 * rng.normal(size=(80, p)) for p in (30, 50)]
    found = MOFA(n_components=2).fit(views).embedding_
    residual = Z - found @ np.linalg.lstsq(found, Z, rcond=None)[0]
    assert (residual**2).sum() < 0.05 * (Z**2).sum()


def test_global_random_state_is_as_before():
    np.random.seed(7)  # noqa: NPY002
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    MOFA(2, n_iterations=5).fit(planted_views())
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_number_of_components_and_bad_input():
    views = planted_views()
    assert MOFA(4, n_iterations=5).fit(views).embedding_.shape == (60, 4)
    assert MOFA(4, n_components=2, n_iterations=5).fit(views[:1]).embedding_.shape == (60, 2)
    with pytest.raises(AmuclError, match="MOFA: n_iterations is out of range"):
        MOFA(n_iterations=0).fit(views)
    with pytest.raises(AmuclError, match="every feature is constant"):
        MOFA().fit([np.ones((60, 2)), np.ones((60, 3))])
    alone, beside = (
        MOFA(2, n_iterations=5).fit(given).embedding_ for given in (views[:1], [views[0], np.ones((60, 3))])
    )
    np.testing.assert_array_equal(alone, beside)
    views[0][0, 0] = np.nan
    with pytest.raises(AmuclError, match="omic 1, sample 1, feature 1: a value is missing or infinite"):
        MOFA().fit(views)
