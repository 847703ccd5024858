import subprocess

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from amucl.biology.differential import (
    MARKER_COLUMNS,
    down_regulated,
    fit_variance_prior,
    moderated_t,
    permuted_control,
    significant,
    subtype_markers,
    subtype_order,
    trigamma_inverse,
    up_regulated,
)
from amucl.errors import AmuclError
from benchmarks.agreement import has_limma
from tests.shared import needs_shared
from tests.unit.biology import limma
from tests.unit.biology.leukemia import key_values, leukemia, leukemia_markers, oracle


def simulated(n=30, genes=200, planted=10, shift=4.0, seed=0):
    """Three subtypes of noise; the first `planted` genes are up in subtype a."""
    rng = np.random.default_rng(seed)
    labels = pd.Series(np.repeat(["a", "b", "c"], n // 3), index=[f"s{i}" for i in range(n)])
    values = rng.normal(8, rng.gamma(4, 0.25, genes), (n, genes))
    values[(labels == "a").to_numpy(), :planted] += shift
    return pd.DataFrame(values, index=labels.index, columns=[f"g{j:03d}" for j in range(genes)]), labels


@needs_shared
def test_equals_limma_on_leukemia():
    expected = oracle("limma_leukemia_aml_vs_all.tsv.gz", "gene")
    markers = leukemia_markers()
    ours = markers[markers["subtype"] == "AML"].set_index("gene")
    assert set(ours.index) == set(expected.index)
    for column in ["logFC", "AveExpr", "t", "df_total", "P.Value", "adj.P.Val"]:
        np.testing.assert_allclose(ours.loc[expected.index, column], expected[column], rtol=1e-8, err_msg=column)


@needs_shared
def test_prior_equals_limma_on_leukemia():
    expression, labels = leukemia()
    expression = expression.loc[:, expression.std() > 0]
    residual = expression - expression.groupby(labels).transform("mean")
    df_prior, prior = fit_variance_prior((residual**2).sum().to_numpy() / 46, 46)
    expected = key_values("limma_leukemia_prior.tsv")
    assert expression.shape[1] == expected["genes"]
    np.testing.assert_allclose([df_prior, prior], [expected["df.prior"], expected["s2.prior"]], rtol=1e-10)


@needs_shared
def test_leukemia_markers_name_known_biology():
    markers = leukemia_markers()
    top = markers[markers["rank"] <= 100].groupby("subtype")["gene"].agg(set)
    assert {"CFD", "HOXA5", "CCNA1"} <= top["AML"]
    assert {"DNTT", "CD79B", "BLNK"} <= top["ALL"]


@pytest.mark.parametrize("name", limma.ONE_AGAINST_REST)
def test_equals_limma_with_a_trend(name):
    expression, inside, expected = limma.case(name)
    ours = moderated_t(expression, inside, trend="no trend" not in name).set_index("gene")
    for column in limma.COLUMNS:
        np.testing.assert_allclose(ours[column], expected[column], rtol=1e-8, err_msg=column)


@pytest.mark.parametrize("name", limma.ONE_AGAINST_REST)
def test_prior_degrees_of_freedom_equal_limma_with_a_trend(name):
    expression, inside, expected = limma.case(name)
    residual = expression - expression.groupby(inside).transform("mean")
    df = len(expression) - 2
    covariate = None if "no trend" in name else expression.mean().to_numpy()
    df_prior, _ = fit_variance_prior((residual**2).sum().to_numpy() / df, df, covariate)
    np.testing.assert_allclose(df_prior, expected["df_prior"], rtol=1e-8)
    assert np.isinf(df_prior) == (name in ("three samples", "on the trend"))


def test_limma_still_gives_the_stored_tables(tmp_path):
    script = limma.ORACLES / "limma_trend.R"
    if not has_limma():
        pytest.skip("R with limma 3.54 is not installed")
    subprocess.run(["Rscript", script, tmp_path], check=True, capture_output=True)
    for file, keys in {limma.MATRIX: ["gene"], limma.TABLES: ["case", "gene"]}.items():
        anew, stored = (pd.read_csv(folder / file, sep="\t", index_col=keys) for folder in (tmp_path, limma.ORACLES))
        pd.testing.assert_frame_equal(anew, stored, rtol=1e-9, check_exact=False)


def test_equal_means_have_no_trend():
    variance = np.random.default_rng(0).chisquare(3, 50)
    assert fit_variance_prior(variance, 6, np.full(50, 7.0)) == fit_variance_prior(variance, 6)


def test_a_trend_is_followed_by_markers_and_control():
    expression, labels = limma.expression(), limma.subtypes()
    markers = subtype_markers(expression, labels, trend=True)
    ours, expected = markers[markers["subtype"] == "a"].set_index("gene"), limma.tables()["rest"]
    np.testing.assert_allclose(ours.loc[expected.index, "t"], expected["t"], rtol=1e-8)
    control = permuted_control(expression, labels, seed=1, n_permutations=3, trend=True)
    assert control.loc[0, "n_significant"] == (expected["adj.P.Val"] < 0.05).sum()
    without = permuted_control(expression, labels, seed=1, n_permutations=3)
    assert without.loc[0, "n_significant"] == (limma.tables()["rest, no trend"]["adj.P.Val"] < 0.05).sum()


def test_two_genes_have_no_prior_and_give_the_classical_t():
    expression, labels = simulated(genes=2)
    inside = (labels == "a").to_numpy()
    table = moderated_t(expression, inside)
    t, p = stats.ttest_ind(expression[inside], expression[~inside])
    np.testing.assert_allclose(table["t"], t, rtol=1e-12)
    np.testing.assert_allclose(table["P.Value"], p, rtol=1e-10)
    assert (table["df_total"] == 28).all()


def test_two_genes_without_scatter_are_apart_or_not():
    inside = np.arange(8) < 4
    expression = pd.DataFrame({"apart": inside * 1.0, "constant": 2.0, "both": np.arange(8) % 2 * 1.0})
    table = moderated_t(expression[["apart", "constant"]], inside).set_index("gene")
    assert table["t"].to_dict() == {"apart": np.inf, "constant": 0.0}
    assert table["P.Value"].to_dict() == {"apart": 0.0, "constant": 1.0}
    assert table["adj.P.Val"].to_dict() == {"apart": 0.0, "constant": 1.0}
    assert moderated_t(expression[["both", "constant"]], inside)["t"].tolist() == [0.0, 0.0]


def test_equal_variances_have_an_infinite_prior_and_a_common_variance():
    base = np.array([0.0, 1, 2, 3, 4, 6])
    expression = pd.DataFrame({f"g{j}": base * (-1) ** j + 10 * j for j in range(5)})
    inside = np.array([True, True, True, False, False, False])
    table = moderated_t(expression, inside)
    variance = (2 + ((base[3:] - base[3:].mean()) ** 2).sum()) / 4
    t = (base[:3].mean() - base[3:].mean()) / np.sqrt(variance * 2 / 3)
    np.testing.assert_allclose(table["t"], t * (-1.0) ** np.arange(5), rtol=1e-12)
    assert (table["df_total"] == 4 * 5).all(), "no more degrees of freedom than the pooled residuals have"
    np.testing.assert_allclose(table["P.Value"], 2 * stats.t.sf(abs(t), 20), rtol=1e-12)


def test_moderated_t_by_hand_with_a_finite_prior():
    rng = np.random.default_rng(3)
    scale = np.sqrt(2 * 4 / rng.chisquare(4, 3000))
    expression = pd.DataFrame(rng.normal(0, scale, (10, 3000)))
    inside = np.arange(10) < 4
    table = moderated_t(expression, inside)
    df_prior = table["df_total"][0] - 8
    assert 3.5 < df_prior < 4.6, "the planted prior has 4 degrees of freedom"
    variance = (expression[inside].var() * 3 + expression[~inside].var() * 5) / 8
    _, prior = fit_variance_prior(variance.to_numpy(), 8)
    assert 1.8 < prior < 2.2, "the planted prior variance is 2"
    shrunk = (8 * variance + df_prior * prior) / (8 + df_prior)
    t = (expression[inside].mean() - expression[~inside].mean()) / np.sqrt(shrunk * (1 / 4 + 1 / 6))
    np.testing.assert_allclose(table["t"], t, rtol=1e-10)


@pytest.mark.parametrize("x", [1e-8, 1e-3, 0.3, 1.0, 40.0, 1e5, 1e9])
def test_trigamma_inverse(x):
    assert special.polygamma(1, trigamma_inverse(x)) == pytest.approx(x, rel=1e-6)


def test_null_p_values_are_uniform_in_small_groups():
    expression = pd.DataFrame(np.random.default_rng(1).normal(size=(20, 20_000)))
    p = moderated_t(expression, np.arange(20) < 3)["P.Value"]
    assert (p < 0.001).mean() == pytest.approx(0.001, abs=0.0008)
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_planted_genes_lead_their_subtype():
    expression, labels = simulated()
    markers = subtype_markers(expression, labels)
    assert list(markers.columns) == MARKER_COLUMNS
    assert list(markers["subtype"].unique()) == ["a", "b", "c"]
    first = markers[markers["subtype"] == "a"]
    assert set(first["gene"][:10]) == {f"g{j:03d}" for j in range(10)}
    assert list(first["rank"]) == list(range(1, 201))
    assert set(up_regulated(markers, "a")) == set(first["gene"][:10])
    assert up_regulated(markers, "a", min_logfc=100) == []
    assert (first[["n_in", "n_out"]] == [10, 20]).all(axis=None)
    np.testing.assert_allclose(first["logFC"], first["mean_in"] - first["mean_out"])


def test_order_of_samples_and_genes_does_not_matter():
    expression, labels = simulated()
    shuffled = expression.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=2)
    pd.testing.assert_frame_equal(
        subtype_markers(shuffled, labels), subtype_markers(expression, labels), rtol=1e-9, check_exact=False
    )


def test_small_subtypes_are_reported_and_not_tested():
    expression, labels = simulated()
    labels = labels.replace("c", "b")
    labels.iloc[:2] = "tiny"
    markers = subtype_markers(expression, labels)
    (tiny,) = markers[markers["subtype"] == "tiny"].to_dict("records")
    assert tiny["status"] == "too_small"
    assert (tiny["n_in"], tiny["n_out"]) == (2, 28)
    assert all(pd.isna(tiny[column]) for column in [*MARKER_COLUMNS[1:10], "rank"])
    assert set(markers["status"]) == {"ok", "too_small"}
    rest_too_small = subtype_markers(expression, pd.Series("b", index=labels.index).where(np.arange(30) > 1, "tiny"))
    assert list(rest_too_small["status"]) == ["too_small", "too_small"]


def test_constant_genes_are_dropped():
    expression, labels = simulated()
    markers = subtype_markers(expression.assign(flat=5.0), labels)
    assert "flat" not in set(markers["gene"])
    pd.testing.assert_frame_equal(markers, subtype_markers(expression, labels))


def test_permuted_labels_give_about_none():
    expression, labels = simulated(genes=400, planted=40)
    control = permuted_control(expression, labels, seed=1).set_index("subtype")
    assert control.loc["a", "n_significant"] == pytest.approx(40, abs=3)
    assert (control["n_significant_permuted"] < 2).all()
    again = permuted_control(expression, labels, seed=1).set_index("subtype")
    pd.testing.assert_frame_equal(control, again)


def test_natural_order():
    assert subtype_order(pd.Series(["S10", "S2", "b", "S1", "S2"])) == ["b", "S1", "S2", "S10"]
    assert subtype_order(pd.Series([10, 2, 0])) == [0, 2, 10]


def broken(expression, labels, how):
    if how == "duplicate gene":
        return expression.rename(columns={"g001": "g000"}), labels
    if how in ("NaN", "inf"):
        expression = expression.copy()
        expression.loc["s4", "g007"] = float(how)
        return expression, labels
    if how == "unlabelled":
        return expression, labels.drop(["s3", "s8"])
    if how == "NaN label":
        return expression, labels.where(labels.index != "s5")
    if how == "one subtype":
        return expression, labels.replace({"b": "a", "c": "a"})
    return expression * 0 + 7.0, labels


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("duplicate gene", "duplicate genes in the expression.*got g000"),
        ("NaN", "sample s4, gene g007: expression has missing or infinite values"),
        ("inf", "sample s4, gene g007: expression has missing or infinite values"),
        ("unlabelled", "samples without a subtype.*got s3, s8"),
        ("NaN label", "sample s5: missing subtype labels"),
        ("one subtype", "all samples are of one subtype.*got 'a' only"),
        ("constant", "no gene varies between the samples"),
    ],
)
def test_bad_input_is_named(how, message):
    with pytest.raises(AmuclError, match=message):
        subtype_markers(*broken(*simulated(), how))


def test_genes_that_are_equal_stand_in_the_order_of_their_names():
    """Whichever way their t goes and wherever their columns stand."""
    expression, labels = simulated(genes=6, planted=0)
    up, down = expression["g000"] + 5 * (labels == "a"), expression["g001"] - 5 * (labels == "a")
    expression = pd.DataFrame({"z": up, "n": expression["g002"], "x": down, "b": up, "m": up, "a": down, "y": down})
    first = subtype_markers(expression, labels).query("subtype == 'a'")
    assert first["gene"].tolist() == ["b", "m", "z", "n", "a", "x", "y"]
    assert first["rank"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert first["t"].is_monotonic_decreasing
    assert down_regulated(first, "a") == ["y", "x", "a"]  # most down first: the table from its end
    assert up_regulated(first, "a") == ["b", "m", "z"]


def test_a_marker_is_below_alpha_and_beyond_the_fold_change():
    table = pd.DataFrame({"adj.P.Val": [0.049, 0.05, 0.01, 0.01, 0.01], "logFC": [2.0, 2.0, 1.0, -1.01, 1.01]})
    assert significant(table, alpha=0.05, min_logfc=1.0).tolist() == [True, False, False, True, True]
