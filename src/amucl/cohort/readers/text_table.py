"""Tables of text: numbers or strings, from a file or from text at hand."""

from __future__ import annotations

import gzip
import io
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from amucl.cohort.notes import Note
from amucl.cohort.readers.annotation import FeatureColumns, is_symbols
from amucl.cohort.readers.layout import Layout, find_layout, refuse_values_as_header
from amucl.cohort.readers.matrix import DecimalComma, Numbers
from amucl.cohort.readers.rows import checked_fields, fields, rows, without_blank_columns
from amucl.cohort.readers.text import MAX_BYTES, NUMBER, decode, gzip_errors, gzip_lines, text_blocks
from amucl.cohort.readers.words import UnknownCount, UnknownWords, known_cells, together, unknown_words
from amucl.errors import AmuclError
from amucl.files import require_file

_HEAD_LINES, _HEAD_BYTES = 200, 1 << 26


def parse_numbers(
    text: str,
    where: object,
    *,
    kind: str = ".tsv",
    first_line: int | None = None,
    decimal_commas: bool = True,
    words: UnknownWords | None = None,
    notes: list[Note] | None = None,
    source: str = "table",
) -> pd.DataFrame:
    """A table of numbers, rows x columns as written, ids unchecked; float64 with NaN for what is unknown.

    The header may have a corner cell, or (as R writes it) one field fewer than the rows. `kind` is the suffix that
    decides which separator is tried first, `first_line` the line of the file on which the first row stands, if that is
    not the line below the header. With `decimal_commas` a table that has them throughout is read. What was decided goes
    into `notes`, by the name `source`.
    """
    data = text.encode()
    table, _ = read_numbers(
        lambda: text_blocks(io.BytesIO(data), where),
        where,
        kind,
        words or unknown_words(),
        source,
        [] if notes is None else notes,
        first_line=first_line,
        decimal_commas=decimal_commas,
    )
    return table


def parse_strings(
    text: str,
    where: object,
    *,
    kind: str = ".tsv",
    words: UnknownWords | None = None,
    notes: list[Note] | None = None,
    source: str = "table",
) -> pd.DataFrame:
    """A table of strings by its first column, NaN where unknown; ids unchecked. words, notes: see `parse_numbers`."""
    _, cells, layout = read_cells(text_blocks(io.BytesIO(text.encode()), where), where, kind, words)
    return by_first_column(cells, layout, words, source, notes)


def stream_numbers(
    path: str | os.PathLike,
    *,
    n_rows: int = 2000,
    words: UnknownWords | None = None,
    notes: list[Note] | None = None,
    source: str = "table",
) -> Iterator[pd.DataFrame]:
    """The table of numbers in a .gz file, `n_rows` rows at a time, as `parse_numbers` reads them.

    For tables that are too large to be read at once: memory grows with `n_rows`, not with the file. Raises AmuclError
    as `read_omic` does; what is wrong with a row is told when it is reached. What was decided goes into `notes`, by the
    name `source`, when the last row was read.
    """
    file = require_file(path, purpose="table")
    told: list[Note] = []
    n_cells = 0
    with gzip_errors(file), gzip.open(file) as stream:
        lines = gzip_lines(stream, file)
        above, header = 0, next(lines, b"")
        while header[:1] in (b"#", b"!") or (header and not header.strip()):
            above, header = above + 1, next(lines, b"")
        if "\n" in decode(header, file).rstrip("\n"):
            place = f"{file}, line {above + 1}"
            raise AmuclError("lines end in CR alone", where=place, action="save it with LF at line ends")
        first_line = above + 2
        while rows := list(islice(lines, n_rows)):
            text = decode(header + b"".join(rows), file, first_line=first_line)
            table = parse_numbers(
                text, file, first_line=first_line, decimal_commas=False, words=words, notes=told, source=source
            )
            n_cells += table.size
            yield table
            first_line += len(rows)
    if first_line == above + 2:
        raise AmuclError("no rows below the header", where=file, expected="a header and at least one row")
    if notes is not None:
        notes += together(told, n_cells)


def read_numbers(
    open_blocks: Callable[[], Iterator[bytes]],
    where: object,
    kind: str,
    words: UnknownWords,
    source: str,
    notes: list[Note],
    *,
    first_line: int | None = None,
    decimal_commas: bool = True,
    features_in_rows: bool = True,
    annotated: bool = False,
) -> tuple[pd.DataFrame, FeatureColumns]:
    """The numbers of a table of text, rows x columns as written; what was decided goes into `notes`.

    Read once with decimal points; where that comes upon a decimal comma, once more with decimal commas throughout.
    """

    def read(decimal: str) -> tuple[pd.DataFrame, FeatureColumns, Numbers]:
        layout, below = _begun(open_blocks(), where, kind, words, first_line)
        refuse_values_as_header(layout, words, where)
        first = layout.first_line if first_line is None else first_line
        numbered = _rows_of(layout, below, where, first)
        some_rows = list(islice(numbered, layout.n_described, layout.n_described + 20))
        ids = [row.decode().split(layout.separator, 1)[0].strip('" ') for _, row in some_rows]
        roles = FeatureColumns(
            layout.corner,
            layout.columns,
            ids,
            features_in_rows=features_in_rows if annotated else None,
            n_annotation=layout.n_annotation,
        )
        roles.refuse_no_matrix(where)
        if annotated and features_in_rows:
            _refuse_shifted_header(layout, [row.decode() for _, row in some_rows], where)
        numbers = Numbers(layout, where, words, roles, decimal, comma_allowed=decimal_commas)

        def every() -> Iterator[tuple[int, bytes]]:
            while some_rows:
                yield some_rows.pop(0)
            yield from numbered

        return numbers.read(every()), roles, numbers

    try:
        table, roles, numbers = read(".")
    except DecimalComma as comma:
        try:
            table, roles, numbers = read(",")
        except AmuclError as error:
            points = re.search(r"not a number.*got '[+-]?\d*\.\d*'", str(error))
            raise (comma.error if points else error) from None
        if not numbers.sure_decimals and numbers.layout.separator != ";":
            raise AmuclError(
                "numbers whose commas may stand before decimals or thousands: each has three digits behind it",
                where=where,
                expected="numbers with a decimal point",
                got=comma.error.got,
                action="write the table anew, without groups of thousands",
            ) from None
    if not len(table):
        raise AmuclError("no rows below the header", where=where, expected="a header and at least one row")
    notes += [*numbers.layout.notes(source), *roles.notes(source), *numbers.notes(source)]
    return table, roles


