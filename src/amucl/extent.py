"""How much a value from a YAML file is once its aliases are followed: little text can name itself without end."""

from __future__ import annotations

from typing import Any

from amucl.errors import AmuclError

DEEPEST = 50
MOST_VALUES = 1_000_000


def check_extent(value: Any, where: object) -> None:
    """Refuse mappings and lists that nest deeper than `DEEPEST` or hold more than `MOST_VALUES` values in all.

    A value that several aliases name counts each time, as it would be validated and copied; one that is part of
    itself is infinitely deep. Raises AmuclError.
    """
    waiting, n_values = [(value, 0)], 0
    while waiting:
        one, depth = waiting.pop()
        n_values += 1
        if depth > DEEPEST:
            raise too_deep(where)
        if n_values > MOST_VALUES:
            raise AmuclError(
                "the aliases of the YAML stand for too many values",
                where=where,
                expected=f"at most {MOST_VALUES}",
                action="write out what is meant",
            )
        if isinstance(one, dict):
            waiting += [(child, depth + 1) for child in one.values()]
        elif isinstance(one, list | tuple):
            waiting += [(child, depth + 1) for child in one]


def too_deep(where: object) -> AmuclError:
    """The error of YAML whose lists and mappings nest without end."""
    return AmuclError(
        "lists or mappings of the YAML are nested too deeply",
        where=where,
        expected=f"at most {DEEPEST} levels",
        action="check the brackets, and aliases that name what they are part of",
    )
