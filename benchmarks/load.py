"""What large runs cost: `python -m benchmarks.load` (parts: plan, report, cohort).

plan: a dry run of 20 datasets by 16 methods. report: the default run's dataset, copied until there are 500 figures, and
the report of them, which `--keep` leaves where it says. cohort: 10,000 patients x 5,000 features in three omics, five
planted subtypes, through preprocessing, dmacl and k-means, clustering and metrics; seconds and memory as Snakemake
measured them. In a copy of the repository, which is removed afterwards.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import adjusted_rand_score

from amucl.files import read_table
from amucl.methods.registry import METHODS
from tests.workflow.runner import Checkout

N_DATASETS, N_METHODS = 20, 16
N_FIGURES = 500
N_PATIENTS, N_FEATURES, N_SUBTYPES = 10_000, {"expression": 2_500, "methylation": 1_500, "mirna": 1_000}, 5
EFFECT, SHARE = 0.5, 0.1  # standard deviations by which a subtype's own features rise, and their share


def plan(folder: Path) -> None:
    """Seconds of the dry run."""
    datasets = {f"cohort{number}": {"source": "simulated", "seed": number} for number in range(N_DATASETS)}
    checkout = Checkout(folder, {"datasets": datasets, "methods": list(METHODS)[:N_METHODS]})
    began = time.perf_counter()
    printed = checkout.snakemake("-n", "--quiet", "rules")
    jobs = next(line.split()[1] for line in printed.splitlines() if line.startswith("total"))
    print(f"dry run, {N_DATASETS} datasets x {N_METHODS} methods: {jobs} jobs, {time.perf_counter() - began:.0f} s")


def report(folder: Path, keep: Path | None = None) -> None:
    """Figures, size and seconds of the report."""
    first = "cohort1"
    checkout = Checkout(folder, {"datasets": {first: {"source": "simulated"}}})
    checkout.snakemake("--", first)
    n_copies = -(-N_FIGURES // len(_figures(checkout, first)))
    names = [f"cohort{number}" for number in range(1, n_copies + 1)]
    for name in names[1:]:
        for part in ("", "benchmarks/"):  # with their times, so that nothing of it runs again
            shutil.copytree(checkout.path(f"{part}{first}"), checkout.path(f"{part}{name}"))
    checkout.configure({"datasets": {name: {"source": "simulated"} for name in names}})
    again = ("--rerun-triggers", "mtime", "--", "results/report.html")
    planned = checkout.snakemake("-n", "--quiet", "rules", *again).splitlines()
    assert not [line for line in planned if line.split()[:1] == ["train"]]
    checkout.snakemake(*again)
    html = checkout.path("report.html")
    seconds = read_table(checkout.path("benchmarks/report.tsv"))["s"].item()
    print(f"report of {len(_figures(checkout, ''))} figures: {html.stat().st_size / 1e6:.0f} MB, {seconds:.0f} s")
    if keep is not None:
        shutil.copy(html, keep)


def _figures(checkout: Checkout, folder: str) -> list[Path]:
    return [*checkout.path(folder).rglob("*.png")]


def write_cohort(folder: Path) -> pd.Series:
    """Omics as parquet, patients in rows; returns the planted subtypes."""
    rng = np.random.default_rng(1)
    patients = pd.Index([f"P{number:05d}" for number in range(N_PATIENTS)], name="sample")
    planted = rng.integers(1, N_SUBTYPES + 1, N_PATIENTS)
    for omic, p in N_FEATURES.items():
        raised = rng.random((N_SUBTYPES + 1, p)) < SHARE
        values = rng.normal(0, 1, (N_PATIENTS, p)).astype(np.float32) + EFFECT * raised[planted]
        pd.DataFrame(values, patients, [f"{omic}{j}" for j in range(p)]).to_parquet(folder / f"{omic}.parquet")
    return pd.Series(planted, patients)


def cohort(folder: Path) -> None:
    """Seconds and memory of every stage, and whether the subtypes are found."""
    omics = {omic: f"{omic}.parquet" for omic in N_FEATURES}
    entry = {"source": "files", "omics": omics, "orientation": "samples_in_rows", "n_clusters": N_SUBTYPES}
    methods = ["dmacl", "kmeans"]
    config = {"datasets": {"large": entry}, "methods": methods, "k": [N_SUBTYPES], "kmeans_restarts": 20}
    checkout = Checkout(folder, config | {"biology": []})
    planted = write_cohort(folder)
    checkout.snakemake("--", *(f"results/large/{method}/metrics.tsv" for method in methods))
    measured = checkout.path("benchmarks/large")
    rows = [
        {"stage": file.relative_to(measured).with_suffix("").as_posix(), **read_table(file).iloc[0]}
        for file in sorted(measured.rglob("*.tsv"))
    ]
    table = pd.DataFrame(rows)[["stage", "s", "max_rss"]].rename(columns={"s": "seconds", "max_rss": "peak memory, MB"})
    print(table.to_markdown(index=False, floatfmt=".0f"))
    for method in methods:
        found = read_table(checkout.path(f"large/{method}/labels.tsv")).set_index("sample")[f"k{N_SUBTYPES}"]
        print(f"{method}: ARI {adjusted_rand_score(planted[found.index], found):.3f}")


def main() -> None:
    """Print what was measured."""
    parts = {"plan": plan, "report": report, "cohort": cohort}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=list(parts))
    parser.add_argument("--keep", type=Path, help="where to leave the report")
    given = parser.parse_args()
    for name in given.parts:
        with tempfile.TemporaryDirectory() as folder:
            more = {"keep": given.keep} if name == "report" else {}
            parts[name](Path(folder, "repository"), **more)


if __name__ == "__main__":
    main()
