"""How often each marker stays one when the method is trained again."""

from _stage import stage

from amucl.biology.consensus import consensus_markers
from amucl.biology.expression import moderated_input
from amucl.clustering.partition import read_partition
from amucl.cohort.cohort import read_cohort
from amucl.figures.tables import write_html_table
from amucl.files import write_table
from amucl.labels import read_labels

with stage(snakemake):
    source, params = snakemake.input, snakemake.params
    tested = moderated_input(read_cohort(source.cohort), source.genes or None, trend=params.trend)
    labels = read_partition(source.labels)
    runs = [read_labels(file)[f"k{labels.nunique()}"] for file in source.runs]
    labels = labels[labels.index.isin(tested.values.index)]
    settings = {"trend": tested.trend, "test": tested.test, "alpha": params.alpha, "min_logfc": params.min_logfc}
    table = consensus_markers(tested.values.loc[labels.index], labels, runs, **settings)
    write_table(table, snakemake.output.table)
    write_html_table(table.groupby("subtype", sort=False).head(50), snakemake.output.html)
