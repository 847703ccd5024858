"""Names of gene sets as people read them."""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Iterable

import pandas as pd

from amucl.figures.names import plain, shown

_COLLECTION_PREFIX = re.compile(r"^(HALLMARK|KEGG|REACTOME|BIOCARTA|PID|WP|GOBP|GOCC|GOMF|GO)_")
_ACCESSION = re.compile(r"\s*\((GO:\d+)\)$|\s+R-HSA-\d+$|\s+WP\d+$")
_ACRONYMS = {
    "ABC", "AKT", "AMPK", "AP", "APC", "ATP", "ATR", "BCR", "BMP", "CDK", "DNA", "ECM", "EGFR", "ER", "ERBB",
    "ERK", "FGFR", "GPCR", "GTP", "HIV", "IFN", "IGF", "IL", "JAK", "JNK", "KRAS", "MAPK", "MHC", "MYC", "NCAM",
    "NGF", "NK", "NOD", "PDGF", "PI", "PKA", "PLC", "PPAR", "RIG", "RNA", "ROS", "SLC", "STAT", "TCA", "TCR",
    "TGF", "TLR", "TNF", "UV", "VEGF",
}  # fmt: skip
_REWRITTEN = {
    "DN": "down", "MTOR": "mTOR", "MRNA": "mRNA", "RRNA": "rRNA", "TRNA": "tRNA", "RHO": "Rho", "RAS": "Ras",
    "TNFA": "TNFα", "NFKB": "NF-κB", "WNT": "Wnt",
}  # fmt: skip


def readable_term(term: str, width: int = 42, lines: int = 2) -> str:
    """A gene set's name for people: no prefix, no accession, no capitals but acronyms, at most `lines` lines."""
    text = _ACCESSION.sub("", _COLLECTION_PREFIX.sub("", plain(term)))
    words = text.replace("_", " ").split()
    if "_" in text or text.isupper():
        words = [_readable_word(word) for word in words]
    if words and words[0].islower():
        words[0] = words[0][0].upper() + words[0][1:]
    return "\n".join(textwrap.wrap(" ".join(words), width, max_lines=lines, placeholder=" …")) or plain(term)


def readable_terms(terms: Iterable[str], width: int = 42) -> list[str]:
    """As `readable_term`, of several: no two are alike."""
    terms = list(terms)
    found = {term: readable_term(term, width) for term in terms}
    kept = Counter(found.values())
    distinct = shown([term for term in found if kept[found[term]] > 1], width)
    return [distinct.get(term, found[term]) for term in terms]


def readable_overview(table: pd.DataFrame) -> pd.DataFrame:
    """A table of `amucl.biology.overview.overview` with its gene sets' names for people."""
    columns = [name for name in table if name in ("top_go", "top_gsea_up", "top_gsea_down")]
    names = {name: table[name].map(lambda terms: "; ".join(map(_on_one_line, terms.split("; ")))) for name in columns}
    return table.assign(**names)


def _on_one_line(term: str) -> str:
    return readable_term(term, width=len(term) + 1)


def _readable_word(word: str) -> str:
    if word in _REWRITTEN:
        return _REWRITTEN[word]
    keeps_case = word in _ACRONYMS or len(word) == 1 or any(letter.isdigit() for letter in word)
    return word if keeps_case else word.lower()
