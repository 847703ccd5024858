"""Give the patients of one cohort the subtypes that were found in another."""

from _stage import stage

from amucl.clustering.partition import read_partition
from amucl.cohort.cohort import read_cohort
from amucl.cohort.preparation.shift import shift_in_words
from amucl.figures.tables import write_html_table
from amucl.files import read_matrix, read_table, write_matrix, write_table
from amucl.methods.network.prediction import find_subtypes
from amucl.methods.placing import place_patients
from amucl.methods.registry import load

with stage(snakemake):
    estimator, features = load(snakemake.wildcards.method, snakemake.input.model)
    embedding = read_matrix(snakemake.input.embedding)
    labels = read_partition(snakemake.input.labels)
    placed = place_patients(estimator, features, read_cohort(snakemake.input.cohort), embedding.columns)
    table = find_subtypes(embedding, labels).predict(placed.embedding)
    shift = read_table(snakemake.input.shift)
    write_table(table, snakemake.output.table)
    write_matrix(placed.embedding, snakemake.output.embedding)
    write_table(placed.features, snakemake.output.features)
    write_table(shift, snakemake.output.shift)
    write_html_table(table, snakemake.output.html, note=shift_in_words(shift))
