import json

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import KNNImputer

from amucl.cohort.cohort import assemble, truth, views
from amucl.cohort.preparation.preprocess import (
    Preprocessing,
    impute_nearest,
    looks_like_counts,
    nan_distances,
    preprocess,
)
from amucl.cohort.sources.benchmark import read_benchmark
from amucl.errors import AmuclError
from tests.shared import MIRROR, needs_shared

PLAIN = {"log2": False, "normalize": "none", "impute": "knn"}


def table(values, samples=None, prefix="g"):
    values = np.asarray(values, dtype=np.float64)
    samples = samples or [f"s{i}" for i in range(len(values))]
    return pd.DataFrame(values, index=samples, columns=[f"{prefix}{j}" for j in range(values.shape[1])])


def random_table(n=12, p=8, seed=0, samples=None, prefix="g"):
    return table(np.random.default_rng(seed).normal(size=(n, p)), samples, prefix)


def run(tables, *, clinical=None, **settings):
    return preprocess(assemble(tables, clinical=clinical), Preprocessing(**settings), dataset="d")


def message(tables, *, clinical=None, **settings):
    with pytest.raises(AmuclError) as caught:
        run(tables, clinical=clinical, **settings)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def step(result, name, omic="a"):
    found = result.steps[(result.steps["omic"] == omic) & (result.steps["step"] == name)]
    assert len(found) == 1
    return found.iloc[0]


