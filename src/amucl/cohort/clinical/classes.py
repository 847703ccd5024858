"""Known classes are names, however much they look like numbers: 20190312, 01 beside 1, TRUE."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

_CODE = re.compile(r"[+-]?0\d+")  # 01: no measurement is written so
_LARGEST_EXACT = 2**53  # a whole number beyond it is rounded as a float
_MAX_CODES = 10  # a column of more distinct numbers is a measurement
_WHOLE_FLOAT = r"[+-]?\d+\.0+"
_MEASURED = ("os_time", "os_event")


def class_names(cells: pd.Series) -> pd.Series:
    """Classes as text, missing where unknown: text stays as it is written, whole numbers have no .0.

    Text in which every class ends with .0, as data frames write whole numbers beside missing cells, is without it too.
    """
    if pd.api.types.is_numeric_dtype(cells) and not pd.api.types.is_bool_dtype(cells):
        return cells.astype(object).map(_number_name, na_action="ignore").astype(object)
    text = cells.astype(object).map(lambda value: str(value).strip(), na_action="ignore").astype(object)
    present = text.dropna()
    if len(present) and present.astype(str).str.fullmatch(_WHOLE_FLOAT).all():
        text = text.map(lambda value: value.partition(".")[0], na_action="ignore")
    return text.where(text.notna(), np.nan)


def keep_codes(table: pd.DataFrame, written: pd.DataFrame) -> pd.DataFrame:
    """`table`, where a column of codes that were read as numbers is text again, as `written`.

    Codes are whole numbers with leading zeros (01), whole numbers too large to be exact as floats, and few distinct
    numbers of which one is written in several ways (1 and 1.0: two classes). Both have the same columns and rows.
    """
    kept = {
        name: class_names(written[name])
        for name in table.columns
        if name not in _MEASURED and pd.api.types.is_numeric_dtype(table[name]) and _codes(table[name], written[name])
    }
    return table.assign(**kept)


def _codes(numbers: pd.Series, written: pd.Series) -> bool:
    texts = written.dropna().astype(str).str.strip().unique()
    if any(_CODE.fullmatch(text) for text in texts):
        return True
    distinct = numbers.dropna().unique()
    if len(distinct) and np.abs(distinct).max() >= _LARGEST_EXACT:
        return True
    return len(distinct) <= _MAX_CODES and len(texts) > len(distinct)


def _number_name(value: object) -> str:
    if isinstance(value, int | np.integer):
        return str(int(value))
    number = float(value)
    return f"{number:.0f}" if number.is_integer() else repr(number)
