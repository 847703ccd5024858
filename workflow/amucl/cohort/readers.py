"""Reading the tables a user has: features x samples (or the reverse), and clinical tables.

Text is read by pandas' C parser; the guilty cell is searched for only after that parser has refused the file.
"""

from __future__ import annotations

import csv
import gzip
import io
import math
import os
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import anndata
import h5py
import mudata
import numpy as np
import pandas as pd

from amucl.cohort.columns import with_written_columns
from amucl.cohort.hdf5 import check_hdf5
from amucl.cohort.notes import Note
from amucl.cohort.text import NUMBER, check_ids, decode, gzip_errors, gzip_lines, read_gzip
from amucl.errors import AmuclError, some
from amucl.files import require_file

mudata.set_options(pull_on_update=False)

LARGEST = 1e15  # no measurement is larger; sums of squares of what is larger overflow single precision
MISSING = ("", "NA", "NaN", "nan", "null", "N/A", "NULL", ".")
ORIENTATIONS = ("features_in_rows", "samples_in_rows")

_TEXT_SUFFIXES = (".tsv", ".txt", ".csv")
_SUFFIXES = "one of .tsv, .txt, .csv (each also as .gz), .parquet, .h5mu"
_DECIMAL_COMMA = re.compile(r"[+-]?[\d.]*,\d+(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_BOOLEANS = ("TRUE", "True", "true", "FALSE", "False", "false")  # what pandas would take for 1 and 0
_NUMERIC = ("string", "floating", "integer", "mixed-integer-float", "decimal", "empty")  # of columns of a parquet
_MONTH = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec"
_SPREADSHEET = re.compile(
    rf"\d{{1,2}}-({_MONTH})(-\d+)?|({_MONTH})-\d{{1,2}}|\d{{4}}-\d\d-\d\d( 00:00:00)?|\d{{1,2}}/\d{{1,2}}/\d{{4}}"
    r"|\d(\.\d+)?E\+\d+",
    re.IGNORECASE,
)


def read_omic(path: str | os.PathLike, *, omic: str, orientation: str = "features_in_rows") -> pd.DataFrame:
    """Read one omic as a samples x features table of float64, NaN where missing; the index is named ``sample``.

    Parameters
    ----------
    path : a .tsv, .txt or .csv table (also .gz), with or without a corner cell; .parquet (ids in the index or in the
        first column); .h5mu, whose modality `omic` is taken (always samples x features).
    omic : name of the omic, for the messages and for the modality.
    orientation : ``features_in_rows`` or ``samples_in_rows``.

    Raises
    ------
    AmuclError : the file is missing, damaged, empty or ragged, holds something that is no finite number, or repeats
        or lacks an id.
    """
    if orientation not in ORIENTATIONS:
        raise AmuclError("unknown orientation", where=omic, expected=" or ".join(ORIENTATIONS), got=orientation)
    file = require_file(path, purpose=f"{omic} table")
    kind = _kind(file)
    transposed = orientation == "features_in_rows"
    if kind == ".h5mu":
        table = _modality(file, omic)
    else:
        rows = _read_parquet_numbers(file) if kind == ".parquet" else parse_numbers(_read_text(file), file, kind=kind)
        table = rows.T if transposed else rows
    places = (None, None) if kind not in _TEXT_SUFFIXES else ("column", "line") if transposed else ("line", "column")
    check_ids(table.index, "sample", file, place=places[0])
    check_ids(table.columns, "feature", file, place=places[1])
    return table.rename_axis(index="sample", columns=None)


def read_clinical(path: str | os.PathLike) -> pd.DataFrame:
    """Read a clinical table: the first column is the sample id (index ``sample``), the others as they are.

    A column whose every present value is a number becomes float64; the others stay strings; missing cells are missing.
    An .h5mu gives its ``obs``. Raises AmuclError as `read_omic` does.
    """
    file = require_file(path, purpose="clinical table")
    kind = _kind(file)
    if kind == ".h5mu":
        cohort = read_h5mu(file)
        table = with_written_columns(cohort.obs, cohort.uns)
    elif kind == ".parquet":
        table = _read_parquet(file)
    else:
        table = parse_strings(_read_text(file), file, kind=kind)
    places = ("line", "column") if kind in _TEXT_SUFFIXES else (None, None)
    check_ids(table.index, "sample", file, place=places[0])
    check_ids(table.columns, "column", file, place=places[1])
    return tidy_columns(table).rename_axis(index="sample", columns=None)


def read_strings(path: str | os.PathLike, *, purpose: str = "table") -> pd.DataFrame:
    """A text or parquet table as strings, NaN where missing, its ids (the index) unchecked.

    Raises AmuclError as `read_omic` does, and for repeated columns.
    """
    file = require_file(path, purpose=purpose)
    kind = _kind(file)
    if kind == ".h5mu":
        raise AmuclError(f"{purpose} cannot be .h5mu", where=file, expected="text or .parquet")
    if kind == ".parquet":
        frame = _read_parquet(file)
        table = frame.map(str, na_action="ignore").astype(object)
    else:
        table = parse_strings(_read_text(file), file, kind=kind)
    check_ids(table.columns, "column", file, place="column" if kind in _TEXT_SUFFIXES else None)
    return table


def read_columns(
    path: str | os.PathLike, *, purpose: str = "clinical table", notes: list[Note] | None = None
) -> pd.DataFrame:
    """All columns of a text or parquet table as strings, NaN where unknown, the ids among them.

    The index, named ``line``, is where a row begins in the file (of a parquet its number from 1); a column without a
    name in the header is called ``""``: the leftover row index of pandas, or the row names of R. What was read as
    unknown or otherwise converted is told in `notes`. Raises AmuclError as `read_omic` does, and for repeated columns.
    """
    file = require_file(path, purpose=purpose)
    if _kind(file) == ".parquet":
        return _parquet_columns(file)
    table = read_strings(file, purpose=purpose)
    ids = pd.Series(table.index, index=table.index, name=_corner(file, table), dtype=object)
    ids = ids.where(ids != "", np.nan)
    return pd.concat([ids, table], axis=1).set_axis(pd.RangeIndex(2, len(table) + 2, name="line"))


def _corner(file: Path, table: pd.DataFrame) -> str:
    """What the header of a text table calls its first column; empty where it has no name for it."""
    layout = _layout(_read_text(file), file, _kind(file))
    header = _split(_read_text(file).split("\n", 1)[0], layout.separator)
    return header[0].strip() if len(header) > table.shape[1] else ""


def _parquet_columns(file: Path) -> pd.DataFrame:
    """A parquet as text with its index, if it has one, as the first column."""
    try:
        frame = pd.read_parquet(file)
    except Exception as error:  # malformed bytes make the parser fail in any way whatever
        raise AmuclError("not a parquet file, or a damaged one", where=file, got=type(error).__name__) from error
    if frame.index.nlevels > 1 or frame.columns.nlevels > 1:
        raise AmuclError("an index of several levels", where=file, expected="one id for each row and column")
    if frame.empty:
        raise AmuclError("no rows or no columns", where=file, expected="ids and values", got=f"shape {frame.shape}")
    frame.columns = frame.columns.astype(str)
    check_ids(frame.columns, "column", file)
    if not isinstance(frame.index, pd.RangeIndex):
        frame.insert(0, "" if frame.index.name is None else str(frame.index.name), frame.index, allow_duplicates=True)
    text = frame.astype(object).map(str, na_action="ignore").astype(object)
    return text.mask(text.isin(MISSING)).set_axis(pd.RangeIndex(1, len(text) + 1, name="line"))


def tidy_columns(table: pd.DataFrame) -> pd.DataFrame:
    """`table` with numeric columns as float64, all others as strings (object), missing values as NaN."""
    return pd.DataFrame({name: _tidy_column(table[name]) for name in table.columns}, index=table.index)


def stream_numbers(path: str | os.PathLike, *, n_rows: int = 2000) -> Iterator[pd.DataFrame]:
    """The table of numbers in a .gz file, `n_rows` rows at a time, as `parse_numbers` reads them.

    For tables that are too large to be read at once: memory grows with `n_rows`, not with the file. Raises AmuclError
    as `read_omic` does; what is wrong with a row is told when it is reached.
    """
    file = require_file(path, purpose="table")
    with gzip_errors(file), gzip.open(file) as stream:
        lines = gzip_lines(stream, file)
        header = next(lines, b"")
        if "\n" in decode(header, file).rstrip("\n"):
            raise AmuclError("lines end in CR alone", where=f"{file}, line 1", action="save it with LF at line ends")
        first_line = 2
        while rows := list(islice(lines, n_rows)):
            text = decode(header + b"".join(rows), file, first_line=first_line)
            yield parse_numbers(text, file, first_line=first_line)
            first_line += len(rows)
    if first_line == 2:
        raise AmuclError("no rows below the header", where=file, expected="a header and at least one row")


def parse_numbers(text: str, where: object, *, kind: str = ".tsv", first_line: int = 2) -> pd.DataFrame:
    """A table of numbers, rows x columns as written, ids unchecked; float64 with NaN for `MISSING`.

    The header may have a corner cell, or (as R writes it) one field fewer than the rows. `kind` is the suffix that
    decides which separator is tried first, `first_line` the line of the file on which the first row stands.
    """
    layout = _layout(text, where, kind, first_line)
    _refuse_values_as_header(layout.columns, where)
    if any(word in text for word in _BOOLEANS) and (guilty := _guilty_cell(layout, where)):
        raise guilty
    columns = range(len(layout.columns) + 1)
    try:
        frame = pd.read_csv(
            io.StringIO(_without_spaces("\n".join(layout.lines), layout.separator)),
            sep=layout.separator,
            header=None,
            names=columns,
            index_col=0,
            dtype={0: str} | dict.fromkeys(columns[1:], np.float64),
            na_values={column: list(MISSING) for column in columns[1:]},
            keep_default_na=False,
            skipinitialspace=True,
            skip_blank_lines=False,
            float_precision="round_trip",
        )
    except ValueError as error:
        raise _guilty_cell(layout, where) or AmuclError(f"not a table of numbers: {error}", where=where) from error
    if too_large(frame.to_numpy()).any():
        raise _guilty_cell(layout, where)
    frame.index = pd.Index([name.strip() for name in frame.index], dtype=object)
    frame.columns = pd.Index(layout.columns, dtype=object)
    return frame


def parse_strings(text: str, where: object, *, kind: str = ".tsv") -> pd.DataFrame:
    """A table of strings indexed by its first column, NaN where missing; ids unchecked, row i stands on line i + 2."""
    layout = _layout(text, where, kind)
    rows = [[cell.strip() for cell in _split(line, layout.separator)] for line in layout.lines]
    ids = pd.Index([row[0] for row in rows], dtype=object)
    frame = pd.DataFrame([row[1:] for row in rows], index=ids, columns=layout.columns, dtype=object)
    return frame.mask(frame.isin(MISSING))


def read_h5mu(path: str | os.PathLike) -> mudata.MuData:
    """The MuData in `path`: its modalities, ``obs`` and ``uns``, indices without names; AmuclError if it is not one.

    It is put together from its parts because mudata.read_h5mu refuses named indices unless it may copy the modalities'
    columns into ``obs``.
    """
    file = require_file(path)
    try:
        check_hdf5(file)
        with h5py.File(file, "r") as handle:
            names = [str(name) for name in handle["mod"].attrs.get("mod-order", list(handle["mod"]))]
            obs = anndata.io.read_elem(handle["obs"]).rename_axis(index=None)
            uns = anndata.io.read_elem(handle["uns"]) if "uns" in handle else {}
        modalities = {name: mudata.read_h5ad(file, name) for name in names}
        check_ids(obs.index, "sample", file)
        for modality in modalities.values():
            modality.obs_names.name = modality.var_names.name = None
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="var_names are not unique")  # genes may stand in two omics
            cohort = mudata.MuData(modalities, uns=uns)
        cohort.obs = obs.reindex(cohort.obs_names)
    except AmuclError:
        raise
    except Exception as error:  # malformed bytes make the parser fail in any way whatever
        raise AmuclError("not an .h5mu file (MuData)", where=file, action="check that the file is complete") from error
    return cohort


