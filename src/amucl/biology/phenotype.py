"""Gene set enrichment with permuted patients: the p-value that knows genes move together.

Pre-ranked enrichment permutes genes and takes correlated genes for many witnesses; here subtypes are dealt out to the
patients anew and every gene is tested again, so that genes keep their correlation.
"""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from amucl.biology.correction import benjamini_hochberg
from amucl.biology.differential import checked, shrink, t_of
from amucl.biology.enrichment import GeneSets, cut_sets, foreign_rows, known_collections, members_of
from amucl.biology.symbols import hyphenated
from amucl.labels import subtype_order

logger = logging.getLogger(__name__)

PHENOTYPE_COLUMNS = [
    "subtype", "collection", "term", "size", "ES", "NES", "pval", "padj", "qval", "n_permutations", "status",
]  # fmt: skip

_BATCH = 50  # permutations held at a time
_TIE = 1e-12  # scores that differ by less are equal


def permuted_t(values: np.ndarray, inside: np.ndarray, *, trend: bool = False) -> np.ndarray:
    """Moderated t of many groupings at once, each with a prior of its own.

    Parameters
    ----------
    values : (n, g) expression, every gene varying.
    inside : (b, n) boolean, who is in the group; the same number in each.
    trend : as in `amucl.biology.differential.moderated_t`.

    Returns
    -------
    (b, g), each row as `amucl.biology.differential.moderated_t` gives it.
    """
    average = values.mean(axis=0)
    centred = values - average
    groups = np.asarray(inside, dtype=float)
    n, n_in = len(values), groups[0].sum()
    n_out, total = n - n_in, (centred**2).sum(axis=0)
    mean_in = groups @ centred / n_in
    mean_out = -mean_in * n_in / n_out  # all of a gene's centred values sum to 0
    scatter = total - n_in * mean_in**2 - n_out * mean_out**2
    variance = np.maximum(scatter, 0) / (n - 2)
    shrunk = np.stack([shrink(row, n - 2, average if trend else None)[0] for row in variance])
    return t_of(mean_in - mean_out, shrunk * (1 / n_in + 1 / n_out))


def enrichment_scores(t: np.ndarray, sets: list[np.ndarray]) -> np.ndarray:
    """The running-sum score (weight 1) of sets of genes in many rankings at once.

    Parameters
    ----------
    t : (b, g), statistics by which genes are ranked, high to low.
    sets : positions of each set's genes.

    Returns
    -------
    (b, number of sets): the largest deviation of the running sum from 0, with its sign.

    References
    ----------
    Subramanian, A. et al. (2005). Gene set enrichment analysis. PNAS 102, 15545-15550.
    """
    n_genes = t.shape[1]
    order = np.argsort(-t, axis=1, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(n_genes)[None], axis=1)
    weights = np.abs(t)
    scores = np.empty((len(t), len(sets)))
    for i, members in enumerate(sets):
        m = len(members)
        position = rank[:, members]
        by_rank = np.argsort(position, axis=1)
        position = np.take_along_axis(position, by_rank, axis=1)
        hit = np.cumsum(np.take_along_axis(weights[:, members], by_rank, axis=1), axis=1)
        total = hit[:, -1:]
        before = np.concatenate([np.zeros_like(total), hit[:, :-1]], axis=1) / total
        missed = (position - np.arange(m)) / (n_genes - m)
        high, low = (hit / total - missed).max(axis=1), (before - missed).min(axis=1)
        scores[:, i] = np.where(high > -low, high, low)
    return scores


