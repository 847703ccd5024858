"""Under which names people write survival, age, sex and stage: the table resources/clinical_columns.yaml.

Names are compared without case and without what separates words. Nothing here looks at values.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

import pandas as pd
import yaml

from amucl.errors import AmuclError, some
from amucl.resources import resource

DAYS_OF = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}  # the Julian year, and its twelfth
ENDPOINTS = ("os", "dss", "pfs", "pfi", "dfs", "dfi", "rfs", "efs", "dmfs")
BENCHMARK_LABELS = ("gender", "age", "pathologic_M", "pathologic_N", "pathologic_T", "pathologic_stage")
TIME, DEATH, LAST, EVENT = "time", "death", "last", "event"

_NOT_WORDS = re.compile(r"[^0-9a-z]+")
_DIGIT = re.compile(r"[0-9]")


@dataclass(frozen=True, order=True)
class Meaning:
    """What a column's name says that it holds.

    Attributes
    ----------
    group : of its endpoint, the first being the endpoint's own names; a time and an event of one group belong together.
    rank : of its name within the group.
    role : ``time``, ``event``, or ``death`` and ``last`` follow-up, of which a time is put together.
    unit : of a time, where the name has one.
    """

    group: int
    rank: int
    role: str
    unit: str | None = None


@cache
def table() -> dict:
    """The table of names, as it is written. Read once."""
    return yaml.safe_load(resource("clinical_columns.yaml").read_text(encoding="utf-8"))


def tokens(name: str) -> list[str]:
    """The words of a name, in small letters: ``OS.time`` is os, time."""
    return [word for word in _NOT_WORDS.split(unicodedata.normalize("NFKC", str(name)).casefold()) if word]


def squeezed(name: str) -> str:
    """A name without case and separators: what names are compared by."""
    return "".join(tokens(name))


@lru_cache(maxsize=1 << 16)
def spellings(name: str) -> tuple[str, ...]:
    """`squeezed`, and the same without what a database writes before or behind (``.demographic``)."""
    words = tokens(name)
    found = ["".join(words)]
    for affix in _affixes():
        n = len(affix)
        if len(words) > n and words[-n:] == affix:
            found.append("".join(words[:-n]))
        if len(words) > n and words[:n] == affix:
            found.append("".join(words[n:]))
    return tuple(found)


@cache
def meanings(endpoint: str) -> dict[str, tuple[Meaning, ...]]:
    """Squeezed name -> what it may mean for an endpoint: ``os`` is a time or an event, which its values tell."""
    known = table()
    found: dict[str, dict[str, Meaning]] = {}
    for group, names in enumerate(_groups(endpoint)):
        for role in (TIME, DEATH, LAST, EVENT):
            for rank, name in enumerate(names.get(role, ())):
                variants = [(squeezed(name), None)] if role == EVENT else _with_units(name, known["units"])
                for variant, unit in variants:
                    found.setdefault(variant, {}).setdefault(role, Meaning(group, rank, role, unit))
    return {name: tuple(roles.values()) for name, roles in found.items()}


@lru_cache(maxsize=1 << 16)
def coding(name: str) -> tuple[str, dict[str, int]]:
    """A name that says what its values mean, as ``Vital status (1=dead)``: the name alone, and value -> 1 or 0."""
    words = tokens(name)
    first = next((place for place, word in enumerate(words) if place and word in ("0", "1", "2")), None)
    if first is None:
        return name, {}
    codes, place = {}, first
    while place < len(words):
        end = next((at for at in range(place + 1, len(words)) if _DIGIT.fullmatch(words[at])), len(words))
        event = word_code("".join(words[place + 1 : end]))
        if not _DIGIT.fullmatch(words[place]) or event is None:
            return name, {}
        codes[words[place]] = event
        place = end
    return " ".join(words[:first]), codes


def word_code(text: str) -> int | None:
    """1 for a word that tells of an event, 0 for one that tells of none, None for any other."""
    word = squeezed(text)
    events, censored = _event_words()
    if word in events or word in censored:
        return int(word in events)
    denied = (word.removeprefix(no) for no in ("without", "non", "not", "no") if word.startswith(no))
    return 0 if any(rest in events for rest in denied) else None


def unit_of(word: str) -> str | None:
    """``days``, ``weeks``, ``months`` or ``years`` by any of its words."""
    return next((unit for unit, words in table()["units"].items() if squeezed(word) in words), None)


def label_columns(label: str, columns: Iterable[str]) -> list[str]:
    """The columns that hold a label or covariate (``age``, ``gender``, ``clinical_stage`` ...), the preferred first."""
    names = _label_names(label)
    ranks = {}
    for column in columns:
        own = [(names[one], place) for place, one in enumerate(spellings(column)) if one in names]
        if own:
            ranks[column] = (*min(own), column)
    return sorted(ranks, key=ranks.get)


def looks_like_survival(name: str) -> bool:
    """Whether a column's name speaks of survival, whatever it holds."""
    whole, within = _suspects()
    return any(one in whole or any(word in one for word in within) for one in spellings(name))


