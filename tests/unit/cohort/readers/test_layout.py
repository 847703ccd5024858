"""What stands above the header, and cells in quotes."""

import io

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.readers.tables import read_clinical, read_columns, read_omic
from amucl.errors import AmuclError

TABLE = "PATIENT_ID\tAGE\tSUBTYPE\nP1\t61\tA\nP2\t50\tB\nP3\t70\tA\n"
CBIOPORTAL = (
    "#Patient Identifier\tDiagnosis Age\tSubtype\n#Identifier of a patient\tAge at diagnosis\tSubtype\n"
    "#STRING\tNUMBER\tSTRING\n#1\t1\t1\n"
)


def clinical(folder, text, name="c.txt"):
    (folder / name).write_text(text, encoding="utf-8")
    notes = []
    return read_clinical(folder / name, notes=notes), {note.what: note for note in notes}


@pytest.mark.parametrize(
    ("above", "n"),
    [
        (CBIOPORTAL, 4),
        (CBIOPORTAL[: CBIOPORTAL.index("#STRING")], 2),
        ("# made by hand\n", 1),
        ("## a\n##b\tc\n\n", 3),
        ("!Series_title\tof GEO\n!x\n", 2),
        ("Table S1. Clinical data, by patient\n", 1),
        ("Table S1\t\t\n\n", 2),
        ("Table S1: patients of both centres\nsecond title\n\n", 3),
        ("\n \n", 2),
    ],
)
def test_lines_above_the_header_are_left_out_and_told(tmp_path, above, n):
    table, notes = clinical(tmp_path, above + TABLE)
    assert list(table.index) == ["P1", "P2", "P3"]
    assert list(table.columns) == ["AGE", "SUBTYPE"]
    assert table["AGE"].to_list() == [61, 50, 70]
    assert notes["lines above the header"].n == n
    assert f"(line {n + 1})" in notes["lines above the header"].note


def test_a_table_of_text_under_four_comments_of_its_width(tmp_path):
    head = CBIOPORTAL.replace("NUMBER", "STRING")
    table, _ = clinical(tmp_path, head + "PATIENT_ID\tSEX\tSUBTYPE\nP1\tmale\tA\nP2\tfemale\tB\n")
    assert table["SUBTYPE"].to_dict() == {"P1": "A", "P2": "B"}


@pytest.mark.parametrize("above", ["", "## of the registry\n"])
@pytest.mark.parametrize("header", ["#Patient\tAge\tClass", "# Patient\tAge\tClass", '"#Patient"\t"Age"\t"Class"'])
def test_a_header_may_begin_with_a_hash_where_no_other_is(tmp_path, above, header):
    table, _ = clinical(tmp_path, f"{above}{header}\nP1\t61\tA\nP2\t50\tB\n")
    assert table["Age"].to_dict() == {"P1": 61, "P2": 50}
    columns = read_columns(tmp_path / "c.txt")
    assert list(columns.columns) == ["Patient", "Age", "Class"]


def test_a_hashed_header_of_text_alone_is_known_by_what_its_columns_repeat(tmp_path):
    table, _ = clinical(tmp_path, "#sample\tclass\nx1\tbasal\nx2\tluminal\nx3\tbasal\n")
    assert table["class"].to_dict() == {"x1": "basal", "x2": "luminal", "x3": "basal"}


def test_ids_may_begin_with_a_hash(tmp_path):
    table, notes = clinical(tmp_path, "sample\tage\n#5\t61\n#6\t50\n")
    assert table["age"].to_dict() == {"#5": 61, "#6": 50}
    assert not notes
    (tmp_path / "r.txt").write_text("#5\t#6\nTP53\t1\t2\n")
    assert read_omic(tmp_path / "r.txt", omic="rna").to_dict() == {"TP53": {"#5": 1, "#6": 2}}


def test_matrices_under_comments_and_in_the_manner_of_gct(tmp_path):
    notes = []
    (tmp_path / "a.txt").write_text("#1.2\n2\t2\nNAME\tDescription\ts1\ts2\nTP53\tna\t1\t2\nKRAS\tna\t3\t4\n")
    table = read_omic(tmp_path / "a.txt", omic="rna", notes=notes)
    assert table.to_dict() == {"TP53": {"s1": 1, "s2": 2}, "KRAS": {"s1": 3, "s2": 4}}
    assert [note.what for note in notes] == ["lines above the header", "annotation columns"]
    rows = '"ID_REF"\t"GSM1"\t"GSM2"\n"p1"\t1.5\t2\n'
    geo = f'!Series_title\t"x"\n!series_matrix_table_begin\n{rows}!series_matrix_table_end\n'
    (tmp_path / "geo.txt").write_text(geo)
    assert read_omic(tmp_path / "geo.txt", omic="rna").to_dict() == {"p1": {"GSM1": 1.5, "GSM2": 2}}


