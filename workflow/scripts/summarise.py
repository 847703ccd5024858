"""The subtypes at a glance."""

from _stage import stage

from amucl.biology.overview import overview
from amucl.clustering.partition import read_partition, read_subtype_table
from amucl.cohort.cohort import read_cohort
from amucl.figures.tables import write_html_table
from amucl.figures.terms import readable_overview
from amucl.files import write_table

with stage(snakemake):
    labels = read_partition(snakemake.input.labels)
    clinical = read_cohort(snakemake.input.cohort).obs.loc[labels.index]
    tables = {name: read_subtype_table(snakemake.input[name], labels) for name in ("markers", "go", "gsea")}
    of_omics = [read_subtype_table(file, labels) for file in snakemake.input.omics]
    omics = {table["omic"].iat[0]: table for table in of_omics}
    followup = {"time": clinical.get("os_time"), "event": clinical.get("os_event")}
    limits = {"alpha": snakemake.params.alpha, "min_logfc": snakemake.params.min_logfc}
    table = overview(labels, **tables, omics=omics, **followup, **limits)
    write_table(table, snakemake.output.table)
    write_html_table(readable_overview(table), snakemake.output.html)
