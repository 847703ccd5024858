"""Reading and writing files so that nothing is ever half-written."""

from __future__ import annotations

import errno
import glob
import gzip
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd

from amucl.errors import AmuclError

STORAGE_TROUBLE = [
    os.strerror(code)
    for code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
]

# Columns of tables that hold names, however much like numbers they look, and those that hold subtypes.
_NAMES = ("sample", "gene", "feature", "term", "item", "genes", "leading_edge")
_SUBTYPES = ("subtype", "against", "nearest", "second")

_ZEROS = bytes(1 << 20)


@contextmanager
def storage_errors(target: str | os.PathLike) -> Iterator[None]:
    """A disk that is full or must not be written is the user's to mend, whichever library came upon it.

    HDF5 and safetensors tell it in the words of their errors only, matplotlib fails once more as it closes a PDF.

    Raises
    ------
    AmuclError
        In place of any such error.
    """
    try:
        yield
    except AmuclError:
        raise
    except Exception as error:
        reason = next((words for one in _chain(error) for words in STORAGE_TROUBLE if words in str(one)), None)
        if reason is None:
            raise
        raise AmuclError(
            f"the file cannot be stored: {reason}",
            where=target,
            action="check the free space and the permissions of its folder, then run again: what is finished is kept",
        ) from error


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`, moved onto it when the block succeeds, removed when it fails.

    The temporary name keeps the suffix, because many writers choose the format by it. What a killed writer of the same
    `path` has left is removed too. A full disk is an AmuclError.
    """
    with storage_errors(path), _temporary(Path(path)) as temporary:
        yield temporary


@contextmanager
def _temporary(target: Path) -> Iterator[Path]:
    prefix, suffix = f".{target.name}.amucl-", "".join(target.suffixes)  # no name that a user would give
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f"{glob.escape(prefix)}????????{glob.escape(suffix)}"):
        left.unlink()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=prefix, suffix=suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp makes files private; results are meant to be shared
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def reserve(path: str | os.PathLike, n_bytes: int) -> None:
    """Make `path` that large: a disk without the space is found out before a writer begins that cannot bear it."""
    with open(path, "wb") as stream:
        for start in range(0, n_bytes, len(_ZEROS)):
            stream.write(_ZEROS[: n_bytes - start])


def require_file(path: str | os.PathLike, *, purpose: str = "file") -> Path:
    """`path` if it is a readable file, else an error that says why it is not."""
    file = Path(path)
    if file.is_dir():
        raise AmuclError(f"{purpose} is a directory", where=file, expected="a file", action="give the file's own path")
    if not file.exists():
        raise AmuclError(f"{purpose} does not exist", where=file, action="check the path in the configuration")
    if not os.access(file, os.R_OK):
        raise AmuclError(f"{purpose} cannot be read", where=file, action="check its permissions")
    return file


def write_table(table: pd.DataFrame, path: str | os.PathLike) -> None:
    """Write a tidy table: tab-separated, one header, no index, empty cells for missing values; gzip for .gz."""
    content = table.to_csv(sep="\t", index=False, lineterminator="\n").encode()
    with atomic_path(path) as temporary:  # gzip without a name and a time: the same table gives the same bytes
        temporary.write_bytes(gzip.compress(content, mtime=0) if temporary.suffix == ".gz" else content)


def read_table(path: str | os.PathLike, *, text_subtypes: bool = False, **options) -> pd.DataFrame:
    """Read a table that `write_table` wrote, exactly. Only an empty cell is missing: a gene may be called NA.

    Names stay text, Entrez ids too. Subtypes are numbers where all are whole ones that are written as numbers are, else
    text: 01 beside 1, TRUE and FALSE, numbers of more than 15 digits; with `text_subtypes` in any case.
    """
    if "keep_default_na" not in options:
        options |= {"keep_default_na": False, "na_values": [""]}
    given = options.get("converters", {})
    if "dtype" not in options:
        options["dtype"] = {name: str for name in (*_NAMES, *_SUBTYPES) if name not in given}
    table = pd.read_csv(require_file(path), sep="\t", float_precision="round_trip", **options)
    for column in () if text_subtypes else table.columns.intersection(_SUBTYPES):
        if column not in given and options["dtype"] is not str:
            table[column] = _whole_numbers(table[column])
    return table


def _whole_numbers(cells: pd.Series) -> pd.Series:
    """Text as numbers if the numbers give it back: 5, or 5.0 in all cells, as pandas writes it beside missing cells."""
    known = cells.dropna()
    return pd.to_numeric(cells) if are_whole_numbers(known) else cells


def are_whole_numbers(texts: pd.Series) -> bool:
    """Whether texts are whole numbers of one style, without leading zeros, that a float holds exactly."""
    styles = (r"0|[1-9]\d{0,14}", r"(0|[1-9]\d{0,14})\.0")
    return len(texts) > 0 and any(texts.astype(str).str.fullmatch(style).all() for style in styles)


def write_matrix(matrix: pd.DataFrame, path: str | os.PathLike) -> None:
    """Write a samples x columns matrix as a table whose first column is `sample`."""
    write_table(matrix.rename_axis("sample").reset_index(), path)


def read_matrix(path: str | os.PathLike) -> pd.DataFrame:
    """Read a table whose first column is `sample` as a matrix indexed by it (ids stay strings)."""
    return read_table(path, converters={"sample": str}).set_index("sample")


def write_json(value: object, path: str | os.PathLike) -> None:
    """Write JSON with sorted keys."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def write_arrays(path: str | os.PathLike, samples: list[str], **arrays: np.ndarray) -> None:
    """Write arrays with their sample ids as .npz, without pickles."""
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, samples=np.asarray(samples, dtype=np.str_), **arrays)


def read_arrays(path: str | os.PathLike) -> tuple[list[str], dict[str, np.ndarray]]:
    """Read what `write_arrays` wrote: sample ids and the named arrays."""
    what = "is not an array file of this pipeline"
    if not zipfile.is_zipfile(require_file(path)):
        raise AmuclError(what, where=path, expected="an .npz archive")
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = dict(stored)
        return [str(sample) for sample in arrays.pop("samples")], arrays
    except (zipfile.BadZipFile, zlib.error, ValueError, KeyError, EOFError, OSError, MemoryError) as error:
        raise AmuclError(what, where=path, got=error, action="delete it and run again") from error
