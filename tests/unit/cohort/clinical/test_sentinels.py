import numpy as np
import pandas as pd
import pytest

from amucl.cohort.clinical.sentinels import sentinel_notes

AGES = [50.0, 61, 47, 70, 66, 58]


@pytest.mark.parametrize("value", [-9, -99, -999, 999, 9999, -1])
def test_a_number_for_unknown_is_told(value):
    table = pd.DataFrame({"age": [*AGES, value, value], "size": [*AGES, 55, np.nan], "text": ["a"] * 8})
    (note,) = sentinel_notes(table, "clinical")
    assert (note.what, note.n) == ("numbers for unknown", 1)
    assert f"{value:g} in age" in note.note
    assert "size" not in note.note


@pytest.mark.parametrize(
    "cells", [[*AGES, 99], [-9, -5, -12, 3, 4], [0, 1, -1, 1, 0], [999, 1000, 1001, 998], [99.0] * 6]
)
def test_measurements_are_not_told(cells):
    assert sentinel_notes(pd.DataFrame({"x": np.array(cells, float)}), "clinical") == []
