"""Dot plot of the most significant gene sets of every subtype."""

from _stage import stage

from amucl.biology.differential import IDS_ARE_FOREIGN, NOT_AVAILABLE
from amucl.biology.enrichment import ids_are_foreign
from amucl.clustering.partition import read_partition, read_subtype_table
from amucl.figures.biology import over_representation_dotplot
from amucl.figures.style import placeholder, save_figure
from amucl.labels import subtype_order

with stage(snakemake):
    labels = read_partition(snakemake.input.labels)
    table = read_subtype_table(snakemake.input.table, labels)
    figure = placeholder(IDS_ARE_FOREIGN if ids_are_foreign(table) else NOT_AVAILABLE)
    if snakemake.params.available and not ids_are_foreign(table):
        figure = over_representation_dotplot(table, subtypes=subtype_order(labels))
    for path in snakemake.output[:3]:
        save_figure(figure, path)
