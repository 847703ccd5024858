"""Numbers as people write them: decimal commas, thousands, bounds, per cent; decided by the whole column.

A column becomes numbers where every known value is one by these rules:

- ``12.5``, ``1e-3``; ``12,5`` where the column has no decimal points; ``1,234.5``, ``1.234,5``, ``1 234`` and ``1'234``
  with groups of three digits.
- Where every comma (or, in a table of decimal commas, every point) stands before three digits and nothing in the column
  tells, it is read as the other columns of the table write their decimals; where these do not tell either, it groups
  thousands. A note says so.
- ``>89``, ``<0.5``, ``>=``, ``≤``: the bound, where the column has more different exact values than bounds: ``<65`` and
  ``>=65`` alone are two classes.
- ``45%`` is 45, where all values but 0 have the sign, or none of those without is a fraction.
- A typographic minus is a minus. Units are never taken off: ``12 mm`` is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from amucl.cohort.notes import Note
from amucl.cohort.readers.text import NUMBER
from amucl.errors import some

_BOUND = re.compile(r"(?:[<>]=?|[≤≥])\s*")
_SPACES = "[ \u00a0\u2009\u202f'\u2019]"
_EXPONENT = r"(?:[eE][+-]?\d+)?"
_ENGLISH = re.compile(rf"[+-]?(?:(?:\d+|[1-9]\d{{0,2}}(?:,\d{{3}})+)(?:\.\d*)?|\.\d+){_EXPONENT}", re.ASCII)
_EUROPEAN = re.compile(rf"[+-]?(?:(?:\d+|[1-9]\d{{0,2}}(?:\.\d{{3}})+)(?:,\d*)?|,\d+){_EXPONENT}", re.ASCII)
_SPACED = re.compile(rf"[+-]?(?:\d+|[1-9]\d{{0,2}}(?:{_SPACES}\d{{3}})+)(?:[.,]\d*)?{_EXPONENT}", re.ASCII)
_LIST_OF_CODES = re.compile(r"\d,\d")

POINT, COMMA, EITHER = "point", "comma", "either"  # what a column says of the decimal mark of its table


@dataclass(frozen=True)
class _Numerals:
    """A column as numerals: values without signs of bound and per cent, and how many had one."""

    texts: list[str]
    n_bounds: int
    n_percent: int
    mark: str | None  # POINT, COMMA, EITHER; None where no value has either


def tidy_columns(table: pd.DataFrame, *, notes: list[Note] | None = None, source: str = "clinical") -> pd.DataFrame:
    """`table` with numeric columns as float64, all others as strings (object), missing values as NaN.

    What was read otherwise than Python reads it is told in `notes`, one note per kind, by `source`.
    """
    columns = [_as_text(table.iloc[:, place]) for place in range(table.shape[1])]
    read = [None if cells is None else _numerals(cells.dropna().unique().tolist()) for cells in columns]
    marks = {one.mark for one in read if one is not None}
    comma = COMMA in marks and POINT not in marks
    told = _Told()
    tidy = {}
    for place, (name, cells, one) in enumerate(zip(table.columns, columns, read, strict=True)):
        if cells is None:
            tidy[place] = table.iloc[:, place].astype(np.float64)
        elif one is None:
            tidy[place] = cells
        else:
            words = cells.dropna().unique().tolist()
            values = dict(zip(words, _values(one, comma=comma), strict=True))
            tidy[place] = cells.map(values, na_action="ignore").astype(np.float64)
            told.add(str(name), cells, one, comma=comma)
    if notes is not None:
        notes += told.notes(source)
    return pd.DataFrame(tidy, index=table.index).set_axis(table.columns, axis=1)


def _as_text(cells: pd.Series) -> pd.Series | None:
    """The cells as strings with NaN where missing, or None where they are numbers already."""
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        return None
    return cells.astype(object).where(cells.notna(), np.nan).map(str, na_action="ignore")


def _numerals(words: list[str]) -> _Numerals | None:
    """How the different values of a column are numbers, or None where they are not."""
    texts = [word.strip().replace("−", "-") for word in words]
    if not texts:
        return None
    if all(NUMBER.fullmatch(text) for text in texts):
        return _Numerals(texts, 0, 0, _mark(texts))
    bounds = [_BOUND.match(text) for text in texts]
    texts = [text[found.end() :] if found else text for text, found in zip(texts, bounds, strict=True)]
    percent = [text.endswith("%") for text in texts]
    texts = [text[:-1].rstrip() if sign else text for text, sign in zip(texts, percent, strict=True)]
    n_bounds = sum(found is not None for found in bounds)
    if n_bounds and 2 * n_bounds >= len(texts):
        return None
    mark = _mark(texts)
    if mark is None and not all(NUMBER.fullmatch(text) or _SPACED.fullmatch(text) for text in texts):
        return None
    fits = [one for one in (_ENGLISH, _EUROPEAN, _SPACED) if all(one.fullmatch(text) for text in texts)]
    if not fits or mark == "mixed" or _are_codes(texts):
        return None
    if any(percent) and not all(percent) and any(_fraction(t) for t, p in zip(texts, percent, strict=True) if not p):
        return None
    return _Numerals(texts, n_bounds, sum(percent), mark)


def _mark(texts: list[str]) -> str | None:
    """What a column of numerals says of the decimal mark."""
    marked = [text for text in texts if "." in text or "," in text]
    if not marked:
        return None
    english = all(_ENGLISH.fullmatch(text) for text in marked)
    european = all(_EUROPEAN.fullmatch(text) for text in marked)
    spaced = all(_SPACED.fullmatch(text) for text in marked)
    if english and european:
        both = any("," in text for text in marked) and any("." in text for text in marked)
        return "mixed" if both else EITHER
    if english or european:
        return POINT if english else COMMA
    if spaced and not (any("," in text for text in marked) and any("." in text for text in marked)):
        return COMMA if any("," in text for text in marked) else POINT
    return "mixed"


def _are_codes(texts: list[str]) -> bool:
    """Whether values such as 1,3 are lists of the codes that other rows have alone: choices, not decimals."""
    lists = [text for text in texts if "," in text]
    alone = {text for text in texts if "," not in text}
    return (
        bool(lists)
        and len(alone) > 1
        and all(_LIST_OF_CODES.fullmatch(text) and set(text.split(",")) <= alone for text in lists)
    )


def _fraction(text: str) -> bool:
    return re.fullmatch(r"[+-]?0*[.,]0*[1-9]\d*", text) is not None


def _decimal(one: _Numerals, *, comma: bool) -> str:
    """The decimal mark of a column; `comma` whether the table has decimal commas."""
    if one.mark == EITHER:
        if comma:
            return ","
        return "."
    return "," if one.mark == COMMA else "."


def _values(one: _Numerals, *, comma: bool) -> Iterable[float]:
    mark = _decimal(one, comma=comma)
    other = "." if mark == "," else ","
    for text in one.texts:
        plain = re.sub(_SPACES, "", text).replace(other, "")
        yield float(plain.replace(mark, "."))


class _Told:
    """What was read of a table's columns otherwise than as written, one note per kind."""

    def __init__(self) -> None:
        self.columns: dict[str, dict[str, str]] = {}
        self.n: dict[str, int] = {}

    def add(self, name: str, cells: pd.Series, one: _Numerals, *, comma: bool) -> None:
        mark = _decimal(one, comma=comma)
        other = "." if mark == "," else ","
        groups = [text for text in one.texts if other in text or re.search(rf"\d{_SPACES}\d", text)]
        words = cells.dropna()
        if mark == ",":
            self._tell("decimal commas", name, int(words.str.contains(",").sum()), one.texts, ",")
        if groups:
            self._tell("thousands", name, int(words.str.contains(rf"(?:[.,]|{_SPACES})\d{{3}}").sum()), groups, "")
        if one.mark == EITHER and any("," in text for text in one.texts):
            self._tell("commas before three digits", name, int(words.str.contains(",").sum()), one.texts, ",")
        if one.n_bounds:
            bounded = words[words.str.strip().str.match(_BOUND)]
            self._tell("bounds", name, len(bounded), list(dict.fromkeys(bounded)), "")
        if one.n_percent:
            self._tell("per cent signs", name, int(words.str.strip().str.endswith("%").sum()), list(words[:1]), "")

    def _tell(self, kind: str, name: str, n: int, texts: list[str], sign: str) -> None:
        example = next((text for text in texts if sign in text), "")
        self.columns.setdefault(kind, {})[name] = example
        self.n[kind] = self.n.get(kind, 0) + n

    def notes(self, source: str) -> list[Note]:
        """One note for each kind of what was met."""
        says = {
            "decimal commas": "values with a decimal comma read as numbers",
            "thousands": "values with groups of thousands read as numbers",
            "commas before three digits": "values could have a decimal comma or group thousands: read as the other"
            " columns write decimals, else as thousands",
            "bounds": "values are bounds, read as the bound itself",
            "per cent signs": "values have a per cent sign, which is left out",
        }
        notes = []
        for kind, says_kind in says.items():
            if kind in self.columns:
                shown = some([f"{name} ({example})" for name, example in self.columns[kind].items()])
                notes.append(Note(source, kind, self.n[kind], f"{self.n[kind]} {says_kind}: {shown}"))
        return notes
