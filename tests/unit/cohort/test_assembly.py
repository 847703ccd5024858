"""The counts of the join report, by hand."""

import pandas as pd

from amucl.cohort.assembly import cells_row, join_clinical, join_row, join_tables

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
