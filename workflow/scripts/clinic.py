"""Do a method's subtypes differ in survival and in the clinic? For every k."""

from _stage import stage

from amucl.biology.clinical import clinical_over_k, enrichment_table, find_labels
from amucl.biology.hazards import adjustment, outcome_table
from amucl.biology.survival import survival_over_k
from amucl.clustering.labels import read_labels
from amucl.cohort.cohort import read_cohort
from amucl.files import write_table

with stage(snakemake):
    at, params = snakemake.wildcards, snakemake.params
    labels = read_labels(snakemake.input.labels)
    clinical = read_cohort(snakemake.input.cohort).obs.loc[labels.index]
    time, event = clinical.get("os_time"), clinical.get("os_event")
    permuted = {"seed": params.seed, "max_permutations": params.max_permutations}
    tests = clinical_over_k(
        at.dataset, at.method, clinical, labels, columns=find_labels(clinical, params.clinical_labels or ()), **permuted
    )
    survival = survival_over_k(at.dataset, at.method, time, event, labels, **permuted)
    outcome = outcome_table(at.dataset, at.method, time, event, labels, adjustment(clinical))
    write_table(survival, snakemake.output.survival)
    write_table(outcome, snakemake.output.outcome)
    write_table(tests, snakemake.output.clinical)
    write_table(enrichment_table(tests), snakemake.output.enrichment)
