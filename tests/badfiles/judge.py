"""What came of a mutated file, and whether it is what the corpus says."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from amucl.errors import AmuclError
from tests.badfiles.mutations import Case, apply
from tests.badfiles.wellformed import KINDS, Kind

READ, REFUSED = "read right", "refused"


def outcome(case: Case, kind: Kind | None = None) -> str:
    """`READ` or `REFUSED` as the case has it; anything else raises AssertionError, or what the reader raised."""
    kind = kind or KINDS[case.kind]
    with tempfile.TemporaryDirectory(prefix="bad files ") as parent:
        clean, folder = (make(Path(parent, name), kind) for name in ("clean", "mutated"))
        apply(case.change, kind, folder)
        before = snapshot(folder)
        try:
            found = kind.read(folder)
        except AmuclError as error:
            check_refusal(error, kind, case.place)
            return REFUSED
        finally:
            assert snapshot(folder) == before, "a reader has written files"
        assert case.place is None, f"read, though it should be refused with {case.place!r}: {found}"
        expected = kind.read(clean)
        check_same(found, case.expected(expected) if case.expected else expected)
        return READ


def make(folder: Path, kind: Kind) -> Path:
    """A folder with the well-formed files of a kind."""
    folder.mkdir()
    kind.write(folder)
    return folder


def snapshot(folder: Path) -> list[str]:
    """The names of all files."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def check_refusal(error: AmuclError, kind: Kind, place: str | None) -> None:
    """One printable line that names the file and the place."""
    message = str(error)
    assert place is not None, f"refused, though it can be read: {message}"
    assert message.isprintable(), message
    assert kind.file in message, message
    assert re.search(place, message), f"{place!r} is not in: {message}"


def check_same(found: object, expected: object, name: str = "") -> None:
    """Equal to the last bit, and of the same types; None says nothing of a table."""
    if expected is None:
        return
    assert type(found) is type(expected), name
    if isinstance(expected, dict):
        assert list(found) == list(expected), name
        for key in expected:
            check_same(found[key], expected[key], f"{name}.{key}")
    elif isinstance(expected, pd.DataFrame):
        pd.testing.assert_frame_equal(found, expected, check_exact=True, obj=name)
    elif isinstance(expected, np.ndarray | torch.Tensor):
        np.testing.assert_array_equal(found, expected)
    else:
        assert found == expected, name
