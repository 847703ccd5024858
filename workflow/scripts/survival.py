"""Survival of the chosen subtypes: Kaplan-Meier curves with their tests, and each subtype's outcome."""

from _stage import stage

from amucl.clustering.labels import read_labels
from amucl.cohort.cohort import read_cohort
from amucl.figures.biology import kaplan_meier
from amucl.figures.style import placeholder, save_figure
from amucl.figures.tables import write_html_table
from amucl.files import read_table, write_table

with stage(snakemake):
    k = int(snakemake.wildcards.k)
    survival, outcome = (read_table(snakemake.input[name]).query("k == @k") for name in ("survival", "outcome"))
    write_table(survival, snakemake.output.table)
    write_html_table(outcome.drop(columns=["dataset", "method", "k"]), snakemake.output.outcome_html)
    labels = read_labels(snakemake.input.labels)[f"k{k}"]
    clinical = read_cohort(snakemake.input.cohort).obs.loc[labels.index]
    status, p, p_permutation = survival.iloc[0][["status", "p_asymptotic", "p_permutation"]]
    if status == "ok":
        figure = kaplan_meier(clinical["os_time"], clinical["os_event"], labels, p, p_permutation=p_permutation)
    else:
        figure = placeholder(f"No survival curves: {status}")
    for path in snakemake.output.figure:
        save_figure(figure, path)
