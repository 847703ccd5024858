"""One page per subtype, A4 upright: all that was found about it, for someone who opens nothing else."""

from __future__ import annotations

import base64
import html
import io
import os
import textwrap
from collections.abc import Iterable, Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

from amucl.biology.profile import (
    ABSENT,
    CENTRAL,
    CLASSES,
    DOWN,
    EXPRESSION,
    LABELS,
    MARKERS,
    PATIENTS,
    SETS,
    SETS_DOWN,
    SIZE,
    SURVIVAL,
    UNSURE,
    UP,
)
from amucl.biology.survival import complete_survival
from amucl.errors import some
from amucl.figures.biology import survival_curve
from amucl.figures.fonts import families_for, quiet, written
from amucl.figures.names import plain, shortened, shown
from amucl.figures.style import STYLE, add_legend, palette, styled
from amucl.figures.tables import LARGEST_PAGE, ROOM_FOR_NOTES
from amucl.figures.terms import readable_term
from amucl.files import atomic_path

A4 = (8.27, 11.69)
RESOLUTIONS = (150, 110, 80)  # dots per inch

_LEFT, _WIDTH, _LINE = 0.5, 7.27, 0.135  # inches
_MAX_CLASSES = 8
_LONGEST = 90  # columns that a line of the page can hold
_NAME = 32  # columns of a subtype's name
_MAX_TERMS = 3  # of the genes that are up, and of those that are down
_GREY, _FAINT = "#666666", "#d5d5d5"
_RED, _BLUE = "#b2182b", "#2166ac"
_FOUND = (
    "The subtypes were found in the same omics that markers and pathways are tested in: "
    "their P say what describes the subtype, not that it exists, and even clusters of noise have markers. So it "
    "is with classes that others found in the omics of the same patients. Survival and clinical labels took no "
    "part in the clustering."
)
_GIVEN = (
    "These are classes that were known beforehand, not found by a method here: where they were once defined by some of "
    "these genes, labels or omics, the P say that again."
)
_READ = (
    "How to read this page. {origin} Adjusted P: Benjamini-Hochberg, of markers over the features of an omic, of gene "
    "sets over a collection, of labels and classes over all of them and all subtypes, of survival over the "
    "subtypes. Every comparison is with all other patients. kept: share of other trainings in which a marker is "
    "one again. Jaccard: patients in both of those in either. Distance: to the subtype's centre in the embedding. "
    "Margin: 1 is certain, 0 between two subtypes, below 0 nearer to the other."
)
_HTML = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"></head>
<body>
{body}
</body>
</html>
"""


@styled
def profile_page(
    table: pd.DataFrame,
    subtype,
    labels: pd.Series,
    clinical: pd.DataFrame,
    *,
    title: str,
    others: Sequence,
    known: bool = False,
) -> Figure:
    """The page of one subtype.

    Parameters
    ----------
    table : of `amucl.biology.profile.profiles`. labels : subtype of each sample.
    clinical : samples x columns, os_time and os_event among them where survival is known.
    title : what cohort and partition are called. others : all subtypes, in the order of their colours.
    known : the subtypes are classes known beforehand.
    """
    page = _Page(table[table["subtype"] == subtype], palette(others)[subtype], shown(others, _NAME))
    top = page.header(subtype, title, labels, others)
    below_survival = page.survival(labels, clinical, subtype, top)
    below_labels = page.labels(top)
    below_classes = page.classes(below_labels)
    top = page.markers(max(below_survival, below_classes))
    top = page.pathways(top)
    page.patients(top)
    page.footer(_READ.format(origin=_GIVEN if known else _FOUND))
    return page.figure


def write_pdf(figures: Iterable[Figure], path: str | os.PathLike) -> None:
    """Write pages of one PDF; the same figures give the same bytes."""
    metadata = {"CreationDate": None}
    figures = list(figures)
    style = matplotlib.rc_context(STYLE)
    with style, written(*figures), atomic_path(path) as file, PdfPages(file, metadata=metadata) as pages:
        for figure in figures:
            pages.savefig(figure)


def write_html(figures: dict[object, Figure], path: str | os.PathLike) -> None:
    """Write a page with all figures below one another, by their names.

    Where it would be larger than `LARGEST_PAGE`, the figures are coarser; where that is too large still, the last are
    left out and named.
    """
    for dpi in RESOLUTIONS:
        images = {name: _image(name, figure, dpi) for name, figure in figures.items()}
        fits = np.cumsum([len(image) for image in images.values()]) <= LARGEST_PAGE - ROOM_FOR_NOTES
        if fits.all():
            break
    parts = [image for image, shown in zip(images.values(), fits, strict=True) if shown]
    if not fits.all():
        absent = html.escape(some(name for name, shown in zip(images, fits, strict=True) if not shown))
        parts.append(f"<p>Too many for one page: {absent}. They are in the .pdf beside it.</p>")
    with atomic_path(path) as temporary:
        temporary.write_text(_HTML.format(body="\n".join(parts)), encoding="utf-8")


def _image(name: object, figure: Figure, dpi: int) -> str:
    """An element of a page with the figure in it; WebP without loss is a third of PNG."""
    stream = io.BytesIO()
    with matplotlib.rc_context(STYLE), written(figure):
        figure.savefig(stream, format="webp", dpi=dpi, pil_kwargs={"lossless": True, "quality": 75})
    data = base64.b64encode(stream.getvalue()).decode("ascii")
    style = "display: block; width: 100%; max-width: 1240px; margin: 0 auto 1em; border: 1px solid #ddd"
    return f'<img alt="Subtype {html.escape(str(name))}" src="data:image/webp;base64,{data}" style="{style}">'


class _Page:
    """A figure written on from top to bottom; places are in inches from its upper left corner."""

    def __init__(self, rows: pd.DataFrame, colour: str, names: dict[object, str]) -> None:
        self.figure, self.rows, self.colour, self.names = Figure(figsize=A4), rows, colour, names

    def header(self, subtype, title: str, labels: pd.Series, others: Sequence) -> float:
        size = self._section(SIZE).iloc[0]
        self._box(_LEFT, 0.45, 0.12, 0.42, self.colour)
        self._text(_LEFT + 0.22, 0.43, f"Subtype {self.names[subtype]}", size=16, weight="bold")
        self._text(_LEFT + 0.22, 0.72, title, size=8, color=_GREY)
        share = f"{size['n']:.0f} of {size['total']:.0f} patients ({size['value']:.0%})"
        self._text(_LEFT + _WIDTH, 0.45, share, size=9, ha="right")
        left, width = _LEFT + _WIDTH - 3.0, 3.0
        for other, colour in palette(others).items():
            part = width * (labels == other).mean()
            self._box(left, 0.68, part, 0.14, colour, alpha=1 if other == subtype else 0.25)
            left += part
        return 1.1

    def survival(self, labels: pd.Series, clinical: pd.DataFrame, subtype, top: float) -> float:
        rows, width = self._section(SURVIVAL), 3.45
        top = self._heading("Survival", top, _LEFT, width)
        if rows["item"].isna().all():
            return self._note(rows, top, _LEFT, 55)
        known = complete_survival(clinical["os_time"], clinical["os_event"], labels)
        axes = self._axes(_LEFT + 0.35, top + 0.05, width - 0.4, 1.95)
        curves = []
        sides = (False, "#888888", "others"), (True, self.colour, f"subtype {self.names[subtype]}")
        for inside, colour, name in sides:
            group = known[(known["label"] == subtype) == inside]
            label = f"{name} (n = {len(group)}, {int(group['event'].sum())} died)"
            curves.append(survival_curve(axes, group, colour, label))
        axes.set(
            ylim=(0, 1.25),
            yticks=np.linspace(0, 1, 6),
            xlim=(0, known["time"].max() * 1.03),
            ylabel="Survival probability",
        )
        axes.set_xlabel("Time (days)", labelpad=1)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        add_legend(axes, curves, loc="upper right", borderaxespad=0)
        top += 2.4
        for item, text in _survival_lines(rows):
            self._text(_LEFT, top, item, color=_GREY)
            self._text(_LEFT + 1.25, top, text)
            top += _LINE
        return top

    def labels(self, top: float) -> float:
        left, width = _LEFT + 3.75, 3.52
        top = self._heading("Clinical labels that gather here", top, left, width)
        rows = self._section(LABELS)
        if rows["item"].isna().all():
            return self._note(rows, top, left, 55)
        self._columns({"here": left + 2.72, "others": left + 3.07, "adj. P": left + width}, top)
        for row in rows.itertuples():
            top += _LINE
            measured = row.measure == "difference of medians"
            values = (_number(row.low), _number(row.high)) if measured else (f"{row.low:.0%}", f"{row.high:.0%}")
            count = "" if measured else f"{row.n:.0f}/{row.total:.0f}"
            self._text(left, top, f"{row.item} (median)" if measured else row.item, fit=1.92)
            self._text(left + 2.35, top, count, ha="right", color=_GREY)
            self._text(left + 2.72, top, values[0], ha="right", weight="bold")
            self._text(left + 3.07, top, values[1], ha="right")
            self._text(left + width, top, _p(row.padj), ha="right")
        return top + _LINE

    def classes(self, top: float) -> float:
        left, width = _LEFT + 3.75, 3.52
        top = self._heading("Nearest known class", top + 0.08, left, width)
        rows = self._section(CLASSES)
        if rows["item"].isna().all():
            return self._note(rows, top, left, 55)
        heads = {"here": left + 2.3, "of all": left + 2.72, "Jaccard": left + 3.07, "adj. P": left + width}
        self._columns(heads, top)
        for row in rows.head(_MAX_CLASSES).itertuples():
            top += _LINE
            self._text(left, top, f"{row.group}: {row.item}", fit=1.85)
            self._text(left + 2.3, top, f"{row.n:.0f}/{row.total:.0f}", ha="right", weight="bold")
            self._text(left + 2.72, top, row.note.split()[0], ha="right", color=_GREY)
            self._text(left + 3.07, top, f"{row.value:.2f}", ha="right")
            self._text(left + width, top, _p(row.padj), ha="right")
        return top + _LINE

    def markers(self, top: float) -> float:
        rows = self._section(MARKERS)
        omics = list(dict.fromkeys(rows["group"]))
        n_shown = 8 if len(omics) <= 3 else 3
        top = self._heading("Top markers (red: up, blue: down)", top + 0.12, _LEFT, _WIDTH)
        for block in (omics[i : i + 3] for i in range(0, len(omics), 3)):
            ends = [self._omic(rows[rows["group"] == omic], omic, i, n_shown, top) for i, omic in enumerate(block)]
            top = max(ends) + 0.06
        return top

    def _omic(self, rows: pd.DataFrame, omic: str, place: int, n_shown: int, top: float) -> float:
        left, width = _LEFT + place * 2.475, 2.32
        self._text(left, top, omic, weight="bold")
        if rows["item"].isna().all():
            return self._note(rows, top + _LINE + 0.03, left, 38)
        kept = rows["frequency"].notna().any()
        scale = {"log2 fold change": "log2 FC", "M values": "ΔM"}.get(rows["measure"].iloc[0], "diff.")
        places = {scale: left + 1.42, "adj. P": left + (1.92 if kept else width)}
        if kept:
            places["kept"] = left + width
        self._columns(places, top)
        top += _LINE + 0.04
        for row in rows[rows["rank"] <= n_shown].itertuples():
            genes = f" ({row.note})" if isinstance(row.note, str) and row.note != row.item else ""
            style = {"style": "italic"} if omic == EXPRESSION else {}
            self._text(left, top, f"{row.item}{genes}", fit=1.1, **style)
            self._text(left + 1.42, top, f"{row.value:+.2f}", ha="right", color=_RED if row.value > 0 else _BLUE)
            self._text(places["adj. P"], top, _p(row.padj), ha="right")
            if kept:
                self._text(left + width, top, "" if np.isnan(row.frequency) else f"{row.frequency:.0%}", ha="right")
            top += _LINE
        return top

    def pathways(self, top: float) -> float:
        start = top + 0.1
        ends = [
            self._terms(self._section(UP), "Pathways up (GSEA)", 0, start),
            self._terms(self._section(DOWN), "Pathways down (GSEA)", 1, start),
        ]
        below = self._terms(self._section(SETS)[:_MAX_TERMS], "GO terms of genes up", 2, start)
        down = self._section(SETS_DOWN)[:_MAX_TERMS]
        ends.append(self._terms(down, "GO terms of genes down", 2, below + 0.06))
        return max(ends)

    def _terms(self, rows: pd.DataFrame, head: str, place: int, top: float) -> float:
        left, width = _LEFT + place * 2.475, 2.32
        top = self._heading(head, top, left, width)
        if rows["item"].isna().all():
            return self._note(rows, top, left, 38)
        counted = rows["section"].isin([SETS, SETS_DOWN]).all()
        self._columns({"genes" if counted else "NES": left + 1.88, "adj. P": left + width}, top)
        top += _LINE
        for row in rows.itertuples():
            lines = readable_term(row.item, width=27).split("\n")
            value = f"{row.n:.0f}/{row.total:.0f}" if counted else f"{row.value:+.1f}"
            colour = "black" if counted else _RED if row.value > 0 else _BLUE
            self._text(left + 1.88, top, value, ha="right", color=colour)
            self._text(left + width, top, _p(row.padj), ha="right")
            for line in lines:
                self._text(left, top, line, fit=1.5)
                top += _LINE - 0.02
            top += 0.02
        return top

    def patients(self, top: float) -> None:
        rows, start = self._section(PATIENTS), top + 0.12
        named = {str(subtype): name for subtype, name in self.names.items()}
        if rows["item"].isna().all():
            top = self._heading("Representative patients", start, _LEFT, _WIDTH)
            self._note(rows, top, _LEFT, 110)
            return
        heads = {CENTRAL: "Representative patients: nearest to the centre", UNSURE: "Least sure patients"}
        for place, (group, head) in enumerate(heads.items()):
            left = _LEFT + place * 3.75
            top = self._heading(head, start, left, 3.52)
            if not (rows["group"] == group).any():
                self._text(left, top, "The subtype has no other patients", color=_GREY)
            for row in rows[rows["group"] == group].itertuples():
                leaning = "" if group == CENTRAL else f", leans to subtype {named.get(str(row.note), row.note)}"
                self._text(left, top, row.item, fit=1.6, weight="bold")
                self._text(left + 1.7, top, f"{row.measure} {row.value:.2f}{leaning}", color=_GREY)
                top += _LINE

    def footer(self, text: str) -> None:
        lines = textwrap.wrap(text, 175)
        top = A4[1] - 0.35 - 0.105 * len(lines)
        self._rule(_LEFT, _LEFT + _WIDTH, top - 0.05)
        for line in lines:
            self._text(_LEFT, top, line, size=5.5, color=_GREY)
            top += 0.105

    def _section(self, name: str) -> pd.DataFrame:
        return self.rows[self.rows["section"] == name]

    def _heading(self, text: str, top: float, left: float, width: float) -> float:
        self._text(left, top, text, size=8, weight="bold")
        self._rule(left, left + width, top + 0.17)
        return top + 0.22

    def _columns(self, places: dict[str, float], top: float) -> None:
        """Heads of columns, by their right ends."""
        for name, right in places.items():
            self._text(right, top, name, ha="right", color=_GREY, size=5.5)

    def _note(self, rows: pd.DataFrame, top: float, left: float, width: int) -> float:
        note = rows["note"].iloc[0]
        for line in textwrap.wrap(note, width):
            self._text(left, top, line, color=_GREY, style="italic" if note.startswith(ABSENT.strip()) else "normal")
            top += _LINE
        return top

    def _text(self, x: float, y: float, text: str, *, size: float = 6.5, fit: float = np.inf, **style) -> None:
        """Write, from (x, y) downwards; what is wider than `fit` is cut."""
        text = plain(text)
        if np.isfinite(fit):
            text = _cut(text, 72 * fit, size, style)
        self.figure.text(x / A4[0], 1 - y / A4[1], text, fontsize=size, va="top", **style)

    def _axes(self, left: float, top: float, width: float, height: float):
        w, h = A4
        return self.figure.add_axes((left / w, 1 - (top + height) / h, width / w, height / h))

    def _box(self, left: float, top: float, width: float, height: float, colour: str, alpha: float = 1.0) -> None:
        axes = self._axes(left, top, width, height)
        axes.set_axis_off()
        axes.add_patch(Rectangle((0, 0), 1, 1, transform=axes.transAxes, color=colour, alpha=alpha))

    def _rule(self, left: float, right: float, y: float) -> None:
        w, h = A4
        line = Line2D([left / w, right / w], [1 - y / h] * 2, color=_FAINT, linewidth=0.6)
        self.figure.add_artist(line)


def _cut(text: str, width: float, size: float, style: dict) -> str:
    """As much of a text as is no wider than `width` points."""
    font = FontProperties(family=families_for(text), size=size, style=style.get("style"), weight=style.get("weight"))
    text = drawn = shortened(text, _LONGEST)  # no more can fit
    with quiet():
        while text and text_to_path.get_text_width_height_descent(drawn, font, ismath=False)[0] > width:
            text = text[:-1]
            drawn = f"{text.rstrip()}…"
    return drawn


def _survival_lines(rows: pd.DataFrame) -> list[tuple[str, str]]:
    """The figures below the curves, as pairs of a name and a text."""
    lines = []
    for item in ("median", "restricted mean"):
        both = rows[rows["item"] == item].set_index("group")
        here, others = both.loc["subtype"], both.loc["others"]
        name = "median, days" if item == "median" else here["measure"].replace("days within the", "mean,") + " days"
        lines.append((name, f"{_time(here)}, others {_time(others)}"))
    for item in ("hazard ratio", "hazard ratio, adjusted"):
        for row in rows[rows["item"] == item].itertuples():
            if np.isnan(row.value):
                lines.append((item, row.note))
                continue
            name = item if item == "hazard ratio" else f"at equal {row.note.removeprefix('for ')}"
            lines.append((name, f"{row.value:.2f} (95 % {row.low:.2f} to {row.high:.2f}), P = {_p(row.pval)}"))
    test = rows[rows["item"] == "log-rank"].iloc[0]
    lines.append(("log-rank, permuted", f"P = {_p(test['pval'])}, adjusted {_p(test['padj'])}"))
    return lines


def _time(row: pd.Series) -> str:
    if np.isnan(row["value"]):
        return "not reached"
    interval = "" if np.isnan(row["low"]) else f" ({row['low']:.0f} to {row['high']:.0f})"
    return f"{row['value']:.0f}{interval}"


def _p(p: float) -> str:
    return f"{p:.2g}" if p >= 0.001 else f"{p:.0e}".replace("e-0", "e-")


def _number(value: float) -> str:
    return f"{value:.3g}"
