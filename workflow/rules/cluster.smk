# k-means for every k at once, and the scores of every method's clusters.


rule kmeans:
    input:
        embedding="results/{dataset}/{method}/embedding.tsv",
    output:
        labels="results/{dataset}/{method}/labels.tsv",
        provenance="results/{dataset}/{method}/labels.provenance.json",
    log:
        "results/logs/{dataset}/{method}/kmeans.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/kmeans.tsv"
    wildcard_constraints:
        method=names(methods_of("train", "embed")),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        ks=ks,
        restarts=config["kmeans_restarts"],
        seed=config["seed"],
        code=code("kmeans.py"),
    message:
        "Clustering the embedding of {wildcards.dataset} by {wildcards.method}"
    script:
        "../scripts/kmeans.py"


rule metrics:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        embedding="results/{dataset}/{method}/embedding.tsv",
        labels="results/{dataset}/{method}/labels.tsv",
    output:
        metrics="results/{dataset}/{method}/metrics.tsv",
        provenance="results/{dataset}/{method}/metrics.provenance.json",
    log:
        "results/logs/{dataset}/{method}/metrics.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/metrics.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        seed=config["seed"],
        code=code("metrics.py"),
    message:
        "Scoring {wildcards.method} on {wildcards.dataset}"
    script:
        "../scripts/metrics.py"