@dataclass(frozen=True)
class _Layout:
    separator: str
    columns: list[str]
    lines: list[str]  # without the header; line i stands on line i + first_line of the file
    first_line: int


def _kind(file: Path) -> str:
    name = file.name.lower()
    kind = Path(name.removesuffix(".gz")).suffix
    if kind in _TEXT_SUFFIXES or (kind in (".parquet", ".h5mu") and not name.endswith(".gz")):
        return kind
    raise AmuclError("unknown file format", where=file, expected=_SUFFIXES, got=file.name)


def _read_text(file: Path) -> str:
    return decode(read_gzip(file) if file.suffix.lower() == ".gz" else file.read_bytes(), file)


def _layout(text: str, where: object, kind: str, first_line: int = 2) -> _Layout:
    lines = text.rstrip("\n").split("\n")
    while len(lines) > 1 and not lines[-1].strip():
        lines.pop()
    if not text.strip():
        raise AmuclError("the file is empty", where=where, expected="a table with a header")
    if len(lines) < 2:
        raise AmuclError("no rows below the header", where=where, expected="a header and at least one row")
    separator = _separator(lines[0], lines[1], kind)
    if separator == " ":
        lines = [line.strip(" ") for line in lines]
    _check_lengths(lines, separator, where, first_line)
    if lines[0] in lines[1:]:
        place = f"{where}, line {lines.index(lines[0], 1) + first_line - 1}"
        raise AmuclError("the header stands here again", where=place, action="remove the line")
    header, width = _split(lines[0], separator), len(_split(lines[1], separator))
    if width < 2:
        line = f"{where}, line {first_line}"
        raise AmuclError(
            "no columns beside the ids",
            where=line,
            expected="ids and at least one column of values",
            got=f"{len(header)} fields in the header" if len(header) > 1 else None,
            action="check that all lines have one separator" if len(header) > 1 else None,
        )
    if len(header) not in (width, width - 1):
        raise _ragged(first_line, f"{len(header)} (as the header has) or {len(header) + 1}", width, where)
    _check_widths(lines[1:], separator, width, where, first_line)
    if len(header) < width and all(line.endswith(separator) for line in lines[1:]):
        raise AmuclError(
            "every row ends with a separator, the header does not",
            where=where,
            expected=f"{len(header)} fields, as the header has",
            got=width,
            action="remove the separator at the end of the rows",
        )
    columns = header[1:] if len(header) == width else header
    return _Layout(separator, [name.strip() for name in columns], lines[1:], first_line)


