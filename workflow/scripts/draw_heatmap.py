"""Heat map of the top markers of every subtype."""

from _stage import stage

from amucl.clustering.labels import read_labels
from amucl.cohort.cohort import analysis_matrix, read_cohort, truth
from amucl.figures.biology import marker_heatmap
from amucl.figures.style import save_figure
from amucl.files import read_table

with stage(snakemake):
    labels = read_labels(snakemake.input.labels)[f"k{snakemake.wildcards.k}"]
    cohort = read_cohort(snakemake.input.cohort)
    expression = analysis_matrix(cohort, "expression")
    known = truth(cohort, labels.index)
    bars = None if known is None else known.to_frame("Known label")
    figure = marker_heatmap(expression, labels, read_table(snakemake.input.markers), bars)
    for path in snakemake.output[:3]:
        save_figure(figure, path)
