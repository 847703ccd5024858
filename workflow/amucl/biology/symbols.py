"""Names of genes: symbols, Ensembl and Entrez ids, and the maps from a feature to its genes."""

from __future__ import annotations

import csv
import io
import logging
import os
import re
from collections.abc import Collection, Iterable

import pandas as pd

from amucl.cohort.text import read_text
from amucl.errors import AmuclError, some
from amucl.files import require_file

logger = logging.getLogger(__name__)

_KINDS = {
    "Ensembl ids": re.compile(r"ENS[A-Z]*[GTP]\d{11}(\.\d+)?"),
    "Entrez ids": re.compile(r"\d+"),
    "array probes": re.compile(r"cg\d{8}|\d+(_[a-z])*_at"),
}
_VERSION = re.compile(r"(?<=\d{11})\.\d+$")
_GENE_COLUMNS = ("gene", "symbol")


def kind_of(names: Iterable[str]) -> str:
    """What most of `names` are: ``Ensembl ids``, ``Entrez ids``, ``array probes`` or ``symbols``."""
    names = [str(name) for name in names]
    for kind, pattern in _KINDS.items():
        if sum(pattern.fullmatch(name) is not None for name in names) > len(names) / 2:
            return kind
    return "symbols"


def hyphenated(genes: Iterable[str], known: Collection[str]) -> dict[str, str]:
    """Gene -> its spelling among `known`, for genes whose hyphens R has turned into dots (HLA.A for HLA-A).

    Only genes that `known` lacks as they are and has with hyphens; none if that name is another of `genes`.
    """
    genes = set(genes)
    dotted = {gene: gene.replace(".", "-") for gene in genes if "." in gene and gene not in known}
    return {gene: name for gene, name in dotted.items() if name in known and name not in genes}


def read_gene_map(path: str | os.PathLike) -> pd.DataFrame:
    """Read a map of features to genes as columns feature and gene; a feature may have several rows.

    The file is a table with a header (tab, comma, gzip): its first column names features, the gene stands in the column
    `gene` or `symbol`, else in the second; several genes may be joined by `;`. Rows without a gene are left out.

    Raises AmuclError for an unreadable file, a line of another length, fewer than two columns, and a map without any
    gene.
    """
    file = require_file(path, purpose="gene map")
    table = _parse_map(read_text(file), file)
    if table.shape[1] < 2:
        raise AmuclError("gene map has one column", where=file, expected="feature and gene", got=some(table.columns))
    places = [place for place, name in enumerate(table.columns) if name.strip().lower() in _GENE_COLUMNS]
    column = table.columns[places[0]] if places else table.columns[1]
    genes = table.iloc[:, places[0] if places else 1]
    pairs = pd.DataFrame({"feature": table.iloc[:, 0], "gene": genes.str.split(";")}).explode("gene")
    pairs = pairs[~pairs["gene"].isin(["", "NA"])].drop_duplicates(ignore_index=True)
    if pairs.empty:
        raise AmuclError("gene map names no gene", where=file, expected=f"genes in column {column}")
    return pairs


def genes_of(features: Iterable[str], gene_map: pd.DataFrame) -> pd.Series:
    """The genes of each feature, joined by `;`, empty where the map has none; versions of Ensembl ids do not count.

    Raises AmuclError, with three examples of each, if the map knows none of the features.
    """
    features = pd.Index(features)
    joined = gene_map.groupby("feature", sort=False)["gene"].agg(";".join)
    found = pd.Series(joined.reindex(features).to_numpy(), index=features)
    if found.isna().all():
        joined = joined.rename(_without_version).groupby(level=0, sort=False).first()
        found = pd.Series(joined.reindex(features.map(_without_version)).to_numpy(), index=features)
    if found.isna().all():
        raise AmuclError(
            "the gene map knows none of the features",
            expected=f"{kind_of(joined.index)} such as {', '.join(map(str, joined.index[:3]))}",
            got=f"{kind_of(features)} such as {', '.join(map(str, features[:3]))}",
            action="give a map for these ids",
        )
    return found.fillna("")


def in_symbols(expression: pd.DataFrame, gene_map: pd.DataFrame) -> pd.DataFrame:
    """Expression (samples x features) under its genes' names.

    Features without a gene keep their own name, of several with one gene the one with the highest mean stays (a feature
    of several genes counts for the first).
    """
    genes = genes_of(expression.columns, gene_map).str.split(";").str[0]
    names = genes.where(genes != "", expression.columns.to_series())
    renamed = expression.set_axis(pd.Index(names, name=expression.columns.name), axis=1)
    order = renamed.to_numpy().mean(axis=0).argsort(kind="stable")[::-1]
    kept = sorted(order[~renamed.columns[order].duplicated()])
    logger.info("%d of %d features have a gene, %d names are left", (genes != "").sum(), len(genes), len(kept))
    return renamed.iloc[:, kept]


def _parse_map(text: str, where: os.PathLike) -> pd.DataFrame:
    """The table in `text`, all strings; of one as R writes it, with row names below no header, without these."""
    lines = csv.reader(io.StringIO(text), delimiter="\t" if "\t" in text.partition("\n")[0] else ",")
    try:
        rows = [(lines.line_num, row) for row in lines if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise AmuclError("gene map cannot be read", where=f"{where}, line {lines.line_num}", got=error) from error
    if not rows:
        raise AmuclError("gene map cannot be read", where=where, expected="a table with a header", got="an empty file")
    (_, header), *body = rows
    named = bool(body) and len(body[0][1]) == len(header) + 1 and any(row[-1] for _, row in body)
    for number, row in body:
        if len(row) != len(header) + named:
            place, expected = f"{where}, line {number}", f"{len(header) + named} fields"
            raise AmuclError("gene map with a line of another length", where=place, expected=expected, got=len(row))
    return pd.DataFrame([row[named:] for _, row in body], columns=header, dtype=object)


def _without_version(name: str) -> str:
    return _VERSION.sub("", name)
