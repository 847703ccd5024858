"""Fit a method again with another seed and cluster what it gives."""

from _stage import stage

from amucl.clustering.kmeans import kmeans_restarts, labels_over_k
from amucl.files import write_matrix
from amucl.methods.fitting import embedding_of, fit_method

with stage(snakemake):
    params = snakemake.params
    fitted = fit_method(
        snakemake.input.cohort, snakemake.wildcards.method, dict(params.settings), n_threads=snakemake.threads
    )
    embedding = embedding_of(fitted)
    settings = {"n_restarts": params.restarts, "starts": params.starts, "seed": params.settings["random_state"]}
    restarts = kmeans_restarts(embedding, params.ks, **settings, n_threads=snakemake.threads)
    write_matrix(labels_over_k(restarts, embedding.index), snakemake.output.labels)
