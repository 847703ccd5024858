# Simulated or downloaded or given: every dataset becomes results/{dataset}/cohort.h5mu.


rule simulate:
    output:
        expression="results/{dataset}/raw/expression.tsv.gz",
        methylation="results/{dataset}/raw/methylation.tsv.gz",
        mirna="results/{dataset}/raw/mirna.tsv.gz",
        clinical="results/{dataset}/raw/clinical.tsv",
        go="results/{dataset}/raw/go.gmt",
        pathways="results/{dataset}/raw/pathways.gmt",
        planted="results/{dataset}/raw/planted.tsv",
        provenance="results/{dataset}/raw/provenance.json",
    log:
        "results/logs/{dataset}/simulate.log",
    benchmark:
        "results/benchmarks/{dataset}/simulate.tsv"
    wildcard_constraints:
        dataset=from_source("simulated"),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        settings=lambda wildcards: simulation_settings(entry(wildcards)),
        code=code("simulate.py"),
    message:
        "Drawing the simulated cohort {wildcards.dataset}"
    script:
        "../scripts/simulate.py"


rule download:
    output:
        file=ensure(f"{DOWNLOADS}/{{file}}", non_empty=True),
        provenance=f"{DOWNLOADS}/{{file}}.provenance.json",
    log:
        "results/logs/download/{file}.log",
    benchmark:
        "results/benchmarks/download/{file}.tsv"
    wildcard_constraints:
        file=names(SOURCES),
    priority: 50  # gene sets too, so that their genes can be looked for before anything is learned
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=500,
        runtime=60,
    params:
        # No code hash: what was fetched does not depend on how, and a rerun would begin by deleting it.
        # Nor a password in its address: Snakemake keeps parameters, the script looks the address up.
        source=lambda wildcards: redacted_values(SOURCES[wildcards.file]),
    message:
        "Fetching {wildcards.file}"
    script:
        "../scripts/download.py"


rule preprocess:
    input:
        unpack(lambda wildcards: source_files(wildcards.dataset)),
    output:
        cohort="results/{dataset}/cohort.h5mu",
        steps="results/{dataset}/preprocessing.tsv",
        samples="results/{dataset}/samples.tsv",
        join="results/{dataset}/join_report.tsv",
        unmatched="results/{dataset}/unmatched.tsv",
        steps_html=report(
            "results/{dataset}/preprocessing.html",
            caption="../report/preprocessing.rst",
            category="1 Data",
            subcategory="{dataset}",
            labels={"table": "preprocessing, step by step"},
        ),
        join_html=report(
            "results/{dataset}/join_report.html",
            caption="../report/join.rst",
            category="1 Data",
            subcategory="{dataset}",
            labels={"table": "clinical data matched"},
        ),
        columns="results/{dataset}/clinical_columns.tsv",
        columns_html=report(
            "results/{dataset}/clinical_columns.html",
            caption="../report/clinical_columns.rst",
            category="1 Data",
            subcategory="{dataset}",
            labels={"table": "columns of survival, age, sex and stage"},
        ),
        notes="results/{dataset}/notes.tsv",
        notes_html=report(
            "results/{dataset}/notes.html",
            caption="../report/notes.rst",
            category="1 Data",
            subcategory="{dataset}",
            labels={"table": "what was guessed, dropped or converted"},
        ),
        provenance="results/{dataset}/cohort.provenance.json",
    log:
        "results/logs/{dataset}/preprocess.log",
    benchmark:
        "results/benchmarks/{dataset}/preprocess.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        entry=lambda wildcards: preprocessing_entry(entry(wildcards)),
        omics=lambda wildcards: omics_of(entry(wildcards)),
        code=code("preprocess.py"),
    message:
        "Preparing the cohort {wildcards.dataset}"
    script:
        "../scripts/preprocess.py"
