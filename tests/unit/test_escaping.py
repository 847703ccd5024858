import json

import pytest

from amucl.escaping import escaped, plain

TEXTS = [
    "</script><img src=x>",
    "<!--<script",
    "a\\b",
    r"\u003c",
    r"\\u003c",
    r"\u005c\u003c<\<",
    "a < b & 'c' \"d\"",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
def test_nothing_ends_a_script_element_and_all_comes_back(text):
    for value in (text, [text, 1, None], {text: {"a": [text, True]}}, {"a": [[text]]}):
        assert "<" not in repr(escaped(value))
        assert "<" not in json.dumps(escaped(value))
        assert plain(escaped(value)) == value


def test_ordinary_text_stays_as_it_is():
    value = {"omics": {"rna": "data/r & 'x'.tsv"}, "n": 3, "k": [2, 3], "none": None}
    assert escaped(value) == value
    assert plain(value) == value
