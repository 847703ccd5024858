import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from amucl.errors import AmuclError
from amucl.methods.blocks import zscore
from amucl.methods.graph.snf import SNF
from tests.shared import SHARED, needs_shared
from tests.unit.methods.graph.test_fusion import naive_affinity, naive_fusion
from tests.unit.methods.planted import TRUTH, planted_views


def literal_embedding(views, k, n_neighbors, mu, steps):
    """Wang et al. 2014 by loops over pairs, then the eigenvectors of D^-1/2 W D^-1/2 as Ng et al. take them."""
    fused = naive_fusion([naive_affinity(view.tolist(), n_neighbors, mu) for view in views], n_neighbors, steps)
    fused = (fused + fused.T) / 2
    degree = fused.sum(axis=1)
    _, vectors = np.linalg.eigh(fused / np.sqrt(degree[:, None] * degree))
    leading = vectors[:, -k:] / np.sqrt(degree)[:, None]
    return leading / np.linalg.norm(leading, axis=1, keepdims=True)


@pytest.mark.parametrize(("n_neighbors", "mu", "steps"), [(10, 0.5, 20), (6, 0.8, 5)])
def test_embedding_is_that_of_a_literal_transcription(n_neighbors, mu, steps):
    views = [view[::2] for view in planted_views()]
    model = SNF(3, n_neighbors=n_neighbors, mu=mu, n_iterations=steps).fit(views)
    expected = literal_embedding(views, 3, n_neighbors, mu, steps)
    np.testing.assert_allclose(np.linalg.norm(model.embedding_, axis=1), 1)
    np.testing.assert_allclose(model.embedding_ @ model.embedding_.T, expected @ expected.T, atol=1e-6)
    np.testing.assert_array_equal(model.affinity_, model.affinity_.T)


def test_planted_groups_are_found_and_the_same_again():
    model = SNF(3).fit(planted_views())
    labels = KMeans(3, n_init=10, random_state=0).fit_predict(model.embedding_)
    assert adjusted_rand_score(TRUTH, labels) == 1
    assert clone(model).fit(planted_views()).embedding_.tobytes() == model.embedding_.tobytes()


def test_number_of_components():
    views = planted_views()
    assert SNF().fit(views).embedding_.shape == (60, 10)
    assert SNF(4).fit(views[:1]).embedding_.shape == (60, 4)
    assert SNF(4, n_components=2).fit(views).embedding_.shape == (60, 2)
    assert SNF().fit([view[:5] for view in views]).embedding_.shape == (5, 4)
    with pytest.raises(AmuclError, match="SNF: n_components is out of range; expected 1 to 59; got 60"):
        SNF(n_components=60).fit(views)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"n_neighbors": 1}, "n_neighbors is out of range; expected a whole number of at least 2; got 1"),
        ({"mu": 0}, "mu is out of range; expected more than 0; got 0"),
        ({"n_iterations": 0}, "n_iterations is out of range; expected a whole number of at least 1; got 0"),
    ],
)
def test_bad_parameters(parameters, message):
    with pytest.raises(AmuclError) as error:
        SNF(**parameters).fit(planted_views())
    assert str(error.value) == f"SNF: {message}"


def test_missing_values_are_named():
    views = planted_views()
    views[1][3, 4] = np.nan
    with pytest.raises(AmuclError, match="omic 2, sample 4, feature 5: a value is missing"):
        SNF().fit(views)


@needs_shared
@pytest.mark.parametrize("delta", ["0.5", "0.6", "0.8"])
def test_hard_simulated_sets_are_solved(delta):
    folder = SHARED / "simulated_hard" / f"equal_k5_delta{delta}"
    tables = [
        pd.read_csv(path, sep="\t", index_col=0).T
        for path in (folder / f"{omic}.tsv" for omic in ("expr", "methyl", "protein"))
    ]
    truth = pd.read_csv(folder / "clusters.tsv", sep="\t", index_col=0).iloc[:, -1].loc[tables[0].index]
    model = SNF(5).fit([zscore(table.to_numpy()) for table in tables])
    labels = KMeans(5, n_init=20, random_state=0).fit_predict(model.embedding_)
    assert adjusted_rand_score(truth, labels) == 1


def test_patients_who_lack_an_omic_stay_with_their_group():
    views = planted_views()
    views[0][::6] = np.nan
    views[1][1::6] = np.nan
    labels = KMeans(3, n_init=20, random_state=0).fit_predict(SNF(3).fit(views).embedding_)
    assert adjusted_rand_score(TRUTH, labels) > 0.8
