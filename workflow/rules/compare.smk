# Methods beside one another, and what each made of a cohort.


rule compare:
    input:
        metrics=compared("metrics"),
        restarts=compared("restarts"),
        trust=compared("trust"),
        survival=compared("survival"),
        clinical=compared("clinical"),
        enrichment=compared("enrichment"),
        outcome=compared("outcome"),
        stability=compared("stability"),
        k_choice=compared("k_choice"),
    output:
        metrics="results/comparison/metrics.tsv",
        restarts="results/comparison/restarts.tsv",
        trust="results/comparison/trust.tsv",
        survival="results/comparison/survival.tsv",
        clinical="results/comparison/clinical.tsv",
        enrichment="results/comparison/enrichment.tsv",
        outcome="results/comparison/outcome.tsv",
        stability="results/comparison/stability.tsv",
        k_choice="results/comparison/k_choice.tsv",
        ranks="results/comparison/ranks.tsv",
        summary="results/comparison/summary.tsv",
        summary_html=report(
            "results/comparison/summary.html",
            caption="../report/summary.rst",
            category="2 Clustering",
            subcategory="all datasets",
            labels={"item": "1 summary (table)"},
        ),
        metrics_html=report(
            "results/comparison/metrics.html",
            caption="../report/comparison.rst",
            category="2 Clustering",
            subcategory="all datasets",
            labels={"item": "2 all metrics (table)"},
        ),
        restarts_html=report(
            "results/comparison/restarts.html",
            caption="../report/restarts.rst",
            category="2 Clustering",
            subcategory="all datasets",
            labels={"item": "3 all restarts (table)"},
        ),
        k_choice_html=report(
            "results/comparison/k_choice.html",
            caption="../report/suggested_k.rst",
            category="2 Clustering",
            subcategory="all datasets",
            labels={"item": "4 suggested k (table)"},
        ),
        ranks_html=report(
            "results/comparison/ranks.html",
            caption="../report/ranks.rst",
            category="2 Clustering",
            subcategory="all datasets",
            labels={"item": "5 mean ranks (table)"},
        ),
        enrichment_html=report(
            "results/comparison/enrichment.html",
            caption="../report/enrichment.rst",
            category="3 Survival and clinic",
            subcategory="all datasets",
            labels={"item": "1 number of enriched labels (table)"},
        ),
        provenance="results/comparison/metrics.provenance.json",
    log:
        "results/logs/comparison/compare.log",
    benchmark:
        "results/benchmarks/comparison/compare.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        reference_k=REFERENCE_K,
        code=code("compare.py"),
    message:
        "Comparing {config[methods]}"
    script:
        "../scripts/compare.py"


rule tabulate:
    input:
        metrics="results/comparison/metrics.tsv",
        benchmarks=[f"results/benchmarks/{dataset}/{method}/{fitted_by(method)}.tsv" for dataset, method in FITS],
    output:
        table="results/comparison/methods.tsv",
        seconds="results/comparison/seconds.tsv",
        html=report(
            "results/comparison/methods.html",
            caption="../report/standings.rst",
            category="2 Clustering",
            subcategory="all datasets",
            labels={"item": "9 methods by datasets (table)"},
        ),
        provenance="results/comparison/methods.provenance.json",
    log:
        "results/logs/comparison/tabulate.log",
    benchmark:
        "results/benchmarks/comparison/tabulate.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        fits=FITS,
        reference_k=REFERENCE_K,
        code=code("tabulate.py"),
    message:
        "Tabulating methods by datasets"
    script:
        "../scripts/tabulate.py"


rule draw_comparison:
    input:
        metrics=compared("metrics", dataset="{dataset}"),
        trust=compared("trust", dataset="{dataset}"),
        k_choice=compared("k_choice", dataset="{dataset}"),
        survival=compared("survival", dataset="{dataset}"),
        clinical=compared("clinical", dataset="{dataset}"),
        enrichment=compared("enrichment", dataset="{dataset}"),
    output:
        summary_html=report(
            "results/comparison/{dataset}_summary.html",
            caption="../report/summary.rst",
            category="2 Clustering",
            subcategory="{dataset}",
            labels={"figure": "0 summary (table)"},
        ),
        survival_html=report(
            "results/comparison/{dataset}_survival.html",
            caption="../report/survival_over_k.rst",
            category="3 Survival and clinic",
            subcategory="{dataset}",
            labels={"item": "1 survival, every k (table)"},
        ),
        clinical_html=report(
            "results/comparison/{dataset}_clinical.html",
            caption="../report/clinical.rst",
            category="3 Survival and clinic",
            subcategory="{dataset}",
            labels={"item": "2 clinical labels, every k (table)"},
        ),
        indices=[
            report(
                "results/comparison/{dataset}.png",
                caption="../report/indices.rst",
                category="2 Clustering",
                subcategory="{dataset}",
                labels={"figure": "1 all methods, k by k"},
            ),
            "results/comparison/{dataset}.pdf",
            "results/comparison/{dataset}.svg",
        ],
        methods=[
            report(
                "results/comparison/{dataset}_methods.png",
                caption="../report/methods.rst",
                category="2 Clustering",
                subcategory="{dataset}",
                labels={"figure": "2 all methods at the reference k"},
            ),
            "results/comparison/{dataset}_methods.pdf",
            "results/comparison/{dataset}_methods.svg",
        ],
        trust=[
            report(
                "results/comparison/{dataset}_trust.png",
                caption="../report/trust.rst",
                category="2 Clustering",
                subcategory="{dataset}",
                labels={"figure": "3 own space against common space"},
            ),
            "results/comparison/{dataset}_trust.pdf",
            "results/comparison/{dataset}_trust.svg",
        ],
        provenance="results/comparison/{dataset}.provenance.json",
    log:
        "results/logs/comparison/{dataset}.log",
    benchmark:
        "results/benchmarks/comparison/{dataset}.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        reference_k=reference_k,
        published=lambda wildcards: PUBLISHED_NAMES[wildcards.dataset],
        code=code("draw_comparison.py"),
    message:
        "Drawing the comparison of methods on {wildcards.dataset}"
    script:
        "../scripts/draw_comparison.py"