def is_measurement(name: str) -> bool:
    """Whether a name says that a column holds an age, sex, stage, time or event, which are no ids."""
    known = [meanings(endpoint) for endpoint in ENDPOINTS]
    known += [_label_names(label) for label in (*BENCHMARK_LABELS, "clinical_stage")]
    return any(one in names for one in spellings(name) for names in known)


def require_column(columns: Iterable[str], name: str, *, key: str) -> None:
    """Raise AmuclError, with names like it, if a column that the config names under `key` is not in the table."""
    columns = list(columns)
    if name in columns:
        return
    by_name = {squeezed(column) or column: column for column in reversed(columns)}
    close = [by_name[match] for match in difflib.get_close_matches(squeezed(name) or name, by_name, n=3)]
    raise AmuclError(
        "no such column in the clinical table" + (f" (did you mean {' or '.join(close)}?)" if close else ""),
        where=key,
        expected=f"one of {some(pd.Index(columns), 20)}" if columns else "a clinical table",
        got=name,
    )


def _groups(endpoint: str) -> list[Mapping[str, list[str]]]:
    known = table()
    stems = known["endpoints"][endpoint]
    own = {
        TIME: [form.replace("{name}", stem) for form in known["times"] for stem in stems],
        EVENT: [form.replace("{name}", stem) for form in known["events"] for stem in stems],
    }
    others = known["overall"] if endpoint == "os" else []
    return [own, *({key.removesuffix("s"): names for key, names in group.items()} for group in others)]


def _with_units(name: str, units: Mapping[str, list[str]]) -> Iterator[tuple[str, str | None]]:
    """The spellings of a time with and without a unit, and the unit of each."""
    if "{unit}" in name:
        yield squeezed(name.replace("{unit}", "time")), None
        for unit, words in units.items():
            for word in (word for word in words if len(word) > 1):
                yield squeezed(name.replace("{unit}", word)), unit
        return
    own = squeezed(name)
    yield own, unit_of(own)
    for unit, words in units.items():
        for word in words:
            yield own + word, unit
            if len(word) > 1:
                yield from (
                    (form, unit) for form in (word + own, f"{word}of{own}", f"{own}in{word}", f"{own}time{word}")
                )


@cache
def _affixes() -> tuple[list[str], ...]:
    return tuple(map(tokens, table()["affixes"]))


@cache
def _label_names(label: str) -> dict[str, int]:
    """Squeezed names of a label, with their rank."""
    known = table()
    names = known[label] if label in known else known["labels"][label]
    return {squeezed(name): rank for rank, name in reversed(list(enumerate(names)))}


@cache
def _suspects() -> tuple[frozenset[str], tuple[str, ...]]:
    """Names that look like survival as a whole, such as oscensor, and words that do so wherever they stand."""
    known = table()
    kinds = ["time", "event", "status", "stat", "censor", "censored", "cens"]
    kinds += [word for words in known["units"].values() for word in words]
    stems = [squeezed(stem) for names in known["endpoints"].values() for stem in names]
    return frozenset(stem + kind for stem in stems for kind in kinds), tuple(map(squeezed, known["suspects"]))


@cache
def _event_words() -> tuple[frozenset[str], frozenset[str]]:
    known = table()
    return tuple(frozenset(map(squeezed, known[key])) for key in ("event_words", "censored_words"))
