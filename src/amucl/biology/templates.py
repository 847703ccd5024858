"""Subtypes as lists of genes with their direction, and how near patients are to each list."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
import pandas as pd

from amucl.biology.symbols import hyphenated, kind_of
from amucl.errors import AmuclError, some

logger = logging.getLogger(__name__)

TEMPLATE_COLUMNS = ["subtype", "gene", "direction", "logFC", "t", "adj.P.Val"]
LEAST_GENES = 5  # fewer genes of a subtype are no template
LEAST_SAMPLES = 5  # z-scores of fewer samples among themselves say nothing


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
class Placement:
    """Patients among templates.

    Attributes
    ----------
    z : samples x genes that vary, z-scored over the samples, or over the reference where these are few.
    signs : template genes that the cohort has x subtypes: 1 for up, -1 for down, 0 for another subtype's.
    patients : sample nearest distance second distance_second margin, one row a sample. Distance is 1 - cosine of the
        sample's z and the template's signs; margin is distance_second - distance.
    genes : how many genes of each template the cohort has: subtype n_genes n_found used.
    """

    z: pd.DataFrame
    signs: pd.DataFrame
    patients: pd.DataFrame
    genes: pd.DataFrame


def place(expression: pd.DataFrame, templates: pd.DataFrame, reference: pd.DataFrame | None = None) -> Placement:
    """How near each sample is to its nearest and its second nearest template.

    Genes are z-scored over the samples of this cohort, so that it needs no common scale with the one that the subtypes
    were found in, but several samples, and of several subtypes. Fewer than `LEAST_SAMPLES` samples are z-scored by the
    means and standard deviations of `reference`: each by itself, on the scale that the two then must share.

    Parameters
    ----------
    expression : samples x genes, log2, finite, genes unique; HLA.A and HLA-A are one gene.
    templates : table of `subtype_templates`.
    reference : as `expression`, of the cohort that the subtypes were found in; only looked at for few samples.

    Raises
    ------
    AmuclError for fewer than `LEAST_SAMPLES` samples without a reference of as many, duplicate genes, missing or
    infinite values, and if fewer than two templates have `LEAST_GENES` genes, or have them here.
    """
    over = comparable(expression, reference)
    _require_enough(over)
    _require_usable(expression)
    _require_templates(templates)
    over, _ = with_equal_names(over, templates)
    expression, templates = with_equal_names(expression, templates)
    z, known = _z_scores(expression, over), templates["gene"]
    genes = _found(templates, z.columns)
    used = genes.loc[genes["used"], "subtype"].tolist()
    if len(used) < 2:
        raise AmuclError(
            "the cohort has too few of the templates' genes",
            expected=f"{LEAST_GENES} genes or more of two subtypes: {kind_of(known)} such as {some(known)}",
            got=f"{kind_of(z.columns)} such as {some(z.columns)}; found {some(genes['n_found'], 20)}",
            action="name a `gene_maps` file for its expression, or choose a cohort of the same platform",
        )
    signs = _signs(templates[templates["subtype"].isin(used)], used, z.columns)
    distance = 1 - cosine(z[signs.index].to_numpy(), signs.to_numpy())
    order = np.argsort(distance, axis=1, kind="stable")[:, :2]
    near, far = np.take_along_axis(distance, order, axis=1).T
    names = np.asarray(used, dtype=object)
    patients = pd.DataFrame(
        {
            "sample": z.index,
            "nearest": names[order[:, 0]],
            "distance": near,
            "second": names[order[:, 1]],
            "distance_second": far,
            "margin": far - near,
        }
    )
    return Placement(z, signs, patients, genes)


def comparable(expression: pd.DataFrame, reference: pd.DataFrame | None) -> pd.DataFrame:
    """The samples that genes are z-scored over: those of the reference where there are few, and a reference."""
    return expression if reference is None or len(expression) >= LEAST_SAMPLES else reference


def with_equal_names(expression: pd.DataFrame, templates: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both with one spelling of a gene: HLA.A of one is HLA-A of the other."""
    expression = expression.rename(columns=hyphenated(expression.columns, set(templates["gene"])))
    known = templates["gene"].replace(hyphenated(templates["gene"], set(expression.columns)))
    return expression, templates.assign(gene=known)


def cosine(values: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Cosine of every row of `values` (n x g) with every column of `signs` (g x k)."""
    lengths = np.linalg.norm(values, axis=1)[:, None] * np.linalg.norm(signs, axis=0)
    return values @ signs / np.maximum(lengths, np.finfo(float).tiny)


def _require_enough(samples: pd.DataFrame) -> None:
    if len(samples) < LEAST_SAMPLES:
        raise AmuclError(
            "too few samples to compare their genes",
            expected=f"at least {LEAST_SAMPLES}",
            got=len(samples),
            action="give the patients together",
        )


def _require_usable(expression: pd.DataFrame) -> None:
    if not expression.columns.is_unique:
        twice = expression.columns[expression.columns.duplicated()].unique()
        raise AmuclError("genes occur more than once", expected="one column a gene", got=some(twice))
    finite = np.isfinite(expression.to_numpy(dtype=float)).all(axis=0)
    if not finite.all():
        raise AmuclError(
            "expression has missing or infinite values",
            expected="a number for every sample and gene",
            got=f"none in {some(expression.columns[~finite])}",
            action="impute the cohort first",
        )


def _require_templates(templates: pd.DataFrame) -> None:
    sizes = templates.groupby("subtype", sort=False).size()
    if (sizes >= LEAST_GENES).sum() < 2:
        raise AmuclError(
            "the subtypes have too few markers to be told by",
            expected=f"{LEAST_GENES} genes or more of two subtypes",
            got=", ".join(f"{n} of subtype {subtype}" for subtype, n in sizes.items()) or "none",
            action="choose another k or method",
        )


def _z_scores(expression: pd.DataFrame, over: pd.DataFrame) -> pd.DataFrame:
    """The genes that vary in `over`, z-scored by their means and deviations there."""
    shared = expression.columns.intersection(over.columns, sort=False)
    known = over[shared].astype(float)
    known = known.loc[:, (known.max() > known.min()).to_numpy()]
    return (expression[known.columns].astype(float) - known.mean()) / known.std()


def _found(templates: pd.DataFrame, genes: pd.Index) -> pd.DataFrame:
    counts = templates.assign(found=templates["gene"].isin(genes)).groupby("subtype", sort=False)["found"]
    table = counts.agg(n_genes="size", n_found="sum").reset_index()
    return table.assign(used=table["n_found"] >= LEAST_GENES)


def _signs(templates: pd.DataFrame, subtypes: list, genes: pd.Index) -> pd.DataFrame:
    """Template genes that the cohort has x subtypes: 1, -1 or 0."""
    signed = templates.assign(sign=templates["direction"].map({"up": 1.0, "down": -1.0}))
    table = signed.pivot_table(index="gene", columns="subtype", values="sign", aggfunc="first")
    return table.reindex(index=genes.intersection(table.index), columns=subtypes).fillna(0.0)
