import numpy as np
import pandas as pd
import pytest

from amucl.cohort.clinical.labelling import join_label_tables
from amucl.cohort.cohort import assemble, read_cohort, read_files_cohort, truth, write_cohort
from amucl.cohort.ids.identifiers import CohortIds, id_column, is_id_name
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.errors import AmuclError

N = 40
NAMES = [f"P-{i:03d}" for i in range(1, N + 1)]
NUMBERS = [str(i) for i in range(1, N + 1)]


def omic(tmp_path, ids, name="rna"):
    values = np.random.default_rng(3).normal(8, 1, size=(12, len(ids)))
    path = tmp_path / f"{name}.tsv"
    pd.DataFrame(values, index=[f"g{i}" for i in range(12)], columns=ids).to_csv(path, sep="\t")
    return path


def clinical(ids, **columns):
    rng = np.random.default_rng(1)
    known = {"subtype": [f"S{i % 4}" for i in range(len(ids))], "age": rng.integers(20, 60, len(ids))}
    return pd.DataFrame({"patient_id": ids} | known | columns).sample(frac=1, random_state=0)


def read(tmp_path, ids, table, *, index=True, suffix=".csv", **options):
    path = tmp_path / f"clinical{suffix}"
    if suffix == ".parquet":
        table.to_parquet(path)
    else:
        table.to_csv(path, index=index)
    return read_files_cohort({"expression": omic(tmp_path, ids)}, clinical=path, **options)


def right(raw, ids, column="subtype"):
    return raw.clinical.loc[ids, column].tolist() == [f"S{i % 4}" for i in range(len(ids))]


def whats(raw):
    return [note.what for note in raw.notes]


@pytest.mark.parametrize("ids", [NAMES, NUMBERS], ids=["names", "numbers"])
def test_a_left_over_row_index_is_not_the_ids(tmp_path, ids):
    shuffled = clinical(ids)
    sorted_by_age = shuffled.sort_values("age").reset_index(drop=True)
    from_one = sorted_by_age.set_axis(range(1, N + 1))
    filtered = shuffled[shuffled.index % 5 != 0]
    again = shuffled.reset_index().rename(columns={"index": "Unnamed: 0"})
    for table in (shuffled, sorted_by_age, from_one, again):
        raw = read(tmp_path, ids, table)
        assert right(raw, ids)
        assert list(raw.clinical.columns) == ["subtype", "age"]
        assert {"column of ids", "row numbers"} <= set(whats(raw))
        (row,) = raw.join[raw.join["reason"] == "joined by the column patient_id"].to_dict("records")
        assert (row["n_in"], row["n_dropped"]) == (N, 0)
    raw = read(tmp_path, ids, filtered)
    assert raw.clinical["subtype"].notna().sum() == len(filtered)
    known = raw.clinical["subtype"].dropna().index
    assert raw.clinical["subtype"].dropna().tolist() == [f"S{ids.index(name) % 4}" for name in known]


def test_row_names_that_are_the_ids_are_taken(tmp_path):
    for ids in (NAMES, NUMBERS):
        table = clinical(ids).set_index("patient_id").rename_axis(None)
        raw = read(tmp_path, ids, table)
        assert right(raw, ids)
        assert not raw.notes
        assert "joined" not in " ".join(raw.join["reason"])


