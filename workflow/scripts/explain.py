"""Which features a trained network tells each subtype by."""

import pandas as pd
from _stage import stage

from amucl.clustering.partition import read_partition
from amucl.cohort.cohort import matched_views, read_cohort
from amucl.figures.tables import write_html_table
from amucl.files import write_table
from amucl.methods.network.attribution import feature_contributions
from amucl.methods.registry import load

with stage(snakemake):
    estimator, features = load(snakemake.wildcards.method, snakemake.input.model)
    labels = read_partition(snakemake.input.labels)
    cohort = read_cohort(snakemake.input.cohort)
    arrays, samples, _ = matched_views(cohort, features)
    labelled = pd.Index(samples).get_indexer(labels.index)  # a method may leave out patients who lack an omic
    table = feature_contributions(estimator, [array[labelled] for array in arrays], labels, features)
    write_table(table, snakemake.output.table)
    write_html_table(table.groupby("subtype", sort=False).head(50), snakemake.output.html)
