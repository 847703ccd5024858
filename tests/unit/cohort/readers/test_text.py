import gzip
import io

import pytest

from amucl.cohort.readers.text import NUMBER, check_ids, decode, gzip_lines, read_gzip, read_text
from amucl.errors import AmuclError


def test_text_with_any_mark_and_line_end():
    assert decode(b"\xef\xbb\xbfa\r\nb\rc\n", "f") == "a\nb\nc\n"
    assert decode("é\t中".encode(), "f") == "é\t中"


@pytest.mark.parametrize(
    ("data", "first_line", "message"),
    [
        (b"a\r\nb\rc\xe9", 2, "f, line 3: not UTF-8 text: byte 0xe9 at byte 2; save it as UTF-8 text"),
        (b"\xef\xbb\xbfa\nb\xff", 2, "f, line 2: not UTF-8 text: byte 0xff at byte 2; save it as UTF-8 text"),
        (b"a\nb\nc\x00", 100, "f, line 101: not UTF-8 text: byte 0x00 at byte 2; save it as UTF-8 text"),
        (b"a\x7f\n", 100, "f, line 1: a control character: byte 0x7f at byte 2; expected printable text"),
        (
            b"PK\x03\x04\x14\xff\n",
            2,
            "f, line 1: not UTF-8 text; expected a table of text; got a .zip or a spreadsheet",
        ),
        (
            "ab".encode("utf-16"),
            2,
            "f, line 1: not UTF-8 text: byte 0xff at byte 1; got UTF-16, as it seems; save it as UTF-8",
        ),
    ],
)
def test_the_first_wrong_byte_is_named(data, first_line, message):
    with pytest.raises(AmuclError) as caught:
        decode(data, "f", first_line=first_line)
    assert str(caught.value).startswith(message)


def test_gzip_is_read_whole_and_up_to_a_size(tmp_path):
    file = tmp_path / "a.gz"
    file.write_bytes(gzip.compress(b"x" * 1000))
    assert read_gzip(file, max_bytes=1000) == b"x" * 1000
    with pytest.raises(AmuclError, match=r"a\.gz: too large when unpacked; expected at most 999 bytes"):
        read_gzip(file, max_bytes=999)


def test_lines_up_to_a_length(tmp_path):
    assert list(gzip_lines(io.BytesIO(b"ab\ncd\ne"), tmp_path, max_bytes=3)) == [b"ab\n", b"cd\n", b"e"]
    with pytest.raises(AmuclError, match="line 2: a line is too long; expected at most 3 bytes"):
        list(gzip_lines(io.BytesIO(b"ab\nabcd\n"), tmp_path, max_bytes=3))


def test_ids_are_there_once_and_can_be_shown():
    check_ids(["a", "b c", "é", "1"], "sample", "f")
    with pytest.raises(AmuclError, match="f: empty sample id; got none at position 2"):
        check_ids(["a", ""], "sample", "f")
    with pytest.raises(AmuclError, match=r"duplicate sample ids.*got a \(a in lines 2 and 4\)"):
        check_ids(["a", "b", "a"], "sample", "f", place="line")
    for name in ("a\x00", "a\nb", "\x9b1m"):
        with pytest.raises(AmuclError, match="a sample id with control characters"):
            check_ids([name], "sample", "f")


@pytest.mark.parametrize("text", ["1", "-1.5", ".5", "5.", "1e5", "1E-5", "+2", "inf", "-Infinity"])
def test_numbers(text):
    assert NUMBER.fullmatch(text)


@pytest.mark.parametrize("text", ["", "1_0", "１", "0x1", "1,5", "e5", "--1", "nan", "1 ", "1e", "."])
def test_no_numbers(text):
    assert not NUMBER.fullmatch(text)


@pytest.mark.parametrize("pack", [bytes, lambda data: gzip.compress(data, mtime=0)])
def test_text_is_unpacked_whatever_its_name(tmp_path, pack):
    file = tmp_path / "map.txt"
    file.write_bytes(pack("a\tü\r\n".encode()))
    assert read_text(file) == "a\tü\n"


def test_a_control_character_is_called_one():
    with pytest.raises(AmuclError, match=r"a control character: byte 0x1c at byte 5; .*remove the character"):
        decode(b"id\ts1\nMLH1\x1c\t1\n", "file")
