# Low-rank representations: an affinity between samples, cut into k clusters; and what their weights change.

SOLVING_GPUS = 1 if config["device"] == "cuda" else 0


rule represent:
    input:
        cohort="results/{dataset}/cohort.h5mu",
    output:
        embedding="results/{dataset}/{method}/embedding.tsv",
        affinity="results/{dataset}/{method}/affinity.npz",
        representation="results/{dataset}/{method}/representation.npz",
        solver="results/{dataset}/{method}/solver.tsv",
        history="results/{dataset}/{method}/history.tsv",
        provenance="results/{dataset}/{method}/embedding.provenance.json",
    log:
        "results/logs/{dataset}/{method}/represent.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/represent.tsv"
    wildcard_constraints:
        method=names(methods_of("lowrank")),
    conda:
        "../../envs/amucl.yaml"
    threads: config["threads"]["lowrank"]
    resources:
        gpu=SOLVING_GPUS,
        mem_mb=4000,
        runtime=120,
    params:
        method=registry_entry,
        settings=method_settings,
        code=method_code("represent.py"),
    message:
        "Solving {wildcards.method} on {wildcards.dataset}"
    script:
        "../scripts/represent.py"


rule cut:
    input:
        affinity="results/{dataset}/{method}/affinity.npz",
    output:
        labels="results/{dataset}/{method}/labels.tsv",
        provenance="results/{dataset}/{method}/labels.provenance.json",
    log:
        "results/logs/{dataset}/{method}/cut.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/cut.tsv"
    wildcard_constraints:
        method=names(methods_of("lowrank")),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        ks=ks,
        seed=config["seed"],
        code=code("cut.py"),
    message:
        "Cutting the affinity of {wildcards.method} on {wildcards.dataset}"
    script:
        "../scripts/cut.py"


rule sensitivity:
    input:
        cohort="results/{dataset}/cohort.h5mu",
    output:
        table="results/{dataset}/{method}/sensitivity.tsv",
        provenance="results/{dataset}/{method}/sensitivity.provenance.json",
    log:
        "results/logs/{dataset}/{method}/sensitivity.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/sensitivity.tsv"
    wildcard_constraints:
        method=names(methods_of("lowrank")),
    conda:
        "../../envs/amucl.yaml"
    threads: config["threads"]["lowrank"]
    resources:
        gpu=SOLVING_GPUS,
        mem_mb=4000,
        runtime=1440,
    params:
        method=registry_entry,
        settings=method_settings,
        sensitivity=in_order(config["sensitivity"]),
        k=reference_k,
        code=method_code("sensitivity.py"),
    message:
        "Varying the weights of {wildcards.method} on {wildcards.dataset}; follow in {log}"
    script:
        "../scripts/sensitivity.py"
