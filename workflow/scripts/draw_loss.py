"""Draw a training's loss over its epochs."""

from _stage import stage

from amucl.figures.style import save_figure
from amucl.figures.training import loss_curves
from amucl.files import read_table

with stage(snakemake):
    figure = loss_curves(read_table(snakemake.input.history))
    for path in snakemake.output[:3]:
        save_figure(figure, path)
