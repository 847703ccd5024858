"""How well the moderated t of log counts stands in for DESeq2's model: `python -m benchmarks.counts`.

The data: negative binomial counts of three subtypes, libraries that differ fourfold in depth, a tenth of the genes
changed in each subtype, up or down, by a log2 fold change of .5 to 2. Both tests are given the subtypes, then the same
labels dealt out at random.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd

from amucl.biology.correction import ALPHA
from amucl.biology.counts import CountModel, log_counts
from amucl.biology.differential import subtype_markers

N_GENES, N_SUBTYPES, N_PERMUTATIONS = 1000, 3, 2
SIZES = (20, 60)


def cohort(n_patients: int) -> tuple[pd.DataFrame, pd.Series, pd.DataFrame]:
    """Counts (patients x genes), subtypes, and which gene is changed in which subtype (subtypes x genes)."""
    rng = np.random.default_rng(1)
    labels = np.resize(np.arange(N_SUBTYPES), n_patients)
    changed = rng.random((N_SUBTYPES, N_GENES)) < 0.1
    shift = changed * rng.uniform(0.5, 2, changed.shape) * rng.choice([-1, 1], changed.shape)
    level = rng.lognormal(4, 2, N_GENES)
    mean = rng.uniform(0.5, 2, (n_patients, 1)) * level * np.exp2(shift[labels])
    size = 1 / (0.1 + 2 / (level + 1))
    counts = rng.negative_binomial(size, size / (size + mean))
    patients, genes = [f"P{i}" for i in range(n_patients)], [f"G{j}" for j in range(N_GENES)]
    kept = (counts > 0).any(axis=0)
    table = pd.DataFrame(counts, patients, genes).loc[:, kept]
    return table, pd.Series(labels, patients), pd.DataFrame(changed, columns=genes).loc[:, kept]


def stand_in(counts: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Markers by the moderated t, as the control and the consensus of counts have them."""
    return subtype_markers(log_counts(counts), labels, trend=True)


def deseq(counts: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Markers by DESeq2's model."""
    return CountModel(counts, labels).markers()


def judged(n_patients: int) -> list[dict]:
    """A row for each test: seconds, found and false markers, and how many a subtype has by permuted labels.

    A gene that is changed in one subtype moves the rest of the others, so that only one changed in none is false.
    """
    counts, labels, changed = cohort(n_patients)
    nowhere = ~changed.to_numpy().any(axis=0)
    rng = np.random.default_rng(2)
    dealt = [pd.Series(rng.permutation(labels), labels.index) for _ in range(N_PERMUTATIONS)]
    rows, t = [], {}
    for name, test in {"DESeq2's model": deseq, "moderated t": stand_in}.items():
        began = time.perf_counter()
        table = test(counts, labels)
        seconds = time.perf_counter() - began
        t[name] = table.set_index(["subtype", "gene"])["t"]
        found = table.pivot_table(index="subtype", columns="gene", values="adj.P.Val").reindex(columns=changed.columns)
        found = found.to_numpy() < ALPHA
        permuted = [(test(counts, labels)["adj.P.Val"] < ALPHA).sum() / N_SUBTYPES for labels in dealt]
        rows.append(
            {
                "patients": n_patients,
                "test": name,
                "seconds": seconds,
                "changed genes found": (found & changed.to_numpy()).sum() / changed.to_numpy().sum(),
                "changed nowhere, of those found": (found & nowhere).sum() / found.sum(),
                "permuted": np.mean(permuted),
            }
        )
    rows[-1]["rank correlation of t"] = t["moderated t"].corr(t["DESeq2's model"], method="spearman")
    return rows


def main() -> None:
    """Print the table."""
    rows = [row for n_patients in SIZES for row in judged(n_patients)]
    table = pd.DataFrame(rows).astype(object)
    print(table.where(table.notna(), None).to_markdown(index=False, floatfmt=".2g", missingval=""))


if __name__ == "__main__":
    main()
