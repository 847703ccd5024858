import numpy as np
import pytest
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.metrics import adjusted_rand_score

from amucl.errors import AmuclError
from amucl.methods.graph.spectral import Spectral
from amucl.methods.lowrank.graph import knn_graph
from amucl.methods.lowrank.samples import joined_samples


def rings(n=80, seed=0):
    """Two rings, one in the other, which k-means cannot part; the third coordinate keeps them apart at unit length."""
    rng = np.random.default_rng(seed)
    angle, truth = rng.uniform(0, 2 * np.pi, 2 * n), np.repeat([0, 1], n)
    radius = np.where(truth == 0, 1, 4) + 0.1 * rng.normal(size=2 * n)
    height = 8 + 1e-3 * rng.normal(size=2 * n)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle), height]), truth


def test_rings_are_told_apart_as_by_scikit_learn():
    X, truth = rings()
    embedding = Spectral(2, n_neighbors=8).fit([X]).embedding_
    np.testing.assert_allclose(np.linalg.norm(embedding, axis=1), 1)
    labels = KMeans(2, n_init=10, random_state=0).fit_predict(embedding)
    assert adjusted_rand_score(truth, labels) == 1
    assert adjusted_rand_score(truth, KMeans(2, n_init=10, random_state=0).fit_predict(X)) < 0.5
    reference = SpectralClustering(2, affinity="precomputed", random_state=0, assign_labels="cluster_qr")
    with pytest.warns(UserWarning, match="not fully connected"):
        theirs = reference.fit_predict(knn_graph(joined_samples(X), 8))
    assert adjusted_rand_score(theirs, labels) == 1


def test_eigenvectors_solve_the_normalised_laplacian():
    X = np.random.default_rng(1).normal(size=(40, 3))
    W = knn_graph(X / np.linalg.norm(X, axis=1, keepdims=True), 6).toarray()
    degree = W.sum(axis=1)
    values, vectors = np.linalg.eigh(np.eye(40) - W / np.sqrt(degree[:, None] * degree[None]))
    expected = vectors[:, :4] / np.sqrt(degree)[:, None]
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    embedding = Spectral(n_components=4, n_neighbors=6).fit([X]).embedding_
    np.testing.assert_allclose(np.abs(embedding @ embedding.T), np.abs(expected @ expected.T), atol=1e-6)
    assert values[0] == pytest.approx(0, abs=1e-9)


def test_number_of_components():
    X = np.random.default_rng(0).normal(size=(30, 4))
    assert Spectral().fit([X]).embedding_.shape == (30, 10)
    assert Spectral(3).fit([X, X]).embedding_.shape == (30, 3)
    assert Spectral().fit([X[:6]]).embedding_.shape == (6, 5)
    with pytest.raises(AmuclError, match="Spectral: n_components is out of range; expected 1 to 29; got 30"):
        Spectral(n_components=30).fit([X])


def test_same_input_gives_the_same_bytes():
    X, _ = rings()
    assert Spectral(2).fit([X]).embedding_.tobytes() == Spectral(2).fit([X]).embedding_.tobytes()
