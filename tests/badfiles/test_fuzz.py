"""Random bytes, random edits of good files and random tables, for every reader.

The examples are the same in every run. More of them: AMUCL_FUZZ_EXAMPLES=500 python -m pytest tests/badfiles
"""

import csv
import gzip
import io
import os
import re
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amucl.cohort.readers.tables import read_clinical, read_omic
from amucl.cohort.readers.words import unknown_words
from amucl.errors import AmuclError
from tests.badfiles.judge import make
from tests.badfiles.wellformed import KINDS, TEXTS

MISSING = unknown_words()
EXAMPLES = int(os.environ.get("AMUCL_FUZZ_EXAMPLES", "6"))


def fuzz(factor: int = 1) -> settings:
    """So many times the usual number of examples, the same in every run."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(
        max_examples=factor * EXAMPLES, derandomize=True, deadline=None, database=None, suppress_health_check=slow
    )


SNIPPETS = [
    b"\t",
    b",",
    b";",
    b" ",
    b"\n",
    b"\r",
    b'"',
    b"'",
    b"NA",
    b"inf",
    b"1e400",
    b"-",
    b"\x00",
    b"\xff",
    b"\xe9",
    b".",
]
EDIT = st.tuples(
    st.floats(0, 1),  # where, as a share of the file
    st.integers(0, 40),  # how many bytes go
    st.one_of(st.sampled_from(SNIPPETS), st.binary(max_size=12)),  # what comes
)


def edited(data: bytes, edits) -> bytes:
    for where, length, new in edits:
        start = round(where * len(data))
        data = data[:start] + new + data[start + length :]
    return data


def check(kind, content: bytes):
    """The reading of a set with `content` in place of the kind's own, or None where it is refused as it should be."""
    with tempfile.TemporaryDirectory() as parent:
        folder = make(Path(parent, "files"), kind)
        kind.store(folder, content)
        try:
            found = kind.read(folder)
        except AmuclError as error:
            message = str(error)
            assert message.isprintable(), message
            assert str(folder) in message, message
            assert len(message) < 2000, message
            return None
    check_sane(found)
    return found


def check_sane(found):
    """Whatever was read is of one shape: every id is there, once, without control characters; numbers are finite."""
    for name, table in found.items() if isinstance(found, dict) else ():
        if not isinstance(table, pd.DataFrame) or name in ("steps", "join", "map"):
            continue
        for ids in (table.index, table.columns):
            assert ids.is_unique
            assert not any(re.search(r"[\x00-\x1f\x7f-\x9f]", str(one)) for one in ids)
            assert "" not in set(ids)
        numbers = table.select_dtypes(include="number").to_numpy(np.float64)
        assert not np.isinf(numbers).any() or name in ("clinical", "obs")
        if name in ("omic", "expression", "methylation", "rna", "atac"):
            assert numbers.shape == table.shape


@pytest.mark.parametrize("name", KINDS)
@fuzz()
@given(content=st.binary(max_size=400))
def test_random_bytes(name, content):
    check(KINDS[name], content)


@cache
def original(name):
    """The well-formed content of a kind."""
    with tempfile.TemporaryDirectory() as parent:
        return KINDS[name].load(make(Path(parent, "files"), KINDS[name]))


@pytest.mark.parametrize("name", KINDS)
@fuzz()
@given(edits=st.lists(EDIT, min_size=1, max_size=3))
def test_random_edits_of_a_good_file(name, edits):
    check(KINDS[name], edited(original(name), edits))


@pytest.mark.parametrize("name", TEXTS)
@fuzz()
@given(lines=st.data())
def test_lines_lost_repeated_and_shuffled(name, lines):
    own = original(name).split(b"\n")
    chosen = lines.draw(st.lists(st.sampled_from(own), max_size=2 * len(own)))
    check(KINDS[name], b"\n".join(chosen))


# Against other readers ------------------------------------------------------------------------------------------------


