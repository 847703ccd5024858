"""Which column of a table names the samples or patients of a cohort."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from amucl.cohort.assembly import targets_by_barcode
from amucl.cohort.clinical.names import is_measurement
from amucl.cohort.ids.barcodes import parse_barcode
from amucl.cohort.ids.matching import Item, Matches, file_stem, id_tokens, match_ids, whole_number

# What data frames call the numbers of their rows: pandas (also reset_index, parquet), R, readr, data.table, tibble.
_ROW_NUMBERS = re.compile(
    r"|unnamed(: ?\d+(_level_\d+)?)?|index|x(\.\d+)?|\.\.\.\d+|__index_level_\d+__|level_\d+|rn|row|"
    r"row[._ ]?(names?|number|nr|id|index)|v1",
    re.IGNORECASE,
)
_ENTITY = r"(sample|patient|case|subject|participant|donor|individual|specimen|person|aliquot|mrn|record)s?"
_ID_NAME = re.compile(
    rf"((tumou?r|normal|bcr|tcga|study|submitter|submitted|case|my|the|sample|patient) )*{_ENTITY}"
    r"( ?(id|ids|identifier|code|codes|name|names|number|num|nr|no|barcode|key|label|uuid|submitter id))?"
    r"|(.* )?(id|ids|identifier|barcode|barcodes|uuid)",
)
_OF_OTHERS = re.compile(r"\b(control|matched|mother|father|parent|sibling|twin|partner|spouse|paired|mate)\b")
_WHOLE = re.compile(r"\d+(\.0+)?")
_NUMBER = re.compile(r"[\d.,]+")
_ENOUGH = 0.5  # of the patients, or of the rows, for a column of numbers whose name does not say that it holds ids
_NEARLY_UNIQUE = 0.9


@dataclass(frozen=True)
class CohortIds:
    """What the patients of a cohort are called.

    Attributes
    ----------
    patients : row of the cohort -> patient.
    spellings : another spelling, as an omic writes it -> row.
    tcga : ids are barcodes: a table's id stands for the rows of the same sample, else of the same patient.
    labels : as `tcga`, where ids are barcodes, but also by the patient as written.
    """

    patients: pd.Series
    spellings: Mapping[str, str]
    tcga: bool = False
    labels: bool = False

    def match(self, ids: list[str]) -> tuple[dict[str, str], Matches]:
        """Row of the cohort -> its id among `ids`, rows without one absent; and which ids are one."""
        if self.tcga or self.labels:
            by_barcode, written = targets_by_barcode(pd.Index(ids, dtype=object), self.patients), set(ids)
            known = {
                row: row if row in written else patient if self.labels and patient in written else by_barcode[row]
                for row, patient in self.patients.items()
            }
            found = {row: name for row, name in known.items() if name is not None}
            if self.tcga or len(found) == len(known):
                return found, Matches({})
        else:
            found = {}
        spellings: dict[Item, str] = {("cohort", other): row for other, row in self.spellings.items()}
        matches = match_ids({"cohort": self.patients.index, "table": ids}, spellings)
        rows, used = set(self.patients.index), set(found.values())
        for name in ids:
            row = matches.name["table", name]
            if row in rows and row not in found and name not in used:
                found[row] = name
        return found, matches


@dataclass(frozen=True)
class IdColumn:
    """One column as the ids of a table.

    Attributes
    ----------
    position, name : of the column; the name is empty where the header has none.
    found : row of the cohort -> id.
    matches : how ids were found that are written otherwise.
    share : of the cohort's rows that have an id in it. unique : distinct ids per cell that holds one.
    rivals : names of columns that name nearly as many rows as ids do, and give them to other rows of the table.
    """

    position: int
    name: str
    found: dict[str, str]
    matches: Matches
    share: float
    unique: float
    numbers: bool
    row_numbers: bool
    exact: int
    rivals: tuple[str, ...] = ()

    @property
    def score(self) -> float:
        """The share of rows named, less where ids are repeated; a few patients with two rows cost nothing."""
        return self.share * min(1, self.unique / _NEARLY_UNIQUE)

    @property
    def named(self) -> bool:
        """Whether its name says that it holds ids."""
        return is_id_name(self.name)

    @property
    def rank(self) -> tuple:
        """By which the best column is the largest."""
        return self.score, self.named, self.exact, -self.position


def is_id_name(name: str) -> bool:
    """Whether a column's name says that it holds ids: sampleID, PATIENT_ID, bcr_patient_barcode, case."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    plain = re.sub(r"[\W_]+", " ", words).strip().casefold()
    return _ID_NAME.fullmatch(plain) is not None and _OF_OTHERS.search(plain) is None


def is_row_number(name: str, cells: pd.Series) -> bool:
    """Whether a column seems to be row numbers left over by a data frame: whole numbers, and such a name."""
    return _ROW_NUMBERS.fullmatch(name.strip()) is not None and _all(cells, _WHOLE)


