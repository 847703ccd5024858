"""Subtypes as lists of genes, and the patients of another cohort by the list they follow most closely."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from amucl.biology.symbols import hyphenated, kind_of
from amucl.errors import AmuclError, some

logger = logging.getLogger(__name__)

TEMPLATE_COLUMNS = ["subtype", "gene", "direction", "logFC", "t", "adj.P.Val"]
ASSIGNMENT_COLUMNS = ["sample", "subtype", "nearest", "distance", "pval", "padj", "second", "distance_second"]
UNASSIGNED = "unassigned"
LEAST_GENES = 5  # fewer genes of a subtype are no template
LEAST_SAMPLES = 5  # z-scores of fewer samples say nothing


def subtype_templates(markers: pd.DataFrame, *, n_top: int = 50, alpha: float = 0.05) -> pd.DataFrame:
    """The genes that stand for each subtype: the `n_top` most up- and most down-regulated at adj.P.Val < `alpha`, by t.

    markers : table of `amucl.biology.differential.subtype_markers`.

    Returns
    -------
    Columns `TEMPLATE_COLUMNS`, direction up or down, most extreme first. A subtype without markers has no rows.
    """
    significant = markers[(markers["status"] == "ok") & (markers["adj.P.Val"] < alpha)]
    tables = []
    for _, rows in significant.groupby("subtype", sort=False):
        ordered = rows.sort_values(["t", "gene"], ascending=[False, True])
        tables.append(ordered[ordered["t"] > 0].head(n_top).assign(direction="up"))
        tables.append(ordered[ordered["t"] < 0].iloc[::-1].head(n_top).assign(direction="down"))
    if not tables:
        return pd.DataFrame(columns=TEMPLATE_COLUMNS)
    return pd.concat(tables, ignore_index=True)[TEMPLATE_COLUMNS]


@dataclass(frozen=True)
class Assignment:
    """Patients and their nearest templates.

    Attributes
    ----------
    patients : `ASSIGNMENT_COLUMNS`, one row a sample.
    genes : how many genes of each template the cohort has: subtype n_genes n_found used.
    """

    patients: pd.DataFrame
    genes: pd.DataFrame


def nearest_template(
    expression: pd.DataFrame,
    templates: pd.DataFrame,
    *,
    seed: int,
    n_permutations: int = 1000,
    alpha: float = 0.05,
) -> Assignment:
    """The subtype whose template each sample is nearest to, by nearest template prediction.

    Genes are z-scored over the samples of this cohort, so that it needs no common scale with the one that the subtypes
    were found in, but several samples, and of several subtypes: where all are of one, their differences are noise. A
    template is 1 for its genes that are up, -1 for those down and 0 for the other templates' genes; distance is
    1 - cosine. P: how often as many random genes bring the sample as near to any template, (b + 1) / (n + 1).

    Parameters
    ----------
    expression : samples x genes, log2, finite, genes unique; HLA.A and HLA-A are one gene.
    templates : table of `subtype_templates`.
    n_permutations : random sets of genes, the same for all samples.
    alpha : a sample whose padj (Benjamini-Hochberg over the samples) is not below it is "unassigned".

    Raises
    ------
    AmuclError for fewer than `LEAST_SAMPLES` samples; if fewer than two templates have `LEAST_GENES` genes here.

    References
    ----------
    Hoshida, Y. (2010). Nearest template prediction: a single-sample-based flexible class prediction with confidence
    assessment. PLoS ONE 5, e15543. It compares with random genes' distance to the nearest template only; any template,
    as here, is stricter.
    """
    if len(expression) < LEAST_SAMPLES:
        raise AmuclError(
            "too few samples to compare their genes",
            expected=f"at least {LEAST_SAMPLES}",
            got=len(expression),
            action="give the patients together",
        )
    z = _z_scores(expression.rename(columns=hyphenated(expression.columns, set(templates["gene"]))))
    known = templates["gene"].replace(hyphenated(templates["gene"], set(z.columns)))
    templates = templates.assign(gene=known)
    genes = _found(templates, z.columns)
    used = genes.loc[genes["used"], "subtype"].tolist()
    if len(used) < 2:
        raise AmuclError(
            "the cohort has too few of the templates' genes",
            expected=f"{LEAST_GENES} genes or more of two subtypes: {kind_of(known)} such as {some(known)}",
            got=f"{kind_of(z.columns)} such as {some(z.columns)}; found {some(genes['n_found'], 20)}",
            action="name a `gene_maps` file for its expression, or choose a cohort of the same platform",
        )
    for subtype in genes.loc[~genes["used"], "subtype"]:
        logger.warning("fewer than %d genes of subtype %s are here: nobody can be of it", LEAST_GENES, subtype)
    signs = _signs(templates[templates["subtype"].isin(used)], used, z.columns)
    distance = 1 - _cosine(z[signs.index].to_numpy(), signs.to_numpy())
    order = np.argsort(distance, axis=1, kind="stable")[:, :2]
    near, far = np.take_along_axis(distance, order, axis=1).T
    rng = np.random.default_rng(seed)
    values, as_near = z.to_numpy(), np.zeros(len(z))
    for _ in range(n_permutations):
        drawn = rng.choice(z.shape[1], len(signs), replace=False)
        as_near += (1 - _cosine(values[:, drawn], signs.to_numpy())).min(axis=1) <= near
    p = (as_near + 1) / (n_permutations + 1)
    padj, names = stats.false_discovery_control(p), np.asarray(used, dtype=object)
    nearest = names[order[:, 0]]
    columns = {
        "sample": expression.index,
        "subtype": np.where(padj < alpha, nearest, UNASSIGNED),
        "nearest": nearest,
        "distance": near,
        "pval": p,
        "padj": padj,
        "second": names[order[:, 1]],
        "distance_second": far,
    }
    return Assignment(pd.DataFrame(columns, columns=ASSIGNMENT_COLUMNS), genes)


def _z_scores(expression: pd.DataFrame) -> pd.DataFrame:
    """Genes that vary, z-scored over the samples."""
    values = expression.astype(float)
    varies = (values.max() > values.min()).to_numpy()
    values = values.loc[:, varies]
    return (values - values.mean()) / values.std()


def _found(templates: pd.DataFrame, genes: pd.Index) -> pd.DataFrame:
    counts = templates.assign(found=templates["gene"].isin(genes)).groupby("subtype", sort=False)["found"]
    table = counts.agg(n_genes="size", n_found="sum").reset_index()
    return table.assign(used=table["n_found"] >= LEAST_GENES)


def _signs(templates: pd.DataFrame, subtypes: list, genes: pd.Index) -> pd.DataFrame:
    """Template genes that the cohort has x subtypes: 1, -1 or 0."""
    signed = templates.assign(sign=templates["direction"].map({"up": 1.0, "down": -1.0}))
    table = signed.pivot_table(index="gene", columns="subtype", values="sign", aggfunc="first")
    return table.reindex(genes.intersection(table.index))[subtypes].fillna(0.0)


def _cosine(values: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Cosine of every row of `values` (n x g) with every column of `signs` (g x k)."""
    lengths = np.linalg.norm(values, axis=1)[:, None] * np.linalg.norm(signs, axis=0)
    return values @ signs / np.maximum(lengths, np.finfo(float).tiny)
