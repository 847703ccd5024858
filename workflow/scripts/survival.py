"""Survival of the chosen subtypes: Kaplan-Meier curves with their tests, and each subtype's outcome."""

from _stage import stage

from amucl.biology.clinic import partition_clinic
from amucl.clustering.partition import read_partition, read_subtype_table
from amucl.cohort.cohort import read_cohort
from amucl.figures.biology import kaplan_meier
from amucl.figures.style import placeholder, save_figure
from amucl.figures.tables import write_html_table
from amucl.files import write_table

with stage(snakemake):
    labels, params = read_partition(snakemake.input.labels), snakemake.params
    clinical = read_cohort(snakemake.input.cohort).obs.loc[labels.index]
    if snakemake.input.tested:
        k = labels.nunique()
        survival, outcome = (read_subtype_table(file, labels).query("k == @k") for file in snakemake.input.tested)
    else:
        settings = {"seed": params.seed, "max_permutations": params.max_permutations}
        survival, outcome = partition_clinic(snakemake.wildcards.dataset, clinical, labels, **settings)
    write_table(survival, snakemake.output.table)
    write_html_table(outcome.drop(columns=["dataset", "method", "k"]), snakemake.output.outcome_html)
    status, p, p_permutation = survival.iloc[0][["status", "p_asymptotic", "p_permutation"]]
    if status == "ok":
        figure = kaplan_meier(clinical["os_time"], clinical["os_event"], labels, p, p_permutation=p_permutation)
    else:
        figure = placeholder(f"No survival curves: {status}")
    for path in snakemake.output.figure:
        save_figure(figure, path)
