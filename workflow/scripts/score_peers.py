"""Judge the embeddings that rivals published as every method is judged."""

from _stage import stage

from amucl.clustering.peers import peer_truth, read_peers
from amucl.cohort.cohort import read_cohort
from amucl.files import write_table
from amucl.scoring import Protocol, score_peers

with stage(snakemake):
    folder, source = snakemake.params.folder, snakemake.params.source
    tables = score_peers(
        snakemake.wildcards.peers,
        read_peers(folder, source),
        Protocol(**snakemake.params.protocol, n_threads=snakemake.threads),
        cohort=read_cohort(snakemake.input.cohort[0]) if snakemake.input.cohort else None,
        truth=peer_truth(folder, source),
    )
    for name, table in tables.items():
        write_table(table, snakemake.output[name])
