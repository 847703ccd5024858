"""What stands among the samples and features of a matrix and is neither: annotation of features, counters of reads.

Their names are in resources/annotation_columns.yaml. The first column holds the ids, but for two kinds of tables:
where it has no name and only row numbers, and a named id stands beside it; and where it holds Entrez ids (numbers) and
the genes' symbols stand beside it, by which gene sets know genes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import yaml

from amucl.cohort.notes import Note
from amucl.errors import AmuclError, counted, some
from amucl.resources import resource

KINDS = ("symbols", "ids", "others", "measures")


_FEATURE = re.compile(
    r"ENS[A-Z]*[GTP]\d{11}(\.\d+)?(_PAR_Y)?|cg\d{8}|hsa[-.](miR|mir|let)[-.].+|MIMAT\d{7}|\d+(_[sax])?_at|NM_\d+(\.\d+)?"
)
_WORDS = re.compile(r"[\w .-]+")


@dataclass(frozen=True)
class Names:
    """The known names: of columns by their kind (`KINDS`), of counters and of samples' ids, as they are compared."""

    columns: dict[str, str]
    counters: frozenset[str]
    samples: frozenset[str] = frozenset()


@cache
def known_names() -> Names:
    """Those of resources/annotation_columns.yaml."""
    listed = yaml.safe_load(resource("annotation_columns.yaml").read_text(encoding="utf-8"))
    columns = {plain(name): kind for kind in reversed(KINDS) for name in listed[kind]}
    return Names(columns, frozenset(map(_counter, listed["counters"])), frozenset(map(plain, listed["samples"])))


def is_symbols(name: str) -> bool:
    """Whether a column's name says that it holds names of genes."""
    return known_names().columns.get(plain(name)) == "symbols"


def plain(name: str) -> str:
    """A column's name as it is compared: small letters and digits."""
    return re.sub(r"[\W_]+", "", name.casefold())


def _counter(name: str) -> str:
    return name.strip("_ ").casefold()


