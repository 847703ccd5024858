"""Judge the embeddings that rivals published as every method is judged."""

from _stage import stage

from amucl.cohort.cohort import read_cohort
from amucl.cohort.sources.singlecell import cell_labels
from amucl.comparison.peers import named, peer_truth, read_peers
from amucl.files import write_table
from amucl.scoring import Protocol, score_peers

with stage(snakemake):
    folder, source = snakemake.params.folder, snakemake.params.source
    peers, truth = read_peers(folder, source), peer_truth(folder, source)
    if snakemake.input.cells:
        peers = named(peers, truth, cell_labels(snakemake.input.cells, **snakemake.params.cells))
    tables = score_peers(
        snakemake.wildcards.peers,
        peers,
        Protocol(**snakemake.params.protocol, n_threads=snakemake.threads),
        cohort=read_cohort(snakemake.input.cohort[0]) if snakemake.input.cohort else None,
        truth=truth,
    )
    for name, table in tables.items():
        write_table(table, snakemake.output[name])
