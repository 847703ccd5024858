"""Which gene sets' scores differ between each subtype and the rest."""

from _stage import stage

from amucl.biology.differential import subtype_markers
from amucl.clustering.partition import read_partition
from amucl.figures.tables import write_html_table
from amucl.files import read_matrix, write_table

with stage(snakemake):
    scores, labels = read_matrix(snakemake.input.scores), read_partition(snakemake.input.labels)
    scores = scores.loc[labels.index.intersection(scores.index)]
    table = subtype_markers(scores, labels).rename(columns={"gene": "term"})
    write_table(table, snakemake.output.table)
    write_html_table(table[table["adj.P.Val"] < 0.05], snakemake.output.html)
