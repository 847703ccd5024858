import copy

import pytest
import yaml

from amucl.cohort.simulation.intersim import OBJECTS, OMICS
from amucl.cohort.sources.registry import counts_declared
from amucl.config import (
    WORKFLOW_PARAMETERS,
    archive_path,
    downloadable,
    gene_set_file,
    gene_set_source,
    label_file,
    load_registry,
    reference_paths,
    resolve,
    singlecell_paths,
    xena_paths,
)
from amucl.errors import AmuclError
from amucl.methods.registry import METHODS, hyperparameters
from environment import rule_names
from tests.shared import REPOSITORY

REGISTRY_FILE = REPOSITORY / "config" / "datasets.yaml"
REGISTRY = load_registry(REGISTRY_FILE)
SITE = "http://acgt.cs.tau.ac.il/multi_omic_benchmark/data"


def read(name):
    return yaml.safe_load((REPOSITORY / "config" / name).read_text())


def minimal(**changed):
    return {"datasets": {"simulated": {}}, **changed}


@pytest.fixture
def mine(tmp_path):
    """A cohort of the user's own: the entry the documentation shows."""
    paths = {name: tmp_path / f"{name}.tsv" for name in ("rna", "meth", "clinical")}
    for path in paths.values():
        path.write_text("x")
    return {
        "source": "files",
        "omics": {"expression": str(paths["rna"]), "methylation": str(paths["meth"])},
        "clinical": str(paths["clinical"]),
        "truth": "subtype",
        "n_clusters": 4,
    }


def test_embeddings_have_the_papers_dimensions():
    """As many as clusters for simulated sets, 2 for single cells, 10 for cancers; an entry may say otherwise."""
    names = {"equal_15": 15, "intersim_equal": 5, "snareseq": 2, "embryo": 2, "aml": 10, "luad": 10}
    own = {"colon": {"n_clusters": 4}, "gbm": {"n_clusters": 4, "n_components": None}}
    datasets = resolve(minimal(datasets={name: {} for name in names} | own, mirror="."), REGISTRY)["datasets"]
    found = {name: entry["n_components"] or entry["n_clusters"] for name, entry in datasets.items()}
    assert found == names | {"colon": 10, "gbm": 4}


def test_defaults_are_filled_in():
    resolved = resolve(minimal(), REGISTRY)
    expected = {
        "seed": 1,
        "unknown_words": [],
        "known_words": [],
        "mirror": None,
        "downloads": "results/downloads",
        "methods": ["dmacl", "dmacl-published", "sglrr", "pca", "kmeans"],
        "method_settings": {},
        "k": [2, 3, 4, 5, 6, 7],
        "kmeans_restarts": 1000,
        "kmeans_starts": ["k-means++", "random"],
        "stability": {"draws": 100, "fraction": 0.8},
        "sensitivity": {"parameters": ["lam", "beta", "gamma"], "factors": [0.01, 0.1, 0.3, 1, 3, 10, 100]},
        "sweep": {"method": "dmacl", "parameters": {}},
        "max_permutations": 100_000,
        "phenotype_permutations": 0,
        "variance_trend": [],
        "markers": {"alpha": 0.05, "min_logfc": 0, "n_top": 10},
        "peers": None,
        "preprocessing": {},
        "gene_sets": {
            "go": ["go_bp"],
            "pathways": ["hallmark", "kegg", "reactome"],
            "gsea": ["hallmark", "kegg", "reactome"],
        },
        "biology": [{"dataset": "simulated", "method": "dmacl", "k": 4}],
        "predict": [],
        "threads": {"train": 1, "lowrank": 1, "enrichment": 1, "kmeans": 1},
        "device": "auto",
    }
    assert {name: value for name, value in resolved.items() if name != "datasets"} == expected
    entry = resolved["datasets"]["simulated"]
    assert entry["source"] == "simulated"
    assert (entry["n_samples"], entry["n_clusters"], entry["truth"]) == (124, 4, "subtype")
    assert entry["ks"] == [2, 3, 4, 5, 6, 7]
    assert entry["gene_sets"] == {
        "go": ["results/simulated/raw/go.gmt"],
        "pathways": ["results/simulated/raw/pathways.gmt"],
        "gsea": ["results/simulated/raw/pathways.gmt"],
        "ssgsea": ["results/simulated/raw/pathways.gmt"],
    }


def test_input_is_left_as_it_was(mine):
    config = minimal(
        datasets={"simulated": {"n_samples": 60}, "mine": mine, "aml": None}, method_settings={"dmacl": {"epochs": 3}}
    )
    before, registry = copy.deepcopy(config), copy.deepcopy(REGISTRY)
    resolved = resolve(config, REGISTRY)
    resolved["datasets"]["aml"]["preprocessing"]["log2"]["mirna"] = "changed"
    resolved["gene_sets"]["go"].append("changed")
    resolved["method_settings"]["dmacl"]["epochs"] = "changed"
    assert (config, REGISTRY) == (before, registry)


def test_resolving_twice_changes_nothing(mine):
    once = resolve(minimal(datasets={"simulated": {}, "mine": mine}), REGISTRY)
    again = {**once, "datasets": {name: dict(entry) for name, entry in once["datasets"].items()}}
    for entry in again["datasets"].values():
        del entry["ks"]
    assert resolve(again, REGISTRY) == once


@pytest.mark.parametrize("name", ["config.yaml", "paper.yaml", "simulations.yaml", "cells.yaml"])
def test_shipped_configurations_resolve(name, tmp_path):
    config = read("config.yaml") | read(name) | {"mirror": str(tmp_path)}
    resolved = resolve(config, REGISTRY)
    assert list(resolved["datasets"]) == list(config["datasets"])
    assert set(resolved["methods"]) <= set(METHODS)


@pytest.mark.parametrize("name", ["paper.yaml", "simulations.yaml", "cells.yaml"])
def test_runs_of_the_papers_compare_every_method(name):
    methods = read(name)["methods"]
    assert len(methods) == len(set(methods))
    assert set(methods) == set(METHODS)


def test_the_papers_run_is_theirs():
    resolved = resolve(read("config.yaml") | read("paper.yaml"), REGISTRY)
    assert sorted(resolved["datasets"]) == [
        *("aml", "breast", "colon", "gbm", "kidney", "liver", "luad", "lung", "melanoma", "ovarian", "sarcoma", "stad")
    ]
    assert resolved["kmeans_restarts"] == 1000
    assert resolved["biology"] == [{"dataset": "aml", "method": "dmacl", "k": 6}]
    for name, entry in resolved["datasets"].items():
        if entry["source"] == "xena":
            assert (name, name.upper()) in {("luad", entry["cohort"]), ("stad", entry["cohort"])}
        else:
            assert entry["url"] == f"{SITE}/{name}.zip"
        assert entry["omics"] == ["expression", "methylation", "mirna"]
        assert entry["gene_sets"] == resolved["gene_sets"] | {"ssgsea": ["hallmark"]}


def test_the_published_simulations(tmp_path):
    config = read("config.yaml") | read("simulations.yaml") | {"mirror": [str(tmp_path), "https://example.org/copy"]}
    resolved = resolve(config, REGISTRY)
    names = [f"{sizes}_{k}" for sizes in ("equal", "heterogeneous") for k in (5, 10, 15)]
    assert (list(resolved["datasets"]), resolved["kmeans_restarts"], resolved["biology"]) == (names, 1000, [])
    assert resolved["mirror"] == config["mirror"]
    for name, entry in resolved["datasets"].items():
        assert entry["setting"] == name.replace("_", "/")
        assert (entry["truth"], entry["url"], entry["preprocessing"]) == ("cluster", None, {"log2": False})
        assert entry["n_clusters"] == int(name.split("_")[1]) == max(7, entry["ks"][-1]) or entry["n_clusters"] == 5
        assert entry["omics"] == ["expression", "methylation", "protein"]
    files = [path for path in downloadable(resolved, REGISTRY) if not path.startswith("genesets/")]
    assert len(files) == 24
    assert files[:4] == [
        *("simulated/equal/5/omics2.txt", "simulated/equal/5/omics1.txt"),
        *("simulated/equal/5/omics3.txt", "simulated/equal/5/clusters.txt"),
    ]


