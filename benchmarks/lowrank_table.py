"""Low-rank methods and baselines on every dataset of a run, as tables: `python -m benchmarks.lowrank_table results`.

How each problem was solved, and agreement with the known labels at the number of known classes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pandas as pd

from amucl.files import read_table
from benchmarks.results import number

TRUTH = {"accuracy": "accuracy", "nmi": "NMI", "ari": "ARI"}


def solver_columns(results: Path, dataset: str, method: str) -> dict[str, str]:
    """Iterations, certified gap, rank and seconds of a method's solution; dashes for a method that solves nothing."""
    path = results / dataset / method / "solver.tsv"
    if not path.is_file():
        return dict.fromkeys(("gap", "iterations", "rank", "seconds"), "-")
    solver = read_table(path).iloc[0]
    figures = {"gap": f"{solver['gap']:.1e}", "iterations": f"{solver['iterations']:.0f}"}
    return figures | {"rank": f"{solver['rank']:.0f}", "seconds": f"{solver['seconds']:.0f}"}


def known_k(results: Path, dataset: str) -> int:
    """Number of known classes, as the dataset's entry has it."""
    provenance = json.loads((results / dataset / "cohort.provenance.json").read_text(encoding="utf-8"))
    return provenance["parameters"]["entry"]["n_clusters"]


def agreement(results: Path, dataset: str) -> pd.DataFrame:
    """A row per method that was scored against known labels, with a star where a warning stands."""
    rows = []
    for path in sorted(results.glob(f"{dataset}/*/metrics.tsv")):
        metrics = read_table(path)
        here = metrics[metrics["k"] == known_k(results, dataset)]
        values = here[here["space"] == "truth"].set_index("metric")["value"]
        if values.empty:
            continue
        common = here[(here["metric"] == "silhouette") & (here["space"] == "common")]["value"].iloc[0]
        method = path.parts[-2]
        row = {"method": method + (" *" if here["warning"].notna().any() else "")}
        row |= {title: number(values[name], 3) for name, title in TRUTH.items()}
        rows.append(row | {"silhouette common": number(common)} | solver_columns(results, dataset, method))
    return pd.DataFrame(rows)


def solutions(results: Path) -> pd.DataFrame:
    """How every low-rank problem of a run was solved: a row per dataset, a column per method."""
    cells = {}
    for path in sorted(results.glob("*/*/solver.tsv")):
        dataset, method = path.parts[-3:-1]
        solved = solver_columns(results, dataset, method)
        patients = read_table(path).iloc[0]["samples"]
        seconds = f"{solved['seconds']} s" if solved["seconds"] != "0" else "< 1 s"
        cells.setdefault((dataset, patients), {})[method] = f"{solved['gap']}, {solved['iterations']}, {seconds}"
    table = pd.DataFrame.from_dict(cells, orient="index").rename_axis(["dataset", "patients"])
    return table.reset_index()


def main(folder: str) -> None:
    """Print how everything was solved and, where classes are known, a section per dataset."""
    results = Path(folder)
    print(solutions(results).to_markdown(index=False, disable_numparse=True))
    for dataset in sorted(path.parts[-2] for path in results.glob("*/cohort.h5mu")):
        table = agreement(results, dataset)
        if len(table):
            print(f"\n### {dataset}, k = {known_k(results, dataset)}\n")
            print(table.to_markdown(index=False, disable_numparse=True))


if __name__ == "__main__":
    main(*sys.argv[1:])
