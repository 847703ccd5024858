"""Differential expression of each subtype against the rest and of all pairs, and the same with permuted labels."""

from _stage import stage

from amucl.biology.expression import expression_markers
from amucl.clustering.partition import read_partition
from amucl.cohort.cohort import read_cohort
from amucl.figures.tables import write_html_table
from amucl.files import write_table

with stage(snakemake):
    found = expression_markers(
        read_cohort(snakemake.input.cohort),
        read_partition(snakemake.input.labels),
        gene_map=snakemake.input.genes or None,
        seed=snakemake.params.seed,
        trend=snakemake.params.trend,
        alpha=snakemake.params.alpha,
        min_logfc=snakemake.params.min_logfc,
        n_threads=snakemake.threads,
    )
    write_table(found.markers, snakemake.output.markers)
    write_table(found.pairs, snakemake.output.pairs)
    write_table(found.control, snakemake.output.control)
    write_html_table(found.markers.groupby("subtype", sort=False).head(50), snakemake.output.markers_html)
    shown = found.pairs.groupby(["subtype", "against"], sort=False).head(20)
    write_html_table(shown, snakemake.output.pairs_html)
    write_html_table(found.control, snakemake.output.control_html)