def test_a_published_simulation_without_an_address_needs_a_mirror_or_its_files(tmp_path):
    config = minimal(datasets={"equal_5": {"omics": ["protein"]}}, gene_sets={"go": [], "pathways": [], "gsea": []})
    with pytest.raises(AmuclError) as error:
        resolve(config, REGISTRY)
    assert str(error.value) == (
        "simulated/equal/5/omics3.txt: no address is known for this file; expected config key `mirror`: a folder or "
        "URL that has it; config/README.md says where it was published"
    )
    for name in ("omics3.txt", "clusters.txt"):
        file = tmp_path / "simulated" / "equal" / "5" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    assert resolve(config | {"downloads": str(tmp_path)}, REGISTRY)["biology"] == []
    config["datasets"]["equal_5"]["url"] = "https://example.org/equal/5/"
    sources = downloadable(resolve(config, REGISTRY), REGISTRY)
    assert {path: source["url"] for path, source in sources.items()} == {
        f"simulated/equal/5/{name}": f"https://example.org/equal/5/{name}" for name in ("omics3.txt", "clusters.txt")
    }


def test_expression_of_a_published_simulation_is_explained_unless_told_otherwise(tmp_path):
    resolved = resolve(minimal(datasets={"heterogeneous_10": {}}, mirror=str(tmp_path)), REGISTRY)
    assert resolved["biology"] == [{"dataset": "heterogeneous_10", "method": "dmacl", "k": 10}]
    assert resolved["datasets"]["heterogeneous_10"]["gene_sets"]["go"] == ["go_bp"]


JOINED = {
    "joined3": ["aml", "colon", "kidney"],
    "joined4": ["liver", "lung", "ovarian", "sarcoma"],
    "joined5": ["colon", "kidney", "lung", "melanoma", "liver"],
    "joined7": ["aml", "colon", "kidney", "liver", "lung", "ovarian", "sarcoma"],
    "joined8": ["aml", "colon", "kidney", "liver", "lung", "melanoma", "ovarian", "sarcoma"],
}


def joined(*members, **changed):
    return {"source": "joined", "members": list(members), "omics": ["mirna"], **changed}


def test_drawn_cohorts_take_the_package_or_what_a_mirror_has_of_it(tmp_path):
    nowhere = {"downloads": str(tmp_path / "downloads")}
    drawn = {"intersim_equal": {"delta": dict.fromkeys(OMICS, 0.5)}}
    resolved = resolve(minimal(datasets=drawn, **nowhere), REGISTRY)
    entry = resolved["datasets"]["intersim_equal"]
    assert (entry["n_samples"], entry["proportions"], entry["p_dmp"], entry["truth"]) == (160, "equal", 0.2, "cluster")
    archive = "intersim/InterSIM_2.2.0.tar.gz"
    cran = "https://cran.r-project.org/src/contrib/Archive/InterSIM/InterSIM_2.2.0.tar.gz"
    assert downloadable(resolved, REGISTRY)[archive] == {"url": cran, "mirror_path": archive, "sha256": None}
    whole, empty = tmp_path / "whole", tmp_path / "empty"

    def paths(*mirrors, downloads="absent"):
        return reference_paths(entry, {"mirror": list(mirrors), "downloads": str(downloads)})

    for file in (whole / "intersim" / f"{name}.rda" for name in OBJECTS):
        file.parent.mkdir(parents=True, exist_ok=True)
        assert paths(str(whole)) == [archive], "a folder that lacks one of the files"
        file.touch()
    files = [f"intersim/{name}.rda" for name in OBJECTS]
    assert paths(str(whole)) == paths("https://a.org", str(whole)) == paths(downloads=whole) == files
    (empty / "intersim").mkdir(parents=True)
    (empty / archive).touch()
    assert paths(str(empty), str(whole)) == paths(str(whole), downloads=empty) == [archive]
    assert paths(str(whole), str(empty)) == files
    named = downloadable(resolve(minimal(datasets=drawn, mirror=str(whole), **nowhere), REGISTRY), REGISTRY)
    assert {path: source["url"] for path, source in named.items() if "intersim" in path} == dict.fromkeys(files)


def test_single_cells_are_fetched_by_address_or_had_from_a_mirror(tmp_path):
    resolved = resolve(minimal(datasets={"embryo": {}, "snareseq": {}}), REGISTRY)
    entry = resolved["datasets"]["embryo"]
    assert (entry["counts"], entry["min_cells"], entry["truth"]) == (["rna", "atac"], 3, "celltype")
    assert singlecell_paths(entry)["metadata"] == "singlecell/HumanEmbryo_metadata.RDS"
    files = downloadable(resolved, REGISTRY)
    assert files["singlecell/HumanEmbryo_RNAseqCounts.RDS"]["url"] == entry["omics"]["rna"]
    assert files["singlecell/snareseq/SNAREseq_rna_feat.npy"]["sha256"].startswith("a8a2c2bbfc")
    assert resolved["biology"] == [], "no omic is called expression"
    cells = minimal(datasets={"cell_lines": {}}, downloads=str(tmp_path / "downloads"))
    with pytest.raises(AmuclError, match=r"^singlecell/CellLines_RNAseqCounts\.RDS: no address is known for this file"):
        resolve(cells, REGISTRY)
    with_mirror = resolve(cells | {"mirror": str(tmp_path)}, REGISTRY)
    assert downloadable(with_mirror, REGISTRY)["singlecell/CellLines_ATACseqCounts.RDS"]["url"] is None


@pytest.mark.parametrize(
    ("dataset", "changed", "message"),
    [
        (
            "intersim_equal",
            {"n_clusters": 90},
            "datasets.intersim_equal`: `n_samples`, `n_clusters` and `proportions`: ",
        ),
        ("intersim_equal", {"proportions": [1, 2]}, "`proportions`: one share per cluster; expected 5; got 2"),
        (
            "intersim_equal",
            {"proportions": [1, 2, 0, 1, 1]},
            "proportions` is wrong; expected equal or heterogeneous or",
        ),
        ("intersim_equal", {"proportions": "even"}, "expected equal or heterogeneous or a list of numbers; got 'even'"),
        (
            "intersim_equal",
            {"delta": {"protein": 1}},
            "delta` is wrong; expected a number or a mapping of omics to such",
        ),
        ("intersim_equal", {"p_dmp": 1.5}, "intersim_equal.p_dmp` is wrong; expected at most 1; got 1.5"),
        ("intersim_equal", {"omics": ["mirna"]}, "expected expression or methylation or protein; got 'mirna'"),
        ("embryo", {"counts": ["rna", "atak"]}, "counts`: `atak` is no omic of this dataset (did you mean `atac`?)"),
        ("embryo", {"sha256": {"adt": "0" * 64}}, "embryo.sha256`: `adt` is no file of this dataset; expected rna, at"),
        ("embryo", {"sha256": {"rna": "0"}}, "sha256.rna` is wrong; expected 64 hexadecimal digits; got '0'"),
        (
            "embryo",
            {"omics": {"rna": "../a.RDS"}},
            "omics.rna` is wrong; expected a URL or name of an .RDS or .npy file",
        ),
        ("embryo", {"metadata": "a.xlsx"}, "embryo.metadata` is wrong; expected a URL or name of an .RDS or text file"),
        ("embryo", {"folder": "../x"}, "embryo.folder` is wrong; expected a folder below that of the downloads; got"),
        ("embryo", {"min_cells": 0}, "embryo.min_cells` is wrong; expected at least 1; got 0"),
    ],
)
def test_mistakes_about_drawn_cohorts_and_cells(dataset, changed, message):
    with pytest.raises(AmuclError) as error:
        resolve(minimal(datasets={dataset: changed}), REGISTRY)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_joined_cancers():
    config = read("config.yaml") | read("joined.yaml") | {"methods": ["sglrr"]}
    resolved = resolve(config, REGISTRY)
    assert {name: list(entry["members"]) for name, entry in resolved["datasets"].items()} == JOINED
    for name, entry in resolved["datasets"].items():
        assert (entry["truth"], entry["n_clusters"], entry["omics"]) == ("cancer", int(name[-1]), ["mirna"])
        assert entry["preprocessing"] == {"log2": True, "normalize": "none"}
        assert entry["n_clusters"] in entry["ks"]
        for cancer, member in entry["members"].items():
            assert (member["cancer"], member["omics"]) == (cancer, ["mirna"])  # the registry declares three
    assert resolved["biology"] == []  # without expression there is nothing to explain
    archives = [path for path in downloadable(resolved, REGISTRY) if not path.startswith("genesets/")]
    assert sorted(archives) == [f"benchmark/{name}.zip" for name in sorted([*JOINED["joined8"], "clinical"])]
    assert all(REGISTRY["datasets"][name]["members"] == members for name, members in JOINED.items())


