import numpy as np
import pandas as pd
import pytest

from amucl.biology.differential import CONTROL_COLUMNS, moderated_t, subtype_markers
from amucl.biology.omics import (
    BETA_LIMIT,
    OMIC_COLUMNS,
    OMIC_PAIR_COLUMNS,
    ScaledOmic,
    are_betas,
    is_logged,
    m_values,
    omic_markers,
    omic_pairs,
    omic_results,
    why_untestable,
)
from amucl.biology.overview import overview
from amucl.biology.profile import MARKERS, profiles
from amucl.cohort.cohort import assemble
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.figures.profile import profile_page
from tests.unit.biology import findings as given
from tests.unit.biology.cohorts import prepared
from tests.unit.biology.test_differential import simulated


def betas(seed=0):
    """Methylation levels of 30 samples and 50 sites; the first five are higher in subtype a, some are 0 or 1."""
    _, labels = simulated()
    rng = np.random.default_rng(seed)
    logit = rng.normal(0, 0.5, (30, 50)) + rng.normal(0, 2, 50)
    logit[(labels == "a").to_numpy(), :5] += 3
    values = 1 / (1 + np.exp(-logit))
    values[3, 7], values[4, 7] = 0.0, 1.0
    return pd.DataFrame(values, index=labels.index, columns=[f"cg{j:08d}" for j in range(50)]), labels


def test_m_values_are_log_ratios_and_finite():
    values = pd.DataFrame({"a": [0.5, 0.2], "b": [0.0, 1.0]})
    found = m_values(values)
    np.testing.assert_allclose(found["a"], [0, np.log2(0.2 / 0.8)])
    np.testing.assert_allclose(
        found["b"], np.log2(np.array([BETA_LIMIT, 1 - BETA_LIMIT]) / [1 - BETA_LIMIT, BETA_LIMIT])
    )


def test_only_methylation_levels_become_m_values():
    values, _ = betas()
    assert are_betas(values, "methylation")
    assert are_betas(values, "DNA_methylation")
    assert not are_betas(values, "accessibility")
    assert not are_betas(values - 0.5, "methylation"), "centred values are no levels"


def test_methylation_is_tested_on_m_values_and_told_in_levels():
    values, labels = betas()
    genes = pd.Series("", index=values.columns)
    genes.iloc[:2] = ["TP53;WRAP53", "MYC"]
    table = omic_markers(ScaledOmic.of(values, "methylation", genes), labels)
    assert list(table.columns) == OMIC_COLUMNS
    assert set(table["scale"]) == {"M"}
    rows = table[table["subtype"] == "a"].set_index("feature")
    inside = (labels == "a").to_numpy()
    plain = moderated_t(m_values(values), inside).set_index("gene")
    np.testing.assert_allclose(rows.loc[plain.index, "t"], plain["t"])
    np.testing.assert_allclose(rows.loc[values.columns, "delta"], values[inside].mean() - values[~inside].mean())
    assert set(rows.index[:5]) == set(values.columns[:5])
    assert rows.loc[values.columns[0], "genes"] == "TP53;WRAP53"


def test_other_omics_are_tested_as_they_are():
    expression, labels = simulated()
    table = omic_markers(ScaledOmic.of(expression, "mirna"), labels)
    plain = subtype_markers(expression, labels)
    assert set(table["scale"]) == {"as_is"}
    assert table["genes"].isna().all()
    pd.testing.assert_series_equal(table["t"], plain["t"])
    np.testing.assert_allclose(table["delta"], table["logFC"], atol=1e-9)


def test_too_small_subtypes_have_a_row():
    values, labels = betas()
    labels.iloc[:2] = "tiny"
    table = omic_markers(ScaledOmic.of(values, "methylation"), labels)
    assert table.loc[table["subtype"] == "tiny", "status"].item() == "too_small"
    assert table.loc[table["subtype"] == "tiny", "delta"].isna().all()


@pytest.mark.parametrize("omic", ["methylation", "mirna"])
def test_pairs_of_an_omic(omic):
    values, labels = betas()
    table = omic_pairs(ScaledOmic.of(values, omic), labels)
    assert list(table.columns) == OMIC_PAIR_COLUMNS
    assert len(table) == 3 * 50
    first = table.query("subtype == 'a' and against == 'b'")
    assert set(first["feature"].head(5)) == set(values.columns[:5])


