"""Names of genes: symbols, Ensembl and Entrez ids, and the maps from a feature to its genes."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Collection, Iterable

import numpy as np
import pandas as pd

from amucl.cohort.readers.text import read_text
from amucl.errors import AmuclError, some
from amucl.files import require_file

ENSEMBL = r"ENS[A-Z]*[GTPR]\d{10,11}(?:\.\d+)?(?:_PAR_[XY])?"

_KINDS = {
    "Ensembl ids": re.compile(ENSEMBL),
    "Entrez ids": re.compile(r"\d+"),
    "array probes": re.compile(r"cg\d{8}|\d+(_[a-z])*_at"),
}
_VERSION = re.compile(r"(?P<id>.*\d{10,11})\.(?P<version>\d+)(?P<copy>_PAR_[XY])?")
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
    """The genes of each feature, joined by `;`, empty where the map has none.

    Where the map has no feature of a name, that of the same Ensembl id with another version is taken, with several
    of them the latest: annotations of two releases name the same gene. ENSG00000002586.20_PAR_Y, the copy on the Y
    chromosome, is another feature than ENSG00000002586.20.

    Raises AmuclError, with three examples of each, if the map knows none of the features.
    """
    features = pd.Index(features)
    joined = gene_map.groupby("feature", sort=False)["gene"].agg(";".join)
    found = pd.Series(joined.reindex(features).to_numpy(), index=features, dtype=object)
    other = _by_latest_version(joined).reindex([_without_version(name) for name in features])
    found = found.where(found.notna(), pd.Series(other.to_numpy(), index=features, dtype=object))
    if found.isna().all():
        raise AmuclError(
            "the gene map knows none of the features",
            expected=f"{kind_of(joined.index)} such as {', '.join(map(str, joined.index[:3]))}",
            got=f"{kind_of(features)} such as {', '.join(map(str, features[:3]))}",
            action="give a map for these ids",
        )
    return found.fillna("")


def _by_latest_version(genes: pd.Series) -> pd.Series:
    """`genes` by id without version, each id's latest version alone; one without a version counts as the earliest."""
    found = [_VERSION.fullmatch(str(name)) for name in genes.index]
    versions = np.array([-1 if match is None else int(match["version"]) for match in found])
    latest = genes.iloc[np.argsort(-versions, kind="stable")].rename(_without_version)
    return latest[~latest.index.duplicated()]


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
    match = _VERSION.fullmatch(str(name))
    return str(name) if match is None else match["id"] + (match["copy"] or "")
