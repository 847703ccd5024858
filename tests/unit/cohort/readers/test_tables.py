import gzip

import anndata
import h5py
import mudata
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from amucl.cohort.readers.tables import (
    parse_numbers,
    read_clinical,
    read_h5mu,
    read_omic,
    spreadsheet_ids,
    stream_numbers,
)
from amucl.errors import AmuclError
from tests.shared import SHARED, needs_shared

TABLE = pd.DataFrame(
    [[1.5, np.nan], [-2.0, 3e-4], [0.0, 12345.678]],
    index=pd.Index(["p1", "p2", "p3"], name="sample"),
    columns=["TP53", "KRAS"],
)


def write(path, text, encoding="utf-8"):
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


def check(table):
    pd.testing.assert_frame_equal(table, TABLE)
    assert table.to_numpy().dtype == np.float64


def message(path, **options):
    with pytest.raises(AmuclError) as caught:
        read_omic(path, omic="expression", **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "separator", "corner"),
    [
        ("a.tsv", "\t", "gene\t"),
        ("a.tsv.gz", "\t", "\t"),
        ("a.txt", " ", "gene "),
        ("a.txt", "\t", ""),
        ("a.txt", " ", ""),
        ("a.csv", ",", "gene,"),
        ("a.csv.gz", ";", "gene;"),
        ("a.csv", ";", ""),
        ("a.tsv", ",", "gene,"),
        ("a.csv", "\t", "gene\t"),
    ],
)
def test_text_is_read_whatever_the_separator_and_the_corner(tmp_path, name, separator, corner):
    rows = [["TP53", "1.5", "-2", "0"], ["KRAS", "NA", "3e-4", "12345.678"]]
    lines = [corner + separator.join(["p1", "p2", "p3"])] + [separator.join(row) for row in rows]
    check(read_omic(write(tmp_path / name, "\n".join(lines) + "\n"), omic="expression"))


@pytest.mark.parametrize("separator", ["\t", ",", ";", " "])
def test_one_sample_under_a_header_without_corner(separator):
    frame = parse_numbers(f"s1\ng1{separator}1\ng2{separator}2\n", "f", kind=".csv" if separator == "," else ".tsv")
    assert frame.to_dict() == {"s1": {"g1": 1.0, "g2": 2.0}}


def test_no_first_sample_is_lost_under_a_quoted_header_without_corner(tmp_path):
    path = write(tmp_path / "exp.txt", '"p1" "p2" "p3"\n"TP53" 1.5 -2 0\n"KRAS" NA 3e-4 12345.678\n')
    check(read_omic(path, omic="expression"))


def test_columns_aligned_by_spaces(tmp_path):
    path = write(tmp_path / "a.txt", "gene   p1   p2    p3\nTP53   1.5  -2     0\n KRAS  NA  3e-4  12345.678  \n")
    check(read_omic(path, omic="expression"))


IDS = st.lists(
    st.text(st.characters(categories=["L", "N", "P", "Zs"]), min_size=1).map(str.strip).filter(bool),
    min_size=1, max_size=5, unique=True,
)  # fmt: skip


@settings(max_examples=60, deadline=None, derandomize=True)
@given(IDS, IDS, st.integers(0, 2**32 - 1), st.sampled_from(["\t", ","]))
def test_what_pandas_writes_is_read_to_the_last_bit(samples, features, seed, separator):
    values = np.random.default_rng(seed).standard_normal((len(features), len(samples))) * 10.0 ** np.arange(
        len(samples)
    )
    rows = pd.DataFrame(values, index=features, columns=samples)
    frame = parse_numbers(
        rows.to_csv(sep=separator, index_label="gene"), "f", kind=".csv" if separator != "\t" else ".tsv"
    )
    pd.testing.assert_frame_equal(frame, rows, check_exact=True, check_names=False)


def test_orientation(tmp_path):
    path = write(tmp_path / "a.tsv", "id\tTP53\tKRAS\np1\t1.5\t\np2\t-2\t3e-4\np3\t0\t12345.678\n")
    check(read_omic(path, omic="expression", orientation="samples_in_rows"))
    assert "features_in_rows or samples_in_rows" in message(path, orientation="sideways")


