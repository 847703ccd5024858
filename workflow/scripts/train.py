"""Train a deep method on a cohort and write its embedding, loss history and weights."""

from _stage import stage

from amucl.files import write_table
from amucl.methods.fitting import fit_method, write_embedding

with stage(snakemake) as used:
    fitted = fit_method(
        snakemake.input.cohort,
        snakemake.wildcards.method,
        {**snakemake.params.settings, "device": snakemake.config["device"]},
        n_threads=snakemake.threads,
    )
    used["device"] = fitted.estimator.device_
    write_embedding(fitted, snakemake.output.embedding)
    write_table(fitted.estimator.history_, snakemake.output.history)
    fitted.estimator.save(snakemake.output.model, fitted.features)