def _separator(header: str, row: str, kind: str) -> str:
    """The separator by which header and first row agree; that of the suffix where several do."""
    candidates = [",", ";", "\t", " "] if kind == ".csv" else ["\t", ",", ";", " "]
    widths = {separator: (_width(header, separator), _width(row, separator)) for separator in candidates}
    agreeing = [s for s, (in_header, in_row) in widths.items() if in_row > 1 and in_header in (in_row, in_row - 1)]
    for separator in agreeing:
        if widths[separator][0] > 1:
            return separator
    return agreeing[0] if agreeing else max(candidates, key=lambda separator: widths[separator][0])


def _split(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator, skipinitialspace=True), [""])


def _width(line: str, separator: str) -> int:
    """Number of fields; 1 where one would be longer than any cell, as a header of many ids by a wrong separator is."""
    try:
        return len(_split(line, separator))
    except csv.Error:
        return 1


def _check_lengths(lines: list[str], separator: str, where: object, first_line: int) -> None:
    limit = csv.field_size_limit()
    for number, line in enumerate(lines, start=first_line - 1):
        if len(line) > limit and (len(max(line.split(separator), key=len)) > limit or _width(line, separator) == 1):
            place = f"{where}, line {1 if number < first_line else number}"
            raise AmuclError("a field is too long", where=place, expected=f"at most {limit} characters")


