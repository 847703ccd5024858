"""Reading the tables a user has: features x samples (or the reverse), clinical tables, tables of labels.

Text is read by `layout`, `rows` and `matrix`; what was skipped, left out, read as unknown or otherwise converted is
told in `notes`, a list that the caller gives.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import anndata
import h5py
import mudata
import numpy as np
import pandas as pd

from amucl.cohort.annotation import FeatureColumns, is_symbols, merge_duplicates
from amucl.cohort.columns import with_written_columns
from amucl.cohort.hdf5 import check_hdf5
from amucl.cohort.layout import Layout, find_layout, refuse_values_as_header
from amucl.cohort.matrix import LARGEST, DecimalComma, Numbers, not_a_number, refuse_too_large, too_large
from amucl.cohort.notes import Note
from amucl.cohort.numerals import tidy_columns
from amucl.cohort.rows import checked_fields, fields, rows
from amucl.cohort.text import MAX_BYTES, NUMBER, check_ids, decode, gzip_errors, gzip_lines, text_blocks
from amucl.cohort.words import UnknownCount, UnknownWords, known_cells, known_frame, unknown_words
from amucl.errors import AmuclError, some
from amucl.files import require_file

__all__ = [
    "LARGEST",
    "parse_numbers",
    "parse_strings",
    "read_clinical",
    "read_columns",
    "read_h5mu",
    "read_omic",
    "read_strings",
    "spreadsheet_ids",
    "stream_numbers",
    "tidy_columns",
    "too_large",
]

mudata.set_options(pull_on_update=False)

REPEATED_FEATURES = "repeated features"
ORIENTATIONS = ("features_in_rows", "samples_in_rows")

_TEXT_SUFFIXES = (".tsv", ".txt", ".csv")
_SUFFIXES = "one of .tsv, .txt, .csv (each also as .gz), .parquet, .h5mu"
_HEAD_LINES, _HEAD_BYTES = 200, 1 << 26
_NUMERIC = ("string", "floating", "integer", "mixed-integer-float", "decimal", "empty")  # of columns of a parquet
_MONTH = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Sept|Oct|Nov|Dec"
_SPREADSHEET = re.compile(
    rf"\d{{1,2}}-({_MONTH})(-\d+)?|({_MONTH})-\d{{1,2}}|\d{{4}}-\d\d-\d\d( 00:00:00)?|\d{{1,2}}/\d{{1,2}}/\d{{4}}"
    r"|\d(\.\d+)?E\+\d+",
    re.IGNORECASE,
)


def read_omic(
    path: str | os.PathLike,
    *,
    omic: str,
    orientation: str = "features_in_rows",
    words: UnknownWords | None = None,
    notes: list[Note] | None = None,
) -> pd.DataFrame:
    """Read one omic as a samples x features table of float64, NaN where missing; the index is named ``sample``.

    Annotation of features beside the ids and rows of counters are left out (see `annotation`); where there are any, or
    the ids are symbols of genes, the row with the highest mean stays of several with one name.

    Parameters
    ----------
    path : a .tsv, .txt or .csv table (also .gz), with or without a corner cell; .parquet (ids in the index or in the
        first column); .h5mu, whose modality `omic` is taken (always samples x features).
    omic : name of the omic, for the messages and for the modality.
    orientation : ``features_in_rows`` or ``samples_in_rows``.
    words : what means unknown; the list of resources/unknown_words.txt by default.
    notes : takes what was decided on the way.

    Raises
    ------
    AmuclError : the file is missing, damaged, empty or ragged, holds something that is no finite number, or repeats
        or lacks an id.
    """
    if orientation not in ORIENTATIONS:
        raise AmuclError("unknown orientation", where=omic, expected=" or ".join(ORIENTATIONS), got=orientation)
    file, words, told = require_file(path, purpose=f"{omic} table"), words or unknown_words(), []
    kind = _kind(file)
    transposed = orientation == "features_in_rows"
    if kind == ".h5mu":
        table = _modality(file, omic)
    else:
        if kind == ".parquet":
            found, roles = _read_parquet_numbers(file, words, omic, told, features_in_rows=transposed)
        else:
            found, roles = _read_numbers(
                lambda: _blocks(file), file, kind, words, omic, told, features_in_rows=transposed, annotated=True
            )
        if roles.may_repeat:
            found = _without_repeats(found, omic, told)
        table = found.T if transposed else found
    places = (None, None) if kind not in _TEXT_SUFFIXES else ("column", "line") if transposed else ("line", "column")
    check_ids(table.index, "sample", file, place=places[0])
    check_ids(table.columns, "feature", file, place=places[1])
    if notes is not None:
        notes += told
    table.index, table.columns = table.index.rename("sample"), table.columns.rename(None)  # rename_axis would copy
    return table


def read_clinical(
    path: str | os.PathLike, *, words: UnknownWords | None = None, notes: list[Note] | None = None
) -> pd.DataFrame:
    """Read a clinical table: the first column is the sample id (index ``sample``), the others as they are.

    A column whose every present value is a number (see `numerals`) becomes float64; the others stay strings; missing
    cells are missing. An .h5mu gives its ``obs``. Raises AmuclError as `read_omic` does.
    """
    file = require_file(path, purpose="clinical table")
    kind = _kind(file)
    if kind == ".h5mu":
        cohort = read_h5mu(file)
        table = _known(with_written_columns(cohort.obs, cohort.uns), words, "clinical", notes)
    else:
        table = _read_strings(file, kind, words, "clinical", notes)
    places = ("line", "column") if kind in _TEXT_SUFFIXES else (None, None)
    check_ids(table.index, "sample", file, place=places[0])
    check_ids(table.columns, "column", file, place=places[1])
    return tidy_columns(table, notes=notes).rename_axis(index="sample", columns=None)


def read_strings(
    path: str | os.PathLike,
    *,
    purpose: str = "table",
    words: UnknownWords | None = None,
    notes: list[Note] | None = None,
    source: str | None = None,
) -> pd.DataFrame:
    """A text or parquet table as strings, NaN where unknown, its ids (the index) unchecked.

    Raises AmuclError as `read_omic` does, and for repeated columns.
    """
    file = require_file(path, purpose=purpose)
    kind = _kind(file)
    if kind == ".h5mu":
        raise AmuclError(f"{purpose} cannot be .h5mu", where=file, expected="text or .parquet")
    table = _read_strings(file, kind, words, source or purpose, notes)
    if kind == ".parquet":
        table = table.map(str, na_action="ignore").astype(object)
    check_ids(table.columns, "column", file, place="column" if kind in _TEXT_SUFFIXES else None)
    return table


def read_columns(
    path: str | os.PathLike,
    *,
    purpose: str = "clinical table",
    notes: list[Note] | None = None,
    source: str | None = None,
) -> pd.DataFrame:
    """All columns of a text or parquet table as strings, the ids among them; NaN where a parquet has no value.

    Cells are as the file has them, those that mean unknown too: until it is known which column holds ids, NA may be a
    patient. The index, named ``line``, is where a row begins in the file (of a parquet its number from 1); a column
    without a name in the header is called ``""``: the leftover row index of pandas, or the row names of R. Which lines
    were skipped is told in `notes`, by the name `source` (by default `purpose`). Raises AmuclError as `read_omic` does,
    and for repeated columns.
    """
    file = require_file(path, purpose=purpose)
    kind = _kind(file)
    if kind == ".h5mu":
        raise AmuclError(f"{purpose} cannot be .h5mu", where=file, expected="text or .parquet")
    told: list[Note] = []
    if kind == ".parquet":
        frame = _all_columns(file).astype(object)
        lines, columns = list(range(1, len(frame) + 1)), list(frame.columns)
        table = frame.map(str, na_action="ignore").astype(object)
    else:
        lines, cells, layout = _read_cells(_blocks(file), file, kind, None)
        columns = [layout.corner or "", *layout.columns]
        table = pd.DataFrame(cells, columns=pd.Index(columns, dtype=object), dtype=object)
        told += layout.notes(source or purpose)
    named = [name for name in columns if name]
    check_ids(named, "column", file, place="column" if kind in _TEXT_SUFFIXES and len(named) == len(columns) else None)
    if columns.count("") > 1:
        raise AmuclError("columns without a name", where=file, expected="at most one", got=columns.count(""))
    if notes is not None:
        notes += told
    return table.set_axis(columns, axis=1).set_axis(pd.Index(lines, name="line"))


def stream_numbers(path: str | os.PathLike, *, n_rows: int = 2000) -> Iterator[pd.DataFrame]:
    """The table of numbers in a .gz file, `n_rows` rows at a time, as `parse_numbers` reads them.

    For tables that are too large to be read at once: memory grows with `n_rows`, not with the file. Raises AmuclError
    as `read_omic` does; what is wrong with a row is told when it is reached.
    """
    file = require_file(path, purpose="table")
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
            yield parse_numbers(text, file, first_line=first_line, decimal_commas=False)
            first_line += len(rows)
    if first_line == above + 2:
        raise AmuclError("no rows below the header", where=file, expected="a header and at least one row")


def parse_numbers(
    text: str,
    where: object,
    *,
    kind: str = ".tsv",
    first_line: int | None = None,
    decimal_commas: bool = True,
    words: UnknownWords | None = None,
) -> pd.DataFrame:
    """A table of numbers, rows x columns as written, ids unchecked; float64 with NaN for what is unknown.

    The header may have a corner cell, or (as R writes it) one field fewer than the rows. `kind` is the suffix that
    decides which separator is tried first, `first_line` the line of the file on which the first row stands, if that is
    not the line below the header. With `decimal_commas` a table that has them throughout is read.
    """
    data = text.encode()
    table, _ = _read_numbers(
        lambda: text_blocks(io.BytesIO(data), where),
        where,
        kind,
        words or unknown_words(),
        "table",
        [],
        first_line=first_line,
        decimal_commas=decimal_commas,
    )
    return table


def parse_strings(
    text: str, where: object, *, kind: str = ".tsv", words: UnknownWords | None = None, notes: list[Note] | None = None
) -> pd.DataFrame:
    """A table of strings indexed by its first column, NaN where unknown; ids unchecked."""
    _, cells, layout = _read_cells(text_blocks(io.BytesIO(text.encode()), where), where, kind, words)
    return _by_first_column(cells, layout, words, "table", notes)


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


def _kind(file: Path) -> str:
    name = file.name.lower()
    kind = Path(name.removesuffix(".gz")).suffix
    if kind in _TEXT_SUFFIXES or (kind in (".parquet", ".h5mu") and not name.endswith(".gz")):
        return kind
    raise AmuclError("unknown file format", where=file, expected=_SUFFIXES, got=file.name)


@contextmanager
def _opened(file: Path) -> Iterator[BinaryIO]:
    packed = file.suffix.lower() == ".gz"
    with gzip_errors(file), gzip.open(file) if packed else file.open("rb") as stream:
        yield stream


def _blocks(file: Path) -> Iterator[bytes]:
    """The content of a text file, unpacked, in checked blocks."""
    with _opened(file) as stream:
        yield from text_blocks(stream, file, max_bytes=MAX_BYTES if file.suffix.lower() == ".gz" else None)


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


def _read_numbers(
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
        numbered = rows(below, layout.separator, where, first_line=first)
        some_rows = list(islice(numbered, 20))
        ids = [row.decode().split(layout.separator, 1)[0].strip('" ') for _, row in some_rows]
        roles = FeatureColumns(
            layout.corner, layout.columns, ids, features_in_rows=features_in_rows if annotated else None
        )
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


def _without_repeats(found: pd.DataFrame, omic: str, notes: list[Note]) -> pd.DataFrame:
    """Of the rows with one name the one with the highest mean."""
    repeated = found.index[found.index.duplicated()]
    if not len(repeated):
        return found
    merged, _ = merge_duplicates(found)
    n = len(found) - len(merged)
    says = f"{n} rows with the name of another left out, the one with the highest mean kept: {some(repeated.unique())}"
    notes.append(Note(omic, REPEATED_FEATURES, n, says))
    return merged


def _read_cells(
    blocks: Iterator[bytes], where: object, kind: str, words: UnknownWords | None
) -> tuple[list[int], list[list[str]], Layout]:
    """The lines on which rows begin, and their cells, ids first."""
    layout, below = _begun(blocks, where, kind, words or unknown_words())
    lines, cells = [], []
    for number, row in rows(below, layout.separator, where, first_line=layout.first_line):
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


def _by_first_column(
    cells: list[list[str]], layout: Layout, words: UnknownWords | None, source: str, notes: list[Note] | None
) -> pd.DataFrame:
    ids = pd.Index([row[0] for row in cells], dtype=object)
    return _frame([row[1:] for row in cells], layout.columns, layout, words, source, notes).set_axis(ids)


def _read_strings(
    file: Path, kind: str, words: UnknownWords | None, source: str, notes: list[Note] | None
) -> pd.DataFrame:
    """A table by its first column; of a parquet with the types that it has."""
    if kind == ".parquet":
        return _known(_read_parquet(file), words, source, notes)
    _, cells, layout = _read_cells(_blocks(file), file, kind, words)
    return _by_first_column(cells, layout, words, source, notes)


def _known(table: pd.DataFrame, words: UnknownWords | None, source: str, notes: list[Note] | None) -> pd.DataFrame:
    """A table with types, NaN for the words that mean unknown."""
    count = UnknownCount()
    known = known_frame(table, words or unknown_words(), count)
    if notes is not None:
        notes += count.notes(source)
    return known


def _opened_parquet(file: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(file)
    except Exception as error:  # malformed bytes make the parser fail in any way whatever
        raise AmuclError("not a parquet file, or a damaged one", where=file, got=type(error).__name__) from error
    if frame.index.nlevels > 1 or frame.columns.nlevels > 1:
        raise AmuclError("an index of several levels", where=file, expected="one id for each row and column")
    return frame


def _all_columns(file: Path) -> pd.DataFrame:
    """A parquet with its index, if it has one, as the first column."""
    frame = _opened_parquet(file)
    if frame.empty:
        raise AmuclError("no rows or no columns", where=file, expected="ids and values", got=f"shape {frame.shape}")
    frame.columns = frame.columns.astype(str)
    if not isinstance(frame.index, pd.RangeIndex):
        name = "" if frame.index.name is None else str(frame.index.name)
        first = pd.Series(frame.index, index=frame.index, name=name, dtype=object)
        frame = pd.concat([first, frame], axis=1)
    return frame.reset_index(drop=True)


def _read_parquet(file: Path) -> pd.DataFrame:
    frame = _opened_parquet(file)
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


def _read_parquet_numbers(
    file: Path, words: UnknownWords, source: str, notes: list[Note], *, features_in_rows: bool
) -> tuple[pd.DataFrame, FeatureColumns]:
    frame = _read_parquet(file)
    corner = None if frame.index.name is None else str(frame.index.name)
    roles = FeatureColumns(corner, list(frame.columns), list(frame.index[:20]), features_in_rows=features_in_rows)
    if roles.id_place:
        ids = frame.iloc[:, roles.id_place - 1]
        frame = frame.set_axis(pd.Index(ids.astype(object).where(ids.notna(), "").map(str), dtype=object))
    frame = frame.iloc[[not roles.drops_row(name) for name in frame.index], [place - 1 for place in roles.value_places]]
    if all(kind.kind in "fiu" for kind in frame.dtypes):
        table = frame.astype(np.float64)
    else:
        count = UnknownCount()
        table = _numbers_of_columns(known_frame(frame, words, count), file)
        notes += count.notes(source)
    refuse_too_large(table, file)
    notes += roles.notes(source)
    return table, roles


def _numbers_of_columns(frame: pd.DataFrame, file: Path) -> pd.DataFrame:
    columns = {}
    for position, name in enumerate(frame.columns):
        cells = frame.iloc[:, position]
        if pd.api.types.infer_dtype(cells.astype(object), skipna=True) not in _NUMERIC:
            row = int(np.argmax(cells.notna()))
            raise not_a_number(cells.iloc[row], f"{file}, row {frame.index[row]}, column {name}")
        numbers = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64, na_value=np.nan)
        wrong = np.isnan(numbers) & ~cells.isna().to_numpy()
        if wrong.any():
            row = int(np.argmax(wrong))
            raise not_a_number(cells.iloc[row], f"{file}, row {frame.index[row]}, column {name}")
        columns[position] = numbers
    return pd.DataFrame(columns, index=frame.index).set_axis(frame.columns, axis=1)


def _modality(file: Path, omic: str) -> pd.DataFrame:
    cohort = read_h5mu(file)
    if omic not in cohort.mod:
        raise AmuclError("no such modality in the .h5mu", where=file, expected=some(cohort.mod, 20), got=omic)
    if cohort[omic].X is None:
        raise AmuclError(f"modality {omic} holds no data", where=file, expected="samples x features in its X")
    table = cohort[omic].to_df().astype(np.float64)
    if table.empty:
        raise AmuclError(f"modality {omic} has no samples or no features", where=file, got=f"shape {table.shape}")
    refuse_too_large(table, f"{file}, modality {omic}")
    return table


def spreadsheet_ids(features: pd.Index) -> list[str]:
    """Ids that a spreadsheet has made dates or numbers of: SEPT1 is ``1-Sep`` then, 2310009E13 ``2.31E+19``."""
    return [name for name in features if _SPREADSHEET.fullmatch(name)]