rule draw_confusion:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels=compared("labels", dataset="{dataset}", peers=False),
    output:
        report(
            "results/comparison/{dataset}_confusion.png",
            caption="../report/confusion.rst",
            category="2 Clustering",
            subcategory="{dataset}",
            labels={"figure": "4 clusters against known labels"},
        ),
        "results/comparison/{dataset}_confusion.pdf",
        "results/comparison/{dataset}_confusion.svg",
        provenance="results/comparison/{dataset}_confusion.provenance.json",
    log:
        "results/logs/comparison/{dataset}_confusion.log",
    benchmark:
        "results/benchmarks/comparison/{dataset}_confusion.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        k=reference_k,
        methods=config["methods"],
        code=code("draw_confusion.py"),
    message:
        "Drawing the clusters of {wildcards.dataset} against its known labels"
    script:
        "../scripts/draw_confusion.py"


rule draw_ranking:
    input:
        metrics="results/comparison/metrics.tsv",
        ranks="results/comparison/ranks.tsv",
        survival="results/comparison/survival.tsv",
        enrichment="results/comparison/enrichment.tsv",
    output:
        radars=[
            report(
                f"results/comparison/radar_{metric}_{space}.png",
                caption="../report/radar.rst",
                category="2 Clustering",
                subcategory="all datasets",
                labels={"item": f"7 radar, {metric}, {space} space (figure)"},
            )
            for metric, space in RADARS
        ],
        ranks=[
            report(
                f"results/comparison/ranks_{metric}_{space}_{ranking}.png",
                caption="../report/rank_diagram.rst",
                category="2 Clustering",
                subcategory="all datasets",
                labels={"item": f"6 mean ranks of {ranking} methods, {metric}, {space} (figure)"},
            )
            for metric, space, ranking in RANKINGS
        ],
        methods=[
            report(
                f"results/comparison/methods_{metric}_{space}.png",
                caption="../report/side_by_side.rst",
                category="2 Clustering",
                subcategory="all datasets",
                labels={"item": f"8 methods side by side, {metric}, {space} space (figure)"},
            )
            for metric, space in SIDE_BY_SIDE
        ],
        copies=[f"results/comparison/{figure}.{kind}" for figure in ranking_figures() for kind in ("pdf", "svg")],
        clinic=[
            report(
                "results/comparison/clinic.png",
                caption="../report/clinic.rst",
                category="3 Survival and clinic",
                subcategory="all datasets",
                labels={"item": "0 survival and enriched labels (figure)"},
            ),
            "results/comparison/clinic.pdf",
            "results/comparison/clinic.svg",
        ],
        provenance="results/comparison/ranking.provenance.json",
    log:
        "results/logs/comparison/draw_ranking.log",
    benchmark:
        "results/benchmarks/comparison/draw_ranking.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        radars=RADARS,
        rankings=RANKINGS,
        side_by_side=SIDE_BY_SIDE,
        published=PUBLISHED_NAMES,
        reference_k=REFERENCE_K,
        code=code("draw_ranking.py"),
    message:
        "Drawing all methods on all datasets"
    script:
        "../scripts/draw_ranking.py"


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
            category="4 Training and solving",
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
        representation="results/{dataset}/{method}/representation.npz",
        labels="results/{dataset}/{method}/labels.tsv",
        history="results/{dataset}/{method}/history.tsv",
        solver="results/{dataset}/{method}/solver.tsv",
    output:
        affinity=[
            report(
                "results/{dataset}/{method}/affinity.png",
                caption="../report/affinity.rst",
                category="4 Training and solving",
                subcategory="{dataset}",
                labels={"figure": "affinity of {method}"},
            ),
            "results/{dataset}/{method}/affinity.pdf",
            "results/{dataset}/{method}/affinity.svg",
        ],
        representation=[
            report(
                "results/{dataset}/{method}/representation.png",
                caption="../report/representation.rst",
                category="4 Training and solving",
                subcategory="{dataset}",
                labels={"figure": "representation of {method}"},
            ),
            "results/{dataset}/{method}/representation.pdf",
            "results/{dataset}/{method}/representation.svg",
        ],
        convergence=[
            report(
                "results/{dataset}/{method}/convergence.png",
                caption="../report/convergence.rst",
                category="4 Training and solving",
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
        "Drawing the representation of {wildcards.method} on {wildcards.dataset}"
    script:
        "../scripts/draw_affinity.py"


rule draw_sensitivity:
    input:
        table="results/{dataset}/{method}/sensitivity.tsv",
    output:
        report(
            "results/{dataset}/{method}/sensitivity.png",
            caption="../report/sensitivity.rst",
            category="4 Training and solving",
            subcategory="{dataset}",
            labels={"figure": "sensitivity of {method}"},
        ),
        "results/{dataset}/{method}/sensitivity.pdf",
        "results/{dataset}/{method}/sensitivity.svg",
        provenance="results/{dataset}/{method}/sensitivity_figure.provenance.json",
    log:
        "results/logs/{dataset}/{method}/draw_sensitivity.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/draw_sensitivity.tsv"
    wildcard_constraints:
        method=names(methods_of("lowrank")),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        k=reference_k,
        code=code("draw_sensitivity.py"),
    message:
        "Drawing what the weights of {wildcards.method} change on {wildcards.dataset}"
    script:
        "../scripts/draw_sensitivity.py"
