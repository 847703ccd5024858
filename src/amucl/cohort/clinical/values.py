"""What the cells of clinical columns say: events, ages and stages, as numbers. Nothing here looks for columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from amucl.cohort.clinical.names import DAYS_OF, squeezed, tokens, unit_of, word_code

OLDEST = 150  # years; an age whose median is above it is in days, as the GDC writes age_at_diagnosis
_CODED = re.compile(r"\s*([01])\s*[:=]\s*(\S.*)")
_OTHER_CAUSES = ("other", "tumorfree", "withouttumor", "unrelated", "notofdisease", "noncancer")
_BOUND = re.compile(r"\s*(?:[<>≤≥]=?|=)\s*")
_STAGES = {"0": 0, "i": 1, "ii": 2, "iii": 3, "iv": 4, "1": 1, "2": 2, "3": 3, "4": 4}
_STAGE = re.compile(
    r"(?:(?:(?:figo|ajcc|uicc|tnm|path(?:ologic(?:al)?)?|clinical)?[\s_]*p?stage|figo|ajcc|uicc)[\s:_]*)?"
    r"(?P<stage>0|iv|i{1,3}|[1-4])(?:\.0)?(?:\s?[a-e](?:[0-9]|[si])?)?"
)


@dataclass(frozen=True)
class Events:
    """An event column, read.

    Attributes
    ----------
    codes : 1 event, 0 censored, NaN unknown.
    unread : the distinct cells that say neither, and n_unread how many cells do.
    how : what was taken for an event, such as ``1:DECEASED``.
    """

    codes: pd.Series
    unread: list[str]
    n_unread: int
    how: str


def numbers(cells: pd.Series) -> pd.Series:
    """The cells as floats, NaN where they are none; of a bound (``>89``) the number."""
    if pd.api.types.is_numeric_dtype(cells):
        return cells.astype(float)
    text = cells.astype(object).map(lambda cell: _BOUND.sub("", str(cell), count=1), na_action="ignore")
    return pd.to_numeric(text, errors="coerce").astype(float)


def read_events(
    cells: pd.Series,
    *,
    endpoint: str = "os",
    values: Sequence | None = None,
    codes: Mapping[str, int] | None = None,
) -> Events | None:
    """Who had the event, by words or numbers; None where most cells say neither.

    Numbers are 1 and 0; where they are 2 and 1, and only these, 2 is the event, as R's survival package has it.

    Parameters
    ----------
    endpoint : whose events they are: a death of another cause is none of ``dss``.
    values : what the user says is an event; everything else that is known is none.
    codes : what the column's name says of its values.
    """
    known = cells.dropna()
    text = known.map(_plain).astype(object)
    if values is not None:
        wanted = {_plain(value) for value in values}
        return _events(cells, text.isin(wanted).astype(float), text, wanted)
    if codes:
        others = set(codes.values())
        rest = 1 - others.pop() if len(others) == 1 else np.nan
        coded = text.map(lambda one: codes.get(one, rest if one in ("0", "1", "2") else np.nan)).astype(float)
        return _half_known(_events(cells, coded, text, {one for one, code in codes.items() if code == 1}))
    figures = pd.to_numeric(text, errors="coerce")
    if len(known) and figures.notna().all():
        found = set(figures)
        if found <= {0, 1}:
            return _events(cells, figures.astype(float), text, {"1"})
        return _events(cells, figures - 1.0, text, {"2"}) if found == {1, 2} else None
    coded = text.map(lambda one: _code(one, endpoint)).astype(float)
    return _half_known(_events(cells, coded, text, set(text[(coded == 1).to_numpy()])))


def age_unit(cells: pd.Series) -> str:
    """The unit of an age: by the column's name, else days where the middle age is no age of years."""
    words = tokens(cells.name)
    named = next((unit for word in words if len(word) > 2 and (unit := unit_of(word))), None)
    if named in ("days", "months", "weeks"):
        return named
    values = numbers(cells).abs()
    return "days" if values.notna().any() and values.median() > OLDEST else "years"


def ages(cells: pd.Series) -> pd.Series:
    """Ages in years; NaN where the cell is no number, or nobody's age (999, -1). Days to birth, below 0, are ages."""
    values = numbers(cells)
    negative = values.notna().any() and values.median() < 0
    years = (values.abs() if negative else values) * (DAYS_OF[age_unit(cells)] / DAYS_OF["years"])
    return years.where(years.between(0, OLDEST))


def stages(cells: pd.Series) -> pd.Series:
    """Stages 0 to 4 without their letter: ``Stage IIIA``, ``iii``, ``3`` and ``FIGO IIIC2`` are 3; all else is unknown.

    Unknown are also ``Stage X``, ``I/II NOS``, ``Tis`` and the stages of T, N and M.
    """
    matches = cells.astype(object).map(
        lambda cell: _STAGE.fullmatch(str(cell).strip().casefold().replace("_", " ")), na_action="ignore"
    )
    return matches.map(lambda match: _STAGES[match["stage"]] if match else np.nan, na_action="ignore").astype(float)


def _plain(cell: object) -> str:
    """A cell as text in small letters: 1.0, True and ``Dead`` are 1, true and dead."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    text = str(cell).strip().casefold()
    return text.removesuffix(".0") if text.removesuffix(".0").isdigit() else text


def _code(text: str, endpoint: str) -> float:
    if match := _CODED.fullmatch(text):
        said = _code(match[2], endpoint) if endpoint == "os" else np.nan
        return float(match[1]) if np.isnan(said) else said  # 1:LIVING is no death
    if text in ("0", "1"):
        return float(text)
    if (code := word_code(text)) is not None:
        return float(code)
    word = squeezed(text)  # "Alive with relapse", "Dead of other causes": plain where what counts is death
    if endpoint not in ("os", "dss"):
        return np.nan
    if word.startswith(("alive", "living")):
        return 0.0
    if not word.startswith(("dead", "died", "deceased")):
        return np.nan
    return 0.0 if endpoint == "dss" and any(cause in word for cause in _OTHER_CAUSES) else 1.0


def _events(cells: pd.Series, coded: pd.Series, text: pd.Series, events: set) -> Events:
    unread = text[coded.isna().to_numpy()]
    codes = np.full(len(cells), np.nan)
    codes[cells.notna().to_numpy()] = coded.to_numpy(dtype=float)
    written = sorted({_shown(cell) for cell in cells.dropna()[text.isin(events).to_numpy()]})
    return Events(pd.Series(codes, index=cells.index), sorted(set(unread)), len(unread), " or ".join(written[:3]))


def _shown(cell: object) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell).strip()


def _half_known(events: Events) -> Events | None:
    """None where most cells are not read, or where all that are say one thing: the others may well say the opposite."""
    n_read = int(events.codes.notna().sum())
    one_sided = events.n_unread and events.codes.nunique() < 2
    return events if n_read and n_read >= events.n_unread and not one_sided else None
