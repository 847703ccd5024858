# Validates the configuration before anything else and answers the rules' questions about it.
import copy
import re
import sys
from pathlib import Path

ROOT = Path(str(workflow.current_basedir)).parents[1]
SCRIPTS = ROOT / "workflow" / "scripts"

sys.path.insert(0, str(ROOT / "workflow"))

from amucl.config import (
    CLINICAL_ARCHIVE,
    archive_path,
    collection_name,
    downloadable,
    gene_set_file,
    load_registry,
    resolve,
)
from amucl.errors import AmuclError
from amucl.methods import METHODS
from amucl.provenance import code_hash
from environment import expose_library, gpu_here

expose_library()

# A configuration of the user's own brings its own datasets: they replace the default's, they do not join them.
given = workflow.config_settings.overwrite_config
if "datasets" in given:
    config["datasets"] = given["datasets"]

GIVEN = copy.deepcopy(config)

try:
    REGISTRY = load_registry(ROOT / "config" / "datasets.yaml")
    config.update(resolve(config, REGISTRY))
except AmuclError as error:
    sys.exit(f"amucl: {error}")

DATASETS = config["datasets"]
DOWNLOADS = config["downloads"]
SOURCES = downloadable(config, REGISTRY)


def names(values):
    """A wildcard constraint: one of the values (or nothing at all)."""
    return "|".join(map(re.escape, values)) or "(?!)"


def from_source(*sources):
    return names(name for name, entry in DATASETS.items() if entry["source"] in sources)


def methods_of(*stages):
    return [name for name in config["methods"] if METHODS[name].stage in stages]


wildcard_constraints:
    dataset=names(DATASETS),
    method=names(config["methods"]),
    k=r"\d+",


def code(script):
    """Hash of the library code a rule's script can reach, so that a change there reruns the rule."""
    return code_hash(SCRIPTS / script)


def method_code(script):
    """As `code`, for a rule that fits the method its wildcard names."""
    hashes = {method: code_hash(SCRIPTS / script, METHODS[method].module) for method in config["methods"]}
    return lambda wildcards: hashes[wildcards.method]


def in_order(mapping):
    """Settings in alphabetical order: written in another order they are the same parameter."""
    return {key: in_order(value) if isinstance(value, dict) else value for key, value in sorted(mapping.items())}


def method_settings(wildcards):
    """Hyperparameters of a method: the registry's preset, the user's settings, the seed."""
    return in_order(
        {
            **METHODS[wildcards.method].preset,
            **config["method_settings"].get(wildcards.method, {}),
            "random_state": config["seed"],
        }
    )


def registry_entry(wildcards):
    """What of a method's registry line decides its result, beside the preset; a changed line reruns the method."""
    method = METHODS[wildcards.method]
    return {"estimator": method.estimator, "layer": method.layer}


def training_gpus(wildcards):
    """GPUs a training asks for: one, or none where it is known to run on the processor.

    Trainings that asked for a GPU in vain would wait for one another.
    """
    processor_here = config["device"] == "auto" and workflow.local_exec and not gpu_here()
    return 0 if config["device"] == "cpu" or processor_here else 1


def entry(wildcards):
    return DATASETS[wildcards.dataset]


def ks(wildcards):
    return entry(wildcards)["ks"]


def reference_k(wildcards):
    """The k that figures show: the dataset's own where it is known, else the one chosen for its biology."""
    chosen = [choice["k"] for choice in config["biology"] if choice["dataset"] == wildcards.dataset]
    return entry(wildcards)["n_clusters"] or (chosen or ks(wildcards))[0]


def gene_sets(kind):
    """The files of the dataset's gene-set collections of one kind."""
    return lambda wildcards: [gene_set_file(name, REGISTRY, DOWNLOADS) for name in entry(wildcards)["gene_sets"][kind]]


def collection_names(kind):
    """What tables call these collections."""
    return lambda wildcards: [collection_name(name, REGISTRY) for name in entry(wildcards)["gene_sets"][kind]]


def results_of(datasets):
    """All files a run of these datasets ends in, but for the report."""
    files = []
    for dataset in datasets:
        files += [f"results/{dataset}/preprocessing.tsv"]
        files += [f"results/comparison/{dataset}.{kind}" for kind in FORMATS]
        for method in config["methods"]:
            folder = f"results/{dataset}/{method}"
            files += [f"{folder}/metrics.tsv", f"{folder}/map.png"]
        files += [f"results/{dataset}/{method}/loss.png" for method in methods_of("train")]
        files += [
            f"results/{dataset}/{method}/{figure}.png"
            for method in methods_of("lowrank")
            for figure in ("affinity", "convergence")
        ]
    for choice in config["biology"]:
        if choice["dataset"] in datasets:
            folder = "results/{dataset}/{method}/k{k}".format(**choice)
            files += [f"{folder}/{table}.tsv" for table in BIOLOGY_TABLES]
            files += [f"{folder}/{figure}.png" for figure in BIOLOGY_FIGURES]
    return files


FORMATS = ("png", "pdf", "svg")
BIOLOGY_TABLES = ("subtypes", "markers", "go", "pathways", "gsea", "survival", "control")
BIOLOGY_FIGURES = ("heatmap", "go", "pathways", "gsea", "survival")

# What of an entry changes the cohort: other gene sets or the run's k must not rerun the preprocessing.
PREPROCESSING_KEYS = (
    "source",
    "cancer",
    "omics",
    "orientation",
    "tcga_barcodes",
    "preprocessing",
    "truth",
    "n_clusters",
)
SHARED_KEYS = ("source", "truth", "preprocessing", "gene_sets", "ks")


def simulation_settings(entry):
    return in_order({key: value for key, value in entry.items() if key not in SHARED_KEYS})


def preprocessing_entry(entry):
    settings = in_order({key: value for key, value in entry.items() if key in PREPROCESSING_KEYS})
    return settings | ({"omics": entry["omics"]} if "omics" in entry else {})


def omics_of(entry):
    if entry["source"] == "simulated":
        return ["expression", "methylation", "mirna"]
    return list(entry["omics"])


def source_files(wildcards):
    """The files a dataset is read from."""
    dataset, chosen = wildcards.dataset, entry(wildcards)
    if chosen["source"] == "benchmark":
        return {
            "archive": f"{DOWNLOADS}/{archive_path(chosen)}",
            "clinical": f"{DOWNLOADS}/{CLINICAL_ARCHIVE}",
        }
    if chosen["source"] == "simulated":
        raw = f"results/{dataset}/raw"
        return {
            "omics": [f"{raw}/{omic}.tsv.gz" for omic in omics_of(chosen)],
            "clinical": f"{raw}/clinical.tsv",
        }
    files = {"omics": list(chosen["omics"].values())}
    return files | ({"clinical": chosen["clinical"]} if chosen["clinical"] else {})
