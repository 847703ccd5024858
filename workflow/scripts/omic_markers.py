"""Features of an omic other than expression that tell each subtype from the rest, and each pair apart."""

from _stage import stage

from amucl.biology.omics import omic_results
from amucl.clustering.partition import read_partition
from amucl.cohort.cohort import read_cohort
from amucl.figures.tables import write_html_table
from amucl.files import write_table

with stage(snakemake):
    found = omic_results(
        read_cohort(snakemake.input.cohort),
        read_partition(snakemake.input.labels),
        snakemake.wildcards.omic,
        gene_map=snakemake.input.genes or None,
        seed=snakemake.params.seed,
        trend=snakemake.params.trend,
        alpha=snakemake.params.alpha,
    )
    write_table(found.markers, snakemake.output.markers)
    write_table(found.pairs, snakemake.output.pairs)
    write_table(found.control, snakemake.output.control)
    by_subtype = found.markers.groupby("subtype", sort=False)
    shown = found.markers[(by_subtype.cumcount() < 25) | (by_subtype.cumcount(ascending=False) < 25)]
    write_html_table(shown, snakemake.output.markers_html)
