"""Embed a cohort by a method that needs no training."""

from _stage import stage

from amucl.methods.fitting import fit_method, write_embedding

with stage(snakemake):
    fitted = fit_method(
        snakemake.input.cohort, snakemake.wildcards.method, snakemake.params.settings, n_threads=snakemake.threads
    )
    write_embedding(fitted, snakemake.output.embedding)
