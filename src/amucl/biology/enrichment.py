"""What the genes of a subtype do: over-representation and gene set enrichment, through gseapy.

Both are wrapped so that they follow the rules reviewers know from R (clusterProfiler, fgsea), print nothing and write
no files.
"""

from __future__ import annotations

import contextlib
import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator

import gseapy
import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from scipy import stats

from amucl.biology.correction import ALPHA, benjamini_hochberg
from amucl.biology.differential import FOREIGN_IDS, down_regulated, up_regulated
from amucl.biology.symbols import hyphenated, kind_of
from amucl.errors import AmuclError, some

logger = logging.getLogger(__name__)

GeneSets = dict[str, list[str]]

ORA_COLUMNS = ["term", "k", "n", "M", "N", "odds_ratio", "pval", "padj", "genes"]
GSEA_COLUMNS = ["term", "size", "ES", "NES", "pval", "padj", "log2err", "tag_pct", "gene_pct", "leading_edge"]
# gseapy keeps every set's running score, some 50 bytes a gene: 2 GB at a time.
_SCORES_AT_A_TIME = 40_000_000


def over_representation(
    genes: list[str], tested_genes: list[str], gene_sets: GeneSets, *, min_size: int = 10, max_size: int = 500
) -> pd.DataFrame:
    """Hypergeometric test of each gene set for more of `genes` than chance, by clusterProfiler's rules.

    The universe is the tested genes that the collection annotates; the query and the sets are cut to it, and sets of
    `min_size` to `max_size` genes after the cut that share a gene with the query are tested.

    Returns
    -------
    One row per set, by p-value: term, k (query genes in the set), n (query genes), M (genes in the set), N (universe),
    odds_ratio (Haldane-Anscombe corrected), pval, padj (Benjamini-Hochberg), genes (the k, in query order, joined by
    `;`, spelt as in the sets: HLA.A is found as HLA-A). Only the header if nothing can be tested.

    Raises
    ------
    AmuclError if no tested gene is in any set: identifiers of another kind.

    References
    ----------
    Yu, G. et al. (2012). clusterProfiler: an R package for comparing biological themes among gene clusters. OMICS 16.
    """
    annotated = members_of(gene_sets)
    spelling = hyphenated(tested_genes, annotated)
    tested_genes, genes = ([spelling.get(gene, gene) for gene in names] for names in (tested_genes, genes))
    require_overlap(tested_genes, gene_sets)
    universe = [gene for gene in tested_genes if gene in annotated]
    sets = cut_sets(gene_sets, universe, min_size, max_size)
    query = [gene for gene in genes if gene in annotated]
    if members_of(sets).isdisjoint(query):
        return pd.DataFrame(columns=ORA_COLUMNS)

    codes = Codes(universe, sets)
    with silence():
        found = gseapy.enrich(
            codes.encode(query), codes.sets, background=codes.encode(universe), outdir=None, no_plot=True
        ).results
    hits = [set(codes.decode(coded)) for coded in found["Genes"]]
    terms = codes.terms(found["Term"])
    table = pd.DataFrame(
        {
            "term": terms,
            "k": [len(hit) for hit in hits],
            "n": len(query),
            "M": [len(sets[term]) for term in terms],
            "N": len(universe),
            "odds_ratio": found["Odds Ratio"],
            "pval": found["P-value"],
            "padj": stats.false_discovery_control(found["P-value"]),
            "genes": [";".join(gene for gene in query if gene in hit) for hit in hits],
        }
    )
    return table.sort_values(["pval", "term"], ignore_index=True)[ORA_COLUMNS]


