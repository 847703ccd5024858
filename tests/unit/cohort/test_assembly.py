"""The counts of the join report, by hand."""

import pandas as pd
import pytest

from amucl.cohort.assembly import (
    MAX_DAYS,
    cells_row,
    check_survival,
    join_clinical,
    join_row,
    join_tables,
    rows_by_barcode,
)
from amucl.errors import AmuclError

A1, A2, A3 = (f"TCGA-AB-000{number}-03" for number in (1, 2, 3))
NORMAL, STRANGER = "TCGA-AB-0001-11", "TCGA-ZZ-9999-03"


def test_a_join_counts_what_entered_what_went_on_and_what_was_left():
    """Six rows: one is another of a patient who has one, one was merged before, one is a stranger's; three are left."""
    patients = pd.Series({row: row[:12] for row in (A1, A2, A3)})
    clinical = pd.DataFrame({"age": [50, 51, 60, 99]}, index=[A1, NORMAL, A2, STRANGER])
    joined, rows = join_clinical(clinical, patients, tcga=True, where="c.tsv", repeated=[A2])
    report, unmatched = join_tables(rows)
    counted = report.set_index("reason")[["source", "unit", "n_in", "n_matched", "n_dropped", "examples"]]
    assert counted.loc["another row stands for the same patient"].tolist() == [
        "clinical", "rows", 5, 3, 2, f"{A2}, {NORMAL}",
    ]  # fmt: skip
    assert counted.loc["not in the cohort"].tolist() == ["clinical", "rows", 3, 2, 1, STRANGER]
    assert counted.loc["no clinical data"].tolist() == ["cohort", "rows", 3, 2, 1, A3]
    assert joined["age"].iloc[:2].tolist() == [50, 60]
    assert pd.isna(joined["age"].iloc[2])
    assert unmatched["reason"].value_counts().to_dict() == report.set_index("reason")["n_dropped"].to_dict()


def test_every_row_adds_up():
    rows = [join_row("clinical", 9, ["a", "b", "a", "c", "d"], "r"), cells_row("expression", 40, 7, "NA", list("wxyz"))]
    report, unmatched = join_tables(rows)
    assert report[["unit", "n_in", "n_matched", "n_dropped"]].to_numpy().tolist() == [
        ["rows", 9, 4, 5],
        ["cells", 40, 33, 7],
    ]
    assert report["examples"].tolist() == ["a, b, c", "w, x, y"]  # each once, three at most
    assert unmatched.iloc[:, 1].tolist() == ["a", "b", "a", "c", "d"]  # as often as dropped; cells have no names


def omic(*samples):
    return pd.DataFrame({"g": range(len(samples))}, index=list(samples))


@pytest.mark.parametrize(("types", "row"), [(("01", "06"), "TCGA-AB-0001-01"), (("06", "01"), "TCGA-AB-0001-06")])
def test_a_patients_omics_come_from_the_first_type_of_sample_that_all_have(types, row):
    """Both omics have a primary (01) and a metastasis (06), the second omic's in another order."""
    both = ["TCGA-AB-0001-06", "TCGA-AB-0001-01"]
    tables, patients, ledger = rows_by_barcode({"a": omic(*both), "b": omic(*reversed(both))}, types)
    assert list(tables["a"].index) == list(tables["b"].index) == [row]
    assert (tables["a"]["g"].item(), tables["b"]["g"].item()) == (both.index(row), 1 - both.index(row))
    assert patients.to_dict() == {row: "TCGA-AB-0001"}
    kept = ledger[ledger["status"] == "kept"]
    assert kept[["omic", "column", "sample", "reason"]].to_numpy().tolist() == [
        ["a", row, row, ""],
        ["b", row, row, ""],
    ]
    assert len(ledger) == 4


def test_where_omics_have_no_type_of_sample_in_common_the_first_names_the_row_and_it_is_said():
    primary, metastasis = "TCGA-AB-0001-01", "TCGA-AB-0001-06"
    tables, patients, ledger = rows_by_barcode({"a": omic(metastasis), "b": omic(primary)}, ("01", "06"))
    assert list(tables["b"].index) == [metastasis]
    assert list(patients.index) == [metastasis]
    told = ledger.set_index("omic")
    assert told.loc["b", ["column", "sample", "status"]].tolist() == [primary, metastasis, "kept"]
    assert told.loc["b", "reason"] == f"stands in the row of the patient's sample {metastasis}"
    assert told.loc["a", "reason"] == ""


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [("os_time", [0, 0.5, MAX_DAYS, None], [-0.5, MAX_DAYS + 1, "soon"]), ("os_event", [0, 1, None], [2, -1, 0.5])],
)
def test_survival_that_can_be_passes_and_other_is_named(column, good, bad):
    check_survival(pd.DataFrame({column: good}), "c.tsv")
    for value in bad:
        table = pd.DataFrame({column: [*good, value]}, index=[f"p{i}" for i in range(len(good) + 1)])
        with pytest.raises(AmuclError, match=rf"c\.tsv, {column}, sample p{len(good)}: .* got {value}"):
            check_survival(table, "c.tsv")
