# Validates the configuration before anything else and answers the rules' questions about it.
import copy
import re
import sys
from pathlib import Path

import pandas as pd
from snakemake.utils import Paramspace

from amucl.comparison.peers import SINGLE_CELL, peer_datasets, peer_files, peer_name
from amucl.config import (
    CLINICAL_ARCHIVE,
    archive_path,
    collection_name,
    downloadable,
    gene_set_file,
    intersim_paths,
    label_file,
    load_registry,
    reference_paths,
    resolve,
    singlecell_paths,
    xena_paths,
)
from amucl.configfiles import located
from amucl.errors import AmuclError
from amucl.escaping import escaped
from amucl.methods.registry import METHODS, settings_of
from amucl.provenance import code_hash
from amucl.redaction import redacted_values
from environment import expose_library, gpu_here, refused_groups, rule_names

expose_library()

SCRIPTS = ROOT / "workflow" / "scripts"

# A configuration of the user's own brings its own datasets: they replace the default's, they do not join them.
given = workflow.config_settings.overwrite_config
if "datasets" in given:
    config["datasets"] = given["datasets"]

GIVEN = copy.deepcopy(config)

try:
    REGISTRY = load_registry(ROOT / "config" / "datasets.yaml")
    config.update(resolve(config, REGISTRY, rules=rule_names(ROOT / "workflow")))
    PUBLISHED = peer_datasets(config["peers"]) if config["peers"] else []
except AmuclError as error:
    sys.exit(f"amucl: {located(error, PLACES, workflow.config_settings.config)}")

DATASETS = config["datasets"]
# The others are only given the subtypes of these (see `predict`).
ANALYSED = {name: entry for name, entry in DATASETS.items() if entry["cluster"]}
DOWNLOADS = config["downloads"]
SOURCES = downloadable(config, REGISTRY)


# Rivals' published embeddings: dataset of this run -> their name for it. Where the run has no counts of the cells, which
# are not part of what was published, their embeddings stand alone.
PEERS = {name: peer_name(entry) for name, entry in ANALYSED.items() if peer_name(entry) in PUBLISHED}
PEERS |= {name: name for name in PUBLISHED if name == SINGLE_CELL and name not in [*DATASETS, *PEERS.values()]}
PEERS_WITHOUT_COHORT = [name for name in PEERS if name not in DATASETS]

FITS = [(dataset, method) for dataset in ANALYSED for method in config["methods"]]

# What the papers call the datasets of this run: by these names they print numbers.
PUBLISHED_NAMES = {name: peer_name(entry) for name, entry in ANALYSED.items()} | dict.fromkeys(
    PEERS_WITHOUT_COHORT, SINGLE_CELL
)

INTERNAL = ("silhouette", "c_index", "davies_bouldin")
RADARS = [(metric, space) for space in ("embedding", "common") for metric in INTERNAL] if len(ANALYSED) > 2 else []
JUDGED = [(metric, "common") for metric in INTERNAL if len(ANALYSED) > 1]
if sum(entry["truth"] is not None for entry in ANALYSED.values()) > 1:
    JUDGED += [("ari", "truth"), ("nmi", "truth")]
OWN = [(metric, "embedding") for metric in INTERNAL if len(ANALYSED) > 1]
SIDE_BY_SIDE = OWN + JUDGED
# Rivals are published for few datasets: methods run here are also ranked among themselves, on all of theirs.
RANKINGS = [(*judged, ranking) for judged in JUDGED for ranking in (["own", "all"] if PEERS else ["own"])]


def names(values):
    """A wildcard constraint: one of the values (or nothing at all)."""
    return "|".join(map(re.escape, values)) or "(?!)"


def from_source(*sources):
    return names(name for name, entry in DATASETS.items() if entry["source"] in sources)


def omics_of(entry):
    if entry["source"] == "simulated":
        return ["expression", "methylation", "mirna"]
    return list(entry["omics"])


def methods_of(*stages):
    return [name for name in config["methods"] if METHODS[name].stage in stages]


def fitted_by(method):
    """The rule that fits a method."""
    return {"lowrank": "represent"}.get(METHODS[method].stage, METHODS[method].stage)


def inductive_methods():
    return [name for name in config["methods"] if METHODS[name].inductive]


def examined_methods():
    return [name for name in config["methods"] if METHODS[name].examined]


wildcard_constraints:
    dataset=names(DATASETS),
    method=names(config["methods"]),
    k=r"\d+|auto",
    partition=rf"(?:{names(config['methods'])})/k(?:\d+|auto)|truth",
    omic=names(sorted({omic for entry in DATASETS.values() for omic in omics_of(entry)})),


