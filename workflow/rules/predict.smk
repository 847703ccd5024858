# A trained network, used: on new patients, prepared as its own were, and asked what it goes by.


rule prepare_new:
    input:
        unpack(lambda wildcards: source_files(wildcards.cohort)),
        recipe="results/{dataset}/cohort.h5mu",
    output:
        cohort="results/{dataset}/new/{cohort}.h5mu",
        steps="results/{dataset}/new/{cohort}_preprocessing.tsv",
        samples="results/{dataset}/new/{cohort}_samples.tsv",
        join="results/{dataset}/new/{cohort}_join_report.tsv",
        unmatched="results/{dataset}/new/{cohort}_unmatched.tsv",
        notes="results/{dataset}/new/{cohort}_notes.tsv",
        notes_html=report(
            "results/{dataset}/new/{cohort}_notes.html",
            caption="../report/notes.rst",
            category="6 New patients",
            subcategory="{dataset}",
            labels={"item": "what was guessed, dropped or converted of {cohort}"},
        ),
        shift="results/{dataset}/new/{cohort}_shift.tsv",
        shift_html=report(
            "results/{dataset}/new/{cohort}_shift.html",
            caption="../report/shift.rst",
            category="6 New patients",
            subcategory="{dataset}",
            labels={"item": "{cohort} beside {dataset} (table)"},
        ),
        provenance="results/{dataset}/new/{cohort}.provenance.json",
    log:
        "results/logs/{dataset}/new/prepare_{cohort}.log",
    benchmark:
        "results/benchmarks/{dataset}/new/prepare_{cohort}.tsv"
    wildcard_constraints:
        cohort=names(DATASETS),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        entry=lambda wildcards: new_entry(wildcards.cohort),
        counts=lambda wildcards: declared_counts(wildcards.cohort),
        omics=lambda wildcards: omics_of(DATASETS[wildcards.cohort]),
        code=code("prepare_new.py"),
    message:
        "Preparing patients of {wildcards.cohort} as those of {wildcards.dataset} were"
    script:
        "../scripts/prepare_new.py"


rule predict:
    input:
        model="results/{dataset}/{method}/model.safetensors",
        embedding="results/{dataset}/{method}/embedding.tsv",
        labels="results/{dataset}/{method}/k{k}/labels.tsv",
        cohort="results/{dataset}/new/{cohort}.h5mu",
        shift="results/{dataset}/new/{cohort}_shift.tsv",
    output:
        table="results/{dataset}/{method}/k{k}/predicted_{cohort}.tsv",
        embedding="results/{dataset}/{method}/k{k}/predicted_{cohort}_embedding.tsv",
        features="results/{dataset}/{method}/k{k}/predicted_{cohort}_features.tsv",
        shift="results/{dataset}/{method}/k{k}/predicted_{cohort}_shift.tsv",
        html=report(
            "results/{dataset}/{method}/k{k}/predicted_{cohort}.html",
            caption="../report/predict.rst",
            category="6 New patients",
            subcategory="{dataset}, {method}, k = {k}",
            labels={"item": "subtypes of {cohort} (table)"},
        ),
        provenance="results/{dataset}/{method}/k{k}/predicted_{cohort}.provenance.json",
    log:
        "results/logs/{dataset}/{method}/k{k}/predict_{cohort}.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/k{k}/predict_{cohort}.tsv"
    wildcard_constraints:
        method=names(inductive_methods()),
        cohort=names(DATASETS),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        method=registry_entry,
        code=method_code("predict.py"),
    message:
        "Giving patients of {wildcards.cohort} the subtypes of {wildcards.dataset} ({wildcards.method}, k = {wildcards.k})"
    script:
        "../scripts/predict.py"


rule explain:
    input:
        model="results/{dataset}/{method}/model.safetensors",
        labels="results/{dataset}/{method}/k{k}/labels.tsv",
        cohort="results/{dataset}/cohort.h5mu",
    output:
        table="results/{dataset}/{method}/k{k}/contributions.tsv",
        html=report(
            "results/{dataset}/{method}/k{k}/contributions.html",
            caption="../report/contributions.rst",
            category="5 Biology",
            subcategory="{dataset}, {method}, k = {k}",
            labels={"item": "17 what the network goes by (table)"},
        ),
        provenance="results/{dataset}/{method}/k{k}/contributions.provenance.json",
    log:
        "results/logs/{dataset}/{method}/k{k}/explain.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/k{k}/explain.tsv"
    wildcard_constraints:
        method=names(inductive_methods()),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        method=registry_entry,
        code=method_code("explain.py"),
    message:
        "Asking {wildcards.method} what it tells the {wildcards.k} subtypes of {wildcards.dataset} by"
    script:
        "../scripts/explain.py"


