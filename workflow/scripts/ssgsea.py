"""A score per patient and gene set."""

from _stage import stage

from amucl.biology.expression import expression_of
from amucl.biology.genesets import read_gmt
from amucl.biology.single_sample import collection_scores
from amucl.cohort.cohort import read_cohort
from amucl.escaping import plain
from amucl.files import write_matrix

with stage(snakemake):
    expression = expression_of(read_cohort(snakemake.input.cohort), snakemake.input.genes or None)
    sets = map(read_gmt, snakemake.input.sets)
    collections = dict(zip(plain(snakemake.params.collections), sets, strict=True))
    write_matrix(collection_scores(expression, collections, n_threads=snakemake.threads), snakemake.output.scores)
