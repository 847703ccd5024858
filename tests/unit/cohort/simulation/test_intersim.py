import numpy as np
import pandas as pd
import pytest
from scipy import stats

from amucl.cohort.simulation.intersim import OMICS, Reference, cluster_sizes, draw_intersim
from amucl.errors import AmuclError

SIZES = {"methylation": 60, "expression": 20, "protein": 25}


@pytest.fixture(scope="module")
def reference():
    """Three omics with strongly correlated features; gene g19 has no CpG."""
    rng = np.random.default_rng(5)
    names = {omic: [f"{omic[0]}{number}" for number in range(p)] for omic, p in SIZES.items()}
    means = {omic: pd.Series(rng.normal(size=p), names[omic]) for omic, p in SIZES.items()}
    scale = {omic: rng.uniform(0.2, 1.5, p) for omic, p in SIZES.items()}
    covariances = {
        omic: np.outer(scale[omic], scale[omic]) * 0.8 ** np.abs(np.subtract.outer(np.arange(p), np.arange(p)))
        for omic, p in SIZES.items()
    }
    genes = np.array(names["expression"], dtype=object)
    gene_of = {
        "methylation": pd.Series(genes[rng.integers(19, size=60)], names["methylation"]),
        "protein": pd.Series(genes[rng.integers(20, size=25)], names["protein"]),
    }
    return Reference(means, covariances, gene_of)


def draw(reference, seed=1, **settings):
    return draw_intersim(reference, rng=np.random.default_rng(seed), **settings)


def m_values(draw, omic):
    values = draw.omics[omic].to_numpy()
    return np.log(values / (1 - values)) if omic == "methylation" else values


def residuals(draw, reference, omic, delta):
    shift = delta * draw.planted[omic].to_numpy().T[draw.clusters.to_numpy() - 1]
    return m_values(draw, omic) - reference.means[omic].to_numpy() - shift


def test_shapes_names_and_sizes(reference):
    cohort = draw(reference, n_samples=50, n_clusters=3, proportions=[1, 2, 2])
    for omic in OMICS:
        assert list(cohort.omics[omic].columns) == list(reference.means[omic].index) == list(cohort.planted[omic].index)
        assert list(cohort.omics[omic].index) == [f"subject{number}" for number in range(1, 51)]
        assert list(cohort.planted[omic].columns) == [1, 2, 3]
    assert cohort.clusters.value_counts().to_dict() == {1: 10, 2: 20, 3: 20}
    assert cohort.omics["methylation"].to_numpy().min() > 0
    assert cohort.omics["methylation"].to_numpy().max() < 1
    assert cohort.clusters.diff().abs().sum() > 2, "samples are not sorted by cluster"


@pytest.mark.parametrize("omic", OMICS)
def test_large_draws_follow_the_reference(reference, omic):
    n = 20_000
    cohort = draw(reference, seed=3, n_samples=n, n_clusters=4, delta=0.7)
    rest = residuals(cohort, reference, omic, 0.7)
    standard_error = np.sqrt(np.diag(reference.covariances[omic]) / n)
    assert np.abs(rest.mean(axis=0) / standard_error).max() < 4.5
    white = rest @ np.linalg.inv(np.linalg.cholesky(reference.covariances[omic])).T
    assert stats.kstest(white.ravel(), "norm").pvalue > 1e-3
    products = np.sqrt(n) * (white.T @ white / n - np.eye(SIZES[omic]))
    assert np.abs(products[~np.eye(SIZES[omic], dtype=bool)]).max() < 5
    assert np.abs(np.diag(products)).max() < 5 * np.sqrt(2)


def test_differential_features_are_shifted_by_delta_and_others_are_not(reference):
    delta = {"methylation": 0.4, "expression": 1.1, "protein": -0.6}
    cohort = draw(reference, n_samples=4000, delta=delta)
    for omic in OMICS:
        means = pd.DataFrame(m_values(cohort, omic)).groupby(cohort.clusters.to_numpy()).mean().to_numpy()
        z = np.sqrt(800) * (means - reference.means[omic].to_numpy()) / np.sqrt(np.diag(reference.covariances[omic]))
        differential = cohort.planted[omic].to_numpy().T
        assert np.abs(z[~differential]).max() < 4.5
        assert np.all(np.sign(z[differential]) == np.sign(delta[omic]))


def test_only_the_shift_depends_on_delta(reference):
    small, large = (draw(reference, delta=delta).omics["protein"] for delta in (0.5, 0.8))
    cohort = draw(reference)
    planted = cohort.planted["protein"].to_numpy().T[cohort.clusters.to_numpy() - 1]
    np.testing.assert_allclose(large - small, 0.3 * planted, atol=1e-12)


@pytest.mark.parametrize("p", [0, 0.2, 1])
def test_share_of_differential_sites(reference, p):
    planted = draw(reference, n_samples=800, n_clusters=200, p_dmp=p).planted["methylation"]
    assert stats.binomtest(int(planted.to_numpy().sum()), planted.size, p).pvalue > 1e-3


def test_genes_follow_their_sites_and_proteins_their_genes(reference):
    planted = draw(reference, n_clusters=12, p_dmp=0.1).planted
    for cluster in range(1, 13):
        sites = planted["methylation"].index[planted["methylation"][cluster]]
        genes = {reference.gene_of["methylation"][site] for site in sites}
        assert set(planted["expression"].index[planted["expression"][cluster]]) == genes
        proteins = {name for name, gene in reference.gene_of["protein"].items() if gene in genes}
        assert set(planted["protein"].index[planted["protein"][cluster]]) == proteins
    assert 0.1 < planted["expression"].to_numpy().mean() < 0.5


def test_a_seed_is_a_cohort(reference):
    first, again, other = draw(reference, seed=4), draw(reference, seed=4), draw(reference, seed=5)
    for omic in OMICS:
        pd.testing.assert_frame_equal(first.omics[omic], again.omics[omic])
    assert (first.clusters == again.clusters).all()
    assert (first.clusters != other.clusters).any()


@pytest.mark.parametrize(
    ("n", "k", "proportions", "sizes"),
    [
        (160, 5, "equal", [32] * 5),
        (11, 3, "equal", [4, 4, 3]),
        (15, 5, [1, 1, 1, 1, 1.01], [3] * 5),
        (150, 5, "heterogeneous", [10, 20, 30, 40, 50]),
        (10, 3, [0.5, 0.25, 0.25], [5, 3, 2]),
    ],
)
def test_sizes(n, k, proportions, sizes):
    assert cluster_sizes(n, k, proportions).tolist() == sizes


def test_impossible_sizes():
    with pytest.raises(AmuclError, match=r"cluster 1 of 9 is too small; expected 2 samples or more; got 0"):
        cluster_sizes(20, 9, "heterogeneous")
    with pytest.raises(AmuclError, match=r"`proportions`: one share per cluster; expected 3; got 2"):
        cluster_sizes(20, 3, [0.5, 0.5])
