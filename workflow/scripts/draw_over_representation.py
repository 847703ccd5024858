"""Dot plot of the most significant gene sets of every subtype."""

from _stage import stage

from amucl.figures.biology import over_representation_dotplot
from amucl.figures.style import save_figure
from amucl.files import read_table

with stage(snakemake):
    figure = over_representation_dotplot(read_table(snakemake.input.table))
    for path in snakemake.output[:3]:
        save_figure(figure, path)