class FeatureColumns:
    """Which columns of a matrix hold the ids, which values, and which rows and columns are left out.

    Parameters
    ----------
    corner : name of the first column, None or empty where it has none.
    columns : names of the others.
    ids : the first cells of some rows.
    features_in_rows : whether annotation stands in columns and counters in rows, or the reverse; None: nothing of the
        kind is looked for.
    n_annotation : how many of the first columns the file itself calls annotation.
    """

    def __init__(
        self,
        corner: str | None,
        columns: Sequence[str],
        ids: Sequence[str] = (),
        *,
        features_in_rows: bool | None = None,
        n_annotation: int = 0,
    ) -> None:
        names = known_names() if features_in_rows is not None else Names({}, frozenset())
        self.corner, self.features_in_rows = corner, bool(features_in_rows)
        if features_in_rows:
            kinds = [names.columns.get(plain(name)) for name in columns]
        else:
            kinds = ["others" if _counter(name) in names.counters else None for name in columns]
        kinds[:n_annotation] = [kind or "others" for kind in kinds[:n_annotation]]
        self.measures = [name for name, kind in zip(columns, kinds, strict=True) if kind == "measures"]
        worded = (name for name in columns if _WORDS.fullmatch(name))  # a sample may be called {sample}
        self.of_samples = [name for name in worded if plain(name) in names.samples] if features_in_rows else []
        self.no_sample = all(kinds)
        if all(kinds):  # a table of nothing else has been misunderstood
            kinds = [None] * len(kinds)
        self.id_place = 0
        if features_in_rows and kinds:
            self.id_place = _id_place(corner, kinds, ids)
        self.dropped = [name for place, name in enumerate(columns, 1) if kinds[place - 1] and place != self.id_place]
        self.value_places = [place for place in range(1, len(columns) + 1) if not kinds[place - 1]]
        self.values = [columns[place - 1] for place in self.value_places]
        self.id_name = columns[self.id_place - 1] if self.id_place else corner
        self.rows_dropped: dict[str, int] = {}
        self._rows = names.counters if features_in_rows else frozenset(names.columns)
        self._fold = _counter if features_in_rows else plain
        self.annotated = bool(self.dropped or self.id_place) if features_in_rows else False

    @property
    def plain(self) -> bool:
        """Whether the first column are the ids and all others values."""
        return not self.id_place and not self.dropped

    @property
    def may_repeat(self) -> bool:
        """Whether several rows may have one name: of genes, beside whose names other ids stand."""
        name = plain(self.id_name or "")
        return self.features_in_rows and (
            self.annotated or (known_names().columns.get(name) == "symbols" and name != "gene")
        )

    def refuse_no_matrix(self, where: object) -> None:
        """Raise AmuclError for a table that is none of features by samples: of measures, or a row for each pair."""
        if self.measures and self.no_sample:
            raise AmuclError(
                "the columns are measures, not samples",
                where=where,
                expected="features in rows, and a column for each sample",
                got=some(self.measures),
                action="make a table of one measure, with a column for each sample, named by it",
            )
        if twice := self._measured_twice():
            raise AmuclError(
                "several measures of every sample stand side by side",
                where=where,
                expected="one column for each sample",
                got=some(twice),
                action="keep the columns of one measure",
            )
        if self.of_samples and len(self.values) > 1:
            raise AmuclError(
                f"the column {self.of_samples[0]} names samples, which stand in rows",
                where=where,
                expected="features in rows, and a column for each sample",
                got=f"the columns {some([self.corner or '(no name)', *self.values])}",
                action="make a matrix of it, or write orientation: samples_in_rows where each row is one sample",
            )

    def _measured_twice(self) -> list[str]:
        """Columns of one sample whose names begin with a measure each (tpm_unstranded_S1, unstranded_S1)."""
        if not self.features_in_rows:
            return []
        measured: dict[str, dict[str, str]] = {}
        for name in self.values:
            ends = [found.start() for found in re.finditer(r"[_.\s]", name)]
            ends = [end for end in ends if known_names().columns.get(plain(name[:end])) == "measures"]
            if ends:
                measured.setdefault(name[ends[-1] :], {})[plain(name[: ends[-1]])] = name
        several = [list(names.values()) for names in measured.values() if len(names) > 1]
        return several[0] if 2 * len(several) > len(measured) else []

    def drops_row(self, name: str) -> bool:
        """Whether a row is left out, which is counted: counters and the like, nameless ones beside annotation."""
        drop = self._fold(name) in self._rows or (name == "?" and self.features_in_rows) if name else self.annotated
        if drop:
            self.rows_dropped[name] = self.rows_dropped.get(name, 0) + 1
        return drop

    def notes(self, source: str) -> list[Note]:
        """What was left out."""
        found = []
        column, row = ("column", "row") if self.features_in_rows else ("row", "column")
        annotation, counters = (self.dropped, list(self.rows_dropped))
        if not self.features_in_rows:
            annotation, counters = counters, annotation
        if self.id_place:
            first = f"`{self.corner}`" if self.corner else "the row numbers"
            found.append(Note(source, "id column", 1, f"ids are taken from the column `{self.id_name}`, not {first}"))
        if annotation:
            says = f"{counted(len(annotation), column)} of annotation left out: {some(annotation, 6)}"
            found.append(Note(source, f"annotation {column}s", len(annotation), says))
        if counters:
            n = sum(self.rows_dropped.values()) if self.features_in_rows else len(counters)
            names = some([name or "(no name)" for name in counters], 6)
            says = f"{counted(n, f'{row} that is', f'{row}s that are')} no feature left out: {names}"
            found.append(Note(source, f"counter {row}s", n, says))
        return found


def _id_place(corner: str | None, kinds: list[str | None], ids: Sequence[str]) -> int:
    """Which column holds the ids, 0 the first."""
    symbol = next((place for place, kind in enumerate(kinds, 1) if kind == "symbols"), 0)
    if not corner and ids and all(name.isdigit() for name in ids):
        other = next((place for place, kind in enumerate(kinds, 1) if kind == "ids"), 0)
        return symbol or other
    if corner and "entrez" in plain(corner) and ids and all(name.isdigit() or not name for name in ids):
        return symbol
    return 0


def refuse_features_as_samples(samples: Sequence[str], where: object, orientation: str) -> None:
    """Raise AmuclError where most samples have names of genes, probes or microRNAs: the table stands the other way."""
    features = [name for name in samples if _FEATURE.fullmatch(name)]
    if 2 * len(features) > len(samples):
        other = {"features_in_rows": "samples_in_rows", "samples_in_rows": "features_in_rows"}[orientation]
        raise AmuclError(
            "the samples are named as features are",
            where=where,
            expected="names of samples or patients",
            got=some(features),
            action=f"write orientation: {other}, if the table stands that way",
        )


def merge_duplicates(rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Of the rows with one name keep the one with the highest mean (the first of equals), in the original order.

    Returns the rows and their positions.
    """
    means = rows.mean(axis=1).to_numpy()
    order = np.argsort(-means, kind="stable")
    repeated = rows.index[order].duplicated()
    keep = np.sort(order[~repeated])
    return rows.iloc[keep], keep
