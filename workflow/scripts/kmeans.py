"""Cluster an embedding by k-means for every k; keep what every restart ended in."""

from _stage import stage

from amucl.clustering.kmeans import kmeans_restarts, labels_over_k
from amucl.clustering.restarts import restarts_to_arrays
from amucl.files import read_matrix, write_arrays, write_matrix

with stage(snakemake):
    embedding = read_matrix(snakemake.input.embedding)
    restarts = kmeans_restarts(
        embedding,
        snakemake.params.ks,
        n_restarts=snakemake.params.restarts,
        starts=snakemake.params.starts,
        seed=snakemake.params.seed,
        n_threads=snakemake.threads,
    )
    write_matrix(labels_over_k(restarts, embedding.index), snakemake.output.labels)
    write_arrays(snakemake.output.restarts, list(embedding.index), **restarts_to_arrays(restarts))