def test_byte_order_mark_windows_line_ends_quotes_and_trailing_empty_lines(tmp_path):
    text = '"gene"\t"p1"\t"p2"\t"p3"\r\n"TP53"\t"1.5"\t"-2"\t0\r\n"KRAS"\tNaN\t 3e-4\t12345.678\r\n\r\n \r\n'
    check(read_omic(write(tmp_path / "a.tsv", text, encoding="utf-8-sig"), omic="expression"))


@pytest.mark.parametrize("token", ["", "NA", "NaN", "nan", "null", "N/A", "NULL", ".", '""', '"NA"'])
def test_missing_tokens(tmp_path, token):
    frame = read_omic(write(tmp_path / "a.tsv", f"gene\ts1\ts2\ng1\t{token}\t1\n"), omic="expression")
    assert frame["g1"].isna().to_list() == [True, False]


def test_a_feature_may_be_called_like_a_missing_value(tmp_path):
    frame = read_omic(write(tmp_path / "a.tsv", "gene\ts1\nNA\t1\nnan\t2\n"), omic="expression")
    assert list(frame.columns) == ["NA", "nan"]


def test_quoted_ids_may_hold_the_separator(tmp_path):
    frame = read_omic(write(tmp_path / "a.csv", 'gene,"s,1",s2\n"g,1",1,2\n'), omic="expression")
    assert frame.to_dict() == {"g,1": {"s,1": 1.0, "s2": 2.0}}


@pytest.mark.parametrize("keep_index", [True, False])
def test_parquet(tmp_path, keep_index):
    rows = TABLE.T.rename_axis("gene")
    (rows if keep_index else rows.reset_index()).to_parquet(tmp_path / "a.parquet")
    check(read_omic(tmp_path / "a.parquet", omic="expression"))


def test_h5mu_gives_the_modality(tmp_path):
    modality = anndata.AnnData(
        TABLE.to_numpy(), obs=pd.DataFrame(index=TABLE.index), var=pd.DataFrame(index=TABLE.columns)
    )
    mudata.MuData({"expression": modality}).write_h5mu(tmp_path / "a.h5mu")
    check(read_omic(tmp_path / "a.h5mu", omic="expression"))
    with pytest.raises(AmuclError, match=r"no such modality in the \.h5mu; expected expression; got mirna"):
        read_omic(tmp_path / "a.h5mu", omic="mirna")


BAD_TEXT = {
    "non-numeric cell": ("gene\ts1\ts2\ng1\t1\t2\ng2\t3\thigh\n", "line 3, row g2, column s2: not a number", "'high'"),
    "decimal comma": ("gene\ts1\ts2\ng1\t1.5\t2,5\n", "line 2, row g1, column s2", "write decimals with a point"),
    "boolean": ("gene\ts1\ts2\ng1\t1\tTRUE\n", "line 2, row g1, column s2", "'TRUE'"),
    "short row": ("gene\ts1\ts2\ng1\t1\t2\ng2\t3\n", "line 3: wrong number of fields", "expected 3; got 2"),
    "long row": ("gene\ts1\ts2\ng1\t1\t2\ng2\t3\t4\t5\n", "line 3: wrong number of fields", "expected 3; got 4"),
    "header too long": ("gene\ts1\ts2\ts3\ng1\t1\t2\n", "line 2: wrong number of fields", "got 3"),
    "empty line inside": ("gene\ts1\ts2\ng1\t1\t2\n\ng2\t3\t4\n", "line 3: wrong number of fields", "expected 3"),
    "duplicate sample": ("gene\ts1\ts1\ng1\t1\t2\n", "duplicate sample ids", "got s1 (s1 in columns 2 and 3)"),
    "duplicate feature": (
        "gene\ts1\ts2\ng1\t1\t2\ng1\t3\t4\n",
        "duplicate feature ids",
        "got g1 (g1 in lines 2 and 3)",
    ),
    "empty sample id": ("gene\ts1\t\ng1\t1\t2\n", "empty sample id", "position 2"),
    "empty feature id": ("gene\ts1\ts2\n\t1\t2\n", "empty feature id", "position 1"),
    "no rows": ("gene\ts1\ts2\n", "no rows below the header", "at least one row"),
    "no columns": ("gene\ng1\ng2\n", "no columns beside the ids", "at least one column"),
    "empty": ("", "the file is empty", "a table with a header"),
    "blank": ("\n \n", "the file is empty", "a table with a header"),
    "infinite": ("gene\ts1\ts2\ng1\t1\t-inf\n", "row g1, column s2: infinite value", "a finite number"),
    "overflow": ("gene\ts1\ts2\ng1\t1\t1e999\n", "row g1, column s2: infinite value", "a finite number"),
    "separator at the end of rows": (
        "gene\ts1\ts2\ng1\t1\t2\t\ng2\t3\t4\t\n",
        "every row ends with a separator",
        "got 4",
    ),
    "unbalanced quote": ('gene\ts1\ts2\ng1\t1\t"2\ng2\t3\t4\n', "line 2: unbalanced quote", "a.tsv"),
}


