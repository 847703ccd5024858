# What a method's hyperparameters change: an optional target, `sweep_figures`.


rule sweep_point:
    input:
        cohort="results/{dataset}/cohort.h5mu",
    output:
        table=f"results/{{dataset}}/{{method}}/sweep/{SWEEP.wildcard_pattern}.tsv",
        provenance=f"results/{{dataset}}/{{method}}/sweep/{SWEEP.wildcard_pattern}.provenance.json",
    log:
        f"results/logs/{{dataset}}/{{method}}/sweep/{SWEEP.wildcard_pattern}.log",
    benchmark:
        f"results/benchmarks/{{dataset}}/{{method}}/sweep/{SWEEP.wildcard_pattern}.tsv"
    wildcard_constraints:
        method=names([SWEEP_METHOD]),
        parameter=names(config["sweep"]["parameters"]),
    conda:
        "../../envs/amucl.yaml"
    threads: config["threads"]["train"]
    resources:
        gpu=training_gpus,
        mem_mb=8000,
        runtime=240,
    params:
        method=registry_entry,
        settings=swept_settings,
        k=reference_k,
        restarts=config["kmeans_restarts"],
        starts=config["kmeans_starts"],
        seed=config["seed"],
        code=method_code("sweep_point.py"),
    message:
        "Trying {wildcards.method} on {wildcards.dataset} with {wildcards.parameter} = {wildcards.value}"
    script:
        "../scripts/sweep_point.py"


rule sweep:
    input:
        points=lambda wildcards: expand(
            "results/{dataset}/{method}/sweep/{point}.tsv", **wildcards, point=SWEEP.instance_patterns
        ),
        metrics="results/{dataset}/{method}/metrics.tsv",
    output:
        table="results/{dataset}/{method}/sweep.tsv",
        figure=[
            report(
                "results/{dataset}/{method}/sweep.png",
                caption="../report/sweep.rst",
                category="4 Training and solving",
                subcategory="{dataset}",
                labels={"figure": "hyperparameters of {method}"},
            ),
            "results/{dataset}/{method}/sweep.pdf",
            "results/{dataset}/{method}/sweep.svg",
        ],
        provenance="results/{dataset}/{method}/sweep.provenance.json",
    log:
        "results/logs/{dataset}/{method}/sweep.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/sweep.tsv"
    wildcard_constraints:
        method=names([SWEEP_METHOD]),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        k=reference_k,
        code=code("sweep.py"),
    message:
        "Comparing the hyperparameters of {wildcards.method} on {wildcards.dataset}"
    script:
        "../scripts/sweep.py"
