"""Numbers as people write them, decided by the whole column."""

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.readers.numerals import tidy_columns

NUMERIC = {
    "decimal commas": (["12,5", "3", "0,75"], [12.5, 3, 0.75]),
    "english thousands": (["1,234.5", "12", "1,234,567"], [1234.5, 12, 1234567]),
    "european thousands": (["1.234,5", "12", "1.234.567"], [1234.5, 12, 1234567]),
    "spaces": (["1 234", "12 345,5", "7"], [1234, 12345.5, 7]),
    "hard spaces": (["1\u00a0234", "12\u202f345", "7"], [1234, 12345, 7]),
    "apostrophes": (["1'234", "7"], [1234, 7]),
    "bounds": ([">89", "61", "50", "7"], [89, 61, 50, 7]),
    "other bounds": (["<0.5", "≤ 2", "1", "3", "4", "9.5"], [0.5, 2, 1, 3, 4, 9.5]),
    "per cent": (["45%", "3 %", "0"], [45, 3, 0]),
    "typographic minus": (["−1", "2"], [-1, 2]),
    "spaces around": ([" 12 ", "3"], [12, 3]),
    "three digits behind the comma, one group": (["1,234", "2,345"], [1234, 2345]),
    "many digits behind the comma": (["10,0553867017", "9,125"], [10.0553867017, 9.125]),
    "begins with nought": (["0,123", "1,234"], [0.123, 1.234]),
}
TEXT = {
    "classes by a bound": ["<65", ">=65"],
    "classes by bounds": ["<1", "1", "2", ">2"],
    "units": ["12 mm", "3 mm"],
    "lists of codes": ["1", "2", "1,2", "3"],
    "dates": ["11/11/14", "3/17/14"],
    "ranges": ["31-40%", "56-65%"],
    "both marks": ["12,5", "12.5"],
    "fractions and per cent": ["45%", "0.45"],
    "a word": ["1", "high"],
    "underscore": ["1_000", "2"],
}


@pytest.mark.parametrize("kind", NUMERIC)
def test_columns_of_numbers(kind):
    written, expected = NUMERIC[kind]
    found = tidy_columns(pd.DataFrame({"x": [*written, np.nan]}, dtype=object))["x"]
    np.testing.assert_array_equal(found, [*expected, np.nan])


@pytest.mark.parametrize("kind", TEXT)
def test_columns_that_stay_text(kind):
    assert tidy_columns(pd.DataFrame({"x": TEXT[kind]}, dtype=object))["x"].to_list() == TEXT[kind]


def test_other_columns_tell_what_a_comma_before_three_digits_is():
    table = pd.DataFrame(
        {"size": ["1,234", "2,345"], "weight": ["70,5", "81,25"], "n": ["1.234", "2.345"]}, dtype=object
    )
    notes = []
    found = tidy_columns(table, notes=notes, source="clinical")
    assert found["size"].to_list() == [1.234, 2.345]
    assert found["n"].to_list() == [1234, 2345]
    assert {note.what: note.n for note in notes} == {
        "decimal commas": 4, "thousands": 2, "commas before three digits": 2,
    }  # fmt: skip
    english = tidy_columns(table.assign(weight=["70.5", "81.25"]))
    assert english["size"].to_list() == [1234, 2345]
    assert english["n"].to_list() == [1.234, 2.345]


def test_what_was_read_otherwise_is_told_once_a_kind():
    notes = []
    table = pd.DataFrame({"age": [">89", "61", ">89", "50"], "psa": ["<0.1", "3", "4", "5"], "n": ["1", "2", "3", "4"]})
    tidy_columns(table, notes=notes, source="clinical")
    (note,) = notes
    assert (note.source, note.what, note.n) == ("clinical", "bounds", 3)
    assert "age (>89), psa (<0.1)" in note.note


def test_numbers_as_python_has_them_are_read_to_the_last_bit_and_without_a_word():
    written = [repr(float(number)) for number in np.random.default_rng(0).standard_normal(50) * 10.0 ** np.arange(50)]
    notes = []
    found = tidy_columns(pd.DataFrame({"x": written}, dtype=object), notes=notes)["x"]
    assert found.to_list() == [float(number) for number in written]
    assert notes == []


def test_thousands_behind_a_typographic_apostrophe():
    read = tidy_columns(pd.DataFrame({"x": ["1\u2019234.5", "12\u2019000", "999"]}))
    assert read["x"].tolist() == [1234.5, 12000.0, 999.0]
