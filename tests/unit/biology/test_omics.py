import numpy as np
import pandas as pd
import pytest

from amucl.biology.differential import moderated_t, subtype_markers
from amucl.biology.omics import (
    BETA_LIMIT,
    OMIC_COLUMNS,
    OMIC_PAIR_COLUMNS,
    are_betas,
    m_values,
    omic_markers,
    omic_pairs,
)
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
    table = omic_markers(values, labels, "methylation", genes)
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
    table = omic_markers(expression, labels, "mirna")
    plain = subtype_markers(expression, labels)
    assert set(table["scale"]) == {"as_is"}
    assert table["genes"].isna().all()
    pd.testing.assert_series_equal(table["t"], plain["t"])
    np.testing.assert_allclose(table["delta"], table["logFC"], atol=1e-9)


def test_too_small_subtypes_have_a_row():
    values, labels = betas()
    labels.iloc[:2] = "tiny"
    table = omic_markers(values, labels, "methylation")
    assert table.loc[table["subtype"] == "tiny", "status"].item() == "too_small"
    assert table.loc[table["subtype"] == "tiny", "delta"].isna().all()


@pytest.mark.parametrize("omic", ["methylation", "mirna"])
def test_pairs_of_an_omic(omic):
    values, labels = betas()
    table = omic_pairs(values, labels, omic)
    assert list(table.columns) == OMIC_PAIR_COLUMNS
    assert len(table) == 3 * 50
    first = table.query("subtype == 'a' and against == 'b'")
    assert set(first["feature"].head(5)) == set(values.columns[:5])
