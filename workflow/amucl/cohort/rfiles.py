"""Reading what R's `saveRDS` and `save` write: named vectors, matrices and data frames, with no R at hand."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import warnings
import zlib
from typing import Any

import numpy as np
import pandas as pd
import rdata
import xarray
from rdata.missing import is_na

from amucl.cohort.text import check_ids
from amucl.errors import AmuclError
from amucl.files import require_file

MAX_BYTES = 2 << 30
_CHUNK_BYTES = 1 << 20
_COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}


def read_rds(path: str | os.PathLike, *, max_bytes: int = MAX_BYTES) -> Any:
    """The object in an .RDS file, as `rdata` has it: an xarray.DataArray (named), a DataFrame, an array or a list.

    `max_bytes` bounds its size in memory, uncompressed. Raises AmuclError if the file is missing, damaged or too large,
    or is not one of R.
    """
    file = require_file(path, purpose="R file")
    return _parse(file.read_bytes(), file, max_bytes)


def parse_rda(content: bytes, where: object, *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The objects, by name, in the bytes of an .rda file. Raises as `read_rds` does."""
    objects = _parse(content, where, max_bytes)
    if not isinstance(objects, dict):
        raise AmuclError("not an .rda file (R's `save`)", where=where, got=f"one object ({_kind(objects)})")
    return objects


def named_matrix(value: Any, where: object, *, kinds: tuple[str, str]) -> pd.DataFrame:
    """A numeric matrix or data frame of R as a DataFrame of its own type (int32 or float64), names as R has them.

    `kinds` says what rows and columns are, for the messages. Raises AmuclError if `value` is neither, or has rows or
    columns without names or with the same name.
    """
    if isinstance(value, xarray.DataArray) and value.ndim == 2:
        named = [dimension in value.coords for dimension in value.dims]
        if not all(named):
            which = kinds[named.index(False)]
            raise AmuclError(f"the matrix has no {which} names", where=where, expected="rows and columns with names")
        rows, columns = (value.coords[dimension].to_numpy().astype(object) for dimension in value.dims)
        table = pd.DataFrame(value.to_numpy(), index=rows, columns=columns)
    elif isinstance(value, pd.DataFrame) and all(pd.api.types.is_numeric_dtype(kind) for kind in value.dtypes):
        table = pd.DataFrame(value.to_numpy(np.float64, na_value=np.nan), value.index.astype(str), value.columns)
    else:
        raise AmuclError("not a matrix of numbers", where=where, expected="a matrix with names", got=_kind(value))
    check_ids(table.index, kinds[0], where)
    check_ids(table.columns, kinds[1], where)
    return table


def missing(values: np.ndarray) -> np.ndarray:
    """Where R's NA or a NaN stands; R keeps an integer NA as the least number of 32 bits."""
    return is_na(values) if values.dtype == np.int32 else np.isnan(values)


def _parse(content: bytes, where: object, max_bytes: int) -> Any:
    raw = _decompressed(content, where, max_bytes)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of what it is told here: that the bytes have no file name
            return rdata.conversion.convert(rdata.parser.parse_data(raw))
    except Exception as error:  # malformed bytes make the parser fail in any way whatever
        raise AmuclError(
            "not a file of R (.RDS or .rda), or a damaged one",
            where=where,
            got=type(error).__name__,
            action="download or copy it again",
        ) from error


def _decompressed(content: bytes, where: object, max_bytes: int) -> bytes | bytearray:
    opener = next((opener for magic, opener in _COMPRESSED.items() if content.startswith(magic)), None)
    if opener is None:
        return content
    raw = bytearray()
    try:
        with opener(io.BytesIO(content)) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                raw += chunk
                if len(raw) > max_bytes:
                    wanted = f"at most {max_bytes} bytes, uncompressed"
                    raise AmuclError("the R file is too large", where=where, expected=wanted)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise AmuclError("damaged or truncated R file", where=where, got=error, action="download it again") from error
    return raw


def _kind(value: Any) -> str:
    names = {dict: "a list", list: "a list", pd.DataFrame: "a data frame with text", xarray.DataArray: "a named vector"}
    return names.get(type(value), "an array without names" if isinstance(value, np.ndarray) else type(value).__name__)
