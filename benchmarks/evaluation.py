"""How fast the evaluation is, as a ratio to the loop that everybody writes, in the same run: `make bench`."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist
from sklearn.cluster import KMeans
from sklearn.metrics import davies_bouldin_score, silhouette_score
from threadpoolctl import threadpool_limits

from amucl.clustering.indices import internal_over_partitions, pair_distances
from amucl.clustering.kmeans import kmeans_restarts
from amucl.files import write_table

KS = range(2, 8)
N_RESTARTS = 1000
WANTED_RATIO = 30
INDICES = ["c_index", "silhouette", "davies_bouldin"]


def gaussians(n_samples: int, n_features: int, seed: int = 0) -> np.ndarray:
    """Five clusters that overlap a little: (n_samples, n_features)."""
    rng = np.random.default_rng(seed)
    centres = 2 * rng.normal(size=(5, n_features))
    return centres[rng.integers(5, size=n_samples)] + rng.normal(size=(n_samples, n_features))


def noise(n_samples: int, n_features: int, seed: int = 0) -> np.ndarray:
    """No clusters: every restart ends elsewhere, the worst case for the engine."""
    return np.random.default_rng(seed).normal(size=(n_samples, n_features))


def naive_c_index(X: np.ndarray, labels: np.ndarray) -> float:
    """C-index as one writes it: distances and their order anew for every partition."""
    distances = pdist(X)
    within = distances[pdist(labels[:, None]) == 0]
    in_order = np.sort(distances)
    smallest, largest = in_order[: len(within)].sum(), in_order[-len(within) :].sum()
    return (within.sum() - smallest) / (largest - smallest)


def reference(X: np.ndarray) -> pd.DataFrame:
    """The loop that everybody writes: one row per k and restart."""
    rows = []
    for k in KS:
        for seed in range(N_RESTARTS):
            fit = KMeans(k, n_init=1, random_state=seed).fit(X)
            scores = naive_c_index(X, fit.labels_), silhouette_score(X, fit.labels_)
            rows.append((k, fit.inertia_, *scores, davies_bouldin_score(X, fit.labels_)))
    return pd.DataFrame(rows, columns=["k", "inertia", *INDICES])


def engine(X: np.ndarray) -> pd.DataFrame:
    """The same with the engine."""
    distances, parts = pair_distances(X), []
    for k, found in kmeans_restarts(X, KS, n_restarts=N_RESTARTS, seed=1).items():
        scores = internal_over_partitions(X, found.labels, distances=distances).assign(k=k, inertia=found.inertias)
        parts.append(scores.loc[np.repeat(scores.index, found.counts)].assign(kept=found.inertia))
    return pd.concat(parts, ignore_index=True)


def compare(name: str, X: np.ndarray) -> pd.DataFrame:
    """Seconds of both, their ratio, best inertia per k, mean, SD and best of the indices."""
    results, seconds = {}, {}
    for who, run in {"engine": engine, "loop": reference}.items():
        begin = time.perf_counter()
        results[who] = run(X)
        seconds[who] = time.perf_counter() - begin
    ratio = seconds["loop"] / seconds["engine"]
    print(
        f"{name}: loop {seconds['loop']:.1f} s, engine {seconds['engine']:.2f} s: {ratio:.0f} times faster", flush=True
    )
    rows = []
    for k in KS:
        for who, table in results.items():
            own = table[table["k"] == k]
            row = {"data": name, "k": k, "who": who, "seconds": seconds[who], "ratio": ratio}
            row["best_inertia"] = own["kept" if who == "engine" else "inertia"].min()
            for index in INDICES:
                best = own[index].max() if index == "silhouette" else own[index].min()
                row |= {f"{index}_mean": own[index].mean(), f"{index}_sd": own[index].std(), f"{index}_best": best}
            rows.append(row)
    return pd.DataFrame(rows)


def large(n_samples: int = 10_000, n_features: int = 20, n_restarts: int = 100) -> None:
    """Seconds and peak memory of a large cohort, in a process of its own."""
    X = gaussians(n_samples, n_features)
    begin = time.perf_counter()
    restarts = kmeans_restarts(X, KS, n_restarts=n_restarts, seed=1)
    clustered = time.perf_counter()
    distances = pair_distances(X)
    for found in restarts.values():
        internal_over_partitions(X, found.labels, distances=distances)
    scored = time.perf_counter()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    n_partitions = sum(len(found.labels) for found in restarts.values())
    print(
        f"n = {n_samples}, {n_restarts} restarts, k = 2..7: k-means {clustered - begin:.0f} s, indices of "
        f"{n_partitions} different partitions {scored - clustered:.0f} s, peak memory {peak:.1f} GB"
    )


def main() -> None:
    """Print the figures and write results/bench/evaluation.tsv."""
    with threadpool_limits(1):
        table = pd.concat([compare("gaussians", gaussians(200, 10)), compare("noise", noise(200, 10))])
    write_table(table, Path("results", "bench", "evaluation.tsv"))
    best = table.pivot_table(index=["data", "k"], columns="who", values="best_inertia", sort=False)
    not_worse = best["engine"] <= best["loop"] * (1 + 1e-9)
    print(best.assign(engine_not_worse=not_worse).to_string())
    print(table.drop(columns=["seconds", "ratio"]).round(4).to_string(index=False))
    subprocess.run([sys.executable, "-c", "from benchmarks.evaluation import large; large()"], check=True)
    if table["ratio"].min() < WANTED_RATIO or not not_worse.all():
        sys.exit(f"slower than {WANTED_RATIO} times the loop, or worse clusters")


if __name__ == "__main__":
    main()
