import io
import tarfile

import numpy as np
import pandas as pd
import pytest
import rdata

from amucl.cohort.cohort import truth, views
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.simulation.intersim import OBJECTS, OMICS, draw_intersim
from amucl.cohort.simulation.reference import read_reference
from amucl.cohort.sources.registry import read_source
from amucl.errors import AmuclError
from tests.shared import MIRROR, SHARED, needs_shared
from tests.unit.cohort.written_r import write_rda

PUBLISHED = [f"{sizes}/{k}" for sizes in ("equal", "heterogeneous") for k in (5, 10, 15)]
HARD = [(f"{sizes}_k5_delta{delta}", delta) for sizes in ("equal", "heterogeneous") for delta in (0.5, 0.6, 0.8)]
SITES, GENES, PROTEINS = ["cg1", "cg2", "cg3"], ["A", "B"], ["pA", "pB"]
ENTRY = {"source": "intersim", "n_samples": 40, "n_clusters": 4, "proportions": "equal", "delta": 0.5, "p_dmp": 0.2}
ENTRY["seed"] = 7


def gene_map(names, column, genes):
    return pd.DataFrame({"feature": names, column: genes}, index=np.array(names, dtype=object))


def parameters(**changed):
    square = {names: np.eye(len(names)) + 0.5 for names in map(tuple, (SITES, GENES, PROTEINS))}
    cov = {names[0]: pd.DataFrame(value, names, names) for names, value in square.items()}
    return {
        "mean.M": pd.Series([-1.0, 0.5, 2.0], SITES),
        "cov.M": cov["cg1"],
        "mean.expr": pd.Series([1.0, 2.0], GENES),
        "cov.expr": cov["A"],
        "mean.protein": pd.Series([0.1, 0.2], PROTEINS),
        "cov.protein": cov["pA"],
        "methyl.gene.level.mean": pd.Series([10.0, 20.0], GENES),
        "rho.methyl.expr": pd.Series([-0.6, 0.0], GENES),
        "mean.expr.with.mapped.protein": pd.Series([1.0, 2.0], PROTEINS),
        "rho.expr.protein": pd.Series([0.8, 1.0], PROTEINS),
        "CpG.gene.map.for.DEG": gene_map(SITES, "tmp.gene", ["A", "B", "B"]),
        "protein.gene.map.for.DEP": gene_map(PROTEINS, "gene", ["A", "B"]),
    } | changed


@pytest.fixture
def files(tmp_path):
    def write(**changed):
        paths = []
        for name, value in parameters(**changed).items():
            write_rda(tmp_path / f"{name}.rda", **{name: value})
            paths.append(tmp_path / f"{name}.rda")
        return paths

    return write


def archive(paths, file, folder="InterSIM/data"):
    with tarfile.open(file, "w:gz") as opened:
        opened.addfile(tarfile.TarInfo("InterSIM/DESCRIPTION"), io.BytesIO())
        for path in paths:
            opened.add(path, f"{folder}/{path.name}")
    return file


def test_means_of_genes_and_proteins_follow_what_they_depend_on(files):
    reference = read_reference(files())
    assert reference.means["methylation"].to_dict() == {"cg1": -1, "cg2": 0.5, "cg3": 2}
    assert reference.means["expression"].to_dict() == pytest.approx({"A": -6 + 0.8 * 1, "B": 2})
    assert reference.means["protein"].to_dict() == pytest.approx({"pA": 0.8 * 1 + 0.6 * 0.1, "pB": 2})
    assert reference.covariances["protein"].tolist() == [[1.5, 0.5], [0.5, 1.5]]
    assert reference.gene_of["methylation"].to_dict() == {"cg1": "A", "cg2": "B", "cg3": "B"}


def test_the_packages_archive_is_as_good_as_its_files(files, tmp_path):
    paths = files()
    packed = read_reference([archive(paths, tmp_path / "InterSIM.tar.gz")])
    for omic, mean in read_reference(paths).means.items():
        pd.testing.assert_series_equal(packed.means[omic], mean)
    with pytest.raises(
        AmuclError, match=r"other\.tar\.gz: the archive lacks files; .* got no data/mean\.M\.rda, data/c"
    ):
        read_reference([archive(paths, tmp_path / "other.tar.gz", folder="InterSIM/R")])


