"""From the ids of an expression table to gene symbols: a gene map, forms such as TP53|7157, repeats, another case."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable

import pandas as pd

from amucl.biology.symbols import ENSEMBL, genes_of, read_gene_map
from amucl.errors import AmuclError
from amucl.files import read_table

NAME_COLUMNS = ["feature", "gene", "how"]
AS_WRITTEN, BY_MAP, BY_VERSION, PAIR, REPEAT, CASE = (
    "as_written", "gene_map", "gene_map_other_version", "id_and_symbol", "repeat", "another_case",
)  # fmt: skip

_ID = re.compile(rf"{ENSEMBL}|\d+")
_SEPARATORS = ("|", ";", ":", ",")  # may part more than two fields, and are in no symbol
_PAIRS = {  # part two, and but for the bracket are in symbols too: Y_RNA, AC010323.1
    sign: (
        re.compile(rf"(?P<id>{ENSEMBL}|\d+){between}(?P<symbol>.+?){after}"),
        re.compile(rf"(?P<symbol>.+?){between}(?P<id>{ENSEMBL}|\d+){after}"),
    )
    for sign, between, after in (("_", "_", ""), (".", r"\.", ""), (" ", r"\s+", ""), ("(", r"\s*[(\[]", r"[)\]]"))
}
_NO_SYMBOL = ("", "?", "NA", "---")
_SHARE, _PAIR_SHARE = 0.5, 0.9  # of names that must have a form
_DIFFERENT = 0.9  # of the numbers of a form: Entrez ids differ, versions and numbers of clones do not
_REPEAT = re.compile(r"(?P<name>.+)[.\-](?P<number>[1-9]\d*)")


class _Judge:
    """Which names the gene sets have, HLA.A for HLA-A counted in; without gene sets it knows none."""

    def __init__(self, known: Collection[str]) -> None:
        self.members = frozenset(known)

    def __contains__(self, name: str) -> bool:
        return name in self.members or ("." in name and name.replace(".", "-") in self.members)

    def count(self, names: Iterable[str]) -> int:
        return sum(name in self for name in names)


def gene_names(
    features: Iterable[str], gene_map: pd.DataFrame | None = None, known: Collection[str] = ()
) -> pd.DataFrame:
    """The gene each feature stands for, and how its id was understood.

    A feature that the map names has the map's gene, of several the first. Any other keeps its name, unless

    - most names are an id and a symbol: TP53|7157, ENSG00000141510.16|TP53, TP53_7157, TP53.7157, TP53 (7157);
    - it repeats another as R and Python number equal names: TP53.1 or TP53-1 beside TP53;
    - more names are found in the sets where capitals do not count than where they do.

    A name that `known` has as it is written is never changed by these. Where a form's sign is part of symbols too
    (RP11-34P13.7, SNORD115_1), nearly all names must have it and their numbers must differ, as Entrez ids do.

    Parameters
    ----------
    features : names, each once.
    gene_map : of `amucl.biology.symbols.read_gene_map`.
    known : the genes of all gene sets that will be asked.

    Returns
    -------
    Columns `NAME_COLUMNS`, a row a feature in the order given.

    Raises
    ------
    AmuclError if the map knows none of the features.
    """
    judge = _Judge(known)
    genes = {str(name): str(name) for name in features}
    how = dict.fromkeys(genes, AS_WRITTEN)
    if gene_map is not None:
        named = genes_of(list(genes), gene_map).str.split(";").str[0]
        exact = set(gene_map["feature"])
        for feature, gene in named[named != ""].items():
            genes[feature], how[feature] = gene, BY_MAP if feature in exact else BY_VERSION
    for by, find in ((PAIR, _symbols_of_pairs), (REPEAT, _repeated)):
        for feature, gene in find(list(genes), judge).items():
            if how[feature] == AS_WRITTEN and feature not in judge:
                genes[feature], how[feature] = gene, by
    for feature, gene in _other_case(genes, judge).items():
        genes[feature], how[feature] = gene, CASE
    return pd.DataFrame({"feature": list(genes), "gene": list(genes.values()), "how": list(how.values())})


def name_genes(expression: pd.DataFrame, names: pd.DataFrame) -> pd.DataFrame:
    """Expression (samples x features) under its genes' names; of several features of one gene `kept_features` stays.

    names : of `gene_names`. Raises AmuclError where these are of other features.
    """
    genes = names.set_index("feature")["gene"].reindex(expression.columns)
    if genes.isna().any():
        raise AmuclError("the gene names are those of other features", expected=genes.index[genes.isna()][0])
    renamed = expression.set_axis(pd.Index(genes, name=expression.columns.name), axis=1)
    return renamed.iloc[:, kept_features(renamed)]


def kept_features(renamed: pd.DataFrame) -> list[int]:
    """Positions, in order, of the columns that stay where several have one name: those of the highest mean."""
    order = renamed.to_numpy().mean(axis=0).argsort(kind="stable")[::-1]
    return sorted(order[~renamed.columns[order].duplicated()])


def read_gene_names(path: str | os.PathLike | None, features: Iterable[str]) -> pd.DataFrame:
    """`gene_names` of features: as a table of it says (a file of `NAME_COLUMNS`), by a gene map, or without (None)."""
    if path is None:
        return gene_names(features)
    with open(path, "rb") as file:
        written = file.readline().decode("utf-8", "replace").split()[: len(NAME_COLUMNS)] == NAME_COLUMNS
    if written:
        return read_table(path, dtype=str, keep_default_na=False)
    return gene_names(features, read_gene_map(path))


def _symbols_of_pairs(names: list[str], judge: _Judge) -> dict[str, str]:
    """Name -> its symbol, where most names are an id and a symbol; empty where they are not."""
    before = judge.count(names)
    fitting = []
    for sign in _SEPARATORS:
        found = _by_fields(names, sign, judge)
        if len(found) > _SHARE * len(names):
            fitting.append(found)
    for patterns in _PAIRS.values():
        for pattern in patterns:
            found = _by_pattern(names, pattern)
            if len(found) >= _PAIR_SHARE * len(names) and judge.count(found.values()) >= before:
                fitting.append(found)
    return max(fitting, key=lambda found: (judge.count(found.values()), len(found)), default={})


def _by_fields(names: list[str], sign: str, judge: _Judge) -> dict[str, str]:
    """Name -> the field that is most often a gene of the sets, else most often no id; of names with an id in one."""
    split = {name: [field.strip() for field in name.split(sign)] for name in names if sign in name}
    split = {name: fields for name, fields in split.items() if any(map(_ID.fullmatch, fields))}
    known, free = Counter(), Counter()
    for fields in split.values():
        for place, field in enumerate(fields):
            known[place] += field in judge
            free[place] += field not in _NO_SYMBOL and not _ID.fullmatch(field)
    if not free:
        return {}
    place = min(free, key=lambda place: (-known[place], -free[place], place))
    return {
        name: fields[place]
        for name, fields in split.items()
        if place < len(fields) and fields[place] not in _NO_SYMBOL and not _ID.fullmatch(fields[place])
    }


def _by_pattern(names: list[str], pattern: re.Pattern) -> dict[str, str]:
    """Name -> its symbol by `pattern`; none where the numbers of the names are too often the same to be ids."""
    matches = {name: match for name in names if not _ID.fullmatch(name) and (match := pattern.fullmatch(name))}
    ids = [match["id"] for match in matches.values()]
    if len(set(ids)) < _DIFFERENT * len(ids):
        return {}
    return {name: match["symbol"] for name, match in matches.items() if match["symbol"] not in _NO_SYMBOL}


def _repeated(names: list[str], judge: _Judge) -> dict[str, str]:
    """Name -> the one it repeats, which the sets have; without sets only where the numbers have no gap from 1 on."""
    present = set(names)
    found = {}
    for name in names:
        match = _REPEAT.fullmatch(name)
        if match is None or match["name"] not in present:
            continue
        sign = name[len(match["name"])]
        earlier = (f"{match['name']}{sign}{number}" for number in range(1, int(match["number"])))
        if match["name"] in judge or (not judge.members and present.issuperset(earlier)):
            found[name] = match["name"]
    return found


def _other_case(genes: dict[str, str], judge: _Judge) -> dict[str, str]:
    """Feature -> the spelling of the sets, where more names are found without regard to capitals than with it."""
    spellings = Counter(name.upper() for name in judge.members)
    spelt = {name.upper(): name for name in sorted(judge.members) if spellings[name.upper()] == 1}
    taken = set(genes.values())
    found = {
        feature: spelt[gene.upper()]
        for feature, gene in genes.items()
        if gene not in judge and gene.upper() in spelt and spelt[gene.upper()] not in taken
    }
    return found if len(found) > judge.count(genes.values()) else {}
