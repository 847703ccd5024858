import numpy as np
import pandas as pd
import pytest
from scipy import stats

from amucl.biology.clinic import clinic, endpoint_tables, partition_clinic, technical_notes
from amucl.biology.clinical import CLINICAL_COLUMNS, ENRICHMENT_COLUMNS, clinical_over_k
from amucl.biology.hazards import OUTCOME_COLUMNS, adjustment, outcome_table
from amucl.biology.survival import SURVIVAL_COLUMNS, survival_over_k
from amucl.errors import AmuclError

N = 60
PATIENTS = [f"p{i}" for i in range(N)]
LABELS = pd.DataFrame({"k2": [1, 2] * 30, "k4": [1, 2, 3, 4] * 15}, index=PATIENTS)
PERMUTED = {"seed": 3, "max_permutations": 500}


@pytest.fixture
def clinical():
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "os_time": rng.integers(0, 2000, N),
            "os_event": rng.integers(0, 2, N),
            "age": rng.normal(60, 10, N),
            "gender": np.where(LABELS["k2"] == 1, "FEMALE", "MALE"),
            "risk": rng.choice(["good", "poor"], N),
        },
        index=PATIENTS,
    )


def tables(clinical, clinical_labels=None):
    return clinic("aml", "dmacl", clinical, LABELS, clinical_labels=clinical_labels, **PERMUTED)


def test_the_tables_are_those_of_the_single_analyses(clinical):
    found = tables(clinical, ["risk"])
    time, event = clinical["os_time"], clinical["os_event"]
    columns = {"gender": "gender", "age": "age", "risk": "risk"}
    expected = {
        "survival": survival_over_k("aml", "dmacl", time, event, LABELS, **PERMUTED),
        "outcome": outcome_table("aml", "dmacl", time, event, LABELS, adjustment(clinical)),
        "clinical": clinical_over_k("aml", "dmacl", clinical, LABELS, columns=columns, **PERMUTED),
    }
    assert list(found) == ["survival", "outcome", "clinical", "enrichment"]
    for name, table in expected.items():
        pd.testing.assert_frame_equal(found[name], table)
    assert set(found["survival"]["status"]) == {"ok"}
    assert set(found["outcome"]["adjusted_for"]) == {"age"}
    counts = found["enrichment"].set_index("k")
    assert counts["n_labels"].to_dict() == {2: 3, 4: 3}
    assert counts["n_benchmark_labels"].to_dict() == {2: 2, 4: 2}
    assert (counts["n_enriched"] >= 1).all()


def test_depth_is_tested_like_a_clinical_label_and_counted_as_none(clinical):
    depth = np.where(LABELS["k2"] == 1, 5e6, 1e6) + np.arange(N)
    clinical = clinical.assign(reads=depth, reads_mirna=np.random.default_rng(5).normal(1e6, 1e5, N))
    settings = {"clinical_labels": ["risk"], **PERMUTED}
    found = clinic("aml", "dmacl", clinical, LABELS, technical=["reads", "reads_mirna"], **settings)
    plain = clinic("aml", "dmacl", clinical.drop(columns=["reads", "reads_mirna"]), LABELS, **settings)
    pd.testing.assert_frame_equal(found["enrichment"], plain["enrichment"])
    tests = found["clinical"]
    pd.testing.assert_frame_equal(tests[tests["kind"] == "clinical"], plain["clinical"])
    own = tests[tests["kind"] == "technical"].set_index(["k", "label"])
    assert set(own["test"]) == {"kruskal-wallis"}
    expected = stats.kruskal(*(depth[(LABELS["k2"] == one).to_numpy()] for one in (1, 2)))
    assert own.loc[(2, "reads"), "p_asymptotic"] == pytest.approx(expected.pvalue)
    assert own.loc[(2, "reads"), "p_permutation"] < 0.01 < own.loc[(2, "reads_mirna"), "p_permutation"]
    (note,) = technical_notes(tests)
    assert note.note == "dmacl: reads differ between the subtypes (k 2, 4; P 0.002): these may be sequencing depth"
    assert technical_notes(plain["clinical"]) == []


def test_depth_of_few_patients_is_a_number_too(clinical):
    few, labels = clinical.iloc[:8].assign(reads=np.arange(8.0)), LABELS.iloc[:8, :1]
    tests = clinic("aml", "dmacl", few, labels, clinical_labels=None, technical=["reads"], **PERMUTED)["clinical"]
    assert tests[tests["label"] == "reads"]["test"].item() == "kruskal-wallis"


