"""The one exception for what a user can mend."""

from __future__ import annotations

from amucl.redaction import redacted

LONGEST_PART = 1500


class AmuclError(Exception):
    """A mistake in the input or the configuration, told in one line, in which web addresses have no passwords.

    Anything else that goes wrong is a bug and keeps its traceback.

    Parameters
    ----------
    what : what is wrong, in words.
    where : file, line or column, sample, feature or config key.
    expected, got : the rule and what was found instead.
    action : what the user can do.
    """

    def __init__(
        self,
        what: str,
        *,
        where: object | None = None,
        expected: object | None = None,
        got: object | None = None,
        action: str | None = None,
    ) -> None:
        self.what, self.where, self.expected, self.got, self.action = what, where, expected, got, action
        super().__init__(self._one_line())

    def __reduce__(self):
        keywords = {"where": self.where, "expected": self.expected, "got": self.got, "action": self.action}
        return _rebuild, (self.what, keywords)

    def _one_line(self) -> str:
        place = f"{self.where}: " if self.where is not None else ""
        parts = [f"{place}{self.what}"]
        if self.expected is not None:
            parts.append(f"expected {self.expected}")
        if self.got is not None:
            parts.append(f"got {self.got}")
        if self.action is not None:
            parts.append(self.action)
        return _printable(redacted(" ".join("; ".join(map(_shortened, parts)).split())))


def _shortened(part: str) -> str:
    """What a file has in place of a name may be of any length."""
    return part if len(part) <= LONGEST_PART else f"{part[:LONGEST_PART]}…"


def _printable(text: str) -> str:
    """What a file has written into an id must not move a terminal's cursor, nor hide: it is shown as `\\x1b`."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode("ascii") for c in text)


def _rebuild(what: str, keywords: dict) -> AmuclError:
    return AmuclError(what, **keywords)


def some(items, limit: int = 3) -> str:
    """The first few of many names, for an error message: ``a, b, c and 7 more``."""
    names = [str(item) for item in items]
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"


def counted(n: int, one: str, many: str = "") -> str:
    """A number and what it counts: ``1 id``, ``3 ids``; `many` where that is not `one` with an s."""
    return f"{n} {one if n == 1 else many or one + 's'}"