def test_the_joined_methods_are_those_of_the_comparison():
    methods = ["sglrr", "glrr", "lrrsc", "lrr", "lrr-l21", "spectral", "kmeans", "pca"]
    assert read("joined.yaml")["methods"] == methods


def test_a_member_is_resolved_as_any_dataset(mine):
    own_url = "https://example.org/aml.zip"
    datasets = {"both": joined("aml", "colon", "mine"), "aml": {"url": own_url, "omics": ["mirna"]}}
    datasets["mine"] = mine | {"omics": {"other": mine["omics"]["methylation"], "mirna": mine["omics"]["expression"]}}
    resolved = resolve(minimal(datasets=datasets), REGISTRY)
    members = resolved["datasets"]["both"]["members"]
    assert list(members) == ["aml", "colon", "mine"]
    assert (members["aml"]["url"], members["colon"]["url"]) == (own_url, f"{SITE}/colon.zip")
    assert members["mine"]["omics"] == {"mirna": mine["omics"]["expression"]}
    assert list(resolved["datasets"]["mine"]["omics"]) == ["other", "mirna"]  # itself it keeps all
    assert downloadable(resolved, REGISTRY)["benchmark/aml.zip"]["url"] == own_url
    assert resolved["datasets"]["both"]["n_clusters"] == 3


def test_a_joined_entry_may_say_otherwise():
    entry = joined("aml", "colon", truth="gender", n_clusters=5, clinical_labels=["gender"], omics=["expression"])
    resolved = resolve(minimal(datasets={"both": entry}), REGISTRY)
    entry = resolved["datasets"]["both"]
    assert (entry["truth"], entry["n_clusters"], entry["clinical_labels"]) == ("gender", 5, ["gender"])
    assert entry["gene_sets"] == resolved["gene_sets"] | {"ssgsea": ["hallmark"]}
    assert resolved["biology"] == [{"dataset": "both", "method": "dmacl", "k": 5}]
    changed = resolve(minimal(datasets={"joined4": {"members": ["lung", "liver"]}}), REGISTRY)["datasets"]["joined4"]
    assert (list(changed["members"]), changed["n_clusters"]) == (["lung", "liver"], 2)


def test_biology_of_known_labels_of_a_suggested_k_and_without_expression():
    chosen = [
        {"dataset": "simulated", "labels": "truth"},
        {"dataset": "simulated", "k": "auto", "method": "pca"},
        {"dataset": "aml", "k": 9},
    ]
    datasets = {"simulated": {}, "aml": {"omics": ["mirna"]}}
    resolved = resolve(minimal(datasets=datasets, biology=chosen), REGISTRY)
    assert resolved["biology"] == [chosen[0], chosen[1], {"dataset": "aml", "k": 9, "method": "dmacl"}]
    assert resolved["datasets"]["simulated"]["ks"] == [2, 3, 4, 5, 6, 7]
    assert 9 in resolved["datasets"]["aml"]["ks"]


def test_predictions_by_templates_take_any_method_and_known_labels():
    chosen = [
        {"dataset": "simulated", "cohort": "simulated", "by": "templates", "method": "pca", "k": "auto"},
        {"dataset": "simulated", "cohort": "simulated", "by": "templates", "labels": "truth"},
    ]
    assert resolve(minimal(predict=chosen), REGISTRY)["predict"] == chosen


def test_patients_are_scored_by_hallmark_or_the_first_collection_of_gsea(mine):
    entry = resolve(minimal(datasets={"aml": {}, "mine": mine}), REGISTRY)["datasets"]["aml"]
    assert entry["gene_sets"]["ssgsea"] == ["hallmark"]
    config = minimal(datasets={"mine": mine}, gene_sets={"gsea": ["kegg", "reactome"]})
    assert resolve(config, REGISTRY)["datasets"]["mine"]["gene_sets"]["ssgsea"] == ["kegg"]
    mine["gene_sets"] = {"ssgsea": ["reactome"]}
    assert resolve(config, REGISTRY)["datasets"]["mine"]["gene_sets"]["ssgsea"] == ["reactome"]


def test_counts_are_logged(mine):
    mine["counts"] = ["expression"]
    entry = resolve(minimal(datasets={"mine": mine}), REGISTRY)["datasets"]["mine"]
    assert entry["preprocessing"]["log2"] == {"expression": True, "methylation": "auto"}
    for log2 in (False, {"expression": False}):
        mine["preprocessing"] = {"log2": log2}
        with pytest.raises(AmuclError, match="log2`: expression is declared as `counts`; expected true or auto"):
            resolve(minimal(datasets={"mine": mine}), REGISTRY)


def test_counts_are_recognised_unless_their_omics_are_listed(mine):
    entry = resolve(minimal(datasets={"mine": mine}), REGISTRY)["datasets"]["mine"]
    assert (entry["counts"], entry["preprocessing"].get("log2", "auto")) == ("auto", "auto")
    assert counts_declared(entry) == "auto"
    mine["counts"] = []
    assert counts_declared(resolve(minimal(datasets={"mine": mine}), REGISTRY)["datasets"]["mine"]) == []
    for wrong in ("all", {"expression": True}, [3]):
        mine["counts"] = wrong
        with pytest.raises(AmuclError, match=r"`datasets\.mine\.counts.* is wrong; expected "):
            resolve(minimal(datasets={"mine": mine}), REGISTRY)


def test_sources_that_say_what_values_are_have_no_counts_to_recognise():
    entries = resolve(minimal(datasets={"aml": {}, "simulated": {}, "embryo": {}}, mirror="."), REGISTRY)["datasets"]
    assert [counts_declared(entry) for entry in entries.values()] == [None] * 3


def test_counts_of_joined_datasets_are_those_of_their_members(mine):
    def resolved(counts, /, *members, **own):
        entry = {key: value for key, value in mine.items() if key != "truth"}
        given = {"a": entry | {"counts": counts[0]}, "b": entry | {"counts": counts[1]}}
        given["both"] = joined(*members, omics=["expression"]) | own
        return counts_declared(resolve(minimal(datasets=given), REGISTRY)["datasets"]["both"])

    assert resolved((["expression"], ["expression"]), "a", "b") == ["expression"]
    assert resolved(("auto", "auto"), "a", "b") == "auto"
    assert resolved(([], []), "a", "b") == []
    assert resolved(([], []), "a", "b", counts=["expression"]) == ["expression"]
    assert resolved(([], []), "breast", "gbm") is None
    with pytest.raises(AmuclError, match="expression of a are counts, of b they are not"):
        resolved((["expression"], []), "a", "b")
    with pytest.raises(AmuclError, match=r"is not on one scale|are counts, of aml they are not"):
        resolved((["expression"], []), "a", "aml")


def test_predictions_are_completed():
    chosen = [{"dataset": "aml", "cohort": "simulated"}, {"dataset": "aml", "cohort": "aml", "method": "dmacl", "k": 9}]
    resolved = resolve(
        minimal(datasets={"aml": {}, "simulated": {}}, methods=["pca", "dmacl"], predict=chosen), REGISTRY
    )
    assert resolved["predict"] == [
        {"dataset": "aml", "method": "dmacl", "k": 6, "cohort": "simulated", "by": "network"},
        {"dataset": "aml", "method": "dmacl", "k": 9, "cohort": "aml", "by": "network"},
    ]
    assert resolved["datasets"]["aml"]["ks"] == [2, 3, 4, 5, 6, 7, 9]


