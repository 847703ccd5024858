"""Score a method's clusters: in its own and the common space, against known labels, over all restarts."""

from _stage import stage

from amucl.clustering.common import common_coordinates
from amucl.clustering.evaluation import evaluate
from amucl.clustering.restarts import restarts_from_arrays
from amucl.cohort.cohort import read_cohort, truth
from amucl.files import read_arrays, read_matrix, read_table, write_table
from amucl.labels import k_of, read_labels
from amucl.methods.lowrank.doubts import solver_warnings

with stage(snakemake):
    cohort = read_cohort(snakemake.input.cohort)
    embedding = read_matrix(snakemake.input.embedding)
    labels = read_labels(snakemake.input.labels)
    restarts = read_arrays(snakemake.input.restarts)[1] if snakemake.input.restarts else {}
    solver = read_table(snakemake.input.solver).iloc[0] if snakemake.input.solver else None
    found = evaluate(
        dataset=snakemake.wildcards.dataset,
        method=snakemake.wildcards.method,
        seed=snakemake.params.seed,
        embedding=embedding,
        common=common_coordinates(cohort).loc[embedding.index],
        labels=labels,
        restarts=restarts_from_arrays(restarts),
        truth=truth(cohort, embedding.index),
        doubts=None if solver is None else solver_warnings(solver, map(k_of, labels)),
    )
    write_table(found.metrics, snakemake.output.metrics)
    write_table(found.restarts, snakemake.output.restarts)
    write_table(found.trust, snakemake.output.trust)
