# What makes each subtype itself: results/{dataset}/{method}/k{k}/.


rule markers:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{method}/labels.tsv",
    output:
        markers="results/{dataset}/{method}/k{k}/markers.tsv",
        control="results/{dataset}/{method}/k{k}/control.tsv",
        markers_html=report(
            "results/{dataset}/{method}/k{k}/markers.html",
            caption="../report/markers.rst",
            category="5 Biology",
            subcategory="{dataset}, {method}, k = {k}",
            labels={"item": "02 markers (table)"},
        ),
        control_html=report(
            "results/{dataset}/{method}/k{k}/control.html",
            caption="../report/control.rst",
            category="5 Biology",
            subcategory="{dataset}, {method}, k = {k}",
            labels={"item": "04 permuted control (table)"},
        ),
        provenance="results/{dataset}/{method}/k{k}/markers.provenance.json",
    log:
        "results/logs/{dataset}/{method}/k{k}/markers.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/k{k}/markers.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        seed=config["seed"],
        code=code("markers.py"),
    message:
        "Finding markers of {wildcards.k} subtypes of {wildcards.dataset} ({wildcards.method})"
    script:
        "../scripts/markers.py"


rule over_representation:
    input:
        markers="results/{dataset}/{method}/k{k}/markers.tsv",
        sets=lambda wildcards: gene_sets(wildcards.kind)(wildcards),
    output:
        table="results/{dataset}/{method}/k{k}/{kind}.tsv",
        html=report(
            "results/{dataset}/{method}/k{k}/{kind}.html",
            caption="../report/over_representation.rst",
            category="5 Biology",
            subcategory="{dataset}, {method}, k = {k}",
            labels={"item": "05 over-representation, {kind} (table)"},
        ),
        provenance="results/{dataset}/{method}/k{k}/{kind}.provenance.json",
    log:
        "results/logs/{dataset}/{method}/k{k}/{kind}.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/k{k}/{kind}.tsv"
    wildcard_constraints:
        kind="go|pathways",
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        collections=lambda wildcards: collection_names(wildcards.kind)(wildcards),
        code=code("over_representation.py"),
    message:
        "Testing {wildcards.kind} for genes up in subtypes of {wildcards.dataset} ({wildcards.method}, k = {wildcards.k})"
    script:
        "../scripts/over_representation.py"


rule gsea:
    input:
        markers="results/{dataset}/{method}/k{k}/markers.tsv",
        sets=gene_sets("gsea"),
    output:
        table="results/{dataset}/{method}/k{k}/gsea.tsv",
        html=report(
            "results/{dataset}/{method}/k{k}/gsea.html",
            caption="../report/gsea.rst",
            category="5 Biology",
            subcategory="{dataset}, {method}, k = {k}",
            labels={"item": "07 GSEA (table)"},
        ),
        provenance="results/{dataset}/{method}/k{k}/gsea.provenance.json",
    log:
        "results/logs/{dataset}/{method}/k{k}/gsea.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/k{k}/gsea.tsv"
    conda:
        "../../envs/amucl.yaml"
    threads: config["threads"]["enrichment"]
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        collections=collection_names("gsea"),
        seed=config["seed"],
        code=code("gsea.py"),
    message:
        "Gene set enrichment in subtypes of {wildcards.dataset} ({wildcards.method}, k = {wildcards.k})"
    script:
        "../scripts/gsea.py"


rule survival:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{method}/labels.tsv",
        survival="results/{dataset}/{method}/survival.tsv",
        outcome="results/{dataset}/{method}/outcome.tsv",
    output:
        table="results/{dataset}/{method}/k{k}/survival.tsv",
        outcome_html=report(
            "results/{dataset}/{method}/k{k}/outcome.html",
            caption="../report/outcome.rst",
            category="5 Biology",
            subcategory="{dataset}, {method}, k = {k}",
            labels={"item": "10 survival by subtype (table)"},
        ),
        figure=[
            report(
                "results/{dataset}/{method}/k{k}/survival.png",
                caption="../report/survival.rst",
                category="5 Biology",
                subcategory="{dataset}, {method}, k = {k}",
                labels={"item": "09 survival (figure)"},
            ),
            "results/{dataset}/{method}/k{k}/survival.pdf",
            "results/{dataset}/{method}/k{k}/survival.svg",
        ],
        provenance="results/{dataset}/{method}/k{k}/survival.provenance.json",
    log:
        "results/logs/{dataset}/{method}/k{k}/survival.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/k{k}/survival.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("survival.py"),
    message:
        "Comparing survival of {wildcards.k} subtypes of {wildcards.dataset} ({wildcards.method})"
    script:
        "../scripts/survival.py"


