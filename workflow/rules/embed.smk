# Representations: results/{dataset}/{method}/embedding.tsv.


rule train:
    input:
        cohort="results/{dataset}/cohort.h5mu",
    output:
        embedding="results/{dataset}/{method}/embedding.tsv",
        history="results/{dataset}/{method}/history.tsv",
        model="results/{dataset}/{method}/model.safetensors",
        provenance="results/{dataset}/{method}/embedding.provenance.json",
    log:
        "results/logs/{dataset}/{method}/train.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/train.tsv"
    wildcard_constraints:
        method=names(methods_of("train")),
    conda:
        "../../envs/amucl.yaml"
    threads: config["threads"]["train"]
    resources:
        gpu=training_gpus,
        mem_mb=8000,
        runtime=240,
    params:
        method=registry_entry,
        settings=method_settings,
        code=method_code("train.py"),
    message:
        "Training {wildcards.method} on {wildcards.dataset}; follow its loss in {log}"
    script:
        "../scripts/train.py"


rule embed:
    input:
        cohort="results/{dataset}/cohort.h5mu",
    output:
        embedding="results/{dataset}/{method}/embedding.tsv",
        provenance="results/{dataset}/{method}/embedding.provenance.json",
    log:
        "results/logs/{dataset}/{method}/embed.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/embed.tsv"
    wildcard_constraints:
        method=names(methods_of("embed")),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        method=registry_entry,
        settings=method_settings,
        code=method_code("embed.py"),
    message:
        "Embedding {wildcards.dataset} by {wildcards.method}"
    script:
        "../scripts/embed.py"


rule evidence:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        model="results/{dataset}/{method}/model.safetensors",
    output:
        table="results/{dataset}/{method}/evidence.tsv",
        html=report(
            "results/{dataset}/{method}/evidence.html",
            caption="../report/evidence.rst",
            category="4 Training and solving",
            subcategory="{dataset}",
            labels={"figure": "evidence for {method} (table)"},
        ),
        provenance="results/{dataset}/{method}/evidence.provenance.json",
    log:
        "results/logs/{dataset}/{method}/evidence.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/evidence.tsv"
    wildcard_constraints:
        method=names(examined_methods()),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        method=registry_entry,
        k=reference_k,
        code=method_code("evidence.py"),
    message:
        "Asking how far omics and restarts of {wildcards.method} agree on {wildcards.dataset}"
    script:
        "../scripts/evidence.py"