def test_members_on_one_scale_or_of_unknown_scale(mine):
    del mine["truth"]
    mine["omics"] = {"mirna": mine["omics"]["expression"]}
    logged = joined("breast", "gbm", "mine", omics=["mirna"])
    assert resolve(minimal(datasets={"a": logged, "mine": mine}), REGISTRY)
    assert resolve(minimal(datasets={"a": joined("aml", "breast", omics=["methylation"])}), REGISTRY)
    mine["preprocessing"] = {"log2": {"mirna": True}}
    with pytest.raises(AmuclError, match="mirna of mine and of breast is not on one scale"):
        resolve(minimal(datasets={"a": logged, "mine": mine}), REGISTRY)


def test_files_of_members_are_checked(mine):
    mine["omics"] = {"mirna": "absent.tsv"}
    with pytest.raises(
        AmuclError, match=r"absent\.tsv: the file of config key `datasets\.mine\.omics\.mirna` does not"
    ):
        resolve(minimal(datasets={"a": joined("aml", "mine"), "mine": mine}), REGISTRY)


def test_registry_is_valid_and_complete():
    assert set(REGISTRY) == {"datasets", "gene_sets"}
    assert len(REGISTRY["datasets"]) == 29
    assert set(REGISTRY["gene_sets"]) == {"hallmark", "kegg", "reactome", "go_bp"}


@pytest.mark.parametrize("method", METHODS)
def test_presets_hold_real_hyperparameters(method):
    resolve(minimal(method_settings={method: METHODS[method].preset}), REGISTRY)
    assert set(METHODS[method].preset) <= set(hyperparameters(method)) - WORKFLOW_PARAMETERS


@pytest.mark.parametrize("name", ["train", "report", "all", "logs", "comparison"])
def test_no_dataset_has_the_name_of_a_rule_or_folder(name):
    """Each dataset is a target beside the rules: a dataset named like a rule would shadow it."""
    rules = rule_names(REPOSITORY / "workflow")
    assert {"train", "report", "all", "dataset_report"} <= rules
    message = f"config key `datasets.{name}`: this is the name of a rule or folder; choose another"
    with pytest.raises(AmuclError, match=message):
        resolve(minimal(datasets={name: {"source": "simulated"}}), REGISTRY, rules=rules)
    if name in rules:
        assert name in resolve(minimal(datasets={name: {"source": "simulated"}}), REGISTRY)["datasets"]


def test_entry_is_laid_over_the_registrys():
    config = minimal(
        datasets={"aml": {"n_clusters": 6, "preprocessing": {"log2": {"mirna": False}, "top_features": 500}}},
        preprocessing={"impute": "median", "top_features": 1000, "log2": True},
    )
    entry = resolve(config, REGISTRY)["datasets"]["aml"]
    assert entry["url"] == f"{SITE}/aml.zip"
    assert entry["preprocessing"] == {
        "impute": "median",
        "top_features": 500,
        "log2": {"expression": True, "methylation": False, "mirna": False},
    }
    assert entry["ks"] == [2, 3, 4, 5, 6, 7]


def test_settings_of_omics_a_dataset_lacks_are_not_inherited():
    config = minimal(
        datasets={"colon": {"omics": ["mirna"]}, "aml": {}}, preprocessing={"top_features": {"methylation": 9}}
    )
    datasets = resolve(config, REGISTRY)["datasets"]
    assert datasets["colon"]["preprocessing"] == {"log2": {"mirna": True}, "top_features": {}}
    assert datasets["aml"]["preprocessing"]["top_features"] == {"methylation": 9}


def test_entry_of_another_source_owes_nothing_to_the_registrys(mine):
    del mine["truth"]
    entry = resolve(minimal(datasets={"simulated": mine}), REGISTRY)["datasets"]["simulated"]
    assert entry["truth"] is None
    assert "n_samples" not in entry


def test_the_users_own_cohort_needs_nothing_else(mine):
    resolved = resolve(minimal(datasets={"mine": mine}), REGISTRY)
    entry = resolved["datasets"]["mine"]
    assert (entry["orientation"], entry["tcga_barcodes"], entry["preprocessing"]) == ("features_in_rows", False, {})
    assert entry["gene_sets"] == resolved["gene_sets"] | {"ssgsea": ["hallmark"]}
    assert resolved["biology"] == [{"dataset": "mine", "method": "dmacl", "k": 4}]


def test_only_omics_are_required(mine):
    config = minimal(datasets={"mine": {"source": "files", "omics": {"mutations": mine["omics"]["expression"]}}})
    resolved = resolve(config, REGISTRY)
    entry = resolved["datasets"]["mine"]
    assert (entry["clinical"], entry["truth"], entry["n_clusters"]) == (None, None, None)
    assert resolved["biology"] == []  # without expression there is nothing to explain


def test_reference_and_chosen_k_are_evaluated_too(mine):
    mine["n_clusters"] = 15
    config = minimal(
        datasets={"mine": mine, "simulated": {}},
        k=[3, 2],
        biology=[{"dataset": "mine", "method": "pca", "k": 9}, {"dataset": "mine"}, {"dataset": "simulated"}],
    )
    resolved = resolve(config, REGISTRY)
    assert resolved["datasets"]["mine"]["ks"] == [2, 3, 9, 15]
    assert resolved["datasets"]["simulated"]["ks"] == [2, 3, 4]
    assert resolved["biology"] == [
        {"dataset": "mine", "method": "pca", "k": 9},
        {"dataset": "mine", "method": "dmacl", "k": 15},
        {"dataset": "simulated", "method": "dmacl", "k": 4},
    ]


def test_k_is_six_where_nothing_is_known(mine):
    del mine["n_clusters"]
    assert resolve(minimal(datasets={"mine": mine}, k=[2]), REGISTRY)["datasets"]["mine"]["ks"] == [2, 6]


def test_label_tables_by_path_url_and_name_in_a_mirror(tmp_path, mine):
    own, kept = tmp_path / "own.tsv", tmp_path / "mirror" / "labels" / "aml" / "types.tsv"
    kept.parent.mkdir(parents=True)
    for file in (own, kept):
        file.write_text("sample\tlabel\n")
    url = "https://example.org/types.csv"
    mine["label_tables"] = {"own": str(own), "web": url, "kept": "labels/aml/types.tsv"}
    for mirror in (str(tmp_path / "mirror"), ["https://example.org/mirror", str(tmp_path)]):
        config = resolve(minimal(datasets={"mine": mine}, mirror=mirror), REGISTRY)
        assert config["datasets"]["mine"]["label_tables"] == mine["label_tables"]
        sources = downloadable(config, REGISTRY)
        assert sources["labels/types.csv"] == {"url": url, "mirror_path": "labels/types.csv", "sha256": None}
        assert sources["labels/aml/types.tsv"]["url"] is None
        assert not any("own" in name for name in sources)
    files = [label_file(table, "downloads") for table in mine["label_tables"].values()]
    assert files == [str(own), "downloads/labels/types.csv", "downloads/labels/aml/types.tsv"]
    with pytest.raises(AmuclError, match=r"label_tables\.kept` does not exist"):
        resolve(minimal(datasets={"mine": mine}, mirror=str(tmp_path)), REGISTRY)


def test_gene_sets_by_name_path_and_url(tmp_path, mine):
    own = tmp_path / "own.gmt"
    own.write_text("A\t\tTP53\n")
    url = "https://example.org/sets/c6.gmt?version=1"
    mine["gene_sets"] = {"go": [str(own)], "gsea": [url, "hallmark"]}
    config = resolve(minimal(datasets={"mine": mine, "aml": {}}), REGISTRY)
    assert config["datasets"]["mine"]["gene_sets"]["pathways"] == ["hallmark", "kegg", "reactome"]
    assert gene_set_file(str(own), REGISTRY, "downloads") == str(own)
    assert gene_set_file(url, REGISTRY, "downloads") == "downloads/genesets/c6.gmt"
    assert gene_set_file("go_bp", REGISTRY, "d") == "d/genesets/enrichr.GO_Biological_Process_2021.gmt"
    assert gene_set_source(url, REGISTRY) == {"url": url, "mirror_path": "genesets/c6.gmt", "sha256": None}
    hallmark = REGISTRY["gene_sets"]["hallmark"]["url"]
    assert gene_set_source("hallmark", REGISTRY) == {
        "url": hallmark,
        "mirror_path": "genesets/h.all.v7.0.symbols.gmt",
        "sha256": None,
    }