@pytest.mark.parametrize("case", BAD_TEXT)
def test_bad_text_is_told_in_one_line(tmp_path, case):
    text, what, detail = BAD_TEXT[case]
    found = message(write(tmp_path / "a.tsv", text))
    assert what in found
    assert detail in found
    assert "a.tsv" in found


def test_decimal_commas_throughout_are_read_and_told(tmp_path):
    notes = []
    path = write(tmp_path / "a.csv", "gene;s1;s2\ng1;1,5;-2\ng2;NA;,25\ng3;1e-3;12345,125\n")
    found = read_omic(path, omic="rna", notes=notes)
    np.testing.assert_array_equal(found, [[1.5, np.nan, 1e-3], [-2, 0.25, 12345.125]])
    assert [(note.source, note.what) for note in notes] == [("rna", "unknown words"), ("rna", "decimal commas")]


def grouped(value):
    return f"{value:,}".replace(",", ".")


def test_points_that_may_group_thousands_are_no_decimals(tmp_path):
    counts = np.random.default_rng(0).integers(0, 5000, size=(40, 5))
    rows = [f"g{i};" + ";".join(map(grouped, row)) for i, row in enumerate(counts.tolist())]
    found = message(write(tmp_path / "a.csv", "x;s1;s2;s3;s4;s5\n" + "\n".join(rows) + "\n"))
    assert "numbers whose points may stand before decimals or thousands" in found
    assert found.count("\n") == 0


@pytest.mark.parametrize(
    "other",
    ["0.250", "1.25", "1500", "2.0e1"],
    ids=["below one", "two decimals", "no group in a large number", "an exponent"],
)
def test_one_number_that_has_decimals_for_sure_settles_what_points_mean(tmp_path, other):
    rows = [f"g{i}\t{i + 1}.250\t7\n" for i in range(60)]
    path = tmp_path / "a.tsv"
    path.write_text("x\ts1\ts2\n" + "".join(rows) + f"g60\t{other}\t7\n")
    read = read_omic(path, omic="rna")
    assert read.loc["s1"].iloc[:60].tolist() == [i + 1.25 for i in range(60)]


