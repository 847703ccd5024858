"""Gene sets in the GMT format: one set a line, tab-separated: name, description, genes."""

from __future__ import annotations

import os
import re
from pathlib import Path

from amucl.cohort.readers.text import read_text
from amucl.errors import AmuclError
from amucl.files import atomic_path, require_file

_WEIGHT = re.compile(r",[-+]?[0-9.]+(e[-+]?[0-9]+)?$", re.IGNORECASE)


def read_gmt(path: str | os.PathLike) -> dict[str, list[str]]:
    """Read a GMT file (plain or gzip) as {set name: genes in file order, each once}.

    The description (second field) is ignored and may be empty; weights in Enrichr's manner (`TP53,1.0`) are dropped.

    Raises AmuclError, with the line number, for a line without genes, an unnamed set or a name used twice; and for a
    missing or unreadable file, an empty one, or a web page saved under the name of a .gmt.

    Source of the format: Broad Institute, GSEA data formats.
    """
    file = require_file(path, purpose="gene set file")
    gene_sets: dict[str, list[str]] = {}
    line_of: dict[str, int] = {}
    for number, line in enumerate(_read_text(file).split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{file}, line {number}"
        name, genes = _parse_line(line, where)
        if name in gene_sets:
            raise AmuclError(
                f"gene set {name!r} appears twice",
                where=where,
                expected="each set once",
                got=f"lines {line_of[name]} and {number}",
                action="rename or remove one of them",
            )
        gene_sets[name], line_of[name] = genes, number
    if not gene_sets:
        raise AmuclError("gene set file is empty", where=file, expected="one gene set a line", action="fetch it again")
    return gene_sets


def write_gmt(gene_sets: dict[str, list[str]], path: str | os.PathLike) -> None:
    """Write {set name: genes} as a GMT file with an empty description."""
    with atomic_path(path) as temporary:
        lines = ["\t".join([name, "", *genes]) + "\n" for name, genes in gene_sets.items()]
        temporary.write_text("".join(lines), encoding="utf-8")


def _read_text(file: Path) -> str:
    text = read_text(file)
    if text.lstrip().startswith("<"):
        raise AmuclError(
            "gene set file is a web page",
            where=file,
            expected="tab-separated lines: name, description, genes",
            got=repr(text.lstrip()[:30]),
            action="download the .gmt itself",
        )
    return text


def _parse_line(line: str, where: str) -> tuple[str, list[str]]:
    name, *rest = (field.strip() for field in line.split("\t"))
    genes = list(dict.fromkeys(_WEIGHT.sub("", gene) for gene in rest[1:] if gene))
    if not name or not genes:
        raise AmuclError(
            "malformed gene set" if name else "gene set without a name",
            where=where,
            expected="at least 3 tab-separated fields (name, description, genes)",
            got=repr(line.strip()[:40]),
            action="mend or remove the line",
        )
    return name, genes