def test_row_numbers_do_not_stand_in_for_ids_that_match_nothing(tmp_path):
    with pytest.raises(AmuclError, match="shares no sample with the cohort") as error:
        read(tmp_path, NUMBERS, clinical([f"Q{i}" for i in range(N)]).reset_index(drop=True).set_axis(range(1, N + 1)))
    assert "clinical.csv" in str(error.value)
    table = clinical(NUMBERS)[["subtype", "age"]].assign(age=np.arange(N) // 2 + 1)
    with pytest.raises(AmuclError, match="shares no sample"):
        read(tmp_path, NUMBERS, table, index=False)


def test_ids_in_any_column_and_any_order_of_rows_and_columns(tmp_path):
    for ids in (NAMES, NUMBERS):
        expected = read(tmp_path, ids, clinical(ids), index=False).clinical
        for seed in range(4):
            rng = np.random.default_rng(seed)
            table = clinical(ids).sample(frac=1, random_state=seed)
            table = table[list(rng.permutation(table.columns))]
            found = read(tmp_path, ids, table, index=False).clinical
            pd.testing.assert_frame_equal(found[expected.columns], expected)


def test_measurements_that_equal_ids_by_chance_do_not_win(tmp_path):
    ids = NUMBERS
    table = clinical(ids, weight=np.random.default_rng(0).permutation(np.arange(1, N + 1)))
    raw = read(tmp_path, ids, table[["weight", "subtype", "age", "patient_id"]], index=False)
    assert right(raw, ids)
    assert raw.clinical["weight"].notna().all()
    part = table[["weight", "subtype", "age", "patient_id"]].sort_values("patient_id").head(25)
    raw = read(tmp_path, ids, part, index=False)
    known = raw.clinical["subtype"].dropna()
    assert len(known) == 25
    assert known.tolist() == [f"S{ids.index(name) % 4}" for name in known.index]


def test_the_level_of_patients_or_of_samples_that_the_omics_have(tmp_path):
    samples = [f"{name}-T01" for name in NAMES]
    table = pd.DataFrame({"PATIENT_ID": NAMES, "SAMPLE_ID": samples, "subtype": [f"S{i % 4}" for i in range(N)]})
    raw = read(tmp_path, samples, table, index=False)
    assert right(raw, samples)
    assert list(raw.clinical.columns) == ["PATIENT_ID", "subtype"]
    raw = read(tmp_path, NAMES, table, index=False)
    assert right(raw, NAMES)
    assert list(raw.clinical.columns) == ["SAMPLE_ID", "subtype"]
    only = table.drop(columns="SAMPLE_ID")
    raw = read(tmp_path, samples, only, index=False)
    assert right(raw, samples)
    (note,) = raw.notes
    assert (note.source, note.what, note.n) == ("clinical", "ids that differ in length", N)
    assert "'P-001' = 'P-001-T01'" in note.note


def test_several_rows_of_a_patient_become_one(tmp_path):
    table = clinical(NAMES)
    twice = pd.concat([table, table.head(5)])
    raw = read(tmp_path, NAMES, twice, index=False)
    assert right(raw, NAMES)
    (note,) = raw.notes
    assert (note.what, note.n) == ("repeated ids", 5)
    report = raw.join.set_index("reason").loc["another row stands for the same patient"]
    assert report[["n_in", "n_matched", "n_dropped"]].tolist() == [N + 5, N, 5]
    differing = pd.concat([table, table.head(3).assign(age=1000)]).sample(frac=1, random_state=5)
    raw = read(tmp_path, NAMES, differing, index=False)
    assert right(raw, NAMES)
    assert set(raw.clinical.index[raw.clinical["age"].isna()]) == set(table["patient_id"].head(3))
    assert "its cell is unknown: age (3)" in raw.notes[0].note


def test_rows_without_an_id_are_counted(tmp_path):
    table = clinical(NAMES)
    table.iloc[2, 0] = None
    raw = read(tmp_path, NAMES, table, index=False)
    assert raw.join.set_index("reason").loc["no id", "examples"] == "line 4"
    assert "rows without an id" in whats(raw)
    assert raw.clinical["subtype"].isna().sum() == 1


def test_a_transposed_table_is_read(tmp_path):
    table = clinical(NAMES).set_index("patient_id")
    raw = read(tmp_path, NAMES, table.T)
    assert right(raw, NAMES)
    assert raw.clinical["age"].dtype == np.float64
    assert whats(raw) == ["transposed table"]


def test_spellings_that_any_omic_has_are_known(tmp_path):
    aliquots = [f"{name}-T01-X{i}" for i, name in enumerate(NAMES)]
    omics = {"zeta": omic(tmp_path, NAMES, "a"), "alpha": omic(tmp_path, aliquots, "b")}
    path = tmp_path / "clinical.csv"
    clinical([name.lower().replace("-", ".") for name in aliquots]).to_csv(path, index=False)
    raw = read_files_cohort(omics, clinical=path)
    assert list(raw.patients) == NAMES
    assert right(raw, NAMES)


def test_names_of_id_columns():
    ids = ["sample", "Samples", "sampleID", "PATIENT_ID", "bcr_patient_barcode", "id", "Case ID", "case_submitter_id"]
    ids += ["Tumor_Sample_Barcode", "subject", "record_id", "sample_codes", "Sample Name", "patientid", "MRN"]
    assert [name for name in ids if not is_id_name(name)] == []
    others = ["age", "sample_type", "days_to_sample_procurement", "os_time", "", "stage", "grid", "paid", "name"]
    assert [name for name in others if is_id_name(name)] == []


def test_the_choice_of_a_wide_table_tries_few_columns(monkeypatch):
    tried = []
    match = CohortIds.match
    monkeypatch.setattr(CohortIds, "match", lambda self, ids: tried.append(len(ids)) or match(self, ids))
    ids = [f"S{i:05d}" for i in range(3000)]
    rng = np.random.default_rng(0)
    columns = {f"m{j}": [f"{value:.3f}" for value in rng.normal(50, 9, 3000)] for j in range(30)}
    table = pd.DataFrame(columns | {"case": ids}, dtype=object)
    cohort = CohortIds(pd.Series(ids, index=ids, dtype=object), {})
    assert id_column(table, cohort).name == "case"
    assert tried == [3000]


# Known classes ------------------------------------------------------------------------------------------------------

CLASSES = {
    "dates": ["20190312", "20190313", "20190318", "20201102"],
    "concepts": ["4112853", "4112854", "4115276", "4116071"],
    "millions": ["1234567", "1234568", "1234569", "7"],
    "zeros": ["01", "1", "001", "2"],
    "decimals": ["1.0", "1", "2.0", "2"],
    "huge": ["123456789012345678", "123456789012345679", "5", "6"],
    "truths": ["TRUE", "FALSE", "true", "false"],
    "commas": ["1,5", "1.5", "2,5", "3"],
}


@pytest.mark.parametrize("classes", CLASSES.values(), ids=CLASSES)
def test_known_classes_are_text_to_the_end(tmp_path, classes):
    cells = [classes[i % 4] for i in range(N)]
    table = pd.DataFrame({"sample": NAMES, "class": cells, "known": cells}, dtype=object)
    raw = read(tmp_path, NAMES, table, index=False)
    path = tmp_path / "labels.csv"
    table.to_csv(path, index=False)
    raw = join_label_tables(raw, {"tab": path})
    for column in ("class", "tab.class"):
        prepared = preprocess(raw, Preprocessing(truth=column, log2=False))
        write_cohort(prepared.cohort, tmp_path / "c.h5mu")
        again = read_cohort(tmp_path / "c.h5mu")
        assert truth(again, NAMES).tolist() == cells
        assert again.obs[column].tolist() == cells


@pytest.mark.parametrize("kind", ["int64", "Int64", "float64", "int32"])
def test_classes_that_are_numbers_in_a_parquet_have_no_decimals(tmp_path, kind):
    table = pd.DataFrame({"sample": NAMES, "class": pd.Series([3, 10, 20190312, 7] * 10, dtype=kind)})
    raw = read(tmp_path, NAMES, table, suffix=".parquet")
    prepared = preprocess(raw, Preprocessing(truth="class", log2=False)).cohort
    assert truth(prepared, NAMES[:4]).tolist() == ["3", "10", "20190312", "7"]


def test_numbers_of_a_cohort_made_by_hand_are_classes_too():
    table = pd.DataFrame(np.random.default_rng(0).normal(size=(4, 3)), NAMES[:4], list("abc"))
    known = pd.DataFrame({"class": [1234567.0, 1234568.0, 2.5, np.nan]}, index=NAMES[:4])
    raw = assemble({"rna": table}, clinical=known)
    prepared = preprocess(raw, Preprocessing(truth="class", truth_missing="ignore", log2=False)).cohort
    found = truth(prepared, NAMES[:4])
    assert found.tolist()[:3] == ["1234567", "1234568", "2.5"]
    assert found.isna().tolist() == [False, False, False, True]


def test_codes_stay_text_and_measurements_numbers(tmp_path):
    table = pd.DataFrame(
        {
            "sample": NAMES,
            "code": ["01", "1", "2", "02"] * 10,
            "grade": ["1.0", "1", "2", "2.0"] * 10,
            "size": [f"{i / 4:.2f}" for i in range(N)],
            "whole": ["1.0", "2.0"] * 20,
        },
        dtype=object,
    )
    found = read(tmp_path, NAMES, table, index=False).clinical
    assert found["code"].tolist() == table["code"].tolist()
    assert found["grade"].tolist() == table["grade"].tolist()
    assert found["size"].tolist() == [i / 4 for i in range(N)]
    assert found["whole"].dtype == np.float64


@pytest.mark.parametrize("form", ["{}.0", "{}.00", "X{}.0"])
def test_ids_written_as_floats_are_found_beside_a_column_that_equals_ids_by_chance(tmp_path, form):
    chance = np.random.default_rng(0).permutation(np.arange(1, N + 1))
    for name in ("age", "weight", "visit"):
        table = clinical(NUMBERS).drop(columns="age").assign(**{name: chance})
        raw = read(tmp_path, NUMBERS, table.assign(patient_id=table["patient_id"].map(form.format)), index=False)
        assert right(raw, NUMBERS)
        assert set(raw.clinical.columns) == {"subtype", name}
        assert whats(raw) == ["ids that differ in how a whole number is written"]


def test_numbers_that_r_shortens_are_the_ids_they_were(tmp_path):
    ids = [str(100_000 * number) for number in range(1, 10)] + ["100001", "12000000"]
    table = clinical(ids)
    short = {"12000000": "1.2e+07"} | {name: f"{name[0]}e+05" for name in ids[:9]}
    raw = read(tmp_path, ids, table.assign(patient_id=table["patient_id"].replace(short)), index=False)
    assert right(raw, ids)


def test_measurements_do_not_join_where_the_named_ids_match_nothing(tmp_path):
    chance = np.random.default_rng(0).permutation(np.arange(1, N + 1))
    for name in ("age", "os_days", "weight"):
        table = clinical([f"Q{i}" for i in range(N)]).drop(columns="age").assign(**{name: chance})
        with pytest.raises(AmuclError, match="shares no sample"):
            read(tmp_path, NUMBERS, table, index=False)
    with pytest.raises(AmuclError, match="shares no sample"):
        read(tmp_path, NUMBERS, pd.DataFrame({"age": chance, "subtype": "S1"}), index=False)


@pytest.mark.parametrize("first", [True, False])
def test_ids_of_matched_controls_are_not_those_of_the_patients(tmp_path, first):
    table = clinical(NAMES)
    controls = table["patient_id"].to_numpy()[::-1]
    table.insert(0 if first else 1, "matched_control_id", controls)
    raw = read(tmp_path, NAMES, table, index=False)
    assert right(raw, NAMES)


def test_columns_of_ids_that_disagree_are_told(tmp_path):
    table = clinical(NAMES)
    table.insert(1, "donor_id", table["patient_id"].to_numpy()[::-1])
    raw = read(tmp_path, NAMES, table, index=False)
    assert right(raw, NAMES)
    (note,) = [note for note in raw.notes if note.what == "columns of ids that disagree"]
    assert "donor_id" in note.note
    same = read(tmp_path, NAMES, table.assign(donor_id=table["patient_id"]), index=False)
    assert "columns of ids that disagree" not in whats(same)


def test_a_few_patients_with_two_samples_do_not_cost_the_column_of_patients_its_place():
    patients = pd.Series(NAMES, index=NAMES)
    rows = [*NAMES, *NAMES[:2]]
    samples = [f"{name}-01" for name in NAMES[:-3]] + ["x", "y", "z", "v", "w"]
    columns = pd.DataFrame({"sample": samples, "patient": rows})
    assert id_column(columns, CohortIds(patients, {})).name == "patient"
