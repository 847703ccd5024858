"""Which gene sets hold more of a subtype's up- or down-regulated genes than chance would put there."""

from _stage import stage

from amucl.biology.correction import ALPHA
from amucl.biology.enrichment import subtype_over_representation
from amucl.biology.genesets import read_gmt
from amucl.escaping import plain
from amucl.figures.tables import write_html_table
from amucl.files import read_table, write_table

with stage(snakemake):
    sets = map(read_gmt, snakemake.input.sets)
    collections = dict(zip(plain(snakemake.params.collections), sets, strict=True))
    limits = {"alpha": snakemake.params.alpha, "min_logfc": snakemake.params.min_logfc}
    table = subtype_over_representation(read_table(snakemake.input.markers), collections, **limits)
    write_table(table, snakemake.output.table)
    write_html_table(table[table["padj"] < ALPHA], snakemake.output.html)
