"""Words for unknown: read as such in every table, counted by word, changed by the configuration."""

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.clinical.labelling import join_label_tables
from amucl.cohort.cohort import read_files_cohort
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.readers.tables import read_clinical, read_omic
from amucl.cohort.readers.words import unknown_words
from amucl.errors import AmuclError

UNKNOWN = [
    "", "NA", "na", "N/A", "#N/A", "NaN", "null", "None", "<NA>", ".", "-", "--", "'--", "?", "[Not Available]",
    "[not applicable]", "[Unknown]", "[Completed]", "[Discrepancy]", "unknown", "Not Reported", "NOT AVAILABLE",
    "#VALUE!", "#DIV/0!", "#REF!", "#NAME?", "#NULL!", "#NUM!", " missing ", "not  recorded",
]  # fmt: skip
KNOWN = ["0", "Other", "Normal", "No", "Negative", "Unknown primary", "NOS", "ND", "-1", "X"]


def test_words_that_mean_unknown_and_words_that_do_not():
    words = unknown_words()
    assert [word for word in UNKNOWN if word not in words] == []
    assert [word for word in KNOWN if word in words] == []


def test_the_list_is_changed_by_words_of_any_case():
    words = unknown_words(("Pending", "-9"), ("none", ""))
    assert "PENDING" in words
    assert "-9" in words
    assert "None" not in words
    assert "" in words  # an empty cell says nothing
    assert "pending" not in unknown_words()


@pytest.mark.parametrize("word", UNKNOWN)
def test_a_column_stays_numeric_beside_unknown_cells(tmp_path, word):
    (tmp_path / "c.tsv").write_text(f"id\tage\tsex\np1\t61\tmale\np2\t{word}\t{word}\n")
    table = read_clinical(tmp_path / "c.tsv")
    np.testing.assert_array_equal(table["age"], [61, np.nan])
    assert table["sex"].isna().to_list() == [False, True]


def test_every_spelling_is_missing_in_a_matrix_and_counted(tmp_path):
    cells = ["1.5", "nA", "#DIV/0!", "nA", "'--", " ? ", ""]
    (tmp_path / "a.tsv").write_text("gene\t" + "\t".join(f"s{i}" for i in range(7)) + "\ng\t" + "\t".join(cells) + "\n")
    notes = []
    table = read_omic(tmp_path / "a.tsv", omic="rna", notes=notes)
    assert table["g"].isna().to_list() == [False] + [True] * 6
    (note,) = notes
    assert (note.n, note.n_cells) == (6, 7)
    assert {word: n for word, n, _ in note.found} == {"nA": 2, "#DIV/0!": 1, "'--": 1, "?": 1, "": 1}
    assert {word: columns for word, _, columns in note.found}["nA"] == ("s1", "s3")


def own(folder, **texts):
    files = {}
    for name, text in texts.items():
        files[name] = folder / f"{name}.tsv"
        files[name].write_text(text)
    return files


RNA = "gene\tp1\tp2\tp3\tp4\n" + "".join(f"g{i}\t{i}\t{i * i}\t{3 - i}\t{i % 2}\n" for i in range(4))


def test_unknown_cells_of_all_tables_stand_in_the_join_report(tmp_path):
    files = own(
        tmp_path,
        rna=RNA.replace("g1\t1", "g1\tNA"),
        clinical="id\tsex\tage\np1\t'--\t61\np2\tmale\t'--\np3\tNone\t50\np4\tmale\tpending\n",
        labels="id\tclass\np1\tA\np2\tUnknown\np3\tB\np4\tB\n",
    )
    words = unknown_words(("pending",), ("None",))
    raw = read_files_cohort({"rna": files["rna"]}, clinical=files["clinical"], words=words)
    raw = join_label_tables(raw, {"tcga": files["labels"]}, words=words)
    cells = raw.join[raw.join["unit"] == "cells"].set_index(["source", "reason"])
    assert cells["n_dropped"].to_dict() == {
        ("rna", "read as unknown: `NA`"): 1,
        ("clinical", "read as unknown: `'--`"): 2,
        ("clinical", "read as unknown: `pending`"): 1,
        ("tcga", "read as unknown: `Unknown`"): 1,
    }
    assert cells.loc[("clinical", "read as unknown: `'--`"), "examples"] == "sex, age"
    assert (cells["n_in"] == cells["n_matched"] + cells["n_dropped"]).all()
    assert raw.clinical["sex"].to_dict()["p3"] == "None"
    assert raw.clinical["tcga.class"].isna().sum() == 1
    assert [note.source for note in raw.notes if note.what == "unknown words"] == ["rna", "clinical", "tcga"]


def test_labels_that_a_word_says_to_be_unknown_are_no_mistake(tmp_path):
    files = own(tmp_path, rna=RNA, clinical="id\tclass\np1\tA\np2\t'--\np3\tB\np4\tB\n")
    settings = Preprocessing(truth="class", log2=False)
    prepared = preprocess(read_files_cohort({"rna": files["rna"]}, clinical=files["clinical"]), settings)
    assert prepared.cohort.obs["class"].isna().sum() == 1
    assert [note.n for note in prepared.notes if note.what == "unknown labels"] == [1]
    files["clinical"].write_text("id\tclass\np1\tA\np2\t\np3\tB\np4\tB\n")
    with pytest.raises(AmuclError, match="1 of 4 patients have no label"):
        preprocess(read_files_cohort({"rna": files["rna"]}, clinical=files["clinical"]), settings)


@pytest.mark.parametrize("kind", ["tsv", "csv", "parquet"])
@pytest.mark.parametrize("word", ["-9", "-9.0"])
def test_a_number_that_means_unknown_does_so_however_it_is_written(tmp_path, kind, word):
    table = pd.DataFrame({"P1": [1.5, -9.0], "P2": [-9, -90]}, index=["g1", "g2"])
    path, notes = tmp_path / f"x.{kind}", []
    if kind == "parquet":
        table.to_parquet(path)
    elif kind == "csv":
        table.to_csv(path, sep=";", decimal=",")
    else:
        table.to_csv(path, sep="\t", float_format="%.4f")
    read = read_omic(path, omic="rna", words=unknown_words((word,)), notes=notes)
    np.testing.assert_array_equal(read.to_numpy(), [[1.5, np.nan], [np.nan, -90]])
    assert next(note for note in notes if note.what == "unknown words").n == 2
    assert read_omic(path, omic="rna").loc["P1", "g2"] == -9
    clinical = pd.DataFrame({"x": [-9.0, 1.5]}, index=["P1", "P2"])
    clinical.to_csv(tmp_path / "c.tsv", sep="\t")
    assert read_clinical(tmp_path / "c.tsv", words=unknown_words((word,)))["x"].isna().tolist() == [True, False]