def test_the_scale_says_whether_values_are_logarithms():
    expression, labels = simulated()
    assert set(omic_markers(ScaledOmic.of(expression, "mirna", logged=True), labels)["scale"]) == {"log2"}
    cohort, _ = prepared()
    assert {omic: is_logged(cohort, omic) for omic in cohort.mod} == {
        "expression": True,
        "methylation": False,
        "mirna": True,
    }
    levels = preprocess(assemble({"mirna": expression}), Preprocessing(log2=False))
    assert not is_logged(levels.cohort, "mirna")
    hub = preprocess(assemble({"mirna": expression}), Preprocessing(log2=False), source="xena")
    assert is_logged(hub.cohort, "mirna"), "the hub's tables are"


def flat(values, labels):
    """Features that do not vary."""
    return values * 0 + 0.5, labels


def alone(values, labels):
    """Patients of one subtype only."""
    return values[(labels == "a").to_numpy()], labels


def few(values, labels):
    """Two patients of every subtype."""
    return values.groupby(labels).head(2), labels


def nobody(values, labels):
    """No patient who has a subtype."""
    return values, labels.add_prefix("other ")


POOR = {
    "constant": (flat, "no feature varies"),
    "one_subtype": (alone, "all patients with this omic are of one subtype"),
    "too_small": (few, "under three patients"),
    "no_patients": (nobody, "no patient of these subtypes has this omic"),
}


def poor_results(status):
    """The tables of an omic in which nothing can be tested, and the labels of all patients."""
    values, labels = POOR[status][0](*betas())
    cohort = preprocess(assemble({"methylation": betas()[0]}), Preprocessing(log2=False)).cohort
    poor = cohort[values.index].copy()
    poor["methylation"].X = values.to_numpy(np.float32)
    return omic_results(poor, labels, "methylation", seed=1), labels


@pytest.mark.parametrize("status", POOR)
def test_an_omic_in_which_nothing_can_be_tested_has_tables_that_say_why(status):
    found, _ = poor_results(status)
    assert list(found.markers.columns) == OMIC_COLUMNS
    assert list(found.pairs.columns) == OMIC_PAIR_COLUMNS
    assert list(found.control.columns) == CONTROL_COLUMNS
    assert found.markers["subtype"].tolist() == found.control["subtype"].tolist() == ["a", "b", "c"]
    assert set(found.markers["status"]) == {status}
    assert set(found.markers["omic"]) == {"methylation"}
    assert found.markers[["feature", "logFC", "adj.P.Val", "delta"]].isna().all(axis=None)
    sizes = {"constant": [10, 10, 10], "one_subtype": [10, 0, 0], "too_small": [2, 2, 2], "no_patients": [0, 0, 0]}
    assert found.markers["n_in"].tolist() == sizes[status]
    assert found.control[["n_significant", "n_significant_permuted"]].isna().all(axis=None)


@pytest.mark.parametrize("status", POOR)
def test_a_poor_omic_ends_on_the_pages_of_the_subtypes(status):
    found, labels = poor_results(status)
    omics = {"methylation": found.markers}
    nothing = pd.DataFrame(index=labels.index)
    findings = given.findings(
        markers=found.markers.rename(columns={"feature": "gene"}), omics=omics, embedding=None, consensus=None
    )
    table = profiles(labels, nothing, findings, classes={}, seed=1, max_permutations=100)
    notes = table.loc[(table["section"] == MARKERS) & (table["group"] == "methylation"), "note"]
    assert len(notes) == 3
    assert notes.str.contains(POOR[status][1]).all()
    figure = profile_page(table, "b", labels, nothing, title="poor", others=["a", "b", "c"])
    figure.canvas.draw()
    summary = overview(labels, findings.markers, findings.go, findings.gsea, omics=omics)
    assert (summary["top_methylation"] == "").all()


def test_missing_values_are_still_an_error():
    values, labels = betas()
    values = values * 0 + np.nan
    assert why_untestable(values, labels) is None, "`checked` names the first of them"
