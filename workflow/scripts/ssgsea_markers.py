"""Which gene sets' scores differ between each subtype and the rest."""

from _stage import stage

from amucl.biology.correction import ALPHA
from amucl.biology.enrichment import ids_are_foreign
from amucl.biology.single_sample import score_tests
from amucl.clustering.partition import read_partition
from amucl.escaping import plain
from amucl.figures.tables import write_html_table
from amucl.files import read_matrix, read_table, write_table

with stage(snakemake):
    scores, labels = read_matrix(snakemake.input.scores), read_partition(snakemake.input.labels)
    overlap = read_table(snakemake.input.overlap)
    asked = overlap[overlap["collection"].isin(plain(snakemake.params.collections))]
    table = score_tests(scores, labels, foreign=ids_are_foreign(asked))
    write_table(table, snakemake.output.table)
    write_html_table(table[table["adj.P.Val"] < ALPHA], snakemake.output.html)
