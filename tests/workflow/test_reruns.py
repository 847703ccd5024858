"""What runs again, and when: nothing without a reason, and everything that follows from a change."""

import os
import signal
import subprocess
import time

import yaml

from tests.workflow.runner import MINI, Checkout, environment


def touched_files(checkout, module, old="", new="\n# a change\n"):
    """The files to be made again after `module` has changed (`old` to `new`); the change is taken back."""
    path = checkout.folder / "workflow" / "amucl" / module
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
    files = touched_files(mini, "lowrank/solvers.py")
    assert {file.rsplit("/", 1)[0] for file in files} == {
        *("results", "results/simulated/sglrr", "results/simulated/lrr", "results/comparison")
    }
    assert "results/simulated/sglrr/embedding.tsv" in files
    assert "results/simulated/sglrr/labels.tsv" in files
    assert "results/comparison/metrics.tsv" in files
    assert "results/report.html" in files
    assert not any(f"/{method}/" in file for file in files for method in ("dmacl", "dmacl-published", "pca", "kmeans"))


def test_a_changed_encoder_reruns_both_presets_and_the_biology(mini):
    files = touched_files(mini, "representation/encoder.py")
    assert {"results/simulated/dmacl/embedding.tsv", "results/simulated/dmacl-published/embedding.tsv"} <= files
    assert "results/simulated/dmacl/k4/gsea.tsv" in files
    assert not any(f"/{method}/" in file for file in files for method in ("sglrr", "lrr", "pca", "kmeans"))


def test_a_changed_figure_draws_again_and_computes_nothing(mini):
    files = touched_files(mini, "figures/biology.py")
    assert "results/simulated/dmacl/k4/heatmap.png" in files
    computed = {file for file in files if file.endswith((".tsv", ".h5mu", ".safetensors")) and "survival" not in file}
    assert computed == {"results/manifest.tsv"}


def test_a_new_method_in_the_registry_reruns_nothing(mini):
    assert touched_files(mini, "methods.py") == set()


def test_a_changed_registry_line_reruns_its_method(mini):
    files = touched_files(
        mini,
        "methods.py",
        '"pca": Method("amucl.representation.pca:PCA", "embed")',
        '"pca": Method("amucl.representation.pca:PCA", "embed", layer=None)',
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


def test_a_killed_training_leaves_nothing_and_its_rerun_gives_the_same_bytes(mini, tmp_path):
    checkout = Checkout(tmp_path / "repository", MINI)
    embedding = "simulated/dmacl/embedding.tsv"
    log = checkout.path("logs/simulated/dmacl/train.log")
    with subprocess.Popen(
        checkout.command("--", f"results/{embedding}"),
        cwd=checkout.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 120
        while not (log.exists() and "epoch 5 " in log.read_text()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
    folder = checkout.path("simulated/dmacl")
    assert not [path for path in folder.rglob("*") if path.is_file()]
    checkout.snakemake("--unlock")
    checkout.snakemake("--", f"results/{embedding}")
    assert checkout.path(embedding).read_bytes() == mini.path(embedding).read_bytes()
    model = "simulated/dmacl/model.safetensors"
    assert checkout.path(model).read_bytes() == mini.path(model).read_bytes()
