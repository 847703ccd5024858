"""Draw how far the clusters of a low-rank representation depend on its weights."""

from _stage import stage

from amucl.figures.lowrank import sensitivity_figure
from amucl.figures.style import save_figure
from amucl.files import read_table

with stage(snakemake):
    figure = sensitivity_figure(read_table(snakemake.input.table))
    for path in snakemake.output[:3]:
        save_figure(figure, path)
