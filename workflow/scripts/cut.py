"""Cluster an affinity by normalised cuts for every k."""

from _stage import stage

from amucl.files import read_arrays, write_table
from amucl.labels import canonical_labels, labels_table
from amucl.methods.lowrank.affinity import normalized_cuts

with stage(snakemake):
    samples, arrays = read_arrays(snakemake.input.affinity)
    labels = {k: normalized_cuts(arrays["affinity"], k, snakemake.params.seed) for k in snakemake.params.ks}
    table = labels_table({k: canonical_labels(values) for k, values in labels.items()}, samples)
    write_table(table, snakemake.output.labels)
