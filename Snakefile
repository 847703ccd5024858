# AMUCL: cancer subtypes from multi-omics data. `snakemake --cores all` runs the default configuration.
from snakemake.utils import min_version

min_version("9.0")


include: "workflow/rules/config.smk"


configfile: f"{workflow.basedir}/config/config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"


localrules:
    all,
    download,
    fetch,
    manifest,
    report,
    dataset_manifest,
    dataset_report,
    sensitivity_figures,
    sweep_figures,


onerror:
    for group in refused_groups(log):
        print(
            f"amucl: the scheduler took no job for the group {group}; it asks for more memory, time or GPUs than its partition has, "
            "or for an unknown account or partition; to see its own words run again with `--groups all=all`, which "
            "makes every rule a job of its own",
            file=sys.stderr,
        )


rule all:
    default_target: True
    input:
        results_of(DATASETS),
        "results/comparison/summary.tsv",
        "results/comparison/clinic.png",
        "results/manifest.tsv",
        "results/report.html",


rule fetch:
    input:
        fetched_files(),


rule sensitivity_figures:
    input:
        expand("results/{dataset}/{method}/sensitivity.png", dataset=ANALYSED, method=methods_of("lowrank")),


rule sweep_figures:
    input:
        expand("results/{dataset}/{method}/sweep.png", dataset=ANALYSED, method=SWEEP_METHOD) if SWEPT else [],


# Every dataset is a target of its own: `snakemake --cores all aml`.
for dataset in DATASETS:

    rule:
        name:
            dataset
        input:
            results_of([dataset]),
            f"results/{dataset}/manifest.tsv",
            f"results/{dataset}/report.html",


include: "workflow/rules/data.smk"
include: "workflow/rules/embed.smk"
include: "workflow/rules/lowrank.smk"
include: "workflow/rules/cluster.smk"
include: "workflow/rules/compare.smk"
include: "workflow/rules/biology.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/sweep.smk"
include: "workflow/rules/report.smk"
