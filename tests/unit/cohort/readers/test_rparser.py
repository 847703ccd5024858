"""R files that claim more than they hold, or hold little that becomes much, are refused in one line."""

import bz2
import gzip
import resource
import struct

import numpy as np
import pandas as pd
import pytest
import rdata

from amucl.cohort.readers.rfiles import named_matrix, parse_rda, read_rds
from amucl.errors import AmuclError

NIL, SYM, LIST, CHAR, INT, REAL, STR, VEC, ALTREP, REF, BCODE = 254, 1, 2, 9, 13, 14, 16, 19, 238, 255, 21
TAGGED, WITH_ATTRIBUTES, OF_A_CLASS = 1 << 10, 1 << 9, 1 << 8
NA = -(2**31)


def ints(*values):
    return struct.pack(f">{len(values)}i", *values)


def text(word):
    return ints(CHAR | 0x40000, len(word)) + word.encode()


def reals(*values):
    return ints(REAL, len(values)) + struct.pack(f">{len(values)}d", *values)


def symbol(word):
    return ints(SYM) + text(word)


def pairs(*values, tags=()):
    """A pairlist, with tags or without."""
    heads = [ints(LIST | TAGGED) + symbol(tag) for tag in tags] or [ints(LIST)] * len(values)
    return b"".join(head + value for head, value in zip(heads, values, strict=True)) + ints(NIL)


def altrep(name, state):
    return ints(ALTREP) + pairs(symbol(name), symbol("base"), ints(INT, 1, 13)) + state + ints(NIL)


def sequence(n, kind="compact_intseq", start=1.0, step=1.0):
    return altrep(kind, reals(float(n), start, step))


def deferred(numbers):
    """Numbers that are to become text, and how many digits they may have."""
    return altrep("deferred_string", ints(LIST) + numbers + ints(INT, 1, 15))


def data_frame(columns, row_names, kind="data.frame"):
    attributes = pairs(
        ints(STR, len(columns)) + b"".join(map(text, columns)),
        ints(STR, 1) + text(kind),
        row_names,
        tags=("names", "class", "row.names"),
    )
    values = b"".join(columns.values())
    return ints(VEC | OF_A_CLASS | WITH_ATTRIBUTES, len(columns)) + values + attributes


def time_series(*tsp):
    attributes = pairs(reals(*tsp), ints(STR, 1) + text("ts"), tags=("tsp", "class"))
    return ints(REAL | OF_A_CLASS | WITH_ATTRIBUTES, 3) + struct.pack(">3d", 1, 2, 3) + attributes


def read(tmp_path, content, *, max_bytes=1 << 20, head=b"X\n", pack=gzip.compress):
    (tmp_path / "a.rds").write_bytes(pack(head + ints(3, 0x40002, 0x30500, 5) + b"UTF-8" + content))
    return read_rds(tmp_path / "a.rds", max_bytes=max_bytes)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


HUGE = {
    "whole numbers": sequence(3e8),
    "numbers": sequence(3e8, "compact_realseq", step=0.5),
    "no number": sequence(np.nan),
    "less than none": sequence(-1),
    "endless": sequence(np.inf),
    "text of numbers": deferred(sequence(1e5)),
    "wrapped": altrep("wrap_integer", ints(VEC, 2) + sequence(3e8) + ints(INT, 2, 0, 0)),
    "many": ints(VEC, 20) + 20 * sequence(1e4),
    "columns": data_frame({"a": sequence(3e8)}, sequence(3e8)),
    "small objects": ints(VEC, 10**5) + ints(NIL) * 10**5,
    "repeated parts of a function": ints(BCODE, 2**31 - 1),
    "a list as long as it says": ints(VEC, 2**31 - 1) + ints(NIL),
}


@pytest.mark.situation(
    "R files of a few bytes that become gigabytes, lengths that lie, lists without end",
    right="refused before memory is taken",
    before="102 bytes took 8.3 GB",
)
@pytest.mark.parametrize("case", HUGE)
def test_what_becomes_much_is_refused_before_memory_is_taken(tmp_path, case):
    before = peak()
    with pytest.raises(AmuclError, match=r"a\.rds: (the R file claims to hold too much|not a file of R)") as caught:
        read(tmp_path, HUGE[case])
    assert "\n" not in str(caught.value)
    assert peak() - before < 100_000_000


LIES = {
    "numbers": ints(REAL, 2**31 - 1) + bytes(64),
    "numbers, by little": ints(REAL, 9) + bytes(64),
    "whole numbers": ints(INT, 17) + bytes(64),
    "more than 2^31 (R's mark of a long vector)": ints(REAL, -1, 1, 0) + bytes(64),
    "text": ints(STR, 1) + ints(CHAR | 0x40000, 100) + b"abc",
    "text of 2 GB": ints(STR, 1) + ints(CHAR | 0x40000, 2**31 - 1) + b"abc",
    "row names": data_frame({"a": ints(NIL)}, ints(INT, 2, NA, -(2**31 - 1))),
    "row names without columns": data_frame({}, ints(INT, 2, NA, -(2**31 - 1))),
    "row names of other columns": data_frame({"a": reals(1.0, 2.0)}, ints(INT, 2, NA, -3)),
    "dates": time_series(1.0, 1e9, 1.0),
}