def id_column(columns: pd.DataFrame, cohort: CohortIds) -> IdColumn | None:
    """The column of a table whose cells name the cohort's rows best, or None if none does.

    The share of the cohort's rows that a column names decides, less where its cells are repeated (`IdColumn.score`); of
    equals one whose name says that it holds ids of the samples (`is_id_name`; not of their controls or mothers), then
    the one with more ids as written, then the first. Numbers can be
    equal by chance: where the best column holds numbers, one that is named as ids wins if it names half as many rows,
    and a column that is neither named so nor the first has to be unique and to name half of the cohort, and no unique
    column may be named so. Ages, stages, times and events, by their names, are no ids. Row numbers (`is_row_number`)
    never win where a unique column is named as ids, whether that matches or not, nor where they count from 0 and the
    cohort has no 0.

    Parameters
    ----------
    columns : every column as text, missing where unknown; "" for a column without a name.
    """
    named_ids = False
    texts = []
    for position, name in enumerate(columns.columns):
        cells = columns.iloc[:, position].dropna().astype(str).str.strip()
        cells = cells[cells != ""]
        texts.append((position, str(name), cells))
        unique = len(cells) == len(columns) and cells.is_unique
        named_ids = named_ids or (is_id_name(str(name)) and unique and not is_row_number(str(name), cells))
    resembles = _resembling(cohort)
    bounded = []
    for position, name, cells in texts:
        ids = list(dict.fromkeys(cells))
        bound = sum(map(resembles, ids))
        numbers_of_rows = is_row_number(name, cells)
        if numbers_of_rows and (named_ids or ("0" in ids and "0" not in cohort.patients.index)):
            continue
        if bound:
            bounded.append((bound, position, name, cells, ids, numbers_of_rows))
    found: list[IdColumn] = []
    for bound, position, name, cells, ids, numbers_of_rows in sorted(bounded, key=lambda entry: (-entry[0], entry[1])):
        best = max((column.score for column in found), default=0)
        if 4 * bound < best * len(cohort.patients) and not (cohort.tcga or cohort.labels):
            break  # it cannot name as many rows as it would have to
        column = _tried(position, name, cells, ids, numbers_of_rows, cohort)
        if column is not None:
            found.append(column)
    best = _best(found, named_ids=named_ids)
    return best and replace(best, rivals=_rivals(best, found, columns))


def _rivals(best: IdColumn, found: list[IdColumn], columns: pd.DataFrame) -> tuple[str, ...]:
    """The names of the other columns named as ids by which the cohort's rows would be other rows of the table."""

    def rows_of(column: IdColumn) -> pd.Series:
        cells = columns.iloc[:, column.position].fillna("").astype(str).str.strip()
        first = {name: place for place, name in reversed(list(enumerate(cells)))}
        return pd.Series({row: first[name] for row, name in column.found.items()})

    ours = rows_of(best)
    rivals = []
    for column in found:
        if column.position != best.position and column.named and column.share >= _NEARLY_UNIQUE * best.share:
            theirs = rows_of(column).reindex(ours.index).dropna()
            if (theirs != ours[theirs.index]).mean() > 1 - _NEARLY_UNIQUE:
                rivals.append(column.name)
    return tuple(rivals)


def _best(found: list[IdColumn], *, named_ids: bool) -> IdColumn | None:
    allowed = [column for column in found if not column.numbers or _convincing(column, named_ids=named_ids)]
    if not allowed:
        return None
    best = max(allowed, key=lambda column: column.rank)
    if best.numbers and not best.named:
        rivals = [column for column in allowed if column.named and 2 * column.share >= best.share]
        best = max(rivals, key=lambda column: column.rank, default=best)
    return best


def _convincing(column: IdColumn, *, named_ids: bool) -> bool:
    """Whether a column of numbers is one of ids, not of measurements that are equal to some by chance.

    named_ids : whether the table has a unique column that is named as ids.
    """
    if column.named or column.row_numbers:
        return True
    if is_measurement(column.name) or column.unique < _NEARLY_UNIQUE:
        return False
    return column.position == 0 or (column.share >= _ENOUGH and not named_ids)


def _tried(
    position: int, name: str, cells: pd.Series, ids: list[str], numbers_of_rows: bool, cohort: CohortIds
) -> IdColumn | None:
    found, matches = cohort.match(ids)
    if not found:
        return None
    exact = sum(row == key for row, key in found.items())
    numbers = all(_NUMBER.fullmatch(key) for key in found.values())
    share, unique = len(found) / len(cohort.patients), len(ids) / len(cells)
    return IdColumn(position, name, found, matches, share, unique, numbers, numbers_of_rows, exact)


def _resembling(cohort: CohortIds):
    """A quick test: whether an id could be one of the cohort's, in any spelling or length."""
    known, begun = set(), set()
    barcodes = set()
    for name in (*cohort.patients.index, *cohort.patients, *cohort.spellings):
        for tokens in map(id_tokens, (name, file_stem(name), whole_number(name) or name)):
            known.add(tokens)
            begun.update(tokens[:n] for n in range(1, len(tokens) + 1))
        if barcode := parse_barcode(name):
            barcodes.add(barcode.patient)

    def resembles(name: str) -> bool:
        tokens = id_tokens(whole_number(name) or name)
        if tokens in begun or any(tokens[:n] in known for n in range(1, len(tokens))):
            return True
        if (stem := file_stem(name)) != name and id_tokens(stem) in known:
            return True
        barcode = parse_barcode(name) if barcodes and len(tokens) > 2 else None
        return barcode is not None and barcode.patient in barcodes

    return resembles


def _all(cells: pd.Series, pattern: re.Pattern) -> bool:
    return len(cells) > 0 and bool(cells.astype(str).str.fullmatch(pattern.pattern).all())