def code(script):
    """Hash of the library code a rule's script can reach, so that a change there reruns the rule."""
    return code_hash(SCRIPTS / script)


def method_code(script):
    """As `code`, for a rule that fits the method its wildcard names."""
    hashes = {method: code_hash(SCRIPTS / script, METHODS[method].module) for method in config["methods"]}
    return lambda wildcards: hashes[wildcards.method]


def in_order(value):
    """Settings in alphabetical order: written in another order they are the same parameter. Omics stay in the user's."""
    if isinstance(value, dict):
        return {key: inner if key == "omics" else in_order(inner) for key, inner in sorted(value.items())}
    return [in_order(inner) for inner in value] if isinstance(value, list) else value


def method_settings(wildcards):
    """Hyperparameters of a method: the registry's preset, the dataset's dimension, the user's settings, the seed."""
    return in_order(
        {
            **settings_of(wildcards.method, entry(wildcards)["n_components"]),
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


def reference_k_of(dataset):
    """The k that figures show: the dataset's own where it is known, else the one chosen for its biology."""
    chosen = [one["k"] for one in config["biology"] if one["dataset"] == dataset and isinstance(one.get("k"), int)]
    return DATASETS[dataset]["n_clusters"] or (chosen or DATASETS[dataset]["ks"])[0]


def reference_k(wildcards):
    return reference_k_of(wildcards.dataset)


N_CELL_LINES = 3
REFERENCE_K = {name: reference_k_of(name) for name in DATASETS} | dict.fromkeys(PEERS_WITHOUT_COHORT, N_CELL_LINES)


def has_expression(dataset):
    return "expression" in omics_of(DATASETS[dataset])


def other_omics(dataset):
    """The omics whose markers stand beside those of expression."""
    return [omic for omic in omics_of(DATASETS[dataset]) if omic != "expression"]


def collections_of(dataset, kind):
    """The dataset's gene-set collections of one kind; none are fetched where there is no expression to test."""
    return DATASETS[dataset]["gene_sets"][kind] if has_expression(dataset) else []


def gene_sets(kind):
    """The files of the dataset's gene-set collections of one kind."""
    return lambda wildcards: [
        gene_set_file(name, REGISTRY, DOWNLOADS) for name in collections_of(wildcards.dataset, kind)
    ]


def fetched_files():
    """Every download that this configuration reads; their folder can be the `mirror` of a machine without a network."""
    explained = {choice["dataset"] for choice in config["biology"]}
    kinds = [(dataset, kind) for dataset in explained for kind in DATASETS[dataset]["gene_sets"]]
    sets = {gene_set_file(name, REGISTRY, DOWNLOADS) for one in kinds for name in collections_of(*one)}
    files = [f"{DOWNLOADS}/{path}" for path in SOURCES]
    return [file for file in files if file in sets or not file.startswith(f"{DOWNLOADS}/genesets/")]


def collection_names(kind):
    """What tables call these collections."""
    return lambda wildcards: escaped(
        [collection_name(name, REGISTRY) for name in collections_of(wildcards.dataset, kind)]
    )


def all_collections(wildcards):
    """The dataset's gene-set collections of every kind, each once; none where its subtypes are not explained."""
    if wildcards.dataset not in {choice["dataset"] for choice in config["biology"]}:
        return []
    kinds = DATASETS[wildcards.dataset]["gene_sets"]
    return list(dict.fromkeys(name for kind in kinds for name in collections_of(wildcards.dataset, kind)))


def gene_names(wildcards):
    """The table that names the genes of a dataset's expression, if it has one."""
    return "results/{dataset}/gene_names.tsv" if has_expression(wildcards.dataset) else []


def gene_map(omic):
    """The file that names the genes of an omic's features, if there is one."""
    return lambda wildcards: entry(wildcards)["gene_maps"].get(omic, [])


def partition_of(choice):
    """The folder of a choice of subtypes below its dataset's."""
    return "truth" if choice.get("labels") == "truth" else "{method}/k{k}".format(**choice)


def partition_k(wildcards):
    """The k of a partition: a number, auto, or None for known labels."""
    k = Path(wildcards.partition).name.removeprefix("k").removesuffix("truth")
    return int(k) if k.isdigit() else k or None


def partition_title(wildcards):
    """What the report calls a partition."""
    method, k = wildcards.partition.partition("/")[0], partition_k(wildcards)
    of = "known labels" if k is None else f"{method}, suggested k" if k == "auto" else f"{method}, k = {k}"
    return f"{wildcards.dataset}, {of}"


def partition_source(wildcards):
    """What a partition is taken from."""
    if wildcards.partition == "truth":
        return {"cohort": f"results/{wildcards.dataset}/cohort.h5mu"}
    folder = f"results/{wildcards.dataset}/{wildcards.partition.partition('/')[0]}"
    choice = {"choice": f"{folder}/k_choice.tsv"} if partition_k(wildcards) == "auto" else {}
    return {"labels": f"{folder}/labels.tsv"} | choice


def retraining_settings(wildcards):
    """As `method_settings`, with the seed of one of the trainings that markers are compared over."""
    device = {"device": config["device"]} if METHODS[wildcards.method].stage == "train" else {}
    return in_order(method_settings(wildcards) | device | {"random_state": config["seed"] + int(wildcards.number)})


def retrained(wildcards):
    """The labels of other trainings, as many as the partition's entry under `biology` asks for."""
    wanted = [
        one["consensus_seeds"]
        for one in config["biology"]
        if "consensus_seeds" in one and one["dataset"] == wildcards.dataset and partition_of(one) == wildcards.partition
    ]
    method = wildcards.partition.partition("/")[0]
    numbers = range(1, max(wanted, default=0) + 1)
    return [f"results/{wildcards.dataset}/{method}/retrained/{number}.tsv" for number in numbers]


def partition_embedding(wildcards):
    """What a method's partition is made of; known labels have none."""
    folder = f"results/{wildcards.dataset}/{wildcards.partition.partition('/')[0]}"
    return [] if wildcards.partition == "truth" else f"{folder}/embedding.tsv"


def partition_consensus(wildcards):
    """How often markers stayed, where the method is trained again."""
    return "results/{dataset}/{partition}/consensus_markers.tsv" if retrained(wildcards) else []


def classes_of(wildcards):
    """Which clinical columns a partition is compared with; known labels are not compared with themselves.

    Names of the user's are escaped wherever they are parameters: the report writes these into a script element.
    """
    here = entry(wildcards)
    truth = [here["truth"]] if here["truth"] else []
    own = truth if wildcards.partition == "truth" else []
    return escaped(
        {
            "truth": [column for column in truth if column not in own],
            "named": (
                None if here["known_classes"] is None else [name for name in here["known_classes"] if name not in own]
            ),
            "label_tables": sorted(here["label_tables"]),
            "clinical_labels": [column for column in here["clinical_labels"] or [] if column not in own],
            "left_out": own,
        }
    )


def partition_clinic(wildcards):
    """The tests of survival and outcome over all k that a method's partition is part of."""
    folder = f"results/{wildcards.dataset}/{wildcards.partition.partition('/')[0]}"
    return [] if wildcards.partition == "truth" else [f"{folder}/survival.tsv", f"{folder}/outcome.tsv"]


def restarts_of(wildcards):
    """What the restarts ended in, for a method that k-means clusters."""
    return [] if METHODS[wildcards.method].stage == "lowrank" else "results/{dataset}/{method}/restarts.npz"


def solver_of(wildcards):
    """How well a method's problem was solved, if it solves one."""
    return "results/{dataset}/{method}/solver.tsv" if METHODS[wildcards.method].stage == "lowrank" else []


def affinity_of(wildcards):
    """The affinity that a method's clusters are cut from, if they are."""
    return "results/{dataset}/{method}/affinity.npz" if METHODS[wildcards.method].stage == "lowrank" else []


def compared(table, dataset=None, peers=True):
    """One table of every method, of one dataset or of all; with those of the rivals' published embeddings."""

    def files(wildcards):
        datasets = [dataset.format(**dict(wildcards))] if dataset else [*ANALYSED, *PEERS_WITHOUT_COHORT]
        here = [name for name in datasets if name in DATASETS]
        own = [f"results/{name}/{method}/{table}.tsv" for name in here for method in config["methods"]]
        return own + [f"results/peers/{name}/{table}.tsv" for name in datasets if peers and name in PEERS]

    return files


def peer_cohort(wildcards):
    return [f"results/{wildcards.peers}/cohort.h5mu"] if wildcards.peers in DATASETS else []


def peer_cells(wildcards):
    """The table that names the published cells, where the run has them."""
    return files_of(wildcards.peers, DATASETS[wildcards.peers])["clinical"] if named_cells(wildcards) else []


def named_cells(wildcards):
    """What the omic that names the cells and the column of their known labels are called."""
    here = DATASETS.get(wildcards.peers, {})
    return {"omic": omics_of(here)[0], "label": here["truth"] or "celltype"} if here.get("published") else None


def peer_protocol(wildcards):
    """The settings by which the methods run here are judged, for the rivals' published embeddings."""
    here = DATASETS.get(wildcards.peers, {"ks": sorted({*config["k"], N_CELL_LINES}), "clinical_labels": None})
    return {
        "ks": here["ks"],
        "n_restarts": config["kmeans_restarts"],
        "starts": config["kmeans_starts"],
        "n_draws": config["stability"]["draws"],
        "fraction": config["stability"]["fraction"],
        "clinical_labels": here["clinical_labels"],
        "max_permutations": config["max_permutations"],
        "seed": config["seed"],
    }


# One hyperparameter of one method at a time away from what the run uses.
SWEPT = [(name, value) for name, values in config["sweep"]["parameters"].items() for value in values]
SWEEP = Paramspace(pd.DataFrame(SWEPT, columns=["parameter", "value"], dtype=object))
SWEEP_METHOD = config["sweep"]["method"]


def swept_settings(wildcards):
    """A method's settings with one of them as the sweep's file is named after: its value in its own type."""
    values = {str(value): value for name, value in SWEPT if name == wildcards.parameter}
    return in_order(method_settings(wildcards) | {wildcards.parameter: values[wildcards.value]})


def ranking_figures():
    """Figures over all datasets: mean ranks and methods side by side from two datasets on, radars from three."""
    radars = [f"radar_{metric}_{space}" for metric, space in RADARS]
    methods = [f"methods_{metric}_{space}" for metric, space in SIDE_BY_SIDE]
    return radars + methods + [f"ranks_{metric}_{space}_{ranking}" for metric, space, ranking in RANKINGS]


def results_of(datasets):
    """All files a run of these datasets ends in, but for the report; of one that is not clustered its placements."""
    files = []
    for dataset in [dataset for dataset in datasets if dataset in ANALYSED]:
        files += [f"results/{dataset}/preprocessing.tsv"]
        figures = ["", "_methods", "_trust"] + ["_confusion"] * (DATASETS[dataset]["truth"] is not None)
        files += [f"results/comparison/{dataset}{figure}.png" for figure in figures]
        for method in config["methods"]:
            folder = f"results/{dataset}/{method}"
            files += [f"{folder}/metrics.tsv", f"{folder}/map.png", f"{folder}/k_choice.png", f"{folder}/survival.tsv"]
        files += [f"results/{dataset}/{method}/loss.png" for method in methods_of("train")]
        files += [f"results/{dataset}/{method}/evidence.tsv" for method in examined_methods()]
        files += [
            f"results/{dataset}/{method}/{figure}.png"
            for method in methods_of("lowrank")
            for figure in ("affinity", "representation", "convergence")
        ]
    for choice in config["biology"]:
        if choice["dataset"] in datasets:
            folder = f"results/{choice['dataset']}/{partition_of(choice)}"
            files += [f"{folder}/{table}.tsv" for table in BIOLOGY_TABLES]
            files += [f"{folder}/markers_{omic}.tsv" for omic in other_omics(choice["dataset"])]
            files += [f"{folder}/{figure}.png" for figure in BIOLOGY_FIGURES]
            files += [f"{folder}/profiles.html"]
            if has_expression(choice["dataset"]):
                files += [f"results/{choice['dataset']}/gene_overlap.tsv", f"{folder}/ssgsea.png"]
                files += [f"{folder}/gsea_phenotype.tsv"] * (config["phenotype_permutations"] > 0)
            files += [f"{folder}/consensus_markers.tsv"] * ("consensus_seeds" in choice)
            if "method" in choice and METHODS[choice["method"]].inductive:
                files += [f"{folder}/contributions.png"]
    placed = [name for name in datasets if name not in ANALYSED]
    for choice in config["predict"]:
        if choice["dataset"] in datasets or choice["cohort"] in placed:
            folder = f"results/{choice['dataset']}/{partition_of(choice)}"
            files += [f"{folder}/{PREDICTIONS[choice['by']]}_{choice['cohort']}.png"]
    return files


# Files that hold times, so that no two runs give the same bytes. The seconds of a solver, those of all fits, and tables of these.
TIMED = (
    "results/*/*/solver.tsv",
    "results/comparison/seconds.tsv",
    "results/comparison/methods.*",
    "results/benchmarks/*",
)

PREDICTIONS = {"network": "predicted", "templates": "nearest_template"}
BIOLOGY_TABLES = ("subtypes", "markers", "go", "pathways", "gsea", "survival", "control", "templates")
BIOLOGY_FIGURES = ("heatmap", "go", "pathways", "gsea", "survival")

# What of an entry changes the cohort: other gene sets or the run's k must not rerun the preprocessing.
PREPROCESSING_KEYS = (
    "source",
    "cancer",
    "cohort",
    "tables",
    "top_probes",
    "setting",
    "omics",
    "orientation",
    "tcga_barcodes",
    "preprocessing",
    "truth",
    "n_clusters",
    "n_samples",
    "proportions",
    "delta",
    "p_dmp",
    "seed",
    "counts",
    "min_cells",
    "survival",
    "covariates",
    "unknown_words",
    "known_words",
)
# Filters of sources by a cohort's own values, off.
ALL_FEATURES = {"top_probes": None, "min_cells": 0}
# What of a member's entry decides how a joined dataset reads it: its own preprocessing, truth and k do not.
MEMBER_KEYS = (
    "source",
    "cancer",
    "omics",
    "orientation",
    "tcga_barcodes",
    "survival",
    "covariates",
    "unknown_words",
    "known_words",
)
SHARED_KEYS = (
    "source",
    "truth",
    "preprocessing",
    "gene_sets",
    "gene_maps",
    "label_tables",
    "ks",
    "clinical_labels",
    "known_classes",
    "n_components",
    "survival",
    "covariates",
    "unknown_words",
    "known_words",
    "cluster",
)


def simulation_settings(entry):
    return in_order({key: value for key, value in entry.items() if key not in SHARED_KEYS})


def preprocessing_entry(entry):
    settings = in_order({key: value for key, value in entry.items() if key in PREPROCESSING_KEYS})
    if entry["source"] == "joined":
        settings["members"] = {name: member_entry(member) for name, member in entry["members"].items()}
    if entry["label_tables"]:
        settings["label_tables"] = sorted(entry["label_tables"])
    return escaped(redacted_values(settings | ({"omics": entry["omics"]} if "omics" in entry else {})))


def member_entry(member):
    return {key: member[key] for key in MEMBER_KEYS if key in member}


def new_entry(cohort):
    """How new patients are read: nothing is left out by what they have in common."""
    return preprocessing_entry(
        DATASETS[cohort]
        | {key: value for key, value in ALL_FEATURES.items() if key in DATASETS[cohort]}
        | {"preprocessing": DATASETS[cohort]["preprocessing"] | {"max_missing_feature": 1}}
    )


def declared_counts(dataset):
    """The omics that a dataset of the user's own declares as raw counts."""
    counts = DATASETS[dataset]["counts"] if DATASETS[dataset]["source"] == "files" else []
    return counts if isinstance(counts, list) else []


def source_files(dataset):
    """The files a dataset is read from, its label tables among them in the order of their names."""
    here = DATASETS[dataset]
    tables = [label_file(table, DOWNLOADS) for _, table in sorted(here["label_tables"].items())]
    return files_of(dataset, here) | ({"labels": tables} if tables else {})


def files_of(dataset, chosen):
    if chosen["source"] == "joined":
        return {
            f"{name}.{what}": files
            for name, member in chosen["members"].items()
            for what, files in files_of(name, member).items()
        }
    if chosen["source"] == "benchmark":
        return {
            "archive": f"{DOWNLOADS}/{archive_path(chosen)}",
            "clinical": f"{DOWNLOADS}/{CLINICAL_ARCHIVE}",
        }
    if chosen["source"] == "xena":
        *omics, clinical, survival = (f"{DOWNLOADS}/{path}" for path in xena_paths(chosen).values())
        return {"omics": omics, "clinical": clinical, "survival": survival}
    if chosen["source"] == "simulated":
        raw = f"results/{dataset}/raw"
        return {
            "omics": [f"{raw}/{omic}.tsv.gz" for omic in omics_of(chosen)],
            "clinical": f"{raw}/clinical.tsv",
        }
    if chosen["source"] == "intersim_published":
        *omics, clinical = (f"{DOWNLOADS}/{path}" for path in intersim_paths(chosen).values())
        return {"omics": omics, "clinical": clinical}
    if chosen["source"] == "intersim":
        return {"reference": [f"{DOWNLOADS}/{path}" for path in reference_paths(chosen, config)]}
    if chosen["source"] == "singlecell":
        *omics, metadata = (f"{DOWNLOADS}/{path}" for path in singlecell_paths(chosen).values())
        return {"omics": omics, "clinical": metadata}
    files = {"omics": list(chosen["omics"].values())}
    return files | ({"clinical": chosen["clinical"]} if chosen["clinical"] else {})
