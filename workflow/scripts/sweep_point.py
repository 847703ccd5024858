"""Fit a method with one hyperparameter changed, cluster its embedding by k-means, score the clusters."""

import pandas as pd
from _stage import stage

from amucl.clustering.common import common_coordinates
from amucl.clustering.kmeans import kmeans_restarts, labels_over_k
from amucl.clustering.metrics import metrics_table
from amucl.cohort.cohort import read_cohort, truth
from amucl.files import write_table
from amucl.methods.fitting import fit_method
from amucl.methods.registry import METHODS

with stage(snakemake) as used:
    at, params = snakemake.wildcards, snakemake.params
    device = {"device": snakemake.config["device"]} if METHODS[at.method].stage == "train" else {}
    fitted = fit_method(snakemake.input.cohort, at.method, {**params.settings, **device}, n_threads=snakemake.threads)
    embedding = pd.DataFrame(fitted.estimator.embedding_, index=fitted.samples)
    how = {"n_restarts": params.restarts, "starts": params.starts, "seed": params.seed}
    labels = labels_over_k(kmeans_restarts(embedding, [params.k], **how), embedding.index)
    cohort = read_cohort(snakemake.input.cohort)
    table = metrics_table(
        dataset=at.dataset,
        method=at.method,
        seed=params.seed,
        embedding=embedding,
        common=common_coordinates(cohort).loc[embedding.index],
        labels=labels,
        truth=truth(cohort, embedding.index),
    )
    write_table(table.assign(parameter=at.parameter, setting=at.value), snakemake.output.table)