def test_numbers_of_three_decimals_without_whole_ones_are_decimals(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("x\ts1\ts2\n" + "".join(f"g{i}\t{i + 1}.250\t7.125\n" for i in range(60)))
    assert read_omic(path, omic="rna").loc["s2"].eq(7.125).all()


def test_commas_that_may_group_thousands_are_no_decimals(tmp_path):
    """Where every comma stands before three digits, only semicolons tell that it is a decimal comma."""
    assert read_omic(write(tmp_path / "a.csv", "gene;s1\ng1;1,234\n"), omic="rna").iloc[0, 0] == 1.234
    found = message(write(tmp_path / "a.tsv", "gene\ts1\ng1\t1,234\ng2\t2\n"))
    assert "may stand before decimals or thousands" in found
    assert "'1,234'" in found
    assert "line 2, row g1, column s1: not a number" in message(write(tmp_path / "b.tsv", "gene\ts1\ng1\t1,234,567\n"))


def test_files_that_are_not_what_their_name_says(tmp_path):
    (tmp_path / "folder.tsv").mkdir()
    assert "is a directory" in message(tmp_path / "folder.tsv")
    assert "does not exist" in message(tmp_path / "absent.tsv")
    assert "unknown file format" in message(write(tmp_path / "a.xlsx", "x"))
    assert "a.tsv, line 1: not UTF-8 text: byte 0xe9 at byte 7" in message(
        write(tmp_path / "a.tsv", "gene\ts\xe9\n", "latin-1")
    )
    assert "not a parquet file" in message(write(tmp_path / "a.parquet", "x"))
    assert "not an .h5mu file" in message(write(tmp_path / "a.h5mu", "x"))
    (tmp_path / "a.tsv.gz").write_bytes(b"gene\ts1\n")
    assert "not a gzip file" in message(tmp_path / "a.tsv.gz")
    (tmp_path / "b.tsv.gz").write_bytes(gzip.compress(b"gene\ts1\ng1\t1\n" * 100)[:-12])
    assert "truncated gzip file" in message(tmp_path / "b.tsv.gz")


def test_h5_files_that_are_no_mudata(tmp_path):
    anndata.AnnData(np.ones((2, 2))).write_h5ad(tmp_path / "a.h5mu")
    assert "not an .h5mu file" in message(tmp_path / "a.h5mu")
    mudata.MuData({"expression": anndata.AnnData(np.ones((9, 99)))}).write_h5mu(tmp_path / "b.h5mu")
    (tmp_path / "c.h5mu").write_bytes((tmp_path / "b.h5mu").read_bytes()[:4000])
    assert "not an .h5mu file" in message(tmp_path / "c.h5mu")


def test_h5_groups_without_data(tmp_path):
    with h5py.File(tmp_path / "a.h5mu", "w") as handle:
        handle.create_group("mod/expression")
    assert "not an .h5mu file" in message(tmp_path / "a.h5mu")
    with h5py.File(tmp_path / "b.h5mu", "w") as handle:
        handle["mod"] = 1.0
    assert "not an .h5mu file" in message(tmp_path / "b.h5mu")
    mudata.MuData({"expression": anndata.AnnData(obs=pd.DataFrame(index=["p1"]))}).write_h5mu(tmp_path / "c.h5mu")
    assert "c.h5mu: modality expression holds no data" in message(tmp_path / "c.h5mu")


@pytest.mark.parametrize("of_cohort", [None, "sample", "patient"])
@pytest.mark.parametrize("of_modality", [None, "sample"])
@pytest.mark.parametrize("matrix", [np.array, csr_matrix])
def test_h5mu_with_named_indices_and_sparse_values(tmp_path, of_cohort, of_modality, matrix):
    samples = pd.Index(["p1", "p2", "p3"], name=of_modality)
    features = pd.Index(["TP53", "KRAS"], name="gene")
    values = TABLE.fillna(0)
    first = anndata.AnnData(matrix(values), obs=pd.DataFrame(index=samples), var=pd.DataFrame(index=features))
    other = anndata.AnnData(np.ones((3, 1)), obs=pd.DataFrame({"batch": [1, 2, 3]}, index=["p2", "p3", "p4"]))
    cohort = mudata.MuData({"z": other, "expression": first})
    cohort.obs = pd.DataFrame({"age": [2.0, 3, 4, 1]}, index=["p2", "p3", "p4", "p1"]).loc[cohort.obs_names]
    cohort.obs = cohort.obs.rename_axis(index=of_cohort)
    cohort.write_h5mu(tmp_path / "a.h5mu")
    pd.testing.assert_frame_equal(read_omic(tmp_path / "a.h5mu", omic="expression"), values)
    clinical = read_clinical(tmp_path / "a.h5mu")
    assert clinical["age"].to_dict() == {"p1": 1, "p2": 2, "p3": 3, "p4": 4}
    assert list(clinical.columns) == ["age"]
    again = read_h5mu(tmp_path / "a.h5mu")
    assert list(again.mod) == ["z", "expression"]
    assert again.obs_names.name is None


def test_parquet_cells_and_ids_are_checked(tmp_path):
    pd.DataFrame({"gene": ["g1", "g2"], "s1": ["1", "x"]}).to_parquet(tmp_path / "a.parquet")
    assert "row g2, column s1: not a number" in message(tmp_path / "a.parquet")
    pd.DataFrame({"gene": ["g1", "g1"], "s1": [1.0, 2.0]}).to_parquet(tmp_path / "b.parquet")
    assert "duplicate feature ids" in message(tmp_path / "b.parquet")
    pd.DataFrame({"gene": ["g1", None], "s1": [1.0, 2.0]}).to_parquet(tmp_path / "c.parquet")
    assert "empty feature id" in message(tmp_path / "c.parquet")


def test_a_parquet_without_ids_is_refused_whole(tmp_path):
    TABLE.reset_index(drop=True).to_parquet(tmp_path / "a.parquet")
    for orientation in ("features_in_rows", "samples_in_rows"):
        found = message(tmp_path / "a.parquet", orientation=orientation)
        assert "a.parquet: no id column" in found
        assert "got a first column TP53 of type float64" in found
        assert "save the ids as the index or the first column as text" in found
    with pytest.raises(AmuclError, match="no id column"):
        read_clinical(tmp_path / "a.parquet")


@pytest.mark.parametrize("cells", [[True, False], [None, True]])
def test_parquet_booleans_are_no_numbers(tmp_path, cells):
    pd.DataFrame({"gene": ["g1", "g2"], "s1": [1.0, 2.0], "s2": cells}).to_parquet(tmp_path / "a.parquet")
    found = message(tmp_path / "a.parquet")
    assert f"row {'g1' if cells[0] else 'g2'}, column s2: not a number; expected a number; got 'True'" in found


def test_repeated_ids_are_placed_in_either_orientation(tmp_path):
    path = write(tmp_path / "a.tsv", "id\tg1\tg2\tg1\np1\t1\t2\t3\n")
    assert "(g1 in columns 2 and 4)" in message(path, orientation="samples_in_rows")
    path = write(tmp_path / "a.tsv", "id\tg1\np1\t1\np2\t2\np2\t3\np1\t3\n")
    assert "got p1, p2 (p1 in lines 2 and 5)" in message(path, orientation="samples_in_rows")


def test_names_of_genes_that_a_spreadsheet_has_changed():
    changed = ["1-Mar", "2-Sep", "Dec-01", "1-Mar-02", "2001-09-01 00:00:00", "01/03/2024", "2.31E+19"]
    assert spreadsheet_ids([*changed, "MARCH1", "SEPT1", "NKX2-1", "1433E", "2310009E13", "hsa-let-7a-1"]) == changed


def test_clinical_keeps_strings_and_reads_numbers(tmp_path):
    text = "sample\tage\tstage\tgrade\tnote\np1\t61\tII\t1\t\np2\tNA\tIII\tX\t\np3\t7.5\tNA\t2\t\n"
    table = read_clinical(write(tmp_path / "c.tsv", text))
    assert table.index.name == "sample"
    np.testing.assert_array_equal(table["age"], [61, np.nan, 7.5])
    assert table["stage"].to_list()[:2] == ["II", "III"]
    assert table["stage"].isna().to_list() == [False, False, True]
    assert table["grade"].to_list() == ["1", "X", "2"]
    assert table["note"].isna().all()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("sample\tage\np1\t1\np2\t3\np1\t2\n", r"duplicate sample ids.*\(p1 in lines 2 and 4\)"),
        ("sample\tage\tage\np1\t1\t2\n", r"duplicate column ids.*\(age in columns 2 and 3\)"),
        ("sample\tage\tsex\np1\t1\tF\np2\t1\n", "line 3: wrong number of fields"),
        ("sample\tage\n\t1\n", "empty sample id"),
        ("", "the file is empty"),
    ],
)
def test_bad_clinical_tables(tmp_path, text, what):
    with pytest.raises(AmuclError, match=what):
        read_clinical(write(tmp_path / "c.tsv", text))


