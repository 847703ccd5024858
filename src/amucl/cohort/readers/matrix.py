"""Tables of numbers: any shape in time and memory that grow with the file and no faster.

The rows come in pieces of some megabytes; of each piece all cells are written below one another and read as one long
column by Arrow's parser, which rounds correctly, so that the shape of the table does not matter. Only where Arrow
refuses a piece are its odd cells looked at: words for unknown, which are learnt, or the one that is wrong.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow

from amucl.cohort.notes import Note
from amucl.cohort.readers.annotation import FeatureColumns
from amucl.cohort.readers.layout import Layout
from amucl.cohort.readers.rows import LONGEST_FIELD, QUOTE, checked_fields, ragged, too_long
from amucl.cohort.readers.text import NUMBER
from amucl.cohort.readers.words import UnknownCount, UnknownWords
from amucl.errors import AmuclError, some

LARGEST = 1e15  # no measurement is larger; sums of squares of what is larger overflow single precision
PIECE_BYTES = 1 << 23
_DECIMAL_COMMA = re.compile(r"[+-]?[\d.]*,\d+(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_SURE_DECIMALS = re.compile(rb"(?m)^[+-]?(?:0*,|0\d|\d+,(?!\d{3}$)|\d{4,},)")
# A point that stands before decimals for sure; groups of thousands; whole numbers as such a table has them below 1000.
_SURE_POINTS = re.compile(rb"(?m)^[+-]?(?:0*\.|0\d|\d+\.(?!\d{3}$)|\d{4,}(?:\.|$)|\d+\.?\d*[eE])")
_GROUPED, _WHOLE = re.compile(rb"(?m)^[+-]?[1-9]\d{0,2}\.\d{3}$"), re.compile(rb"(?m)^[+-]?\d{1,3}$")
_LEAST_GROUPED = 50  # of numbers rounded to three decimals as many all end in another digit than 0 once in 200 tables
_NO_NUMBER = {
    mark: re.compile(rb"(?m)^(?![+-]?(?:\d+%b?\d*|%b\d+)(?:[eE][+-]?\d+)?$).*$" % ((re.escape(mark).encode(),) * 2))
    for mark in ".,"
}


class DecimalComma(Exception):
    """A cell such as 1,5 was met; `error` says what is told where the rest of the table has it otherwise."""

    def __init__(self, error: AmuclError) -> None:
        self.error = error
        super().__init__(str(error))


@dataclass
class _Piece:
    """Rows whose cells stand one below the other in `cells`."""

    lines: list[int] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    cells: list[bytes] = field(default_factory=list)
    n_bytes: int = 0


@dataclass
class Numbers:
    """Reads the rows of a table of numbers.

    layout, where, words : of the table, for messages, and for what is unknown.
    roles : which columns and rows are ids, annotation or counters.
    decimal : ``.``, or ``,`` where the whole table is written so.
    comma_allowed : whether a decimal comma is a reason to try again (`DecimalComma`) or wrong.
    """

    layout: Layout
    where: object
    words: UnknownWords
    roles: FeatureColumns
    decimal: str = "."
    comma_allowed: bool = True
    count: UnknownCount = field(default_factory=UnknownCount)
    sure_decimals: bool = False

    def __post_init__(self) -> None:
        self.columns = self.roles.values
        self.nulls = [word for word in self.words.spellings() if word.isprintable()]

    def read(self, rows: Iterable[tuple[int, bytes]]) -> pd.DataFrame:
        """The table, rows x columns as written, float64 with NaN for what is unknown, its ids unchecked.

        Raises AmuclError for a row of another length and for a cell that is no number, DecimalComma for the first cell
        with one.
        """
        ids, blocks = [], []
        for piece in self._pieces(rows):
            blocks.append(self._values(piece))
            ids += piece.ids
        values = np.empty((len(ids), len(self.columns)))
        start = 0
        blocks.reverse()
        while blocks:  # each is freed once it is copied
            block = blocks.pop()
            values[start : start + len(block)] = block
            start += len(block)
        return pd.DataFrame(values, index=pd.Index(ids, dtype=object), columns=pd.Index(self.columns, dtype=object))

    def notes(self, source: str) -> list[Note]:
        """What was read as unknown, or with a decimal comma."""
        says = "numbers have a decimal comma, which is read as a point"
        comma = [Note(source, "decimal commas", 1, says)] if self.decimal == "," else []
        return [*self.count.notes(source), *comma]

    def _pieces(self, rows: Iterable[tuple[int, bytes]]) -> Iterator[_Piece]:
        piece, header, drop = _Piece(), self.layout.header.encode(), self.roles.drops_row
        sign, width = self.layout.separator.encode(), self.layout.width
        chosen = None if self.roles.plain else [self.roles.id_place, *self.roles.value_places]
        for number, row in rows:
            if row == header:
                place = f"{self.where}, line {number}"
                raise AmuclError("the header stands here again", where=place, action="remove the line")
            if sign == b" ":
                row = re.sub(rb" +", b" ", row.strip(b" "))
            name, cells = self._cut(number, row, sign, width, chosen)
            if len(name) > LONGEST_FIELD:
                raise too_long(number, self.where)
            text = name.decode().strip()
            if drop(text):
                continue
            piece.lines.append(number)
            piece.ids.append(text)
            piece.cells.append(cells)
            piece.n_bytes += len(cells)
            if piece.n_bytes > PIECE_BYTES:
                yield piece
                piece = _Piece()
        if piece.lines:
            yield piece

    def _cut(self, number: int, row: bytes, sign: bytes, width: int, chosen: list[int] | None) -> tuple[bytes, bytes]:
        """The id of a row, and its values one below the other."""
        if QUOTE in row:
            n_quotes, end = row.count(QUOTE), row.find(QUOTE, 1)
            if n_quotes == 2 and row[:1] == QUOTE and row[end + 1 : end + 2] == sign and sign not in row[1:end]:
                row = row[1:end] + row[end + 1 :]  # as R writes it: only the id is quoted
            elif (
                n_quotes == 2 * width
                and row[:1] == row[-1:] == QUOTE
                and row.count(sign) == row.count(QUOTE + sign + QUOTE) == width - 1
            ):
                row = row[1:-1].replace(QUOTE + sign + QUOTE, sign)
            else:
                cells = checked_fields(row.decode(), self.layout.separator, width, number, self.where)
                cells = [" ".join(cell.split("\n")) for cell in cells]
                name, *values = cells if chosen is None else [cells[place] for place in chosen]
                return name.encode(), "\n".join(values).encode()
        if row.count(sign) != width - 1:
            raise ragged(number, width, row.count(sign) + 1, self.where)
        if chosen is None:
            name, _, values = row.partition(sign)
            return name, values.replace(sign, b"\n")
        parts = row.split(sign)
        name, *values = (parts[place] for place in chosen)
        return name, b"\n".join(values)

    def _values(self, piece: _Piece) -> np.ndarray:
        """The numbers of a piece, rows x columns."""
        body = b"\n".join(piece.cells) + b"\n"
        piece.cells = []
        try:
            flat = self._parse(body)
        except pa.ArrowInvalid:
            body = re.sub(rb"(?m)^ +| +$", b"", body) if b" " in body else body
            body = re.sub(rb"(?m)^\+(?=[\d.,])", b"", body) if b"+" in body else body
            self._learn(body, piece)
            try:
                flat = self._parse(body)
            except pa.ArrowInvalid:  # what no double holds, such as 1e-400
                flat = self._one_by_one(body)
        if self.words.numbers:
            flat = np.where(np.isin(flat, list(self.words.numbers)), np.nan, flat)
        self._count(flat, body, piece)
        if not self.sure_decimals and self.decimal == ",":
            self.sure_decimals = _SURE_DECIMALS.search(body) is not None
        if self.decimal == "." and self.count.n_cells == len(flat):
            self._refuse_grouped(body)
        wrong = too_large(flat)
        if wrong.any():
            place = int(np.argmax(wrong))
            raise self._wrong(body.split(b"\n", place + 1)[place].decode(), place, body, piece)
        return flat.reshape(len(piece.ids), len(self.columns))

    def _refuse_grouped(self, body: bytes) -> None:
        """Refuse 1.779 and 823 side by side, where no number shows that points stand before decimals (first piece)."""
        if b"." not in body or _SURE_POINTS.search(body) or not _WHOLE.search(body):
            return
        grouped = list(islice(_GROUPED.finditer(body), _LEAST_GROUPED))
        if len(grouped) == _LEAST_GROUPED:
            raise AmuclError(
                "numbers whose points may stand before decimals or thousands: each has three digits behind it",
                where=self.where,
                expected="numbers with a decimal point",
                got=some([repr(found[0].decode()) for found in grouped]),
                action="write the table anew, without groups of thousands",
            )

    def _parse(self, body: bytes) -> np.ndarray:
        table = arrow.read_csv(
            pa.py_buffer(body),
            read_options=arrow.ReadOptions(column_names=["x"], use_threads=False, block_size=len(body) + 1),
            parse_options=arrow.ParseOptions(
                delimiter="\x01", quote_char=False, double_quote=False, ignore_empty_lines=False
            ),
            convert_options=arrow.ConvertOptions(
                column_types={"x": pa.float64()}, null_values=self.nulls, decimal_point=self.decimal
            ),
        )
        return table.column(0).to_numpy()

    def _learn(self, body: bytes, piece: _Piece) -> None:
        """Take the words for unknown of a piece as such; raise what is to be said of the first cell that is neither."""
        known = set(self.nulls)
        for found in _NO_NUMBER[self.decimal].finditer(body):
            cell = found[0].decode()
            if cell in known:
                continue
            if cell not in self.words:
                raise self._wrong(cell, body.count(b"\n", 0, found.start()), body, piece)
            known.add(cell)
            self.nulls.append(cell)

    def _wrong(self, cell: str, place: int, body: bytes, piece: _Piece) -> Exception:
        """What is to be said of a cell that is no number."""
        where = self._place(place, piece)
        if len(cell) > LONGEST_FIELD:
            return too_long(piece.lines[place // len(self.columns)], self.where)
        if NUMBER.fullmatch(cell.replace(self.decimal, ".")) and (self.decimal == "." or "." not in cell):
            return value_too_large(float(cell.replace(self.decimal, ".")), where)
        if text := self._text_of_column(place % len(self.columns), body):
            return AmuclError(
                f"the column {self.columns[place % len(self.columns)]} is text: not a number in any row",
                where=where,
                expected="numbers, or an annotation of a known name (resources/annotation_columns.yaml)",
                got=some(map(repr, text)),
                action="remove the column",
            )
        error = not_a_number(cell, where)
        comma = self.decimal == "." and _DECIMAL_COMMA.fullmatch(cell) is not None
        return DecimalComma(error) if comma and self.comma_allowed else error

    def _text_of_column(self, column: int, body: bytes) -> list[str]:
        """The known cells of a column of a piece, where none of several is a number."""
        cells = [cell.decode() for cell in body.split(b"\n")[:-1][column :: len(self.columns)]]
        known = [cell for cell in cells if cell not in self.words]
        some_number = any(NUMBER.fullmatch(cell.replace(",", ".", 1)) for cell in known)
        return [] if some_number or len(known) < 2 else known

    def _one_by_one(self, body: bytes) -> np.ndarray:
        cells = body.decode().replace(",", ".").split("\n")[:-1]
        nulls = set(self.nulls)
        return np.array([math.nan if cell in nulls else float(cell) for cell in cells])

    def _count(self, flat: np.ndarray, body: bytes, piece: _Piece) -> None:
        """Count the cells that are unknown, by their words, in columns of which some are named."""
        self.count.n_cells += len(flat)
        unknown = np.flatnonzero(np.isnan(flat))
        if not len(unknown):
            return
        text = np.frombuffer(body, dtype=np.uint8)
        ends = np.flatnonzero(text == 10)
        begins = np.concatenate([[0], ends[:-1] + 1])
        lengths = (ends - begins)[unknown]
        for length in np.unique(lengths):
            cells = unknown[lengths == length]
            letters = text[begins[cells][:, None] + np.arange(length)]
            while len(cells):  # one word after the other: there are few
                same = (letters == letters[0]).all(axis=1)
                word = letters[0].tobytes().decode()
                if word.replace(self.decimal, ".") not in self.words:
                    raise self._wrong(word, int(cells[0]), body, piece)
                columns = dict.fromkeys((cells[same] % len(self.columns))[:1000].tolist())
                self.count.add(word, int(same.sum()), [self.columns[place] for place in list(columns)[:3]])
                cells, letters = cells[~same], letters[~same]

    def _place(self, place: int, piece: _Piece) -> str:
        row, column = divmod(place, len(self.columns))
        return f"{self.where}, line {piece.lines[row]}, row {piece.ids[row]}, column {self.columns[column]}"


def too_large(values: np.ndarray) -> np.ndarray:
    """Where a value is infinite, or beyond `LARGEST` as no measurement is."""
    return (values > LARGEST) | (values < -LARGEST)


def not_a_number(cell: object, where: str) -> AmuclError:
    """A cell that is neither a number nor a word for unknown."""
    comma = _DECIMAL_COMMA.fullmatch(str(cell).strip()) is not None
    missing = "a missing value is empty, NA or another word of resources/unknown_words.txt"
    action = "write decimals with a point, not a comma" if comma else missing
    return AmuclError("not a number", where=where, expected="a number", got=repr(str(cell)), action=action)


def value_too_large(value: float, where: str) -> AmuclError:
    """A value that is infinite or larger than `LARGEST`."""
    if math.isinf(value):
        return AmuclError("infinite value", where=where, expected="a finite number or a missing value")
    expected = f"a measurement (at most {LARGEST:g}) or a missing value"
    return AmuclError("a value too large to be a measurement", where=where, expected=expected, got=f"{value:g}")


def refuse_too_large(frame: pd.DataFrame, where: object) -> None:
    """Raise AmuclError for the first value that is infinite or larger than `LARGEST`."""
    wrong = too_large(frame.to_numpy())
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise value_too_large(
            frame.iloc[row, column], f"{where}, row {frame.index[row]}, column {frame.columns[column]}"
        )
