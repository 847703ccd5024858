"""Read a dataset's files, prepare them, write the cohort and the account of every step."""

from _stage import stage

from amucl.cohort.benchmark import read_benchmark
from amucl.cohort.cohort import read_files_cohort, require_patients, write_cohort
from amucl.cohort.preprocess import Preprocessing, preprocess
from amucl.figures.tables import write_html_table
from amucl.files import write_table
from amucl.provenance import sha256

with stage(snakemake):
    entry, source = snakemake.params.entry, snakemake.input
    if entry["source"] == "benchmark":
        raw = read_benchmark(
            source.archive, cancer=entry["cancer"], omics=entry["omics"], clinical_archive=source.clinical
        )
    else:
        raw = read_files_cohort(
            dict(zip(snakemake.params.omics, source.omics, strict=True)),
            clinical=source.get("clinical"),
            orientation=entry.get("orientation", "features_in_rows"),
            tcga=entry.get("tcga_barcodes", False),
        )
    prepared = preprocess(
        raw,
        Preprocessing(**entry["preprocessing"], truth=entry["truth"], n_clusters=entry["n_clusters"]),
        dataset=snakemake.wildcards.dataset,
        source=entry["source"],
        files=[{"name": file, "sha256": sha256(file)} for file in dict.fromkeys(source)],
    )
    # Only a check, so not a parameter: another k must not rerun this rule.
    require_patients(prepared.cohort, snakemake.config["datasets"][snakemake.wildcards.dataset]["ks"])
    write_cohort(prepared.cohort, snakemake.output.cohort)
    write_table(prepared.steps, snakemake.output.steps)
    write_table(prepared.ledger, snakemake.output.samples)
    write_table(prepared.join, snakemake.output.join)
    write_html_table(prepared.steps, snakemake.output.steps_html)
    write_html_table(prepared.join, snakemake.output.join_html)
