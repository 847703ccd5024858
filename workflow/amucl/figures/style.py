"""The look that all figures share, and saving them so that the same figure always gives the same bytes.

Figures are built from `matplotlib.figure.Figure`, never from pyplot: nothing is global and no display is needed.
Decorate a function that draws with `styled`.
"""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterable
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from amucl.errors import AmuclError
from amucl.files import atomic_path

STYLE = {
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same figure on every machine
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
"""Decorator (or context): everything drawn inside has the shared style."""


def palette(names: Iterable) -> dict:
    """A colour for each of `names`, in their order; from the twenty-first on they repeat."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}


def ink(background) -> str:
    """Black or white, whichever is easier to read on `background` (contrast as in WCAG 2)."""
    channels = np.array(to_rgb(background))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return "black" if linear @ [0.2126, 0.7152, 0.0722] > 0.3 else "white"


def save_figure(figure: Figure, path: str | os.PathLike) -> None:
    """Save as PDF, SVG or PNG, by the suffix; nothing is cut off, and the same figure gives the same bytes.

    Raises AmuclError for another suffix.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _METADATA:
        raise AmuclError("unknown figure format", where=path, expected=", ".join(_METADATA), got=suffix or "no suffix")
    with matplotlib.rc_context(STYLE), atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=DPI, bbox_inches="tight", pad_inches=0.05, metadata=_METADATA[suffix])


@styled
def placeholder(message: str) -> Figure:
    """A figure that says why there is nothing to show."""
    figure = Figure(figsize=(4.5, 1.5))
    axes = figure.add_axes((0, 0, 1, 1), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    axes.text(0.5, 0.5, textwrap.fill(message, 60), ha="center", va="center", color="#666666", fontsize=8)
    return figure
