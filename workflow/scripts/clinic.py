"""Do a method's subtypes differ in survival and in the clinic? For every k and every endpoint."""

from _stage import stage, tell

from amucl.biology.clinic import clinic, endpoint_tables, technical_notes
from amucl.cohort.cohort import about, read_cohort
from amucl.escaping import plain
from amucl.figures.tables import write_html_table
from amucl.files import write_table
from amucl.labels import read_labels

with stage(snakemake):
    labels, params = read_labels(snakemake.input.labels), snakemake.params
    cohort = read_cohort(snakemake.input.cohort)
    given = (snakemake.wildcards.dataset, snakemake.wildcards.method, cohort.obs.loc[labels.index], labels)
    permuted = {"seed": params.seed, "max_permutations": params.max_permutations}
    technical = about(cohort).get("technical", ())
    tables = clinic(*given, clinical_labels=plain(params.clinical_labels), technical=technical, **permuted)
    tables |= endpoint_tables(*given, tables, **permuted)
    tell(snakemake.wildcards.dataset, technical_notes(tables["clinical"]))
    for name, table in tables.items():
        write_table(table, snakemake.output[name])
    write_html_table(tables["endpoints"].drop(columns=["dataset", "method"]), snakemake.output.endpoints_html)
    outcome = tables["endpoint_outcome"].drop(columns=["dataset", "method"])
    write_html_table(outcome, snakemake.output.endpoint_outcome_html)
