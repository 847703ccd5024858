"""Survival of the subtypes: log-rank test and Kaplan-Meier curves."""

from _stage import stage

from amucl.biology.survival import survival_table
from amucl.clustering.labels import read_labels
from amucl.cohort.cohort import read_cohort
from amucl.figures.biology import kaplan_meier
from amucl.figures.style import placeholder, save_figure
from amucl.files import write_table

with stage(snakemake):
    at = snakemake.wildcards
    labels = read_labels(snakemake.input.labels)[f"k{at.k}"]
    clinical = read_cohort(snakemake.input.cohort).obs.loc[labels.index]
    time, event = clinical.get("os_time"), clinical.get("os_event")
    table = survival_table(at.dataset, at.method, int(at.k), time, event, labels)
    write_table(table, snakemake.output.table)
    status, p = table.loc[0, ["status", "p_asymptotic"]]
    figure = kaplan_meier(time, event, labels, p) if status == "ok" else placeholder(f"No survival curves: {status}")
    for path in snakemake.output.figure:
        save_figure(figure, path)