@pytest.mark.situation(
    "R files of a few bytes that become gigabytes, lengths that lie, lists without end",
    right="refused before memory is taken",
    before="102 bytes took 8.3 GB",
)
@pytest.mark.parametrize("case", LIES)
def test_lengths_that_lie(tmp_path, case):
    before = peak()
    with pytest.raises(
        AmuclError, match=r"a\.rds: the R file claims to hold too much; expected (vectors|as many rows)"
    ):
        read(tmp_path, LIES[case])
    assert peak() - before < 100_000_000


@pytest.mark.situation(
    "R files of a few bytes that become gigabytes, lengths that lie, lists without end",
    right="refused before memory is taken",
    before="102 bytes took 8.3 GB",
)
@pytest.mark.parametrize("nested", [ints(VEC, 1), ints(LIST), ints(ALTREP)])
def test_lists_in_lists_without_end(tmp_path, nested):
    with pytest.raises(AmuclError, match=r"a\.rds: the R file nests its objects too deeply"):
        read(tmp_path, nested * 10**5 + ints(INT, 1, 7), max_bytes=1 << 30)


def test_a_bomb_within_a_bomb(tmp_path):
    inner = gzip.compress(bytes(5_000_000))
    for pack in (gzip.compress, bz2.compress, bytes):
        (tmp_path / "a.rds").write_bytes(pack(inner))
        with pytest.raises(AmuclError, match=r"not a file of R|too large"):
            read_rds(tmp_path / "a.rds", max_bytes=1_000_000)
    (tmp_path / "a.rds").write_bytes(b"X\n" + bytes(1_000_000))
    with pytest.raises(AmuclError, match="the R file is too large; expected at most 1000000 bytes"):
        read_rds(tmp_path / "a.rds", max_bytes=1_000_000)


def test_sequences_that_r_has_made_short_are_read(tmp_path):
    assert read(tmp_path, sequence(10)).tolist() == list(range(1, 11))
    assert read(tmp_path, sequence(3, start=5.0, step=-1.0)).tolist() == [5, 4, 3]
    assert read(tmp_path, sequence(1)).dtype == np.int32
    assert read(tmp_path, sequence(4, "compact_realseq", start=0.5)).tolist() == [0.5, 1.5, 2.5, 3.5]
    assert list(read(tmp_path, deferred(sequence(3)))) == ["1", "2", "3"]
    wrapped = altrep("wrap_real", ints(VEC, 2) + reals(1.5, 2.5) + ints(INT, 2, 0, 0))
    assert read(tmp_path, wrapped).tolist() == [1.5, 2.5]


def test_data_frames_with_short_row_names_are_read(tmp_path):
    frame = read(tmp_path, data_frame({"a": reals(1.0, 2.0), "b": sequence(2)}, ints(INT, 2, NA, -2)))
    expected = pd.DataFrame({"a": [1.0, 2.0], "b": np.array([1, 2], np.int32)}, index=pd.RangeIndex(1, 3))
    pd.testing.assert_frame_equal(pd.DataFrame(frame), expected, check_dtype=False)
    empty = read(tmp_path, data_frame({}, ints(INT, 2, NA, -2)))
    with pytest.raises(AmuclError, match="not a matrix of numbers"):
        named_matrix(empty, "e", kinds=("feature", "cell"))
    assert read(tmp_path, time_series(1.0, 3.0, 1.0)).tolist() == [1, 2, 3]


def test_every_format_of_r(tmp_path):
    """XDR, native binary and text give the same; rdata wrote the first and the last."""
    values = np.array([1.5, -2.0, 1e300])
    rdata.write_rds(tmp_path / "x.rds", values, compression=None)
    rdata.write_rds(tmp_path / "t.rds", values, compression=None, file_format="ascii")
    content = (tmp_path / "x.rds").read_bytes()
    assert content[:2] == b"X\n"
    head = struct.unpack(">4i", content[2:18])
    native = b"B\n" + struct.pack("<4i", *head) + b"UTF-8" + struct.pack("<2i3d", REAL, 3, *values)
    assert content == b"X\n" + ints(*head) + b"UTF-8" + reals(*values)
    (tmp_path / "b.rds").write_bytes(native)
    for name in "xtb":
        np.testing.assert_array_equal(read_rds(tmp_path / f"{name}.rds"), values)
    (tmp_path / "b.rds").write_bytes(native[:-8])
    with pytest.raises(AmuclError, match="expected vectors and strings as long as they claim"):
        read_rds(tmp_path / "b.rds")


def test_what_save_writes_is_bounded_too():
    content = b"RDX3\nX\n" + ints(3, 0x40002, 0x30500, 5) + b"UTF-8"
    good = content + pairs(sequence(3), tags=("a",))
    assert parse_rda(good, "a.rda")["a"].tolist() == [1, 2, 3]
    with pytest.raises(AmuclError, match=r"^a\.rda: the R file claims to hold too much"):
        parse_rda(content + pairs(sequence(3e9), tags=("a",)), "a.rda")