def test_downloadable_files_are_those_the_run_names(tmp_path, mine):
    config = resolve(minimal(datasets={"aml": {"sha256": "a" * 64}, "gbm": {}}), REGISTRY)
    files = downloadable(config, REGISTRY)
    assert sorted(files) == [
        "benchmark/aml.zip",
        "benchmark/clinical.zip",
        "benchmark/gbm.zip",
        "genesets/c2.cp.kegg.v7.5.1.symbols.gmt",
        "genesets/c2.cp.reactome.v6.2.symbols.gmt",
        "genesets/enrichr.GO_Biological_Process_2021.gmt",
        "genesets/h.all.v7.0.symbols.gmt",
    ]
    assert files["benchmark/aml.zip"] == {
        "url": f"{SITE}/aml.zip",
        "mirror_path": archive_path(config["datasets"]["aml"]),
        "sha256": "a" * 64,
    }
    assert all(source["mirror_path"] == path for path, source in files.items())
    assert downloadable(resolve(minimal(), REGISTRY), REGISTRY) == {}


HUB = "https://tcga-xena-hub.s3.us-east-1.amazonaws.com/download"


def test_cohorts_of_the_hub_by_name_alone():
    coadread = {"source": "xena", "cohort": "COADREAD", "omics": ["mirna", "methylation"]}
    coadread["tables"] = {"methylation": "HumanMethylation27"}
    resolved = resolve(minimal(datasets={"luad": {}, "stad": {}, "bowel": coadread}), REGISTRY)
    luad, stad, bowel = resolved["datasets"].values()
    assert [entry["cohort"] for entry in (luad, stad, bowel)] == ["LUAD", "STAD", "COADREAD"]
    assert (luad["n_clusters"], stad["n_clusters"], luad["top_probes"]) == (None, None, 20000)
    assert list(xena_paths(luad).items()) == [
        ("expression", "xena/TCGA.LUAD.sampleMap/HiSeqV2.gz"),
        ("methylation", "xena/TCGA.LUAD.sampleMap/HumanMethylation450.gz"),
        ("mirna", "xena/TCGA.LUAD.sampleMap/miRNA_HiSeq_gene.gz"),
        ("clinical", "xena/TCGA.LUAD.sampleMap/LUAD_clinicalMatrix"),
        ("survival", "xena/survival/LUAD_survival.txt"),
    ]
    files = downloadable(resolved, REGISTRY)
    assert {path for path in files if "COADREAD" in path} == set(xena_paths(bowel).values())
    assert files["xena/TCGA.COADREAD.sampleMap/HumanMethylation27.gz"] == {
        "url": f"{HUB}/TCGA.COADREAD.sampleMap%2FHumanMethylation27.gz",
        "mirror_path": "xena/TCGA.COADREAD.sampleMap/HumanMethylation27.gz",
        "sha256": None,
    }
    assert files["xena/survival/STAD_survival.txt"]["url"] == f"{HUB}/survival%2FSTAD_survival.txt"


def test_tables_of_the_hub_are_logged_already():
    def log2(entry, **config):
        return resolve(minimal(datasets={"luad": entry}, **config), REGISTRY)["datasets"]["luad"]["preprocessing"]

    assert log2({})["log2"] is False
    assert log2({}, preprocessing={"log2": "auto", "impute": "median"}) == {"log2": False, "impute": "median"}
    assert log2({"preprocessing": {"top_features": 9}}) == {"log2": False, "top_features": 9}
    assert log2({"preprocessing": {"log2": {"mirna": True}}})["log2"] == {"mirna": True}


def dataset(**entry):
    return {"datasets": {"simulated": entry}}


def settings(**values):
    return {"method_settings": {"dmacl": values}}