rule draw_prediction:
    input:
        embedding="results/{dataset}/{method}/embedding.tsv",
        labels="results/{dataset}/{method}/k{k}/labels.tsv",
        new="results/{dataset}/{method}/k{k}/predicted_{cohort}_embedding.tsv",
        predicted="results/{dataset}/{method}/k{k}/predicted_{cohort}.tsv",
    output:
        figure=[
            report(
                "results/{dataset}/{method}/k{k}/predicted_{cohort}.png",
                caption="../report/predict_map.rst",
                category="6 New patients",
                subcategory="{dataset}, {method}, k = {k}",
                labels={"item": "{cohort} among the patients of {dataset} (figure)"},
            ),
            "results/{dataset}/{method}/k{k}/predicted_{cohort}.pdf",
            "results/{dataset}/{method}/k{k}/predicted_{cohort}.svg",
        ],
        provenance="results/{dataset}/{method}/k{k}/predicted_{cohort}_figure.provenance.json",
    log:
        "results/logs/{dataset}/{method}/k{k}/draw_prediction_{cohort}.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/k{k}/draw_prediction_{cohort}.tsv"
    wildcard_constraints:
        method=names(inductive_methods()),
        cohort=names(DATASETS),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("draw_prediction.py"),
    message:
        "Drawing patients of {wildcards.cohort} among those of {wildcards.dataset} ({wildcards.method}, k = {wildcards.k})"
    script:
        "../scripts/draw_prediction.py"


rule draw_contributions:
    input:
        table="results/{dataset}/{method}/k{k}/contributions.tsv",
    output:
        figure=[
            report(
                "results/{dataset}/{method}/k{k}/contributions.png",
                caption="../report/contributions.rst",
                category="5 Biology",
                subcategory="{dataset}, {method}, k = {k}",
                labels={"item": "18 what the network goes by (figure)"},
            ),
            "results/{dataset}/{method}/k{k}/contributions.pdf",
            "results/{dataset}/{method}/k{k}/contributions.svg",
        ],
        provenance="results/{dataset}/{method}/k{k}/contributions_figure.provenance.json",
    log:
        "results/logs/{dataset}/{method}/k{k}/draw_contributions.log",
    benchmark:
        "results/benchmarks/{dataset}/{method}/k{k}/draw_contributions.tsv"
    wildcard_constraints:
        method=names(inductive_methods()),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("draw_contributions.py"),
    message:
        "Drawing what {wildcards.method} tells the {wildcards.k} subtypes of {wildcards.dataset} by"
    script:
        "../scripts/draw_contributions.py"


rule nearest_template:
    input:
        templates="results/{dataset}/{partition}/templates.tsv",
        calibration="results/{dataset}/{partition}/templates_calibration.tsv",
        cohort="results/{dataset}/new/{cohort}.h5mu",
        shift="results/{dataset}/new/{cohort}_shift.tsv",
        genes=lambda wildcards: DATASETS[wildcards.cohort]["gene_maps"].get("expression", []),
        reference="results/{dataset}/cohort.h5mu",
        reference_genes=gene_names,
    output:
        table="results/{dataset}/{partition}/nearest_template_{cohort}.tsv",
        genes="results/{dataset}/{partition}/nearest_template_{cohort}_genes.tsv",
        check="results/{dataset}/{partition}/nearest_template_{cohort}_check.tsv",
        html=report(
            "results/{dataset}/{partition}/nearest_template_{cohort}.html",
            caption="../report/nearest_template.rst",
            category="6 New patients",
            subcategory=partition_title,
            labels={"item": "subtypes of {cohort} by templates (table)"},
        ),
        provenance="results/{dataset}/{partition}/nearest_template_{cohort}.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/nearest_template_{cohort}.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/nearest_template_{cohort}.tsv"
    wildcard_constraints:
        cohort=names(DATASETS),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        seed=config["seed"],
        code=code("nearest_template.py"),
    message:
        "Giving patients of {wildcards.cohort} the subtypes of {wildcards.dataset}, {wildcards.partition}, by their markers"
    script:
        "../scripts/nearest_template.py"


rule draw_nearest_template:
    input:
        templates="results/{dataset}/{partition}/templates.tsv",
        labels="results/{dataset}/{partition}/labels.tsv",
        patients="results/{dataset}/{partition}/nearest_template_{cohort}.tsv",
        cohort="results/{dataset}/new/{cohort}.h5mu",
        genes=lambda wildcards: DATASETS[wildcards.cohort]["gene_maps"].get("expression", []),
        reference="results/{dataset}/cohort.h5mu",
        reference_genes=gene_names,
    output:
        figure=[
            report(
                "results/{dataset}/{partition}/nearest_template_{cohort}.png",
                caption="../report/nearest_template_map.rst",
                category="6 New patients",
                subcategory=partition_title,
                labels={"item": "{cohort} by the templates of {dataset} (figure)"},
            ),
            "results/{dataset}/{partition}/nearest_template_{cohort}.pdf",
            "results/{dataset}/{partition}/nearest_template_{cohort}.svg",
        ],
        provenance="results/{dataset}/{partition}/nearest_template_{cohort}_figure.provenance.json",
    log:
        "results/logs/{dataset}/{partition}/draw_nearest_template_{cohort}.log",
    benchmark:
        "results/benchmarks/{dataset}/{partition}/draw_nearest_template_{cohort}.tsv"
    wildcard_constraints:
        cohort=names(DATASETS),
    conda:
        "../../envs/amucl.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("draw_nearest_template.py"),
    message:
        "Drawing the templates of {wildcards.dataset}, {wildcards.partition}, in {wildcards.cohort}"
    script:
        "../scripts/draw_nearest_template.py"
