from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy import stats
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from amucl.cohort.simulation.simulator import PROGRAMMES, SimulatedCohort, Simulation, simulate
from amucl.errors import AmuclError
from amucl.resources import resource


@pytest.fixture(scope="module")
def cohort() -> SimulatedCohort:
    return simulate(Simulation())


def complete_samples(cohort):
    return [s for s in cohort.clinical.index if all(s in table for table in cohort.omics.values())]


def logged(cohort, name):
    """Samples x features on a scale where noise is even: log counts, M values."""
    values = cohort.omics[name][complete_samples(cohort)].T
    if name == "methylation":
        values = values.clip(1e-3, 1 - 1e-3)
        return np.log(values / (1 - values))
    return np.log2(values + 1)


def joined(cohort):
    values = pd.concat([logged(cohort, name) for name in cohort.omics], axis=1)
    values = (values - values.mean()) / values.std().replace(0, np.inf)
    return values.fillna(0).to_numpy()


def agreement(cohort):
    truth = cohort.clinical.loc[complete_samples(cohort), "subtype"]
    labels = KMeans(truth.nunique(), n_init=10, random_state=0).fit_predict(joined(cohort))
    return adjusted_rand_score(truth, labels)


def assert_same(first, second):
    for name, table in first.omics.items():
        pd.testing.assert_frame_equal(table, second.omics[name], check_exact=True)
    pd.testing.assert_frame_equal(first.clinical, second.clinical, check_exact=True)
    pd.testing.assert_frame_equal(first.planted, second.planted)
    assert (first.go, first.pathways) == (second.go, second.pathways)


def test_same_seed_same_tables_other_seed_others(cohort):
    assert_same(cohort, simulate(Simulation()))
    other = simulate(Simulation(seed=2))
    assert not np.array_equal(cohort.omics["mirna"].iloc[:, 0], other.omics["mirna"].iloc[:, 0])
    assert cohort.pathways != other.pathways
    assert (cohort.clinical["subtype"] != other.clinical["subtype"]).any()


def test_shapes_and_names(cohort):
    sizes = {"expression": 600, "methylation": 400, "mirna": 150}
    assert {name: len(table) for name, table in cohort.omics.items()} == sizes
    assert all(table.index.is_unique and table.columns.is_unique for table in cohort.omics.values())
    assert list(cohort.clinical.index) == [f"SIM-{number:04d}" for number in range(1, 125)]
    assert list(cohort.clinical) == ["subtype", "os_time", "os_event", "age", "sex"]
    sizes = cohort.clinical["subtype"].value_counts()
    assert set(sizes.index) == {"S1", "S2", "S3", "S4"}
    assert sizes.sum() == 124
    assert sizes.min() >= 124 / 4 * 2 / 3 - 1


def test_values_are_those_of_their_platforms(cohort):
    for name in ("expression", "mirna"):
        counts = cohort.omics[name].to_numpy()
        assert (counts >= 0).all()
        assert (counts == counts.round()).all()
        assert np.quantile(counts, 0.99) > 1000
    betas = cohort.omics["methylation"].to_numpy()
    assert 0 <= np.nanmin(betas) < 0.05
    assert 0.95 < np.nanmax(betas) <= 1


def test_blemishes_of_real_tables_are_there(cohort):
    assert (cohort.omics["expression"].iloc[-2:] == 0).all(axis=None)
    assert (cohort.omics["mirna"].iloc[-1] == 0).all()
    missing = cohort.omics["methylation"].isna().mean(axis=None)
    assert missing == pytest.approx(0.01, rel=0.15)
    assert not cohort.omics["expression"].isna().any(axis=None)
    present = pd.DataFrame({name: cohort.clinical.index.isin(table) for name, table in cohort.omics.items()})
    assert (present.sum(axis=1) == 2).sum() == 4  # 3 % of 124
    assert (present.sum(axis=1) >= 2).all()
    assert (~present).any().all()


def test_blemishes_can_be_left_out():
    clean = simulate(Simulation(missing_cells=0, missing_omic=0))
    assert all(table.shape[1] == 124 and table.notna().all(axis=None) for table in clean.omics.values())


@pytest.mark.parametrize(("effect", "low", "high"), [(2.5, 0.95, 1.0), (0.0, -0.05, 0.05)])
def test_planted_subtypes_are_as_clear_as_the_effect(effect, low, high):
    assert low <= agreement(simulate(Simulation(effect=effect))) <= high


