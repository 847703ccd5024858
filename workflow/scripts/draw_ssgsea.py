"""Heat map of the gene sets whose scores are up most in each subtype."""

from _stage import stage

from amucl.clustering.partition import read_partition, read_subtype_table
from amucl.figures.heatmaps import score_heatmap
from amucl.figures.style import save_figure
from amucl.files import read_matrix

with stage(snakemake):
    scores, labels = read_matrix(snakemake.input.scores), read_partition(snakemake.input.labels)
    figure = score_heatmap(scores, labels, read_subtype_table(snakemake.input.table, labels))
    for path in snakemake.output.figure:
        save_figure(figure, path)
