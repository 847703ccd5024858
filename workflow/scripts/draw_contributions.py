"""Draw the features by which a trained network tells each subtype."""

from _stage import stage

from amucl.figures.biology import contribution_bars
from amucl.figures.style import save_figure
from amucl.files import read_table

with stage(snakemake):
    figure = contribution_bars(read_table(snakemake.input.table))
    for path in snakemake.output.figure:
        save_figure(figure, path)
