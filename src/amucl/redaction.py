"""Addresses without what is secret in them: a password, a token. What is shown or stored passes through here."""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import parse_qsl

MASK = "***"

_WEB = r"\bhttps?:/{0,2}"
_USER = re.compile(rf"({_WEB})(?:[^\s/?#]*|[^\s/?#@:]*:\S*)@", re.IGNORECASE)
_END = r"[^\s\"'<>`]*[^\s\"'<>`;:,.)\]]"  # a sentence goes on behind an address
_QUERY = re.compile(rf"({_WEB}[^\s?#]*)[?#]({_END})", re.IGNORECASE)
_BARE_QUERY = re.compile(rf"(/[^\s?\"'<>]*)\?([\w.%-]+={_END})")  # in words of a library: url: /x.tsv?token=1
_VALUE = re.compile(r"=[^&]*")
_SECRET = re.compile(
    r"token|key|sig|secret|passw|pwd|^pw$|auth|cred|session|amz|goog|sas|jwt|code|ticket|user|email|login",
    re.IGNORECASE,
)
_LONGEST_PLAIN = 40


def redacted(text: str) -> str:
    """`text` with user names, passwords and the values of queries in web addresses masked.

    >>> redacted("from https://me:pw@host/x.tsv?token=abc&n=1")
    'from https://***@host/x.tsv?token=***&n=***'
    """
    text = _QUERY.sub(_without_values, _USER.sub(rf"\1{MASK}@", text))
    return _BARE_QUERY.sub(_without_values, text)


def redacted_values(value: Any) -> Any:
    """Lists and mappings as they are, with every text in them `redacted`, keys too."""
    if isinstance(value, dict):
        return {redacted_values(key): redacted_values(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [redacted_values(one) for one in value]
    return redacted(value) if isinstance(value, str) else value


def plain_query(query: str) -> str:
    """Of an address's query what may be part of a file's name: not what looks like a secret by its name or length.

    A word without a value is kept where it is all there is and short.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    kept = [(name, value) for name, value in pairs if not _SECRET.search(name) and len(value) <= _LONGEST_PLAIN]
    return "&".join(f"{name}={value}" if value else name for name, value in kept if len(name) <= _LONGEST_PLAIN)


class RedactingFormatter(logging.Formatter):
    """Lines of a log, tracebacks too, `redacted`."""

    def format(self, entry: logging.LogRecord) -> str:
        """The line."""
        return redacted(super().format(entry))


def _without_values(match: re.Match) -> str:
    address, query = match.groups()
    mark = match.group()[len(address)]
    return f"{address}{mark}{_VALUE.sub(f'={MASK}', query) if '=' in query else MASK}"
