import math

import numpy as np
import pytest

from amucl.methods.graph import fusion
from amucl.methods.graph.fusion import fuse, omic_affinities, scaled_exponential_affinity, strongest_neighbors


def draw(n=25, sizes=(12, 5, 30), seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, p)) * (m + 1) for m, p in enumerate(sizes)]


def two_groups(n_each=20, distance=1.0, sizes=(15, 10), seed=0):
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1], n_each)
    return [rng.normal(size=(2 * n_each, p)) + distance * truth[:, None] for p in sizes], truth


def naive_affinity(x, k=10, mu=0.5):
    """Wang et al. 2014, eq. 1, on squared distances, the kernel written as a normal density; loops over pairs."""
    n = len(x)
    d = [[sum((a - b) ** 2 for a, b in zip(x[i], x[j], strict=True)) for j in range(n)] for i in range(n)]
    near = [sum(sorted(d[i][j] for j in range(n) if j != i)[:k]) / min(k, n - 1) for i in range(n)]
    w = np.empty((n, n))
    for i in range(n):
        for j in range(n):
            sigma = mu * (near[i] + near[j] + d[i][j]) / 3
            w[i, j] = math.exp(-(d[i][j] ** 2) / (2 * sigma**2)) / (sigma * math.sqrt(2 * math.pi))
    return w


def naive_full(w):
    """Eq. 2, then the mean with the transpose."""
    n = len(w)
    p = np.empty((n, n))
    for i in range(n):
        others = sum(w[i][j] for j in range(n) if j != i)
        for j in range(n):
            p[i, j] = 0.5 if i == j else w[i][j] / (2 * others)
    return (p + p.T) / 2


def naive_local(w, k):
    """Eq. 3: the k strongest of a row, the sample itself among them."""
    n = len(w)
    s = np.zeros((n, n))
    for i in range(n):
        chosen = sorted(range(n), key=lambda j: -w[i][j])[:k]
        for j in chosen:
            s[i, j] = w[i][j] / sum(w[i][other] for other in chosen)
    return s


def naive_fusion(affinities, k=10, steps=20):
    """Eq. 6 for any number of data types: P(v) = S(v) x mean of the other P x S(v)^T, normalised every time."""
    full = [naive_full(w) for w in affinities]
    local = [naive_local(w, k) for w in affinities]
    for _ in range(steps):
        full = [
            naive_full(local[v] @ np.mean([full[u] for u in range(len(full)) if u != v], axis=0) @ local[v].T)
            for v in range(len(full))
        ]
    fused = np.mean(full, axis=0)
    np.fill_diagonal(fused, 0)
    return fused


@pytest.mark.parametrize("k", [5, 10, 40])
def test_affinity_is_the_papers(k):
    (x, *_) = draw()
    np.testing.assert_allclose(scaled_exponential_affinity(x, k), naive_affinity(x.tolist(), k), rtol=1e-10)


@pytest.mark.parametrize("n_omics", [2, 3])
def test_fusion_is_the_papers(n_omics):
    omics = draw()[:n_omics]
    fused = fuse([scaled_exponential_affinity(x) for x in omics])
    np.testing.assert_allclose(fused, naive_fusion([naive_affinity(x.tolist()) for x in omics]), rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("n_omics", [1, 2, 3])
def test_fused_graph_is_symmetric_without_loops(n_omics):
    fused = fuse([scaled_exponential_affinity(x) for x in draw()[:n_omics]])
    np.testing.assert_array_equal(fused, fused.T)
    assert (np.diag(fused) == 0).all()
    assert (fused >= 0).all()
    assert (fused.sum(axis=1) > 0).all()


def test_a_single_omic_is_smoothed_with_itself():
    (x, *_), _ = two_groups()
    affinity = scaled_exponential_affinity(x)
    twice = naive_fusion([affinity, affinity])
    np.testing.assert_allclose(fuse([affinity]), twice, rtol=1e-8, atol=1e-12)


def test_two_clear_clusters_stay_apart():
    omics, truth = two_groups(distance=4.0)
    fused = fuse([scaled_exponential_affinity(x) for x in omics])
    np.fill_diagonal(fused, np.nan)
    between = truth[:, None] != truth[None]
    assert np.nanmin(np.where(between, np.nan, fused)) > 5 * fused[between].max()


def test_strongest_neighbours_are_purer_after_fusion_than_in_any_omic_alone():
    omics, truth = two_groups(distance=0.7, sizes=(20, 20, 20))

    def purity(graph):
        return (truth[strongest_neighbors(graph, 5)[0]] == truth[:, None]).mean()

    affinities = [scaled_exponential_affinity(x) for x in omics]
    assert purity(fuse(affinities)) > max(purity(fuse([affinity])) for affinity in affinities) + 0.05


def test_order_of_samples_and_omics_does_not_matter():
    omics = draw()
    order = np.random.default_rng(1).permutation(25)
    fused = fuse([scaled_exponential_affinity(x) for x in omics])
    shuffled = fuse([scaled_exponential_affinity(x[order]) for x in reversed(omics)])
    np.testing.assert_allclose(shuffled, fused[np.ix_(order, order)], rtol=1e-9)


@pytest.mark.parametrize("n_equal", [2, 12, 25])
def test_equal_samples_give_finite_weights(n_equal):
    """As many equal rows as a table of mutations has."""
    x, other, _ = draw()
    x[:n_equal] = 0
    with np.errstate(all="raise", under="ignore"):
        fused = fuse([scaled_exponential_affinity(x), scaled_exponential_affinity(other)])
    assert np.isfinite(fused).all()
    assert (fused.sum(axis=1) > 0).all()


def test_a_graph_of_many_samples_is_that_of_few(monkeypatch):
    """Of single precision, and gone through by blocks of rows that do not divide it."""
    omics = draw(60)
    few = [scaled_exponential_affinity(x) for x in omics]
    fused = fuse(few)
    monkeypatch.setattr(fusion, "_ENTRIES_AT_A_TIME", 7 * 60)
    monkeypatch.setattr(fusion, "_TILE", 7)
    for x, affinity in zip(omics, few, strict=True):
        np.testing.assert_array_equal(scaled_exponential_affinity(x), affinity)
    np.testing.assert_allclose(fuse(few), fused, rtol=1e-12)
    monkeypatch.setattr(fusion, "_MANY", 50)
    many = [scaled_exponential_affinity(x) for x in omics]
    for affinity, own in zip(many, few, strict=True):
        assert affinity.dtype == np.float32
        np.testing.assert_allclose(affinity, own, rtol=1e-4)
    single = fuse(many)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, single.T)
    np.testing.assert_allclose(single, fused, rtol=1e-4)


