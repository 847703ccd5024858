"""Do a method's subtypes differ in survival and in the clinic? For every k."""

from _stage import stage

from amucl.biology.clinic import clinic
from amucl.clustering.labels import read_labels
from amucl.cohort.cohort import read_cohort
from amucl.files import write_table

with stage(snakemake):
    labels = read_labels(snakemake.input.labels)
    tables = clinic(
        snakemake.wildcards.dataset,
        snakemake.wildcards.method,
        read_cohort(snakemake.input.cohort).obs.loc[labels.index],
        labels,
        clinical_labels=snakemake.params.clinical_labels,
        seed=snakemake.params.seed,
        max_permutations=snakemake.params.max_permutations,
    )
    for name, table in tables.items():
        write_table(table, snakemake.output[name])
