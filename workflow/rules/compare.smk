# Methods beside one another, and what each made of a cohort.


rule compare:
    input:
        expand(
            "results/{dataset}/{method}/metrics.tsv",
            dataset=DATASETS,
            method=config["methods"],
        ),
    output:
        metrics="results/comparison/metrics.tsv",
        html=report(
            "results/comparison/metrics.html",
            caption="../report/comparison.rst",
            category="2 Clustering",
            subcategory="all datasets",
            labels={"table": "all metrics"},
        ),
        provenance="results/comparison/metrics.provenance.json",
    log:
        "results/logs/comparison/compare.log",
    benchmark:
        "results/benchmarks/comparison/compare.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("compare.py"),
    message:
        "Comparing {config[methods]}"
    script:
        "../scripts/compare.py"


rule draw_comparison:
    input:
        expand("results/{{dataset}}/{method}/metrics.tsv", method=config["methods"]),
    output:
        report(
            "results/comparison/{dataset}.png",
            caption="../report/indices.rst",
            category="2 Clustering",
            subcategory="{dataset}",
            labels={"figure": "all methods, k by k"},
        ),
        "results/comparison/{dataset}.pdf",
        "results/comparison/{dataset}.svg",
        provenance="results/comparison/{dataset}.provenance.json",
    log:
        "results/logs/comparison/{dataset}.log",
    benchmark:
        "results/benchmarks/comparison/{dataset}.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        reference_k=reference_k,
        code=code("draw_comparison.py"),
    message:
        "Drawing the indices of {wildcards.dataset}"
    script:
        "../scripts/draw_comparison.py"


rule draw_map:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        embedding="results/{dataset}/{method}/embedding.tsv",
        labels="results/{dataset}/{method}/labels.tsv",
    output:
        report(
            "results/{dataset}/{method}/map.png",
            caption="../report/map.rst",
            category="2 Clustering",
            subcategory="{dataset}",
            labels={"figure": "map of patients, {method}"},
        ),
        "results/{dataset}/{method}/map.pdf",
        "results/{dataset}/{method}/map.svg",
        provenance="results/{dataset}/{method}/map.provenance.json",
    log:
        "results/logs/{dataset}/{method}/draw_map.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/draw_map.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        k=reference_k,
        code=code("draw_map.py"),
    message:
        "Drawing the map of {wildcards.dataset} by {wildcards.method}"
    script:
        "../scripts/draw_map.py"


rule draw_loss:
    input:
        history="results/{dataset}/{method}/history.tsv",
    output:
        report(
            "results/{dataset}/{method}/loss.png",
            caption="../report/loss.rst",
            category="3 Training and solving",
            subcategory="{dataset}",
            labels={"figure": "loss of {method}"},
        ),
        "results/{dataset}/{method}/loss.pdf",
        "results/{dataset}/{method}/loss.svg",
        provenance="results/{dataset}/{method}/loss.provenance.json",
    log:
        "results/logs/{dataset}/{method}/draw_loss.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/draw_loss.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("draw_loss.py"),
    message:
        "Drawing the loss of {wildcards.method} on {wildcards.dataset}"
    script:
        "../scripts/draw_loss.py"


rule draw_affinity:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        affinity="results/{dataset}/{method}/affinity.npz",
        labels="results/{dataset}/{method}/labels.tsv",
        history="results/{dataset}/{method}/history.tsv",
    output:
        affinity=[
            report(
                "results/{dataset}/{method}/affinity.png",
                caption="../report/affinity.rst",
                category="3 Training and solving",
                subcategory="{dataset}",
                labels={"figure": "affinity of {method}"},
            ),
            "results/{dataset}/{method}/affinity.pdf",
            "results/{dataset}/{method}/affinity.svg",
        ],
        convergence=[
            report(
                "results/{dataset}/{method}/convergence.png",
                caption="../report/convergence.rst",
                category="3 Training and solving",
                subcategory="{dataset}",
                labels={"figure": "convergence of {method}"},
            ),
            "results/{dataset}/{method}/convergence.pdf",
            "results/{dataset}/{method}/convergence.svg",
        ],
        provenance="results/{dataset}/{method}/affinity.provenance.json",
    log:
        "results/logs/{dataset}/{method}/draw_affinity.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/draw_affinity.tsv"
    wildcard_constraints:
        method=names(methods_of("lowrank")),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        k=reference_k,
        code=code("draw_affinity.py"),
    message:
        "Drawing the affinity of {wildcards.method} on {wildcards.dataset}"
    script:
        "../scripts/draw_affinity.py"
