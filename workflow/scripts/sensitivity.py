"""Cluster a cohort with one weight of a low-rank representation at a time away from its default."""

from _stage import stage

from amucl.cohort.cohort import read_cohort, truth, views
from amucl.comparison.sensitivity import sensitivity_table
from amucl.files import write_table
from amucl.methods.registry import METHODS, build

with stage(snakemake) as used:
    used["device"] = "cuda" if snakemake.config["device"] == "cuda" else "cpu"
    method = snakemake.wildcards.method
    estimator = build(method, **snakemake.params.settings, device=used["device"], n_threads=snakemake.threads)
    cohort = read_cohort(snakemake.input.cohort)
    arrays, _, samples, _ = views(cohort, layer=METHODS[method].layer)
    known = truth(cohort, samples)
    table = sensitivity_table(estimator, arrays, **snakemake.params.sensitivity, k=snakemake.params.k, truth=known)
    write_table(table, snakemake.output.table)
