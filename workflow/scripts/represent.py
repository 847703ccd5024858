"""Solve a low-rank representation of a cohort; write it, its affinity and the certificate of its optimality."""

import pandas as pd
from _stage import stage

from amucl.files import write_arrays, write_table
from amucl.methods.fitting import fit_method, write_embedding

with stage(snakemake) as used:
    used["device"] = "cuda" if snakemake.config["device"] == "cuda" else "cpu"
    fitted = fit_method(
        snakemake.input.cohort,
        snakemake.wildcards.method,
        {**snakemake.params.settings, "n_clusters": None, "device": used["device"]},  # `cut` cuts, for every k
        n_threads=snakemake.threads,
    )
    model = fitted.estimator
    represented = fitted.samples if model.landmarks_ is None else [fitted.samples[row] for row in model.landmarks_]
    write_embedding(fitted, snakemake.output.embedding)
    write_arrays(snakemake.output.affinity, fitted.samples, affinity=model.affinity_)
    write_arrays(snakemake.output.representation, represented, representation=model.representation_)
    write_table(pd.DataFrame([model.solver_]).assign(tol=model.tol), snakemake.output.solver)
    write_table(model.history_, snakemake.output.history)
