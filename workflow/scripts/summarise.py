"""The subtypes at a glance."""

from _stage import stage

from amucl.biology.overview import overview
from amucl.clustering.labels import read_labels
from amucl.cohort.cohort import read_cohort
from amucl.figures.tables import write_html_table
from amucl.figures.terms import readable_overview
from amucl.files import read_table, write_table

with stage(snakemake):
    labels = read_labels(snakemake.input.labels)[f"k{snakemake.wildcards.k}"]
    clinical = read_cohort(snakemake.input.cohort).obs.loc[labels.index]
    tables = {name: read_table(snakemake.input[name]) for name in ("markers", "go", "gsea")}
    table = overview(labels, **tables, time=clinical.get("os_time"), event=clinical.get("os_event"))
    write_table(table, snakemake.output.table)
    write_html_table(readable_overview(table), snakemake.output.html)