def simple_reading(text: str) -> pd.DataFrame:
    """A tab-separated table of numbers as the csv module splits it, samples x features."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n \t").lstrip("\n").split("\n")
    if "\t" not in lines[0]:  # a title
        lines.pop(0)
    header, *rows = (
        [cell.strip() for cell in next(csv.reader([line], delimiter="\t", skipinitialspace=True))] for line in lines
    )
    names = header if len(header) < len(rows[0]) else header[1:]
    values = [[np.nan if cell in MISSING else float(cell) for cell in row[1:]] for row in rows]
    return pd.DataFrame(values, index=[row[0] for row in rows], columns=names, dtype=float).T


@fuzz(30)
@given(
    edits=st.lists(
        st.tuples(
            st.floats(0, 1), st.integers(0, 3), st.sampled_from([b"", b"1", b".", b"\t", b"\n", b"e", b"-", b"x"])
        ),
        max_size=2,
    )
)
def test_what_is_accepted_is_what_another_reader_reads(edits):
    content = edited(original("own .tsv.gz"), edits)
    found = check(KINDS["own .tsv.gz"], content)
    if found is not None:
        expected = simple_reading(content.decode())
        pd.testing.assert_frame_equal(found["omic"], expected, check_names=False, check_exact=True)


NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp"]), min_size=1, max_size=8).filter(
    lambda name: name.strip() == name and '"' not in name
)
WORDS = st.one_of(NAMES.filter(lambda word: word not in MISSING), st.none())
NUMBERS = st.one_of(st.floats(-1e15, 1e15), st.just(np.nan), st.integers(-(10**6), 10**6).map(float))


@fuzz(10)
@given(
    samples=st.lists(NAMES.filter(lambda name: any(c.isalpha() for c in name)), min_size=1, max_size=4, unique=True),
    features=st.lists(NAMES, min_size=1, max_size=4, unique=True),
    values=st.data(),
    separator=st.sampled_from([("\t", ".tsv"), (",", ".csv"), (";", ".csv")]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    corner=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
    packed=st.booleans(),
)
def test_any_table_comes_back_to_the_last_bit(samples, features, values, separator, quoting, corner, end, packed):
    cells = [[values.draw(NUMBERS) for _ in samples] for _ in features]
    stream, (mark, suffix) = io.StringIO(newline=""), separator
    writer = csv.writer(stream, delimiter=mark, quoting=quoting, lineterminator=end)
    header = (["id"] if corner else []) + samples
    rows = [
        [name, *("NA" if np.isnan(cell) else repr(cell) for cell in row)]
        for name, row in zip(features, cells, strict=True)
    ]
    writer.writerows([header, *rows])
    if header in rows:
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, f"a{suffix}{'.gz' * packed}")
        data = stream.getvalue().encode()
        file.write_bytes(gzip.compress(data) if packed else data)
        found = read_omic(file, omic="expression")
    pd.testing.assert_frame_equal(
        found, pd.DataFrame(cells, index=features, columns=samples).T, check_exact=True, check_names=False
    )


@fuzz(10)
@given(
    samples=st.lists(NAMES, min_size=1, max_size=4, unique=True),
    columns=st.lists(NAMES, min_size=1, max_size=3, unique=True),
    values=st.data(),
)
def test_any_clinical_table_keeps_its_words(samples, columns, values):
    cells = [[values.draw(WORDS) for _ in columns] for _ in samples]
    stream = io.StringIO(newline="")
    rows = [[name, *("" if cell is None else cell for cell in row)] for name, row in zip(samples, cells, strict=True)]
    csv.writer(stream, delimiter="\t", quoting=csv.QUOTE_ALL, lineterminator="\n").writerows(
        [["sample", *columns], *rows]
    )
    if ["sample", *columns] in rows:
        return
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "c.tsv").write_bytes(stream.getvalue().encode())
        found = read_clinical(Path(folder, "c.tsv"))
    assert list(found.index) == samples
    assert list(found.columns) == columns
    for (_, row), expected in zip(found.iterrows(), cells, strict=True):
        for cell, word in zip(row, expected, strict=True):
            assert (pd.isna(cell) and word is None) or cell == word or float(word) == cell
