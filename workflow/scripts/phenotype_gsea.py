"""Gene set enrichment of each subtype with permuted patients, beside the pre-ranked p-values."""

from _stage import stage

from amucl.biology.expression import expression_of
from amucl.biology.genesets import read_gmt
from amucl.biology.phenotype import beside_preranked, phenotype_gsea
from amucl.clustering.partition import read_partition, read_subtype_table
from amucl.cohort.cohort import read_cohort
from amucl.escaping import plain
from amucl.figures.tables import write_html_table
from amucl.files import write_table

with stage(snakemake):
    source, params = snakemake.input, snakemake.params
    expression = expression_of(read_cohort(source.cohort), source.genes or None)
    labels = read_partition(source.labels)
    labels = labels[labels.index.isin(expression.index)]
    collections = dict(zip(plain(params.collections), map(read_gmt, source.sets), strict=True))
    settings = {"seed": params.seed, "n_permutations": params.n_permutations, "trend": params.trend}
    table = phenotype_gsea(expression.loc[labels.index], labels, collections, **settings)
    table = beside_preranked(table, read_subtype_table(source.preranked, labels))
    write_table(table, snakemake.output.table)
    write_html_table(table.sort_values(["subtype", "pval"], kind="stable"), snakemake.output.html)
