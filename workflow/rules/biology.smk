# What makes each subtype itself: results/{dataset}/{partition}/, the partition being {method}/k{k} or truth.


rule check_genes:
    # Ready as soon as a cohort is: its priority puts it before what is learned from the cohort, which it does not delay.
    input:
        cohort="results/{dataset}/cohort.h5mu",
        genes=gene_map("expression"),
        sets=lambda wildcards: [gene_set_file(name, REGISTRY, DOWNLOADS) for name in all_collections(wildcards)],
    output:
        names="results/{dataset}/gene_names.tsv",
        overlap="results/{dataset}/gene_overlap.tsv",
        notes="results/{dataset}/gene_notes.tsv",
        html=report(
            "results/{dataset}/gene_overlap.html",
            caption="../report/gene_overlap.rst",
            category="1 Data",
            subcategory="{dataset}",
            labels={"table": "genes found in the gene sets"},
        ),
        provenance="results/{dataset}/gene_names.provenance.json",
    log:
        "results/logs/{dataset}/check_genes.log",
    benchmark:
        "results/benchmarks/{dataset}/check_genes.tsv"
    priority: 100
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        collections=lambda wildcards: escaped([collection_name(name, REGISTRY) for name in all_collections(wildcards)]),
        code=code("check_genes.py"),
    message:
        "Looking for the genes of {wildcards.dataset} in its gene sets"
    script:
        "../scripts/check_genes.py"


rule partition:
    input:
        unpack(partition_source),
    output:
        labels="results/{dataset}/{partition}/labels.tsv",
        provenance="results/{dataset}/{partition}/labels.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/partition.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/partition.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        k=partition_k,
        code=code("partition.py"),
    message:
        "Choosing the partition {wildcards.partition} of {wildcards.dataset}"
    script:
        "../scripts/partition.py"


rule markers:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{partition}/labels.tsv",
        genes=gene_names,
    output:
        markers="results/{dataset}/{partition}/markers.tsv",
        pairs="results/{dataset}/{partition}/pairs.tsv.gz",
        control="results/{dataset}/{partition}/control.tsv",
        markers_html=report(
            "results/{dataset}/{partition}/markers.html",
            caption="../report/markers.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "02 markers (table)"},
        ),
        control_html=report(
            "results/{dataset}/{partition}/control.html",
            caption="../report/control.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "07 permuted control (table)"},
        ),
        pairs_html=report(
            "results/{dataset}/{partition}/pairs.html",
            caption="../report/pairs.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "03 markers, subtype against subtype (table)"},
        ),
        provenance="results/{dataset}/{partition}/markers.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/markers.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/markers.tsv"
    conda:
        "../../envs/amucl.yaml"
    threads: config["threads"]["enrichment"]
    resources:
        mem_mb=4000,
        runtime=120,
    params:
        seed=config["seed"],
        trend="expression" in config["variance_trend"],
        alpha=config["markers"]["alpha"],
        min_logfc=config["markers"]["min_logfc"],
        code=code("markers.py"),
    message:
        "Finding markers of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/markers.py"


rule omic_markers:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{partition}/labels.tsv",
        genes=lambda wildcards: gene_map(wildcards.omic)(wildcards),
    output:
        markers="results/{dataset}/{partition}/markers_{omic}.tsv",
        pairs="results/{dataset}/{partition}/pairs_{omic}.tsv.gz",
        control="results/{dataset}/{partition}/control_{omic}.tsv",
        markers_html=report(
            "results/{dataset}/{partition}/markers_{omic}.html",
            caption="../report/omic_markers.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "04 markers, {omic} (table)"},
        ),
        provenance="results/{dataset}/{partition}/markers_{omic}.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/markers_{omic}.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/markers_{omic}.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        seed=config["seed"],
        trend=lambda wildcards: wildcards.omic in config["variance_trend"],
        alpha=config["markers"]["alpha"],
        code=code("omic_markers.py"),
    message:
        "Finding markers in {wildcards.omic} of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/omic_markers.py"


