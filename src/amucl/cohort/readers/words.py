"""The words that mean "not known", and the account of which were met.

They stand in resources/unknown_words.txt; a configuration adds to them (`unknown_words`) and takes from them
(`known_words`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import pandas as pd

from amucl.cohort.notes import Note
from amucl.cohort.readers.text import NUMBER
from amucl.errors import some
from amucl.resources import resource


@dataclass(frozen=True)
class UnknownWords:
    """Words that mean "not known"; ``cell in words`` whatever its case, spaces around it left out of account.

    A number among them is that number however a cell writes it: -9 is -9.0 too.

    Attributes
    ----------
    written : the words as the lists have them.
    folded : the same, as they are compared.
    numbers : those that are numbers.
    """

    written: tuple[str, ...]
    folded: frozenset[str]
    numbers: frozenset[float] = frozenset()

    def __contains__(self, cell: str) -> bool:
        folded = fold(cell)
        if folded in self.folded:
            return True
        return bool(self.numbers) and NUMBER.fullmatch(folded) is not None and float(folded) in self.numbers

    def spellings(self) -> list[str]:
        """The usual spellings of each word: as written, small, capital, and with capital initials."""
        every = [form for word in self.written for form in (word, word.lower(), word.upper(), word.capitalize())]
        return list(dict.fromkeys(form for form in every if form in self))


def fold(word: str) -> str:
    """A word as it is compared: small letters, single spaces."""
    return " ".join(word.split()).casefold()


@cache
def unknown_words(extra: tuple[str, ...] = (), known: tuple[str, ...] = ()) -> UnknownWords:
    """The words of the list, with those of `extra` and without those of `known`; the empty cell is always unknown."""
    lines = resource("unknown_words.txt").read_text(encoding="utf-8").splitlines()
    listed = [line for line in lines if line.strip() and not line.startswith("# ")]
    taken = {fold(word) for word in known} - {""}
    words = tuple(word for word in ("", *listed, *extra) if fold(word) not in taken)
    numbers = frozenset(float(word) for word in map(fold, words) if NUMBER.fullmatch(word))
    return UnknownWords(words, frozenset(map(fold, words)), numbers)


@dataclass(frozen=True)
class UnknownCells(Note):
    """A note of how many cells were read as unknown; `found` is (word as written, number, columns) of each word.

    `stated` is (column, number) of the cells of a table with a word for unknown in them, empty ones not among them.
    """

    n_cells: int = 0
    stated: tuple[tuple[str, int], ...] = ()
    found: tuple[tuple[str, int, tuple[str, ...]], ...] = ()


def stated_unknown(notes: Iterable[Note], column: str) -> int:
    """How many cells of a clinical column, or of ``{label table}.{column}``, say by a word that they are unknown."""
    return sum(
        n
        for note in notes
        if isinstance(note, UnknownCells)
        for name, n in note.stated
        if column in (name if note.source == "clinical" else "", f"{note.source}.{name}")
    )


class UnknownCount:
    """Counts the cells that are read as unknown, by word and column."""

    def __init__(self) -> None:
        self.n_cells = 0
        self._words: Counter[str] = Counter()
        self._columns: dict[str, dict[str, None]] = {}
        self._stated: Counter[str] = Counter()

    def add(self, word: str, n: int, columns: Iterable[str]) -> None:
        """`n` cells of one word; `columns` are some or all that have it, in their order."""
        self._words[word] += n
        own, columns = self._columns.setdefault(word, {}), list(columns)
        own.update(dict.fromkeys(columns))
        if word and len(columns) == 1:
            self._stated[columns[0]] += n

    def notes(self, source: str) -> list[Note]:
        """One note where any cell was unknown."""
        n = sum(self._words.values())
        if not n:
            return []
        words = self._words.most_common()
        found = tuple((word, count, tuple(self._columns[word])) for word, count in words)
        told = some([f"{shown(word)} {count}" for word, count in words], 8)
        where = some(dict.fromkeys(column for _, _, columns in found for column in columns))
        says = f"{n} of {self.n_cells} cells were read as unknown ({told}), in {where}; `known_words` and"
        says += " `unknown_words` change the list"
        return [UnknownCells(source, "unknown words", n, says, self.n_cells, tuple(self._stated.items()), found)]


def together(notes: list[Note], n_cells: int) -> list[Note]:
    """The notes of a table of `n_cells` that was read in pieces: unknown cells are one note, the others stand once."""
    unknown = [note for note in notes if isinstance(note, UnknownCells)]
    count = UnknownCount()
    count.n_cells = n_cells  # a piece without an unknown cell has no note
    for note in unknown:
        for word, n, columns in note.found:
            count.add(word, n, columns)
    others = dict.fromkeys(note for note in notes if note not in unknown)
    return [*others, *(count.notes(unknown[0].source) if unknown else [])]


def shown(word: str) -> str:
    """A word as a message has it."""
    return f"`{word}`" if word else "empty"


def known_cells(rows: list[list[str]], columns: list[str], words: UnknownWords, count: UnknownCount) -> Iterator[list]:
    """`rows` of strings with NaN for the cells that are unknown, which are counted."""
    unknown: dict[str, bool] = {}
    met: Counter[tuple[str, int]] = Counter()
    for row in rows:
        out: list = []
        for place, cell in enumerate(row):
            if cell not in unknown:
                unknown[cell] = cell in words
            if unknown[cell]:
                met[cell, place] += 1
            out.append(float("nan") if unknown[cell] else cell)
        yield out
    count.n_cells += len(rows) * len(columns)
    for (word, place), n in sorted(met.items(), key=lambda one: one[0][1]):
        count.add(word, n, [columns[place]])


def known_frame(table: pd.DataFrame, words: UnknownWords, count: UnknownCount) -> pd.DataFrame:
    """`table` of objects, with NaN in place of the strings that mean unknown, which are counted."""
    columns = {}
    for place, name in enumerate(table.columns):
        cells = table.iloc[:, place]
        if cells.dtype == object or isinstance(cells.dtype, pd.CategoricalDtype | pd.StringDtype):
            cells = cells.astype(object)
            counts = Counter(cell for cell in cells if isinstance(cell, str) and cell in words)
            for word, n in counts.items():
                count.add(word, n, [str(name)])
            cells = cells.mask(cells.isin(list(counts)))
        columns[place] = cells
    count.n_cells += table.size
    return pd.DataFrame(columns, index=table.index).set_axis(table.columns, axis=1)
