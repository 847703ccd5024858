"""Tables as small pages of their own, to be read in the report."""

from __future__ import annotations

import os
from numbers import Real

import numpy as np
import pandas as pd

from amucl.files import atomic_path

MAX_ROWS = 2000
LONG = 40
# Bytes. The report holds a page as an address, a third longer, and Chromium shows nothing of one above 2 MB.
LARGEST_PAGE = 1_500_000
ROOM_FOR_NOTES = 1_000

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<style>
body {{ font: 13px/1.4 system-ui, sans-serif; color: #222; margin: 1em; }}
table {{ border-collapse: collapse; }}
th {{ position: sticky; top: 0; background: #f3f4f6; text-align: left; }}
th, td {{ padding: 3px 10px; border-bottom: 1px solid #e5e7eb; vertical-align: top; max-width: 36em; }}
tr:hover td {{ background: #f9fafb; }}
td.long {{ min-width: 16em; overflow-wrap: anywhere; }}
td.number {{ text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }}
p {{ color: #666; }}
</style>
</head>
<body>
{note}
{table}
</body>
</html>
"""


def write_html_table(table: pd.DataFrame, path: str | os.PathLike, *, note: str = "", max_rows: int = MAX_ROWS) -> None:
    """Write a table as a page: numbers to four digits, missing values empty.

    Of a long table the first `max_rows` rows are shown, or as many as `LARGEST_PAGE` bytes hold, with a note that says
    so. note : a text to stand above the table.
    """
    numeric = {name for name in table if pd.api.types.is_numeric_dtype(table[name])}
    head = "".join(f"<th>{_breakable(name)}</th>" for name in table)
    rows = []
    room = LARGEST_PAGE - ROOM_FOR_NOTES - len((_PAGE + head + _escape(note)).encode())
    for values in table.head(max_rows).itertuples(index=False):
        cells = (_cell(_text(value), name in numeric) for name, value in zip(table, values, strict=True))
        row = f"<tr>{''.join(cells)}</tr>"
        room -= len(row.encode()) + 1
        if room < 0:
            break
        rows.append(row)
    body = "\n".join(rows)
    html = f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>" if len(table) else ""
    with atomic_path(path) as temporary:
        temporary.write_text(_PAGE.format(note=_notes(table, len(rows), note), table=html), encoding="utf-8")


def _notes(table: pd.DataFrame, n_shown: int, note: str) -> str:
    notes = [f"<p>{_escape(note)}</p>"] if note else []
    if table.empty:
        notes.append("<p>No rows.</p>")
    if n_shown < len(table):
        notes.append(f"<p>The first {n_shown} of {len(table)} rows; all of them are in the .tsv beside this page.</p>")
    return "\n".join(notes)


def _cell(text: str, numeric: bool) -> str:
    kind = ' class="number"' if numeric else ' class="long"' if len(text) > LONG else ""
    return f"<td{kind}>{text}</td>"


def _text(value: object) -> str:
    if pd.isna(value):
        return ""
    if isinstance(value, Real) and not isinstance(value, (bool, np.bool_)):
        return f"{value:.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.4g}"
    return _escape(value)


def _breakable(name: object) -> str:
    """A column's name that may go over several lines: narrow columns, less scrolling."""
    return _escape(name).replace("_", "_<wbr>")


def _escape(value: object) -> str:
    return str(value).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
