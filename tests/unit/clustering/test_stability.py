from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ortho_group
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from amucl.clustering import stability
from amucl.clustering.external import ari
from amucl.clustering.indices import silhouette
from amucl.clustering.stability import (
    affinity_partitions,
    consensus,
    consensus_of,
    eigengap,
    gap_choice,
    gap_statistic,
    n_with_fewer,
    pac,
    pairwise_ari,
    prediction_index,
    self_tuned_affinity,
    stability_table,
    subsamples,
    unclustered,
)
from amucl.errors import AmuclError
from amucl.methods.blocks import principal_coordinates
from amucl.methods.lowrank.affinity import normalized_cuts

TRUTH = np.repeat([0, 1, 2], [30, 20, 14])
SAMPLES = [f"S{i:02d}" for i in range(64)]


@pytest.fixture
def blobs():
    return np.random.default_rng(0).normal(size=(64, 5)) + 7 * np.eye(5)[TRUTH]


@pytest.fixture
def embedding(blobs):
    return pd.DataFrame(blobs, index=SAMPLES)


def labels_of(X, ks, index=SAMPLES):
    return pd.DataFrame({f"k{k}": KMeans(k, n_init=5, random_state=0).fit_predict(X) for k in ks}, index=index)


def table_of(embedding, labels, **options):
    return stability_table(dataset="D", method="M", embedding=embedding, labels=labels, **options).set_index("k")


def random_draws(seed, n_draws=9, n=25, k=4):
    rng = np.random.default_rng(seed)
    return rng.integers(0, k, size=(n_draws, n)), rng.random((n_draws, n)) < 0.5


def test_subsamples():
    drawn = subsamples(11, 7, 0.8, seed=1)
    assert drawn.shape == (7, 11)
    assert drawn.dtype == bool
    assert (drawn.sum(axis=1) == 9).all()
    assert len(np.unique(drawn, axis=0)) > 4
    np.testing.assert_array_equal(drawn, subsamples(11, 7, 0.8, seed=1))
    assert not np.array_equal(drawn, subsamples(11, 7, 0.8, seed=2))


@pytest.mark.parametrize(("n_draws", "fraction"), [(1, 0.8), (10, 0.0), (10, 1.2)])
def test_no_subsamples(n_draws, fraction):
    with pytest.raises(AmuclError, match="2 draws or more"):
        subsamples(10, n_draws, fraction, seed=0)