def test_the_dataset(files):
    raw = read_source(ENTRY, ["protein", "methylation"], {"reference": files()})
    assert list(raw.omics) == ["protein", "methylation"]
    assert raw.clinical["cluster"].value_counts().to_dict() == {1: 10, 2: 10, 3: 10, 4: 10}
    draw = draw_intersim(
        read_reference(files()), rng=np.random.default_rng(7), n_samples=40, n_clusters=4, delta=0.5, p_dmp=0.2
    )
    pd.testing.assert_frame_equal(raw.omics["protein"], draw.omics["protein"], check_names=False)
    for omic, table in raw.var.items():
        for feature, clusters in table["differential_in"].items():
            own = draw.planted[omic].loc[feature]
            assert clusters == ";".join(str(cluster) for cluster in range(1, 5) if own[cluster])
    assert raw.var["methylation"]["gene"].tolist() == ["A", "B", "B"]
    assert raw.var["protein"]["gene"].tolist() == ["A", "B"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rho.methyl.expr": pd.Series([1.2, 0.0], GENES)}, "rho.methyl.expr.rda, A: not a correlation"),
        ({"rho.methyl.expr": pd.Series([0.2], ["A"])}, "other features than the means have; expected A, B; got A"),
        ({"mean.M": pd.Series([0.0, np.nan, 1.0], SITES)}, "mean.M.rda: a missing or infinite value"),
        ({"mean.M": pd.Series([0.0, 1.0, 2.0], ["x", "x", "y"])}, "mean.M.rda: duplicate feature ids"),
        ({"mean.M": np.zeros(3)}, "mean.M.rda: not a vector with names"),
        ({"cov.expr": pd.DataFrame([[1.0, 2.0], [2.0, 1.0]], GENES, GENES)}, "cov.expr.rda: not a covariance: it is"),
        ({"cov.expr": pd.DataFrame(np.eye(2), GENES, ["B", "A"])}, "cov.expr.rda: other features than the means"),
        ({"cov.expr": np.eye(2)}, "cov.expr.rda: not a matrix of numbers"),
        ({"CpG.gene.map.for.DEG": gene_map(SITES, "tmp.gene", ["A", "B", "C"])}, "got C, of which no expression is"),
        ({"CpG.gene.map.for.DEG": gene_map(["cg1"], "tmp.gene", ["A"])}, "does not fit; got no gene for cg2, cg3"),
        ({"protein.gene.map.for.DEP": gene_map(PROTEINS, "name", GENES)}, "not a map to genes; expected a data frame"),
    ],
)
def test_malformed_parameters(files, changed, message):
    with pytest.raises(AmuclError) as error:
        read_reference(files(**changed))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_missing_and_misnamed_files(files, tmp_path):
    paths = files()
    with pytest.raises(AmuclError, match=r"a file of InterSIM's parameters is missing; expected mean\.M\.rda"):
        read_reference(paths[1:])
    write_rda(tmp_path / "mean.M.rda", something=pd.Series([1.0], ["a"]))
    with pytest.raises(AmuclError, match=r"mean\.M\.rda: the R file lacks its object; expected mean\.M; got something"):
        read_reference(paths)


@pytest.fixture(scope="module")
def real():
    return read_reference([MIRROR / "intersim" / f"{name}.rda" for name in OBJECTS])


def cluster_deviations(tables, clusters, real):
    """Omic -> (sizes, M or other values by cluster, their means minus the reference's)."""
    found = {}
    for omic in OMICS:
        values = tables[omic][real.means[omic].index].to_numpy()
        values = np.log(values / (1 - values)) if omic == "methylation" else values
        groups = [values[clusters == cluster] for cluster in np.unique(clusters)]
        deviations = np.array([group.mean(axis=0) for group in groups]) - real.means[omic].to_numpy()
        found[omic] = np.array([len(group) for group in groups]), groups, deviations
    return found


