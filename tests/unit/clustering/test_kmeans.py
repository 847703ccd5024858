import tracemalloc

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from amucl.clustering.external import ari, nmi
from amucl.clustering.indices import internal_over_partitions
from amucl.clustering.kmeans import kmeans_on_subsets, kmeans_restarts, labels_over_k
from amucl.clustering.lloyd import RANDOM, STARTS, run_batches
from amucl.errors import AmuclError
from amucl.labels import canonical_labels
from tests.shared import SHARED, needs_shared

SIZES = [30, 20, 10]
TRUTH = np.repeat([1, 2, 3], SIZES)


@pytest.fixture
def blobs():
    return np.random.default_rng(0).normal(size=(60, 4)) + 8 * np.eye(4)[TRUTH]


@pytest.fixture(scope="module")
def noise():
    return np.random.default_rng(3).uniform(size=(150, 3))


def inertia(X, labels):
    return ((X - pd.DataFrame(X).groupby(labels).transform("mean").to_numpy()) ** 2).sum()


def lloyd(X, centroids):
    """Lloyd's algorithm as a textbook has it, one start."""
    labels = None
    while True:
        assigned = ((X[:, None] - centroids) ** 2).sum(axis=2).argmin(axis=1)
        if labels is not None and (assigned == labels).all():
            return labels
        labels = assigned
        centroids = np.array([X[labels == c].mean(axis=0) for c in range(len(centroids))])


def test_planted_clusters_are_found_and_named_by_size(blobs):
    np.testing.assert_array_equal(kmeans_restarts(blobs, [3], n_restarts=6, seed=1)[3].best, TRUTH)


@pytest.mark.parametrize("k", [2, 5, 9])
def test_restarts_are_distinct_counted_and_in_order(noise, k):
    found = kmeans_restarts(noise, [k], n_restarts=40, seed=1)[k]
    assert found.n_restarts == 40
    assert len(np.unique(found.labels, axis=0)) == len(found.labels)
    assert (np.diff(found.inertias) >= 0).all()
    partitions = [*zip(found.labels, found.inertias, strict=True), (found.best, found.inertia)]
    for labels, value in partitions:
        assert value == pytest.approx(inertia(noise, labels), rel=1e-10)
        np.testing.assert_array_equal(labels, canonical_labels(labels))
        assert len(set(labels)) == k
    assert found.inertia <= found.inertias[0]
    assert found.warning == ""


@pytest.mark.parametrize("kind", STARTS)
def test_every_restart_ends_where_no_centroid_is_nearer(noise, kind):
    """What defines a result of Lloyd's algorithm, checked without a line of ours."""
    X = noise - noise.mean(axis=0)
    for _, partitions, _ in run_batches(X, 6, np.random.SeedSequence(5), np.array([kind] * 30)):
        for labels in partitions:
            centroids = np.array([X[labels == c].mean(axis=0) for c in range(6)])
            np.testing.assert_array_equal(lloyd(X, centroids), labels)


def test_a_start_gives_what_the_textbook_gives():
    """One random start, drawn in the test by the same generator, run by the textbook's loop."""
    X = np.random.default_rng(8).normal(size=(40, 2))
    seeds = np.random.SeedSequence(2)
    generator = np.random.default_rng(np.random.SeedSequence(2).spawn(2)[STARTS.index(RANDOM)])
    chosen = np.argpartition(generator.random((1, 40)), 3, axis=1)[0, :4]
    (_, found, _), *_ = run_batches(X, 4, seeds, np.array([RANDOM]))
    np.testing.assert_array_equal(canonical_labels(found[0]), canonical_labels(lloyd(X, X[chosen])))


@pytest.mark.parametrize("k", [2, 4, 7])
def test_at_least_as_good_as_scikit_learn(noise, k):
    theirs = min(KMeans(k, n_init=1, random_state=seed, tol=0).fit(noise).inertia_ for seed in range(100))
    assert kmeans_restarts(noise, [k], n_restarts=100, seed=0)[k].inertia <= theirs * (1 + 1e-9)


def test_no_single_move_improves_the_best(noise):
    best = kmeans_restarts(noise, [5], n_restarts=30, seed=0)[5].best
    value = inertia(noise, best)
    for sample in range(len(noise)):
        for target in range(1, 6):
            moved = best.copy()
            moved[sample] = target
            assert inertia(noise, moved) >= value * (1 - 1e-12)


def test_one_seed_one_result_whatever_the_threads(noise):
    first = kmeans_restarts(noise, [3, 6], n_restarts=12, seed=2)
    again = kmeans_restarts(noise, [6, 3], n_restarts=12, seed=2, n_threads=2)
    other = kmeans_restarts(noise, [6], n_restarts=12, seed=3)
    for k in (3, 6):
        np.testing.assert_array_equal(first[k].labels, again[k].labels)
        np.testing.assert_array_equal(first[k].inertias, again[k].inertias)
    assert not np.array_equal(first[6].inertias, other[6].inertias)


def test_restarts_do_not_depend_on_the_size_of_a_batch(noise, monkeypatch):
    whole = kmeans_restarts(noise, [4], n_restarts=9, seed=2)[4]
    monkeypatch.setattr("amucl.clustering.lloyd._BATCH_VALUES", 1)
    single = kmeans_restarts(noise, [4], n_restarts=9, seed=2)[4]
    np.testing.assert_array_equal(whole.labels, single.labels)
    np.testing.assert_array_equal(whole.counts, single.counts)


