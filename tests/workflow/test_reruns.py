"""What runs again, and when: nothing without a reason, and everything that follows from a change."""

import json
import os
import signal
import time

import pytest
import yaml

from amucl.manifest import read_manifest
from amucl.provenance import sha256
from tests.workflow.runner import MINI, Checkout


def touched_files(checkout, module, old="", new="\n# a change\n"):
    """The files to be made again after `module` has changed (`old` to `new`); the change is taken back."""
    path = checkout.folder / "src" / "amucl" / module
    before = path.read_text(encoding="utf-8")
    try:
        assert old in before
        path.write_text(before.replace(old, new) if old else before + new, encoding="utf-8")
        return checkout.pending()
    finally:
        path.write_text(before, encoding="utf-8")


def test_running_again_does_nothing(mini):
    assert "Nothing to be done" in mini.snakemake()


def test_a_changed_method_reruns_itself_and_what_follows(mini):
    files = touched_files(mini, "methods/lowrank/solvers.py")
    assert {file.rsplit("/", 1)[0] for file in files} == {
        *("results", "results/simulated/sglrr", "results/simulated/lrr", "results/comparison")
    }
    assert "results/simulated/sglrr/embedding.tsv" in files
    assert "results/simulated/sglrr/labels.tsv" in files
    assert "results/comparison/metrics.tsv" in files
    assert "results/report.html" in files
    assert not any(f"/{method}/" in file for file in files for method in ("dmacl", "dmacl-published", "pca", "kmeans"))


def test_a_changed_encoder_reruns_both_presets_and_the_biology(mini):
    files = touched_files(mini, "methods/network/encoder.py")
    assert {"results/simulated/dmacl/embedding.tsv", "results/simulated/dmacl-published/embedding.tsv"} <= files
    assert "results/simulated/dmacl/k4/gsea.tsv" in files
    assert not any(f"/{method}/" in file for file in files for method in ("sglrr", "lrr", "pca", "kmeans"))


def test_a_changed_figure_draws_again_and_computes_nothing(mini):
    files = touched_files(mini, "figures/biology.py")
    assert "results/simulated/dmacl/k4/heatmap.png" in files
    computed = {file for file in files if file.endswith((".tsv", ".h5mu", ".safetensors")) and "survival" not in file}
    assert computed == {"results/manifest.tsv"}


def test_a_new_method_in_the_registry_reruns_nothing(mini):
    assert touched_files(mini, "methods/registry.py") == set()


def test_a_changed_registry_line_reruns_its_method(mini):
    files = touched_files(
        mini,
        "methods/registry.py",
        '"pca": Method("amucl.methods.factor.pca:PCA", "embed")',
        '"pca": Method("amucl.methods.factor.pca:PCA", "embed", layer=None)',
    )
    assert "results/simulated/pca/embedding.tsv" in files
    assert {file.rsplit("/", 1)[0] for file in files} == {"results", "results/simulated/pca", "results/comparison"}


def test_settings_in_another_order_rerun_nothing(mini):
    turned = dict(reversed(MINI.items()))
    turned["method_settings"] = {
        name: dict(reversed(values.items())) for name, values in reversed(MINI["method_settings"].items())
    }
    try:
        (mini.folder / "mine.yaml").write_text(yaml.safe_dump(turned, sort_keys=False), encoding="utf-8")
        assert mini.pending() == set()
    finally:
        mini.configure(MINI)


def test_another_k_cuts_again_but_trains_nothing(mini):
    try:
        mini.configure(MINI | {"k": [2, 3, 5, 6]})
        files = mini.pending()
    finally:
        mini.configure(MINI)
    assert "results/simulated/dmacl/labels.tsv" in files
    assert not any(file.endswith("/embedding.tsv") or "cohort" in file for file in files)


# What is set anew -> the rules that it is a parameter of, and of which method if not of all.
PARAMETERS = {
    "seed": ({"seed": 2}, {"train", "embed", "represent"}, ""),
    "restarts": ({"kmeans_restarts": 11}, {"kmeans"}, ""),
    "subsamples": ({"stability": {"draws": 11}}, {"stability"}, ""),
    "permutations": ({"max_permutations": 1_999}, {"clinic", "survival", "profile"}, ""),
    "markers": ({"markers": {"n_top": 9}}, {"draw_heatmap"}, ""),
    "trend": ({"variance_trend": ["expression"]}, {"markers"}, ""),
    "a method": (
        {"method_settings": MINI["method_settings"] | {"pca": {"n_components": 3}}},
        {"embed"},
        "results/simulated/pca/",
    ),
    "gene sets": (
        {"datasets": {"simulated": {"gene_sets": {"go": ["sets.gmt"]}}}},
        {"check_genes"},  # genes are named with an eye on the sets
        "results/simulated/gene_names",
    ),
    "device": ({"device": "cpu"}, set(), ""),
}


def what_follows(checkout, rules, folder):
    """What `rules` wrote below `folder`, and all that was made of it, by the provenance of the run's files."""
    sidecars = [file for file in checkout.made if file.endswith("provenance.json")]
    records = {sidecar: json.loads((checkout.folder / sidecar).read_text()) for sidecar in sidecars}
    files: set[str] = set()
    found = {name for name, one in records.items() if one["rule"] in rules and name.startswith(folder)}
    while found:
        files |= {file for sidecar in found for file in (*records.pop(sidecar)["outputs"], sidecar)}
        found = {name for name, one in records.items() if files.intersection(one["inputs"])}
    return files


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_changed_parameter_reruns_exactly_what_follows(mini, name):
    change, rules, folder = PARAMETERS[name]
    expected = what_follows(mini, rules, folder) | what_follows(mini, {"report"}, "results/report")
    assert len(expected) > 2 or not rules
    (mini.folder / "sets.gmt").write_text("SET\t\tG0001\tG0002\n")
    try:
        mini.configure(MINI | change)
        pending = mini.pending()
    finally:
        mini.configure(MINI)
    assert sorted(pending) == sorted(expected)


def test_a_killed_training_leaves_nothing_and_its_rerun_on_one_core_gives_the_same_bytes(mini, tmp_path):
    checkout = Checkout(tmp_path / "repository", MINI)
    targets = [f"results/simulated/dmacl/{name}" for name in ("embedding.tsv", "metrics.tsv", "map.png")]
    log = checkout.path("logs/simulated/dmacl/train.log")
    process = checkout.start("--", *targets)
    try:
        deadline = time.monotonic() + 120
        while not (log.exists() and "epoch 5 " in log.read_text()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    folder = checkout.path("simulated/dmacl")
    assert not [path for path in folder.rglob("*") if path.is_file()]
    checkout.snakemake("--unlock")
    checkout.snakemake("--cores", "1", "--", *targets)
    expected = read_manifest(mini.path("manifest.tsv")).query("repeats == 'yes'").set_index("path")["sha256"]
    both = [file for file in expected.index if (checkout.folder / file).exists()]
    assert {f"results/simulated/{name}" for name in ("cohort.h5mu", "dmacl/model.safetensors", "dmacl/map.pdf")} < {
        *both
    }
    assert {file: sha256(checkout.folder / file) for file in both} == expected[both].to_dict()