def gsea(
    ranking: pd.Series,
    gene_sets: GeneSets,
    *,
    seed: int,
    min_size: int = 10,
    max_size: int = 500,
    n_permutations: int = 10_000,
) -> pd.DataFrame:
    """Pre-ranked gene set enrichment with fgsea's multilevel p-values.

    Gene permutation is optimistic where genes are correlated: read the p-values as a ranking of sets. NES and pval are
    missing where the ranking is so lopsided that fewer than 10 of `n_permutations` random sets score on the same side.
    A seed repeats the result whatever the order of genes and sets; other sets beside a set change its NES and pval only
    if the largest one changes, and then within sampling noise.

    Parameters
    ----------
    ranking : a statistic per gene (moderated t), indexed by gene, finite, genes unique. Ties are ordered by gene.
    gene_sets : cut to the ranked genes; sets of `min_size` to `max_size` genes after the cut are tested.
    n_permutations : random sets per size for NES and the first estimate of p; smaller p are sampled further.

    Returns
    -------
    One row per set, by p-value: term, size, ES, NES, pval, padj (Benjamini-Hochberg), log2err (expected error of
    log2 pval), tag_pct (percentage of the set in the leading edge), gene_pct (percentage of the ranking up to the
    peak of the score), leading_edge (genes, most extreme first, joined by `;`). Only the header if no set is left.

    Raises
    ------
    AmuclError for duplicate genes, values that are not finite, and identifiers of another kind than the sets'.

    References
    ----------
    Korotkevich, G. et al. (2021). Fast gene set enrichment analysis. bioRxiv 060012.
    """
    ranking = sorted_ranking(ranking.rename(hyphenated(ranking.index, members_of(gene_sets))))
    require_overlap(ranking.index, gene_sets)
    sets = cut_sets(gene_sets, ranking.index, min_size, min(max_size, len(ranking) - 1))
    if not sets:
        return pd.DataFrame(columns=GSEA_COLUMNS)

    n_sets = max(1, _SCORES_AT_A_TIME // len(ranking))
    limits = {"min_size": min_size, "max_size": max_size, "seed": seed, "n_permutations": n_permutations}
    table = pd.concat([_multilevel(ranking, block, **limits) for block in _blocks(sets, n_sets)], ignore_index=True)
    table = table.drop_duplicates("term")
    table["padj"] = benjamini_hochberg(table["pval"])
    return table.sort_values(["pval", "term"], ignore_index=True)[GSEA_COLUMNS]


def _blocks(sets: GeneSets, n_sets: int) -> Iterator[GeneSets]:
    """The sets, `n_sets` at a time, and with each block the largest of all: what gseapy draws depends on its size."""
    largest = max(sets, key=lambda term: len(sets[term]))
    terms = list(sets)
    for start in range(0, len(terms), n_sets):
        yield {term: sets[term] for term in dict.fromkeys([*terms[start : start + n_sets], largest])}


def _multilevel(
    ranking: pd.Series, sets: GeneSets, *, min_size: int, max_size: int, seed: int, n_permutations: int
) -> pd.DataFrame:
    """The columns of `gsea` but padj, a row per set; `ranking` from high to low, `sets` cut to it."""
    codes = Codes(ranking.index, sets)
    with silence():
        found = gseapy.prerank(
            pd.Series(ranking.to_numpy(), index=codes.encode(ranking.index), name="t"),
            codes.sets,
            method="multilevel",
            permutation_num=n_permutations,
            min_size=min_size,
            max_size=max_size,
            ascending=None,
            outdir=None,
            no_plot=True,
            threads=1,
            seed=seed,
        ).results
    rows = []
    for code, result in found.items():
        (term,) = codes.terms([code])
        edge = codes.decode(result["lead_genes"])
        rows.append(
            {
                "term": term,
                "size": len(sets[term]),
                "ES": result["es"],
                "NES": result["nes"],
                "pval": result["pval"],
                "log2err": result["log2err"],
                "tag_pct": 100 * len(edge) / len(sets[term]),
                "gene_pct": 100 * _reach(result["RES"], result["es"]),
                "leading_edge": ";".join(edge),
            }
        )
    return pd.DataFrame(rows)


def subtype_over_representation(
    markers: pd.DataFrame,
    collections: dict[str, GeneSets],
    *,
    alpha: float = ALPHA,
    min_logfc: float = 0.0,
    **sizes: int,
) -> pd.DataFrame:
    """`over_representation` of each subtype's up- and down-regulated genes in each collection of gene sets.

    `markers` is a table of `subtype_markers`; `alpha` and `min_logfc` choose the genes (see `up_regulated`). Subtypes
    too small to test have no rows, nor has a direction without a gene. Columns subtype, collection, direction (up or
    down), `ORA_COLUMNS` and status; padj is per subtype, collection and direction. A collection that knows none of the
    genes has a row a subtype, without values, whose status is `FOREIGN_IDS`; all others are ok.
    """

    def both(subtype, rows: pd.DataFrame, sets: GeneSets) -> pd.DataFrame:
        tables = []
        for direction, chosen in (("up", up_regulated), ("down", down_regulated)):
            genes = chosen(rows, subtype, alpha=alpha, min_logfc=min_logfc)
            table = over_representation(genes, rows["gene"].tolist(), sets, **sizes)
            tables.append(table.assign(direction=direction))
        filled = [table for table in tables if len(table)]
        return pd.concat(filled, ignore_index=True) if filled else tables[0]

    return _per_subtype(markers, collections, ["direction", *ORA_COLUMNS], both)


def subtype_gsea(
    markers: pd.DataFrame, collections: dict[str, GeneSets], seed: int, *, n_threads: int = 1, **sizes: int
) -> pd.DataFrame:
    """`gsea` of each subtype's genes, ranked by moderated t, in each collection of gene sets.

    `markers` is a table of `subtype_markers`. Subtypes too small to test have no rows. padj is per subtype and
    collection. Columns subtype, collection, `GSEA_COLUMNS` and status, as in `subtype_over_representation`. `n_threads`
    pairs of subtype and collection are worked on at a time, in processes of their own; the result does not depend on
    it.
    """

    def ranked(_subtype, rows: pd.DataFrame, sets: GeneSets) -> pd.DataFrame:
        return gsea(rows.set_index("gene")["t"], sets, seed=seed, **sizes)

    table = _per_subtype(markers, collections, GSEA_COLUMNS, ranked, n_jobs=n_threads)
    for subtype, without in table[table["pval"].isna() & (table["status"] == "ok")].groupby("subtype", sort=False):
        logger.info("subtype %s: %d sets have no p-value, the ranking is too lopsided", subtype, len(without))
    return table


def _per_subtype(
    markers: pd.DataFrame,
    collections: dict[str, GeneSets],
    columns: list[str],
    test: Callable[..., pd.DataFrame],
    n_jobs: int = 1,
) -> pd.DataFrame:
    tested = markers[markers["status"] == "ok"]
    columns = ["subtype", "collection", *columns, "status"]
    if tested.empty:
        return pd.DataFrame(columns=columns)
    usable = known_collections(collections, tested["gene"])
    # The largest first: what is left at the end then keeps every process busy.
    pairs = [
        (subtype, name)
        for name in sorted(usable, key=lambda name: -len(usable[name]))
        for subtype in tested["subtype"].unique()
    ]
    rows = dict(iter(tested.groupby("subtype", sort=False)))
    work = Parallel(n_jobs=n_jobs, return_as="generator", pre_dispatch="n_jobs", max_nbytes=None)
    results = work(delayed(test)(subtype, rows[subtype], usable[name]) for subtype, name in pairs)
    tables = {}
    with warnings.catch_warnings():
        # A process that has grown is replaced by a new one between two tests: nothing is lost.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs were given to the executor", UserWarning)
        for number, (subtype, name) in enumerate(pairs, start=1):
            tables[subtype, name] = next(results).assign(subtype=subtype, collection=name, status="ok")
            logger.info("%d of %d: subtype %s, %s (%d sets)", number, len(pairs), subtype, name, len(usable[name]))
    foreign = foreign_rows(tested["subtype"].unique(), [name for name in collections if name not in usable])
    ordered = [*(tables[subtype, name] for subtype in rows for name in usable), foreign]
    filled = [table for table in ordered if len(table)]
    return pd.concat(filled, ignore_index=True).reindex(columns=columns) if filled else pd.DataFrame(columns=columns)


def known_collections(collections: dict[str, GeneSets], genes: Iterable[str]) -> dict[str, GeneSets]:
    """The collections with a set that holds one of the genes (HLA.A is HLA-A); the others are logged."""
    known = set(genes)
    usable = {}
    for name, sets in collections.items():
        members = members_of(sets)
        if known.isdisjoint(members) and not hyphenated(known, members):
            logger.warning("no gene of the expression is in a set of %s: it is marked as %s", name, FOREIGN_IDS)
        else:
            usable[name] = sets
    return usable


def foreign_rows(subtypes: Iterable, collections: Iterable[str]) -> pd.DataFrame:
    """A row of `FOREIGN_IDS` for every subtype and collection."""
    pairs = [(subtype, name) for subtype in subtypes for name in collections]
    return pd.DataFrame(pairs, columns=["subtype", "collection"]).assign(status=FOREIGN_IDS)


def ids_are_foreign(table: pd.DataFrame) -> bool:
    """Whether a table of gene sets says that none of them knows the genes, for all of its subtypes."""
    return bool(len(table)) and "status" in table and bool((table["status"] == FOREIGN_IDS).all())


class Codes:
    """Stand-ins for gene and set names: gseapy takes numbers for Entrez ids and changes the case of others."""

    def __init__(self, genes, sets: GeneSets) -> None:
        self._genes, self._terms = list(genes), list(sets)
        self._code = {gene: f"G{i}" for i, gene in enumerate(self._genes)}
        self.sets = {f"S{i}": self.encode(members) for i, members in enumerate(sets.values())}

    def encode(self, genes) -> list[str]:
        """Stand-ins of genes."""
        return [self._code[gene] for gene in genes]

    def decode(self, joined: str) -> list[str]:
        """Genes of stand-ins joined by `;`."""
        return [self._genes[int(code[1:])] for code in joined.split(";") if code]

    def terms(self, codes) -> list[str]:
        """Sets of stand-ins."""
        return [self._terms[int(code[1:])] for code in codes]


def members_of(gene_sets: GeneSets) -> set[str]:
    """All genes of a collection."""
    return set().union(*gene_sets.values())


def cut_sets(gene_sets: GeneSets, genes, min_size: int, max_size: int) -> GeneSets:
    """The sets cut to `genes`, those of another size left out; each gene once."""
    known = set(genes)
    cut = {name: [gene for gene in dict.fromkeys(members) if gene in known] for name, members in gene_sets.items()}
    return {name: members for name, members in cut.items() if min_size <= len(members) <= max_size}


def sorted_ranking(ranking: pd.Series) -> pd.Series:
    """A ranking from high to low, ties by gene; AmuclError for duplicate genes and values that are not finite."""
    duplicates = ranking.index[ranking.index.duplicated()].unique()
    if len(duplicates):
        raise AmuclError("duplicate genes in the ranking", expected="each gene once", got=some(duplicates))
    infinite = ranking.index[~np.isfinite(ranking.to_numpy(dtype=float))]
    if len(infinite):
        raise AmuclError(
            "ranking has missing or infinite values", where=f"gene {some(infinite)}", expected="finite numbers"
        )
    order = np.lexsort((ranking.index.astype(str), -ranking.to_numpy(dtype=float)))
    return ranking.iloc[order]


def require_overlap(genes, gene_sets: GeneSets) -> None:
    """AmuclError, with three examples of each, if no gene is in any set."""
    members = members_of(gene_sets)
    genes = list(genes)
    if not members.isdisjoint(genes):
        return
    examples = [gene for members in gene_sets.values() for gene in members][:3]
    kinds = kind_of(genes), kind_of(members)
    raise AmuclError(
        "no gene of the expression is in any gene set" + (f": {kinds[0]} against {kinds[1]}" * (kinds[0] != kinds[1])),
        expected=f"{kinds[1]} such as {', '.join(examples)}",
        got=f"{kinds[0]} such as {', '.join(map(str, genes[:3]))}",
        action="name a `gene_maps` file for expression, or choose gene sets of the same kind",
    )


def _reach(running_score: list[float], score: float) -> float:
    """The fraction of the ranking from its nearer end to the peak of the running score."""
    n = len(running_score)
    return (np.argmax(running_score) + 1) / n if score >= 0 else (n - np.argmin(running_score)) / n


@contextlib.contextmanager
def silence():
    """Mute gseapy: its Python part logs to `sys.stderr`, its compiled part writes to the process's standard error."""
    saved = os.dup(2)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(saved, 2)
            os.close(saved)
