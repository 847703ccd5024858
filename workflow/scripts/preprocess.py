"""Read a dataset's files, prepare them, write the cohort and the account of every step."""

from _stage import stage, tell

from amucl.cohort.clinical_columns import column_table
from amucl.cohort.cohort import about, require_patients, write_cohort
from amucl.cohort.notes import note_table
from amucl.cohort.preprocess import Preprocessing, preprocess
from amucl.cohort.sources import counts_declared, read_source
from amucl.escaping import plain
from amucl.figures.tables import write_html_table
from amucl.files import write_table
from amucl.provenance import sha256

with stage(snakemake):
    entry, source = plain(snakemake.params.entry), snakemake.input
    prepared = preprocess(
        read_source(entry, snakemake.params.omics, source),
        Preprocessing(
            **entry["preprocessing"],
            counts=counts_declared(entry),
            truth=entry["truth"],
            n_clusters=entry["n_clusters"],
        ),
        dataset=snakemake.wildcards.dataset,
        source=entry["source"],
        files=[{"name": file, "sha256": sha256(file)} for file in dict.fromkeys(source)],
    )
    # Only a check, so not a parameter: another k must not rerun this rule.
    require_patients(prepared.cohort, snakemake.config["datasets"][snakemake.wildcards.dataset]["ks"])
    write_cohort(prepared.cohort, snakemake.output.cohort)
    write_table(prepared.steps, snakemake.output.steps)
    columns = column_table(snakemake.wildcards.dataset, about(prepared.cohort)["clinical_columns"])
    write_table(columns, snakemake.output.columns)
    write_html_table(columns, snakemake.output.columns_html)
    write_table(prepared.ledger, snakemake.output.samples)
    write_table(prepared.join, snakemake.output.join)
    write_table(prepared.unmatched, snakemake.output.unmatched)
    notes = note_table(snakemake.wildcards.dataset, prepared.notes)
    tell(snakemake.wildcards.dataset, prepared.notes)
    write_table(notes, snakemake.output.notes)
    write_html_table(notes, snakemake.output.notes_html)
    write_html_table(prepared.steps, snakemake.output.steps_html)
    write_html_table(prepared.join, snakemake.output.join_html)
