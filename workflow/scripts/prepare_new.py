"""Read the files of new patients and prepare them as the cohort was whose subtypes they are to be given."""

from _stage import stage, tell

from amucl.biology.expression import EXPRESSION
from amucl.cohort.cohort import read_cohort, write_cohort
from amucl.cohort.notes import note_table
from amucl.cohort.preparation.recipe import prepare_new
from amucl.cohort.sources.registry import read_source
from amucl.escaping import plain
from amucl.figures.tables import write_html_table
from amucl.files import write_table
from amucl.provenance import sha256

with stage(snakemake):
    entry, source, name = plain(snakemake.params.entry), snakemake.input, snakemake.wildcards.cohort
    made = prepare_new(
        read_source(entry, snakemake.params.omics, source),
        read_cohort(source.recipe),
        dataset=name,
        source=entry["source"],
        log2=entry["preprocessing"].get("log2", "auto"),
        counts=snakemake.params.counts,
        truth=entry["truth"],
        own_features=[EXPRESSION],
        files=[{"name": file, "sha256": sha256(file)} for file in dict.fromkeys(source) if file != source.recipe],
    )
    write_cohort(made.cohort, snakemake.output.cohort)
    tables = {"steps": made.steps, "samples": made.ledger, "join": made.join, "unmatched": made.unmatched}
    for kind, table in (tables | {"shift": made.shift, "notes": note_table(name, made.notes)}).items():
        write_table(table, snakemake.output[kind])
    tell(name, made.notes)
    write_html_table(note_table(name, made.notes), snakemake.output.notes_html)
    write_html_table(made.shift, snakemake.output.shift_html)
