"""A shift of new patients against the reference is said, and is not where there is none."""

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.preparation.shift import omic_shift, shift_in_words, shift_notes, shift_table

LEVEL = np.random.default_rng(5).normal(7, 2, size=400)


def expression(n, seed, subtypes=4):
    """log2 values of 400 genes: a level each, patients' own noise and subtypes of one gene in four each."""
    rng = np.random.default_rng(seed)
    table = LEVEL + rng.normal(0, 0.7, size=(n, 400))
    for number in range(subtypes):
        table[np.ix_(np.arange(n) % subtypes == number, np.arange(number, 400, subtypes))] += 1.5
    return pd.DataFrame(np.maximum(table, 0)).add_prefix("g")


def mutations(n, seed):
    return pd.DataFrame((np.random.default_rng(seed).random((n, 80)) < 0.1).astype(float)).add_prefix("m")


def beta(n, seed):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(1 / (1 + np.exp(-(LEVEL - 7) - rng.normal(0, 0.5, size=(n, 400))))).add_prefix("c")


def warning(reference, new):
    return omic_shift("omic", reference, new)["warning"]


@pytest.mark.parametrize("make", [expression, mutations, beta])
@pytest.mark.parametrize("seed", range(5))
def test_patients_like_the_references_give_no_alarm(make, seed):
    both = make(120, seed)
    order = np.random.default_rng(seed).permutation(120)
    reference = both.iloc[order[:60]]
    for n in (60, 10, 5):
        assert warning(reference, both.iloc[order[60 : 60 + n]]) == "", n
    for one in order[60:80]:
        assert warning(reference, both.iloc[[one]]) == ""


def test_patients_of_one_subtype_give_no_alarm():
    reference, new = expression(80, 0), expression(80, 1)
    for number in range(4):
        for n in (20, 5, 1):
            assert warning(reference, new.iloc[number::4].head(n)) == ""


@pytest.mark.parametrize("n", [1, 5, 40])
def test_values_of_another_scale_are_said_with_what_to_do(n):
    reference, new = expression(60, 0), expression(n, 1)
    unlogged = warning(reference, 2**new - 1)
    assert "set `log2` to true" in unlogged
    twice = warning(reference, np.log2(new + 1))
    assert "set `log2` to false" in twice
    for changed in (new + reference.std(), 3 * new, new - new.mean().mean(), new.rank(axis=1) / 400):
        told = warning(reference, changed)
        assert told != ""
        assert "log2" not in told


@pytest.mark.parametrize("n", [1, 40])
def test_another_platform_is_said(n):
    """The same mean and spread, but every gene has a response of its own."""
    reference, new = expression(60, 0), expression(n, 1)
    response = np.random.default_rng(8).normal(0, 2, size=400)
    assert "of the features are shifted" in warning(reference, new + response) or n == 1
    assert warning(reference, new + response) != ""
    shuffled = pd.DataFrame(new.to_numpy()[:, ::-1], columns=new.columns)
    assert "correlation with its mean profile" in warning(reference, shuffled)


def test_the_measures_are_what_they_say():
    reference = expression(50, 0)
    new = reference.iloc[:8] + 2 * reference.std(ddof=0)
    found = omic_shift("rna", reference, new.iloc[:, :300])
    assert (found["n_patients"], found["n_features"], found["n_found"], found["n_compared"]) == (8, 400, 300, 300)
    z = (new - reference.mean())[reference.columns[:300]] / reference.std(ddof=0)[reference.columns[:300]]
    part = reference.iloc[:, :300]
    own = ((part - part.mean()) / part.std(ddof=0)).median(axis=1).median() * 50 / 49
    assert found["location"] == pytest.approx(z.median(axis=1).median() - own)
    assert found["location"] == pytest.approx(2, abs=0.2)
    assert found["n_shifted"] == (z.mean().abs() > 1 + 3 / np.sqrt(8)).sum()
    assert found["share_shifted"] == found["n_shifted"] / 300
    r = [np.corrcoef(row[:300], reference.mean()[:300])[0, 1] for row in new.to_numpy()]
    assert found["correlation"] == pytest.approx(np.median(r))
    assert found["highest"] == pytest.approx(np.quantile(new.iloc[:, :300], 0.99))
    assert np.isnan(found["reads_ratio"])


def test_depth_of_libraries_is_compared():
    reference = expression(20, 0)
    depths = pd.Series(np.full(20, 1000.0)), pd.Series([100.0, 100.0])
    found = omic_shift("rna", reference, expression(2, 1), reads=depths)
    assert found["reads_ratio"] == pytest.approx(0.1)
    assert found["warning"] == "libraries are 0.1 times as deep"


def test_missing_values_and_no_patient_are_taken():
    reference, new = expression(30, 0), expression(3, 1)
    gaps = new.mask(np.random.default_rng(0).random(new.shape) < 0.3)
    assert warning(reference, gaps) == ""
    assert omic_shift("rna", reference, new.iloc[:0])["n_patients"] == 0


def test_warnings_become_notes_and_words():
    reference = expression(30, 0)
    table = shift_table([omic_shift("rna", reference, expression(3, 1)), omic_shift("x", reference, reference + 9)])
    (note,) = shift_notes(table, "new", "ref")
    assert (note.source, note.what) == ("x", "shift")
    assert note.note.startswith("new differs from ref: values are higher by ")
    assert shift_in_words(table).startswith("Warning, the new patients differ from the reference. x: values are higher")
    assert shift_in_words(table.head(1)) == ""