# What is wrong, and the whole message.
WRONG = {
    "unknown key": ({"metods": ["pca"]}, "config key `metods` is unknown (did you mean `methods`?); expected one of"),
    "unknown key without a likeness": ({"xyz": 1}, "config key `xyz` is unknown; expected one of seed, mirror,"),
    "no datasets": ({"datasets": {}}, "config key `datasets` is wrong; expected at least 1 entry; got {}"),
    "datasets as a list": ({"datasets": ["aml"]}, "config key `datasets` is wrong; expected a mapping; got ['aml']"),
    "unknown dataset": (
        {"datasets": {"amll": {}}},
        "config key `datasets.amll` is unknown (did you mean `aml`?); expected a name of the registry (simulated, aml,",
    ),
    "dataset as text": (
        {"datasets": {"aml": "yes"}},
        "config key `datasets.aml` is wrong; expected an entry (source, omics, ...) or nothing; got 'yes'",
    ),
    "dataset named like a folder": (
        {"datasets": {"peers": None}},
        "config key `datasets.peers`: this is the name of a rule or folder; choose another",
    ),
    "dataset named like a path": ({"datasets": {"a/b": None}}, "config key `datasets.a/b`: the name cannot be used"),
    "dataset with an accent": (
        {"datasets": {"données": None}},
        "config key `datasets.données`: the name cannot be used",
    ),
    "dataset named by a number": (
        {"datasets": {2024: None}},
        "config key `datasets.2024`: the name cannot be used; expected text of letters (a to z), digits, - and _",
    ),
    "unknown source": (
        {"datasets": {"mine": {"source": "file"}}},
        "config key `datasets.mine.source` is wrong (did you mean `files`?); expected simulated or benchmark or",
    ),
    "key of another source": (dataset(omics={}), "config key `datasets.simulated.omics` is unknown; expected one of"),
    "files without omics": ({"datasets": {"a": {"source": "files"}}}, "config key `datasets.a.omics` is missing"),
    "no omic": (
        {"datasets": {"a": {"source": "files", "omics": {}}}},
        "config key `datasets.a.omics` is wrong; expected at least 1 entry; got {}",
    ),
    "omic name": (
        {"datasets": {"a": {"source": "files", "omics": {"my omic": "x"}}}},
        "config key `datasets.a.omics` is wrong; expected a name of letters (a to z), digits and _ that begins with",
    ),
    "file that is not there": (
        {"datasets": {"a": {"source": "files", "omics": {"expression": "absent.tsv"}}}},
        "absent.tsv: the file of config key `datasets.a.omics.expression` does not exist; check the path",
    ),
    "folder for a file": (
        {"datasets": {"a": {"source": "files", "omics": {"expression": "."}}}},
        ".: the file of config key `datasets.a.omics.expression` is a directory; expected a file",
    ),
    "truth without a table": (
        {"datasets": {"a": {"source": "files", "omics": {"expression": str(REGISTRY_FILE)}, "truth": "type"}}},
        "config key `datasets.a.truth` is wrong; expected a `clinical` table with this column; got 'type'",
    ),
    "orientation": (
        {"datasets": {"a": {"source": "files", "omics": {"expression": "x"}, "orientation": "rows"}}},
        "`datasets.a.orientation` is wrong; expected features_in_rows or samples_in_rows; got 'rows'",
    ),
    "truth value of barcodes": (
        {"datasets": {"a": {"source": "files", "omics": {"expression": "x"}, "tcga_barcodes": "yes"}}},
        "`datasets.a.tcga_barcodes` is wrong; expected true or false; got 'yes'",
    ),
    "cohort in small letters": (
        {"datasets": {"luad": {"cohort": "luad"}}},
        "config key `datasets.luad.cohort` is wrong; expected capital letters (A to Z); got 'luad'",
    ),
    "cohort that is none": ({"datasets": {"a": {"source": "xena"}}}, "config key `datasets.a.cohort` is missing"),
    "unknown table of the hub": (
        {"datasets": {"luad": {"tables": {"methylation": "HumanMethylation850"}}}},
        "config key `datasets.luad.tables.methylation` is wrong; expected HumanMethylation450 or HumanMethylation27",
    ),
    "unknown omic of the hub": (
        {"datasets": {"luad": {"omics": ["protein"]}}},
        "config key `datasets.luad.omics[0]` is wrong; expected expression or methylation or mirna; got 'protein'",
    ),
    "one probe": (
        {"datasets": {"luad": {"top_probes": 1}}},
        "config key `datasets.luad.top_probes` is wrong; expected",
    ),
    "unknown omic of the benchmark": (
        {"datasets": {"aml": {"omics": ["rna"]}}},
        "config key `datasets.aml.omics[0]` is wrong; expected expression or methylation or mirna; got 'rna'",
    ),
    "sha256": (
        {"datasets": {"aml": {"sha256": "abc"}}},
        "config key `datasets.aml.sha256` is wrong; expected 64 hexadecimal digits; got 'abc'",
    ),
    "one cluster": (dataset(n_clusters=1), "`datasets.simulated.n_clusters` is wrong; expected at least 2; got 1"),
    "share above one": (dataset(missing_omic=0.9), "`datasets.simulated.missing_omic` is wrong; expected at most 0.5"),
    "preprocessing of a dataset": (
        dataset(preprocessing={"imput": "knn"}),
        "config key `datasets.simulated.preprocessing.imput` is unknown (did you mean `impute`?); expected one of",
    ),
    "preprocessing of all": (
        {"preprocessing": {"patiens": "partial"}},
        "config key `preprocessing.patiens` is unknown (did you mean `patients`?); expected one of patients,",
    ),
    "value of preprocessing": (
        {"preprocessing": {"normalize": "minmax"}},
        "config key `preprocessing.normalize` is wrong; expected zscore or center or max or none; got 'minmax'",
    ),
    "log2": (
        {"preprocessing": {"log2": "maybe"}},
        "`preprocessing.log2` is wrong; expected true or false or auto or a mapping of omics to such values; got 'mayb",
    ),
    "top_features": (
        dataset(preprocessing={"top_features": 1}),
        "`datasets.simulated.preprocessing.top_features` is wrong; expected a whole number of at least 2 or null or a",
    ),
    "setting of an omic that is not there": (
        {"preprocessing": {"log2": {"protein": True}}},
        "config key `preprocessing.log2`: `protein` is no omic of this run; expected expression, methylation, mirna",
    ),
    "trend of an omic that is not there": (
        {"variance_trend": ["expresion"]},
        "config key `variance_trend`: `expresion` is no omic of this run (did you mean `expression`?)",
    ),
    "no level of significance": ({"markers": {"alpha": 0}}, "`markers.alpha` is wrong; expected more than 0; got 0"),
    "level above one": ({"markers": {"alpha": 5}}, "`markers.alpha` is wrong; expected at most 1; got 5"),
    "negative fold change": (
        {"markers": {"min_logfc": -1}},
        "`markers.min_logfc` is wrong; expected at least 0; got -1",
    ),
    "unknown limit of markers": ({"markers": {"logfc": 1}}, "`markers.logfc` is unknown (did you mean `min_logfc`?)"),
    "trend that is no list": ({"variance_trend": True}, "`variance_trend` is wrong; expected a list; got True"),
    "dataset's setting of an omic it lacks": (
        dataset(preprocessing={"top_features": {"mirnas": 50}}),
        "`datasets.simulated.preprocessing.top_features`: `mirnas` is no omic of this run (did you mean `mirna`?)",
    ),
    "unknown method": (
        {"methods": ["dmcl"]},
        "config key `methods`: `dmcl` is no method (did you mean `dmacl`?); expected dmacl, dmacl-published, sglrr,",
    ),
    "no method": ({"methods": []}, "config key `methods` is wrong; expected at least 1 item(s); got []"),
    "method twice": ({"methods": ["pca", "pca"]}, "config key `methods` is wrong; expected each item once; got ['pca'"),
    "methods as text": ({"methods": "pca"}, "config key `methods` is wrong; expected a list; got 'pca'"),
    "settings of an unknown method": (
        {"method_settings": {"dmalc": {}}},
        "config key `method_settings`: `dmalc` is no method (did you mean `dmacl`?); expected dmacl,",
    ),
    "unknown hyperparameter": (
        settings(epoch=5),
        "config key `method_settings.dmacl.epoch` is unknown (did you mean `epochs`?); expected one of normalization,",
    ),
    "hyperparameter of the workflow": (
        settings(device="cpu"),
        "config key `method_settings.dmacl.device` is unknown; expected one of",
    ),
    "type of a hyperparameter": (
        settings(epochs="many"),
        "config key `method_settings.dmacl.epochs` is wrong; expected a whole number or null; got 'many'",
    ),
    "number that YAML reads as text": (
        settings(learning_rate="1e-3"),
        "`method_settings.dmacl.learning_rate` is wrong; expected a number; got '1e-3'; write 1e-3 as 1.0e-3, which",
    ),
    "k below two": ({"k": [1, 2]}, "config key `k[0]` is wrong; expected at least 2; got 1"),
    "k that is not whole": ({"k": [2, 3.0]}, "config key `k[1]` is wrong; expected a whole number of at least 2; got"),
    "k as one number": ({"k": 4}, "config key `k` is wrong; expected a list; got 4"),
    "k twice": ({"k": [2, 2]}, "config key `k` is wrong; expected each item once; got [2, 2]"),
    "truth value for a number": ({"seed": True}, "config key `seed` is wrong; expected a whole number of at least 0;"),
    "text for a number": ({"seed": "1"}, "config key `seed` is wrong; expected a whole number of at least 0; got '1'"),
    "negative seed": ({"seed": -1}, "config key `seed` is wrong; expected at least 0; got -1"),
    "unknown start": (
        {"kmeans_starts": ["best"]},
        "config key `kmeans_starts[0]` is wrong; expected k-means++ or random; got 'best'",
    ),
    "subsamples of everybody": (
        {"stability": {"fraction": 1.0}},
        "config key `stability.fraction` is wrong; expected at most 0.95; got 1.0",
    ),
    "weight that no method has": (
        {"sensitivity": {"parameters": ["alpha"]}},
        "config key `sensitivity.parameters[0]` is wrong; expected lam or beta or gamma; got 'alpha'",
    ),
    "no factor": (
        {"sensitivity": {"factors": []}},
        "config key `sensitivity.factors` is wrong; expected at least 1 item(s); got []",
    ),
    "factor of zero": (
        {"sensitivity": {"factors": [1, 0]}},
        "config key `sensitivity.factors[1]` is wrong; expected at least 1e-06; got 0",
    ),
    "sweep of a method that is not run": (
        {"methods": ["pca"], "sweep": {"parameters": {"epochs": [1]}}},
        "config key `sweep.method`: `dmacl` is no method of this run that k-means clusters; expected pca",
    ),
    "sweep of an unknown hyperparameter": (
        {"sweep": {"parameters": {"epoch": [1]}}},
        "config key `sweep.parameters.epoch` is unknown (did you mean `epochs`?); expected one of normalization",
    ),
    "sweep over a value of another type": (
        {"sweep": {"parameters": {"epochs": [100, "many"]}}},
        "config key `sweep.parameters.epochs` is wrong; expected a whole number or null; got 'many'",
    ),
    "too few permutations": (
        {"max_permutations": 10},
        "config key `max_permutations` is wrong; expected at least 100; got 10",
    ),
    "no restart": ({"kmeans_restarts": 0}, "config key `kmeans_restarts` is wrong; expected at least 1; got 0"),
    "no thread": ({"threads": {"train": 0}}, "config key `threads.train` is wrong; expected at least 1; got 0"),
    "threads of an unknown stage": (
        {"threads": {"training": 2}},
        "config key `threads.training` is unknown (did you mean `train`?); expected one of train, lowrank, enrichment",
    ),
    "device": ({"device": "gpu"}, "config key `device` is wrong; expected auto or cpu or cuda; got 'gpu'"),
    "mirror that is not there": (
        {"mirror": "nowhere"},
        "config key `mirror` is wrong; expected a folder that exists or an http or https URL; got 'nowhere'",
    ),
    "second mirror that is not there": (
        {"mirror": [".", "https://example.org", "nowhere"]},
        "config key `mirror[2]` is wrong; expected a folder that exists or an http or https URL; got 'nowhere'",
    ),
    "no mirror in the list": ({"mirror": []}, "config key `mirror` is wrong; expected at least 1 item(s); got []"),
    "a number for a mirror": ({"mirror": 3}, "config key `mirror` is wrong; expected text or a list or null; got 3"),
    "setting of a published simulation": (
        {"datasets": {"equal_5": {"setting": "equal/6"}}},
        "config key `datasets.equal_5.setting` is wrong; expected equal/5 or equal/10 or equal/15 or heterogeneous/5",
    ),
    "mirror by another protocol": ({"mirror": "ftp://x.org"}, "config key `mirror` is wrong; expected a folder that"),
    "unknown gene sets": (
        {"gene_sets": {"go": ["go-bp"]}},
        "config key `gene_sets.go`: `go-bp` is no collection of gene sets (did you mean `go_bp`?); expected a name of",
    ),
    "gene sets of a dataset": (
        dataset(gene_sets={"gsea": ["absent.gmt"]}),
        "config key `datasets.simulated.gene_sets.gsea`: `absent.gmt` is no collection of gene sets; expected a name",
    ),
    "kind of gene sets": ({"gene_sets": {"kegg": []}}, "config key `gene_sets.kegg` is unknown; expected one of go,"),
    "URL of no file": (
        {"gene_sets": {"go": ["https://example.org"]}},
        "config key `gene_sets.go`: `https://example.org` is no collection of gene sets; expected a name of the",
    ),
    "two collections of one name": (
        {"datasets": {"aml": {}}, "gene_sets": {"gsea": ["https://a.org/s.gmt", "https://b.org/s.gmt"]}},
        "gene_sets.gsea`: two collections would both be called `s`; give each file a name of its own",
    ),
    "too large a seed": (
        {"datasets": {"aml": {}}, "seed": 2**32},
        "config key `seed` is wrong; expected at most 4294967295",
    ),
    "an omic that is a number": (
        {"datasets": {"x": {"source": "files", "omics": {1: "a.tsv"}}}},
        "config key `datasets.x.omics`",
    ),
    "two files of one name": (
        {"datasets": {"aml": {}}, "gene_sets": {"go": ["https://a.org/s.gmt"], "gsea": ["https://b.org/s.gmt"]}},
        "genesets/s.gmt: two downloads would be kept under one name; expected one URL; got https://a.org/s.gmt and h",
    ),
    "two archives of one name": (
        {"datasets": {"aml": {}, "other": {**REGISTRY["datasets"]["aml"], "url": "https://a.org/aml.zip"}}},
        "benchmark/aml.zip: two downloads would be kept under one name",
    ),
    "biology without a dataset": ({"biology": [{"k": 3}]}, "config key `biology[0].dataset` is missing; expected it"),
    "prediction for another cohort": (
        {"predict": [{"dataset": "simulated", "cohort": "aml"}]},
        "config key `predict[0].cohort`: `aml` is no dataset of this run; expected simulated",
    ),
    "prediction by a method that knows its patients only": (
        {"methods": ["dmacl", "pca"], "predict": [{"dataset": "simulated", "cohort": "simulated", "method": "pca"}]},
        "config key `predict[0].method`: `pca` is no method of this run that embeds new patients; expected dmacl",
    ),
    "prediction without such a method": (
        {"methods": ["pca"], "predict": [{"dataset": "simulated", "cohort": "simulated"}]},
        "config key `predict[0]`: no method of this run embeds new patients; expected dmacl, dmacl-published",
    ),
    "prediction for a cohort of other omics": (
        {
            "datasets": {"aml": {"omics": ["mirna"]}, "equal_5": {}},
            "mirror": ".",
            "predict": [{"dataset": "aml", "cohort": "equal_5"}],
        },
        "config key `predict[0].cohort`: equal_5 has no omic of aml; expected one of mirna; got expression",
    ),
    "biology of an unknown key": (
        {"biology": [{"dataset": "simulated", "methods": "pca"}]},
        "config key `biology[0].methods` is unknown (did you mean `method`?); expected one of dataset, method, k",
    ),
    "biology of another dataset": (
        {"biology": [{"dataset": "aml"}]},
        "config key `biology[0].dataset`: `aml` is no dataset of this run; expected simulated",
    ),
    "biology of another method": (
        {"methods": ["pca"], "biology": [{"dataset": "simulated"}, {"dataset": "simulated", "method": "dmacl"}]},
        "config key `biology[1].method`: `dmacl` is no method of this run; expected pca",
    ),
    "biology of known labels that are not there": (
        {"datasets": {"aml": {}}, "biology": [{"dataset": "aml", "labels": "truth"}]},
        "config key `biology[0].labels`: aml has no known labels; expected a clinical column as `truth`",
    ),
    "biology of known labels at a k": (
        {"biology": [{"dataset": "simulated", "labels": "truth", "k": 4}]},
        "config key `biology[0].k`: known labels have none; leave out `k` or `labels`",
    ),
    "consensus of a method without seeds": (
        {"methods": ["sglrr"], "biology": [{"dataset": "simulated", "consensus_seeds": 5}]},
        "config key `biology[0].consensus_seeds`: known labels and low-rank methods have no seed to vary; leave it out",
    ),
    "consensus without expression": (
        {"datasets": {"aml": {"omics": ["mirna"]}}, "biology": [{"dataset": "aml", "consensus_seeds": 5}]},
        "config key `biology[0].consensus_seeds`: aml has no omic `expression`; got mirna; leave it out",
    ),
    "templates without expression": (
        {
            "datasets": {"simulated": {}, "aml": {"omics": ["mirna"]}},
            "predict": [{"dataset": "simulated", "cohort": "aml", "by": "templates"}],
        },
        "config key `predict[0].cohort`: aml has no omic `expression` to compare templates with; got mirna",
    ),
    "known labels by a network": (
        {"predict": [{"dataset": "simulated", "cohort": "simulated", "labels": "truth"}]},
        "config key `predict[0].labels`: known labels have no network; expected by: templates",
    ),
    "a gene map of an unknown omic": (
        {"datasets": {"simulated": {"gene_maps": {"rna": "x.tsv"}}}},
        "config key `datasets.simulated.gene_maps`: `rna` is no omic of this dataset",
    ),
    "a gene map that is not there": (
        {"datasets": {"simulated": {"gene_maps": {"mirna": "x.tsv"}}}},
        "the file of config key `datasets.simulated.gene_maps.mirna` does not exist",
    ),
    "a label table that is not there": (
        {"datasets": {"simulated": {"label_tables": {"tcga": "labels/absent.tsv"}}}},
        "labels/absent.tsv: the file of config key `datasets.simulated.label_tables.tcga` does not exist; expected a "
        "file, a URL, or the name of a file below the `mirror`; check the path",
    ),
    "a label table outside a mirror on the web": (
        {"datasets": {"simulated": {"label_tables": {"t": "../absent.tsv"}}}, "mirror": "https://example.org"},
        "the file of config key `datasets.simulated.label_tables.t` does not exist",
    ),
    "a name of a label table that is none": (
        {"datasets": {"simulated": {"label_tables": {"a.b": "x.tsv"}}}},
        "config key `datasets.simulated.label_tables` is wrong; expected a name of letters",
    ),
    "one member": (
        {"datasets": {"a": joined("aml")}},
        "config key `datasets.a.members` is wrong; expected at least 2 item(s); got ['aml']",
    ),
    "member twice": (
        {"datasets": {"a": joined("aml", "aml")}},
        "config key `datasets.a.members` is wrong; expected each item once; got ['aml', 'aml']",
    ),
    "unknown member": (
        {"datasets": {"joined4": {"members": ["liver", "lungs"]}}},
        "config key `datasets.joined4.members`: `lungs` is no dataset of source benchmark or files (did you mean "
        "`lung`?); expected aml, breast, colon, gbm, kidney, liver, lung, melanoma, ovarian, sarcoma",
    ),
    "joined member": (
        {"datasets": {"a": joined("aml", "joined3")}},
        "config key `datasets.a.members`: `joined3` is no dataset of source benchmark or files; expected aml,",
    ),
    "member of itself": (
        {"datasets": {"a": joined("aml", "a")}},
        "config key `datasets.a.members`: `a` is no dataset of source benchmark or files",
    ),
    "simulated member": (
        {"datasets": {"a": joined("aml", "simulated")}},
        "config key `datasets.a.members`: `simulated` is no dataset of source benchmark or files",
    ),
    "published simulation as a member": (
        {"datasets": {"a": joined("aml", "equal_5")}},
        "config key `datasets.a.members`: `equal_5` is no dataset of source benchmark or files",
    ),
    "member without the omic": (
        {"datasets": {"a": joined("aml", "colon"), "colon": {"omics": ["expression", "methylation"]}}},
        "config key `datasets.a.omics`: `mirna` is no omic of its member colon; expected expression, methylation",
    ),
    "joined without omics": (
        {"datasets": {"a": {"source": "joined", "members": ["aml", "colon"]}}},
        "config key `datasets.a.omics` is missing; expected it to be set",
    ),
    "members on two scales": (
        {"datasets": {"a": joined("aml", "colon", "breast")}},
        "config key `datasets.a.members`: mirna of aml and of breast is not on one scale; expected the same `log2` in "
        "the `preprocessing` of all members; got true for aml, false for breast; leave one of the two out",
    ),
    "unknown part of survival": (
        {"datasets": {"aml": {"survival": {"tme": "x"}}}, "mirror": "."},
        "config key `datasets.aml.survival.tme` is unknown (did you mean `time`?); expected one of time, event, unit,",
    ),
    "unit of survival": (
        {"datasets": {"aml": {"survival": {"pfs": {"unit": "month"}}}}, "mirror": "."},
        "config key `datasets.aml.survival.pfs.unit` is wrong; expected days or weeks or months or years; got 'month'",
    ),
    "survival true": (
        {"datasets": {"aml": {"survival": True}}, "mirror": "."},
        "config key `datasets.aml.survival` is wrong; expected columns, or false to look for none; got True",
    ),
    "overall survival twice": (
        {"datasets": {"aml": {"survival": {"time": "a", "os": {"time": "b"}}}}, "mirror": "."},
        "config key `datasets.aml.survival`: overall survival is described twice; got `time` and `os`; write all of it",
    ),
    "biology at k = 1": (
        {"biology": [{"dataset": "simulated", "k": 1}]},
        "config key `biology[0].k` is wrong; expected a whole number of at least 2 or auto; got 1",
    ),
}


