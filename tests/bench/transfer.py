"""AML subtypes given to other patients by templates: `python -m tests.bench.transfer --data ../shared/data`.

Subtypes are those of k-means on ten principal components of the mirror's AML expression (1,191 genes x 170), so that no
training is needed. Halves: learned on one half of the patients, given to the other, ten random halves. Raw counts:
learned on all, given to 20 raw-count profiles (Ensembl ids), 19 of them of the same patients; that tests the platform,
not the patients.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import numpy as np
import pandas as pd


def halves(k: int, n_splits: int = 10) -> dict:
    """From one half of the patients to the other."""
    from tests.unit.biology.real_aml import aml_expression, kmeans_subtypes

    expression = aml_expression()
    labels = kmeans_subtypes(expression, k)
    rows = []
    for split in range(n_splits):
        half = np.random.default_rng(split).permutation(len(expression)) < len(expression) // 2
        rows.append(moved(expression[half], labels[half], expression[~half], labels[~half]))
    return {"to": "the other half", "k": k, **pd.DataFrame(rows).mean().to_dict()}


def raw_counts(k: int) -> dict:
    """To the raw counts of the same patients."""
    from tests.unit.biology.real_aml import aml_counts, aml_expression, kmeans_subtypes

    expression, counts = aml_expression(), aml_counts()
    labels = kmeans_subtypes(expression, k)
    own = labels.rename(lambda sample: sample[:12]).reindex(counts.index)
    return {"to": "raw counts", "k": k, **moved(expression, labels, counts, own)}


def moved(expression: pd.DataFrame, labels: pd.Series, new: pd.DataFrame, own: pd.Series) -> dict:
    """Patients with a subtype of their own, the share that is assigned, and how many of those rightly."""
    from amucl.biology.differential import subtype_markers
    from amucl.biology.templates import UNASSIGNED, nearest_template, subtype_templates

    templates = subtype_templates(subtype_markers(expression, labels))
    found = nearest_template(new, templates, seed=1).patients.set_index("sample")
    own = own.dropna()
    found = found.loc[own.index]
    assigned = found["subtype"] != UNASSIGNED
    return {
        "patients": len(own),
        "assigned": assigned.mean(),
        "right of the assigned": (found["nearest"] == own)[assigned].mean(),
        "right of all": (found["nearest"] == own).mean(),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the real data (default: ../shared/data)")
    folder = parser.parse_args().data
    if folder is not None:
        os.environ["AMUCL_SHARED_DATA"] = str(folder)
    rows = [test(k) for test in (halves, raw_counts) for k in (4, 6)]
    print(pd.DataFrame(rows).to_markdown(index=False, floatfmt=".3g"))


if __name__ == "__main__":
    main()
