"""Names of people's making as a figure shows them: on one line, not too long, any two of them different."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Hashable, Iterable

LONGEST = 44  # columns of a figure's text
_HEAD, _CONTEXT = 12, 6  # characters kept at the front, and before the first difference of names that begin alike
_DOTS = "…"

# They turn the direction of what follows them, in the rest of a legend too (Unicode Standard Annex 9).
_TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")


def plain(name: object) -> str:
    """A name on one line: spaces for line breaks and tabs, composed accents, nothing that moves a cursor."""
    text = unicodedata.normalize("NFC", _TURNS.sub("", str(name)))
    text = "".join(" " if c.isspace() else c for c in text if c.isspace() or unicodedata.category(c) not in _UNSEEN)
    return " ".join(text.split())


_UNSEEN = ("Cc", "Cs")  # control characters, halves of characters


def columns(text: str) -> int:
    """How wide a text is in columns of Latin letters: Chinese, Japanese and Korean ones take two, accents none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in ("W", "F") else 1 for c in text
    )


def shortened(text: str, width: int = LONGEST) -> str:
    """The text, or its two ends where it is wider than `width` columns: names of one kind differ in either."""
    if columns(text) <= width:
        return text
    front = _fitting(text, (width - 1) * 2 // 3)
    back = _fitting(text[::-1], width - 1 - columns(front))[::-1]
    while back and unicodedata.combining(back[0]):  # an accent without its letter
        back = back[1:]
    return f"{front.rstrip()}{_DOTS}{back.lstrip()}"


def shown(names: Iterable[Hashable], width: int = LONGEST) -> dict[Hashable, str]:
    """Each of `names` as a figure shows it, in their order.

    Names that would be shown alike stay distinguishable: by what they differ in, else by a number behind them.
    """
    names = list(dict.fromkeys(names))
    whole = {name: plain(name) for name in names}
    short = {name: shortened(text, width) for name, text in whole.items()}
    for text in [text for text, n in Counter(short.values()).items() if n > 1]:
        alike = [name for name in names if short[name] == text]
        short |= _by_difference({name: whole[name] for name in alike}, width)
    return _numbered(short)


def _fitting(text: str, width: int) -> str:
    """As much of the text's beginning as fits."""
    taken = 0
    for place, c in enumerate(text):
        taken += columns(c)
        if taken > width:
            return text[:place]
    return text


def _by_difference(whole: dict[Hashable, str], width: int) -> dict[Hashable, str]:
    """Long names that begin alike: their first letters, then what is around the first difference."""
    start = max(_first_difference(list(whole.values())) - _CONTEXT, 0)
    if start <= _HEAD:
        return {name: shortened(text, width) for name, text in whole.items()}
    return {
        name: f"{_fitting(text, _HEAD).rstrip()}{_DOTS}{shortened(text[start:], width - _HEAD - 1).lstrip()}"
        for name, text in whole.items()
    }


def _first_difference(texts: list[str]) -> int:
    """How many letters all of these texts have in common at the front."""
    first, last = min(texts), max(texts)
    return next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))


def _numbered(short: dict[Hashable, str]) -> dict[Hashable, str]:
    """Equal texts with the number of their turn behind them."""
    total, turn, taken = Counter(short.values()), Counter(), set(short.values())
    numbered = {}
    for name, text in short.items():
        if total[text] > 1:
            candidate = text
            while candidate in taken:
                turn[text] += 1
                candidate = f"{text} ({turn[text]})"
            taken.add(candidate)
            numbered[name] = candidate
        else:
            numbered[name] = text
    return numbered