@pytest.mark.parametrize(("changed", "message"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_told_in_one_line(changed, message):
    with pytest.raises(AmuclError) as error:
        resolve(minimal() | changed, REGISTRY)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_survival_needs_a_table_to_be_in(mine):
    entry = {key: value for key, value in mine.items() if key not in ("clinical", "truth")}
    with pytest.raises(AmuclError, match=r"datasets.a.survival` is wrong; expected a `clinical` table"):
        resolve(minimal(datasets={"a": entry | {"survival": {"time": "days"}}}), REGISTRY)
    setting = {"time": "days", "unit": "months", "pfs": {"event": "progressed", "event_values": ["yes", 1]}}
    assert (
        resolve(minimal(datasets={"a": mine | {"survival": setting}}), REGISTRY)["datasets"]["a"]["survival"] == setting
    )


def test_datasets_are_required():
    with pytest.raises(AmuclError, match="config key `datasets` is missing; expected it to be set"):
        resolve({"seed": 1}, REGISTRY)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("datasets: {a: {source: simulated, efect: 2}}", "datasets.a.efect` is unknown (did you mean `effect`?)"),
        (
            "datasets: {a: {}}",
            "a.source` is wrong; expected simulated or benchmark or xena or intersim_published or intersim or "
            "singlecell or files or joined; got None",
        ),
        ("gene_sets: {a: {url: x.org}}", "gene_sets.a.url` is wrong; expected an http or https URL; got 'x."),
        ("datasets: {", "registry.yaml, line 1, column 12: cannot be read as YAML; got while parsing"),
    ],
)
def test_mistakes_in_the_registry(tmp_path, text, message):
    path = tmp_path / "registry.yaml"
    path.write_text(text)
    with pytest.raises(AmuclError) as error:
        load_registry(path)
    assert message in str(error.value)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_registry_may_lack_a_part(tmp_path):
    path = tmp_path / "registry.yaml"
    path.write_text("datasets: {a: {source: simulated}}")
    registry = load_registry(path)
    assert registry["gene_sets"] == {}
    assert resolve({"datasets": {"a": {}}, "gene_sets": {"go": [], "pathways": [], "gsea": []}}, registry)


