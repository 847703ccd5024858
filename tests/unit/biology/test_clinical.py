import io
import itertools
import tracemalloc
import zipfile

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from amucl.biology.clinical import (
    CLINICAL_COLUMNS,
    ENRICHMENT_COLUMNS,
    chi_squared,
    clinical_over_k,
    enrichment_table,
    find_labels,
    known_values,
    kruskal_wallis,
)
from amucl.cohort.readers.tables import tidy_columns
from amucl.cohort.sources.benchmark import read_benchmark
from amucl.errors import AmuclError
from tests.shared import MIRROR, needs_shared

ALL_SIX = ["gender", "age", "pathologic_M", "pathologic_N", "pathologic_T", "pathologic_stage"]
PATIENTS = [f"p{i}" for i in range(40)]
CLUSTERS = pd.DataFrame({"k2": [1, 2] * 20, "k4": [1, 2, 3, 4] * 10}, index=PATIENTS)


def over_k(clinical, labels=CLUSTERS, *, columns=None, seed=0, **options):
    columns = columns or {name: name for name in clinical}
    return clinical_over_k("aml", "dmacl", clinical, labels, columns=columns, seed=seed, **options)


def column(values, name="grade"):
    return pd.DataFrame({name: values}, index=PATIENTS)


def scipy_test(name, values, clusters):
    if name == "chi-squared":
        found = stats.chi2_contingency(pd.crosstab(values, clusters), correction=False)
    else:
        found = stats.kruskal(*(values[clusters == cluster] for cluster in np.unique(clusters)))
    return found.statistic, found.pvalue


# Statistics ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_levels", [2, 3, 9])
@pytest.mark.parametrize("k", [2, 5])
def test_statistics_and_asymptotic_p_equal_scipys(n_levels, k):
    """Numbers of few levels are all ties for the ranks."""
    rng = np.random.default_rng(n_levels + k)
    values, clusters = rng.integers(0, n_levels, 90), rng.integers(1, k + 1, 90)
    for test in (chi_squared(values, clusters), kruskal_wallis(values, clusters)):
        expected = scipy_test(test.name, values, clusters)
        assert (test.statistic, test.p_asymptotic) == pytest.approx(expected, rel=1e-10)
        assert test.n_levels == n_levels


TINY = {
    "chi-squared": (chi_squared, np.array(["a", "a", "b", "a", "b", "c", "b"])),
    "kruskal-wallis": (kruskal_wallis, np.array([3.0, 1, 1, 7, 5, 8, 3])),
}
TINY_CLUSTERS = np.array([1, 1, 1, 2, 2, 3, 3])


@pytest.mark.parametrize("name", TINY)
def test_permuted_statistics_are_distributed_as_all_arrangements_are(name):
    make, values = TINY[name]
    arrangements = sorted(set(itertools.permutations(TINY_CLUSTERS)))
    assert len(arrangements) == 210
    exact = np.array([scipy_test(name, values, np.array(clusters))[0] for clusters in arrangements])
    test = make(values, TINY_CLUSTERS)
    drawn = test.permuted(40_000, np.random.default_rng(0))
    assert len(np.unique(exact.round(8))) >= 5
    for value in np.unique(exact.round(8)):
        share = (exact >= value - 1e-7).mean()
        assert (drawn >= value - 1e-7).mean() == pytest.approx(share, abs=5 * np.sqrt(share * (1 - share) / 40_000))


def test_permuted_kruskal_wallis_equals_a_loop_over_the_same_permutations():
    rng = np.random.default_rng(1)
    values, clusters = rng.integers(0, 15, 30), rng.integers(1, 5, 30)
    drawn = kruskal_wallis(values, clusters).permuted(50, np.random.default_rng(3))
    permuted = np.random.default_rng(3).permuted(np.tile(values[np.argsort(clusters, kind="stable")], (50, 1)), axis=1)
    expected = [scipy_test("kruskal-wallis", row, np.sort(clusters))[0] for row in permuted]
    np.testing.assert_allclose(drawn, expected, rtol=1e-10)