def phenotype_gsea(
    expression: pd.DataFrame,
    labels: pd.Series,
    collections: dict[str, GeneSets],
    *,
    seed: int,
    n_permutations: int = 1000,
    min_size: int = 10,
    max_size: int = 500,
    min_samples: int = 3,
    trend: bool = False,
) -> pd.DataFrame:
    """Gene set enrichment of each subtype against the rest, patients permuted.

    Parameters
    ----------
    expression, labels : as in `amucl.biology.differential.subtype_markers`.
    collections : name -> gene sets, each cut to the genes and to `min_size` to `max_size` of them.
    n_permutations : permutations of the labels; every set and subtype sees the same ones.
    min_samples : subtypes with fewer samples have no rows.
    trend : as in `amucl.biology.differential.moderated_t`.

    Returns
    -------
    Columns `PHENOTYPE_COLUMNS`. NES is ES over the mean of the permuted ES of its sign. pval is (b + 1) / (n + 1), b of
    the n permuted ES of its sign being as extreme: never 0; n is n_permutations of the table, and pval and NES are
    missing where it is 0. padj is Benjamini-Hochberg per subtype and collection: as no P is below 1 / (n + 1), it can
    stay large where sets are many. qval is the false discovery rate of the pooled NES (`pooled_q`), per subtype and
    collection: it needs fewer permutations, and takes the permuted NES of all sets for exchangeable. status is ok, or
    foreign_ids in the one row that a collection has which knows none of the genes.

    Raises
    ------
    AmuclError as `subtype_markers` does.

    References
    ----------
    Subramanian et al. (2005). (b + 1) / (n + 1): Phipson & Smyth, Stat. Appl. Genet. Mol. Biol. 9:39 (2010).
    """
    expression, labels = checked(expression, labels)
    usable = known_collections(collections, expression.columns)
    every = {(name, term): genes for name, sets in usable.items() for term, genes in sets.items()}
    expression = expression.rename(columns=hyphenated(expression.columns, members_of(every)))
    expression = expression[sorted(expression.columns)]  # ties are ordered by gene
    sets = cut_sets(every, expression.columns, min_size, min(max_size, expression.shape[1] - 1))
    values, place = expression.to_numpy(dtype=float), {gene: i for i, gene in enumerate(expression.columns)}
    positions = [np.array([place[gene] for gene in genes]) for genes in sets.values()]
    codes = labels.to_numpy()
    rng = np.random.default_rng(seed)
    order = np.stack([rng.permutation(len(codes)) for _ in range(n_permutations)])
    tables = []
    foreign = [name for name in collections if name not in usable]
    for subtype in subtype_order(labels):
        inside = codes == subtype
        if min(inside.sum(), (~inside).sum()) < min_samples:
            continue
        if foreign:
            tables.append(foreign_rows([subtype], foreign))
        if not sets:
            continue
        logger.info("subtype %s: %d permutations, %d sets", subtype, n_permutations, len(sets))
        observed = enrichment_scores(permuted_t(values, inside[None], trend=trend), positions)[0]
        permuted = [
            enrichment_scores(permuted_t(values, inside[order[start : start + _BATCH]], trend=trend), positions)
            for start in range(0, n_permutations, _BATCH)
        ]
        collection, term = zip(*sets, strict=True)
        table = _judged(observed, np.concatenate(permuted), np.array(collection))
        table = table.assign(
            subtype=subtype, collection=collection, term=term, size=[len(g) for g in positions], status="ok"
        )
        table["padj"] = table.groupby("collection", sort=False)["pval"].transform(benjamini_hochberg)
        tables.append(table.sort_values(["collection", "pval", "term"], kind="stable"))
    if not tables:
        return pd.DataFrame(columns=PHENOTYPE_COLUMNS)
    return pd.concat(tables, ignore_index=True).reindex(columns=PHENOTYPE_COLUMNS)


def beside_preranked(table: pd.DataFrame, preranked: pd.DataFrame) -> pd.DataFrame:
    """A table of `phenotype_gsea` with pval_preranked and padj_preranked, those of `subtype_gsea` for the same sets."""
    keys = ["subtype", "collection", "term"]
    other = preranked[[*keys, "pval", "padj"]].rename(columns={"pval": "pval_preranked", "padj": "padj_preranked"})
    return table.merge(other, on=keys, how="left")


def pooled_q(nes: np.ndarray, permuted: np.ndarray) -> np.ndarray:
    """False discovery rate of each normalised score among those of its sign.

    The share of the permuted scores of all sets that are as extreme, over the share of the observed ones that are; 1 at
    most. So that it is never 0, one more permuted score counts as as extreme; and no set has a larger rate than a less
    extreme one.

    Parameters
    ----------
    nes : (s,) observed. permuted : (b, s), each set's over the mean of its own of the same sign.
        Missing values are left out.

    Returns
    -------
    (s,), missing where nes is, or where no permuted score has its sign.

    References
    ----------
    Subramanian et al. (2005), supplement, multiple hypothesis testing.
    """
    q = np.full(len(nes), np.nan)
    pooled = permuted[np.isfinite(permuted)]
    for sign in (1, -1):
        mine = np.flatnonzero((sign * nes > 0) | ((nes == 0) & (sign > 0)))
        null = np.sort(np.abs(pooled[(pooled >= 0) if sign > 0 else (pooled < 0)]))
        if not len(mine) or not len(null):
            continue
        order = mine[np.argsort(-np.abs(nes[mine]), kind="stable")]
        scores = np.abs(nes[order])
        as_extreme = len(null) - np.searchsorted(null, scores - _TIE, side="left") + 1
        observed = len(scores) - np.searchsorted(scores[::-1], scores - _TIE, side="left")
        rates = (as_extreme / (len(null) + 1)) / (observed / len(scores))
        q[order] = np.minimum(np.minimum.accumulate(rates[::-1])[::-1], 1)
    return q


def _judged(observed: np.ndarray, permuted: np.ndarray, collection: np.ndarray) -> pd.DataFrame:
    """ES, NES, pval, qval and the permutations they rest on, of every set: observed (s,), permuted (b, s)."""
    above = permuted >= 0
    same = above == (observed >= 0)
    n = same.sum(axis=0)
    extreme = (same & (np.abs(permuted) >= np.abs(observed) - _TIE)).sum(axis=0)
    up, down = (_mean_where(permuted, chosen) for chosen in (above, ~above))
    nes = observed / np.where(observed >= 0, up, -down)
    normalised = permuted / np.where(above, up, -down)
    q = np.full(len(observed), np.nan)
    for name in np.unique(collection):
        own = collection == name
        q[own] = pooled_q(nes[own], normalised[:, own])
    p = np.where(n > 0, (extreme + 1) / (n + 1), np.nan)
    return pd.DataFrame({"ES": observed, "NES": nes, "pval": p, "qval": q, "n_permutations": n})


def _mean_where(values: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Mean of the chosen values of every column, missing where there is none, or where it is 0."""
    n = chosen.sum(axis=0)
    mean = np.where(chosen, values, 0).sum(axis=0) / np.maximum(n, 1)
    return np.where((n > 0) & (mean != 0), mean, np.nan)
