import json
import logging
import os
import subprocess
import sys

import pandas as pd
import pytest

from amucl.errors import AmuclError
from amucl.files import write_table
from amucl.manifest import COLUMNS, changed_files, differing_files, manifest, read_manifest
from amucl.provenance import record, sha256
from tests.shared import REPOSITORY

# folder/sidecar -> rule, what it is made of, what it wrote
RULES = {
    "out/provenance.json": ("prepare", ["given/counts.tsv"], ["out/cohort.tsv", "out/steps.tsv"]),
    "out/pca/labels.provenance.json": ("cluster", ["out/cohort.tsv"], ["out/pca/labels.tsv", "out/pca/restarts.tsv"]),
    "out/pca/map.provenance.json": ("draw", ["out/pca/labels.tsv"], ["out/pca/map.png"]),
    "out/other/map.provenance.json": ("draw", ["out/cohort.tsv"], ["out/other/map.png"]),
}
FILES = ["given/counts.tsv", "out/cohort.tsv", "out/pca/labels.tsv", "out/pca/map.png", "out/pca/restarts.tsv"]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of three rules to a figure, and of a method that is no longer asked for."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "given/counts.tsv", "1 2 3")
    write(tmp_path / "given/provenance.json", '["of somebody else"]')
    for sidecar, (rule, inputs, outputs) in RULES.items():
        for file in outputs:
            write(tmp_path / file, f"{file} by {rule}")
        made = record(code=f"code of {rule}", threads=2, parameters={}) | {"device": "cpu", "rule": rule}
        files = {"inputs": inputs, "outputs": {file: sha256(file) for file in outputs}}
        write(tmp_path / sidecar, json.dumps(made | files))
    return tmp_path


def listed(**options):
    return manifest(["out/pca/map.png"], **options).set_index("path")


def test_the_way_leads_from_the_targets_back_to_what_was_given_and_to_nothing_else(run):
    table = manifest(["out/pca/map.png"])
    assert list(table.columns) == list(COLUMNS)
    assert list(table["path"]) == sorted([*FILES, "out/steps.tsv"])
    for row in table.itertuples():
        assert (row.sha256, row.bytes) == (sha256(row.path), str(os.path.getsize(row.path)))


def test_every_file_has_what_made_it(run):
    row = listed().loc["out/pca/restarts.tsv"]
    assert (row["rule"], row["code"], row["threads"], row["device"]) == ("cluster", "code of cluster", "2", "cpu")
    assert "torch 2.13.0" in row["versions"]
    assert record(code=None, threads=1, parameters={})["blas"][0] in row["versions"]
    assert row["platform"] != "" != row["python"]
    assert (listed().loc["given/counts.tsv", ["rule", "code", "threads", "versions"]] == "").all()


def test_files_with_times_are_marked(run):
    assert list(listed(timed=["out/*/restarts.*"]).query("repeats == 'no'").index) == ["out/pca/restarts.tsv"]
    assert set(listed()["repeats"]) == {"yes"}


def test_the_order_of_targets_does_not_matter(run):
    targets = ["out/pca/map.png", "out/other/map.png"]
    assert manifest(targets).equals(manifest(targets[::-1]))


def test_a_file_changed_by_hand_is_no_longer_its_rules(run, caplog):
    write(run / "out/pca/labels.tsv", "my own")
    with caplog.at_level(logging.WARNING):
        table = listed()
    assert "out/pca/labels.tsv is not what the rule cluster wrote" in caplog.text
    assert table.at["out/pca/labels.tsv", "rule"] == ""
    assert table.at["out/pca/labels.tsv", "sha256"] == sha256("out/pca/labels.tsv")
    assert "out/cohort.tsv" not in table.index


def test_a_file_that_was_deleted_is_told_of_by_the_hash_that_it_had(run):
    before = listed()
    for file in ("out/cohort.tsv", "given/counts.tsv"):
        (run / file).unlink()
    table = listed()
    assert list(table.index) == list(before.index)
    assert table.loc[["out/cohort.tsv", "given/counts.tsv"], "bytes"].tolist() == ["", ""]
    assert table.at["out/cohort.tsv", "sha256"] == before.at["out/cohort.tsv", "sha256"]
    assert changed_files(table.reset_index()) == dict.fromkeys(["given/counts.tsv", "out/cohort.tsv"], "is missing")


def test_it_is_read_as_it_was_written(run):
    table = manifest(["out/pca/map.png"])
    write_table(table, "manifest.tsv")
    assert read_manifest("manifest.tsv").equals(table)


def test_another_table_is_no_manifest(run):
    write(run / "other.tsv", "path\tsha256\na\tb\n")
    with pytest.raises(AmuclError, match=r"other\.tsv: is not a manifest; expected columns path, bytes"):
        read_manifest("other.tsv")


def test_changed_and_missing_files_are_named(run):
    table = manifest(["out/pca/map.png"])
    assert changed_files(table) == changed_files(table, run) == {}
    write(run / "out/cohort.tsv", "another")
    (run / "out/pca/map.png").unlink()
    found = changed_files(table)
    assert list(found) == ["out/cohort.tsv", "out/pca/map.png"]
    assert sha256("out/cohort.tsv") in found["out/cohort.tsv"]
    assert found["out/pca/map.png"] == "is missing"


def test_two_runs_are_compared_file_by_file():
    def row(path, sha, repeats="yes", threads="1"):
        return dict.fromkeys(COLUMNS, "") | {"path": path, "sha256": sha, "repeats": repeats, "threads": threads}

    one = pd.DataFrame([row("a", "1"), row("b", "1"), row("c", "1"), row("t", "1", "no"), row("x", "1")])
    other = pd.DataFrame([row("a", "1"), row("b", "2"), row("c", "2", threads="4"), row("t", "2", "no"), row("y", "1")])
    assert differing_files(one, other) == {
        "b": "differs, with nothing else different in its making",
        "c": "differs, with threads 1 and 4",
        "x": "is only in the first",
        "y": "is only in the second",
    }
    assert differing_files(one, one) == {}


def verify(*arguments):
    command = [sys.executable, str(REPOSITORY / "workflow" / "verify.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_command_names_what_differs(run):
    write_table(manifest(["out/pca/map.png"]), "results/manifest.tsv")
    process = verify()
    assert (process.returncode, process.stdout, process.stderr) == (0, "6 files, 0 differ\n", "")
    write(run / "out/steps.tsv", "another")
    process = verify()
    assert process.returncode == 1
    assert process.stdout.startswith("out/steps.tsv has changed: expected sha256 ")
    assert process.stdout.endswith("\n6 files, 1 differ\n")
    write_table(manifest(["out/pca/labels.tsv"]), "second.tsv")
    process = verify("results/manifest.tsv", "--other", "second.tsv")
    assert process.returncode == 1
    assert "out/pca/map.png is only in the first\n" in process.stdout
    assert verify("absent.tsv").stderr.startswith("amucl: absent.tsv: there is no such manifest; run the workflow")
    write(run / "empty.tsv", "")
    assert verify("empty.tsv").stderr.startswith("amucl: empty.tsv: is not a manifest; expected columns path")
