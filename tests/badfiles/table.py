"""The table of mutated files in docs/reliability.md: `PYTHONPATH=src:workflow:. python -m tests.badfiles.table`.

A line for every mutation: to how many kinds of files it was applied, how many were read right, how many refused with
file and place. Whatever is neither would be listed below the table, and the command fails then.
"""

from __future__ import annotations

import argparse
import logging
import sys
import warnings
from pathlib import Path

from tests.badfiles.judge import READ, REFUSED, outcome
from tests.badfiles.mutations import CASES, Case
from tests.badfiles.realfiles import REAL, REAL_CASES
from tests.documents import put_between

BEGIN, END = "<!-- table of bad files: begin -->", "<!-- table of bad files: end -->"
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"


def judged(case: Case, kind=None) -> str:
    """`READ`, `REFUSED` or what is wrong."""
    try:
        return outcome(case, kind)
    except Exception as error:
        return f"{type(error).__name__}: {str(error).splitlines()[0]}"


def results() -> dict[str, dict[str, str]]:
    """Mutation -> kind of file -> what came of it."""
    found: dict[str, dict[str, str]] = {}
    for case in CASES:
        found.setdefault(case.mutation, {})[case.kind] = judged(case)
    for case in REAL_CASES:
        found.setdefault(case.mutation, {})[f"{case.kind} (real)"] = judged(case, REAL[case.kind])
    return found


def table(found: dict[str, dict[str, str]]) -> str:
    """Markdown, with totals first."""
    outcomes = [one for of_kind in found.values() for one in of_kind.values()]
    n_real = sum("(real)" in kind for of_kind in found.values() for kind in of_kind)
    kinds = {kind for of_kind in found.values() for kind in of_kind}
    read, refused = outcomes.count(READ), outcomes.count(REFUSED)
    neither = len(outcomes) - read - refused
    lines = [
        f"{len(found)} mutations, {len(kinds)} kinds of files, {len(outcomes)} cases ({n_real} of them of real files): "
        f"{read} are read right, {refused} refused in one line with file and place, {neither} are neither.",
        "",
        "| mutation | applied to | read right | refused |",
        "|---|---|---|---|",
    ]
    for mutation, of_kind in found.items():
        counts = [list(of_kind.values()).count(one) for one in (READ, REFUSED)]
        lines.append(f"| {mutation.replace('_', ' ')} | {len(of_kind)} | {counts[0]} | {counts[1]} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table, or put it into the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help=f"put it into {DOCUMENT.name}")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable()
    found = results()
    text = table(found)
    print(text)
    wrong = [f"{m}, {k}: {one}" for m, of in found.items() for k, one in of.items() if one not in (READ, REFUSED)]
    print(*wrong, sep="\n", file=sys.stderr)
    if arguments.write:
        put_between(DOCUMENT, BEGIN, END, text)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
