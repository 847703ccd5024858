"""Fonts for what DejaVu Sans cannot write, and one line where no installed font can."""

from __future__ import annotations

import hashlib
import logging
import os
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text

logger = logging.getLogger(__name__)

DEFAULT = "DejaVu Sans"  # ships with matplotlib: the same figure on every machine

# Looked at first, in this order: of several fonts that can write a text all machines that have it take the same one.
PREFERRED = (
    "NotoSans-Regular", "NotoSansCJK-Regular", "NotoSansSC-Regular", "NotoSansCJKsc-Regular", "SourceHanSans",
    "wqy-zenhei", "wqy-microhei", "DroidSansFallback", "PingFang", "msyh", "simsun", "ArialUnicode", "Arial Unicode",
    "NotoSans", "NotoEmoji", "Symbola",
)  # fmt: skip

# Fonts that have a box for every character, which says nothing.
_BOXES = ("lastresort", "adobeblank", "unifont_upper_csur")

# Letters of a PDF as outlines: matplotlib labels PostScript fonts as TrueType ones in type 42. (3.11 splits type 3 by
# the setting of PostScript files.)
_OUTLINES = {"pdf.fonttype": 3, "ps.fonttype": 3}

_CUTS = ("bold", "italic", "oblique", "light", "thin", "black", "medium", "mono")

_told: set[str] = set()
_used: dict[str, str] = {}


def fonts_used() -> dict[str, str]:
    """The fonts beside DejaVu Sans that figures of this process are written in: family -> SHA-256 of the file."""
    return dict(sorted(_used.items()))


@contextmanager
def written(*figures: Figure) -> Iterator[None]:
    """Give the texts of figures the fonts they need while these are saved; what no eye can see is taken out.

    What no installed font has is drawn as a box, and named once in one warning of the log, not glyph by glyph.
    """
    texts = [text for figure in figures for text in _texts(figure)]
    for text in texts:
        text.set_text(_seen(text.get_text()))
    lacking = {text: chars for text in texts if (chars := _lacking(text.get_text()))}
    if not lacking:
        yield
        return
    families, missing = _families(frozenset().union(*lacking.values()))
    _tell(missing)
    for text in lacking:
        text.set_fontfamily([DEFAULT, *families])
    settings = {"font.family": [DEFAULT, *families]} | (_OUTLINES if families else {})
    with matplotlib.rc_context(settings), quiet():
        yield


def families_for(content: str) -> list[str]:
    """The fonts a text is written in: DejaVu Sans, and installed ones for what it lacks."""
    lacking = _lacking(content)
    return [DEFAULT, *(_families(frozenset(lacking))[0] if lacking else ())]


@contextmanager
def quiet() -> Iterator[None]:
    """No warning a glyph: `written` says in one line what cannot be written."""
    told, level = logging.getLogger("matplotlib.font_manager"), logging.ERROR
    before = told.level
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        told.setLevel(level)  # a font of one weight only
        try:
            yield
        finally:
            told.setLevel(before)


def _texts(figure: Figure) -> list[Text]:
    """Every text of a figure, those of ticks included."""
    for axes in figure.axes:
        for axis in axes._axis_map.values():
            axis.get_ticklabels()  # brings the texts up to date
    return [text for text in figure.findobj(Text) if text.get_text()]


def _lacking(content: str) -> set[str]:
    """The characters of a text that DejaVu Sans lacks."""
    return {c for c in content if not c.isascii() and c not in _default_characters()}


def _seen(content: str) -> str:
    """A text without control characters but line ends, and without marks that DejaVu Sans would show as boxes."""
    if content.isascii() and content.replace("\n", "").isprintable():
        return content
    kept = (c for c in content if c == "\n" or (unicodedata.category(c) not in ("Cc", "Cs")))
    return "".join(c for c in kept if c in _default_characters() or not _is_mark(c))


@cache
def _default_characters() -> frozenset[str]:
    return frozenset(map(chr, FT2Font(font_manager.findfont(DEFAULT)).get_charmap()))


@cache
def _families(needed: frozenset[str]) -> tuple[tuple[str, ...], frozenset[str]]:
    """Installed fonts that together have the most of these characters, and the characters that none has."""
    left = set(needed)
    families = []
    for path in _candidates():
        if not left:
            break
        entry = _opened(path)
        found = left & entry[1] if entry else set()
        if found:
            left -= found
            families.append(entry[0])
            _register(path)
            _used[entry[0]] = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return tuple(families), frozenset(left)


def _candidates() -> list[str]:
    """Files of installed fonts, the preferred first, then by name; what is not upright and of usual weight last."""

    def place(path: str) -> tuple:
        name = os.path.basename(path).casefold()
        rank = next((i for i, word in enumerate(PREFERRED) if name.startswith(word.casefold())), len(PREFERRED))
        unusual = any(word in name for word in _CUTS)
        return rank, unusual, name, path

    files = [str(path) for path in font_manager.findSystemFonts()]
    known = [entry.fname for entry in font_manager.fontManager.ttflist]
    own = Path(matplotlib.get_data_path())
    return sorted({path for path in [*files, *known] if own not in Path(path).parents}, key=place)


@cache
def _opened(path: str) -> tuple[str, frozenset[str]] | None:
    """The family of a font's file and the characters it has; None for one that cannot be drawn from."""
    if any(word in os.path.basename(path).casefold() for word in _BOXES):
        return None
    try:
        font = FT2Font(path)
        if not font.scalable:  # pictures of emoji
            return None
        return font_manager.ttfFontProperty(font).name, frozenset(map(chr, font.get_charmap()))
    except Exception:  # whatever is wrong with a font of someone's machine, another will do
        return None


def _register(path: str) -> None:
    """Make a font known to matplotlib, whose own list may be older than the font."""
    if all(entry.fname != path for entry in font_manager.fontManager.ttflist):
        font_manager.fontManager.addfont(path)


def _is_mark(c: str) -> bool:
    """A character that is not drawn: it joins, separates, or chooses a variant."""
    return unicodedata.category(c) == "Cf" or "\ufe00" <= c <= "\ufe0f" or "\U000e0000" <= c <= "\U000e0fff"


def _tell(missing: Iterable[str]) -> None:
    """Name the characters that cannot be written, once."""
    new = sorted(set(missing) - _told)
    if not new:
        return
    _told.update(new)
    few = " ".join(new[:10]) + (f" and {len(new) - 10} more" if len(new) > 10 else "")
    fonts = " and ".join(dict.fromkeys(map(_font_for, new)))
    logger.warning("figures show boxes for %s: no installed font has them; install %s and draw again", few, fonts)


def _font_for(c: str) -> str:
    """A free font that has a character."""
    name = unicodedata.name(c, "")
    if name.startswith(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "IDEOGRAPHIC", "FULLWIDTH")):
        return "Noto Sans CJK (package fonts-noto-cjk)"
    script = name.split(" ")[0].title()
    is_symbol = unicodedata.category(c).startswith("S") or not name
    return "Symbola (package fonts-symbola)" if is_symbol else f"Noto Sans with {script} (package fonts-noto-core)"