def _refuse_shifted_header(layout: Layout, some_rows: list[str], where: object) -> None:
    """A header of one field fewer than the rows that begins with the name of genes, above numbers, has lost a sign."""
    if layout.corner is None and is_symbols(layout.columns[0]):
        cells = [row[1] for row in (fields(row, layout.separator) for row in some_rows) if len(row) > 1]
        if any(NUMBER.fullmatch(cell) for cell in cells):
            raise AmuclError(
                f"the header has one field fewer than the rows and begins with {layout.columns[0]}, a name of ids",
                where=f"{where}, line {layout.header_line}",
                expected=layout.width,
                got=layout.width - 1,
                action="check separators",
            )


def _rows_of(layout: Layout, below: Iterator[bytes], where: object, first_line: int) -> Iterator[tuple[int, bytes]]:
    """The rows of a table, and on which line each begins."""
    found = rows(below, layout.separator, where, first_line=first_line)
    return without_blank_columns(found, layout.separator, layout.width, where) if layout.blank else found


def read_cells(
    blocks: Iterator[bytes], where: object, kind: str, words: UnknownWords | None
) -> tuple[list[int], list[list[str]], Layout]:
    """The lines on which rows begin, and their cells, ids first."""
    layout, below = _begun(blocks, where, kind, words or unknown_words())
    lines, cells = [], []
    for number, row in _rows_of(layout, below, where, layout.first_line):
        text = row.decode()
        if text == layout.header:
            place = f"{where}, line {number}"
            raise AmuclError("the header stands here again", where=place, action="remove the line")
        lines.append(number)
        cells.append(checked_fields(text, layout.separator, layout.width, number, where))
    if not cells:
        raise AmuclError("no rows below the header", where=where, expected="a header and at least one row")
    return lines, cells, layout


def _frame(
    cells: list[list[str]],
    columns: list[str],
    layout: Layout,
    words: UnknownWords | None,
    source: str,
    notes: list[Note] | None,
) -> pd.DataFrame:
    """Cells as a table of objects, NaN where unknown."""
    count = UnknownCount()
    known = list(known_cells(cells, columns, words or unknown_words(), count))
    if notes is not None:
        notes += [*layout.notes(source), *count.notes(source)]
    return pd.DataFrame(known, columns=pd.Index(columns, dtype=object), dtype=object)


def by_first_column(
    cells: list[list[str]], layout: Layout, words: UnknownWords | None, source: str, notes: list[Note] | None
) -> pd.DataFrame:
    """Cells as a table of objects indexed by the first of each row, NaN where unknown."""
    ids = pd.Index([row[0] for row in cells], dtype=object)
    return _frame([row[1:] for row in cells], layout.columns, layout, words, source, notes).set_axis(ids)


def _begun(
    blocks: Iterator[bytes], where: object, kind: str, words: UnknownWords, first_line: int | None = None
) -> tuple[Layout, Iterator[bytes]]:
    """The layout of a table, and what stands below its header."""
    head, n_lines = [], 0
    for block in blocks:
        head.append(block)
        n_lines += block.count(b"\n")
        if n_lines >= _HEAD_LINES or (sum(map(len, head)) > _HEAD_BYTES and n_lines > 3):
            break
    begin = b"".join(head)
    lines = begin.split(b"\n", 2 * _HEAD_LINES)[: 2 * _HEAD_LINES]
    layout = find_layout([line.decode() for line in lines], where, kind, words, first_line=first_line)
    start = 0
    for _ in range(layout.first_line - 1):
        start = begin.find(b"\n", start) + 1

    def below() -> Iterator[bytes]:
        yield begin[start:]
        yield from blocks

    return layout, below()


def file_blocks(file: Path) -> Iterator[bytes]:
    """The content of a text file, unpacked, in checked blocks."""
    with _opened(file) as stream:
        yield from text_blocks(stream, file, max_bytes=MAX_BYTES if file.suffix.lower() == ".gz" else None)


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    packed = file.suffix.lower() == ".gz"
    with gzip_errors(file), gzip.open(file) if packed else file.open("rb") as stream:
        yield stream
