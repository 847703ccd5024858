"""Read a dataset's files, prepare them, write the cohort and the account of every step."""

from _stage import stage, tell

from amucl.cohort.clinical.columns import column_table
from amucl.cohort.cohort import about, require_patients, write_cohort
from amucl.cohort.notes import note_table
from amucl.cohort.preparation.preprocess import preprocess
from amucl.cohort.sources.registry import preprocessing_of, read_source
from amucl.escaping import plain
from amucl.figures.tables import write_html_table
from amucl.files import write_table
from amucl.provenance import sha256

with stage(snakemake):
    entry, source = plain(snakemake.params.entry), snakemake.input
    prepared = preprocess(
        read_source(entry, snakemake.params.omics, source),
        preprocessing_of(entry),
        dataset=snakemake.wildcards.dataset,
        source=entry["source"],
        files=[{"name": file, "sha256": sha256(file)} for file in dict.fromkeys(source)],
    )
    # Only a check, so not a parameter: another k must not rerun this rule.
    require_patients(prepared.cohort, snakemake.config["datasets"][snakemake.wildcards.dataset]["ks"])
    write_cohort(prepared.cohort, snakemake.output.cohort)
    tell(snakemake.wildcards.dataset, prepared.notes)
    tables = {
        "steps": prepared.steps,
        "samples": prepared.ledger,
        "join": prepared.join,
        "unmatched": prepared.unmatched,
        "columns": column_table(snakemake.wildcards.dataset, about(prepared.cohort)["clinical_columns"]),
        "notes": note_table(snakemake.wildcards.dataset, prepared.notes),
    }
    for name, table in tables.items():
        write_table(table, snakemake.output[name])
    for name in ("steps", "join", "columns", "notes"):
        write_html_table(tables[name], snakemake.output[f"{name}_html"])
