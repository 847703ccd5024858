"""Names of clinical columns: as people write them in memory, as HDF5 can hold them in a file."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

import pandas as pd

from amucl.errors import AmuclError

WRITTEN_NAMES = "amucl_columns"  # of ``uns``: JSON, name in the file -> name as written, of those that differ

# HDF5 takes `/` and `.` for a path, has no name without letters, and anndata calls the row ids `_index`.
_UNSTORABLE = re.compile(r"[/\x00]")
_RESERVED = ("", ".", "_index")


def stored_columns(names: Iterable[str]) -> dict[str, str]:
    """Each name -> the name it has in a file: its own, unless HDF5 cannot hold it or one before it has that."""
    names = list(names)
    taken = {name for name in names if _safe(name) == name}
    stored = {}
    for name in names:
        key = _safe(name)
        while key != name and key in taken:
            key += "_"
        taken.add(key)
        stored[name] = key
    return stored


def _safe(name: str) -> str:
    return f"{name}_" if name in _RESERVED else _UNSTORABLE.sub("_", name)


def with_written_columns(obs: pd.DataFrame, uns: Mapping[str, object]) -> pd.DataFrame:
    """The clinical columns of a file by the names that people gave them, as ``uns[WRITTEN_NAMES]`` tells."""
    try:
        written = json.loads(str(uns.get(WRITTEN_NAMES, "{}")))
        return obs.set_axis([str(written.get(name, name)) for name in obs.columns], axis=1)
    except (ValueError, AttributeError) as error:
        raise AmuclError("the names of clinical columns cannot be read", where=f'uns["{WRITTEN_NAMES}"]') from error


def own_column(name: str, names: Iterable[str]) -> str:
    """What a column of the cohort's own is called beside a clinical table's, which keep the names that people gave."""
    taken = set(names)
    while name in taken:
        name = f"cohort_{name}"
    return name
