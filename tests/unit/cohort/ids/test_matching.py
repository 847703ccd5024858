import unicodedata

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.cohort import assemble, read_files_cohort
from amucl.cohort.ids.matching import LEVELS, barcode_note, match_ids, match_notes

BASE = [f"Müller-{i:03d}" if i % 3 else f"P_{i:03d} b" for i in range(1, 40)]
RESPELLED = {
    "Unicode form or spaces": lambda name: f" {unicodedata.normalize('NFD', name)}  ".replace(" b", "  b"),
    "case": str.swapcase,
    "separators, or the X of R before digits": lambda name: name.replace("-", ".").replace("_", " ").replace(" ", "."),
    "leading zeros": lambda name: name.replace("-0", "-").replace("_0", "_").replace("-0", "-").replace("_0", "_"),
    "length": lambda name: f"{name}-T01",
}


@pytest.mark.parametrize(("said", "respell"), RESPELLED.items())
def test_one_file_spelled_otherwise_is_the_same_cohort(said, respell):
    own = [respell(name) for name in BASE]
    differing = [name for name, written in zip(own, BASE, strict=True) if name != written]
    assert differing
    for seed in range(3):
        shuffled = list(np.random.default_rng(seed).permutation(own))
        found = match_ids({"rna": BASE, "protein": shuffled})
        assert [found.name["protein", name] for name in own] == BASE
        assert {found.level["protein", name] for name in differing} == {said}
        assert set(found.level) == {("protein", name) for name in differing}
        assert not found.ambiguous
        back = match_ids({"protein": shuffled, "rna": BASE})
        assert [back.name["rna", name] for name in BASE] == own


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("001", "X001", "separators, or the X of R before digits"),
        ("007", "7", "leading zeros"),
        ("X007", "7", "leading zeros"),
        ("101", "101.0", "how a whole number is written"),
        ("0101", "101.0", "how a whole number is written"),
        ("TCGA-AB-2803-03A-01R-0735-13", "TCGA.AB.2803.03A.01D.0741.05", "portion and analyte of TCGA barcodes"),
        ("TCGA-AB-2803", "tcga.ab.2803.03a.01d", "length"),
        ("TCGA-AB-2803-03", "TCGA-AB-2803-03B-01D-0741-05", "portion and analyte of TCGA barcodes"),
        ("P-0000012-T03-IM3", "P-0000012", "length"),
        ("12", "12_tumour", "length"),
        ("P001", "/data/run 7/P001.sorted.bam", "the folder and suffixes of a file"),
        ("P001", "C:\\run\\P001Aligned.sortedByCoord.out.bam", "the folder and suffixes of a file"),
    ],
)
def test_what_is_one_id(one, other, said):
    found = match_ids({"a": [one, "else"], "b": ["none", other]})
    assert found.name["b", other] == one
    assert found.level == {("b", other): said}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1.05", "1.5"),
        ("2", "2.5"),
        ("P1", "P10"),
        ("10", "1"),
        ("TCGA-AB-2803-03", "TCGA-AB-2803-11"),
        ("TCGA-AB-280", "TCGA-AB-2803"),
        ("X1", "p1"),
        ("siteA/P001", "siteB/P001"),
        ("P001", "siteB/P001"),
        ("../../up", "Q../../up"),
    ],
)
def test_what_are_two(one, other):
    found = match_ids({"a": [one], "b": [other]})
    assert found.name["b", other] == other
    assert not found.level


@pytest.mark.parametrize(
    ("files", "unsure"),
    [
        ([["P1"], ["p01", "P01"]], {"a": ["P1"], "b": ["P01", "p01"]}),
        ([["\u00e9"], ["\u00e9", "e\u0301"]], {"b": ["e\u0301"]}),
        ([["P-1"], ["P-1-T1", "P-1-T2"]], {"a": ["P-1"], "b": ["P-1-T1", "P-1-T2"]}),
        ([["TCGA-AB-2803"], ["TCGA-AB-2803-01A", "TCGA-AB-2803-11A"]], {"a": 1, "b": 2}),
        ([["101", "0101"], ["101.0"]], {"a": 2, "b": 1}),
    ],
)
def test_what_could_be_two_is_neither_and_told(files, unsure):
    for order in ("ab", "ba"):
        named = dict(zip("ab", files, strict=True))
        found = match_ids({name: named[name] for name in order})
        if len(unsure) == 2:
            assert not found.level
            assert all(found.name[item] == item[1] for item in found.name)
        assert {file: len(ids) for file, ids in found.ambiguous.items()} == {
            file: ids if isinstance(ids, int) else len(ids) for file, ids in unsure.items()
        }
        notes = match_notes(found, "b", source="protein", other="other omics")
        assert [(note.source, note.what, note.n) for note in notes] == [
            ("protein", "ambiguous ids", len(found.ambiguous["b"]))
        ]


