"""Dot plot of the most significant gene sets of every subtype."""

from _stage import stage

from amucl.biology.differential import NOT_AVAILABLE
from amucl.clustering.labels import subtype_order
from amucl.clustering.partition import read_partition
from amucl.figures.biology import over_representation_dotplot
from amucl.figures.style import placeholder, save_figure
from amucl.files import read_table

with stage(snakemake):
    labels = read_partition(snakemake.input.labels)
    figure = placeholder(NOT_AVAILABLE)
    if snakemake.params.available:
        figure = over_representation_dotplot(read_table(snakemake.input.table), subtypes=subtype_order(labels))
    for path in snakemake.output[:3]:
        save_figure(figure, path)
