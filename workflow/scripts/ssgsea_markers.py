"""Which gene sets' scores differ between each subtype and the rest."""

from _stage import stage

from amucl.biology.correction import ALPHA
from amucl.biology.single_sample import score_tests
from amucl.clustering.partition import read_partition
from amucl.figures.tables import write_html_table
from amucl.files import read_matrix, write_table

with stage(snakemake):
    table = score_tests(read_matrix(snakemake.input.scores), read_partition(snakemake.input.labels))
    write_table(table, snakemake.output.table)
    write_html_table(table[table["adj.P.Val"] < ALPHA], snakemake.output.html)