def test_a_third_file_that_has_both_spellings_keeps_them_apart_in_any_order():
    files = {"a": ["P1"], "b": ["p1"], "c": ["P1", "p1"]}
    for order in ("abc", "cab", "bca", "cba"):
        found = match_ids({name: files[name] for name in order})
        assert found.name == {("a", "P1"): "P1", ("b", "p1"): "p1", ("c", "P1"): "P1", ("c", "p1"): "p1"}


def test_other_spellings_of_a_file_are_its_ids_too():
    files = {"cohort": ["P-0001"], "clinical": ["p.0001.t01", "P-0002"]}
    found = match_ids(files, {("cohort", "P-0001-T01"): "P-0001"})
    assert found.name["clinical", "p.0001.t01"] == "P-0001"
    both = match_ids({"cohort": ["P1"], "clinical": ["P1", "p1"]}, {("cohort", "p1"): "P1"})
    assert both.name["clinical", "P1"] == "P1"
    assert both.name["clinical", "p1"] == "p1"


def test_time_grows_with_the_number_of_ids(monkeypatch):
    calls = {}
    for said, key in list(LEVELS.items()):

        def counted(name, key=key, said=said):
            calls[said] = calls.get(said, 0) + 1
            return key(name)

        monkeypatch.setitem(LEVELS, said, counted)
    n = 2000
    found = match_ids({"a": [f"P-{i}" for i in range(n)], "b": [f"P.{i}.T" for i in range(n)]})
    assert set(calls.values()) == {2 * n}
    assert len(set(found.name.values())) == n


def written(tmp_path, name, ids, seed):
    values = np.random.default_rng(seed).normal(size=(5, len(ids)))
    path = tmp_path / f"{name}.csv"
    pd.DataFrame(values, index=[f"g{i}" for i in range(5)], columns=ids).to_csv(path)
    return path


def test_omics_that_spell_ids_differently_are_one_cohort_and_it_is_told(tmp_path):
    ids = [f"Münster {i:02d}" for i in range(12)]
    rna = written(tmp_path, "rna", ids, 0)
    protein = written(tmp_path, "protein", [unicodedata.normalize("NFD", name) for name in reversed(ids)], 1)
    for omics in ({"zz": rna, "aa": protein}, {"aa": protein, "zz": rna}):
        raw = read_files_cohort(omics)
        first = next(iter(omics))
        assert list(raw.patients) == list(pd.read_csv(omics[first], index_col=0).columns)
        assert all(set(table.index) == set(raw.patients) for table in raw.omics.values())
        (note,) = raw.notes
        assert note.source == list(omics)[1]
        assert note.what == "ids that differ in Unicode form or spaces"
        assert note.n == 12
        renamed = raw.ledger[raw.ledger["column"] != raw.ledger["sample"]]
        assert len(renamed) == 12
        assert renamed["reason"].str.contains("in an earlier omic, which differs in Unicode form or spaces").all()
    alike = read_files_cohort({"zz": rna, "aa": written(tmp_path, "same", list(reversed(ids)), 1)})
    order = list(alike.patients)
    raw = read_files_cohort({"zz": rna, "aa": protein})
    for omic in ("zz", "aa"):
        np.testing.assert_array_equal(raw.omics[omic].loc[order], alike.omics[omic].loc[order])
    assert not alike.notes


def test_barcodes_of_several_samples_stay_as_written_and_the_setting_is_named():
    ids = ["TCGA-AA-0001-01A", "TCGA-AA-0001-11A", "TCGA-AA-0002-01A"]
    table = pd.DataFrame(np.ones((3, 2)), ids, ["g1", "g2"])
    raw = assemble({"rna": table, "meth": table})
    assert list(raw.patients) == ids
    (note,) = raw.notes
    assert (note.what, note.n) == ("TCGA barcodes", 2)
    assert "1 are of normal tissue, 1 are further samples" in note.note
    assert "tcga_barcodes: true" in note.note
    assert not assemble({"rna": table}, tcga=True).notes
    assert barcode_note(["TCGA-AA-0001-01A", "TCGA-AA-0002-01A"]) is None


def test_ids_that_grow_from_file_to_file_are_one_patient():
    """The longest are matched first: P-7 begins one patient then, and not two."""
    files = {"x": ["P-7", "P-8"], "y": ["P-7-01", "P-8-01"], "z": ["P-7-01-A", "P-8-01-A"]}
    names = match_ids(files).name
    for number in (7, 8):
        assert {names[file, ids[number - 7]] for file, ids in files.items()} == {f"P-{number}"}
