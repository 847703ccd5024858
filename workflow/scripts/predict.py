"""Give the patients of one cohort the subtypes that were found in another."""

import pandas as pd
from _stage import stage

from amucl.clustering.partition import read_partition
from amucl.cohort.cohort import matched_views, read_cohort
from amucl.figures.tables import write_html_table
from amucl.files import read_matrix, write_matrix, write_table
from amucl.methods import load
from amucl.representation.prediction import find_subtypes

with stage(snakemake):
    estimator, features = load(snakemake.wildcards.method, snakemake.input.model)
    embedding = read_matrix(snakemake.input.embedding)
    labels = read_partition(snakemake.input.labels)
    arrays, samples, found = matched_views(read_cohort(snakemake.input.cohort), features)
    embedded = estimator.transform(estimator.input_map_.filled(arrays))
    new = pd.DataFrame(embedded, index=samples, columns=embedding.columns)
    table = find_subtypes(embedding, labels).predict(new)
    write_table(table, snakemake.output.table)
    write_matrix(new, snakemake.output.embedding)
    write_table(found, snakemake.output.features)
    write_html_table(table, snakemake.output.html)
