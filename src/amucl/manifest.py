"""The files of a run, each with its hash and with what made it: so two runs can be told apart, file by file."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from amucl.errors import AmuclError
from amucl.files import read_table
from amucl.provenance import sha256

logger = logging.getLogger(__name__)

MADE_BY = ("code", "threads", "device", "platform", "python", "versions")
COLUMNS = ("path", "bytes", "sha256", "repeats", "rule", *MADE_BY)


def manifest(targets: Iterable[str], *, timed: Sequence[str] = ()) -> pd.DataFrame:
    """`targets` and every file on the way to them, one a row, sorted by path.

    What made a file stands in the provenance beside it, with the files it was made of: from those the way leads back
    to the first ones, the user's own, of which only size and hash are known. A file that is no longer what its rule
    wrote counts as one of these. One that was deleted since has no size, and the hash that it had.

    Parameters
    ----------
    targets : paths of files, as the provenance spells them.
    timed : patterns of paths whose files hold times, so that no two runs give the same bytes (`repeats` is "no").

    Returns
    -------
    Columns path, bytes, sha256, repeats ("yes" or "no"), rule, code (hash), threads, device, platform, python,
    versions; the last seven are empty where nothing made the file.
    """
    records = cache(_records)
    waiting, rows = list(targets), {}
    while waiting:
        path = waiting.pop()
        if path in rows:
            continue
        record = records(os.path.dirname(path)).get(path, {})
        written = record["outputs"][path] if record else ""
        size, found = (str(os.path.getsize(path)), sha256(path)) if os.path.isfile(path) else ("", written)
        if record and found != written:
            logger.warning("%s is not what the rule %s wrote: it was changed since", path, record["rule"])
            record = {}
        repeats = "no" if any(fnmatch(path, pattern) for pattern in timed) else "yes"
        rows[path] = {"path": path, "bytes": size, "sha256": found, "repeats": repeats, **_made_by(record)}
        waiting += [*record.get("outputs", ()), *record.get("inputs", ())]
    return pd.DataFrame([rows[path] for path in sorted(rows)], columns=COLUMNS)


def read_manifest(path: str | os.PathLike) -> pd.DataFrame:
    """A manifest as `manifest` gives it, all cells as text; AmuclError if the file is none, or not there."""
    if not os.path.isfile(path):
        raise AmuclError(
            "there is no such manifest",
            where=path,
            action="run the workflow first: it writes one at its end (of one dataset: results/{dataset}/manifest.tsv)",
        )
    try:
        table = read_table(path, dtype=str).fillna("")
        found = ", ".join(table.columns)
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        found = str(error)
    if found != ", ".join(COLUMNS):
        raise AmuclError("is not a manifest", where=path, expected=f"columns {', '.join(COLUMNS)}", got=found)
    return table


def changed_files(table: pd.DataFrame, folder: str | os.PathLike = "") -> dict[str, str]:
    """Paths of a manifest whose file below `folder` is not the one it tells of, with what is wrong with it."""
    wrong = {}
    for path, expected in zip(table["path"], table["sha256"], strict=True):
        file = Path(folder, path)
        if not file.is_file():
            wrong[path] = "is missing"
        elif (found := sha256(file)) != expected:
            wrong[path] = f"has changed: expected sha256 {expected}; got {found}"
    return wrong


def differing_files(one: pd.DataFrame, other: pd.DataFrame) -> dict[str, str]:
    """Paths of two manifests whose files are not the same, with what was different in their making.

    Files that hold times need only be in both.
    """
    first, second = (table.set_index("path") for table in (one, other))
    wrong = dict.fromkeys(first.index.difference(second.index), "is only in the first")
    wrong |= dict.fromkeys(second.index.difference(first.index), "is only in the second")
    for path in first.index.intersection(second.index):
        here, there = first.loc[path], second.loc[path]
        if here["sha256"] != there["sha256"] and "no" not in (here["repeats"], there["repeats"]):
            reasons = [f"{name} {here[name]} and {there[name]}" for name in MADE_BY if here[name] != there[name]]
            wrong[path] = f"differs, with {'; '.join(reasons) or 'nothing else different in its making'}"
    return dict(sorted(wrong.items()))


def _records(folder: str) -> dict[str, dict[str, Any]]:
    """File -> the record of what made it, of the files of a folder."""
    found = {}
    for sidecar in sorted(Path(folder).glob("*provenance.json")):
        record = json.loads(sidecar.read_text(encoding="utf-8"))
        if isinstance(record, dict) and "outputs" in record:
            found |= dict.fromkeys(record["outputs"], record)
    return found


def _made_by(record: dict[str, Any]) -> dict[str, str]:
    cells = {name: str(record.get(name) or "") for name in ("rule", *MADE_BY)}
    versions = record.get("versions", {})
    made_with = [f"{name} {versions[name]}" for name in sorted(versions)] + record.get("blas", [])
    made_with += [f"font {name} {file[:12]}" for name, file in sorted(record.get("fonts", {}).items())]
    return cells | {"versions": "; ".join(made_with)}
