"""Differential expression of each subtype against the rest, and the same with permuted labels."""

from _stage import stage

from amucl.biology.differential import permuted_control, subtype_markers
from amucl.clustering.labels import read_labels
from amucl.cohort.cohort import analysis_matrix, read_cohort
from amucl.figures.tables import write_html_table
from amucl.files import write_table

with stage(snakemake):
    labels = read_labels(snakemake.input.labels)[f"k{snakemake.wildcards.k}"]
    expression = analysis_matrix(read_cohort(snakemake.input.cohort), "expression")
    labels = labels[labels.index.isin(expression.index)]
    expression = expression.loc[labels.index]
    markers = subtype_markers(expression, labels)
    control = permuted_control(expression, labels, snakemake.params.seed)
    write_table(markers, snakemake.output.markers)
    write_table(control, snakemake.output.control)
    write_html_table(markers.groupby("subtype", sort=False).head(50), snakemake.output.markers_html)
    write_html_table(control, snakemake.output.control_html)
