import hashlib
import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from amucl.errors import AmuclError
from amucl.figures.style import PALETTE, ink, palette, placeholder, save_figure, styled

# Machado, Oliveira & Fernandes (2009), severity 1, linear RGB
VISION = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
}
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour, vision):
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(np.array(VISION[vision]) @ linear, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@styled
def a_figure() -> Figure:
    figure = Figure(figsize=(3, 2))
    axes = figure.add_subplot()
    axes.imshow(np.arange(12).reshape(3, 4))
    axes.plot([0, 1, 2], [1, 0, 2], label="line")
    figure.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


@pytest.mark.parametrize("vision", VISION)
def test_twenty_colours_stay_apart(vision):
    seen = [lab(colour, vision) for colour in PALETTE]
    assert len(PALETTE) == 20
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 17


def test_palette_keeps_the_order_and_repeats():
    colours = palette(range(21))
    assert [colours[0], colours[19], colours[20]] == [PALETTE[0], PALETTE[19], PALETTE[0]]


def test_ink_is_readable():
    assert (ink("white"), ink("black"), ink(PALETTE[0])) == ("black", "white", "white")


@pytest.mark.parametrize("suffix", ["pdf", "svg", "png"])
def test_the_same_figure_gives_the_same_bytes(tmp_path, suffix):
    for name in "ab":
        save_figure(a_figure(), tmp_path / f"{name}.{suffix}")
    first, second = ((tmp_path / f"{name}.{suffix}").read_bytes() for name in "ab")
    assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a.{suffix}", f"b.{suffix}"]
    assert b"Date" not in first
    assert b"dc:date" not in first


def test_pdf_text_stays_text(tmp_path):
    save_figure(a_figure(), tmp_path / "a.pdf")
    assert b"/Type0" in (tmp_path / "a.pdf").read_bytes()


def test_unknown_format(tmp_path):
    with pytest.raises(AmuclError, match=r"unknown figure format; expected .pdf, .svg, .png; got .gif"):
        save_figure(a_figure(), tmp_path / "a.gif")
    assert list(tmp_path.iterdir()) == []


def test_placeholder_shows_its_message(tmp_path):
    figure = placeholder("nothing")
    assert [text.get_text() for text in figure.axes[0].texts] == ["nothing"]
    save_figure(figure, tmp_path / "empty.svg")
