import numpy as np
import pandas as pd
import pytest

from amucl.cohort.clinical.followup import join_followup, parse_followup
from amucl.errors import AmuclError

COLUMNS = {"id": "sample", "os_time": "OS.time", "os_event": "OS"}


def parse(rows):
    table = pd.DataFrame(rows, columns=["id", "time", "event"]).set_index("id")
    return parse_followup(table["time"], table["event"], "s.txt", columns=COLUMNS)


def test_cells_become_days_and_events():
    parsed = parse([("tcga.aa.0001", "0", "1"), ("TCGA-AA-0002-01", np.nan, "0"), ("TCGA-AA-0003-01A", "3.5", np.nan)])
    assert parsed["id"].to_list() == ["TCGA-AA-0001", "TCGA-AA-0002-01", "TCGA-AA-0003-01"]
    assert parsed["patient"].to_list() == [f"TCGA-AA-000{i}" for i in (1, 2, 3)]
    np.testing.assert_array_equal(parsed[["os_time", "os_event"]], [[0, 1], [np.nan, 0], [3.5, np.nan]])


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (("patient 1", "1", "0"), "s.txt, line 3, column sample: not a TCGA barcode; got patient 1"),
        (("TCGA-AA-0002-01", "soon", "0"), "s.txt, line 3, column OS.time: not a number; expected days; got 'soon'"),
        (("TCGA-AA-0002-01", "inf", "0"), "s.txt, line 3, column OS.time: not a number"),
        (("TCGA-AA-0002-01", "1", "2"), "s.txt, line 3, column OS: impossible event; expected 0 or 1; got 2.0"),
    ],
)
def test_impossible_cells_are_placed(row, message):
    with pytest.raises(AmuclError) as caught:
        parse([("TCGA-AA-0001-01", "1", "0"), row])
    assert message in str(caught.value)


def test_a_patient_has_the_longest_follow_up_of_all_samples():
    survival = parse(
        [
            ("TCGA-AA-0001-11", "10", "1"),
            ("TCGA-AA-0001-01", "20", "0"),
            ("TCGA-AA-0002-01", "-3", "0"),
            ("TCGA-AA-0003-01", "7", "0"),
            ("TCGA-AA-0003-11", "7", "1"),
            ("TCGA-AA-0009-01", "5", "0"),
        ]
    )
    before = survival.copy()
    patients = pd.Series({f"row{i}": f"TCGA-AA-000{i}" for i in (3, 2, 1)})
    joined, report = join_followup(survival, patients)
    assert list(joined.index) == ["row3", "row2", "row1"]
    np.testing.assert_array_equal(joined, [[7, 1], [np.nan, np.nan], [20, 0]])
    assert {(row["reason"], *row["dropped"]) for row in report if row["dropped"]} == {
        ("negative time, taken as missing", "TCGA-AA-0002-01"),
        ("the patient is repeated with other values", "TCGA-AA-0001-11", "TCGA-AA-0003-01"),
        ("not in the cohort", "TCGA-AA-0009"),
        ("no survival time or event", "row2"),
    }
    pd.testing.assert_frame_equal(survival, before)
