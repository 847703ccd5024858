import numpy as np
import pandas as pd
import pandas.testing as pdt

from amucl.cohort.clinical.levels import one_spelling


def test_spellings_that_differ_in_case_or_spaces_become_the_most_frequent():
    clinical = pd.DataFrame(
        {"sex": ["Male", "male", "male ", "male", "FEMALE", "Female", None], "age": [1.0, 2, 3, 4, 5, 6, np.nan]}
    )
    merged, (note,) = one_spelling(clinical)
    assert merged["sex"].tolist() == ["male", "male", "male", "male", "FEMALE", "FEMALE", None]
    assert (note.what, note.n) == ("levels", 3)
    assert "sex: 'Male' = 'male'" in note.note
    pdt.assert_series_equal(merged["age"], clinical["age"])
    assert clinical["sex"][0] == "Male"


def test_letters_of_one_case_and_free_text_stay():
    clinical = pd.DataFrame({"group": ["C", "c"] * 60, "text": [f"Word {i}" for i in range(60)] + ["word 1"] * 60})
    merged, notes = one_spelling(clinical)
    assert notes == []
    pdt.assert_frame_equal(merged, clinical)


def test_spaces_alone_are_no_difference_of_short_words():
    merged, _ = one_spelling(pd.DataFrame({"group": ["C", "C ", "c"]}))
    assert merged["group"].tolist() == ["C", "C", "c"]
