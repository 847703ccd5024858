"""Dot plot of the most significant gene sets of every subtype."""

from _stage import stage

from amucl.clustering.labels import read_labels, subtype_order
from amucl.figures.biology import over_representation_dotplot
from amucl.figures.style import save_figure
from amucl.files import read_table

with stage(snakemake):
    labels = read_labels(snakemake.input.labels)[f"k{snakemake.wildcards.k}"]
    figure = over_representation_dotplot(read_table(snakemake.input.table), subtypes=subtype_order(labels))
    for path in snakemake.output[:3]:
        save_figure(figure, path)
