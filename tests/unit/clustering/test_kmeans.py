import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans

from amucl.clustering.external import ari, nmi
from amucl.clustering.indices import internal_indices, pair_distances
from amucl.clustering.kmeans import kmeans_labels, kmeans_over_k
from amucl.errors import AmuclError
from tests.shared import SHARED, needs_shared

SIZES = [30, 20, 10]
TRUTH = np.repeat([1, 2, 3], SIZES)


@pytest.fixture
def blobs():
    return np.random.default_rng(0).normal(size=(60, 4)) + 8 * np.eye(4)[TRUTH]


def test_planted_clusters_are_found_and_named_by_size(blobs):
    result = kmeans_labels(blobs, 3, n_init=5, seed=1)
    np.testing.assert_array_equal(result.labels, TRUTH)


def test_inertia_is_that_of_the_labels(blobs):
    result = kmeans_labels(blobs, 5, n_init=10, seed=1)
    centred = blobs - pd.DataFrame(blobs).groupby(result.labels).transform("mean").to_numpy()
    assert result.inertia == pytest.approx((centred**2).sum())
    assert result.inertia == result.restart_inertias.min()
    np.testing.assert_array_equal(result.labels, result.restart_labels[result.restart_inertias.argmin()])
    assert result.n_init == 10
    assert result.restart_labels.shape == (10, 60)


def test_as_good_as_scikit_learn_on_hard_data():
    X = np.random.default_rng(3).uniform(size=(150, 2))
    ours = kmeans_labels(X, 6, n_init=60, seed=0)
    theirs = KMeans(6, n_init=60, random_state=5).fit(X)
    assert ours.inertia == pytest.approx(theirs.inertia_, rel=2e-3)
    assert len(set(ours.restart_inertias.round(6))) > 1


def test_one_seed_one_result(blobs):
    first, second = (kmeans_labels(blobs, 6, n_init=4, seed=2) for _ in range(2))
    np.testing.assert_array_equal(first.restart_labels, second.restart_labels)
    np.testing.assert_array_equal(first.restart_inertias, second.restart_inertias)
    other = kmeans_labels(blobs, 6, n_init=4, seed=3)
    assert not np.array_equal(first.restart_inertias, other.restart_inertias)


def test_global_random_state_is_neither_used_nor_changed(blobs):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    kmeans_labels(blobs, 3, n_init=2, seed=0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_more_restarts_extend_fewer(blobs):
    few, many = (kmeans_labels(blobs, 6, n_init=n, seed=2) for n in (3, 8))
    np.testing.assert_array_equal(many.restart_inertias[:3], few.restart_inertias)
    assert many.inertia <= few.inertia


def test_over_k(blobs):
    samples = [f"S{i}" for i in range(60)]
    table = kmeans_over_k(pd.DataFrame(blobs, index=samples), [2, 3, 10], n_init=5, seed=1)
    assert list(table.columns) == ["k2", "k3", "k10"]
    assert list(table.index) == samples
    assert table.nunique().tolist() == [2, 3, 10]
    np.testing.assert_array_equal(table["k3"], TRUTH)
    np.testing.assert_array_equal(table["k10"], kmeans_labels(blobs, 10, n_init=5, seed=1).labels)


@pytest.mark.parametrize(
    ("rows", "k", "n_init", "message"),
    [
        (6, 1, 1, "k: too few clusters; expected 2 or more; got 1"),
        (6, 7, 1, "k = 7: fewer samples than clusters; expected at least 7 samples; got 6"),
        (6, 3, 0, "n_init: k-means needs a restart; expected 1 or more; got 0"),
    ],
)
def test_bad_numbers(rows, k, n_init, message):
    with pytest.raises(AmuclError, match=message):
        kmeans_labels(np.arange(rows, dtype=float)[:, None], k, n_init=n_init, seed=0)


def test_collapsed_embedding():
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 5, axis=0)
    with pytest.raises(AmuclError, match=r"at least 3 different rows; got 2 among 10 samples.*collapsed"):
        kmeans_labels(X, 3, n_init=1, seed=0)


def test_missing_value():
    with pytest.raises(AmuclError, match=r"position 2 \(from 0\): the matrix has missing or infinite values"):
        kmeans_labels([[0.0], [1.0], [np.nan]], 2, n_init=1, seed=0)


# Published two-dimensional (mmdVAE: 15) embeddings of 206 cells of three lines. The internal indices are means over
# single restarts, ARI and NMI those of the best restart. FAETC: late fusion (lf), FCTAE: early fusion (ef).
PUBLISHED = {
    "AE_FAETC_EM": (0.044, 0.658, 0.494, 0.582, 0.619),
    "AE_FCTAE_EM": (0.138, 0.389, 0.871, 0.510, 0.539),
    "DAE_FAETC_EM": (0.052, 0.578, 0.540, 0.638, 0.624),
    "DAE_FCTAE_EM": (0.067, 0.490, 0.713, 0.823, 0.815),
    "LSTMVAE_FCTAE_EM": (0.063, 0.566, 0.590, 0.027, 0.036),
    "VAE_FCTAE_EM": (0.041, 0.585, 0.514, 0.909, 0.898),
    "SVAE_FCTAE_EM": (0.086, 0.427, 0.800, 0.187, 0.240),
    "MMDVAE_EM": (0.070, 0.486, 0.796, 0.947, 0.931),
}


@needs_shared
@pytest.mark.parametrize("name", PUBLISHED)
def test_published_embeddings(name):
    folder = SHARED / "peers" / "single-cell"
    X, cells = np.loadtxt(folder / f"{name}.txt"), np.loadtxt(folder / "c.txt", dtype=int)
    result = kmeans_labels(X, 3, n_init=200, seed=0)
    distances = pair_distances(X)
    per_restart = [internal_indices(X, labels, distances=distances) for labels in result.restart_labels]
    c_index, width, bouldin, rand, information = PUBLISHED[name]
    means = pd.DataFrame(per_restart).mean()
    assert means["c_index"] == pytest.approx(c_index, abs=0.003)
    assert means["silhouette"] == pytest.approx(width, abs=0.005)
    assert means["davies_bouldin"] == pytest.approx(bouldin, abs=0.02)
    within = 0.01 if name == "AE_FCTAE_EM" else 0.001  # its optimum has rivals within .03 % of the inertia
    assert ari(result.labels, cells) == pytest.approx(rand, abs=within)
    assert nmi(result.labels, cells) == pytest.approx(information, abs=within)
