"""Figure of what a method's hyperparameters change."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from amucl.figures.style import MISSING, PALETTE, styled

SHOWN = {("ari", "truth"): "ARI", ("silhouette", "common"): "silhouette, common space"}


@styled
def sweep_figure(table: pd.DataFrame) -> Figure:
    """Agreement with known labels, and the common-space silhouette, at every value of each hyperparameter.

    One panel a hyperparameter; the dashed lines are the run as it is. table: of `amucl.comparison.sweep.swept`.
    """
    wanted = pd.MultiIndex.from_frame(table[["metric", "space"]]).isin(SHOWN)
    panels = list(table[wanted].groupby("parameter", sort=False))
    figure = Figure(figsize=(1.2 + 1.7 * len(panels), 2.4), layout="constrained")
    for axes, (parameter, rows) in zip(
        figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels, strict=True
    ):
        settings = list(dict.fromkeys(rows["setting"].astype(str)))
        for (key, label), colour in zip(SHOWN.items(), PALETTE, strict=False):
            values = rows[(rows["metric"] == key[0]) & (rows["space"] == key[1])]
            if len(values):
                places = [settings.index(str(setting)) for setting in values["setting"]]
                axes.plot(places, values["value"], "o-", color=colour, markersize=3.5, label=label)
                axes.axhline(values["as_it_is"].iloc[0], color=colour, linestyle="--", linewidth=0.8)
        axes.set_xticks(range(len(settings)), settings, rotation=45, ha="right")
        axes.set_title(parameter.replace("_", " "))
        axes.grid(axis="y", color=MISSING)
    figure.axes[0].set_ylabel("Score")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside right upper")
    return figure
