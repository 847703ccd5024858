"""A score per patient and gene set (ssGSEA): which programmes run in whom."""

from __future__ import annotations

import logging

import gseapy
import numpy as np
import pandas as pd

from amucl.biology.differential import FOREIGN_IDS, not_available, subtype_markers
from amucl.biology.enrichment import Codes, GeneSets, cut_sets, known_collections, members_of, require_overlap, silence
from amucl.biology.symbols import hyphenated
from amucl.errors import AmuclError, some

SCORE_COLUMNS = {"gene": "term", "logFC": "difference", "AveExpr": "mean"}  # of `MARKER_COLUMNS`, as scores have them
NO_SETS = "no_sets"

logger = logging.getLogger(__name__)


def ssgsea(
    expression: pd.DataFrame, gene_sets: GeneSets, *, min_size: int = 10, max_size: int = 500, n_threads: int = 1
) -> pd.DataFrame:
    """Single-sample GSEA: how far up a set's genes stand in the order of each sample's genes.

    Only a sample's own order of genes counts, so that scores of a patient do not depend on the others, up to one
    factor: scores are divided by the range of all of them (largest minus smallest).

    Parameters
    ----------
    expression : samples x genes, finite, genes unique. HLA.A is found as HLA-A.
    gene_sets : cut to the genes; sets of `min_size` to `max_size` genes after the cut are scored.

    Returns
    -------
    Samples x sets, in the order of `gene_sets`; no columns where no set is left.

    Raises
    ------
    AmuclError for duplicate genes, values that are not finite, and identifiers of another kind than the sets'.

    References
    ----------
    Barbie, D. A. et al. (2009). Systematic RNA interference reveals that oncogenic KRAS-driven cancers require TBK1.
    Nature 462, 108-112. (Weight .25.)
    """
    duplicates = expression.columns[expression.columns.duplicated()].unique()
    if len(duplicates):
        raise AmuclError("duplicate genes in the expression", expected="each gene once", got=some(duplicates))
    if not np.isfinite(expression.to_numpy(dtype=float)).all():
        raise AmuclError("expression has missing or infinite values", expected="finite numbers")
    expression = expression.rename(columns=hyphenated(expression.columns, members_of(gene_sets)))
    require_overlap(expression.columns, gene_sets)
    sets = cut_sets(gene_sets, expression.columns, min_size, max_size)
    if not sets:
        return pd.DataFrame(index=expression.index)
    codes = Codes(expression.columns, sets)
    samples = [f"P{i}" for i in range(len(expression))]
    values = expression.astype(float).set_axis(codes.encode(expression.columns), axis=1).set_axis(samples).T
    with silence():
        found = gseapy.ssgsea(
            values,
            codes.sets,
            outdir=None,
            sample_norm_method="rank",
            weight=0.25,
            permutation_num=0,
            min_size=min_size,
            max_size=max_size,
            threads=n_threads,
            no_plot=True,
        ).res2d
    scores = found.pivot_table(index="Name", columns="Term", values="ES", aggfunc="first").astype(float)
    scores = scores.loc[samples, list(codes.sets)]
    spread = scores.to_numpy().max() - scores.to_numpy().min()
    return pd.DataFrame(scores.to_numpy() / spread, index=expression.index, columns=list(sets))


def collection_scores(
    expression: pd.DataFrame, collections: dict[str, GeneSets], *, n_threads: int = 1, **sizes: int
) -> pd.DataFrame:
    """`ssgsea` of several collections side by side; a set of a name met before gets its collection in brackets.

    A collection that knows none of the genes has no columns.
    """
    tables = []
    for name, sets in known_collections(collections, expression.columns).items():
        taken = {term for table in tables for term in table}
        scores = ssgsea(expression, sets, n_threads=n_threads, **sizes)
        logger.info("%s: %d sets scored", name, scores.shape[1])
        tables.append(scores.rename(columns={term: f"{term} ({name})" for term in scores if term in taken}))
    return pd.concat(tables, axis=1) if tables else pd.DataFrame(index=expression.index)


def score_tests(scores: pd.DataFrame, labels: pd.Series, *, foreign: bool = False) -> pd.DataFrame:
    """Moderated t-tests of each subtype's scores against those of all others.

    Parameters
    ----------
    scores : samples x sets, of `collection_scores`.
    labels : subtype of each sample; samples without scores do not count.
    foreign : the sets know none of the genes, which is why there are no scores.

    Returns
    -------
    The columns of `amucl.biology.differential.subtype_markers`, called as in `SCORE_COLUMNS`: a difference of scores is
    no fold change. Where no set could be scored, a row a subtype with the status `NO_SETS`, or `FOREIGN_IDS`.
    """
    shared = labels.index.intersection(scores.index)
    scores, labels = scores.loc[shared], labels.loc[shared]
    table = (
        subtype_markers(scores, labels)
        if scores.shape[1]
        else not_available(labels, FOREIGN_IDS if foreign else NO_SETS)
    )
    return table.rename(columns=SCORE_COLUMNS)