def test_a_programme_is_up_in_its_subtype_and_its_regulators_are_down(cohort):
    expression = logged(cohort, "expression")
    subtype = cohort.clinical.loc[expression.index, "subtype"]
    genes = cohort.planted[cohort.planted["collection"] == "pathways"].set_index("subtype")["term"]
    others = set(expression) - {gene for term in genes for gene in cohort.pathways[term]}
    for name, term in genes.items():
        inside = subtype == name
        p = stats.ttest_ind(expression[inside], expression[~inside]).pvalue
        p = pd.Series(p, index=expression.columns)
        shift = expression[inside].mean() - expression[~inside].mean()
        members = [gene for gene in cohort.pathways[term] if p[gene] < 1e-4]
        assert 25 <= len(members) <= 31  # 30 planted among about 37
        assert (shift[members] > 0.5).all()
        assert (p[list(others)].dropna() < 1e-4).mean() < 0.02
    for omic in ("methylation", "mirna"):
        values = logged(cohort, omic)
        shifts = np.array([values[subtype == name].mean() - values[subtype != name].mean() for name in genes.index])
        down, up = (np.nanmin(shifts, axis=0) < -0.9).sum(), (np.nanmax(shifts, axis=0) > 0.9).sum()
        assert down >= 30
        assert up <= down / 15


def test_noise_is_of_unit_width_and_shared_in_part():
    cohort = simulate(Simulation(n_samples=600, effect=0, missing_omic=0))
    values = (logged(cohort, "expression") / 0.8).iloc[:, :-2]
    assert values.std().mean() == pytest.approx(1, abs=0.03)
    correlation = np.corrcoef(values.T.to_numpy())
    off = np.abs(correlation[~np.eye(len(correlation), dtype=bool)])
    assert 0.1 < off.mean() < 0.2  # a third of variance in five factors; independent noise has 0.03


def test_survival_worsens_from_subtype_to_subtype():
    clinical = simulate(Simulation(n_samples=2000)).clinical
    assert clinical["os_event"].isin([0, 1]).all()
    assert clinical["os_time"].between(0, 4000).all()
    assert 0.2 < clinical["os_event"].mean() < 0.9
    deaths = clinical.groupby("subtype")["os_event"].sum() / clinical.groupby("subtype")["os_time"].sum()
    assert list(deaths.index) == ["S1", "S2", "S3", "S4"]
    np.testing.assert_allclose(np.diff(np.log2(deaths)), 1, atol=0.25)  # the hazard doubles
    assert deaths["S1"] == pytest.approx(1 / 2500, rel=0.15)


def test_gene_sets_hold_the_programmes_among_meaningless_ones(cohort):
    assert len(cohort.go) == len(cohort.pathways) == 44
    assert list(cohort.planted) == ["subtype", "collection", "term"]
    for row in cohort.planted.itertuples():
        assert row.term in getattr(cohort, row.collection)
    genes = set(cohort.omics["expression"].index)
    for members in [*cohort.go.values(), *cohort.pathways.values()]:
        assert 10 <= len(members) < 60
        assert set(members) <= genes
        assert len(set(members)) == len(members)
    for subtype, terms in cohort.planted.groupby("subtype")["term"]:
        term, pathway = terms
        name = PROGRAMMES[int(subtype[1]) - 1]
        assert term == f"{name} (SIM:000{subtype[1]})"
        assert pathway == f"SIMULATED_{name.upper().replace(' ', '_')}"
        assert len(set(cohort.go[term]) & set(cohort.pathways[pathway])) >= 20


@pytest.mark.parametrize(
    "changed",
    [
        {"n_clusters": 11, "n_samples": 200},
        {"n_clusters": 3, "pathway_size": 9, "n_genes": 27, "n_sites": 27, "n_mirnas": 24},
        {"n_clusters": 2, "n_samples": 6, "pathway_size": 8, "n_genes": 16, "n_sites": 16, "n_mirnas": 16},
    ],
    ids=["more subtypes than named programmes", "odd number of planted genes", "as small as can be"],
)
def test_unusual_sizes(changed):
    settings = replace(Simulation(), **changed)
    cohort = simulate(settings)
    assert cohort.clinical["subtype"].nunique() == settings.n_clusters
    assert cohort.planted["term"].is_unique
    assert len(cohort.planted) == 2 * settings.n_clusters
    assert len(cohort.pathways) == settings.n_clusters + 40


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"n_clusters": 1}, "n_clusters: .*; expected 2 to 41; got 1"),
        ({"n_samples": 11}, "n_clusters: .*; expected 2 to 3; got 4"),
        ({"n_samples": 5}, "n_samples: .*; expected at least 6; got 5"),
        ({"pathway_size": 7}, "pathway_size: .*; expected at least 8; got 7"),
        ({"n_genes": 119}, "n_genes: .*; expected at least 120; got 119"),
        ({"n_sites": 119}, "n_sites: .*; expected at least 120; got 119"),
        ({"n_mirnas": 31}, "n_mirnas: .*; expected 32 to 600; got 31"),
        ({"n_mirnas": 601}, "n_mirnas: .*; expected 32 to 600; got 601"),
    ],
)
def test_sizes_that_cannot_hold_the_structure(changed, message):
    with pytest.raises(AmuclError, match=message) as error:
        simulate(replace(Simulation(), **changed))
    assert "cannot hold its planted structure" in str(error.value)


def test_schema_knows_all_settings_and_their_defaults():
    properties = yaml.safe_load(resource("datasets.schema.yaml").read_text())["$defs"]["simulated"]["properties"]
    for setting in fields(Simulation):
        assert properties[setting.name]["default"] == setting.default
