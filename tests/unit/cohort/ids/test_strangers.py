import numpy as np
import pandas as pd
import pytest

from amucl.cohort.cohort import read_files_cohort

PATIENTS = [f"P{number:02d}" for number in range(12)]


@pytest.fixture
def write(tmp_path):
    def write(name, ids, seed):
        values = np.random.default_rng(seed).normal(size=(5, len(ids))).round(3)
        table = pd.DataFrame(values, index=[f"{name}{i}" for i in range(5)], columns=ids)
        table.to_csv(tmp_path / f"{name}.tsv", sep="\t")
        return tmp_path / f"{name}.tsv"

    return write


@pytest.mark.parametrize("by", ["omic", "clinical"])
@pytest.mark.parametrize("place", [0, 5, 12])
def test_a_column_that_no_other_file_knows_is_no_patient(write, tmp_path, by, place):
    rna = write("rna", [*PATIENTS[:place], "Average", *PATIENTS[place:]], 0)
    clinical = tmp_path / "clinical.tsv"
    pd.DataFrame({"age": range(12)}, index=pd.Index(PATIENTS, name="id")).to_csv(clinical, sep="\t")
    raw = (
        read_files_cohort({"rna": rna, "protein": write("protein", PATIENTS, 1)})
        if by == "omic"
        else read_files_cohort({"rna": rna}, clinical=clinical)
    )
    assert list(raw.patients.index) == PATIENTS
    assert list(raw.omics["rna"].index) == PATIENTS
    assert list(raw.clinical.index) == PATIENTS
    (note,) = [note for note in raw.notes if note.what == "unknown samples"]
    assert (note.source, note.n) == ("rna", 1)
    assert "Average" in note.note
    row = raw.ledger.query("column == 'Average'").iloc[0]
    assert row["status"] == "dropped"


def test_a_patient_of_one_file_stays_and_is_told(write):
    raw = read_files_cohort({"rna": write("rna", [*PATIENTS, "P99"], 0), "protein": write("protein", PATIENTS, 1)})
    assert list(raw.patients.index) == [*PATIENTS, "P99"]
    (note,) = [note for note in raw.notes if note.what == "samples of one file"]
    assert "P99" in note.note


def test_a_single_matrix_and_cohorts_that_overlap_little_are_taken_as_they_are(write):
    assert list(read_files_cohort({"rna": write("rna", [*PATIENTS, "Average"], 0)}).patients.index)[-1] == "Average"
    half = write("protein", [*PATIENTS[:6], "x", "y"], 1)
    raw = read_files_cohort({"rna": write("rna", PATIENTS, 0), "protein": half})
    assert {"x", "y"} <= set(raw.patients.index)


def test_a_few_names_unlike_all_others_are_told_where_no_file_tells_that_they_are_none(write):
    both = {name: write(name, [*PATIENTS, "Reference"], seed) for seed, name in enumerate(("rna", "protein"))}
    for files in ({"rna": both["rna"]}, both):
        raw = read_files_cohort(files)
        assert len(raw.patients) == 13
        (note,) = [note for note in raw.notes if note.what == "oddly named samples"]
        assert note.n == 1
        assert "Reference" in note.note
    assert not read_files_cohort({"rna": write("rna", PATIENTS, 0)}).notes
    mixed = read_files_cohort({"rna": write("rna", [*PATIENTS[:6], *"abcdef"], 0)})
    assert not mixed.notes


def test_a_patient_of_whom_the_clinical_table_knows_nothing_is_in_it(write, tmp_path):
    ids = [*PATIENTS, "Extra"]
    clinical = tmp_path / "clinical.tsv"
    clinical.write_text("id\tage\n" + "".join(f"{name}\t5\n" for name in PATIENTS) + "Extra\t[Not Available]\n")
    raw = read_files_cohort({"rna": write("rna", ids, 0)}, clinical=clinical)
    assert list(raw.patients.index) == ids
    assert not [note for note in raw.notes if note.what in ("unknown samples", "samples of one file")]
    clinical.write_text("id\tage\n" + "".join(f"{name}\t5\n" for name in PATIENTS))
    assert list(read_files_cohort({"rna": write("rna", ids, 0)}, clinical=clinical).patients.index) == PATIENTS


@pytest.mark.parametrize(("name", "stays"), [("TEST-A2B8", True), ("TEST-A2", False), ("Standard", False)])
def test_codes_that_mix_letters_and_digits_are_alike_where_their_signs_stand_alike(write, name, stays):
    known = [f"TEST-{first}{second}F{third}" for first in "ABC" for second in "12" for third in "AB"]
    raw = read_files_cohort({"rna": write("rna", [*known, name], 0), "protein": write("protein", known, 1)})
    assert list(raw.patients.index) == [*known, name][: 12 + stays]
