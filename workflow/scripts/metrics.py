"""Score a method's clusters: internal indices in its own and in the common space, agreement with known labels."""

from _stage import stage

from amucl.clustering.common import common_coordinates
from amucl.clustering.labels import read_labels
from amucl.clustering.metrics import metrics_table
from amucl.cohort.cohort import read_cohort, truth
from amucl.files import read_matrix, write_table

with stage(snakemake):
    cohort = read_cohort(snakemake.input.cohort)
    embedding = read_matrix(snakemake.input.embedding)
    table = metrics_table(
        dataset=snakemake.wildcards.dataset,
        method=snakemake.wildcards.method,
        seed=snakemake.params.seed,
        embedding=embedding,
        common=common_coordinates(cohort).loc[embedding.index],
        labels=read_labels(snakemake.input.labels),
        truth=truth(cohort, embedding.index),
    )
    write_table(table, snakemake.output.metrics)