def test_more_restarts_extend_fewer(noise):
    few, many = (kmeans_restarts(noise, [6], n_restarts=n, seed=2)[6] for n in (4, 9))
    assert {tuple(labels) for labels in few.labels} < {tuple(labels) for labels in many.labels}
    assert many.inertia <= few.inertia


def test_labels_of_all_k(blobs):
    samples = [f"S{i}" for i in range(60)]
    table = labels_over_k(kmeans_restarts(blobs, [2, 3, 10], n_restarts=5, seed=1), samples)
    assert list(table.columns) == ["k2", "k3", "k10"]
    assert list(table.index) == samples
    assert table.nunique().tolist() == [2, 3, 10]
    np.testing.assert_array_equal(table["k3"], TRUTH)


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_never_fewer_clusters_than_asked_without_saying_so(data):
    """Small grids: full of ties, duplicates and empty clusters."""
    n, k = data.draw(st.integers(4, 14)), data.draw(st.integers(2, 4))
    X = np.array(data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=n, max_size=n)), float)
    found = kmeans_restarts(X, [k], n_restarts=5, seed=0)[k]
    n_places = len(np.unique(X, axis=0))
    assert len(set(found.best)) == min(k, n_places)
    assert bool(found.warning) == (n_places < k)
    assert found.inertia == pytest.approx(inertia(X, found.best), abs=1e-9)


def test_a_collapsed_embedding_is_named(caplog):
    X = np.repeat([[0.0, 0.0], [1.0, 1.0]], 5, axis=0)
    found = kmeans_restarts(X, [2, 3], n_restarts=4, seed=0)
    assert found[2].warning == ""
    assert found[3].warning == "only 2 of 10 rows differ: 2 clusters"
    assert sorted(np.bincount(found[3].best)[1:]) == [5, 5]
    assert "k = 3: only 2 of 10 rows differ" in caplog.text


def test_global_random_state_is_neither_used_nor_changed(blobs):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    kmeans_restarts(blobs, [3], n_restarts=2, seed=0)
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    ("rows", "k", "n_restarts", "message"),
    [
        (6, 1, 1, "k: too few clusters; expected 2 or more; got 1"),
        (6, 7, 1, "k = 7: fewer samples than clusters; expected at least 7 samples; got 6"),
        (6, 3, 0, "n_restarts: k-means needs a restart; expected 1 or more; got 0"),
    ],
)
def test_bad_numbers(rows, k, n_restarts, message):
    with pytest.raises(AmuclError, match=message):
        kmeans_restarts(np.arange(rows, dtype=float)[:, None], [k], n_restarts=n_restarts, seed=0)


def test_unknown_start():
    with pytest.raises(AmuclError, match="unknown start of k-means; expected k-means\\+\\+ or random; got"):
        kmeans_restarts(np.eye(4), [2], n_restarts=1, seed=0, starts=["best"])


def test_missing_value():
    with pytest.raises(AmuclError, match=r"position 2 \(from 0\): the matrix has missing or infinite values"):
        kmeans_restarts([[0.0], [1.0], [np.nan]], [2], n_restarts=1, seed=0)


def test_a_subset_is_clustered_as_if_it_were_alone(noise):
    rng = np.random.default_rng(1)
    subsets = np.array([rng.permutation(150) < 120 for _ in range(4)])
    found = kmeans_on_subsets(noise, 4, subsets, n_restarts=30, seed=1)
    for labels, subset in zip(found, subsets, strict=True):
        alone = min(KMeans(4, n_init=1, random_state=seed, tol=0).fit(noise[subset]).inertia_ for seed in range(30))
        assert inertia(noise[subset], labels[subset]) == pytest.approx(alone, rel=0.01)
        centroids = np.array([noise[subset & (labels == c)].mean(axis=0) for c in range(4)])
        nearest = ((noise[:, None] - centroids) ** 2).sum(axis=2).argmin(axis=1)
        np.testing.assert_array_equal(labels, nearest)


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
    result = kmeans_restarts(X, [3], n_restarts=1000, seed=0, starts=["k-means++"])[3]
    c_index, width, bouldin, rand, information = PUBLISHED[name]
    scores = internal_over_partitions(X, result.labels)
    means = scores.mul(result.counts, axis=0).sum() / result.n_restarts
    assert means["c_index"] == pytest.approx(c_index, abs=0.003)
    assert means["silhouette"] == pytest.approx(width, abs=0.005)
    assert means["davies_bouldin"] == pytest.approx(bouldin, abs=0.02)
    within = 0.01 if name == "AE_FCTAE_EM" else 0.001  # its optimum has rivals within .03 % of the inertia
    assert ari(result.best, cells) == pytest.approx(rand, abs=within)
    assert nmi(result.best, cells) == pytest.approx(information, abs=within)


def test_memory_does_not_grow_with_restarts_times_samples_squared():
    n, n_restarts = 1500, 60
    X = np.random.default_rng(0).normal(size=(n, 5))
    tracemalloc.start()
    found = kmeans_restarts(X, [3], n_restarts=n_restarts, seed=0)[3]
    internal_over_partitions(X, found.labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    one_matrix = 8 * n * n
    assert len(found.labels) > 20
    assert peak < 4 * one_matrix