def likeliest(deviations, sizes, covariance, delta, start):
    """Which features are differential in which cluster, by coordinate ascent of the likelihood of the means."""
    precision, differential = np.linalg.inv(covariance), start.astype(float)
    for size, deviation, own in zip(sizes, deviations, differential, strict=True):
        while True:
            sign = 1 - 2 * own
            gain = size * (sign * delta * (precision @ (deviation - delta * own)) - delta**2 * precision.diagonal() / 2)
            best = gain.argmax()
            if gain[best] <= 0:
                break
            own[best] = 1 - own[best]
    return differential.astype(bool)


def planted_in(found, real, delta):
    """Differential features of each omic: clusters x features; a CpG's search starts where its gene's has ended."""
    planted = {}
    for omic in ("expression", "protein", "methylation"):
        sizes, _, deviations = found[omic]
        start = deviations > delta / 2
        if omic == "methylation":
            start &= of_genes(planted["expression"], "methylation", real)
        planted[omic] = likeliest(deviations, sizes, real.covariances[omic], delta, start)
    return planted


def of_genes(genes, omic, real):
    return pd.DataFrame(genes, columns=real.means["expression"].index)[real.gene_of[omic]].to_numpy()


def scatter_z(groups, covariance):
    """How far the scatter within clusters is from what `covariance` lets expect, in standard deviations."""
    white = [(group - group.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(covariance)).T for group in groups]
    freedom = sum(len(group) - 1 for group in groups) * covariance.shape[0]
    return (sum((one**2).sum() for one in white) - freedom) / np.sqrt(2 * freedom)


def effect(found, planted, real):
    """Omic -> generalised least squares estimate of delta, its standard error, chi-square z of what it leaves."""
    result = {}
    for omic in OMICS:
        (sizes, _, deviations), precision = found[omic], np.linalg.inv(real.covariances[omic])
        z = planted[omic].astype(float)
        information = (sizes[:, None] * (z @ precision) * z).sum()
        delta = (sizes[:, None] * (z @ precision) * deviations).sum() / information
        rest = deviations - delta * z
        chi_square = (sizes[:, None] * (rest @ precision) * rest).sum()
        result[omic] = delta, information**-0.5, (chi_square - z.size) / np.sqrt(2 * z.size)
    return result


def published(setting):
    folder = SHARED / "simulated" / setting
    tables = {omic: pd.read_csv(folder / f"omics{i}.txt", sep="\t", index_col=0).T for i, omic in enumerate(OMICS, 1)}
    return tables, pd.read_csv(folder / "clusters.txt", sep="\t")["cluster.id"].to_numpy()


def check_draw(tables, clusters, real, delta, share):
    """Means, covariance, effects, share and dependence of what is differential, all within sampling error."""
    found = cluster_deviations(tables, clusters, real)
    planted = planted_in(found, real, delta)
    for omic, (estimate, error, rest) in effect(found, planted, real).items():
        assert abs(estimate - delta) < 4 * error < 0.03, omic
        assert abs(rest) < 4, omic
        assert abs(scatter_z(found[omic][1], real.covariances[omic])) < 4, omic
    sites = planted["methylation"]
    assert abs(sites.mean() - share) < 4 * np.sqrt(share * (1 - share) / sites.size)
    any_site = pd.DataFrame(sites.T).groupby(real.gene_of["methylation"].to_numpy()).any()
    assert (any_site.T[real.means["expression"].index].to_numpy() == planted["expression"]).mean() > 0.999
    assert (of_genes(planted["expression"], "protein", real) == planted["protein"]).mean() > 0.999


@needs_shared
@pytest.mark.parametrize("setting", PUBLISHED)
def test_the_published_settings_are_draws_of_this_model(real, setting):
    """Their delta of 2.5 and probability of .25 are nowhere written; the data leave no other choice."""
    check_draw(*published(setting), real, delta=2.5, share=0.25)


