"""How far the omics support a network's graph, and its restarts one another."""

from _stage import stage

from amucl.clustering.evidence import training_evidence
from amucl.cohort.cohort import matched_views, read_cohort
from amucl.figures.tables import write_html_table
from amucl.files import write_table
from amucl.methods.registry import load

with stage(snakemake):
    estimator, features = load(snakemake.wildcards.method, snakemake.input.model)
    arrays, _, _ = matched_views(read_cohort(snakemake.input.cohort), features)
    table = training_evidence(estimator, arrays, list(features), snakemake.params.k)
    write_table(table, snakemake.output.table)
    write_html_table(table, snakemake.output.html)
