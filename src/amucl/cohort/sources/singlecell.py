"""Several omics of single cells: counts as the authors of scCAT-seq publish them, or features made of counts.

Counts are .RDS matrices (features x cells). The omics name a cell differently; the columns ``sample.{omic}`` of the
metadata join them, as in Liu et al., Nature Communications 10 (2019), 470. Features are .npy matrices (cells x
features) in the order of the metadata's rows, as those of SNARE-seq in Demetci et al., J. Comput. Biol. 29 (2022), 3.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from amucl.cohort.account import with_notes
from amucl.cohort.assembly import LEDGER_COLUMNS, join_clinical, join_tables
from amucl.cohort.cohort import RawCohort, Step
from amucl.cohort.notes import Note
from amucl.cohort.readers.parquet import known_table
from amucl.cohort.readers.rfiles import missing, named_matrix, read_rds
from amucl.cohort.readers.tables import LARGEST, read_clinical, tidy_columns, too_large
from amucl.cohort.readers.text import check_ids
from amucl.cohort.readers.words import UnknownWords
from amucl.errors import AmuclError, some
from amucl.files import require_file

UNKNOWN = "not in the metadata"


def read_singlecell(
    omics: Mapping[str, str | os.PathLike],
    metadata: str | os.PathLike,
    *,
    counts: Collection[str],
    min_cells: int = 3,
    words: UnknownWords | None = None,
) -> RawCohort:
    """Read cells: each is a sample, named as the first omic (or, where that is .npy, the metadata) names it.

    Parameters
    ----------
    omics : omic -> .RDS matrix of features x cells, or .npy matrix of cells x features.
    metadata : .RDS data frame or text table (see `read_clinical`), one row per cell; its columns become clinical.
    counts : omics that are counts. They are brought to one depth (a cell's values are divided by their sum and
        multiplied by the median sum of the cells) and features seen in fewer than `min_cells` cells are dropped; depth
        is that of all features. They still await log2 (`Preprocessing.log2`). Accessibility is treated like expression:
        it is neither binarised nor weighted.
    words : what means unknown in the metadata; the list of resources/unknown_words.txt by default.

    A cell is dropped, and the ledger says why, where the metadata do not have it or where nothing was counted in it.

    Raises
    ------
    AmuclError : a file is missing, damaged or of another kind; cells and metadata do not match; a count is missing,
        negative or infinite; no cell or feature is left.
    """
    notes: list[Note] = []
    cells = _read_metadata(metadata, words, notes)
    names = _cell_names(cells, omics, metadata)
    rows = next(iter(names.values()))
    read = {omic: _read_omic(omic, path, names[omic], rows, metadata) for omic, path in omics.items()}
    for omic in counts:
        _scale_counts(read[omic], min_cells)
    kept = [row for row in rows if any(row in one.table.index for one in read.values())]
    patients = pd.Series(kept, index=kept, dtype=object)
    clinical, report = join_clinical(tidy_columns(cells.set_axis(rows)), patients, tcga=False, where=metadata)
    ledger = pd.concat([one.ledger for one in read.values()], ignore_index=True)
    steps = [step for one in read.values() for step in one.steps]
    tables = {omic: one.table for omic, one in read.items()}
    return with_notes(RawCohort(tables, clinical, patients, steps, ledger, *join_tables(report)), notes)


def cell_labels(metadata: str | os.PathLike, omic: str, label: str) -> pd.Series:
    """Known labels by cell, named as the omic's .RDS names it, in the order of the metadata.

    Raises AmuclError if the metadata are damaged, do not name the cells or have no column `label`.
    """
    cells = _read_metadata(metadata)
    names = _cell_names(cells, {omic: "counts.RDS"}, metadata)[omic]
    if label not in cells:
        raise AmuclError("the metadata have no such column", where=metadata, expected=some(cells, 10), got=label)
    return cells[label].set_axis(names)


@dataclass
class _Omic:
    name: str
    path: Path
    table: pd.DataFrame  # cells x features, indexed by row id
    ledger: pd.DataFrame
    steps: list[Step]

    def advance(self, step: str, table: pd.DataFrame, reason: str, *, changed: int = 0) -> None:
        (n_in, p_in), (n_out, p_out) = self.table.shape, table.shape
        self.table = table
        self.steps.append(Step(self.name, step, n_in, n_out, p_in, p_out, changed, reason))
        if not n_out or not p_out:
            left = "feature" if n_out else "cell"
            raise AmuclError(f"no {left} is left", where=f"{self.path}, {self.name}, step {step}", got=reason)

    def drop(self, step: str, keep: np.ndarray, reason: str) -> None:
        lost = (self.ledger["status"] == "kept") & self.ledger["sample"].isin(self.table.index[~keep])
        self.ledger.loc[lost, ["status", "reason"]] = ["dropped", reason]
        self.advance(step, self.table if keep.all() else self.table[keep], reason)


def _read_metadata(
    path: str | os.PathLike, words: UnknownWords | None = None, notes: list[Note] | None = None
) -> pd.DataFrame:
    """One row per cell; the index is the first column of a text table."""
    if not str(path).lower().endswith(".rds"):
        return read_clinical(path, words=words, notes=notes)
    table = read_rds(path)
    if not isinstance(table, pd.DataFrame):
        raise AmuclError("not a data frame", where=path, expected="metadata with one row per cell")
    return known_table(table, words, "clinical", notes)


def _cell_names(
    cells: pd.DataFrame, omics: Mapping[str, str | os.PathLike], where: str | os.PathLike
) -> dict[str, list[str]]:
    """Omic -> what it calls the cells, in the order of the metadata."""
    names = {}
    for omic, path in omics.items():
        column = f"sample.{omic}"
        if _is_features(path):
            names[omic] = list(cells.index.astype(str))
            continue
        if column not in cells:
            wanted = f"a column {column}: the cells' names in the {omic} matrix"
            raise AmuclError("the metadata do not name the cells", where=where, expected=wanted, got=some(cells, 10))
        unnamed = np.flatnonzero(cells[column].isna())
        if len(unnamed):
            raise AmuclError(f"{column} has no value", where=f"{where}, row {unnamed[0] + 1}")
        names[omic] = list(cells[column].astype(str))
        check_ids(names[omic], f"cell ({column})", where)
    return names


def _is_features(path: str | os.PathLike) -> bool:
    suffix = Path(path).suffix.lower()
    if suffix not in (".rds", ".npy"):
        raise AmuclError("unknown format of single cells", where=path, expected=".RDS or .npy", got=suffix)
    return suffix == ".npy"


def _read_omic(
    omic: str, path: str | os.PathLike, names: list[str], rows: list[str], metadata: str | os.PathLike
) -> _Omic:
    if _is_features(path):
        table = _read_features(path, omic)
        if len(table) != len(rows):
            raise AmuclError(
                f"{omic} and the metadata are not of the same cells",
                where=path,
                expected=f"{len(rows)} rows, as {metadata} has",
                got=len(table),
            )
        table.index = pd.Index(names, dtype=object)
    else:
        table = named_matrix(read_rds(path), path, kinds=("feature", "cell")).T
    _require_finite(table, path)
    row_of = dict(zip(names, rows, strict=True))
    known = table.index.isin(names)
    if not known.any():
        raise AmuclError(
            f"{omic} and the metadata share no cell",
            where=path,
            expected=f"names such as {some(names)} ({metadata})",
            got=some(table.index),
        )
    ids = [row_of.get(name, name) for name in table.index]
    status, reason = np.where(known, "kept", "dropped"), np.where(known, "", UNKNOWN)
    ledger = pd.DataFrame(
        {"omic": omic, "column": table.index, "sample": ids, "patient": ids, "status": status, "reason": reason},
        columns=LEDGER_COLUMNS,
    )
    one = _Omic(omic, Path(path), table, ledger, [])
    one.advance("read", table, "as the source has it")
    one.advance("cells", (table if known.all() else table[known]).rename(index=row_of), UNKNOWN)
    return one


def _read_features(path: str | os.PathLike, omic: str) -> pd.DataFrame:
    file = require_file(path, purpose=f"{omic} features")
    try:
        with file.open("rb") as stream:
            values = np.lib.format.read_array(stream, allow_pickle=False)
    except Exception as error:  # malformed bytes make the parser of the header fail in any way whatever
        raise AmuclError("not an .npy matrix of numbers, or a damaged one", where=file, got=error) from error
    if values.ndim != 2 or values.dtype.kind not in "iuf":
        got = f"shape {values.shape} of type {values.dtype}"
        raise AmuclError("not a matrix of numbers", where=file, expected="cells x features", got=got)
    columns = [f"{omic}_{number}" for number in range(1, values.shape[1] + 1)]
    return pd.DataFrame(values.astype(np.float64), columns=columns)


def _require_finite(table: pd.DataFrame, where: str | os.PathLike) -> None:
    values = table.to_numpy()
    gaps = missing(values)
    wrong = gaps if values.dtype.kind == "i" else gaps | np.isinf(values)
    _refuse(wrong, table, where, "a missing or infinite value", "a finite number", gaps)
    _refuse(too_large(values), table, where, "a value too large to be a measurement", f"at most {LARGEST:g}")


def _refuse(
    wrong: np.ndarray, table: pd.DataFrame, where: object, what: str, expected: str, gaps: np.ndarray | None = None
) -> None:
    if wrong.any():
        cell, feature = np.argwhere(wrong)[0]
        got = "NA" if gaps is not None and gaps[cell, feature] else f"{table.iloc[cell, feature]:g}"
        place = f"{where}, feature {table.columns[feature]}, cell {table.index[cell]}"
        raise AmuclError(what, where=place, expected=expected, got=got)


def _scale_counts(omic: _Omic, min_cells: int) -> None:
    """Drop empty cells and rare features; bring the others to the median depth."""
    values = omic.table.to_numpy()
    _refuse(values < 0, omic.table, omic.path, "a negative count", "counts, 0 or more")
    depth = values.sum(axis=1, dtype=np.float64)
    omic.drop("empty_cells", depth > 0, f"no {omic.name} was counted in the cell")
    values, depth = omic.table.to_numpy(), depth[depth > 0]
    common = (values > 0).sum(axis=0) >= min_cells
    omic.advance("rare_features", omic.table.loc[:, common], f"seen in fewer than {min_cells} cells")
    scaled = omic.table * (np.median(depth) / depth)[:, np.newaxis]
    omic.advance("depth", scaled, f"every cell scaled to {np.median(depth):g} counts, the median", changed=scaled.size)