@pytest.mark.parametrize("seed", range(3))
def test_consensus_by_counting(seed):
    labels, subsets = random_draws(seed, n_draws=5)
    expected = np.full((25, 25), np.nan)
    for i in range(25):
        for j in range(25):
            both = subsets[:, i] & subsets[:, j]
            if both.any():
                expected[i, j] = (labels[both, i] == labels[both, j]).mean()
    assert np.isnan(expected).any()
    np.testing.assert_allclose(consensus(labels, subsets), expected, rtol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_pairwise_ari_against_scikit_learn(seed):
    labels, subsets = random_draws(seed)
    values = []
    for a, b in combinations(range(len(labels)), 2):
        both = subsets[a] & subsets[b]
        values.append(adjusted_rand_score(labels[a, both], labels[b, both]))
    assert pairwise_ari(labels, subsets) == pytest.approx((np.mean(values), np.std(values)), abs=1e-12)


def test_names_of_clusters_do_not_matter():
    labels, subsets = random_draws(4)
    renamed = np.array([np.random.default_rng(i).permutation(4)[row] for i, row in enumerate(labels)])
    assert pairwise_ari(renamed, subsets) == pytest.approx(pairwise_ari(labels, subsets), abs=1e-12)
    np.testing.assert_array_equal(consensus(renamed, subsets), consensus(labels, subsets))


def test_same_partition_everywhere():
    labels = np.tile(TRUTH, (6, 1))
    subsets = subsamples(64, 6, 0.8, seed=0)
    assert pairwise_ari(labels, subsets) == (1, 0)
    assert pac(consensus(labels, subsets)) == 0
    assert pairwise_ari(np.zeros_like(labels), subsets) == (1, 0)


def test_pac_by_definition():
    matrix = np.eye(5)
    matrix[np.triu_indices(5, 1)] = [0, 0.1, 0.11, 0.5, 0.9, 0.91, 1, np.nan, 0.2, 0.05]
    assert pac(matrix) == pytest.approx(4 / 9)
    assert pac(matrix, low=0.05, high=0.5) == pytest.approx(4 / 9)
    assert np.isnan(pac(np.full((3, 3), np.nan)))


def test_affinity_partitions_are_normalised_cuts(blobs):
    H = self_tuned_affinity(blobs)
    subsets = subsamples(64, 4, 0.8, seed=0)
    found = affinity_partitions(H, subsets, [2, 3, 5])
    for k, labels in found.items():
        assert (labels[~subsets] == -1).all()
        for row, subset in zip(labels, subsets, strict=True):
            assert ari(row[subset], normalized_cuts(H[np.ix_(subset, subset)], k)) == 1
    assert ari(found[3][0][subsets[0]], TRUTH[subsets[0]]) == 1


def test_sample_without_affinity_joins_the_largest_cluster():
    H = np.kron(np.diag([1.0, 1.0]), np.ones((4, 4)))[:7, :7]
    H[6] = H[:, 6] = 0  # sizes 4 and 2, and one alone
    labels = affinity_partitions(H, np.ones((2, 7), dtype=bool), [2])[2][0]
    assert len(set(labels[[0, 1, 2, 3, 6]])) == 1
    assert labels[0] != labels[4]


@pytest.mark.parametrize(("shape", "inside"), [("normal", 0.311), ("uniform", 0.231)])
def test_unclustered_keeps_the_covariance_only(shape, inside):
    X = np.column_stack([np.repeat([-5.0, 5.0], 5000), np.tile([-1.0, 1.0], 5000)])
    null = unclustered(X, seed=0, shape=shape)
    np.testing.assert_allclose(null.T @ null, X.T @ X, atol=1e-8)
    np.testing.assert_allclose(null.mean(axis=0), 0, atol=1e-12)
    assert (np.abs(null[:, 0]) < 2).mean() == pytest.approx(inside, abs=0.02)  # no gap in the middle
    assert not np.allclose(null, unclustered(X, seed=1, shape=shape))


@pytest.mark.parametrize("shape", ["normal", "uniform"])
def test_unclustered_has_no_stronger_axes_in_many_dimensions(shape):
    X = principal_coordinates(np.random.default_rng(0).normal(size=(40, 200)))
    spectrum = np.linalg.svd(X, compute_uv=False)
    np.testing.assert_allclose(np.linalg.svd(unclustered(X, seed=0, shape=shape), compute_uv=False), spectrum)
    independent = np.random.default_rng(1).normal(size=X.shape) * X.std(axis=0)
    assert np.linalg.svd(independent, compute_uv=False)[0] > 1.4 * spectrum[0]


def test_gap_of_three_clusters(blobs):
    gaps = gap_statistic(blobs, range(1, 7), seed=0)
    assert gap_choice(gaps) == 3
    assert gaps["gap"].idxmax() == 3


@pytest.mark.parametrize("seed", range(3))
def test_gap_of_uniform_noise_is_no_clusters(seed):
    noise = np.random.default_rng(seed).uniform(size=(100, 3))
    assert gap_choice(gap_statistic(noise, range(1, 7), seed=0)) == 1


def test_gap_by_definition():
    X = np.random.default_rng(1).normal(size=(40, 2)) * [3, 1]
    X -= X.mean(axis=0)
    X = X @ np.linalg.svd(X, full_matrices=False)[2].T
    rng = np.random.default_rng(7)

    def log_inertia(points, k):
        return np.log(KMeans(k, n_init=20, random_state=0).fit(points).inertia_)

    def reference():
        box = rng.uniform(size=(40, 2))
        box -= box.mean(axis=0)
        values, vectors = np.linalg.eigh(box.T @ box)  # whitened, then the covariance of X
        return box @ (vectors / np.sqrt(values)) @ vectors.T * np.linalg.norm(X, axis=0)

    references = [reference() for _ in range(100)]
    gaps = gap_statistic(X, [1, 3, 4], n_references=100, seed=0)
    assert gaps.loc[1].tolist() == pytest.approx([0, 0])
    for k in (3, 4):
        values = np.array([log_inertia(points, k) for points in references])
        assert gaps.loc[k, "gap"] == pytest.approx(values.mean() - log_inertia(X, k), abs=0.06)
        assert gaps.loc[k, "gap_se"] == pytest.approx(values.std(), rel=0.3)


@pytest.mark.parametrize("d", [50, 119])
def test_gap_sees_clusters_in_many_dimensions(d):
    truth = np.arange(120) % 4
    X = np.random.default_rng(d).normal(size=(120, d)) + 5 * np.eye(d)[truth]
    gaps = gap_statistic(X, range(1, 7), seed=0)
    assert gap_choice(gaps) == 4
    assert gaps.loc[4, "gap"] > 5 * gaps.loc[4, "gap_se"]
    noise = np.random.default_rng(d).normal(size=(120, d))
    assert gap_choice(gap_statistic(noise, range(1, 7), seed=0)) == 1


def test_gap_choice():
    gaps = pd.DataFrame({"gap": [0, 0.01, 0.44, 0.45, 0.4], "gap_se": [0, *[0.02] * 4]}, index=[1, 2, 3, 4, 5])
    assert gap_choice(gaps) == 3
    assert gap_choice(gaps.loc[:2]) == 1
    assert gap_choice(gaps.assign(gap_se=0.001)) == 4
    assert gap_choice(gaps * np.nan) is None


@pytest.mark.parametrize("blocks", [2, 4, 6])
def test_eigengap_counts_blocks(blocks):
    rng = np.random.default_rng(blocks)
    H = np.kron(np.eye(blocks), np.ones((8, 8))) * rng.uniform(0.5, 1, size=(8 * blocks, 8 * blocks))
    H = H + H.T
    values = eigengap(H, range(1, 8))
    assert values.idxmax() == blocks
    assert values[blocks] > 0.5
    assert values[range(1, blocks)].max() < 1e-12


def test_eigengap_against_a_dense_laplacian(blobs):
    H = self_tuned_affinity(blobs)
    distances = np.linalg.norm(blobs[:, None] - blobs[None], axis=2)
    scale = np.sort(distances, axis=1)[:, 7]
    assert H[3, 9] == pytest.approx(np.exp(-(distances[3, 9] ** 2) / scale[3] / scale[9]))
    degrees = H.sum(axis=1)
    eigenvalues = np.linalg.eigvalsh(np.eye(64) - H / np.sqrt(np.outer(degrees, degrees)))
    np.testing.assert_allclose(eigengap(H, [1, 2, 3, 5]), np.diff(eigenvalues)[[0, 1, 2, 4]], atol=1e-12)
    assert np.isnan(eigengap(H[:4, :4], [2, 4])[4])


def test_prediction_index_prefers_the_planted_number(blobs):
    table = prediction_index(blobs, [2, 3, 4, 6], seed=0)
    assert table.loc[3].tolist() == pytest.approx([1, 0])
    assert table.loc[[4, 6], "prediction_index"].max() < 0.9
    assert (table.loc[[4, 6], "prediction_sd"] > 0).all()


def test_prediction_index_of_one_split(blobs):
    half = subsamples(64, 2, 0.5, seed=3)
    values = []
    for train in np.vstack([half, ~half]):
        model = KMeans(3, n_init=10, random_state=0).fit(blobs[train])
        own = KMeans(3, n_init=10, random_state=0).fit_predict(blobs[~train])
        values.append(adjusted_rand_score(own, model.predict(blobs[~train])))
    found = prediction_index(blobs, [3], n_repeats=2, seed=3)
    assert found.loc[3, "prediction_index"] == pytest.approx(np.mean(values))


def test_table(embedding):
    labels = labels_of(embedding, [2, 3, 5])
    table = table_of(embedding, labels.sample(frac=1, random_state=0), n_draws=30)
    assert list(table.reset_index()[stability.COLUMNS].columns) == stability.COLUMNS
    assert table.index.tolist() == [1, 2, 3, 5]
    assert table["status"].tolist() == ["one_cluster", "ok", "ok", "ok"]
    assert table["min_cluster"].tolist() == [64, *(labels[c].value_counts().min() for c in labels)]
    best = table.loc[3]
    assert (best["ari_mean"], best["pac"], best["prediction_index"]) == pytest.approx((1, 0, 1))
    assert best["pac_null"] > 0.1
    assert best["silhouette"] == pytest.approx(silhouette(embedding, labels["k3"]))
    assert table["eigengap"].idxmax() == 3
    assert gap_choice(table[["gap", "gap_se"]]) == 3
    assert table.loc[5, "ari_mean"] < 0.9
    assert table.loc[1, ["ari_mean", "pac", "pac_null", "silhouette", "prediction_index"]].isna().all()
    assert table.loc[2:].drop(columns="status").notna().all(axis=None)
    pd.testing.assert_frame_equal(table, table_of(embedding, labels, n_draws=30))


def test_table_does_not_depend_on_rotation_nor_on_names(embedding):
    labels = labels_of(embedding, [2, 3])
    turned = pd.DataFrame(embedding.to_numpy() @ ortho_group.rvs(5, random_state=1) + 4, index=SAMPLES)
    renamed = labels.map(lambda label: f"type {2 - label}")
    pd.testing.assert_frame_equal(
        table_of(embedding, labels, n_draws=20), table_of(turned, renamed, n_draws=20), rtol=1e-6
    )


def test_table_of_an_affinity(embedding):
    labels = labels_of(embedding, [2, 3, 4])
    H = self_tuned_affinity(embedding.to_numpy())
    table = table_of(embedding, labels, affinity=H, n_draws=20)
    assert table["pac_null"].isna().all()
    assert (table.loc[3, "ari_mean"], table.loc[3, "pac"]) == pytest.approx((1, 0))
    assert table.loc[4, "ari_mean"] < 1
    pd.testing.assert_series_equal(table["eigengap"], eigengap(H, [1, 2, 3, 4]), check_names=False)
    without = table_of(embedding, labels, n_draws=20)
    pd.testing.assert_frame_equal(table[["gap", "prediction_index"]], without[["gap", "prediction_index"]])


def test_consensus_of_is_the_one_of_the_table(embedding):
    table = table_of(embedding, labels_of(embedding, [3, 5]), n_draws=20, seed=4)
    matrix = consensus_of(embedding, 5, n_draws=20, seed=4)
    assert matrix.index.tolist() == matrix.columns.tolist() == SAMPLES
    assert pac(matrix.to_numpy()) == table.loc[5, "pac"]
    H = self_tuned_affinity(embedding.to_numpy())
    together = consensus_of(embedding, 3, affinity=H, n_draws=20).to_numpy()
    np.testing.assert_array_equal(together, TRUTH[:, None] == TRUTH)


@pytest.mark.parametrize(("n", "k"), [(7, 6), (2, 2), (10, 8)])
def test_consensus_of_too_few_samples(embedding, n, k):
    few = embedding.iloc[:n]
    matrix = consensus_of(few, k, n_draws=10)
    assert matrix.index.tolist() == matrix.columns.tolist() == SAMPLES[:n]
    assert matrix.isna().all(axis=None)
    table = table_of(few, pd.DataFrame({f"k{k}": np.arange(n)}, index=few.index), n_draws=10)
    assert table.loc[k, "status"] == "too_few_samples"
    assert table.loc[k, ["ari_mean", "pac", "gap"]].isna().all()


def test_consensus_of_few_places():
    places = pd.DataFrame(np.eye(3)[TRUTH], index=SAMPLES)
    assert consensus_of(places, 4, n_draws=10).isna().all(axis=None)
    np.testing.assert_array_equal(consensus_of(places, 3, n_draws=10), TRUTH[:, None] == TRUTH)


def test_affinity_without_links(embedding):
    labels, H = labels_of(embedding, [2, 3]), np.zeros((64, 64))
    table = table_of(embedding, labels, affinity=H, n_draws=10)
    assert table["status"].tolist() == ["one_cluster", *["fewer_clusters_in_10_draws"] * 2]
    assert table[["ari_mean", "ari_sd", "pac"]].isna().all(axis=None)
    assert table.loc[[2, 3], "gap"].notna().all()
    assert consensus_of(embedding, 2, affinity=H, n_draws=10).isna().all(axis=None)


def test_draws_of_fewer_clusters():
    """Samples at four places, two of them held by one sample each: a draw without it has fewer clusters."""
    positions = np.r_[np.zeros(30), np.ones(32), 5, 9]
    embedding = pd.DataFrame({"x": positions, "y": positions**2}, index=SAMPLES)
    labels = pd.DataFrame({"k2": positions > 4, "k4": positions}, index=SAMPLES)
    fewer = (~subsamples(64, 40, seed=0)[:, 62:]).any(axis=1).sum()
    table = table_of(embedding, labels, n_draws=40)
    assert 4 < fewer < 40
    assert table.loc[4, "status"] == f"fewer_clusters_in_{fewer}_draws"
    assert table.loc[4, ["ari_mean", "pac"]].isna().all()
    assert table.loc[2, "status"] == "ok"
    assert table.loc[2, ["ari_mean", "pac"]].notna().all()


def test_few_draws_of_fewer_clusters_are_told_only():
    rng = np.random.default_rng(0)
    positions = np.r_[np.zeros(30), np.ones(32), 5, 5]
    embedding = pd.DataFrame({"x": positions}, index=SAMPLES)
    labels = pd.DataFrame({"k3": rng.permutation(positions)}, index=SAMPLES)
    fewer = (~subsamples(64, 200, seed=0)[:, 62:]).all(axis=1).sum()
    table = table_of(embedding, labels, n_draws=200)
    assert 0 < fewer < 20
    assert table.loc[3, "status"] == f"fewer_clusters_in_{fewer}_draws"
    assert 0.9 < table.loc[3, "ari_mean"] <= 1


def test_number_of_draws_with_fewer_clusters():
    labels = np.array([[0, 1, 2, 2], [0, 1, 2, 2], [0, 0, 1, 1]])
    subsets = np.array([[1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 1, 1]], dtype=bool)
    assert [n_with_fewer(labels, subsets, k, np.arange(4)) for k in (2, 3, 4)] == [0, 2, 3]
    assert [n_with_fewer(labels, subsets, k, np.array([0, 1, 1, 1])) for k in (2, 3)] == [0, 3]


def test_clusters_of_many_dimensions_come_back():
    truth = np.arange(100) % 4
    X = np.random.default_rng(0).normal(size=(100, 90)) + 4 * np.eye(90)[truth]
    labels = labels_of(X, [4], index=range(100))
    row = table_of(pd.DataFrame(X), labels, n_draws=30).loc[4]
    assert row["ari_mean"] > 0.7
    assert row["pac"] < 0.4 * row["pac_null"]


def test_large_cohorts_are_judged_on_a_random_part(embedding, monkeypatch):
    monkeypatch.setattr(stability, "MAX_SAMPLES", 40)
    labels = labels_of(embedding, [3])
    table = table_of(embedding, labels, n_draws=20)
    assert table["status"].tolist() == ["one_cluster; on_40_of_64_samples", "on_40_of_64_samples"]
    assert table.loc[3, ["n", "min_cluster"]].tolist() == [64, 14]
    assert table.loc[3, "ari_mean"] == pytest.approx(1)
    matrix = consensus_of(embedding, 3)
    assert matrix.shape == (40, 40)
    assert matrix.index.is_monotonic_increasing
    assert not set(matrix.index) <= set(SAMPLES[:40])


def test_points_that_coincide(embedding):
    collapsed = pd.DataFrame(np.eye(3)[TRUTH], index=SAMPLES)
    labels = labels_of(embedding, [2, 3, 4])
    table = table_of(collapsed, labels, n_draws=10)
    assert table["status"].tolist() == ["one_cluster", "ok", "ok", "only_3_different_samples"]
    assert table.loc[3, "ari_mean"] == pytest.approx(1)
    assert table.loc[[3, 4], "gap"].isna().all()
    assert table.loc[4, ["ari_mean", "pac", "eigengap", "silhouette", "prediction_index"]].isna().all()


def test_one_point(embedding):
    table = table_of(embedding * 0, labels_of(embedding, [2, 3]), n_draws=10)
    assert table["status"].tolist() == ["one_cluster", "only_1_different_samples", "only_1_different_samples"]
    assert table[["ari_mean", "pac", "gap", "silhouette", "prediction_index"]].isna().all(axis=None)


def test_too_few_samples(embedding):
    few = embedding.iloc[25:33]  # five of one cluster, three of another
    labels = pd.DataFrame({f"k{k}": np.arange(8) % k for k in (2, 5, 6)}, index=few.index)
    table = table_of(few, labels, n_draws=10)
    assert table["status"].tolist() == ["one_cluster", "ok", "too_few_samples_to_predict", "too_few_samples"]
    assert np.isnan(table.loc[5, "prediction_index"])
    assert table.loc[5, ["ari_mean", "pac", "gap"]].notna().all()
    assert table.loc[6, ["ari_mean", "pac", "gap"]].isna().all()


def test_fewer_clusters_than_asked_for(embedding):
    labels = labels_of(embedding, [2, 3]).assign(k4=lambda table: table["k3"])
    assert table_of(embedding, labels, n_draws=10).loc[4, "status"] == "only_3_clusters"


def test_bad_tables(embedding):
    labels = labels_of(embedding, [2])
    with pytest.raises(
        AmuclError, match=r"the embedding: the samples are not those of the labels; got 0 missing.*1 too many \(S00\)"
    ):
        table_of(embedding, labels.iloc[1:])
    with pytest.raises(AmuclError, match=r"wrong columns in labels.*got cluster"):
        table_of(embedding, labels.rename(columns={"k2": "cluster"}))
    with pytest.raises(AmuclError, match="sample S03: the embedding has missing"):
        table_of(embedding.drop(index="S03").reindex(SAMPLES), labels)


def test_bad_affinity(embedding):
    labels, H = labels_of(embedding, [2]), np.ones((64, 64))
    with pytest.raises(AmuclError, match=r"of other samples; expected shape \(64, 64\); got \(63, 64\)"):
        table_of(embedding, labels, affinity=H[1:])
    for value in (np.nan, -1.0):
        H[3, 5] = value
        with pytest.raises(AmuclError, match=rf"row 3, column 5 \(from 0\): an affinity.*got {value}"):
            consensus_of(embedding, 2, affinity=H)
