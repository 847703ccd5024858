"""Give the patients of one cohort the subtypes of another by the genes that mark these."""

from _stage import stage

from amucl.biology.expression import expression_of
from amucl.biology.nearest import check_in_words, nearest_template
from amucl.cohort.cohort import read_cohort
from amucl.cohort.preparation.shift import shift_in_words
from amucl.figures.tables import write_html_table
from amucl.files import read_table, write_table

with stage(snakemake):
    cohort, params = read_cohort(snakemake.input.cohort), snakemake.params
    expression = expression_of(cohort, snakemake.input.genes or None)
    templates, calibration = (read_table(snakemake.input[name]) for name in ("templates", "calibration"))
    reference = expression_of(read_cohort(snakemake.input.reference), snakemake.input.reference_genes)
    found = nearest_template(expression, templates, calibration, seed=params.seed, reference=reference)
    write_table(found.patients, snakemake.output.table)
    write_table(found.genes, snakemake.output.genes)
    write_table(found.check, snakemake.output.check)
    words = [shift_in_words(read_table(snakemake.input.shift)), check_in_words(found.check)]
    write_html_table(found.patients, snakemake.output.html, note=" ".join(filter(None, words)))
