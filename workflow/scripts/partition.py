"""The labels of one partition of a cohort, whatever it comes from."""

from _stage import stage

from amucl.clustering.partition import chosen_partition, known_partition, write_partition
from amucl.cohort.cohort import read_cohort, truth
from amucl.files import read_table
from amucl.labels import read_labels

with stage(snakemake):
    source, k = snakemake.input, snakemake.params.k
    if k is None:
        cohort = read_cohort(source.cohort)
        labels = known_partition(truth(cohort, cohort.obs_names), snakemake.wildcards.dataset)
    else:
        choice = read_table(source.choice) if k == "auto" else None
        labels = chosen_partition(read_labels(source.labels), k, choice)
    write_partition(labels, snakemake.output.labels)
