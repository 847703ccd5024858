"""Score the embeddings that rivals published, as every method is scored."""

from _stage import stage

from amucl.clustering.peers import peer_truth, read_peers
from amucl.cohort.cohort import read_cohort
from amucl.files import write_table
from amucl.scoring import score_peers

with stage(snakemake):
    params = snakemake.params
    tables = score_peers(
        snakemake.wildcards.peers,
        read_peers(params.folder, params.source),
        cohort=read_cohort(snakemake.input.cohort[0]) if snakemake.input.cohort else None,
        truth=peer_truth(params.folder, params.source),
        ks=params.ks,
        n_restarts=params.restarts,
        starts=params.starts,
        clinical_labels=params.clinical_labels,
        max_permutations=params.max_permutations,
        seed=params.seed,
    )
    for name, table in tables.items():
        write_table(table, snakemake.output[name])
