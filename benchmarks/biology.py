"""Seconds of every stage of the biology: `python -m benchmarks.biology --sets ../shared/data/mirror/genesets`.

The data: 20,000 genes x 170 patients in six subtypes, each with 5 gene sets of its own planted up by half a standard
deviation; the sets are every .gmt file of the folder (hallmark, KEGG, Reactome, GO), of which `share` pass in GSEA.
Where R has limma, its seconds for the same six contrasts in the same run stand beside (the quickest of five), reading
the matrix not counted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from amucl.biology.contrasts import pairwise_markers
from amucl.biology.correction import ALPHA
from amucl.biology.differential import permuted_control, subtype_markers
from amucl.biology.enrichment import GeneSets, subtype_gsea, subtype_over_representation
from amucl.biology.genesets import read_gmt
from amucl.biology.phenotype import phenotype_gsea
from amucl.biology.single_sample import collection_scores
from benchmarks.agreement import has_limma, seconds_of_limma

N_GENES, N_PATIENTS, N_SUBTYPES, N_PLANTED, SHIFT = 20_000, 170, 6, 5, 0.5


def cohort(collections: dict[str, GeneSets]) -> tuple[pd.DataFrame, pd.Series]:
    """Expression, patients x genes, and subtypes; the sets planted up in a subtype rise by `SHIFT`."""
    rng = np.random.default_rng(1)
    sets = [set(genes) for collection in collections.values() for genes in collection.values()]
    known = sorted(set().union(*sets))
    genes = [*known, *(f"UNNAMED{i}" for i in range(N_GENES))][:N_GENES]
    labels = rng.permutation(np.resize(np.arange(1, N_SUBTYPES + 1), N_PATIENTS))
    values = rng.normal(8, 1, (N_PATIENTS, N_GENES))
    for subtype, planted in enumerate(rng.choice(len(sets), (N_SUBTYPES, N_PLANTED), replace=False), start=1):
        up = set().union(*(sets[place] for place in planted))
        values[np.ix_(labels == subtype, [gene in up for gene in genes])] += SHIFT
    patients = pd.Index([f"P{i}" for i in range(N_PATIENTS)], name="sample")
    return pd.DataFrame(values, patients, genes), pd.Series(labels, patients)


def stages(n_threads: int, collections: dict[str, GeneSets]) -> pd.DataFrame:
    """Seconds by stage."""
    expression, labels = cohort(collections)
    hallmark = {name: sets for name, sets in collections.items() if name.startswith("h.")}
    rows = []

    def timed(stage: str, work: Callable, **more):
        began = time.perf_counter()
        result = work()
        rows.append({"stage": stage, "seconds": time.perf_counter() - began, **more})
        print(f"{stage}: {rows[-1]['seconds']:.1f} s", flush=True)
        return result

    limma = seconds_of_limma(expression, labels.astype(str)) if has_limma() else None
    markers = timed("moderated t, each against the rest", lambda: subtype_markers(expression, labels), limma=limma)
    timed("all pairs", lambda: pairwise_markers(expression, labels))
    timed("control, 20 permutations", lambda: permuted_control(expression, labels, seed=1))
    timed("over-representation", lambda: subtype_over_representation(markers, collections))
    for name, sets in collections.items():
        found = timed(f"GSEA, {name}", lambda of={name: sets}: subtype_gsea(markers, of, 1, n_threads=n_threads))
        rows[-1] |= {"sets": str(len(found) // N_SUBTYPES), "share": (found["padj"] < ALPHA).mean()}
    rows.append({"stage": "together", "seconds": sum(row["seconds"] for row in rows)})
    timed("hallmark ssGSEA", lambda: collection_scores(expression, hallmark, n_threads=n_threads))
    timed(
        "GSEA, 1,000 permutations of patients, hallmark", lambda: phenotype_gsea(expression, labels, hallmark, seed=1)
    )
    return pd.DataFrame(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=Path, required=True, help="folder of .gmt files")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    collections = {file.stem: read_gmt(file) for file in sorted(given.sets.glob("*.gmt"))}
    print(f"{sum(map(len, collections.values()))} sets in {len(collections)} collections, {given.threads} threads\n")
    table = stages(given.threads, collections)
    table["ratio to limma"] = table["seconds"] / table["limma"]
    table = table.rename(columns={"limma": "limma in R"})
    print("\n" + table.map(_shown).to_markdown(index=False, disable_numparse=True))


def _shown(value: str | float) -> str:
    if isinstance(value, str):
        return value
    return "" if pd.isna(value) else f"{value:#.2g}" if value < 9.95 else f"{value:.0f}"


if __name__ == "__main__":
    main()