def _check_widths(lines: list[str], separator: str, width: int, where: object, first_line: int) -> None:
    for number, line in enumerate(lines, start=first_line):
        if '"' in line:
            if line.count('"') % 2:
                raise AmuclError("unbalanced quote", where=f"{where}, line {number}")
        elif line.count(separator) == width - 1:
            continue
        found = len(_split(line, separator))
        if found != width:
            raise _ragged(number, width, found, where)


def _without_spaces(rows: str, separator: str) -> str:
    """`rows` without spaces before separators, which would make `NA` something else; pandas drops those behind them."""
    if '"' in rows or not (f" {separator}" in rows or " \n" in rows):
        return rows
    return re.sub(rf" +(?={separator}|$)", "", rows, flags=re.MULTILINE)


def _refuse_values_as_header(columns: list[str], where: object) -> None:
    """Ids may be numbers, but a row of measurements is no header."""
    measured = [name for name in columns if NUMBER.fullmatch(name) and not name.isdigit()]
    if measured and all(NUMBER.fullmatch(name) or name in MISSING for name in columns):
        raise AmuclError(
            "the header looks like a row of values",
            where=f"{where}, line 1",
            expected="ids",
            got=some(columns),
            action="add the header, or begin the ids with a letter",
        )


def _ragged(number: int, expected: object, found: int, where: object) -> AmuclError:
    return AmuclError(
        "wrong number of fields",
        where=f"{where}, line {number}",
        expected=expected,
        got=found,
        action="check separators",
    )


def _guilty_cell(layout: _Layout, where: object) -> AmuclError | None:
    for number, line in enumerate(layout.lines, start=layout.first_line):
        name, *cells = _split(line, layout.separator)
        for column, cell in zip(layout.columns, cells, strict=True):
            if cell.strip() in MISSING:
                continue
            is_number = NUMBER.fullmatch(cell.strip()) is not None
            if not is_number or abs(float(cell)) > LARGEST:
                place = f"{where}, line {number}, row {name}, column {column}"
                return _too_large(float(cell), place) if is_number else _not_a_number(cell, place)
    return None


