"""Heat map of the top markers of every subtype."""

from _stage import stage

from amucl.biology.differential import NOT_AVAILABLE
from amucl.biology.expression import expression_of
from amucl.clustering.partition import read_partition
from amucl.cohort.cohort import read_cohort, truth
from amucl.figures.biology import marker_heatmap
from amucl.figures.style import placeholder, save_figure
from amucl.files import read_table

with stage(snakemake):
    labels = read_partition(snakemake.input.labels)
    cohort = read_cohort(snakemake.input.cohort)
    known = truth(cohort, labels.index)
    bars = None if known is None else known.to_frame("Known label")
    expression = expression_of(cohort, snakemake.input.genes or None)
    figure = placeholder(NOT_AVAILABLE)
    if expression is not None:
        figure = marker_heatmap(expression, labels, read_table(snakemake.input.markers), bars)
    for path in snakemake.output[:3]:
        save_figure(figure, path)
