"""The workflow as a module of another one, from a folder."""

import subprocess
import sys

import pytest

from amucl.cohort.cohort import read_cohort
from amucl.files import read_table
from tests.shared import REPOSITORY
from tests.workflow.runner import environment

OTHER = f"""
module amucl:
    snakefile: "{REPOSITORY}/workflow/Snakefile"
    config: config

use rule * from amucl as amucl_*
"""
CONFIG = "datasets: {mine: {source: simulated, n_samples: 60}}\nmethods: [pca]\nbiology: []\nk: [2, 3]\n"


@pytest.fixture
def snakemake(tmp_path):
    """Run the other workflow in a folder of its own."""
    (tmp_path / "Snakefile").write_text(OTHER)
    (tmp_path / "mine.yaml").write_text(CONFIG)

    def run(*arguments):
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--configfile", "mine.yaml", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


def test_a_module_plans_the_whole_run(snakemake):
    planned = snakemake("-n")
    assert "amucl_report" in planned
    assert "amucl_manifest" in planned


def test_a_module_runs(snakemake, tmp_path):
    snakemake("--", "results/mine/pca/labels.tsv")
    results = tmp_path / "results" / "mine"
    labels = read_table(results / "pca" / "labels.tsv").set_index("sample")
    assert list(labels.index) == list(read_cohort(results / "cohort.h5mu").obs_names)
    assert list(labels) == ["k2", "k3", "k4"]
