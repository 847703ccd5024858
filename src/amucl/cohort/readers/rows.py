"""The rows of a table of text: fields, quoted cells, line breaks inside them, and which line of the file has what.

Quotes are read as pandas and the csv module read them: a cell is quoted when its first character is a quote; a quote
farther on (5" needle) is text. A cell that is quoted may hold separators, doubled quotes and line breaks.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from functools import cache

from amucl.errors import AmuclError

LONGEST_FIELD = csv.field_size_limit()
QUOTE = b'"'


def rows(blocks: Iterable[bytes], separator: str, where: object, *, first_line: int = 1) -> Iterator[tuple[int, bytes]]:
    """The rows of `blocks` (which end with a line) and the line on which each begins; quotes are kept.

    Rows of empty cells are left out, blank lines at the end too, and lines there that begin with ``!`` or ``#`` and
    have one field, as a series matrix of GEO ends with one. Raises AmuclError for a quote that is never closed.
    """
    number, begun, open_row, held = first_line - 1, 0, [], []
    sign = separator.encode()
    blank = sign + b' "\t\r'
    for block in blocks:
        lines = block.split(b"\n")
        if not lines[-1]:
            lines.pop()
        for line in lines:
            number += 1
            if open_row or QUOTE in line:
                if not open_row:
                    begun = number
                open_row.append(line)
                if leaves_open(line, separator, inside=len(open_row) > 1):
                    if sum(map(len, open_row)) > LONGEST_FIELD and len(open_row) > 1:
                        raise _unbalanced(where, begun)
                    continue
                line, place = b"\n".join(open_row), begun
                open_row = []
            else:
                place = number
            if not line.strip(blank) or (line[:1] in b"#!" and sign not in line):
                held.append((place, line))
                continue
            if held:
                yield from ((place, row) for place, row in held if sign not in row or row.strip(blank))
                held = []
            yield place, line
    if open_row:
        raise _unbalanced(where, begun)


def without_blank_columns(
    found: Iterable[tuple[int, bytes]], separator: str, width: int, where: object
) -> Iterator[tuple[int, bytes]]:
    """The rows without the empty fields that stand behind their `width` fields, as spreadsheets write them.

    Raises AmuclError for a field there that is not empty: it has no name.
    """
    for number, row in found:
        cells = fields(row.decode(), separator)
        beyond = len(cells) - width
        if beyond > 0:
            if any(cells[width:]):
                raise AmuclError(
                    "a value in a column without a name",
                    where=f"{where}, line {number}",
                    expected=f"{width} fields, as the header names",
                    got=repr(next(filter(None, cells[width:]))),
                    action="name the column, or remove it",
                )
            end = re.search(rb'(?:%b *(?:"")? *){%d}\Z' % (re.escape(separator).encode(), beyond), row)
            row = row[: end.start()] if end else row
        yield number, row


def fields(row: str, separator: str) -> list[str]:
    """The cells of a row, without spaces around them."""
    if '"' not in row:
        cells = row.split(separator)
        return [cell for cell in cells if cell] if separator == " " else [cell.strip() for cell in cells]
    row = row.strip(" ") if separator == " " else row
    try:
        cells = next(csv.reader([row], delimiter=separator, skipinitialspace=True), [""])
    except csv.Error:  # longer than any cell, which `checked_fields` tells
        cells = row.split(separator)
    return [cell.strip() for cell in cells]


def checked_fields(row: str, separator: str, width: int, number: int, where: object) -> list[str]:
    """As `fields`. Raises AmuclError where they are not `width`, or one is longer than any cell."""
    if "\n" in row and not _well_quoted(row, separator):
        raise _unbalanced(where, number)
    cells = fields(row, separator)
    if len(row) > LONGEST_FIELD and len(max(cells, key=len)) > LONGEST_FIELD:
        raise too_long(number, where)
    if len(cells) != width:
        if "\n" in row or row.count('"') % 2:  # a quote that another one far behind has closed
            raise _unbalanced(where, number)
        raise ragged(number, width, len(cells), where)
    return cells


def _well_quoted(row: str, separator: str) -> bool:
    """Whether a separator follows each closing quote: else a stray quote far below has closed one left open here."""
    try:
        next(csv.reader([row], delimiter=separator, skipinitialspace=True, strict=True), None)
    except csv.Error:
        return False
    return True


def ragged(number: int, expected: object, found: int, where: object) -> AmuclError:
    """A row of another length than the others."""
    return AmuclError(
        "wrong number of fields",
        where=f"{where}, line {number}",
        expected=expected,
        got=found,
        action="check separators",
    )


def too_long(number: int, where: object) -> AmuclError:
    """A field that cannot be an id or a value."""
    place = f"{where}, line {number}"
    return AmuclError("a field is too long", where=place, expected=f"at most {LONGEST_FIELD} characters")


def _unbalanced(where: object, number: int) -> AmuclError:
    return AmuclError("unbalanced quote", where=f"{where}, line {number}", action="close it, or write it twice")


@cache
def _quoted(separator: str) -> re.Pattern[bytes]:
    """A quoted cell from its opening quote on; group 1 is the closing quote, empty where there is none."""
    return re.compile(rb'(?:^|%b) *"[^"]*+(?:""[^"]*+)*+("|\Z)' % re.escape(separator).encode())


_REST_OF_QUOTED = re.compile(rb'[^"]*+(?:""[^"]*+)*+"')


def leaves_open(line: bytes, separator: str, *, inside: bool = False) -> bool:
    """Whether a quoted cell goes on behind the end of the line; `inside` whether one does from the line above."""
    start = 0
    if inside:
        closed = _REST_OF_QUOTED.match(line)
        if closed is None:
            return True
        start = closed.end()
    return any(not found[1] for found in _quoted(separator).finditer(line, start))
