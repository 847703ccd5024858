# What a run has made: the list of its files with their hashes and Snakemake's own report; and both of one dataset.


rule manifest:
    input:
        results_of(DATASETS),
        "results/comparison/summary.tsv",
        "results/comparison/methods.tsv",
        "results/comparison/clinic.png",
    output:
        table="results/manifest.tsv",
        provenance="results/manifest.provenance.json",
    log:
        "results/logs/manifest.log",
    benchmark:
        "results/benchmarks/manifest.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        timed=TIMED,
        code=code("manifest.py"),
    message:
        "Listing the files of the run in {output.table}"
    script:
        "../scripts/manifest.py"


rule report:
    input:
        results_of(DATASETS),
        "results/comparison/summary.tsv",
        "results/comparison/methods.tsv",
        "results/comparison/clinic.png",
    output:
        html="results/report.html",
        provenance="results/report.provenance.json",
    log:
        "results/logs/report.log",
    benchmark:
        "results/benchmarks/report.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        config=in_order(GIVEN),
        snakefile=workflow.main_snakefile,
        code=code("report.py"),
    message:
        "Writing the report {output.html}"
    script:
        "../scripts/report.py"


rule dataset_report:
    input:
        lambda wildcards: results_of([wildcards.dataset]),
    output:
        html="results/{dataset}/report.html",
        provenance="results/{dataset}/report.provenance.json",
    log:
        "results/logs/{dataset}/report.log",
    benchmark:
        "results/benchmarks/{dataset}/report.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        config=in_order(GIVEN),
        snakefile=workflow.main_snakefile,
        code=code("report.py"),
    message:
        "Writing the report {output.html}"
    script:
        "../scripts/report.py"


rule dataset_manifest:
    input:
        lambda wildcards: results_of([wildcards.dataset]),
    output:
        table="results/{dataset}/manifest.tsv",
        provenance="results/{dataset}/manifest.provenance.json",
    log:
        "results/logs/{dataset}/manifest.log",
    benchmark:
        "results/benchmarks/{dataset}/manifest.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        timed=TIMED,
        code=code("manifest.py"),
    message:
        "Listing the files of {wildcards.dataset} in {output.table}"
    script:
        "../scripts/manifest.py"
