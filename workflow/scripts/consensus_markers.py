"""How often each marker stays one when the method is trained again."""

from _stage import stage

from amucl.biology.consensus import consensus_markers
from amucl.biology.expression import expression_of
from amucl.clustering.labels import read_labels
from amucl.clustering.partition import read_partition
from amucl.cohort.cohort import read_cohort
from amucl.figures.tables import write_html_table
from amucl.files import write_table

with stage(snakemake):
    source, params = snakemake.input, snakemake.params
    expression = expression_of(read_cohort(source.cohort), source.genes or None, counts=params.counts)
    labels = read_partition(source.labels)
    runs = [read_labels(file)[f"k{labels.nunique()}"] for file in source.runs]
    labels = labels[labels.index.isin(expression.index)]
    table = consensus_markers(expression.loc[labels.index], labels, runs, trend=params.trend)
    write_table(table, snakemake.output.table)
    write_html_table(table.groupby("subtype", sort=False).head(50), snakemake.output.html)
