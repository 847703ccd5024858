"""Where a table begins in a file, by which separator, and what its columns are called.

Above the header may stand what people and programs put there: blank lines, comments that begin with ``#`` or ``!``
(any number of fields: cBioPortal describes its columns in four such lines), the two lines ``#1.2`` and ``rows columns``
of a GCT, and titles: lines of one filled field over a table of more. A line that begins with ``#`` is the header itself
(``#Patient Age``) where no other can be: what follows is a row.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from amucl.cohort.notes import Note
from amucl.cohort.readers.rows import LONGEST_FIELD, fields, leaves_open, ragged, too_long
from amucl.cohort.readers.text import NUMBER
from amucl.cohort.readers.words import UnknownWords, unknown_words
from amucl.errors import AmuclError, counted, some

MOST_TITLES = 20
_GCT = re.compile(r"#1\.[23]\s*")
_SIZES = re.compile(r"\d+(\s+\d+)+\s*")
_ID_NAME = re.compile(
    r"#?\W*(\w+[ ._-])*(sample|patient|subject|case|donor|individual|participant|barcode|gene|genes|probe|feature"
    r"|symbol|cell|id|ids|identifier|record|name|names)s?([ ._-]?(id|ids|identifier|name|no|nr|number|symbol|ref))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Layout:
    """How a table of text is laid out.

    Attributes
    ----------
    separator : of the fields.
    corner : name of the first column; None where the header has none, as R writes it.
    columns : names of the other columns.
    header : the header as it is written.
    header_line, first_line : where the header and the first row stand in the file.
    n_above : lines above the header.
    blank : empty columns without a name behind the others, which spreadsheets write; they are not in `columns`.
    n_annotation, n_described : how many columns beside the ids annotate features, how many first rows describe samples,
        as the second line of a GCT 1.3 says.
    """

    separator: str
    corner: str | None
    columns: list[str]
    header: str
    header_line: int
    first_line: int
    n_above: int
    blank: int = 0
    n_annotation: int = 0
    n_described: int = 0

    @property
    def width(self) -> int:
        """Fields of a row."""
        return len(self.columns) + 1

    def notes(self, source: str) -> list[Note]:
        """What was skipped above the header."""
        if not self.n_above:
            return []
        says = f"{counted(self.n_above, 'line')} above the header (line {self.header_line}) left out"
        if self.n_described:
            rows = counted(self.n_described, "row below it that describes", "rows below it that describe")
            says += f", and {rows} the samples, as the file says"
        return [Note(source, "lines above the header", self.n_above, says)]


def find_layout(
    lines: Sequence[str],
    where: object,
    kind: str,
    words: UnknownWords | None = None,
    *,
    first_line: int | None = None,
) -> Layout:
    """The layout of the table whose first lines these are (all of them, or at least some rows).

    `kind` is the suffix that decides which separator is tried first, `first_line` the line of the file on which the
    first row stands, if that is not the line below the header. Raises AmuclError where no table begins.
    """
    words = words or unknown_words()
    if all(map(_is_blank, lines)):
        raise AmuclError("the file is empty", where=where, expected="a table with a header")
    filled = [place for place, line in enumerate(lines) if not _is_blank(line)]
    header = _header(lines, filled, kind, words)
    separator = _separator_at(lines, header, kind)
    title, end = _whole(lines, header, separator)
    below = [place for place in filled if place >= end]
    if not below:
        raise AmuclError("no rows below the header", where=where, expected="a header and at least one row")
    names = _split(title, separator, header + 1, where)
    first = below[0] + 1 if first_line is None else first_line
    row = _split(_whole(lines, below[0], separator)[0], separator, first, where)
    blank = _blank_columns(names, [lines[place] for place in below], separator)
    if blank:
        names, row = names[:-blank], row[: max(len(row) - blank, len(names) - blank)]
    _check(names, row, [lines[place] for place in below], separator, where, first)
    if len(names) == len(row):
        corner, *columns = names
        corner = corner.lstrip("#").strip() if _is_comment(title) else corner
    else:
        corner, columns = None, names
    described = _gct_sizes(lines[:header], len(columns))
    return Layout(separator, corner, columns, title, header + 1, end + 1, header, blank, *described)


def _is_blank(line: str) -> bool:
    """Whether a line has no cell that is filled, by any separator."""
    return not line.strip(' \t\r,;"')


def _blank_columns(names: list[str], below: list[str], separator: str) -> int:
    """How many columns at the end have neither a name nor, in the rows that are seen, a value."""
    named = max((place for place, name in enumerate(names, 1) if name), default=0)
    blank = len(names) - named
    if not blank or named < 2 or separator == " ":
        return 0
    seen = [cells for cells in (fields(line, separator) for line in below) if any(cells)]
    return 0 if any(any(cells[named:]) for cells in seen if len(cells) <= len(names)) else blank


def _gct_sizes(above: Sequence[str], n_columns: int) -> tuple[int, int]:
    """Columns of annotation and rows that describe samples, as a GCT 1.3 counts them above its header."""
    if len(above) < 2 or not re.fullmatch(r"#1\.3\s*", above[-2]):
        return 0, 0
    sizes = [int(size) for size in above[-1].split() if size.isdigit()]
    return (sizes[2], sizes[3]) if len(sizes) == 4 and sizes[1] + sizes[2] == n_columns else (0, 0)


def _whole(lines: Sequence[str], place: int, separator: str) -> tuple[str, int]:
    """The row that begins at `place`, with the lines into which a quoted cell goes on; and where the next begins."""
    end = place + 1
    while end < len(lines) and leaves_open("\n".join(lines[place:end]).encode(), separator):
        end += 1
    return "\n".join(lines[place:end]), end


def _separator_at(lines: Sequence[str], header: int, kind: str) -> str:
    """The separator of the table whose header stands at `header`."""
    found = {}
    for sign in _candidates(kind):
        title, end = _whole(lines[: header + 50], header, sign)
        below = next((place for place in range(end, len(lines)) if lines[place].strip()), None)
        found[sign] = (title, "" if below is None else _whole(lines[: below + 50], below, sign)[0])
    return _agreed({sign: (_n_fields(title, sign), _n_fields(row, sign)) for sign, (title, row) in found.items()})


def _header(lines: Sequence[str], filled: list[int], kind: str, words: UnknownWords) -> int:
    """The place of the header among `lines`; `filled` are the places of those that are not blank."""
    comments = []
    rest = list(filled)
    while rest and _is_comment(lines[rest[0]]):
        comments.append(rest.pop(0))
    if comments and rest and _GCT.fullmatch(lines[comments[-1]]) and _SIZES.fullmatch(lines[rest[0]]):
        return rest[1] if len(rest) > 1 else rest[0]
    if not rest:  # every line begins with #: the first is the header, as ids may
        return comments[0]
    hashed = [place for place in comments if lines[place].lstrip('" ').startswith("#")]
    if hashed and hashed[-1] == comments[-1]:
        chosen = _hashed_header(lines, hashed, rest, kind, words)
        if chosen is not None:
            return chosen
    return _below_titles(lines, rest, kind, words)


def _is_comment(line: str) -> bool:
    return line.lstrip('" ')[:1] in ("#", "!")


def _hashed_header(
    lines: Sequence[str], hashed: list[int], rest: list[int], kind: str, words: UnknownWords
) -> int | None:
    """The last line with ``#`` where it is the header: it has as many fields as the line below, which is a row."""
    last, first = lines[hashed[-1]], lines[rest[0]]
    separator = _separator(last, first, kind)
    names, row = fields(last, separator), fields(first, separator)
    if len(row) < 2 or len(names) not in (len(row), len(row) - 1):
        return None
    below = [fields(lines[place], separator) for place in rest[1:]]
    if below and not any(len(cells) == len(row) for cells in below):
        return None  # the line below is a header without corner
    a_row = _is_row(row, [cells for cells in below if len(cells) == len(row)], words)
    if a_row is None:
        several = len(hashed) > 1 and len(fields(lines[hashed[-2]], separator)) == len(names)
        a_row = not several and not (_ID_NAME.fullmatch(row[0]) and not _ID_NAME.fullmatch(names[0].strip("# ")))
        if not several and len(rest) == 1:
            a_row = True
    return hashed[-1] if a_row else None


