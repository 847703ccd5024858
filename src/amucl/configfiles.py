"""A user's configuration files: where each key stands in them, and what YAML reads otherwise than people write it.

Snakemake reads the files too, and keeps values only: two keys of one name are one to it, `010` is 8.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from amucl.cohort.readers.text import decode
from amucl.errors import AmuclError
from amucl.files import require_file

_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_TEMPLATE = "__use_yte__"  # Snakemake makes such a file's values by rules of its own
_KEY = re.compile(r"config key `([^`]+)`")
_READ_AS = {"bool": "true or false", "int": "a number", "float": "a number", "null": "nothing", "timestamp": "a date"}
_LONGEST = 80


@dataclass(frozen=True)
class Place:
    """Where a key stands: file, line and column, and the value as it is written behind it (None: no single word)."""

    file: str
    line: int
    column: int
    written: str | None = None
    kind: str | None = None

    def __str__(self) -> str:
        return f"{self.file}, line {self.line}, column {self.column}"


def yaml_error(error: Exception, path: object) -> AmuclError:
    """What a YAML reader found wrong, in one line with its place."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    where = f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else path
    parts = [getattr(error, "context", None), getattr(error, "problem", None)]
    told = ", ".join(part for part in parts if part) or str(error)
    action = None  # of a tag or anchor what was found says it
    if isinstance(error, yaml.scanner.ScannerError | yaml.parser.ParserError):
        tab = "'\\t'" in told
        action = "indent with spaces, not tabs" if tab else "check brackets, quotes and indentation up to this line"
    return AmuclError("cannot be read as YAML", where=where, got=told, action=action)


def check_config_files(paths: Iterable[str | os.PathLike]) -> dict[str, Place]:
    """The place of every key of the files (`datasets.a.omics`, `biology[0].k`); of later files where several have it.

    Raises
    ------
    AmuclError
        For the first thing in a file that YAML cannot read, or reads otherwise than it looks: a key given twice, a name
        that is read as true, a number or a date, a number with leading zeros.
    """
    places: dict[str, Place] = {}
    for path in paths:
        file = _shown(path)
        root = _root(file)
        if root is not None:
            places |= dict(_places(root, "", file))
    return places


def located(error: AmuclError, places: dict[str, Place], overridden: Collection[str] = ()) -> str:
    """The message of a mistake in a configuration, with the place of the key that it names.

    overridden : top-level keys that the command line has given: no file is to blame for these.
    """
    found = _KEY.search(error.what)
    key = found[1] if found else ""
    while key and key not in places:
        key = re.sub(r"(\.[^.\[\]]*|\[\d+\])$", "", key) if re.search(r"[.\[]", key) else ""
    if not key or re.split(r"[.\[]", key)[0] in overridden:
        return str(error)
    place = places[key]
    misread = found[1] == key and place.kind == "bool" and str(place.written).casefold() not in ("true", "false")
    hint = f"; YAML reads {place.written} as {_READ_AS['bool']}: put it in quotes" if misread else ""
    return f"{place}: {error}{hint}"


def _shown(path: str | os.PathLike) -> str:
    """A path as the user is likely to have written it."""
    here = Path(path)
    return str(here.relative_to(Path.cwd()) if here.is_relative_to(Path.cwd()) else here)


def _root(path: str) -> yaml.Node | None:
    """A file's tree; None of one in JSON, whose values are what they look like, of a template, and of an empty file."""
    text = decode(require_file(path, purpose="configuration").read_bytes(), path)
    try:
        json.loads(text)
        return None
    except ValueError:
        pass
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise yaml_error(error, path) from error
    except RecursionError as error:
        raise AmuclError("cannot be read as YAML", where=path, got="too many levels of brackets") from error
    if root is None:
        return None
    if not isinstance(root, yaml.MappingNode):
        got = f"a {'list' if isinstance(root, yaml.SequenceNode) else 'single value'}"
        raise AmuclError("no mapping of keys to values", where=_place(root, str(path)), got=got)
    return None if any(key.value == _TEMPLATE for key, _ in root.value) else root


def _places(node: yaml.Node, above: str, file: str) -> Iterator[tuple[str, Place]]:
    """Every key below a node with its place; a key or value that YAML misreads is an error."""
    if isinstance(node, yaml.ScalarNode):
        _check_value(node, above, file)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield f"{above}[{number}]", _place(item, file, item)
            yield from _places(item, f"{above}[{number}]", file)
    else:
        _check_keys(node, above, file)
        for key, value in node.value:
            name = above if key.tag == _MERGE else f"{above}.{key.value}" if above else str(key.value)
            if key.tag != _MERGE:
                yield name, _place(key, file, value)
            yield from _places(value, name, file)


def _check_keys(node: yaml.MappingNode, above: str, file: str) -> None:
    seen: dict[str, yaml.Node] = {}
    for key, _ in node.value:
        if key.tag == _MERGE:
            continue
        if not isinstance(key, yaml.ScalarNode):
            what = "a list or mapping stands in place of a key"
            raise AmuclError(
                what, where=_place(key, file), expected="text", action="put a name with brackets in quotes"
            )
        name = f"{above}.{key.value}" if above else key.value
        if _kind(key) != "str":
            raise AmuclError(
                f"config key `{_short(name)}`: YAML reads this name as {_READ_AS.get(_kind(key), _kind(key))}",
                where=_place(key, file),
                expected="text",
                action=f"put it in quotes: '{_short(key.value)}'",
            )
        if key.value in seen:
            raise AmuclError(
                f"config key `{_short(name)}` is given twice",
                where=_place(key, file),
                got=f"the first on line {seen[key.value].start_mark.line + 1}",
                action="YAML keeps the last one only: join the two",
            )
        seen[key.value] = key


def _check_value(node: yaml.ScalarNode, key: str, file: str) -> None:
    """Refuse what YAML 1.1 makes another value of than it looks like, wherever it stands."""
    kind, text = _kind(node), node.value
    if kind == "int" and re.fullmatch(r"[-+]?0[0-9_]+", text):
        read = f"the octal number {int(text.replace('_', ''), 8)}"
    elif kind in ("int", "float") and ":" in text:
        read = "a number to the base of 60"
    elif kind == "timestamp":
        read = "a date"
    else:
        return
    raise AmuclError(
        f"config key `{_short(key)}`: YAML reads {text} as {read}",
        where=_place(node, file),
        action=f"put it in quotes if it is text: '{text}'; write a number without leading zeros",
    )


def _kind(node: yaml.Node) -> str:
    return node.tag.removeprefix(_TAG)


def _place(node: yaml.Node, file: str, value: yaml.Node | None = None) -> Place:
    mark = node.start_mark
    plain = isinstance(value, yaml.ScalarNode)
    return Place(
        file, mark.line + 1, mark.column + 1, _short(value.value) if plain else None, _kind(value) if plain else None
    )


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
