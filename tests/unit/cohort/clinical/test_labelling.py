import numpy as np
import pandas as pd
import pytest

from amucl.cohort.clinical.labelling import join_label_tables
from amucl.cohort.cohort import assemble, read_cohort, write_cohort
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.sources.registry import read_source
from amucl.errors import AmuclError
from tests.shared import SHARED, needs_shared

BARCODES = [f"TCGA-AB-28{i:02}-03A" for i in range(8)]


def cohort(ids=BARCODES, *, tcga=True):
    values = pd.DataFrame(np.random.default_rng(0).normal(size=(len(ids), 5)), index=ids, columns=list("abcde"))
    clinical = pd.DataFrame({"age": np.arange(len(ids), dtype=float)}, index=ids)
    return assemble({"expression": values}, clinical=clinical, tcga=tcga)


def table(tmp_path, text, name="labels.tsv"):
    path = tmp_path / name
    path.write_text(text)
    return path


def joined(tmp_path, text, raw=None, name="labels.tsv"):
    return join_label_tables(cohort() if raw is None else raw, {"tcga": table(tmp_path, text, name)})


def test_a_table_is_joined_by_patient_and_counted(tmp_path):
    raw = joined(tmp_path, "sample\tlabel\nTCGA-AB-2801\t5\nTCGA.AB.2800.03\t2\nTCGA-AB-2999\t1\n")
    assert raw.clinical["tcga.label"].tolist()[:3] == pytest.approx([2, 5, np.nan], nan_ok=True)
    assert "age" in raw.clinical
    report = raw.join.set_index(["source", "reason"])
    assert report.loc[("tcga", "no row of the cohort takes it"), ["n_in", "n_matched", "n_dropped"]].tolist() == [
        3,
        2,
        1,
    ]
    assert report.loc[("cohort", "not in tcga"), "n_dropped"] == 6
    assert "TCGA-AB-2999" in raw.unmatched["id"].tolist()
    assert len(cohort().join) + 2 == len(raw.join)


def test_the_first_column_that_names_patients_is_taken(tmp_path):
    raw = joined(tmp_path, "study,patient,FAB\nlaml,TCGA-AB-2800,M3\nlaml,TCGA-AB-2801,M4\n", name="labels.csv")
    assert raw.clinical["tcga.FAB"].tolist()[:2] == ["M3", "M4"]
    assert "tcga.patient" not in raw.clinical


def test_of_several_rows_of_a_patient_that_of_the_same_sample_is_taken(tmp_path):
    raw = joined(
        tmp_path, "id\tclass\nTCGA-AB-2800-01\tother\nTCGA-AB-2800-03\tours\nTCGA-AB-2801\tx\nTCGA-AB-2801\tx\n"
    )
    assert raw.clinical["tcga.class"].tolist()[:2] == ["ours", "x"]


def test_samples_that_are_no_barcodes_are_joined_as_written(tmp_path):
    raw = joined(tmp_path, "id\tclass\ns2\tb\ns1\ta\n", cohort(["s1", "s2", "s3"], tcga=False))
    assert raw.clinical["tcga.class"].tolist()[:2] == ["a", "b"]


def test_columns_without_a_value_are_left_out(tmp_path):
    raw = joined(tmp_path, "id\ta/b\tempty\nTCGA-AB-2800\tx\t\nTCGA-AB-2801\ty\tNA\n")
    assert [name for name in raw.clinical if name.startswith("tcga")] == ["tcga.a/b"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id\tclass\ns1\ta\n", "no column of the table names samples or patients"),
        ("id\tclass\nTCGA-AB-2800\ta\nTCGA-AB-2800\tb\n", "rows of one sample or patient that differ"),
        ("id\tclass\tclass\nTCGA-AB-2800\ta\tb\n", "duplicate column ids"),
        ("", "empty"),
    ],
)
def test_mistakes_are_told_in_one_line(tmp_path, text, message):
    with pytest.raises(AmuclError, match=message) as error:
        joined(tmp_path, text)
    assert "labels.tsv" in str(error.value)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(AmuclError, match="table of labels does not exist"):
        join_label_tables(cohort(), {"tcga": tmp_path / "absent.tsv"})


def test_a_column_of_the_cohort_is_not_replaced(tmp_path):
    raw = joined(tmp_path, "id\tclass\nTCGA-AB-2800\ta\n")
    with pytest.raises(AmuclError, match="columns of these names") as error:
        join_label_tables(raw, {"tcga": tmp_path / "labels.tsv"})
    assert "tcga.class" in str(error.value)


def test_labels_reach_the_cohort_file(tmp_path):
    omic = tmp_path / "expression.csv"
    values = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 8)), columns=[f"s{i}" for i in range(8)])
    values.rename_axis("gene").to_csv(omic)
    labels = table(tmp_path, "id\tclass\n" + "".join(f"s{i}\tC{i % 2}\n" for i in range(8)))
    entry = {"source": "files", "label_tables": ["known"]}
    raw = read_source(entry, ["expression"], {"omics": [omic], "labels": [labels]})
    prepared = preprocess(raw, Preprocessing(truth="known.class"), dataset="mine")
    write_cohort(prepared.cohort, tmp_path / "cohort.h5mu")
    assert read_cohort(tmp_path / "cohort.h5mu").obs["known.class"].tolist() == ["C0", "C1"] * 4


@needs_shared
@pytest.mark.parametrize(
    ("file", "column", "n_classes"),
    [
        ("tcga_laml_subtypes/AML_subtypes.tsv", "Subtype_Selected", 7),
        ("tcga_laml_subtypes/AML_subtypes_miRNA.tsv", "label", 5),
        ("tcga_laml_clinical/laml_tcga_pub_clinical_data.csv", "FAB", 9),
    ],
)
def test_published_tables_of_aml_are_read(file, column, n_classes):
    patients = [f"TCGA-AB-{number}-03" for number in range(2802, 3013)]
    raw = join_label_tables(cohort(patients), {"tcga": SHARED / "labels" / file})
    labels = raw.clinical[f"tcga.{column}"].dropna()
    assert len(labels) > 150
    assert labels.nunique() == n_classes
