# Clusters of every method for every k, their scores, how stable they are, and which k the data speak for.


rule kmeans:
    input:
        embedding="results/{dataset}/{method}/embedding.tsv",
    output:
        labels="results/{dataset}/{method}/labels.tsv",
        restarts="results/{dataset}/{method}/restarts.npz",
        provenance="results/{dataset}/{method}/labels.provenance.json",
    log:
        "results/logs/{dataset}/{method}/kmeans.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/kmeans.tsv"
    wildcard_constraints:
        method=names(methods_of("train", "embed")),
    conda:
        "../../envs/amucl.yaml"
    threads: config["threads"]["kmeans"]
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        ks=ks,
        restarts=config["kmeans_restarts"],
        starts=config["kmeans_starts"],
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
        restarts=restarts_of,
        solver=solver_of,
    output:
        metrics="results/{dataset}/{method}/metrics.tsv",
        restarts="results/{dataset}/{method}/restarts.tsv",
        trust="results/{dataset}/{method}/trust.tsv",
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


rule stability:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        embedding="results/{dataset}/{method}/embedding.tsv",
        labels="results/{dataset}/{method}/labels.tsv",
        trust="results/{dataset}/{method}/trust.tsv",
        affinity=affinity_of,
    output:
        stability="results/{dataset}/{method}/stability.tsv",
        choice="results/{dataset}/{method}/k_choice.tsv",
        consensus="results/{dataset}/{method}/consensus.npz",
        choice_figure=[
            report(
                "results/{dataset}/{method}/k_choice.png",
                caption="../report/k_choice.rst",
                category="2 Clustering",
                subcategory="{dataset}",
                labels={"figure": "choice of k, {method}"},
            ),
            "results/{dataset}/{method}/k_choice.pdf",
            "results/{dataset}/{method}/k_choice.svg",
        ],
        consensus_figure=[
            report(
                "results/{dataset}/{method}/consensus.png",
                caption="../report/consensus.rst",
                category="2 Clustering",
                subcategory="{dataset}",
                labels={"figure": "consensus of subsamples, {method}"},
            ),
            "results/{dataset}/{method}/consensus.pdf",
            "results/{dataset}/{method}/consensus.svg",
        ],
        provenance="results/{dataset}/{method}/stability.provenance.json",
    log:
        "results/logs/{dataset}/{method}/stability.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/stability.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        k=reference_k,
        n_draws=config["stability"]["draws"],
        fraction=config["stability"]["fraction"],
        seed=config["seed"],
        code=code("stability.py"),
    message:
        "Clustering subsamples of {wildcards.dataset} by {wildcards.method}"
    script:
        "../scripts/stability.py"


rule clinic:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{method}/labels.tsv",
    output:
        survival="results/{dataset}/{method}/survival.tsv",
        outcome="results/{dataset}/{method}/outcome.tsv",
        clinical="results/{dataset}/{method}/clinical.tsv",
        enrichment="results/{dataset}/{method}/enrichment.tsv",
        endpoints="results/{dataset}/{method}/endpoints.tsv",
        endpoint_outcome="results/{dataset}/{method}/endpoint_outcome.tsv",
        endpoints_html=report(
            "results/{dataset}/{method}/endpoints.html",
            caption="../report/endpoints.rst",
            category="3 Survival and clinic",
            subcategory="{dataset}",
            labels={"item": "3 every endpoint, {method} (table)"},
        ),
        endpoint_outcome_html=report(
            "results/{dataset}/{method}/endpoint_outcome.html",
            caption="../report/endpoint_outcome.rst",
            category="3 Survival and clinic",
            subcategory="{dataset}",
            labels={"item": "4 every endpoint by subtype, {method} (table)"},
        ),
        provenance="results/{dataset}/{method}/clinic.provenance.json",
    log:
        "results/logs/{dataset}/{method}/clinic.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/clinic.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        clinical_labels=lambda wildcards: escaped(entry(wildcards)["clinical_labels"]),
        max_permutations=config["max_permutations"],
        seed=config["seed"],
        code=code("clinic.py"),
    message:
        "Comparing survival and clinic of the subtypes of {wildcards.dataset} by {wildcards.method}"
    script:
        "../scripts/clinic.py"


rule score_peers:
    input:
        cohort=peer_cohort,
        cells=peer_cells,
        files=lambda wildcards: peer_files(config["peers"], PEERS[wildcards.peers]),
    output:
        metrics="results/peers/{peers}/metrics.tsv",
        restarts="results/peers/{peers}/restarts.tsv",
        trust="results/peers/{peers}/trust.tsv",
        stability="results/peers/{peers}/stability.tsv",
        k_choice="results/peers/{peers}/k_choice.tsv",
        survival="results/peers/{peers}/survival.tsv",
        outcome="results/peers/{peers}/outcome.tsv",
        clinical="results/peers/{peers}/clinical.tsv",
        enrichment="results/peers/{peers}/enrichment.tsv",
        matches="results/peers/{peers}/matches.tsv",
        provenance="results/peers/{peers}/provenance.json",
    log:
        "results/logs/peers/{peers}.log",
    benchmark:
        "results/benchmarks/peers/{peers}.tsv"
    wildcard_constraints:
        peers=names(PEERS),
    conda:
        "../../envs/amucl.yaml"
    threads: config["threads"]["kmeans"]
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        folder=config["peers"],
        source=lambda wildcards: PEERS[wildcards.peers],
        cells=named_cells,
        protocol=peer_protocol,
        code=code("score_peers.py"),
    message:
        "Scoring the published embeddings of {wildcards.peers}"
    script:
        "../scripts/score_peers.py"