@needs_shared
@pytest.mark.parametrize("seed", range(3))
def test_own_draws_pass_for_published_ones(real, seed):
    cohort = draw_intersim(real, rng=np.random.default_rng(seed), n_samples=100, delta=2.5, p_dmp=0.25)
    check_draw(cohort.omics, cohort.clusters.to_numpy(), real, delta=2.5, share=0.25)


@needs_shared
@pytest.mark.parametrize(("setting", "delta"), HARD)
def test_the_hard_settings_are_draws_of_this_model(real, setting, delta):
    folder = SHARED / "simulated_hard" / setting
    names = dict(zip(OMICS, ("methyl", "expr", "protein"), strict=True))
    tables = {omic: pd.read_csv(folder / f"{name}.tsv", sep="\t", index_col=0).T for omic, name in names.items()}
    found = cluster_deviations(tables, pd.read_csv(folder / "clusters.tsv", sep="\t")["cluster.id"].to_numpy(), real)
    planted = planted_in(found, real, delta)
    effects = effect(found, planted, real)
    for omic in ("expression", "protein"):
        estimate, error, rest = effects[omic]
        assert abs(estimate - delta) < 4 * error < 0.03
        assert abs(rest) < 4
        assert abs(scatter_z(found[omic][1], real.covariances[omic])) < 4
    # Levels are given to six decimals: the smallest eigenvalues of the methylation drown in that.
    assert effects["methylation"][0] == pytest.approx(delta, abs=0.03)
    assert planted["methylation"].mean() == pytest.approx(0.2, abs=0.06)
    assert (of_genes(planted["expression"], "protein", real) == planted["protein"]).mean() > 0.985


@needs_shared
@pytest.mark.parametrize("omic", OMICS)
def test_large_draws_have_the_published_means_and_covariances(real, omic):
    """The oracle is the package's own objects, not this reader's."""
    n = 5000
    cohort = draw_intersim(real, rng=np.random.default_rng(11), n_samples=n, n_clusters=5, p_dmp=0)
    values = cohort.omics[omic].to_numpy()
    values = np.log(values / (1 - values)) if omic == "methylation" else values
    r = {name: next(iter(rdata.read_rda(MIRROR / "intersim" / f"{name}.rda").values())) for name in OBJECTS}
    rho = {"expression": "rho.methyl.expr", "protein": "rho.expr.protein"}
    driver = {"expression": "methyl.gene.level.mean", "protein": "mean.expr.with.mapped.protein"}
    short = {"methylation": "M", "expression": "expr", "protein": "protein"}[omic]
    mean, covariance = r[f"mean.{short}"].to_numpy(), r[f"cov.{short}"].to_numpy()
    if omic in rho:
        weight = r[rho[omic]].to_numpy()
        mean = weight * r[driver[omic]].to_numpy() + np.sqrt(1 - weight**2) * mean
    assert np.abs(np.sqrt(n) * (values.mean(axis=0) - mean) / np.sqrt(np.diag(covariance))).max() < 4.5
    # Standard error of a covariance: sqrt((c_ij^2 + c_ii c_jj) / n).
    error = np.sqrt((covariance**2 + np.outer(np.diag(covariance), np.diag(covariance))) / n)
    z = (np.cov(values.T) - covariance) / error
    assert np.abs(z).max() < 5.5
    assert 0.8 < z.std() < 1.2


@needs_shared
def test_the_dataset_of_the_real_parameters():
    files = [MIRROR / "intersim" / f"{name}.rda" for name in OBJECTS]
    raw = read_source(ENTRY | {"n_samples": 160, "n_clusters": 5}, OMICS, {"reference": files})
    prepared = preprocess(raw, Preprocessing(log2=False, truth="cluster", n_clusters=5)).cohort
    arrays, omics, samples, _ = views(prepared)
    assert {omic: array.shape for omic, array in zip(omics, arrays, strict=True)} == {
        "methylation": (160, 367),
        "expression": (160, 131),
        "protein": (160, 160),
    }
    assert sorted(truth(prepared, samples).value_counts()) == [32] * 5
    assert {"gene", "differential_in"} <= set(prepared["methylation"].var)
