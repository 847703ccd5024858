"""The table of cases in docs/reliability.md: `PYTHONPATH=src:workflow:. python -m tests.cases.table --write`.

Runs every test that is marked with the situation it stands for and lists what is right, what came of it before it was
mended, and what comes of it now, as the test has measured it. The command fails where a case is not right.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import pytest

from tests.documents import put_between

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
WRONG = "**wrong**"
BEGIN, END = "<!-- table of cases: begin -->", "<!-- table of cases: end -->"


class Cases:
    """Gathers the situations and what their tests measured, as they end."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], list[str]] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo):
        """What every test measured, by its situation; nothing, where the test says no more than that it is right."""
        report = yield
        if report.when == "call" or report.failed:
            marker = item.get_closest_marker("situation")
            measured = "; ".join(value for name, value in report.user_properties if name == "now")
            now = measured if report.passed else f"{WRONG} {measured}"
            self.rows.setdefault((marker.args[0], marker.kwargs["right"], marker.kwargs["before"]), []).append(now)
        return report


def table(rows: dict[tuple[str, str, str], list[str]]) -> str:
    """Markdown, with the total first."""
    wrong = sum(any(now.startswith(WRONG) for now in found) for found in rows.values())
    told = {
        row: "; ".join(dict.fromkeys(filter(None, found))) or f"right, {len(found)} tests"
        for row, found in rows.items()
    }
    cells = (" | ".join(cell.replace("|", "\\|") for cell in (*row, now)) for row, now in told.items())
    lines = [
        f"{len(rows)} situations, {len(rows) - wrong} of them right now.",
        "",
        "| situation | right | before | now |",
        "|---|---|---|---|",
        *(f"| {row} |" for row in cells),
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table, or put it into the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"put it into {DOCUMENT.name}")
    arguments = parser.parse_args()
    cases = Cases()
    status = pytest.main(["-m", "situation", "tests"], plugins=[cases])
    text = table(cases.rows)
    print(text)
    if arguments.write and not status:
        put_between(DOCUMENT, BEGIN, END, text)
    sys.exit(status)


if __name__ == "__main__":
    main()