@pytest.mark.parametrize("index", [PATIENTS, []], ids=["no column", "no patient either"])
def test_without_clinical_data_every_k_keeps_its_rows(index):
    found = tables(pd.DataFrame(index=index))
    assert found["survival"][["k", "status"]].to_numpy().tolist() == [[2, "no_survival"], [4, "no_survival"]]
    assert found["outcome"][["k", "subtype"]].to_numpy().tolist() == [[2, 1], [2, 2], [4, 1], [4, 2], [4, 3], [4, 4]]
    assert found["clinical"].empty
    assert found["enrichment"].to_numpy().tolist() == [["aml", "dmacl", k, *[0] * 6] for k in (2, 4)]
    assert all(dtype.kind == "i" for dtype in found["enrichment"].dtypes[2:])
    columns = [SURVIVAL_COLUMNS, OUTCOME_COLUMNS, CLINICAL_COLUMNS, ENRICHMENT_COLUMNS]
    assert [list(table.columns) for table in found.values()] == columns


def test_survival_needs_both_time_and_event(clinical):
    for column in ("os_time", "os_event"):
        assert set(tables(clinical.drop(columns=column))["survival"]["status"]) == {"no_survival"}


def test_a_column_that_was_asked_for_and_is_absent_is_named(clinical):
    with pytest.raises(AmuclError, match=r"clinical_labels: no such column.*did you mean risk\?.*got risks"):
        tables(clinical, ["risks"])


def test_a_partition_of_its_own_is_tested_like_those_of_a_method(clinical):
    labels = LABELS["k4"].map({1: "M0", 2: "M1", 3: "M2", 4: "M3"})
    survival, outcome = partition_clinic("aml", clinical, labels, **PERMUTED)
    expected = tables(clinical)["survival"].query("k == 4")
    assert survival["chi2"].item() == pytest.approx(expected["chi2"].item())
    assert (survival["method"].item(), survival["k"].item()) == ("truth", 4)
    assert list(outcome["subtype"]) == ["M0", "M1", "M2", "M3"]


def test_every_endpoint_is_tested_as_overall_survival_is(clinical):
    clinical = clinical.assign(pfs_time=clinical["os_time"] // 2, pfs_event=1, dss_time=clinical["os_time"])
    own = tables(clinical)
    found = endpoint_tables("aml", "dmacl", clinical, LABELS, own, **PERMUTED)
    assert list(found) == ["endpoints", "endpoint_outcome"]
    expected = {
        "endpoints": survival_over_k("aml", "dmacl", clinical["pfs_time"], clinical["pfs_event"], LABELS, **PERMUTED),
        "endpoint_outcome": outcome_table(
            "aml", "dmacl", clinical["pfs_time"], clinical["pfs_event"], LABELS, adjustment(clinical)
        ),
    }
    for name, overall in (("endpoints", "survival"), ("endpoint_outcome", "outcome")):
        assert found[name].columns[0] == "endpoint"
        parts = {one: rows.drop(columns="endpoint") for one, rows in found[name].groupby("endpoint", sort=False)}
        assert list(parts) == ["os", "pfs"]  # dss has no event
        pd.testing.assert_frame_equal(parts["os"].reset_index(drop=True), own[overall])
        pd.testing.assert_frame_equal(parts["pfs"].reset_index(drop=True), expected[name])
    assert set(found["endpoints"].query("endpoint == 'pfs'")["n_events"]) == {N}


def test_without_endpoints_there_is_overall_survival_and_its_status():
    clinical = pd.DataFrame(index=PATIENTS)
    found = endpoint_tables("aml", "dmacl", clinical, LABELS, tables(clinical), **PERMUTED)
    assert found["endpoints"][["endpoint", "k", "status"]].to_numpy().tolist() == [
        ["os", 2, "no_survival"],
        ["os", 4, "no_survival"],
    ]


def test_why_there_is_no_adjusted_ratio_is_said(clinical):
    plain = tables(clinical.drop(columns="age"))["outcome"]
    assert set(plain["status"]) == {"reference", "ok"}
    assert plain["hr_adjusted"].isna().all()
    assert set(plain["adjusted_status"]) == {"no_covariates"}
    assert set(tables(clinical)["outcome"]["adjusted_status"]) == {"reference", "ok"}
    assert set(tables(clinical.assign(age=60))["outcome"]["adjusted_status"]) == {"reference", "constant_covariates"}
    assert set(tables(pd.DataFrame(index=PATIENTS))["outcome"]["adjusted_status"]) == {"no_survival"}


@pytest.mark.parametrize("names", [str.upper, str.title, lambda name: f"{name}.demographic"])
def test_other_names_of_age_and_sex_give_the_same_numbers(clinical, names):
    own, other = tables(clinical), tables(clinical.rename(columns={name: names(name) for name in ("age", "gender")}))
    for name in ("survival", "outcome", "enrichment"):
        pd.testing.assert_frame_equal(other[name], own[name])
    pd.testing.assert_frame_equal(other["clinical"].drop(columns="column"), own["clinical"].drop(columns="column"))
