"""Reading what R's `saveRDS` and `save` write: named vectors, matrices and data frames, with no R at hand."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import warnings
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import rdata
import xarray
from rdata.missing import is_na

from amucl.cohort.readers.rparser import TooMuchError, parse
from amucl.cohort.readers.text import check_ids
from amucl.errors import AmuclError
from amucl.files import require_file

MAX_BYTES = 2 << 30
_CHUNK_BYTES = 1 << 20
_COMPRESSED = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ": lzma.open}


def read_rds(path: str | os.PathLike, *, max_bytes: int = MAX_BYTES) -> Any:
    """The object in an .RDS file, as `rdata` has it: an xarray.DataArray (named), a DataFrame, an array or a list.

    `max_bytes` bounds its size, uncompressed, and that of its objects in memory. Raises AmuclError if the file is
    missing, damaged or too large, or is not one of R.
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
    elif isinstance(value, pd.DataFrame) and len(value.columns) and _all_numeric(value):
        table = pd.DataFrame(value.to_numpy(np.float64, na_value=np.nan), value.index.astype(str), value.columns)
    else:
        raise AmuclError("not a matrix of numbers", where=where, expected="a matrix with names", got=_kind(value))
    check_ids(table.index, kinds[0], where)
    check_ids(table.columns, kinds[1], where)
    return table


def _all_numeric(table: pd.DataFrame) -> bool:
    return all(pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes)


def missing(values: np.ndarray) -> np.ndarray:
    """Where R's NA or a NaN stands; R keeps an integer NA as the least number of 32 bits."""
    return is_na(values) if values.dtype == np.int32 else np.isnan(values)


def _data_frame(columns: Any, attributes: Mapping[str, Any]) -> pd.DataFrame:
    """R shortens row names to their number, which may be any: pandas would fill a column of NULL to that length."""
    names = attributes["row.names"]
    if isinstance(names, np.ma.MaskedArray) and len(names) == 2 and names.mask[0]:
        _require_length(abs(int(names[1])), columns.values() if isinstance(columns, Mapping) else columns)
    return rdata.conversion.dataframe_constructor(columns, attributes)


def _time_series(values: np.ndarray, attributes: Mapping[str, Any]) -> Any:
    start, end, frequency = attributes["tsp"]
    _require_length(round((end - start) * frequency) + 1, [values])
    return rdata.conversion.ts_constructor(values, attributes)


def _require_length(n_rows: int, columns: Iterable[Any]) -> None:
    lengths = {0 if column is None else len(column) for column in columns}
    if lengths - {n_rows} or n_rows > MAX_BYTES >> 8:
        raise TooMuchError(f"as many rows as the columns have, not {n_rows}")


_CONSTRUCTORS = {**rdata.conversion.DEFAULT_CLASS_MAP, "data.frame": _data_frame, "ts": _time_series}


def _parse(content: bytes, where: object, max_bytes: int) -> Any:
    raw = _decompressed(content, where, max_bytes)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of classes of R that it does not know
            return rdata.conversion.convert(parse(raw, max_bytes), constructor_dict=_CONSTRUCTORS)
    except TooMuchError as error:
        raise AmuclError(
            "the R file claims to hold too much",
            where=where,
            expected=error,
            action="check that this is the right file; copy it again if it may be damaged",
        ) from error
    except RecursionError as error:
        raise AmuclError(
            "the R file nests its objects too deeply", where=where, expected="a table, a matrix or a list of these"
        ) from error
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
        if len(content) > max_bytes:
            raise _too_large(where, max_bytes)
        return content
    raw = bytearray()
    try:
        with opener(io.BytesIO(content)) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                raw += chunk
                if len(raw) > max_bytes:
                    raise _too_large(where, max_bytes)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise AmuclError("damaged or truncated R file", where=where, got=error, action="download it again") from error
    return raw


def _too_large(where: object, max_bytes: int) -> AmuclError:
    return AmuclError("the R file is too large", where=where, expected=f"at most {max_bytes} bytes, uncompressed")


def _kind(value: Any) -> str:
    names = {dict: "a list", list: "a list", pd.DataFrame: "a data frame with text", xarray.DataArray: "a named vector"}
    return names.get(type(value), "an array without names" if isinstance(value, np.ndarray) else type(value).__name__)