def test_the_line_of_a_mistake_counts_what_stands_above(tmp_path):
    (tmp_path / "a.tsv").write_text("# a\n\ngene\ts1\ts2\nTP53\t1\t2\nKRAS\t1\thigh\nEGFR\t2\t3\n")
    with pytest.raises(AmuclError, match="line 5, row KRAS, column s2: not a number"):
        read_omic(tmp_path / "a.tsv", omic="rna")


def test_a_header_by_another_separator_is_no_title(tmp_path):
    with pytest.raises(AmuclError, match="line 2"):
        clinical(tmp_path, "sample|age|class\np1\t61\tA\np2\t50\tB\n")


QUOTED = 'id,note,age\nP1,"first visit\nsecond ""visit"", well",61\nP2,plain,50\n"P,3","a,b",70\n'


def test_quoted_cells_are_read_as_pandas_reads_them(tmp_path):
    (tmp_path / "a.csv").write_text(QUOTED)
    expected = pd.read_csv(io.StringIO(QUOTED), index_col=0)
    found = read_clinical(tmp_path / "a.csv")
    assert found["note"].to_list() == expected["note"].to_list()
    assert list(found.index) == list(expected.index)
    assert found["age"].to_list() == [61, 50, 70]
    assert read_columns(tmp_path / "a.csv").index.to_list() == [2, 4, 5]


def test_an_inch_mark_is_text(tmp_path):
    found, _ = clinical(tmp_path, 'id\tnote\tage\nP1\tneedle of 5" used\t61\nP2\t3"\t50\n')
    assert found["note"].to_list() == ['needle of 5" used', '3"']


@pytest.mark.parametrize("text", ['id\tnote\nP1\t"open\nP2\tx\n', 'id\tnote\nP1\t"open\nP2\tx\nP3\ty" z\n'])
def test_a_quote_that_is_never_closed_is_told_where_it_opens(tmp_path, text):
    with pytest.raises(AmuclError, match="line 2: unbalanced quote"):
        clinical(tmp_path, text)


def test_line_breaks_in_the_header_and_in_a_matrix(tmp_path):
    (tmp_path / "a.csv").write_text('gene,"s\n1",s2\nTP53,1,2\n"KRAS",3,4\n')
    with pytest.raises(AmuclError, match="control characters"):
        read_omic(tmp_path / "a.csv", omic="rna")
    (tmp_path / "b.csv").write_text('gene,Description,s1\nTP53,"tumour\nprotein, 53",1\nKRAS,x,high\n')
    with pytest.raises(AmuclError, match="line 4, row KRAS, column s1: not a number"):
        read_omic(tmp_path / "b.csv", omic="rna")
    (tmp_path / "c.csv").write_text('gene,Description,s1\nTP53,"tumour\nprotein, 53",1\nKRAS,x,3\n')
    np.testing.assert_array_equal(read_omic(tmp_path / "c.csv", omic="rna"), [[1, 3]])


@pytest.mark.parametrize("sign", [",", ";", "\t"])
@pytest.mark.parametrize("blank", [1, 3])
@pytest.mark.parametrize("filler", ["", '""'])
def test_empty_columns_and_rows_that_spreadsheets_leave_are_no_columns_and_rows(tmp_path, sign, blank, filler):
    rows = [["id", "P1", "P2"], ["g1", "1.5", ""], ["g2", "3", "4.25"], ["g3", "5", "6"]]
    lines = [sign.join([*row, *[filler] * blank]) for row in rows]
    lines[3] = sign.join(rows[3])  # spreadsheets write no empty cells far below the last that is filled
    empty = sign.join([filler] * (3 + blank))
    text = "\n".join([empty, *lines[:3], empty, lines[3], empty, empty, ""])
    (tmp_path / "x.csv").write_text(text)
    read = read_omic(tmp_path / "x.csv", omic="rna")
    np.testing.assert_array_equal(read.to_numpy(), [[1.5, 3, 5], [np.nan, 4.25, 6]])
    assert (list(read.index), list(read.columns)) == (["P1", "P2"], ["g1", "g2", "g3"])
    columns = read_columns(tmp_path / "x.csv")
    assert list(columns.columns) == ["id", "P1", "P2"]
    assert columns["P1"].tolist() == ["1.5", "3", "5"]


def test_a_value_in_a_column_without_a_name_is_not_lost(tmp_path):
    rows = [f"p{number};{number};;" for number in range(600)]
    rows[550] = "p550;550;;see below"
    (tmp_path / "x.csv").write_text("\n".join(["id;age;;", *rows, ""]))
    with pytest.raises(AmuclError, match=r"x.csv, line 552: a value in a column without a name.*'see below'"):
        read_columns(tmp_path / "x.csv")
    (tmp_path / "x.csv").write_text("id;age;\np1;50;\np2;60;note\n")
    assert read_columns(tmp_path / "x.csv")[""].tolist() == ["", "note"]