def _below_titles(lines: Sequence[str], rest: list[int], kind: str, words: UnknownWords) -> int:
    """The first of `rest` that is no title. A title is skipped only where what follows is certainly a header."""
    for n_titles, place in enumerate(rest[:MOST_TITLES]):
        below = rest[n_titles + 1 :]
        if len(below) < 2:
            break
        separator = _separator(lines[below[0]], lines[below[1]], kind)
        names, row = fields(lines[below[0]], separator), fields(lines[below[1]], separator)
        filled = [cell for cell in fields(lines[place], separator) if cell]
        word = len(names) == 2 and not re.search(r"\s", lines[place].strip())  # a header of one sample without corner
        fits = len(row) > 1 and len(names) in (len(row), len(row) - 1) and len(names) > 1 and not word
        if len(filled) != 1 or not fits:
            if _blank_but_one(lines[place], kind):
                continue
            break
        further = [fields(lines[one], separator) for one in below[1:]]
        header = _is_row(names, [cells for cells in further if len(cells) == len(names)], words) is False
        if not header and not (_ID_NAME.fullmatch(names[0]) and all(names)):
            break
        return below[0]
    return rest[0]


def _blank_but_one(line: str, kind: str) -> bool:
    """Whether a line has one filled field by every separator but spaces: one of several titles."""
    return all(sum(cell != "" for cell in fields(line, sign)) == 1 for sign in _candidates(kind) if sign != " ")