rule summarise:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{method}/labels.tsv",
        markers="results/{dataset}/{method}/k{k}/markers.tsv",
        go="results/{dataset}/{method}/k{k}/go.tsv",
        gsea="results/{dataset}/{method}/k{k}/gsea.tsv",
    output:
        table="results/{dataset}/{method}/k{k}/subtypes.tsv",
        html=report(
            "results/{dataset}/{method}/k{k}/subtypes.html",
            caption="../report/subtypes.rst",
            category="5 Biology",
            subcategory="{dataset}, {method}, k = {k}",
            labels={"item": "01 subtypes at a glance (table)"},
        ),
        provenance="results/{dataset}/{method}/k{k}/subtypes.provenance.json",
    log:
        "results/logs/{dataset}/{method}/k{k}/summarise.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/k{k}/summarise.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("summarise.py"),
    message:
        "Summing up {wildcards.k} subtypes of {wildcards.dataset} ({wildcards.method})"
    script:
        "../scripts/summarise.py"


rule draw_heatmap:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{method}/labels.tsv",
        markers="results/{dataset}/{method}/k{k}/markers.tsv",
    output:
        report(
            "results/{dataset}/{method}/k{k}/heatmap.png",
            caption="../report/heatmap.rst",
            category="5 Biology",
            subcategory="{dataset}, {method}, k = {k}",
            labels={"item": "03 top markers (figure)"},
        ),
        "results/{dataset}/{method}/k{k}/heatmap.pdf",
        "results/{dataset}/{method}/k{k}/heatmap.svg",
        provenance="results/{dataset}/{method}/k{k}/heatmap.provenance.json",
    log:
        "results/logs/{dataset}/{method}/k{k}/draw_heatmap.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/k{k}/draw_heatmap.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        code=code("draw_heatmap.py"),
    message:
        "Drawing the top markers of {wildcards.dataset} ({wildcards.method}, k = {wildcards.k})"
    script:
        "../scripts/draw_heatmap.py"


rule draw_over_representation:
    input:
        table="results/{dataset}/{method}/k{k}/{kind}.tsv",
        labels="results/{dataset}/{method}/labels.tsv",
    output:
        report(
            "results/{dataset}/{method}/k{k}/{kind}.png",
            caption="../report/over_representation_dots.rst",
            category="5 Biology",
            subcategory="{dataset}, {method}, k = {k}",
            labels={"item": "06 over-representation, {kind} (figure)"},
        ),
        "results/{dataset}/{method}/k{k}/{kind}.pdf",
        "results/{dataset}/{method}/k{k}/{kind}.svg",
        provenance="results/{dataset}/{method}/k{k}/{kind}_dots.provenance.json",
    log:
        "results/logs/{dataset}/{method}/k{k}/draw_{kind}.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/k{k}/draw_{kind}.tsv"
    wildcard_constraints:
        kind="go|pathways",
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("draw_over_representation.py"),
    message:
        "Drawing {wildcards.kind} of {wildcards.dataset} ({wildcards.method}, k = {wildcards.k})"
    script:
        "../scripts/draw_over_representation.py"


rule draw_gsea:
    input:
        table="results/{dataset}/{method}/k{k}/gsea.tsv",
        labels="results/{dataset}/{method}/labels.tsv",
    output:
        report(
            "results/{dataset}/{method}/k{k}/gsea.png",
            caption="../report/gsea_dots.rst",
            category="5 Biology",
            subcategory="{dataset}, {method}, k = {k}",
            labels={"item": "08 GSEA (figure)"},
        ),
        "results/{dataset}/{method}/k{k}/gsea.pdf",
        "results/{dataset}/{method}/k{k}/gsea.svg",
        provenance="results/{dataset}/{method}/k{k}/gsea_dots.provenance.json",
    log:
        "results/logs/{dataset}/{method}/k{k}/draw_gsea.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/k{k}/draw_gsea.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("draw_gsea.py"),
    message:
        "Drawing the GSEA of {wildcards.dataset} ({wildcards.method}, k = {wildcards.k})"
    script:
        "../scripts/draw_gsea.py"
