"""Parsing R's serialization format within bounds: what a file claims to hold is paid for before memory is taken.

rdata believes a file: a compact sequence of a hundred bytes becomes gigabytes, and a vector that claims more than the
file has is cut short in silence. The parsers here are rdata's own, with an account of the memory they take.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from rdata.parser import DEFAULT_ALTREP_MAP, RData, RObject, RObjectInfo, RObjectType
from rdata.parser._ascii import ParserASCII
from rdata.parser._binary import ParserBinary
from rdata.parser._xdr import ParserXDR

_INTEGER_BYTES = 300  # an object of R begins with an integer, a string has two; rdata makes Python objects of each
_STRING_BYTES = 2 * _INTEGER_BYTES


class TooMuchError(Exception):
    """The file claims more than it may hold, or more than it has. The message says what was expected."""


class _Bounded:
    """Mixed into a parser of rdata: what it reads is counted against `max_bytes` before memory is taken."""

    def __init__(self, data: memoryview, max_bytes: int) -> None:
        own = {
            b"compact_intseq": self._compact_integers,
            b"compact_realseq": self._compact_reals,
            b"deferred_string": self._deferred_strings,
        }
        super().__init__(data, expand_altrep=True, altrep_constructor_dict={**DEFAULT_ALTREP_MAP, **own})
        self._left, self._max_bytes, self._size = max_bytes, max_bytes, len(data)

    def _spend(self, n_bytes: float) -> None:
        if not 0 <= n_bytes <= self._left:
            raise TooMuchError(f"at most {self._max_bytes} bytes of objects in memory")
        self._left -= n_bytes

    def _require(self, length: int, found: int | None = None) -> None:
        if not 0 <= length <= self._size or found not in (None, length):
            raise TooMuchError("vectors and strings as long as they claim to be")

    def _parse_array_values(self, dtype: Any, length: int) -> np.ndarray:
        self._require(length)
        self._spend(_INTEGER_BYTES + length * np.dtype(dtype).itemsize)
        values = super()._parse_array_values(dtype, length)
        self._require(length, len(values))
        return values

    def parse_string(self, length: int) -> bytes:
        self._require(length)
        text = super().parse_string(length)
        self._require(length, len(text))
        return text

    def _parse_bytecode(self, reference_list: Any, bytecode_rep_list: Any = None) -> Any:
        """A compiled function says how many of its parts are repeated; rdata makes a list of as many at once."""
        if bytecode_rep_list is None:
            place = self.file.tell()
            self._require(self.parse_int())
            self.file.seek(place)
        return super()._parse_bytecode(reference_list, bytecode_rep_list)

    def _compact_integers(self, state: RObject) -> tuple[RObjectInfo, np.ndarray]:
        n, start, step = (int(value) for value in self._compact(state))
        return _info(RObjectType.INT), (start + step * np.arange(n)).astype(np.int32)

    def _compact_reals(self, state: RObject) -> tuple[RObjectInfo, np.ndarray]:
        n, start, step = self._compact(state)
        return _info(RObjectType.REAL), np.linspace(start, start + (n - 1) * step, int(n))

    def _compact(self, state: RObject) -> np.ndarray:
        self._spend(8 * float(state.value[0]))
        return state.value

    def _deferred_strings(self, state: RObject) -> tuple[RObjectInfo, list[RObject]]:
        self._spend(_STRING_BYTES * len(state.value[0].value))
        return DEFAULT_ALTREP_MAP[b"deferred_string"](state)


class _XDR(_Bounded, ParserXDR):
    pass


class _ASCII(_Bounded, ParserASCII):
    pass


class _Binary(_Bounded, ParserBinary):
    pass


_PARSERS = {b"X\n": _XDR, b"A\n": _ASCII, b"A\r\n": _ASCII, b"B\n": _Binary}
_SAVED = tuple(b"RD" + kind + version + b"\n" for kind in (b"X", b"A", b"B") for version in (b"2", b"3"))


def parse(data: bytes | bytearray, max_bytes: int) -> RData:
    """The objects in the uncompressed bytes of an .RDS or .rda file, which may take `max_bytes` of memory.

    Raises
    ------
    TooMuchError
        If they would take more, or a vector or a string claims to be longer than the file.
    Exception
        Of any kind, if the bytes are not R's.
    """
    view = memoryview(data)
    if bytes(view[:5]) in _SAVED:
        view = view[5:]
    magic = next(magic for magic in _PARSERS if bytes(view[: len(magic)]) == magic)
    parser = _PARSERS[magic](view[len(magic) :], max_bytes)
    parsed = parser.parse_all()
    parser.check_complete()
    return parsed


def _info(kind: RObjectType) -> RObjectInfo:
    return RObjectInfo(type=kind, object=False, attributes=False, tag=False, gp=0, reference=0)
