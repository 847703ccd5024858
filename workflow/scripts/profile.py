"""Everything that was found about each subtype, in one table."""

from _stage import stage

from amucl.biology.associations import known_classes
from amucl.biology.profile import Findings, profiles
from amucl.clustering.partition import read_partition, read_subtype_table
from amucl.cohort.cohort import read_cohort
from amucl.escaping import plain
from amucl.files import read_matrix, write_table

with stage(snakemake):
    source, params, known = snakemake.input, snakemake.params, plain(snakemake.params.known)
    labels = read_partition(source.labels)
    clinical = read_cohort(source.cohort).obs.loc[labels.index].drop(columns=known["left_out"])
    findings = Findings(
        **{name: read_subtype_table(source[name], labels) for name in ("markers", "gsea", "go")},
        omics={table["omic"].iat[0]: table for table in (read_subtype_table(file, labels) for file in source.omics)},
        consensus=read_subtype_table(source.consensus, labels) if source.consensus else None,
        embedding=read_matrix(source.embedding) if source.embedding else None,
    )
    table = profiles(
        labels,
        clinical,
        findings,
        classes=known_classes(clinical, known["truth"], known["label_tables"], known["named"]),
        extra=known["clinical_labels"],
        seed=params.seed,
        max_permutations=params.max_permutations,
        alpha=params.alpha,
        min_logfc=params.min_logfc,
    )
    write_table(table, snakemake.output.table)