def test_urls_that_differ_in_their_query_are_kept_apart():
    urls = [f"https://a.org/geneSetLibrary?mode=text&libraryName={name}" for name in ("One", "Two")]
    resolved = resolve(minimal() | {"datasets": {"aml": {}}, "gene_sets": {"gsea": urls}}, REGISTRY)
    files = [gene_set_file(url, REGISTRY, "downloads") for url in urls]
    assert files[0] == "downloads/genesets/geneSetLibrary_mode_text_libraryName_One"
    assert {file.removeprefix("downloads/") for file in files} <= set(downloadable(resolved, REGISTRY))


def test_defaults_of_the_schema_are_those_of_the_shipped_configuration():
    shipped = yaml.safe_load((REPOSITORY / "config" / "config.yaml").read_text())
    bare = resolve({"datasets": shipped["datasets"]}, REGISTRY)
    assert resolve(shipped, REGISTRY) == bare


def clustered(**changed):
    datasets = {"aml": {}, "simulated": {}, "other": {"source": "simulated"}}
    given = resolve(minimal(**({"datasets": datasets, "methods": ["dmacl"]} | changed)), REGISTRY)
    return [name for name, entry in given["datasets"].items() if entry["cluster"]], given


def test_a_cohort_that_only_predict_names_is_not_clustered():
    predict = [{"dataset": "simulated", "cohort": "aml"}]
    assert clustered()[0] == ["aml", "simulated", "other"]
    assert clustered(predict=predict)[0] == ["simulated", "other"]
    names, given = clustered(predict=[{"dataset": "simulated", "cohort": "other"}])
    assert names == ["aml", "simulated"]
    assert "other" not in [choice["dataset"] for choice in given["biology"]]
    # It has a role of its own: a dataset of predict or of biology, or its entry says so.
    assert "aml" in clustered(predict=[*predict, {"dataset": "aml", "cohort": "aml"}])[0]
    both = [{"dataset": "simulated", "cohort": "other"}]
    assert "other" in clustered(predict=both, biology=[{"dataset": "other"}])[0]
    said = {"aml": {"cluster": True}, "simulated": {}, "other": {"source": "simulated"}}
    assert "aml" in clustered(predict=predict, datasets=said)[0]


@pytest.mark.parametrize(
    ("predict", "message"),
    [
        ([{"dataset": "aml", "cohort": "simulated"}], r"datasets.aml.cluster` is false; expected true: `predict\[0\]"),
        ([], "datasets.aml.cluster` is false; expected an entry of `predict` to be placed by"),
    ],
)
def test_a_dataset_that_is_needed_cannot_be_left_out_of_clustering(predict, message):
    with pytest.raises(AmuclError, match=message):
        clustered(datasets={"aml": {"cluster": False}, "simulated": {}}, predict=predict)


def test_words_for_unknown_of_the_run_and_of_a_dataset_add_up():
    own = minimal()
    own |= {"unknown_words": ["pending", -9], "known_words": ["None"]}
    own["datasets"]["simulated"] = {"unknown_words": ["x"], "known_words": ["."]}
    entry = resolve(own, REGISTRY)["datasets"]["simulated"]
    assert entry["unknown_words"] == ["pending", "-9", "x"]
    assert entry["known_words"] == ["None", "."]


def test_words_for_unknown_of_a_joined_dataset_are_those_of_its_members(mine):
    both = joined("aml", "mine", omics=["expression"], unknown_words=["pending"], known_words=["none"])
    own = minimal(datasets={"both": both, "mine": mine | {"unknown_words": ["x", "pending"]}}, unknown_words=["-9"])
    members = resolve(own, REGISTRY)["datasets"]["both"]["members"]
    assert members["mine"]["unknown_words"] == ["-9", "x", "pending"]
    assert members["aml"]["unknown_words"] == ["-9", "pending"]
    assert members["aml"]["known_words"] == members["mine"]["known_words"] == ["none"]
