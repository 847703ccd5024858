"""One page per subtype."""

from _stage import stage

from amucl.clustering.partition import read_partition, read_subtype_table
from amucl.cohort.cohort import read_cohort
from amucl.figures.profile import profile_page, write_html, write_pdf
from amucl.labels import subtype_order

with stage(snakemake):
    labels = read_partition(snakemake.input.labels)
    table = read_subtype_table(snakemake.input.table, labels)
    clinical = read_cohort(snakemake.input.cohort).obs.loc[labels.index]
    subtypes = subtype_order(labels)
    about = {"title": snakemake.params.title, "known": snakemake.wildcards.partition == "truth"}
    pages = {subtype: profile_page(table, subtype, labels, clinical, others=subtypes, **about) for subtype in subtypes}
    write_pdf(pages.values(), snakemake.output.pdf)
    write_html(pages, snakemake.output.html)
