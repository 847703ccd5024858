"""Reading the tables a user has: features x samples (or the reverse), clinical tables, tables of labels.

Text is read by `text_table`; what was skipped, left out, read as unknown or otherwise converted is
told in `notes`, a list that the caller gives.
"""

from __future__ import annotations

import os
import re
import warnings
from pathlib import Path

import anndata
import h5py
import mudata
import numpy as np
import pandas as pd

from amucl.cohort.columns import with_written_columns
from amucl.cohort.notes import Note
from amucl.cohort.readers.annotation import merge_duplicates, refuse_features_as_samples
from amucl.cohort.readers.hdf5 import check_hdf5
from amucl.cohort.readers.matrix import LARGEST, refuse_too_large, too_large
from amucl.cohort.readers.numerals import tidy_columns
from amucl.cohort.readers.parquet import known_table, parquet_columns, parquet_numbers, parquet_table
from amucl.cohort.readers.text import check_ids
from amucl.cohort.readers.text_table import (
    by_first_column,
    file_blocks,
    parse_numbers,
    parse_strings,
    read_cells,
    read_numbers,
    stream_numbers,
)
from amucl.cohort.readers.words import UnknownWords, unknown_words
from amucl.errors import AmuclError, counted, some
from amucl.files import require_file

__all__ = [
    "LARGEST",
    "parse_numbers",
    "parse_strings",
    "read_clinical",
    "read_columns",
    "read_h5mu",
    "read_omic",
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
            found, roles = parquet_numbers(file, words, omic, told, features_in_rows=transposed)
        else:
            found, roles = read_numbers(
                lambda: file_blocks(file), file, kind, words, omic, told, features_in_rows=transposed, annotated=True
            )
        if roles.may_repeat:
            found = _without_repeats(found, omic, told)
        table = found.T if transposed else found
    places = (None, None) if kind not in _TEXT_SUFFIXES else ("column", "line") if transposed else ("line", "column")
    check_ids(table.index, "sample", file, place=places[0])
    if kind != ".h5mu":
        refuse_features_as_samples(table.index, file, orientation)
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
        table = known_table(with_written_columns(cohort.obs, cohort.uns), words, "clinical", notes)
    else:
        table = _read_strings(file, kind, words, "clinical", notes)
    places = ("line", "column") if kind in _TEXT_SUFFIXES else (None, None)
    check_ids(table.index, "sample", file, place=places[0])
    check_ids(table.columns, "column", file, place=places[1])
    return tidy_columns(table, notes=notes).rename_axis(index="sample", columns=None)


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
        frame = parquet_columns(file).astype(object)
        lines, columns = list(range(1, len(frame) + 1)), list(frame.columns)
        table = frame.map(str, na_action="ignore").astype(object)
    else:
        lines, cells, layout = read_cells(file_blocks(file), file, kind, None)
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


def _without_repeats(found: pd.DataFrame, omic: str, notes: list[Note]) -> pd.DataFrame:
    """Of the rows with one name the one with the highest mean."""
    repeated = found.index[found.index.duplicated()]
    if not len(repeated) or 2 * len(repeated) > len(found):  # a list of segments or the like is refused by its ids
        return found
    merged, _ = merge_duplicates(found)
    n = len(found) - len(merged)
    says = f"{counted(n, 'row')} with the name of another left out, the one with the highest mean kept"
    says += f": {some(repeated.unique())}"
    notes.append(Note(omic, REPEATED_FEATURES, n, says))
    return merged


def _read_strings(
    file: Path, kind: str, words: UnknownWords | None, source: str, notes: list[Note] | None
) -> pd.DataFrame:
    """A table by its first column; of a parquet with the types that it has."""
    if kind == ".parquet":
        return known_table(parquet_table(file), words, source, notes)
    _, cells, layout = read_cells(file_blocks(file), file, kind, words)
    return by_first_column(cells, layout, words, source, notes)


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
