"""Text and ids of a source, checked before anything is made of them; nothing heavy is imported here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from amucl.errors import AmuclError, some


def decode(data: bytes, where: object) -> str:
    """`data` as UTF-8 text (a byte order mark is dropped), with Unix line ends."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise AmuclError(
            f"not UTF-8 text: byte 0x{data[error.start]:02x} at byte position {error.start}",
            where=where,
            action="save it as UTF-8 text",
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def check_ids(ids: Sequence[str], kind: str, where: object, *, place: str | None = None) -> None:
    """Refuse empty and repeated ids.

    `place` (``line`` or ``column``) is where a text file has them, the first id in the second: the message then says
    where the first repeated id stands.
    """
    if "" in ids:
        raise AmuclError(f"empty {kind} id", where=where, got=f"none at position {list(ids).index('') + 1}")
    repeated = [name for name, count in Counter(ids).items() if count > 1]
    if repeated:
        first, second = [number for number, name in enumerate(ids, start=2) if name == repeated[0]][:2]
        raise AmuclError(
            f"duplicate {kind} ids",
            where=where,
            expected="each id once",
            got=some(repeated) + (f" ({repeated[0]} in {place}s {first} and {second})" if place else ""),
            action="rename or merge them",
        )