rule over_representation:
    input:
        markers="results/{dataset}/{partition}/markers.tsv",
        sets=lambda wildcards: gene_sets(wildcards.kind)(wildcards),
    output:
        table="results/{dataset}/{partition}/{kind}.tsv",
        html=report(
            "results/{dataset}/{partition}/{kind}.html",
            caption="../report/over_representation.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "08 over-representation, {kind} (table)"},
        ),
        provenance="results/{dataset}/{partition}/{kind}.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/{kind}.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/{kind}.tsv"
    wildcard_constraints:
        kind="go|pathways",
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        collections=lambda wildcards: collection_names(wildcards.kind)(wildcards),
        alpha=config["markers"]["alpha"],
        min_logfc=config["markers"]["min_logfc"],
        code=code("over_representation.py"),
    message:
        "Testing {wildcards.kind} for genes up or down in subtypes of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/over_representation.py"


rule gsea:
    input:
        markers="results/{dataset}/{partition}/markers.tsv",
        sets=gene_sets("gsea"),
    output:
        table="results/{dataset}/{partition}/gsea.tsv",
        html=report(
            "results/{dataset}/{partition}/gsea.html",
            caption="../report/gsea.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "10 GSEA (table)"},
        ),
        provenance="results/{dataset}/{partition}/gsea.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/gsea.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/gsea.tsv"
    conda:
        "../../envs/amucl.yaml"
    threads: config["threads"]["enrichment"]
    resources:
        mem_mb=lambda wildcards, threads: 1500 + 2500 * threads,
        runtime=120,
    params:
        collections=collection_names("gsea"),
        seed=config["seed"],
        code=code("gsea.py"),
    message:
        "Gene set enrichment in subtypes of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/gsea.py"


rule phenotype_gsea:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{partition}/labels.tsv",
        genes=gene_names,
        preranked="results/{dataset}/{partition}/gsea.tsv",
        sets=gene_sets("gsea"),
    output:
        table="results/{dataset}/{partition}/gsea_phenotype.tsv",
        html=report(
            "results/{dataset}/{partition}/gsea_phenotype.html",
            caption="../report/phenotype_gsea.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "11 GSEA, patients permuted (table)"},
        ),
        provenance="results/{dataset}/{partition}/gsea_phenotype.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/phenotype_gsea.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/phenotype_gsea.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        collections=collection_names("gsea"),
        n_permutations=config["phenotype_permutations"],
        seed=config["seed"],
        trend="expression" in config["variance_trend"],
        code=code("phenotype_gsea.py"),
    message:
        "Gene set enrichment with permuted patients in subtypes of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/phenotype_gsea.py"


rule survival:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{partition}/labels.tsv",
        tested=partition_clinic,
    output:
        table="results/{dataset}/{partition}/survival.tsv",
        outcome_html=report(
            "results/{dataset}/{partition}/outcome.html",
            caption="../report/outcome.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "16 survival by subtype (table)"},
        ),
        figure=[
            report(
                "results/{dataset}/{partition}/survival.png",
                caption="../report/survival.rst",
                category="5 Biology",
                subcategory=partition_title,
                labels={"item": "15 survival (figure)"},
            ),
            "results/{dataset}/{partition}/survival.pdf",
            "results/{dataset}/{partition}/survival.svg",
        ],
        provenance="results/{dataset}/{partition}/survival.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/survival.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/survival.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        k=partition_k,
        seed=config["seed"],
        max_permutations=config["max_permutations"],
        code=code("survival.py"),
    message:
        "Comparing survival of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/survival.py"


rule summarise:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{partition}/labels.tsv",
        markers="results/{dataset}/{partition}/markers.tsv",
        go="results/{dataset}/{partition}/go.tsv",
        gsea="results/{dataset}/{partition}/gsea.tsv",
        omics=lambda wildcards: [
            f"results/{{dataset}}/{{partition}}/markers_{omic}.tsv" for omic in other_omics(wildcards.dataset)
        ],
    output:
        table="results/{dataset}/{partition}/subtypes.tsv",
        html=report(
            "results/{dataset}/{partition}/subtypes.html",
            caption="../report/subtypes.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "01 subtypes at a glance (table)"},
        ),
        provenance="results/{dataset}/{partition}/subtypes.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/summarise.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/summarise.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        alpha=config["markers"]["alpha"],
        min_logfc=config["markers"]["min_logfc"],
        code=code("summarise.py"),
    message:
        "Summing up the subtypes of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/summarise.py"


