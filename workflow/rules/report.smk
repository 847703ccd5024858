# Snakemake's own report over everything a run has made, and over one dataset.


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
