"""How a training went."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from amucl.figures.style import PALETTE, styled

PANELS = {
    "loss": "Total loss",
    "instance": "Instance loss",
    "cluster": "Cluster loss",
    "entropy": "Negative entropy",
    "reconstruction": "Reconstruction",
    "divergence": "Divergence",
    "discrepancy": "Discrepancy",
}


@styled
def loss_curves(history: pd.DataFrame) -> Figure:
    """The loss and its parts over the epochs: each restart a thin line, their mean a thick one.

    history: columns epoch, restart, loss and any of the parts in `PANELS`.
    """
    parts = [name for name in PANELS if name in history]
    figure = Figure(figsize=(1.9 * len(parts), 1.9), layout="constrained")
    for axes, name in zip(figure.subplots(1, len(parts), squeeze=False)[0], parts, strict=True):
        curves = history.pivot_table(index="epoch", columns="restart", values=name)
        if curves.shape[1] > 1:
            axes.plot(curves.index, curves, color=PALETTE[5], linewidth=0.4, alpha=0.7)
        axes.plot(curves.index, curves.mean(axis=1), color=PALETTE[0])
        axes.set_title(PANELS[name])
        axes.set_xlabel("Epoch")
    return figure
