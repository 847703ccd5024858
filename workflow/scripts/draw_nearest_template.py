"""Heat map of the templates' genes in new patients."""

from _stage import stage

from amucl.biology.expression import expression_of
from amucl.clustering.partition import read_partition, read_subtype_table
from amucl.cohort.cohort import read_cohort
from amucl.figures.heatmaps import template_heatmap
from amucl.figures.style import save_figure
from amucl.files import read_table
from amucl.labels import subtype_order

with stage(snakemake):
    source, cohort = snakemake.input, read_cohort(snakemake.input.cohort)
    expression = expression_of(cohort, source.genes or None)
    patients = read_table(source.patients, converters={"sample": str, "subtype": str})
    labels = read_partition(source.labels)
    subtypes = subtype_order(labels)
    reference = expression_of(read_cohort(source.reference), source.reference_genes)
    templates = read_subtype_table(source.templates, labels)
    figure = template_heatmap(expression, patients, templates, subtypes, reference)
    for path in snakemake.output.figure:
        save_figure(figure, path)
