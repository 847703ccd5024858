import io
import stat
import zipfile

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.readers.words import unknown_words
from amucl.cohort.sources.benchmark import feature_names, merge_duplicates, read_benchmark, read_survival
from amucl.errors import AmuclError
from tests.shared import MIRROR, SHARED, needs_shared

SURVIVAL = "PatientID\tSurvival\tDeath\ntcga.aa.0001\t10\t1\ntcga.aa.0002\t20\t0\ntcga.aa.0003\tNA\tNA\n"
MIRNA = '"TCGA.AA.0001.01" "TCGA.AA.0002.01" "TCGA.AA.0003.01"\n"hsa.let.7a.1" 1 2 3\n"hsa.mir.99b" 4 5 6\n'
CANCERS = ["aml", "breast", "colon", "gbm", "kidney", "liver", "lung", "melanoma", "ovarian", "sarcoma"]


def make_zip(path, members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, text in members.items():
            opened.writestr(name, text)
    return path


def read(path, omics=("mirna",), **options):
    return read_benchmark(path, cancer="aa", omics=list(omics), **options)


def message(path, **options):
    with pytest.raises(AmuclError) as caught:
        read(path, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def reasons(raw, source="survival"):
    rows = raw.join[raw.join["source"] == source]
    return dict(zip(rows["reason"], rows["n_dropped"], strict=True))


# Archives ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prefix", ["", "aa/", "deep/er/"])
def test_members_are_found_in_any_folder_and_case(tmp_path, prefix):
    path = make_zip(
        tmp_path / "aa.zip", {f"{prefix}miRNA": MIRNA, f"{prefix}Survival": SURVIVAL, "__MACOSX/mirna": "x"}
    )
    raw = read(path)
    assert list(raw.omics["mirna"].index) == ["TCGA-AA-0001-01", "TCGA-AA-0002-01", "TCGA-AA-0003-01"]
    assert list(raw.omics["mirna"].columns) == ["hsa-let-7a-1", "hsa-mir-99b"]
    assert raw.clinical["os_time"].to_list()[:2] == [10, 20]
    assert list(tmp_path.iterdir()) == [path]


def test_missing_member_says_what_to_declare(tmp_path):
    found = message(
        make_zip(tmp_path / "aa.zip", {"mirna": MIRNA, "survival": SURVIVAL}), omics=("expression", "mirna")
    )
    assert "aa.zip: the archive has no member exp" in found
    assert "got mirna, survival" in found
    assert "declare `omics:` without expression in the dataset's registry entry" in found


def test_unknown_omic(tmp_path):
    assert "expected expression, methylation, mirna; got protein" in message(tmp_path / "aa.zip", omics=("protein",))


def test_damaged_archives(tmp_path):
    whole = make_zip(tmp_path / "aa.zip", {"mirna": MIRNA * 50, "survival": SURVIVAL}).read_bytes()
    path = tmp_path / "bad.zip"
    path.write_bytes(whole[:-30])
    assert "bad.zip: damaged or truncated zip archive" in message(path)
    path.write_bytes(b"<html>not found</html>")
    assert "bad.zip: not a zip archive" in message(path)
    start = whole.index(b"mirna") + 10
    path.write_bytes(whole[:start] + bytes(b ^ 0xFF for b in whole[start : start + 4]) + whole[start + 4 :])
    assert "bad.zip: damaged or truncated zip archive" in message(path)
    assert "does not exist" in message(tmp_path / "absent.zip")
    assert "is a directory" in message(tmp_path)


def test_wrong_checksum_of_a_member(tmp_path):
    with zipfile.ZipFile(tmp_path / "aa.zip", "w") as opened:
        opened.writestr("mirna", MIRNA)
        opened.writestr("survival", SURVIVAL)
    data = (tmp_path / "aa.zip").read_bytes().replace(b'"hsa.mir.99b" 4 5 6', b'"hsa.mir.99b" 4 5 9')
    (tmp_path / "aa.zip").write_bytes(data)
    assert "Bad CRC-32" in message(tmp_path / "aa.zip")


@pytest.mark.parametrize("name", ["../mirna", "/etc/mirna", "a/../../mirna", "..\\mirna", "C:\\mirna"])
def test_members_outside_the_archive_are_refused(tmp_path, name):
    path = make_zip(tmp_path / "aa.zip", {name: MIRNA, "survival": SURVIVAL})
    assert "a member lies outside the archive" in message(path)


def test_symbolic_links_are_refused(tmp_path):
    link = zipfile.ZipInfo("mirna")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    assert "a member is a symbolic link; got mirna" in message(make_zip(tmp_path / "aa.zip", {link: "/etc/passwd"}))


def test_encrypted_large_and_ambiguous_members_are_refused(tmp_path):
    path = make_zip(tmp_path / "aa.zip", {"mirna": MIRNA, "survival": SURVIVAL})
    assert f"the member is too large; expected at most 20 bytes; got {len(MIRNA)}" in message(path, max_bytes=20)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(data)
    assert "the member is encrypted" in message(tmp_path / "locked.zip")
    twice = make_zip(tmp_path / "twice.zip", {"a/mirna": MIRNA, "b/mirna": MIRNA, "survival": SURVIVAL})
    assert "two members are called mirna; got a/mirna, b/mirna" in message(twice)


def test_bad_cells_are_placed_in_archive_member_and_line(tmp_path):
    path = make_zip(tmp_path / "aa.zip", {"mirna": MIRNA.replace(" 5 ", " x "), "survival": SURVIVAL})
    assert "aa.zip:mirna, line 3, row hsa.mir.99b, column TCGA.AA.0002.01: not a number" in message(path)
    path = make_zip(tmp_path / "bb.zip", {"mirna": MIRNA.replace(" 6", ""), "survival": SURVIVAL})
    assert "bb.zip:mirna, line 3: wrong number of fields; expected 4; got 3" in message(path)


def test_normals_only(tmp_path):
    path = make_zip(tmp_path / "aa.zip", {"mirna": MIRNA.replace(".01", ".11"), "survival": SURVIVAL})
    assert "mirna: no tumour sample with a TCGA barcode" in message(path)


# Names ---------------------------------------------------------------------------------------------------------------


def test_gene_names():
    assert feature_names(["A1BG|1", "?|10357", "NAT|1|7", "|8", "ERK"], "expression") == (
        ["A1BG", "ENTREZ:10357", "NAT|1", "ENTREZ:8", "ERK"],
        ["1", "10357", "7", "8", ""],
    )
    assert feature_names(["A1BG.1", "HLA.A.3105", "X..10357", "RP11.34.1.55"], "expression") == (
        ["A1BG", "HLA.A", "ENTREZ:10357", "RP11.34.1"],
        ["1", "3105", "10357", "55"],
    )


def test_symbols_with_dots_are_not_cut():
    symbols = ["ESP.1", "RP11-34.1", "TP53", "KRAS", "FLT3", "NPM1"]
    assert feature_names(symbols, "expression") == (symbols, None)
    assert feature_names(["TP73.1", "CDA.1"], "methylation") == (["TP73.1", "CDA.1"], None)


def test_mirna_names_in_one_dialect():
    names = ["hsa.let.7a.1", "hsa-let-7a-1", "hsa.miR.99b", "MIMAT0000062", "mirna.1"]
    expected = ["hsa-let-7a-1", "hsa-let-7a-1", "hsa-miR-99b", "MIMAT0000062", "mirna.1"]
    assert feature_names(names, "mirna") == (expected, None)


def test_the_row_with_the_highest_mean_stays():
    rows = pd.DataFrame([[1.0, 1], [5, 5], [3, 3], [5, 5], [np.nan, 9]], index=["a", "b", "a", "b", "c"])
    kept, positions = merge_duplicates(rows)
    assert list(kept.index) == ["b", "a", "c"]
    assert positions.tolist() == [1, 2, 4]


def test_duplicate_genes_are_counted_and_entrez_kept(tmp_path):
    exp = MIRNA.split("\n")[0] + '\n"A|1" 1 1 1\n"A|2" 2 2 2\n"?|3" 5 6 7\n'
    raw = read(make_zip(tmp_path / "aa.zip", {"exp": exp, "survival": SURVIVAL}), omics=("expression",))
    assert raw.var["expression"]["entrez"].to_dict() == {"A": "2", "ENTREZ:3": "3"}
    assert raw.omics["expression"]["A"].to_list() == [2, 2, 2]
    step = next(step for step in raw.steps if step.step == "duplicate_features")
    assert (step.features_in, step.features_out) == (3, 2)


# Patients, survival and clinical -------------------------------------------------------------------------------------


def test_a_patient_with_two_tumour_samples_stands_once_and_from_one_type(tmp_path):
    methy = '"TCGA.AA.0001.06" "TCGA.AA.0002.01" "TCGA.AA.0003.01"\n"cg1" .1 .2 .3\n"cg2" .4 .5 .6\n'
    mirna = '"TCGA.AA.0001.01" "TCGA.AA.0001.06" "TCGA.AA.0002.06" "TCGA.AA.0003.01"\n"hsa.mir.1" 1 2 3 4\n'
    members = {"methy": methy, "mirna": mirna, "survival": SURVIVAL}
    raw = read(make_zip(tmp_path / "aa.zip", members), omics=("methylation", "mirna"))
    rows = ["TCGA-AA-0001-06", "TCGA-AA-0002-01", "TCGA-AA-0003-01"]
    assert list(raw.omics["methylation"].index) == rows
    assert raw.omics["mirna"]["hsa-mir-1"].to_dict() == dict(zip(rows, [2, 3, 4], strict=True))
    assert raw.patients.to_dict() == {row: row[:12] for row in rows}
    mirna_rows = raw.ledger[raw.ledger["omic"] == "mirna"].set_index("column")
    assert mirna_rows["status"].to_list() == ["dropped", "kept", "kept", "kept"]
    assert mirna_rows.loc["TCGA.AA.0001.01", "reason"] == "the patient is represented by TCGA.AA.0001.06"
    assert mirna_rows.loc["TCGA.AA.0002.06", "sample"] == "TCGA-AA-0002-01"
    assert "stands in the row of the patient's sample TCGA-AA-0002-01" in mirna_rows.loc["TCGA.AA.0002.06", "reason"]


def test_survival_dialects_zero_negative_and_repeated(tmp_path, caplog):
    survival = (
        '"PatientID"\t"Survival"\t"Death"\n'
        '"TCGA-AA-0001-11"\t"0"\t"1"\n"TCGA-AA-0001-01"\t"0"\t"1"\n"TCGA-AA-0001-01"\t"0"\t"1"\n'
        "tcga.aa.0002\t20\t0\ntcga.aa.0002\t35\t0\ntcga.aa.0002\tNA\t\n"
        '"TCGA-AA-0003-01"\t"-4"\t"0"\n"TCGA-AA-0009-01"\t"4"\t"0"\n'
    )
    raw = read(make_zip(tmp_path / "aa.zip", {"mirna": MIRNA, "survival": survival}))
    np.testing.assert_array_equal(raw.clinical[["os_time", "os_event"]], [[0, 1], [35, 0], [np.nan, np.nan]])
    assert reasons(raw) == {
        "negative time, taken as missing": 1,
        "the id is repeated with the same values": 2,
        "the id is repeated with other values": 1,
        "the patient is repeated with the same values": 1,
        "the patient is repeated with other values": 0,
        "not in the cohort": 1,
    }
    assert reasons(raw, "cohort") == {"no survival time or event": 1}
    assert list(raw.unmatched.itertuples(index=False, name=None)) == [
        ("survival", "TCGA-AA-0003-01", "negative time, taken as missing"),
        ("survival", "TCGA-AA-0001-01", "the id is repeated with the same values"),
        ("survival", "TCGA-AA-0002", "the id is repeated with the same values"),
        ("survival", "TCGA-AA-0002", "the id is repeated with other values"),
        ("survival", "TCGA-AA-0001-01", "the patient is repeated with the same values"),
        ("survival", "TCGA-AA-0009", "not in the cohort"),
        ("cohort", "TCGA-AA-0003-01", "no survival time or event"),
    ]
    assert "the longest follow-up is kept: TCGA-AA-0002" in caplog.text


@pytest.mark.parametrize(
    ("row", "what"),
    [
        ("patient7\t1\t0", "line 3, column PatientID: not a TCGA barcode; got patient7"),
        ("tcga.aa.0002\tlong\t0", "line 3, column Survival: not a number; expected days; got 'long'"),
        ("tcga.aa.0002\tinf\t0", "line 3, column Survival: not a number"),
        ("tcga.aa.0002\t5\t2", "line 3, column Death: impossible event; expected 0 or 1; got 2"),
        ("tcga.aa.0002\t5", "line 3: wrong number of fields"),
    ],
)
def test_bad_survival_rows(row, what):
    with pytest.raises(AmuclError, match=what):
        read_survival(f"PatientID\tSurvival\tDeath\ntcga.aa.0001\t10\t1\n{row}\n", "survival")


def test_survival_without_its_columns():
    with pytest.raises(AmuclError, match="not a survival table; expected columns PatientID, Survival, Death; got time"):
        read_survival("id\ttime\ta\nx\t1\t2\n", "survival")


def test_clinical_joins_by_sample_then_by_patient(tmp_path):
    clinical = (
        "submitter_id.samples\tstage\tage\tempty\ta/b\tpatient\n"
        "TCGA-AA-0001-11A\tnormal\t1\tNA\tx\tp\n"
        "TCGA-AA-0001-01A\ttumour\t2\t\tx\tp\n"
        "TCGA-AA-0002-11A\tonly normal\t3\t\tx\tp\n"
        "TCGA-ZZ-0002-01A\tstranger\t4\t\tx\tp\n"
    )
    archive = make_zip(tmp_path / "clinical.zip", {"clinical/aa": clinical})
    raw = read(make_zip(tmp_path / "aa.zip", {"mirna": MIRNA, "survival": SURVIVAL}), clinical_archive=archive)
    assert raw.clinical["stage"].to_list()[:2] == ["tumour", "only normal"]
    assert raw.clinical["stage"].isna().to_list() == [False, False, True]
    assert list(raw.clinical.columns) == ["os_time", "os_event", "stage", "age", "a/b", "patient"]
    assert reasons(raw, "clinical") == {
        "another row stands for the same patient": 1,
        "not in the cohort": 1,
        "read as unknown: empty": 3,
        "read as unknown: `NA`": 1,
    }


def test_words_for_unknown_are_the_users(tmp_path):
    clinical = "id\tstage\tgrade\nTCGA-AA-0001-01A\tpending\tNone\nTCGA-AA-0002-01A\tII\tG2\n"
    archive = make_zip(tmp_path / "clinical.zip", {"clinical/aa": clinical})
    members = {"mirna": MIRNA, "survival": SURVIVAL}
    words = unknown_words(("pending",), ("None",))
    raw = read(make_zip(tmp_path / "aa.zip", members), clinical_archive=archive, words=words)
    assert raw.clinical["stage"].dropna().to_list() == ["II"]
    assert raw.clinical["grade"].dropna().to_list() == ["None", "G2"]
    assert [(note.source, note.n) for note in raw.notes if note.what == "unknown words"] == [("clinical", 1)]


# The real mirror -----------------------------------------------------------------------------------------------------


def mirror(cancer, *omics):
    folder = MIRROR / "benchmark"
    return read_benchmark(
        folder / f"{cancer}.zip", cancer=cancer, omics=omics, clinical_archive=folder / "clinical.zip"
    )


@needs_shared
def test_aml_has_its_published_samples_and_loses_none():
    raw = mirror("aml", "expression", "methylation", "mirna")
    assert {omic: table.shape for omic, table in raw.omics.items()} == {
        "expression": (170, 1191),
        "methylation": (194, 1085),
        "mirna": (188, 705),
    }
    assert len(set.intersection(*(set(table.index) for table in raw.omics.values()))) == 167
    assert (raw.ledger["status"] == "kept").all()
    assert raw.omics["expression"].index[0] == "TCGA-AB-2803-03"
    assert raw.omics["expression"].loc["TCGA-AB-2806-03", "AADAT"] == 299.1725
    assert raw.var["expression"].loc["AADAT", "entrez"] == "51166"
    assert reasons(raw)["the id is repeated with the same values"] == 275


@needs_shared
def test_aml_survival_agrees_with_an_independent_table():
    oracle = pd.read_csv(SHARED / "oracles" / "survival_aml_groups.tsv", sep="\t").set_index("patient")
    raw = mirror("aml", "expression", "methylation", "mirna")
    known = oracle.loc[oracle.index.isin(raw.patients)]
    assert len(oracle) - len(known) == 3  # patients of the survival table without any omic
    ours = raw.clinical.set_axis(raw.patients.loc[raw.clinical.index])
    assert set(ours.dropna(subset=["os_time", "os_event"]).index) == set(known.index)
    ours, oracle = ours.loc[known.index], known
    np.testing.assert_array_equal(ours["os_time"], oracle["time"])
    np.testing.assert_array_equal(ours["os_event"], oracle["event"])


@needs_shared
@pytest.mark.parametrize(("cancer", "normals"), [("kidney", 71), ("liver", 50), ("lung", 45)])
def test_exactly_the_normals_are_dropped_as_normals(cancer, normals):
    ledger = mirror(cancer, "mirna").ledger
    assert (ledger["reason"] == "normal tissue (sample type 11)").sum() == normals
    assert set(ledger.loc[ledger["reason"].str.startswith("normal"), "column"].str[-2:]) == {"11"}
    rest = ledger[~ledger["reason"].str.startswith("normal")]
    assert set(rest.loc[rest["status"] == "dropped", "column"].str[-2:]) <= {"02", "05"}


@needs_shared
@pytest.mark.parametrize(("cancer", "common"), [("breast", 348), ("gbm", 52)])
def test_the_other_complete_cancers(cancer, common):
    raw = mirror(cancer, "expression", "methylation", "mirna")
    assert len(set.intersection(*(set(table.index) for table in raw.omics.values()))) == common


@needs_shared
@pytest.mark.parametrize("cancer", CANCERS)
def test_every_cancer_reads_and_every_column_is_accounted_for(cancer):
    raw = mirror(cancer, "mirna")
    with zipfile.ZipFile(MIRROR / "benchmark" / f"{cancer}.zip") as opened:
        oracle = pd.read_csv(io.BytesIO(opened.read("mirna")), sep=" ")  # pandas knows R's header without a corner
    assert raw.ledger["column"].to_list() == list(oracle.columns)
    assert (raw.ledger["status"] == "kept").sum() == len(raw.omics["mirna"]) == raw.patients.nunique()
    kept = raw.ledger[raw.ledger["status"] == "kept"].set_index("column")["sample"]
    np.testing.assert_array_equal(raw.omics["mirna"].loc[kept], oracle[kept.index].T)
    assert raw.clinical["os_time"].notna().mean() > 0.9
    assert raw.clinical["os_event"].dropna().isin([0, 1]).all()
    assert raw.clinical.shape[1] > 50
    assert not raw.clinical.isna().all().any()
    counted = (
        raw.join[(raw.join["n_dropped"] > 0) & (raw.join["unit"] == "rows")]
        .set_index(["source", "reason"])["n_dropped"]
        .to_dict()
    )
    assert raw.unmatched.groupby(["source", "reason"]).size().to_dict() == counted
    unknown = raw.clinical.index[raw.clinical[["os_time", "os_event"]].isna().any(axis=1)]
    assert raw.unmatched.loc[raw.unmatched["reason"] == "no survival time or event", "id"].to_list() == list(unknown)


@needs_shared
def test_an_absent_omic_of_the_mirror_is_told():
    with pytest.raises(AmuclError, match=r"kidney\.zip: the archive has no member exp.*declare `omics:`"):
        mirror("kidney", "expression", "mirna")