rule profile:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{partition}/labels.tsv",
        markers="results/{dataset}/{partition}/markers.tsv",
        gsea="results/{dataset}/{partition}/gsea.tsv",
        go="results/{dataset}/{partition}/go.tsv",
        omics=lambda wildcards: [
            f"results/{{dataset}}/{{partition}}/markers_{omic}.tsv" for omic in other_omics(wildcards.dataset)
        ],
        consensus=partition_consensus,
        embedding=partition_embedding,
    output:
        table="results/{dataset}/{partition}/profile.tsv",
        provenance="results/{dataset}/{partition}/profile.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/profile.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/profile.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        known=classes_of,
        seed=config["seed"],
        max_permutations=config["max_permutations"],
        alpha=config["markers"]["alpha"],
        min_logfc=config["markers"]["min_logfc"],
        code=code("profile.py"),
    message:
        "Describing each subtype of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/profile.py"


rule draw_profiles:
    input:
        table="results/{dataset}/{partition}/profile.tsv",
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{partition}/labels.tsv",
    output:
        pdf="results/{dataset}/{partition}/profiles.pdf",
        html=report(
            "results/{dataset}/{partition}/profiles.html",
            caption="../report/profiles.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "00 one page per subtype (pages)"},
        ),
        provenance="results/{dataset}/{partition}/profiles.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/draw_profiles.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/draw_profiles.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        title=partition_title,
        code=code("draw_profiles.py"),
    message:
        "Drawing a page per subtype of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/draw_profiles.py"


rule draw_heatmap:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{partition}/labels.tsv",
        markers="results/{dataset}/{partition}/markers.tsv",
        genes=gene_names,
    output:
        report(
            "results/{dataset}/{partition}/heatmap.png",
            caption="../report/heatmap.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "06 top markers (figure)"},
        ),
        "results/{dataset}/{partition}/heatmap.pdf",
        "results/{dataset}/{partition}/heatmap.svg",
        provenance="results/{dataset}/{partition}/heatmap.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/draw_heatmap.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/draw_heatmap.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        known=classes_of,
        alpha=config["markers"]["alpha"],
        min_logfc=config["markers"]["min_logfc"],
        n_top=config["markers"]["n_top"],
        code=code("draw_heatmap.py"),
    message:
        "Drawing the top markers of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/draw_heatmap.py"


rule draw_over_representation:
    input:
        table="results/{dataset}/{partition}/{kind}.tsv",
        labels="results/{dataset}/{partition}/labels.tsv",
    output:
        report(
            "results/{dataset}/{partition}/{kind}.png",
            caption="../report/over_representation_dots.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "09 over-representation, {kind} (figure)"},
        ),
        "results/{dataset}/{partition}/{kind}.pdf",
        "results/{dataset}/{partition}/{kind}.svg",
        provenance="results/{dataset}/{partition}/{kind}_dots.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/draw_{kind}.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/draw_{kind}.tsv"
    wildcard_constraints:
        kind="go|pathways",
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        available=lambda wildcards: has_expression(wildcards.dataset),
        code=code("draw_over_representation.py"),
    message:
        "Drawing {wildcards.kind} of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/draw_over_representation.py"


rule draw_gsea:
    input:
        table="results/{dataset}/{partition}/gsea.tsv",
        labels="results/{dataset}/{partition}/labels.tsv",
    output:
        report(
            "results/{dataset}/{partition}/gsea.png",
            caption="../report/gsea_dots.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "12 GSEA (figure)"},
        ),
        "results/{dataset}/{partition}/gsea.pdf",
        "results/{dataset}/{partition}/gsea.svg",
        provenance="results/{dataset}/{partition}/gsea_dots.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/draw_gsea.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/draw_gsea.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        available=lambda wildcards: has_expression(wildcards.dataset),
        code=code("draw_gsea.py"),
    message:
        "Drawing the GSEA of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/draw_gsea.py"


rule ssgsea:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        genes=gene_names,
        sets=gene_sets("ssgsea"),
    output:
        scores="results/{dataset}/ssgsea.tsv",
        provenance="results/{dataset}/ssgsea.provenance.json",
    log:
        "results/logs/{dataset}/ssgsea.log",
    benchmark:
        "results/benchmarks/{dataset}/ssgsea.tsv"
    conda:
        "../../envs/amucl.yaml"
    threads: config["threads"]["enrichment"]
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        collections=collection_names("ssgsea"),
        code=code("ssgsea.py"),
    message:
        "Scoring gene sets in every patient of {wildcards.dataset}"
    script:
        "../scripts/ssgsea.py"