def _is_row(line: list[str], below: list[list[str]], words: UnknownWords) -> bool | None:
    """Whether a line is a row of the table rather than its header; None where that cannot be told.

    It is one where it has a number above numbers, or a word that its column has again; it is none where it has words
    above numbers only.
    """
    columns = list(zip(*below, strict=True)) if below else []
    numeric = words_above = False
    for name, cells in list(zip(line, columns, strict=True))[1:] if columns else []:
        known = [cell for cell in cells if cell not in words]
        if name in words or not known:
            continue
        if all(_number(cell) for cell in known):
            numeric |= _number(name)
            words_above |= not _number(name)
        elif name in known:
            return True
    if numeric and not words_above:
        return True
    if words_above and not numeric:
        return False
    if not columns:
        return True if any(_number(cell) for cell in line[1:]) else None
    return None


def _number(cell: str) -> bool:
    return NUMBER.fullmatch(cell.replace(",", ".", 1)) is not None


def _candidates(kind: str) -> list[str]:
    return [",", ";", "\t", " "] if kind == ".csv" else ["\t", ",", ";", " "]


def _separator(header: str, row: str, kind: str) -> str:
    """The separator by which header and first row agree; that of the suffix where several do."""
    return _agreed({sign: (_n_fields(header, sign), _n_fields(row, sign)) for sign in _candidates(kind)})


def _agreed(widths: dict[str, tuple[int, int]]) -> str:
    """Of the fields of header and first row by each separator."""
    agreeing = [s for s, (in_header, in_row) in widths.items() if in_row > 1 and in_header in (in_row, in_row - 1)]
    for sign in agreeing:
        if widths[sign][0] > 1:
            return sign
    return agreeing[0] if agreeing else max(widths, key=lambda sign: widths[sign][0])


def _n_fields(line: str, separator: str) -> int:
    """Number of fields; 1 where one would be longer than any cell, as a header of many ids by a wrong separator is."""
    if '"' not in line and separator != " ":
        longest = len(max(line.split(separator), key=len)) if len(line) > LONGEST_FIELD else 0
        return line.count(separator) + 1 if longest <= LONGEST_FIELD else 1
    cells = fields(line, separator)
    return len(cells) if len(line) <= LONGEST_FIELD or len(max(cells, key=len)) <= LONGEST_FIELD else 1


def _split(line: str, separator: str, number: int, where: object) -> list[str]:
    cells = fields(line, separator)
    if len(line) > LONGEST_FIELD and len(max(cells, key=len)) > LONGEST_FIELD:
        raise too_long(number, where)
    return cells


def _check(names: list[str], row: list[str], below: list[str], separator: str, where: object, first: int) -> None:
    """Refuse what is no header over rows."""
    if len(row) < 2:
        raise AmuclError(
            "no columns beside the ids",
            where=f"{where}, line {first}",
            expected="ids and at least one column of values",
            got=f"{len(names)} fields in the header" if len(names) > 1 else None,
            action="check that all lines have one separator" if len(names) > 1 else None,
        )
    if len(names) not in (len(row), len(row) - 1):
        raise ragged(first, f"{len(names)} (as the header has) or {len(names) + 1}", len(row), where)
    if len(names) < len(row) and separator != " " and all(line.endswith(separator) for line in below):
        raise AmuclError(
            "every row ends with a separator, the header does not",
            where=where,
            expected=f"{len(names)} fields, as the header has",
            got=len(row),
            action="remove the separator at the end of the rows",
        )


def refuse_values_as_header(layout: Layout, words: UnknownWords, where: object) -> None:
    """Ids may be numbers, but a row of measurements is no header."""
    columns = layout.columns
    measured = [name for name in columns if NUMBER.fullmatch(name) and not name.isdigit()]
    if measured and all(NUMBER.fullmatch(name) or name in words for name in columns):
        raise AmuclError(
            "the header looks like a row of values",
            where=f"{where}, line {layout.header_line}",
            expected="ids",
            got=some(columns),
            action="add the header, or begin the ids with a letter",
        )