def test_permuted_chi_squared_equals_a_loop_over_permutations():
    rng = np.random.default_rng(2)
    values, clusters = rng.choice(list("abbccc"), 60), rng.choice([1, 1, 1, 2, 3], 60)
    drawn = chi_squared(values, clusters).permuted(20_000, rng)
    loop = [scipy_test("chi-squared", values, rng.permutation(clusters))[0] for _ in range(400)]
    assert stats.ks_2samp(drawn, loop).pvalue > 0.01


def test_memory_does_not_grow_with_permutations_times_samples():
    n = 20_000
    rng = np.random.default_rng(0)
    names = [str(i) for i in range(n)]
    labels = pd.DataFrame({"k3": rng.integers(1, 4, n)}, index=names)
    clinical = pd.DataFrame({"age": rng.normal(60, 9, n)}, index=names)
    tracemalloc.start()
    table = over_k(clinical, labels, max_permutations=1000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert table.loc[0, "n_permutations"] == 1000
    assert peak < 8 * n * 1000 / 1.5


# The table -----------------------------------------------------------------------------------------------------------


def test_one_row_per_k_and_label():
    rng = np.random.default_rng(0)
    clinical = pd.DataFrame({"sex": rng.choice(["F", "M"], 40), "age": rng.integers(30, 80, 40)}, index=PATIENTS)
    table = over_k(clinical.sample(frac=1, random_state=0), columns={"gender": "sex", "age": "age"})
    assert list(table.columns) == CLINICAL_COLUMNS
    assert list(zip(table["k"], table["label"], table["column"], table["test"], strict=True)) == [
        (2, "gender", "sex", "chi-squared"),
        (2, "age", "age", "kruskal-wallis"),
        (4, "gender", "sex", "chi-squared"),
        (4, "age", "age", "kruskal-wallis"),
    ]
    assert set(table["dataset"]) == {"aml"}
    assert set(table["method"]) == {"dmacl"}
    assert (table["status"] == "ok").all()
    assert (table["n"] == 40).all()
    for row in table.itertuples():
        expected = scipy_test(row.test, clinical[row.column], CLUSTERS[f"k{row.k}"])
        assert (row.statistic, row.p_asymptotic) == pytest.approx(expected, rel=1e-10)
    for _, rows in table.groupby("k"):
        np.testing.assert_allclose(rows["padj_bonferroni"], np.minimum(rows["p_permutation"] * 2, 1))
        np.testing.assert_allclose(rows["padj_bh"], stats.false_discovery_control(rows["p_permutation"]))


def test_a_p_value_depends_on_its_own_label_and_the_seed_alone():
    rng = np.random.default_rng(1)
    clinical = pd.DataFrame({"age": rng.normal(size=40), "grade": rng.choice(["a", "b"], 40)}, index=PATIENTS)
    both = over_k(clinical)
    alone = over_k(clinical[["grade"]], CLUSTERS[["k4"]])
    assert both.loc[3, "p_permutation"] == alone.loc[0, "p_permutation"]
    assert over_k(clinical).equals(both)
    assert not over_k(clinical, seed=1)["p_permutation"].equals(both["p_permutation"])


def test_the_permutation_p_is_right_where_the_asymptotic_one_is_not():
    """One patient of 40 alone in a cluster, and the only one with a complication: chance 1 in 40."""
    labels = pd.DataFrame({"k2": [2] + [1] * 39}, index=PATIENTS)
    (row,) = over_k(column(["yes"] + ["no"] * 39), labels).to_dict("records")
    assert row["p_asymptotic"] < 1e-9
    assert row["p_permutation"] == pytest.approx(1 / 40, rel=0.1)


def test_a_label_that_is_the_clusters_reaches_the_cap():
    (row,) = over_k(column(CLUSTERS["k4"].map(str)), CLUSTERS[["k4"]], max_permutations=2500).to_dict("records")
    assert row["n_permutations"] == 2500
    assert row["p_permutation"] == 1 / 2501
    assert row["statistic"] == pytest.approx(40 * 3)


@pytest.mark.parametrize("name", ["age", "grade"])
def test_unrelated_labels_have_uniform_p(name):
    rng = np.random.default_rng(4)
    labels = pd.DataFrame({f"k{i}": rng.integers(1, 4, 40) for i in range(2, 302)}, index=PATIENTS)
    values = rng.integers(30, 80, 40) if name == "age" else rng.choice(["a", "b", "b", "c"], 40)
    p = over_k(column(values, name), labels, max_permutations=1000)["p_permutation"]
    assert (p <= 0.05).mean() == pytest.approx(0.05, abs=0.035)
    assert stats.kstest(p, "uniform").statistic < 0.1


@pytest.mark.parametrize(
    ("values", "labels", "n", "n_levels", "status"),
    [
        (["a", "b"] * 10 + [None] * 20, CLUSTERS, 20, 2, "ok"),
        (["a", "b"] * 9 + ["a"] + [None] * 21, CLUSTERS, 19, 2, "known for under half"),
        ([np.nan] * 40, CLUSTERS, 0, 0, "known for under half"),
        (["a"] * 30 + ["[Unknown]"] * 10, CLUSTERS, 30, 1, "one level"),
        ([1.0] * 40, CLUSTERS, 40, 1, "one level"),
        (["a", "b"] * 20, CLUSTERS * 0 + 1, 40, 2, "one cluster"),
        (["a", None, "b", None] * 10, CLUSTERS[["k2"]], 20, 2, "one cluster"),
    ],
    ids=["half", "under half", "nothing", "one level", "one number", "one cluster", "one cluster among the known"],
)
def test_what_cannot_be_tested_has_a_reason(values, labels, n, n_levels, status):
    table = over_k(column(values), labels)
    assert set(table["status"]) == {status}
    assert set(table["n"]) == {n}
    assert set(table["n_levels"]) == {n_levels}
    outcome = ["statistic", "p_asymptotic", "p_permutation", "n_permutations", "padj_bonferroni", "padj_bh"]
    assert (table[outcome].isna() == (status != "ok")).all(axis=None)
    assert set(enrichment_table(table)["n_labels"]) == {int(status == "ok")}


def test_patients_without_a_clinical_row_are_unknown():
    clinical = column(["a", "b"] * 20)
    assert set(over_k(clinical.iloc[:30])["n"]) == {30}
    nobody = over_k(clinical.set_axis([f"q{i}" for i in range(40)]))
    assert set(nobody["status"]) == {"known for under half"}


def test_only_tested_labels_are_corrected_for():
    rng = np.random.default_rng(5)
    names = {f"x{i}": rng.choice(["a", "b"], 40) for i in range(3)} | {"constant": ["a"] * 40, "unknown": [None] * 40}
    table = over_k(pd.DataFrame(names, index=PATIENTS), CLUSTERS[["k2"]])
    tested = table["p_permutation"][:3]
    np.testing.assert_allclose(table["padj_bonferroni"][:3], np.minimum(tested * 3, 1))
    np.testing.assert_allclose(table["padj_bh"][:3], stats.false_discovery_control(tested))
    assert enrichment_table(table)["n_labels"].to_list() == [3]


@pytest.mark.parametrize(
    ("name", "values", "test", "n"),
    [
        ("age", list(range(4)) * 10, "kruskal-wallis", 40),
        ("age", [str(i) for i in range(35)] + ["90+"] * 5, "kruskal-wallis", 35),
        ("age", ["under 60", "60 and over"] * 20, "chi-squared", 40),
        ("gender", [1.0, 2.0] * 20, "chi-squared", 40),
        ("pathologic_stage", list(range(20)) * 2, "chi-squared", 40),
        ("blasts", list(range(11)) * 3 + [5] * 7, "kruskal-wallis", 40),
        ("blasts", [str(i) for i in range(39)] + ["[Not Available]"], "kruskal-wallis", 39),
        ("grade", list(range(10)) * 4, "chi-squared", 40),
        ("code", [f"c{i}" for i in range(20)] * 2, "chi-squared", 40),
    ],
)
def test_measured_or_categorical(name, values, test, n):
    rows = over_k(column(values, name), max_permutations=100)
    assert set(rows["test"]) == {test}
    assert set(rows["n"]) == {n}


def test_words_for_unknown():
    unknown = [
        "",
        "NA",
        "[Not Available]",
        "[Not Evaluated]",
        "[Unknown]",
        "[Discrepancy]",
        "not reported",
        "N/A",
        None,
    ]
    unknown += [np.nan, " nan ", "Unknown", "[Not Applicable]", "--"]
    known = ["MX", "Stage X", "None", "no", "0", "[x]"]
    assert known_values(pd.Series(unknown + known)).to_list() == known
    assert known_values(pd.Series([0.0, np.nan, 2.0])).to_list() == [0, 2]


# Counts --------------------------------------------------------------------------------------------------------------


def test_enriched_labels_are_counted_in_every_way():
    nan = np.nan
    rows = [
        # k, label, p_asymptotic, p_permutation, Bonferroni, Benjamini-Hochberg, status
        (2, "gender", 0.001, 0.002, 0.006, 0.006, "ok"),
        (2, "age", 0.02, 0.03, 0.09, 0.045, "ok"),
        (2, "blasts", 0.049, 0.051, 0.153, 0.051, "ok"),
        (2, "pathologic_M", nan, nan, nan, nan, "one level"),
        (3, "age", 0.05, 0.05, 0.05, 0.05, "ok"),
        (4, "age", nan, nan, nan, nan, "one cluster"),
        (5, "age", 0.01, 0.02, 0.06, 0.06, "ok"),  # one of three, but the benchmark's only one
        (5, "blasts", 0.5, 0.5, 1.0, 0.5, "ok"),
        (5, "risk", 0.5, 0.5, 1.0, 0.5, "ok"),
    ]
    names = ["k", "label", "p_asymptotic", "p_permutation", "padj_bonferroni", "padj_bh", "status"]
    table = pd.DataFrame(rows, columns=names).assign(dataset="aml", method="snf")
    counts = enrichment_table(table)
    assert list(counts.columns) == ENRICHMENT_COLUMNS
    assert list(counts.itertuples(index=False, name=None)) == [
        ("aml", "snf", 2, 3, 1, 2, 2, 1, 2),
        ("aml", "snf", 3, 1, 1, 1, 1, 1, 0),
        ("aml", "snf", 4, 0, 0, 0, 0, 0, 0),
        ("aml", "snf", 5, 3, 0, 0, 1, 1, 1),
    ]


def test_no_label_no_rows():
    table = clinical_over_k("aml", "dmacl", pd.DataFrame(index=PATIENTS), CLUSTERS, columns={}, seed=0)
    assert list(table.columns) == CLINICAL_COLUMNS
    assert table.empty
    assert list(enrichment_table(table).columns) == ENRICHMENT_COLUMNS


# Labels --------------------------------------------------------------------------------------------------------------


def empty(*names):
    return pd.DataFrame(columns=list(names), dtype=object)


def test_benchmark_labels_are_found_by_their_columns():
    kidney = empty("tumor_stage.diagnoses", "pathologic_T", "clinical_M", "gender.demographic", "age_at_diagnosis")
    assert find_labels(kidney) == {
        "gender": "gender.demographic",
        "age": "age_at_diagnosis",
        "pathologic_T": "pathologic_T",
        "pathologic_stage": "tumor_stage.diagnoses",
    }
    assert find_labels(empty("age", "age_at_initial_pathologic_diagnosis"))["age"].startswith("age_at_initial")
    assert find_labels(empty("Sex", "AGE", "pathologic_t")) == {
        "gender": "Sex",
        "age": "AGE",
        "pathologic_T": "pathologic_t",
    }
    assert find_labels(empty("clinical_stage", "subtype")) == {}
    assert find_labels(empty("clinical_stage", "stage", "subtype")) == {"pathologic_stage": "stage"}


def test_further_labels_are_columns_by_their_own_name():
    clinical = empty("gender", "FAB", "risk")
    assert find_labels(clinical, ["risk", "FAB"]) == {"gender": "gender", "risk": "risk", "FAB": "FAB"}
    assert find_labels(clinical, ["gender"]) == {"gender": "gender"}
    assert find_labels(empty("gender.demographic"), ["gender.demographic"]) == {"gender": "gender.demographic"}


def test_an_absent_column_is_named_with_near_names():
    with pytest.raises(
        AmuclError, match=r"clinical_labels: .*did you mean Cytogenetic_Risk\?.*expected one of.*got cytogenetics_risk"
    ):
        find_labels(empty("FAB", "Cytogenetic_Risk"), ["cytogenetics_risk"])
    with pytest.raises(AmuclError, match="expected a clinical table; got FAB"):
        find_labels(empty(), ["FAB"])


# The real tables -----------------------------------------------------------------------------------------------------


def benchmark_table(cancer):
    with zipfile.ZipFile(MIRROR / "benchmark" / "clinical.zip") as opened:
        content = io.BytesIO(opened.read(f"clinical/{cancer}"))
    return tidy_columns(pd.read_csv(content, sep="\t", index_col=0, dtype=str))


@needs_shared
@pytest.mark.parametrize(
    ("cancer", "known"),
    [
        ("aml", [200, 200]),
        ("breast", [1242, 1242, 1242, 1242, 1242, 1233]),
        ("colon", [546, 546, 538, 546, 546, 535]),
        ("gbm", [610, 610]),
        ("kidney", [985, 985, 983, 985, 985, 981]),
        ("liver", [438, 437, 438, 436, 436, 404]),
        ("lung", [624, 614, 617, 623, 623, 618]),
        ("melanoma", [480, 472, 449, 457, 449, 439]),
        ("ovarian", [607, 607]),
        ("sarcoma", [271, 271]),
    ],
)
def test_labels_of_the_ten_cancers(cancer, known):
    table = benchmark_table(cancer)
    columns = find_labels(table)
    assert list(columns) == (ALL_SIX if len(known) == 6 else ["gender", "age"])
    assert [len(known_values(table[name])) for name in columns.values()] == known
    if cancer == "kidney":
        assert (columns["gender"], columns["pathologic_stage"]) == ("gender.demographic", "tumor_stage.diagnoses")


@needs_shared
def test_leukaemia_morphology_goes_with_cytogenetic_risk():
    """In the clinical columns of a cohort as it is read: risk groups as clusters, French-American-British classes."""
    folder = MIRROR / "benchmark"
    clinical = read_benchmark(
        folder / "aml.zip", cancer="aml", omics=["mirna"], clinical_archive=folder / "clinical.zip"
    ).clinical
    fab, leukocytes = (
        "leukemia_french_american_british_morphology_code",
        "lab_procedure_leukocyte_result_unspecified_value",
    )
    risk = clinical["acute_myeloid_leukemia_calgb_cytogenetics_risk_category"].dropna()
    labels = pd.DataFrame({"k3": pd.factorize(risk)[0] + 1}, index=risk.index)
    table = over_k(clinical, labels, columns=find_labels(clinical, [fab, leukocytes])).set_index("label")
    assert list(table.index) == ["gender", "age", fab, leukocytes]
    assert table["test"].to_list() == ["chi-squared", "kruskal-wallis"] * 2
    assert table.loc[fab, "padj_bonferroni"] < 0.001
    assert table.loc["age", "p_permutation"] == pytest.approx(table.loc["age", "p_asymptotic"], rel=0.2)
    assert table["n_levels"].iloc[0] == 2
