"""AML subtypes given to other patients by templates: `python -m benchmarks.transfer --data ../shared/data`.

Subtypes are those of k-means on ten principal components of the mirror's AML expression (1,191 genes x 170), so that no
training is needed. Given to: the other half of the patients (ten random halves); of that half only the two largest or
only the largest subtype; random patients of no subtype, whose genes have the covariance of the half learned from; all
subtypes of the half, learned without the smallest, of which those of the smallest are counted; raw counts (learned on
all, 20 profiles with Ensembl ids, 19 of them of the same patients: that tests the platform, not the patients).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

N_SPLITS = 10


def halves(k: int) -> list[dict]:
    """From one half of the patients to the other one, to parts of it, and to patients without subtypes."""
    from tests.unit.biology.real_aml import aml_expression, kmeans_subtypes

    expression = aml_expression()
    labels = kmeans_subtypes(expression, k)
    rows = []
    for split in range(N_SPLITS):
        half = np.random.default_rng(split).permutation(len(expression)) < len(expression) // 2
        rows += _to_half(expression[half], labels[half], expression[~half], labels[~half], split)
    means = pd.DataFrame(rows).groupby("to", sort=False).mean().reset_index()
    return means.assign(k=k).to_dict("records")


def _to_half(
    expression: pd.DataFrame, labels: pd.Series, new: pd.DataFrame, own: pd.Series, seed: int
) -> Iterator[dict]:
    largest, second, *_, smallest = labels.value_counts().index
    learned = learn(expression, labels)
    yield {"to": "the other half", **moved(learned, new, own)}
    for name, kept in {"its two largest subtypes": [largest, second], "its largest subtype": [largest]}.items():
        here = own.isin(kept)
        yield {"to": name, **moved(learned, new[here], own[here])}
    centred = expression.to_numpy() - expression.to_numpy().mean(axis=0)
    weights = np.random.default_rng(seed).normal(size=(len(new), len(centred))) / np.sqrt(len(centred) - 1)
    random = pd.DataFrame(weights @ centred, columns=expression.columns)
    yield {"to": "random patients of no subtype", **moved(learned, random, pd.Series("none", index=random.index))}
    known = labels != smallest
    found = learn(expression[known], labels[known])
    yield {"to": "a subtype not learned", **moved(found, new, own, of=smallest)}


def raw_counts(k: int) -> list[dict]:
    """To the raw counts of the same patients."""
    from tests.unit.biology.real_aml import aml_counts, aml_expression, kmeans_subtypes

    expression, counts = aml_expression(), aml_counts()
    labels = kmeans_subtypes(expression, k)
    own = labels.rename(lambda sample: sample[:12]).reindex(counts.index)
    return [{"to": "raw counts", "k": k, **moved(learn(expression, labels), counts, own)}]


def learn(expression: pd.DataFrame, labels: pd.Series) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Templates and their calibration."""
    from amucl.biology.calibration import calibration
    from amucl.biology.differential import subtype_markers
    from amucl.biology.templates import subtype_templates

    templates = subtype_templates(subtype_markers(expression, labels))
    return templates, calibration(expression, labels, templates, seed=1)


def moved(learned: tuple, new: pd.DataFrame, own: pd.Series, of: object = None) -> dict:
    """Which share of the patients (of subtype `of` only) the published rule and ours assign, and which are right."""
    from amucl.biology.correction import ALPHA
    from amucl.biology.nearest import UNASSIGNED, nearest_template

    found = nearest_template(new, *learned, seed=1).patients.set_index("sample")
    own = own.dropna() if of is None else own[own == of]
    found = found.loc[own.index]
    right = (found["nearest"] == own).to_numpy()
    published, ours = (found["padj"] < ALPHA).to_numpy(), (found["subtype"] != UNASSIGNED).to_numpy()
    return {
        "patients": len(own),
        "assigned by P alone": published.mean(),
        "of them right": right[published].mean() if published.any() else np.nan,
        "assigned": ours.mean(),
        "of those right": right[ours].mean() if ours.any() else np.nan,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the real data (default: ../shared/data)")
    folder = parser.parse_args().data
    if folder is not None:
        os.environ["AMUCL_SHARED_DATA"] = str(folder)
    rows = [row for test in (halves, raw_counts) for k in (4, 6) for row in test(k)]
    table = pd.DataFrame(rows)
    table.insert(1, "k", table.pop("k"))
    print(table.to_markdown(index=False, floatfmt=".3g"))


if __name__ == "__main__":
    main()
