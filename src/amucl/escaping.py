"""Text that may stand in a script element of a web page: nothing in it can end the element, or begin a comment.

Snakemake's report writes the parameters of every figure and table into one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_ESCAPES = {"<": r"\u003c", "\\": r"\u005c"}
_CHARACTERS = {escape: character for character, escape in _ESCAPES.items()}


def escaped(value: Any) -> Any:
    r"""Lists and mappings, with ``<`` in their text as ``\u003c`` and a backslash as ``\u005c``."""
    return _mapped(value, lambda text: re.sub(r"[<\\]", lambda match: _ESCAPES[match.group()], text))


def plain(value: Any) -> Any:
    """What was given to `escaped`."""
    return _mapped(value, lambda text: re.sub(r"\\u00(3c|5c)", lambda match: _CHARACTERS[match.group()], text))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {_mapped(key, change): _mapped(one, change) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_mapped(one, change) for one in value]
    return change(value) if isinstance(value, str) else value
