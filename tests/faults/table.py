"""The table of faults in docs/reliability.md: `PYTHONPATH=src:workflow:. python -m tests.faults.table --write`.

Runs every test that is marked with the fault it survives, wherever it stands, and counts: a line for every fault, how
often it was tried, how often survived. The command fails where a fault was not survived, or could not be tried here.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.documents import put_between

REPOSITORY = Path(__file__).resolve().parents[2]
DOCUMENT = REPOSITORY / "docs" / "reliability.md"
BEGIN, END = "<!-- table of faults: begin -->", "<!-- table of faults: end -->"


class Counts:
    """Counts the tests of each fault, as they end."""

    def __init__(self) -> None:
        self.tried: Counter[str] = Counter()
        self.survived: Counter[str] = Counter()
        self.skipped: list[str] = []

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo):
        """A skipped test is none that was tried; one whose preparation or end fails did not survive."""
        report = yield
        fault = item.get_closest_marker("survives").args[0]
        if report.skipped:
            self.skipped.append(f"{item.nodeid}: {report.longrepr[2]}")
        elif report.when == "call":
            self.tried[fault] += 1
            self.survived[fault] += report.passed
        elif report.failed:
            self.tried[fault] += report.when == "setup"
            self.survived[fault] -= report.when == "teardown"
        return report


def table(counts: Counts) -> str:
    """Markdown, with totals first."""
    lines = [
        f"{len(counts.tried)} faults, tried {counts.tried.total()} times, survived {counts.survived.total()} times.",
        "",
        "| fault | tried | survived |",
        "|---|---|---|",
        *(f"| {fault} | {counts.tried[fault]} | {counts.survived[fault]} |" for fault in sorted(counts.tried)),
    ]
    return "\n".join(lines)


def main() -> None:
    """Print the table, or put it into the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"put it into {DOCUMENT.name}")
    parser.add_argument("paths", nargs="*", default=["tests"], help="tests to run")
    arguments = parser.parse_args()
    counts = Counts()
    # Without `faults` in the expression those that take minutes would be skipped.
    status = pytest.main(["-m", "survives or (survives and faults)", "-rs", *arguments.paths], plugins=[counts])
    text = table(counts)
    print(text)
    if arguments.write and not status:
        put_between(DOCUMENT, BEGIN, END, text)
    sys.exit(bool(status or counts.skipped))


if __name__ == "__main__":
    main()
