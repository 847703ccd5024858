"""The workflow on a real scheduler, by the shipped profile."""

import os
import re
import signal
import subprocess
import sys

import pytest

from amucl.files import read_table
from tests.slurm.cluster import NODE_MB, PARTITIONS, wait_until
from tests.workflow.runner import Checkout, environment

pytestmark = pytest.mark.slurm

# The default run, as short as it goes; a method that trains and one that solves.
TINY = {
    "datasets": {"simulated": {"n_samples": 60}},
    "methods": ["dmacl", "sglrr"],
    "method_settings": {"dmacl": {"epochs": 5, "n_restarts": 1}, "dmacl-published": {"epochs": 5}},
    "k": [2, 3, 4],
    "kmeans_restarts": 5,
    "stability": {"draws": 5},
    "max_permutations": 1000,
}
SECONDS = 1800


class ClusterCheckout(Checkout):
    """Runs by profiles/slurm, as a user of this cluster would: no accounting, one partition with a GPU."""

    def __init__(self, cluster, folder, config):
        super().__init__(folder, config)
        self.cluster = cluster
        (folder / "partitions.yaml").write_text(PARTITIONS)

    def command(self, *arguments):
        options = {"status-command": "squeue", "init-seconds-before-status-checks": "10"}
        slurm = [part for name, value in options.items() for part in (f"--slurm-{name}", value)]
        slurm += ["--slurm-partition-config", "partitions.yaml"]
        start = [sys.executable, "-m", "snakemake", "--profile", "profiles/slurm"]
        return [*start, *slurm, *self.arguments, *arguments]

    def environment(self):
        here, login = environment(), self.cluster.environment
        return here | login | {"PATH": f"{login['PATH'].split(os.pathsep)[0]}{os.pathsep}{here['PATH']}"}

    def start(self, *arguments):
        """Run in the background, printing to a file."""
        with (self.folder / "printed.txt").open("w") as printed:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env=self.environment(),
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def snakemake(self, *arguments, succeeds=True):
        process = self.start(*arguments)
        try:
            process.wait(timeout=SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        printed = (self.folder / "printed.txt").read_text(encoding="utf-8")
        assert (process.returncode == 0) == succeeds, printed
        return printed


@pytest.fixture(scope="session")
def finished(cluster, tmp_path_factory):
    """The default workflow, end to end, and the jobs that it was for SLURM."""
    checkout = ClusterCheckout(cluster, tmp_path_factory.mktemp("slurm") / "repository", TINY)
    checkout.printed = checkout.snakemake()
    checkout.jobs = {job["Comment"].removeprefix("rule_"): job for job in cluster.jobs()}
    return checkout


def job_of(finished, rule, group=""):
    """The SLURM job whose comment names a rule."""
    (job,) = (job for comment, job in finished.jobs.items() if rule in comment and comment.startswith(group))
    return job


def test_the_whole_default_workflow_runs(finished):
    assert finished.path("report.html").stat().st_size > 1e6
    summary = read_table(finished.path("comparison/summary.tsv"))
    assert set(summary["method"]) == {"dmacl", "sglrr"}
    assert len(read_table(finished.path("simulated/dmacl/k4/markers.tsv"))) > 0
    assert {job["JobState"] for job in finished.jobs.values()} == {"COMPLETED"}


def test_a_second_run_submits_nothing(finished):
    assert "Nothing to be done" in finished.snakemake()


def test_training_lands_on_the_gpu_partition_with_its_gpu(finished):
    train = job_of(finished, "train")
    assert (train["Partition"], train["NodeList"]) == ("gpu", "gpu1")
    assert train["TresPerJob"] == "gres:gpu:1"
    assert "mem=8000M" in train["TRES"]
    assert train["TimeLimit"] == "04:00:00"


def test_all_else_stays_away_from_the_gpu(finished):
    others = [job for comment, job in finished.jobs.items() if not comment.startswith("train_")]
    assert len(others) > 3
    assert {(job["Partition"], job["NodeList"]) for job in others} == {("cpu", "cpu1")}
    assert not [job for job in others if "gpu" in str(job)]


def test_jobs_of_a_dataset_are_grouped(finished):
    n_rule_jobs = int(re.search(r"^total +(\d+)", finished.printed, re.MULTILINE)[1])
    assert n_rule_jobs > 35
    assert len(finished.jobs) <= 9
    groups = {re.split("_", comment)[0] for comment in finished.jobs}
    assert groups == {
        *("simulated-cohort", "simulated-dmacl", "simulated-sglrr", "simulated-comparison"),
        *("biology", "comparison", "train", "represent", "ssgsea"),
    }


def test_a_group_asks_for_the_largest_of_its_needs_and_the_sum_of_its_times(finished):
    scoring = job_of(finished, "", "simulated-dmacl")
    assert "cpu=1,mem=4000M" in scoring["TRES"]
    # k-means 60, metrics 30, stability 60, clinic 120, evidence 30, map 10, loss 10 minutes
    assert scoring["TimeLimit"] == "05:20:00"


def test_a_failing_rule_shows_its_own_log(cluster, tmp_path):
    broken = {"source": "files", "omics": {"expression": "data/rna.tsv"}}
    checkout = ClusterCheckout(
        cluster, tmp_path / "repository", TINY | {"datasets": {"mine": broken}, "biology": [], "methods": ["pca"]}
    )
    (checkout.folder / "data").mkdir()
    (checkout.folder / "data" / "rna.tsv").write_text("gene\tp1\tp2\tp3\nA\t1\t2\t3\nB\t1\toops\t3\n")
    printed = checkout.snakemake("--", "results/mine/cohort.h5mu", succeeds=False)
    assert "rna.tsv" in printed
    assert "'oops'" in printed
    assert printed.count("has been submitted") == 1  # not tried again
    assert "took no job" not in printed
    log = checkout.path("logs/mine/preprocess.log").read_text(encoding="utf-8")
    assert log.strip().splitlines()[-1].strip() in printed
    assert cluster.queue() == []


def test_an_impossible_request_is_refused_when_it_is_submitted(cluster, tmp_path):
    checkout = ClusterCheckout(cluster, tmp_path / "repository", TINY)
    target = ("--set-resources", f"simulate:mem_mb={NODE_MB + 1}", "--", "results/simulated/raw/clinical.tsv")
    printed = checkout.snakemake(*target, succeeds=False)
    assert "amucl: the scheduler took no job for the group simulated-cohort" in printed
    # What it says to do makes SLURM's own words appear.
    assert "--groups all=all" in printed
    printed = checkout.snakemake("--groups", "all=all", *target, succeeds=False)
    assert "SLURM sbatch failed" in printed
    assert "Memory specification can not be satisfied" in printed
    assert f"--mem {NODE_MB + 1}" in printed
    assert cluster.queue() == []
    mine = [job for job in cluster.jobs() if job["WorkDir"] == str(checkout.folder)]
    assert {job["NodeList"] for job in mine} <= {"", "(null)"}  # SLURM notes what it refused; no node had it


def test_trainings_are_queued_together_and_ctrl_c_leaves_the_queue_empty(cluster, tmp_path):
    endless = {"dmacl": {"epochs": 10**6, "n_restarts": 1}, "dmacl-published": {"epochs": 10**6}}
    config = TINY | {"methods": list(endless), "method_settings": endless}
    checkout = ClusterCheckout(cluster, tmp_path / "repository", config)
    process = checkout.start("--", *(f"results/simulated/{method}/embedding.tsv" for method in endless))
    try:
        # One GPU: one trains, the other waits for it in the queue, not in Snakemake.
        wait_until(lambda: sorted(state for state, _ in cluster.queue()) == ["PENDING", "RUNNING"], seconds=300)
        wait_until(lambda: any(checkout.path("logs").rglob("train.log")), seconds=120)
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(timeout=120) != 0
        wait_until(lambda: cluster.queue() == [], seconds=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        cluster.cancel_all()
    assert not list(checkout.path("simulated").rglob("embedding.tsv"))