def test_defaults_give_zscores_of_the_analysis_scale():
    result = run({"a": random_table()})
    modality = result.cohort["a"]
    assert modality.X.dtype == modality.layers["normalized"].dtype == np.float32
    np.testing.assert_allclose(modality.X, random_table(), rtol=1e-6)
    np.testing.assert_allclose(modality.layers["normalized"].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(modality.layers["normalized"].std(axis=0), 1, rtol=1e-5)
    np.testing.assert_allclose(modality.var["variance"], random_table().var(), rtol=1e-5)


def test_max_normalisation():
    modality = run({"a": random_table()}, normalize="max").cohort["a"]
    expected = random_table() / random_table().abs().max()
    np.testing.assert_allclose(modality.layers["normalized"], expected, rtol=1e-6)


def test_centring_keeps_the_spread_of_every_feature():
    result = run({"a": random_table()}, normalize="center")
    expected = random_table() - random_table().mean()
    np.testing.assert_allclose(result.cohort["a"].layers["normalized"], expected, rtol=1e-5, atol=1e-6)
    assert step(result, "normalize").reason == "center, per feature"
    assert step(result, "normalize").values_changed == 12 * 8


def test_every_step_has_one_row_and_the_rows_chain():
    first = random_table(prefix="x")
    first.iloc[:, 0] = np.nan
    first.iloc[:5, 1] = np.nan
    first.iloc[0, 2:7] = np.nan
    first.iloc[3, 4] = np.nan
    result = run({"a": first, "b": random_table(n=10)}, top_features={"a": 3})
    names = ["read", "duplicate_features", "tumour_samples", "log2", "missing_features", "missing_samples", "patients"]
    names += ["impute", "constant_features", "top_features", "normalize"]
    for _, rows in result.steps.groupby("omic"):
        assert rows["step"].to_list() == names
        for what in ("samples", "features"):
            assert rows[f"{what}_out"].to_list()[:-1] == rows[f"{what}_in"].to_list()[1:]
    assert (step(result, "missing_features").features_in, step(result, "missing_features").features_out) == (8, 6)
    assert "1 without any value" in step(result, "missing_features").reason
    assert (step(result, "missing_samples").samples_in, step(result, "missing_samples").samples_out) == (12, 11)
    assert step(result, "patients").samples_out == 9
    assert step(result, "impute").values_changed == 1
    assert step(result, "top_features").features_out == 3
    assert set(result.steps["dataset"]) == {"d"}


def test_the_ledger_accounts_for_every_column_once_per_omic():
    first = random_table()
    first.iloc[2, :6] = np.nan
    tables = {"a": first, "b": random_table(n=10, samples=[f"s{i}" for i in range(1, 11)])}
    ledger = run(tables).ledger
    for omic, frame in tables.items():
        assert ledger.loc[ledger["omic"] == omic, "column"].to_list() == list(frame.index)
    dropped = ledger[ledger["status"] == "dropped"].set_index(["omic", "column"])["reason"].to_dict()
    assert dropped == {
        ("a", "s2"): "more than 20% of the features missing",
        ("a", "s0"): "no b",
        ("a", "s11"): "no b",
        ("b", "s2"): "no a",
    }


def test_partial_patients_stay_and_their_missing_omics_are_rows_of_nan():
    tables = {"a": random_table(n=6), "b": random_table(n=5, samples=["s4", "s5", "s6", "s7", "s8"])}
    result = run(tables, patients="partial")
    assert list(result.cohort.obs_names) == [f"s{i}" for i in range(9)]
    assert (result.ledger["status"] == "kept").all()
    (a, b), omics, samples, _ = views(result.cohort, complete=False)
    assert omics == ["a", "b"]
    assert samples == [f"s{i}" for i in range(9)]
    assert np.isnan(a).all(axis=1).tolist() == [False] * 6 + [True] * 3
    assert np.isnan(b).all(axis=1).tolist() == [True] * 4 + [False] * 5
    (a, b), _, samples, _ = views(result.cohort)
    assert samples == ["s4", "s5"]
    assert not np.isnan(a).any()
    assert not np.isnan(b).any()


def test_intersection_follows_the_order_of_the_first_omic():
    tables = {
        "a": random_table(n=4, samples=["w", "x", "y", "z"]),
        "b": random_table(n=4, samples=["z", "y", "x", "v"]),
    }
    result = run(tables)
    arrays, _, samples, _ = views(result.cohort, layer=None)
    assert samples == ["x", "y", "z"]
    np.testing.assert_allclose(arrays[1], tables["b"].loc[samples], rtol=1e-6)


def test_log2_is_automatic_for_counts_only():
    rng = np.random.default_rng(0)
    counts = table(rng.poisson(300, size=(10, 6)))
    betas = table(rng.uniform(size=(10, 6)))
    ratios = table(rng.normal(0, 500, size=(10, 6)))
    result = run({"counts": counts, "betas": betas, "ratios": ratios}, normalize="none")
    np.testing.assert_allclose(result.cohort["counts"].X, np.log2(counts + 1), rtol=1e-6)
    np.testing.assert_allclose(result.cohort["betas"].X, betas, rtol=1e-6)
    np.testing.assert_allclose(result.cohort["ratios"].X, ratios, rtol=1e-6)
    assert step(result, "log2", "counts").values_changed == 60
    assert step(result, "log2", "betas").values_changed == 0


def test_log2_per_omic():
    result = run({"a": random_table().abs(), "b": random_table().abs()}, log2={"a": True})
    np.testing.assert_allclose(result.cohort["a"].X, np.log2(random_table().abs() + 1), rtol=1e-6)
    np.testing.assert_allclose(result.cohort["b"].X, random_table().abs(), rtol=1e-6)
    found = message({"a": random_table()}, log2={"c": True})
    assert found == "log2 names an unknown omic; expected a; got c"


def test_log2_of_a_negative_value_names_the_cell():
    values = random_table().abs()
    values.iloc[3, 2] = -0.5
    found = message({"a": values}, log2=True)
    assert "a, sample s3, feature g2" in found
    assert "got -0.5" in found


@pytest.mark.parametrize(
    ("values", "expected"),
    [([0, 0, 500], True), ([0, 50, 99], False), ([-1, 500, 500], False), ([np.nan, 200], True), ([np.nan], False)],
)
def test_what_looks_like_counts(values, expected):
    assert looks_like_counts(np.array(values, dtype=float)) is expected


def test_constant_features_are_dropped_after_intersecting():
    first = random_table()
    first.iloc[:, 0] = 7.0
    first.iloc[:, 1] = [1.0] * 10 + [2.0, 3.0]  # varies only in patients that the other omic lacks
    result = run({"a": first, "b": random_table(n=10)})
    assert list(result.cohort["a"].var_names) == [f"g{j}" for j in range(2, 8)]
    assert (step(result, "constant_features").features_in, step(result, "constant_features").features_out) == (8, 6)


def test_top_features_are_those_of_highest_variance_and_ties_keep_their_order():
    values = np.tile([[0.0], [1.0], [2.0]], (1, 4)) * [1, 3, 1, 2]
    modality = run({"a": table(values)}, top_features=3, **PLAIN).cohort["a"]
    assert modality.var["selected"].to_dict() == {"g0": True, "g1": True, "g2": False, "g3": True}
    arrays, _, _, features = views(run({"a": table(values)}, top_features=2, **PLAIN).cohort)
    assert features == [["g1", "g3"]]
    np.testing.assert_array_equal(arrays[0], values[:, [1, 3]])
    assert run({"a": table(values)}, top_features=None).cohort["a"].var["selected"].all()


@pytest.mark.parametrize("missing", [0.05, 0.3])
@pytest.mark.parametrize("neighbours", [1, 4, 100])
def test_nearest_neighbours_agree_with_scikit_learn(missing, neighbours):
    rng = np.random.default_rng(3)
    values = rng.normal(size=(40, 30)) + 10
    values[rng.random(values.shape) < missing] = np.nan
    expected = KNNImputer(n_neighbors=neighbours).fit_transform(values)
    np.testing.assert_allclose(impute_nearest(values, neighbours), expected, rtol=1e-10)


def test_samples_with_nothing_in_common_are_infinitely_far():
    distances = nan_distances(np.array([[1.0, np.nan]]), np.array([[np.nan, 1.0], [4.0, 9.0]]))
    np.testing.assert_allclose(distances, [[np.inf, 9.0]])


def test_median_imputation():
    values = random_table()
    values.iloc[0, 0] = np.nan
    result = run({"a": values}, impute="median")
    np.testing.assert_allclose(result.cohort["a"].X[0, 0], values.iloc[1:, 0].median(), rtol=1e-6)
    assert step(result, "impute").values_changed == 1


def test_without_imputation_nothing_may_be_missing():
    values = random_table()
    assert step(run({"a": values}, impute="none"), "impute").values_changed == 0
    values.iloc[4, 5] = np.nan
    assert "a, sample s4, feature g5: 1 values are missing" in message({"a": values}, impute="none")


def test_a_feature_that_intersecting_empties_is_dropped():
    first = random_table()
    first.iloc[:8, 0] = np.nan
    result = run({"a": first, "b": random_table(n=8)}, max_missing_feature=0.9)
    assert "g0" not in result.cohort["a"].var_names
    assert step(result, "impute").features_out == 7
    assert step(result, "impute").values_changed == 0


def test_what_leaves_nothing_is_an_error():
    assert "no feature is left" in message({"a": random_table() * np.nan})
    assert "a, step constant_features: no feature is left" in message({"a": table(np.ones((4, 3)))})
    half = random_table(n=4, p=4)
    half.iloc[[0, 1], [0, 1]] = np.nan
    half.iloc[[2, 3], [2, 3]] = np.nan
    half = half.mask(np.kron(np.eye(2), np.ones((2, 2))) > 0)
    found = message({"a": half}, max_missing_feature=0.6, max_missing_sample=0.1)
    assert "no sample is left: the cohort is empty" in found


def test_omics_that_share_no_samples():
    found = message({"a": random_table(), "b": random_table(samples=[f"P{i}" for i in range(12)])})
    assert "a shares no samples with b" in found
    assert "expected ids such as P0, P1, P2 and 9 more; got s0, s1, s2 and 9 more" in found
    assert "`orientation`" in found


def test_too_few_patients():
    tables = {"a": random_table(n=4), "b": random_table(n=4, samples=["s2", "s3", "s4", "s5"])}
    found = message(tables)
    assert "too few patients with every omic; expected at least 3; got 2 (samples per omic: a 4, b 4)" in found
    assert "too few patients; expected at least 9; got 6" in message(tables, patients="partial", min_samples=9)


def test_too_few_patients_of_one_omic():
    found = message({"a": random_table(n=4)}, min_samples=9)
    assert found == "too few patients; expected at least 9; got 4 (samples per omic: a 4)"


def test_partial_patients_of_whom_none_is_complete():
    tables = {"a": random_table(samples=[f"s{i}" for i in range(12)])}
    tables["b"] = random_table(n=6, samples=["s0", "s1", "s2", "s3", "s4", "s5"])
    tables["c"] = random_table(n=5, samples=["s6", "s7", "s8", "s9", "s10"])
    found = message(tables, patients="partial")
    assert "no patient has every omic; expected at least one: methods need some" in found
    assert "got samples per omic: a 12, b 6, c 5" in found


def test_the_steps_tell_how_many_partial_patients_get_no_label():
    tables = {"a": random_table(n=6), "b": random_table(n=5, samples=["s4", "s5", "s6", "s7", "s8"])}
    result = run(tables, patients="partial")
    for omic in tables:
        assert step(result, "patients", omic).reason == "all patients; 7 of 9 lack an omic: few methods take them"
    assert step(run({"a": random_table()}, patients="partial"), "patients").reason == "all patients"


def test_unknown_choices_are_refused():
    with pytest.raises(AmuclError, match="unknown impute; expected knn or median or none; got mice"):
        Preprocessing(impute="mice")


CLINICAL = pd.DataFrame(
    {"subtype": ["A", "B", None, "A"], "grade": [1.0, 2, 3, 1], "os_time": [1.0, 2, 3, 4]},
    index=["s0", "s1", "s2", "s3"],
)


def test_truth_is_checked():
    tables = {"a": random_table(n=4)}
    found = message(tables, clinical=CLINICAL, truth="type")
    assert found == (
        "`truth`: no such column in the clinical table (did you mean `subtype`?); "
        "expected one of subtype, grade, os_time; got type"
    )
    assert "(did you mean `grade`?)" in message(tables, clinical=CLINICAL, truth="GRADE")
    assert "did you mean" not in message(tables, clinical=CLINICAL, truth="zzz")
    found = message(tables, truth="type")
    assert (
        found == "`truth`: no such column in the clinical table; expected a clinical table with that column; got type"
    )
    found = message(tables, clinical=CLINICAL, truth="subtype")
    assert "1 of 4 patients have no label in the truth column subtype; got s2" in found
    assert "truth_missing to ignore" in found
    one_known = CLINICAL.assign(subtype=CLINICAL["subtype"].where(CLINICAL.index == CLINICAL.index[0]))
    assert "3 of 4 patients" in message(tables, clinical=one_known, truth="subtype", truth_missing="ignore")
    result = run(tables, clinical=CLINICAL, truth="subtype", truth_missing="ignore")
    labels = truth(result.cohort, ["s1", "s2", "s0"])
    assert labels.isna().to_list() == [False, True, False]
    assert labels.dropna().to_list() == ["B", "A"]
    assert truth(run(tables, clinical=CLINICAL, truth="grade").cohort, ["s2", "s0"]).to_list() == ["3", "1"]
    assert truth(run(tables, clinical=CLINICAL).cohort, ["s0"]) is None


def test_provenance_is_kept():
    files = [{"path": "rna.tsv", "sha256": "00"}]
    settings = Preprocessing(truth="grade", n_clusters=4)
    raw = assemble({"a": random_table(n=4)}, clinical=CLINICAL)
    result = preprocess(raw, settings, dataset="mine", source="files", files=files)
    found = json.loads(result.cohort.uns["amucl"])
    assert found["dataset"] == "mine"
    assert found["source"] == "files"
    assert found["files"] == files
    assert found["truth"] == "grade"
    assert found["n_clusters"] == 4
    assert found["preprocessing"]["max_missing_feature"] == 0.2


@needs_shared
def test_aml_to_the_patients_in_common():
    raw = read_benchmark(MIRROR / "benchmark" / "aml.zip", cancer="aml", omics=["expression", "methylation", "mirna"])
    result = preprocess(raw, Preprocessing(top_features=500), dataset="aml")
    assert result.cohort.n_obs == 167
    assert {omic: result.cohort[omic].n_vars for omic in result.cohort.mod} == {
        "expression": 1191,
        "methylation": 1085,
        "mirna": 558,
    }
    arrays, _, samples, _ = views(result.cohort)
    assert [array.shape for array in arrays] == [(167, 500)] * 3
    assert np.isfinite(np.hstack(arrays)).all()
    assert len(set(samples)) == 167
    expected = np.log2(raw.omics["mirna"].loc[samples, "hsa-mir-99b"] + 1)
    np.testing.assert_allclose(result.cohort["mirna"].to_df().loc[samples, "hsa-mir-99b"], expected, rtol=1e-6)
    assert step(result, "log2", "methylation").values_changed == 0
    kept = result.ledger[result.ledger["status"] == "kept"].groupby("omic").size()
    assert kept.to_dict() == {"expression": 167, "methylation": 167, "mirna": 167}
    assert result.ledger.groupby("omic").size().to_dict() == {"expression": 170, "methylation": 194, "mirna": 188}


@needs_shared
def test_centred_data_is_not_logged():
    raw = read_benchmark(MIRROR / "benchmark" / "gbm.zip", cancer="gbm", omics=["expression", "methylation", "mirna"])
    result = preprocess(raw, dataset="gbm")
    assert result.cohort.n_obs == 52
    assert (result.steps.loc[result.steps["step"] == "log2", "values_changed"] == 0).all()
