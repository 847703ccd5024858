import numpy as np
import pytest
from scipy.spatial.distance import pdist
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA as ReferencePCA
from sklearn.metrics import adjusted_rand_score

from amucl.errors import AmuclError
from amucl.methods.factor.concatenation import Concatenation
from amucl.methods.factor.pca import PCA


@pytest.fixture
def views():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 15)
    return [1000 * (2 * rng.normal(size=(3, 40))[truth] + rng.normal(size=(45, 40))), rng.normal(size=(45, 6))], truth


def joined(views):
    """Each omic centred and divided by the root of its total variance; a common factor is left."""
    return np.hstack([(view - view.mean(axis=0)) / np.sqrt(view.var(axis=0).sum()) for view in views]) * np.sqrt(23)


def test_pca_is_that_of_the_equally_weighted_omics(views):
    ours = PCA(3).fit(views[0]).embedding_
    theirs = ReferencePCA(3).fit_transform(joined(views[0]))
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-9)


def test_number_of_components(views):
    assert PCA().fit(views[0]).embedding_.shape == (45, 10)
    assert PCA(4).fit(views[0]).embedding_.shape == (45, 4)
    assert PCA(4, n_components=7).fit(views[0]).embedding_.shape == (45, 7)
    assert PCA(n_components=1000).fit(views[0]).embedding_.shape == (45, 44)
    with pytest.raises(AmuclError, match="PCA: n_components is too small; expected at least 1; got 0"):
        PCA(n_components=0).fit(views[0])


def test_concatenation_keeps_all_distances(views):
    embedding = Concatenation().fit(views[0]).embedding_
    assert embedding.shape == (45, 44)
    np.testing.assert_allclose(pdist(embedding), pdist(joined(views[0])))


@pytest.mark.parametrize("estimator", [PCA(3), Concatenation(3)])
def test_baselines_find_clear_groups_and_obey_scikit_learn(views, estimator):
    twin = clone(estimator)
    assert twin.get_params() == estimator.get_params()
    assert twin.set_params(n_clusters=2).n_clusters == 2
    fitted = estimator.fit(views[0])
    assert fitted is estimator
    labels = KMeans(3, n_init=10, random_state=0).fit_predict(fitted.embedding_)
    assert adjusted_rand_score(views[1], labels) > 0.9
    np.testing.assert_array_equal(clone(estimator).fit(views[0]).embedding_, fitted.embedding_)


@pytest.mark.parametrize("estimator", [PCA(), Concatenation()])
def test_baselines_check_their_input(views, estimator):
    with pytest.raises(AmuclError, match="omics differ in samples"):
        estimator.fit([views[0][0], views[0][1][1:]])
