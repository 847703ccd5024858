from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from amucl.biology.contrasts import PAIR_COLUMNS, pairwise_markers
from amucl.biology.differential import fit_variance_prior
from amucl.errors import AmuclError
from tests.shared import needs_shared
from tests.unit.biology import limma
from tests.unit.biology.leukemia import leukemia, oracle
from tests.unit.biology.test_differential import broken, simulated


@needs_shared
def test_two_groups_equal_limma_on_leukemia():
    expected = oracle("limma_leukemia_aml_vs_all.tsv.gz", "gene")
    table = pairwise_markers(*leukemia()).set_index("gene")
    assert set(table["subtype"] + table["against"]) == {"ALLAML"}
    ours = table.loc[expected.index]
    for column, sign in {"logFC": -1, "t": -1, "AveExpr": 1, "df_total": 1, "P.Value": 1, "adj.P.Val": 1}.items():
        np.testing.assert_allclose(sign * ours[column], expected[column], rtol=1e-8, err_msg=column)


@pytest.mark.parametrize("against", ["b", "c"])
def test_pairs_equal_limma_with_a_trend(against):
    expected = limma.tables()[against]
    table = pairwise_markers(limma.expression()[expected.index], limma.subtypes(), trend=True)
    ours = table[(table["subtype"] == "a") & (table["against"] == against)].set_index("gene").loc[expected.index]
    for column in limma.COLUMNS:
        np.testing.assert_allclose(ours[column], expected[column], rtol=1e-8, err_msg=column)


def test_three_groups_equal_the_linear_model_written_out():
    expression, labels = simulated()
    design = pd.get_dummies(labels).to_numpy(float)
    coefficients, scatter, *_ = np.linalg.lstsq(design, expression.to_numpy(), rcond=None)
    variance = scatter / (len(labels) - 3)
    df_prior, prior = fit_variance_prior(variance, len(labels) - 3)
    shrunk = ((len(labels) - 3) * variance + df_prior * prior) / (len(labels) - 3 + df_prior)
    unscaled = np.linalg.inv(design.T @ design)
    table = pairwise_markers(expression, labels)
    assert list(table.columns) == PAIR_COLUMNS
    pairs = list(table[["subtype", "against"]].drop_duplicates().itertuples(index=False, name=None))
    assert pairs == list(combinations("abc", 2))
    for first, second in pairs:
        c = np.array([(name == first) - (name == second) for name in "abc"], dtype=float)
        t = c @ coefficients / np.sqrt(c @ unscaled @ c * shrunk)
        rows = table[(table["subtype"] == first) & (table["against"] == second)].set_index("gene")
        np.testing.assert_allclose(rows.loc[expression.columns, "t"], t, rtol=1e-8)
        p = 2 * stats.t.sf(np.abs(t), len(labels) - 3 + df_prior)
        np.testing.assert_allclose(rows.loc[expression.columns, "P.Value"], p, rtol=1e-8)


def test_planted_genes_tell_their_subtype_from_both_others():
    table = pairwise_markers(*simulated())
    best = table.groupby(["subtype", "against"])["adj.P.Val"].apply(lambda p: (p < 0.05).sum())
    assert best["a", "b"] == pytest.approx(10, abs=2)
    assert best["a", "c"] == pytest.approx(10, abs=2)
    assert best["b", "c"] <= 2


def test_a_small_subtype_stays_out_of_the_model():
    expression, labels = simulated()
    tiny = labels.copy()
    tiny.iloc[:2] = "tiny"
    table = pairwise_markers(expression, tiny)
    status = table.groupby(["subtype", "against"])["status"].first()
    assert status["a", "tiny"] == status["b", "tiny"] == "too_small"
    without = pairwise_markers(expression.iloc[2:], labels.iloc[2:])
    ours = table[table["status"] == "ok"].reset_index(drop=True)
    pd.testing.assert_frame_equal(ours, without, check_dtype=False)


def test_a_panel_of_two_genes_that_are_constant_in_every_subtype():
    labels = pd.Series(np.repeat(["a", "b", "c"], 4), index=[f"s{i}" for i in range(12)])
    panel = pd.DataFrame({"FLT3": labels == "a", "NPM1": labels != "c"}, dtype=float)
    table = pairwise_markers(panel, labels).set_index(["subtype", "against", "gene"])
    assert (table["status"] == "ok").all()
    apart = {("a", "b", "FLT3"), ("a", "c", "FLT3"), ("a", "c", "NPM1"), ("b", "c", "NPM1")}
    assert set(table.index[table["adj.P.Val"] == 0]) == set(table.index[np.isinf(table["t"])]) == apart
    assert (table.loc[~np.isinf(table["t"]), "P.Value"] == 1).all()


@pytest.mark.parametrize("how", ["duplicate gene", "NaN", "inf", "one subtype", "constant"])
def test_bad_input_is_named(how):
    with pytest.raises(AmuclError):
        pairwise_markers(*broken(*simulated(), how))