def _not_a_number(cell: object, where: str) -> AmuclError:
    comma = _DECIMAL_COMMA.fullmatch(str(cell).strip()) is not None
    action = "write decimals with a point, not a comma" if comma else f"missing values may be {some(MISSING[1:], 9)}"
    return AmuclError("not a number", where=where, expected="a number", got=repr(str(cell)), action=action)


def _refuse_too_large(frame: pd.DataFrame, where: object) -> None:
    wrong = too_large(frame.to_numpy())
    if wrong.any():
        row, column = np.argwhere(wrong)[0]
        raise _too_large(frame.iloc[row, column], f"{where}, row {frame.index[row]}, column {frame.columns[column]}")


def too_large(values: np.ndarray) -> np.ndarray:
    """Where a value is infinite, or beyond `LARGEST` as no measurement is."""
    return (values > LARGEST) | (values < -LARGEST)


def _too_large(value: float, where: str) -> AmuclError:
    if math.isinf(value):
        return AmuclError("infinite value", where=where, expected="a finite number or a missing value")
    expected = f"a measurement (at most {LARGEST:g}) or a missing value"
    return AmuclError("a value too large to be a measurement", where=where, expected=expected, got=f"{value:g}")


def _read_parquet(file: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(file)
    except Exception as error:  # malformed bytes make the parser fail in any way whatever
        raise AmuclError("not a parquet file, or a damaged one", where=file, got=type(error).__name__) from error
    if frame.index.nlevels > 1 or frame.columns.nlevels > 1:
        raise AmuclError("an index of several levels", where=file, expected="one id for each row and column")
    if isinstance(frame.index, pd.RangeIndex) and not frame.empty:
        first = frame.columns[0]
        if pd.api.types.infer_dtype(frame[first].astype(object), skipna=True) != "string":
            raise AmuclError(
                "no id column",
                where=file,
                expected="ids as the index or, as text, in the first column",
                got=f"a first column {first} of type {frame[first].dtype}",
                action="save the ids as the index or the first column as text",
            )
        frame = frame.set_index(first)
    if frame.empty:
        raise AmuclError("no rows or no columns", where=file, expected="ids and values", got=f"shape {frame.shape}")
    missing_id = frame.index.isna()
    frame.index = pd.Index(np.where(missing_id, "", frame.index.astype(str)), dtype=object)
    frame.columns = frame.columns.astype(str)
    return frame


def _read_parquet_numbers(file: Path) -> pd.DataFrame:
    frame = _read_parquet(file)
    columns = {}
    for position, name in enumerate(frame.columns):
        cells = frame.iloc[:, position]
        if pd.api.types.infer_dtype(cells.astype(object), skipna=True) not in _NUMERIC:
            row = int(np.argmax(cells.notna()))
            raise _not_a_number(cells.iloc[row], f"{file}, row {frame.index[row]}, column {name}")
        numbers = pd.to_numeric(cells.mask(cells.isin(MISSING)), errors="coerce").to_numpy(np.float64, na_value=np.nan)
        wrong = np.isnan(numbers) & ~(cells.isna() | cells.isin(MISSING)).to_numpy()
        if wrong.any():
            row = int(np.argmax(wrong))
            raise _not_a_number(cells.iloc[row], f"{file}, row {frame.index[row]}, column {name}")
        columns[position] = numbers
    table = pd.DataFrame(columns, index=frame.index).set_axis(frame.columns, axis=1)
    _refuse_too_large(table, file)
    return table


def _modality(file: Path, omic: str) -> pd.DataFrame:
    cohort = read_h5mu(file)
    if omic not in cohort.mod:
        raise AmuclError("no such modality in the .h5mu", where=file, expected=some(cohort.mod, 20), got=omic)
    if cohort[omic].X is None:
        raise AmuclError(f"modality {omic} holds no data", where=file, expected="samples x features in its X")
    table = cohort[omic].to_df().astype(np.float64)
    if table.empty:
        raise AmuclError(f"modality {omic} has no samples or no features", where=file, got=f"shape {table.shape}")
    _refuse_too_large(table, f"{file}, modality {omic}")
    return table


def _tidy_column(cells: pd.Series) -> pd.Series:
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        return cells.astype(np.float64)
    text = cells.astype(object).where(cells.notna(), np.nan).map(str, na_action="ignore")
    present = text.dropna().astype(str).str.strip()
    if len(present) and present.str.fullmatch(NUMBER.pattern, flags=NUMBER.flags).all():
        return text.astype(np.float64)
    return text


def spreadsheet_ids(features: pd.Index) -> list[str]:
    """Ids that a spreadsheet has made dates or numbers of: SEPT1 is ``1-Sep`` then, 2310009E13 ``2.31E+19``."""
    return [name for name in features if _SPREADSHEET.fullmatch(name)]
