"""Every method on prepared cohorts, in one process: `python -m benchmarks.comparison results`.

What a run of the pipeline says of the representations, without the hours of its stability, maps and survival: each
method of the registry is fitted on every `results/{dataset}/cohort.h5mu` that the folder holds, clustered for k = 2..7
and the known k, and evaluated by the pipeline's own functions; with --peers, the published embeddings beside them.
Writes results/bench/comparison_{metrics,trust,seconds}.tsv after every method, goes on where it stopped, and writes the
page results/bench/comparison.md.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import mudata
import pandas as pd

from amucl.clustering.common import common_coordinates
from amucl.clustering.evaluation import evaluate
from amucl.clustering.kmeans import Restarts, kmeans_restarts, labels_over_k
from amucl.cohort.cohort import about, read_cohort, truth
from amucl.comparison.peers import matched, peer_datasets, read_peers
from amucl.comparison.standings import standings
from amucl.config import DEFAULT_K
from amucl.files import read_table, write_table
from amucl.labels import canonical_labels, labels_table
from amucl.methods.fitting import Fitted, embedding_of, fit_method
from amucl.methods.lowrank.affinity import normalized_cuts
from amucl.methods.registry import METHODS, settings_of
from benchmarks.results import by_index

OUT = Path("results", "bench")
KS = range(2, 8)
SEED, N_RESTARTS = 1, 200
TABLES = ("metrics", "trust", "seconds")
Tables = dict[str, pd.DataFrame]


def by_kmeans(embedding: pd.DataFrame, ks: list[int]) -> tuple[pd.DataFrame, dict[int, Restarts]]:
    """Labels for every k, and the restarts."""
    restarts = kmeans_restarts(embedding, ks, n_restarts=N_RESTARTS, seed=SEED)
    return labels_over_k(restarts, embedding.index), restarts


def by_cuts(fitted: Fitted, ks: list[int]) -> tuple[pd.DataFrame, dict[int, Restarts]]:
    """Labels for every k from a low-rank affinity."""
    cuts = {k: canonical_labels(normalized_cuts(fitted.estimator.affinity_, k, SEED)) for k in ks}
    return labels_table(cuts, fitted.samples).set_index("sample"), {}


def scores(
    dataset: str,
    method: str,
    cohort: mudata.MuData,
    common: pd.DataFrame,
    embedding: pd.DataFrame,
    labels: pd.DataFrame,
    restarts: Mapping[int, Restarts],
) -> Tables:
    """The evaluation's metrics and trust."""
    found = evaluate(
        dataset=dataset, method=method, seed=SEED, embedding=embedding, common=common.loc[embedding.index],
        labels=labels, restarts=restarts, truth=truth(cohort, embedding.index),
    )  # fmt: skip
    return {"metrics": found.metrics, "trust": found.trust}


def compared(
    dataset: str, path: Path, methods: list[str], peers: Path | None, components: int | None, done: set
) -> Iterator[Tables]:
    """The tables of every method, and of every published embedding, that is not `done` yet."""
    cohort = read_cohort(path)
    common = common_coordinates(cohort)
    known = about(cohort)["n_clusters"]
    ks = sorted({*KS, known} if known else KS)
    for method in (name for name in methods if (dataset, name) not in done):
        began = time.perf_counter()
        cuts_itself = METHODS[method].stage == "lowrank"
        settings = settings_of(method, components) | {"random_state": SEED}
        settings |= {"n_clusters": None} if cuts_itself else {}
        fitted = fit_method(path, method, settings, n_threads=1)
        seconds = time.perf_counter() - began
        embedding = embedding_of(fitted)
        found = by_cuts(fitted, ks) if cuts_itself else by_kmeans(embedding, ks)
        row = pd.DataFrame([{"dataset": dataset, "method": method, "seconds": seconds}])
        yield {"seconds": row} | scores(dataset, method, cohort, common, embedding, *found)
    if peers is None or dataset not in peer_datasets(peers):
        return
    for method, published in read_peers(peers, dataset).items():
        embedding, _ = matched(published, common.index)
        if (dataset, method) not in done and len(embedding) > max(ks):
            yield scores(dataset, method, cohort, common, embedding, *by_kmeans(embedding, ks))


def main() -> None:
    """Run what is missing; print a line for every method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path, help="a run's results folder, with its cohorts")
    parser.add_argument("--datasets", nargs="+", help="which (all)")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--peers", type=Path, help="folder of published embeddings")
    parser.add_argument("--components", type=int, help="`n_components` of the datasets, as the registry gives it")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING)
    files = {name: OUT / f"comparison_{name}.tsv" for name in TABLES}
    tables = {name: [read_table(file)] if file.exists() else [] for name, file in files.items()}
    done = {tuple(row) for table in tables["metrics"] for row in table[["dataset", "method"]].to_numpy()}
    for path in sorted(given.results.glob("*/cohort.h5mu")):
        dataset = path.parent.name
        if given.datasets is None or dataset in given.datasets:
            for found in compared(dataset, path, given.methods, given.peers, given.components, done):
                for name, table in found.items():
                    tables[name].append(table)
                    write_table(pd.concat(tables[name]), files[name])
                print(found["metrics"][["dataset", "method"]].iloc[0].to_list(), flush=True)
    metrics, _, seconds = (pd.concat(tables[name], ignore_index=True) for name in TABLES)
    reference_k = {
        name: about(read_cohort(given.results / name / "cohort.h5mu"))["n_clusters"] or DEFAULT_K
        for name in set(metrics["dataset"])
    }
    (OUT / "comparison.md").write_text("\n".join(by_index(standings(metrics, reference_k=reference_k), seconds)))


if __name__ == "__main__":
    main()