def test_clinical_from_parquet_and_h5mu_agree_with_text(tmp_path):
    frame = pd.DataFrame({"age": [61.0, np.nan], "stage": ["II", None]}, index=pd.Index(["p1", "p2"], name="sample"))
    frame.to_parquet(tmp_path / "c.parquet")
    cohort = mudata.MuData({"expression": anndata.AnnData(np.ones((2, 1)), obs=pd.DataFrame(index=["p1", "p2"]))})
    cohort.obs = frame
    cohort.write_h5mu(tmp_path / "c.h5mu")
    expected = read_clinical(write(tmp_path / "c.tsv", "sample\tage\tstage\np1\t61\tII\np2\t\t\n"))
    pd.testing.assert_frame_equal(read_clinical(tmp_path / "c.parquet"), expected)
    pd.testing.assert_frame_equal(read_clinical(tmp_path / "c.h5mu"), expected)


@needs_shared
def test_published_simulated_tables():
    folder = SHARED / "simulated" / "equal" / "5"
    table = read_omic(folder / "omics1.txt", omic="methylation")
    assert table.shape == (100, 367)
    assert list(table.index[:2]) == ["subject1", "subject2"]
    clusters = read_clinical(folder / "clusters.txt").set_index("subjects")["cluster.id"]
    assert clusters.value_counts().to_dict() == {1: 25, 2: 20, 3: 20, 4: 20, 5: 15}


