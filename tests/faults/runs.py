"""Runs of the workflow that are disturbed, and the one that is not."""

import os
import re
import signal
import time
from collections.abc import Callable

from amucl.manifest import changed_files, differing_files, read_manifest
from amucl.provenance import sha256
from tests.workflow.runner import Checkout

# The default run, as short as it goes; a method that trains and one that does not.
TINY = {
    "datasets": {"simulated": {"n_samples": 60}},
    "methods": ["dmacl", "pca"],
    "method_settings": {"dmacl": {"epochs": 5, "n_restarts": 1}},
    "k": [2, 3, 4],
    "kmeans_restarts": 5,
    "stability": {"draws": 5},
    "max_permutations": 1000,
}
MANIFEST = "results/manifest.tsv"


def wait_until(condition: Callable[[], bool], process, *, seconds: float = 900) -> None:
    """Wait for something that the run in the background does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the run ended before"
        assert time.monotonic() < deadline
        time.sleep(0.05)


def steps_done(checkout: Checkout) -> int:
    """How many jobs of the run in the background have ended well."""
    counts = re.findall(r"^(\d+) of \d+ steps", checkout.printed_so_far(), re.MULTILINE)
    return int(counts[-1]) if counts else 0


def n_jobs(printed: str) -> int:
    """How many jobs a run had planned."""
    return int(re.search(r"^total +(\d+)", printed, re.MULTILINE)[1])


def kill(process) -> None:
    """As a machine that loses power: no process of the run can clean up."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def table_of(checkout: Checkout):
    """The manifest of a run."""
    return read_manifest(checkout.folder / MANIFEST)


def assert_whole(checkout: Checkout, undisturbed: Checkout) -> None:
    """What is there so far has the bytes of the undisturbed run, and no file is half-written."""
    expected = table_of(undisturbed).query("repeats == 'yes'").set_index("path")["sha256"]
    there = [file for file in checkout.files() if file in expected.index]
    assert {file: sha256(checkout.folder / file) for file in there} == expected[there].to_dict()


def assert_same(checkout: Checkout, undisturbed: Checkout) -> None:
    """Every file is there, with the bytes of the undisturbed run, and nothing beside them."""
    assert differing_files(table_of(checkout), table_of(undisturbed)) == {}
    assert changed_files(table_of(checkout), checkout.folder) == {}
    assert {file for file in checkout.files() if "/logs/" not in file} == {
        file for file in undisturbed.files() if "/logs/" not in file
    }
    assert "Nothing to be done" in checkout.snakemake()
