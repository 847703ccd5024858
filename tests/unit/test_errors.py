import copy
import pickle
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amucl.errors import AmuclError, some

anything = st.none() | st.text() | st.integers() | st.floats() | st.lists(st.text())


@given(st.text(), anything, anything, anything, st.none() | st.text())
def test_a_mistake_is_told_in_one_line_whatever_it_quotes(what, where, expected, got, action):
    message = str(AmuclError(what, where=where, expected=expected, got=got, action=action))
    assert len(message.splitlines()) <= 1
    assert message == " ".join(message.split())


def test_parts_come_in_order():
    error = AmuclError("a value is missing", where="a.tsv, line 3", expected="a number", got="''", action="impute it")
    assert str(error) == "a.tsv, line 3: a value is missing; expected a number; got ''; impute it"
    assert (error.what, error.where, error.action) == ("a value is missing", "a.tsv, line 3", "impute it")
    assert str(AmuclError("only this")) == "only this"
    assert str(AmuclError("text\nof a\n\ttraceback", where=Path("a b"))) == "a b: text of a traceback"


def test_zero_and_empty_values_are_told():
    assert str(AmuclError("too few", expected=1, got=0)) == "too few; expected 1; got 0"


def test_an_error_survives_the_way_between_processes():
    error = AmuclError("what", where=Path("x"), expected=1, got=[2], action="do")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert str(twin) == str(error)
        assert (twin.expected, twin.got) == (1, [2])


@pytest.mark.parametrize(
    ("items", "text"),
    [([], ""), (["a"], "a"), ("abc", "a, b, c"), ("abcd", "a, b, c and 1 more"), (range(10), "0, 1, 2 and 7 more")],
)
def test_some_of_many_names(items, text):
    assert some(items) == text
    assert some([1, 2], limit=1) == "1 and 1 more"


def test_what_cannot_be_printed_is_written_out():
    error = AmuclError("odd id", where="a\u202eb", got="\x1b[31m\u200b中 é\ud800")
    assert str(error) == r"a\u202eb: odd id; got \x1b[31m\u200b中 é\ud800"


def test_a_giant_name_is_cut():
    assert len(str(AmuclError("duplicate ids", where="f", got="x" * 10**6))) < 2000