rule ssgsea_markers:
    input:
        scores="results/{dataset}/ssgsea.tsv",
        labels="results/{dataset}/{partition}/labels.tsv",
        overlap="results/{dataset}/gene_overlap.tsv",
    output:
        table="results/{dataset}/{partition}/ssgsea_tests.tsv",
        html=report(
            "results/{dataset}/{partition}/ssgsea_tests.html",
            caption="../report/ssgsea_markers.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "13 scores of patients (table)"},
        ),
        provenance="results/{dataset}/{partition}/ssgsea_tests.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/ssgsea_markers.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/ssgsea_markers.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        collections=collection_names("ssgsea"),
        code=code("ssgsea_markers.py"),
    message:
        "Comparing the scores of patients of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/ssgsea_markers.py"


rule draw_ssgsea:
    input:
        scores="results/{dataset}/ssgsea.tsv",
        labels="results/{dataset}/{partition}/labels.tsv",
        table="results/{dataset}/{partition}/ssgsea_tests.tsv",
    output:
        figure=[
            report(
                "results/{dataset}/{partition}/ssgsea.png",
                caption="../report/ssgsea.rst",
                category="5 Biology",
                subcategory=partition_title,
                labels={"item": "14 scores of patients (figure)"},
            ),
            "results/{dataset}/{partition}/ssgsea.pdf",
            "results/{dataset}/{partition}/ssgsea.svg",
        ],
        provenance="results/{dataset}/{partition}/ssgsea.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/draw_ssgsea.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/draw_ssgsea.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("draw_ssgsea.py"),
    message:
        "Drawing the scores of patients of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/draw_ssgsea.py"


rule templates:
    input:
        markers="results/{dataset}/{partition}/markers.tsv",
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{partition}/labels.tsv",
        genes=gene_names,
    output:
        templates="results/{dataset}/{partition}/templates.tsv",
        calibration="results/{dataset}/{partition}/templates_calibration.tsv",
        provenance="results/{dataset}/{partition}/templates.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/templates.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/templates.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        seed=config["seed"],
        trend="expression" in config["variance_trend"],
        code=code("templates.py"),
    message:
        "Choosing the genes that stand for the subtypes of {wildcards.dataset}, {wildcards.partition}"
    script:
        "../scripts/templates.py"


rule retrain:
    input:
        cohort="results/{dataset}/cohort.h5mu",
    output:
        labels="results/{dataset}/{method}/retrained/{number}.tsv",
        provenance="results/{dataset}/{method}/retrained/{number}.provenance.json",
    log:
        "results/logs/{dataset}/{method}/retrain_{number}.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/retrain_{number}.tsv"
    wildcard_constraints:
        method=names(methods_of("train", "embed")),
        number=r"\d+",
    conda:
        "../../envs/amucl.yaml"
    threads: config["threads"]["train"]
    resources:
        gpu=lambda wildcards: training_gpus(wildcards) * (METHODS[wildcards.method].stage == "train"),
        mem_mb=8000,
        runtime=300,
    params:
        method=registry_entry,
        settings=retraining_settings,
        ks=ks,
        restarts=config["kmeans_restarts"],
        starts=config["kmeans_starts"],
        code=method_code("retrain.py"),
    message:
        "Training {wildcards.method} on {wildcards.dataset} again, run {wildcards.number}"
    script:
        "../scripts/retrain.py"


rule consensus_markers:
    input:
        cohort="results/{dataset}/cohort.h5mu",
        labels="results/{dataset}/{partition}/labels.tsv",
        genes=gene_names,
        runs=retrained,
    output:
        table="results/{dataset}/{partition}/consensus_markers.tsv",
        html=report(
            "results/{dataset}/{partition}/consensus_markers.html",
            caption="../report/consensus_markers.rst",
            category="5 Biology",
            subcategory=partition_title,
            labels={"item": "05 markers over trainings (table)"},
        ),
        provenance="results/{dataset}/{partition}/consensus_markers.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/consensus_markers.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/consensus_markers.tsv"
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        trend="expression" in config["variance_trend"],
        alpha=config["markers"]["alpha"],
        min_logfc=config["markers"]["min_logfc"],
        code=code("consensus_markers.py"),
    message:
        "Counting how often markers of {wildcards.dataset}, {wildcards.partition}, stay"
    script:
        "../scripts/consensus_markers.py"
