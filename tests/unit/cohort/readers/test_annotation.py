"""Annotation of features and counters of reads are neither samples nor features."""

import time

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.cohort import read_files_cohort
from amucl.cohort.readers.tables import read_omic
from amucl.errors import AmuclError

COUNTS = pd.DataFrame([[5.0, 6], [7, 8], [1, 2]], index=["ENSG1.1", "ENSG2.3", "ENSG3.2"], columns=["p1", "p2"])


def read(folder, table, name="a.tsv", orientation="features_in_rows"):
    notes = []
    path = folder / name
    if name.endswith(".parquet"):
        table.to_parquet(path)
    else:
        path.write_text(table if isinstance(table, str) else table.to_csv(sep="\t"))
    return read_omic(path, omic="rna", orientation=orientation, notes=notes), {note.what: note for note in notes}


STAR = (
    "# gene-model: GENCODE v36\ngene_id\tgene_name\tgene_type\tp1\tp2\nN_unmapped\t\t\t99\t98\nN_noFeature\t\t\t9\t8\n"
    "ENSG1.1\tTP53\tprotein_coding\t5\t6\nENSG2.3\tKRAS\tprotein_coding\t7\t8\nENSG3.2\tTP53\tlncRNA\t1\t2\n"
)


def test_star_counts(tmp_path):
    table, notes = read(tmp_path, STAR)
    pd.testing.assert_frame_equal(table, COUNTS.T, check_names=False)
    assert "gene_name, gene_type" in notes["annotation columns"].note
    assert notes["counter rows"].n == 2
    assert "N_unmapped, N_noFeature" in notes["counter rows"].note


@pytest.mark.parametrize("name", ["a.tsv", "a.parquet"])
def test_feature_counts_with_columns_behind_and_between(tmp_path, name):
    frame = COUNTS.rename_axis("Geneid").copy()
    frame.insert(0, "Chr", ["1;1", "2", "X"])
    frame.insert(1, "Start", [1, 2, 3])
    frame.insert(3, "Length", [100, 200, 300])
    frame["description"] = ["a", "b", None]
    table, notes = read(tmp_path, frame, name)
    pd.testing.assert_frame_equal(table, COUNTS.T, check_names=False)
    assert notes["annotation columns"].n == 4


def test_htseq_and_samples_in_rows(tmp_path):
    counters = pd.DataFrame(9.0, index=["__no_feature", "__alignment_not_unique"], columns=["p1", "p2"])
    frame = pd.concat([COUNTS, counters])
    expected, _ = read(tmp_path, frame)
    pd.testing.assert_frame_equal(expected, COUNTS.T, check_names=False)
    flipped = frame.T
    flipped.loc["gene_type"] = "protein_coding"
    found, notes = read(tmp_path, flipped, orientation="samples_in_rows")
    pd.testing.assert_frame_equal(found, expected)
    assert "__no_feature" in notes["counter columns"].note
    assert "gene_type" in notes["annotation rows"].note


CBIO = "Hugo_Symbol\tEntrez_Gene_Id\tp1\tp2\nTP53\t7157\t1\t2\nKRAS\t3845\t3\t4\nTP53\t1\t5\t6\n\t10357\t7\t8\n"


def test_cbioportal_matrices(tmp_path):
    table, notes = read(tmp_path, CBIO)
    assert table.to_dict() == {"KRAS": {"p1": 3, "p2": 4}, "TP53": {"p1": 5, "p2": 6}}
    assert notes["repeated features"].n == 1
    assert "(no name)" in notes["counter rows"].note
    raw = read_files_cohort({"rna": tmp_path / "a.tsv"})
    steps = {step.step: step for step in raw.steps}
    assert (steps["duplicate_features"].features_in, steps["duplicate_features"].features_out) == (3, 2)


def test_symbols_are_ids_beside_entrez_numbers_and_row_numbers(tmp_path):
    swapped = "Entrez_Gene_Id\tHugo_Symbol\tp1\n7157\tTP53\t1\n3845\tKRAS\t3\n"
    table, notes = read(tmp_path, swapped)
    assert table.to_dict() == {"TP53": {"p1": 1}, "KRAS": {"p1": 3}}
    assert "Hugo_Symbol" in notes["id column"].note
    table, _ = read(tmp_path, "\tprobe\tp1\n0\tcg1\t1\n1\tcg2\t3\n")
    assert table.to_dict() == {"cg1": {"p1": 1}, "cg2": {"p1": 3}}
    table, _ = read(tmp_path, '"Hugo_Symbol" "p1"\n"1" "TP53" 1\n"2" "KRAS" 3\n', "r.txt")
    assert table.to_dict() == {"TP53": {"p1": 1}, "KRAS": {"p1": 3}}


def test_a_column_of_text_with_no_known_name_is_refused(tmp_path):
    with pytest.raises(AmuclError) as caught:
        read(tmp_path, "gene\tflag\tp1\ng1\tgood\t1\ng2\tbad\t2\n")
    assert "line 2, row g1, column flag: the column flag is text" in str(caught.value)
    assert "remove the column" in str(caught.value)


def test_repeated_samples_and_repeated_ids_without_annotation_stay_mistakes(tmp_path):
    with pytest.raises(AmuclError, match="duplicate sample ids"):
        read(tmp_path, CBIO.replace("p2", "p1"))
    with pytest.raises(AmuclError, match="duplicate feature ids"):
        read(tmp_path, "gene\tp1\nTP53\t1\nTP53\t2\n")


def test_a_list_with_many_rows_of_one_id_is_no_matrix(tmp_path):
    rows = "".join(f"s1\t1\t{i}\t{i + 9}\t.5\n" for i in range(5))
    with pytest.raises(AmuclError, match="duplicate feature ids"):
        read(tmp_path, "ID\tchrom\tfrom\tto\tmean\n" + rows)


def test_a_header_that_has_lost_a_sign_is_refused(tmp_path):
    with pytest.raises(AmuclError, match="line 1: the header has one field fewer"):
        read(tmp_path, "gene\tp1p2\tp3\nTP53\t1\t2\t3\nKRAS\t1\t2\t3\n")


@pytest.mark.parametrize("orientation", ["features_in_rows", "samples_in_rows"])
def test_time_grows_with_the_table_whatever_its_shape(tmp_path, orientation):
    """Four times the columns take less than eight times as long; a reader that is quadratic takes sixteen."""
    seconds = []
    for n in (25_000, 100_000):
        values = np.arange(3 * n).reshape(3, n) % 997 / 7
        rows = [[name, *map(repr, row)] for name, row in zip("abc", values.tolist(), strict=True)]
        path = tmp_path / f"{n}.tsv"
        path.write_text("\n".join("\t".join(row) for row in [["id", *(f"x{i}" for i in range(n))], *rows]) + "\n")
        start = time.process_time()
        found = read_omic(path, omic="x", orientation=orientation)
        seconds.append(time.process_time() - start)
        np.testing.assert_array_equal(found if orientation == "samples_in_rows" else found.T, values)
    assert seconds[1] < 8 * seconds[0] + 0.5
