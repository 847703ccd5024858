import numpy as np
import pandas as pd
import pytest

from amucl.cohort.preparation.checks import check_notes, constant_samples, identical_omics, identical_patients


@pytest.fixture
def measured():
    values = np.random.default_rng(0).normal(size=(8, 30))
    return pd.DataFrame(values, index=[f"P{i}" for i in range(8)], columns=[f"g{i}" for i in range(30)])


@pytest.fixture
def panel():
    values = (np.random.default_rng(1).random((8, 30)) < 0.1).astype(float)
    values[[2, 5]] = 0
    return pd.DataFrame(values, index=[f"P{i}" for i in range(8)], columns=[f"m{i}" for i in range(30)])


@pytest.mark.parametrize("value", [0.0, 3.5])
def test_a_flat_sample_among_measurements_failed(measured, value):
    measured.loc["P3"] = value
    measured.iloc[3, 4] = np.nan
    assert constant_samples(measured) == ["P3"]
    assert constant_samples(measured.iloc[::-1]) == ["P3"]


def test_patients_without_a_mutation_did_not_fail(panel):
    assert constant_samples(panel) == []


def test_nothing_is_said_of_few_features_or_of_missing_rows(measured):
    measured.loc["P3"] = np.nan
    assert constant_samples(measured) == []
    assert constant_samples(measured.iloc[:, :5] * 0) == []


def test_patients_entered_twice_are_found_over_all_omics(measured, panel):
    twice = pd.concat([measured, measured.loc[["P1"]].rename(index={"P1": "P1.1"})])
    mutated = pd.concat([panel, panel.loc[["P1"]].rename(index={"P1": "P1.1"})])
    assert identical_patients({"rna": twice}) == [("P1", "P1.1")]
    assert identical_patients({"mutation": mutated, "rna": twice}) == [("P1", "P1.1")]
    mutated.loc["P1.1", "m3"] = 1 - mutated.loc["P1.1", "m3"]
    assert identical_patients({"mutation": mutated, "rna": twice}) == []


def test_equal_panels_are_no_slip(panel):
    assert identical_patients({"mutation": panel}) == []
    assert identical_patients({"mutation": panel * 0}) == []


def test_omics_given_twice_are_found(measured, panel):
    omics = {"protein": measured.copy(), "mutation": panel, "rna": measured}
    assert identical_omics(omics) == [("protein", "rna")]
    (note,) = check_notes(omics)
    assert (note.what, note.n) == ("identical omics", 1)
    assert "protein = rna" in note.note
    assert check_notes({"mutation": panel, "rna": measured}) == []
