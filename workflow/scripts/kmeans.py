"""Cluster an embedding by k-means for every k."""

from _stage import stage

from amucl.clustering.kmeans import kmeans_over_k
from amucl.files import read_matrix, write_matrix

with stage(snakemake):
    labels = kmeans_over_k(
        read_matrix(snakemake.input.embedding),
        snakemake.params.ks,
        n_init=snakemake.params.restarts,
        seed=snakemake.params.seed,
        n_threads=snakemake.threads,
    )
    write_matrix(labels, snakemake.output.labels)
