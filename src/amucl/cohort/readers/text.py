"""Text and ids of a source, checked before anything is made of them; nothing heavy is imported here."""

from __future__ import annotations

import codecs
import gzip
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from amucl.errors import AmuclError, some

MAX_BYTES = 4 << 30  # of a text once unpacked: ten times the largest table of the benchmark
MAX_LINE_BYTES = 1 << 26  # a feature of a million samples
# Stricter than float(), for which 1_0 and digits of other scripts are numbers too.
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE | re.ASCII)
BLOCK_BYTES = 1 << 23
_CHUNK_BYTES = 1 << 20
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ALLOWED = bytes(code for code in range(256) if not _CONTROL.match(bytes([code])))
_LINE_END = re.compile(rb"\r\n|\r|\n")
# How files begin that people take for tables of text.
_PACKED = {
    b"PK\x03\x04": "a .zip or a spreadsheet (.xlsx)",
    b"\xd0\xcf\x11\xe0": "a spreadsheet (.xls)",
    b"\x1f\x8b": "a .gz file",
    b"BZh": "a .bz2 file",
    b"\xfd7zXZ\x00": "an .xz file",
    b"PAR1": "a .parquet file",
    b"\x89HDF": "an HDF5 file (.h5, .h5ad, .h5mu)",
}
_CONTROL_IN_ID = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def decode(data: bytes, where: object, *, first_line: int = 2) -> str:
    """`data` as UTF-8 text (a byte order mark is dropped), with Unix line ends; no control characters but tabs.

    `first_line` is where in the file the second line of `data` stands, for the message.
    """
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _not_text(data, error.start, where, 1, first_line - 1) from error
    if control := _CONTROL.search(data):
        raise _not_text(data, control.start(), where, 1, first_line - 1)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def text_blocks(
    stream: BinaryIO,
    where: object,
    *,
    size: int = BLOCK_BYTES,
    max_bytes: int | None = None,
    max_line: int = 4 * MAX_LINE_BYTES,
) -> Iterator[bytes]:
    """An open file in blocks that end where a line does, checked as `decode` does, with Unix line ends.

    Memory grows with `size` and the longest line, time with the file. Raises AmuclError for what is no UTF-8 text, for
    a line longer than `max_line` and for more than `max_bytes` in all.
    """
    pending: list[bytes] = []
    held, total, line, first = 0, 0, 1, True
    while data := stream.read(size):
        total += len(data)
        if max_bytes is not None and total > max_bytes:
            raise AmuclError("too large when unpacked", where=where, expected=f"at most {max_bytes} bytes")
        cut = 1 + max(data.rfind(b"\n"), data.rfind(b"\r", 0, -1))  # what follows a CR at the end is not known yet
        pending.append(data[:cut] if cut else data)
        held += len(pending[-1])
        if cut:
            block = b"".join(pending)
            yield _checked(block.removeprefix(codecs.BOM_UTF8) if first else block, where, line)
            line, first = line + _n_lines(block), False
            pending, held = [data[cut:]], len(data) - cut
        if held > max_line:
            raise AmuclError("a line is too long", where=f"{where}, line {line}", expected=f"at most {max_line} bytes")
    if rest := b"".join(pending):
        yield _checked(rest.removeprefix(codecs.BOM_UTF8) if first else rest, where, line)


def _n_lines(block: bytes) -> int:
    return block.count(b"\n") + (block.count(b"\r") - block.count(b"\r\n") if b"\r" in block else 0)


def _checked(block: bytes, where: object, line: int) -> bytes:
    if not block.isascii():
        try:
            block.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _not_text(block, error.start, where, line, line) from error
    if block.translate(None, _ALLOWED):
        raise _not_text(block, _CONTROL.search(block).start(), where, line, line)
    return block.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in block else block


def read_text(path: Path) -> str:
    """`decode` of a file, unpacked where its content is gzip, whatever its name."""
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    return decode(read_gzip(path) if packed else path.read_bytes(), path)


def read_gzip(path: Path, *, max_bytes: int = MAX_BYTES) -> bytes:
    """The content of a .gz file. Raises AmuclError if it is damaged, truncated or larger than `max_bytes`."""
    content = bytearray()
    with gzip_errors(path), gzip.open(path) as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            content += chunk
            if len(content) > max_bytes:
                raise AmuclError("too large when unpacked", where=path, expected=f"at most {max_bytes} bytes")
    return bytes(content)


def gzip_lines(stream: BinaryIO, path: Path, *, max_bytes: int = MAX_LINE_BYTES) -> Iterator[bytes]:
    """The lines of an open file. Raises AmuclError for one longer than `max_bytes`."""
    number = 0
    while line := stream.readline(max_bytes + 1):
        number += 1
        if len(line) > max_bytes:
            place = f"{path}, line {number}"
            raise AmuclError("a line is too long", where=place, expected=f"at most {max_bytes} bytes")
        yield line


@contextmanager
def gzip_errors(file: Path) -> Iterator[None]:
    """What gzip says of a damaged file, as an AmuclError."""
    try:
        yield
    except EOFError as error:
        raise AmuclError("truncated gzip file", where=file, action="download or copy it again") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise AmuclError("not a gzip file, or a damaged one", where=file, got=error) from error


def _not_text(data: bytes, position: int, where: object, first: int, below: int) -> AmuclError:
    """`first` is the line of the first line of `data` in the file, `below` + 1 that of its second."""
    packed = next((kind for magic, kind in _PACKED.items() if data.startswith(magic)), None) if first == 1 else None
    if packed:
        where, action = f"{where}, line 1", "unpack it, or export it as text (.tsv or .csv)"
        return AmuclError("not UTF-8 text", where=where, expected="a table of text", got=packed, action=action)
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff")) or data[:100].count(0) > len(data[:100]) / 4
    above = data[:position]
    n_above = len(_LINE_END.findall(above))
    column = position - max(above.rfind(b"\n"), above.rfind(b"\r"))
    if data[position] and _CONTROL.match(data, position) and not utf16:
        return AmuclError(
            f"a control character: byte 0x{data[position]:02x} at byte {column}",
            where=f"{where}, line {n_above + below if n_above else first}",
            expected="printable text",
            action="remove the character",
        )
    return AmuclError(
        f"not UTF-8 text: byte 0x{data[position]:02x} at byte {column}",
        where=f"{where}, line {n_above + below if n_above else first}",
        got="UTF-16, as it seems" if utf16 else None,
        action="save it as UTF-8 text",
    )


def check_ids(ids: Sequence[str], kind: str, where: object, *, place: str | None = None) -> None:
    """Refuse empty and repeated ids.

    `place` (``line`` or ``column``) is where a text file has them, the first id in the second: the message then says
    where the first repeated id stands.
    """
    if "" in ids:
        raise AmuclError(f"empty {kind} id", where=where, got=f"none at position {list(ids).index('') + 1}")
    named = kind == "column"  # a cell of a header may hold a line break
    odd = next((name for name in ids if _CONTROL_IN_ID.search(" ".join(name.split()) if named else name)), None)
    if odd is not None:
        raise AmuclError(f"a {kind} id with control characters", where=where, got=repr(odd), action="rename it")
    repeated = [name for name, count in Counter(ids).items() if count > 1]
    if repeated:
        first, second = [number for number, name in enumerate(ids, start=2) if name == repeated[0]][:2]
        raise AmuclError(
            f"duplicate {kind} ids",
            where=where,
            expected="each id once",
            got=some(repeated) + (f" ({repeated[0]} in {place}s {first} and {second})" if place else ""),
            action="rename or merge them",
        )
