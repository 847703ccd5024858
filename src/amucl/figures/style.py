"""The look that all figures share, and saving them so that the same figure always gives the same bytes.

Figures are built from `matplotlib.figure.Figure`, never from pyplot: nothing is global and no display is needed.
Decorate a function that draws with `styled`.
"""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.ticker import LogFormatterSciNotation

from amucl.errors import AmuclError
from amucl.figures.fonts import written
from amucl.files import atomic_path

STYLE = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same figure on every machine
    "text.parse_math": False,  # a class may be called $20k-$40k
    "font.size": 7,
    "axes.titlesize": 8,
    "axes.labelsize": 7,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "legend.fontsize": 6,
    "legend.title_fontsize": 6.5,
    "legend.frameon": False,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "pdf.fonttype": 42,  # text stays text in an editor
    "ps.fonttype": 42,
    "svg.hashsalt": "amucl",
}

# Six colours of Okabe & Ito (2008) and Tol's wine, then each next colour as far as possible from white and from all
# before it in normal, protanopic and deuteranopic vision (Machado et al. 2009): any two are 17 apart in CIE Lab.
PALETTE = [
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#882255",
    "#771100", "#AAEE99", "#002288", "#0077EE", "#CC3344", "#550055", "#AAEE66",
    "#FFAABB", "#CCDDFF", "#661122", "#CC9955", "#AA3300", "#2299EE",
]  # fmt: skip

MISSING = "#e8e8e8"
DPI = 200

_METADATA = {
    ".pdf": {"CreationDate": None},
    ".svg": {"Date": None},
    ".png": {"Software": None},
}

styled = matplotlib.rc_context(STYLE)
"""Decorator: everything drawn inside has the shared style."""


def palette(names: Iterable) -> dict:
    """A colour for each of `names`, in their order; from the twenty-first on they repeat."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}


def ink(background) -> str:
    """Black or white, whichever is easier to read on `background` (contrast as in WCAG 2)."""
    channels = np.array(to_rgb(background))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return "black" if linear @ [0.2126, 0.7152, 0.0722] > 0.3 else "white"


def add_legend(place: Figure | Axes, handles: Sequence[Artist], **options) -> Legend:
    """A legend with an entry for each of `handles`, whatever its label begins with.

    Matplotlib leaves out labels that begin with `_`. `place` is the figure or axes; `options` as of their `legend`.
    """
    labels = [str(handle.get_label()) for handle in handles]
    legend = place.legend(handles=list(handles), labels=["name"] * len(labels), **options)
    for text, label in zip(legend.get_texts(), labels, strict=True):
        text.set_text(label)
    return legend


class PowersOfTen(LogFormatterSciNotation):
    """Ticks of a logarithmic axis without markup: 10⁻³."""

    def __call__(self, x, pos=None) -> str:
        """The text of the tick at `x`; empty where none is wanted."""
        text = super().__call__(x, pos).removeprefix("$\\mathdefault{").removesuffix("}$").replace("\\times", "×")
        return re.sub(r"\^\{([^}]*)\}", lambda power: power[1].translate(_RAISED), text)


_RAISED = str.maketrans("0123456789-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻")


def save_figure(figure: Figure, path: str | os.PathLike) -> None:
    """Save as PDF, SVG or PNG, by the suffix; nothing is cut off, and the same figure gives the same bytes.

    Raises AmuclError for another suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _METADATA:
        raise AmuclError("unknown figure format", where=path, expected=", ".join(_METADATA), got=suffix or "no suffix")
    with matplotlib.rc_context(STYLE), written(figure), atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=DPI, bbox_inches="tight", pad_inches=0.05, metadata=_METADATA[suffix])


@styled
def placeholder(message: str) -> Figure:
    """A figure that says why there is nothing to show."""
    figure = Figure(figsize=(4.5, 1.5))
    axes = figure.add_axes((0, 0, 1, 1), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.text(0.5, 0.5, textwrap.fill(message, 60), ha="center", va="center", color="#666666", fontsize=8)
    return figure