# Tables too large to be read at once ---------------------------------------------------------------------------------


@pytest.mark.parametrize("n_rows", [1, 2, 3, 4, 100])
def test_a_table_in_pieces_is_the_table(tmp_path, n_rows):
    text = "sample\ts1\ts2\n" + "".join(f"g{i}\t{i / 7!r}\tNA\n" for i in range(9))
    path = write(tmp_path / "a.gz", text)
    pieces = list(stream_numbers(path, n_rows=n_rows))
    assert [len(piece) for piece in pieces[:-1]] == [n_rows] * (len(pieces) - 1)
    pd.testing.assert_frame_equal(pd.concat(pieces), parse_numbers(text, path))


@pytest.mark.parametrize("n_rows", [1, 2, 100])
def test_unknown_cells_of_a_streamed_table_are_counted_among_all_its_cells(tmp_path, n_rows):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"gene\ts1\ts2\ng1\t1\tNA\ng2\t2\t3\ng3\t\tNA\ng4\t4\t5\n", mtime=0))
    notes = []
    list(stream_numbers(path, n_rows=n_rows, notes=notes, source="rna"))
    (note,) = notes
    assert (note.source, note.n, note.n_cells) == ("rna", 3, 8)
    assert {word: n for word, n, _ in note.found} == {"NA": 2, "": 1}


@pytest.mark.parametrize(
    ("bad", "where"),
    [("g5\tx\t1", "a.gz, line 7, row g5, column s1: not a number"), ("g5\t1", "a.gz, line 7: wrong number of fields")],
)
@pytest.mark.parametrize("n_rows", [1, 4, 5, 100])
def test_a_bad_row_of_any_piece_is_placed_in_the_file(tmp_path, bad, where, n_rows):
    lines = ["sample\ts1\ts2", *(f"g{i}\t1\t2" for i in range(5)), bad, "g6\t1\t2"]
    with pytest.raises(AmuclError) as caught:
        list(stream_numbers(write(tmp_path / "a.gz", "\n".join(lines) + "\n"), n_rows=n_rows))
    assert where in str(caught.value)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"<html>", "not a gzip file, or a damaged one"),
        (gzip.compress(b"sample\ts1\n" + b"g\t1\n" * 500, mtime=0)[:-20], "truncated gzip file"),
        (gzip.compress(b"sample\ts1\n", mtime=0), "no rows below the header"),
        (gzip.compress(b"sample\ts1\ng\xe9\t1\n", mtime=0), "a.gz, line 2: not UTF-8 text"),
    ],
)
def test_a_file_that_cannot_be_read_in_pieces(tmp_path, content, what):
    (tmp_path / "a.gz").write_bytes(content)
    with pytest.raises(AmuclError, match=what):
        list(stream_numbers(tmp_path / "a.gz"))
