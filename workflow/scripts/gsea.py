"""Gene set enrichment of each subtype's genes, ranked by moderated t."""

from _stage import stage

from amucl.biology.enrichment import subtype_gsea
from amucl.biology.genesets import read_gmt
from amucl.escaping import plain
from amucl.figures.tables import write_html_table
from amucl.files import read_table, write_table

with stage(snakemake):
    sets = map(read_gmt, snakemake.input.sets)
    collections = dict(zip(plain(snakemake.params.collections), sets, strict=True))
    markers = read_table(snakemake.input.markers)
    table = subtype_gsea(markers, collections, snakemake.params.seed, n_threads=snakemake.threads)
    write_table(table, snakemake.output.table)
    write_html_table(table[table["padj"] < 0.05], snakemake.output.html)
