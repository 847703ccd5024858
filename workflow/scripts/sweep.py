"""Gather what a method's hyperparameters change, and draw it."""

from _stage import stage

from amucl.comparison.sweep import swept
from amucl.figures.style import save_figure
from amucl.figures.sweep import sweep_figure
from amucl.files import read_table, write_table

with stage(snakemake):
    points = [read_table(path) for path in snakemake.input.points]
    table = swept(points, read_table(snakemake.input.metrics), snakemake.params.k)
    write_table(table, snakemake.output.table)
    for path in snakemake.output.figure:
        save_figure(sweep_figure(table), path)