def test_a_graph_of_many_samples_who_lack_omics_is_that_of_few(monkeypatch):
    omics, present = draw(60), np.ones((60, 3), dtype=bool)
    present[::5, 0] = present[1::5, 1] = False
    omics[1] += 1e4  # far from the origin, where a product of matrices would lose digits
    few = fuse(omic_affinities(omics, present))
    monkeypatch.setattr(fusion, "_MANY", 40)
    many = fuse(omic_affinities(omics, present))
    assert many.dtype == np.float32
    np.testing.assert_allclose(many, few, rtol=1e-4)


def test_fusion_leaves_the_affinities_as_they_are():
    affinities = [scaled_exponential_affinity(x) for x in draw()]
    before = [affinity.copy() for affinity in affinities]
    fuse(iter(affinities))
    for affinity, own in zip(affinities, before, strict=True):
        np.testing.assert_array_equal(affinity, own)


def test_fewer_samples_than_neighbours():
    fused = fuse([scaled_exponential_affinity(x[:4]) for x in draw()])
    assert fused.shape == (4, 4)
    assert (fused[~np.eye(4, dtype=bool)] > 0).all()


def test_strongest_neighbours_come_in_order_and_ties_go_to_the_lower_index():
    columns, values = strongest_neighbors(np.array([[0.0, 2, 3, 2], [1, 1, 1, 1]]), 3)
    assert columns.tolist() == [[2, 1, 3], [0, 1, 2]]
    assert values.tolist() == [[3, 2, 2], [1, 1, 1]]


def test_affinities_of_patients_who_lack_an_omic():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], 15)
    omics = [rng.normal(size=(3, p))[truth] * 2 + rng.normal(size=(45, p)) for p in (20, 30, 25)]
    present = np.ones((45, 3), dtype=bool)
    present[::5, 0] = False
    present[1::5, 1] = False
    present[2::5, [0, 2]] = False
    found = list(omic_affinities(omics, present))
    for affinity, x, has in zip(found, omics, present.T, strict=True):
        np.testing.assert_array_equal(affinity[np.ix_(has, has)], scaled_exponential_affinity(x[has]))
        np.testing.assert_allclose(affinity, affinity.T)
    assert found[0][0, 2] > 0  # both lack the first omic, one the third: the second tells
    assert found[0][1, 2] == 0  # one lacks the second, the other all else: nothing tells
    fused = fuse(found)
    same = truth[:, None] == truth
    np.fill_diagonal(same, False)
    best = fused.argmax(axis=1)
    assert (truth[best] == truth).all()


def test_affinities_of_complete_patients_are_each_omics_own():
    omics = [np.random.default_rng(m).normal(size=(12, 4)) for m in range(2)]
    for given in (None, np.ones((12, 2), dtype=bool)):
        for affinity, x in zip(omic_affinities(omics, given), omics, strict=True):
            np.testing.assert_array_equal(affinity, scaled_exponential_affinity(x))


def test_equally_strong_neighbours_are_taken_in_the_samples_order():
    columns, values = strongest_neighbors(np.array([[1.0, 3, 3, 3], [2, 1, 2, 2], [0, 0, 0, 5.0]]), 2)
    assert columns.tolist() == [[1, 2], [0, 2], [3, 0]]
    assert values.tolist() == [[3, 3], [2, 2], [5, 0]]


def test_an_omic_that_a_patient_lacks_is_what_the_others_say_on_its_own_scale():
    """Patient 0 lacks the third omic: its row there is the mean of the first two, each relative to its own mean."""
    first, second, third = draw(n=8)
    present = np.ones((8, 3), dtype=bool)
    present[0, 2] = False
    given = list(omic_affinities([first, second, third], present, n_neighbors=4))
    whole = [scaled_exponential_affinity(omic, 4) for omic in (first, second)]
    level = scaled_exponential_affinity(third[1:], 4).mean()
    expected = level * (whole[0][0] / whole[0].mean() + whole[1][0] / whole[1].mean()) / 2
    np.testing.assert_allclose(given[2][0], expected)
    np.testing.assert_allclose(given[2][:, 0], expected)
    np.testing.assert_allclose(given[0], whole[0])
    np.testing.assert_allclose(given[2][1:, 1:], scaled_exponential_affinity(third[1:], 4))
