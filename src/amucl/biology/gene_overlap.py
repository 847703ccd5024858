"""How many genes of an expression table the gene sets know, told before anything is learned from it."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from amucl.biology.differential import FOREIGN_IDS
from amucl.biology.gene_names import AS_WRITTEN, BY_MAP, BY_VERSION, CASE, PAIR, REPEAT
from amucl.biology.symbols import hyphenated, kind_of
from amucl.cohort.notes import Note
from amucl.errors import some

OVERLAP_COLUMNS = ["dataset", "collection", "n_ids", "n_genes", "n_set_genes", "n_found", "share", "status"]
LOW_SHARE = 0.3
LOW_OVERLAP = "low_overlap"

_UNDERSTOOD = {
    BY_MAP: "{n} of {total} ids were named by the gene map",
    BY_VERSION: "{n} of {total} ids were named by the gene map's entry of another version ({examples})",
    PAIR: "{n} of {total} names were read as an id and a symbol ({examples})",
    REPEAT: "{n} of {total} names were read as repeats of another ({examples})",
    CASE: "{n} of {total} names were found in the gene sets in other capitals ({examples}): right for human genes; "
    "genes of another species need a gene map",
}
_Y_COPY = "_PAR_Y"


def gene_overlap(names: pd.DataFrame, collections: Mapping[str, Mapping[str, list[str]]]) -> pd.DataFrame:
    """How much of each collection of gene sets the named features are.

    Parameters
    ----------
    names : of `amucl.biology.gene_names.gene_names`.
    collections : name -> gene sets.

    Returns
    -------
    `OVERLAP_COLUMNS` without dataset, a row a collection: ids and the genes they are, genes in the sets, genes found
    (HLA.A as HLA-A), their share of the smaller of the two, and the status: ok, `LOW_OVERLAP` for less than
    `LOW_SHARE`, or `FOREIGN_IDS` for none.
    """
    genes = set(names["gene"])
    rows = []
    for name, sets in collections.items():
        members = set().union(*sets.values())
        found = members.intersection(genes | set(hyphenated(genes, members).values()))
        share = len(found) / max(min(len(genes), len(members)), 1)
        status = FOREIGN_IDS if not found else LOW_OVERLAP if share < LOW_SHARE else "ok"
        rows.append([name, len(names), len(genes), len(members), len(found), share, status])
    return pd.DataFrame(rows, columns=OVERLAP_COLUMNS[1:])


def naming_notes(names: pd.DataFrame, n_kept: int, overlap: pd.DataFrame, members: set[str]) -> list[Note]:
    """What was made of the ids of an expression table, and which gene sets do not know them.

    names : of `amucl.biology.gene_names.gene_names`. n_kept : genes left where several features are one. overlap : of
    `gene_overlap`. members : a few genes of the sets suffice, as examples.
    """
    notes = [*_understood(names)]
    renamed = names[names["how"] != AS_WRITTEN]
    if n_merged := len(names) - n_kept:
        twice = names.loc[names["gene"].duplicated(), "gene"].unique()
        text = f"{n_merged} features have the gene of another; of each gene the feature of the highest mean stays"
        notes.append(Note("expression", "one gene, several features", n_merged, f"{text} ({some(twice)})"))
    if len(copies := names.loc[names["feature"].str.endswith(_Y_COPY), "feature"]):
        own = copies[~copies.isin(renamed["feature"])]
        text = f"{len(copies)} ids are copies on the Y chromosome ({some(copies)}); {len(own)} of them keep their id"
        notes.append(Note("expression", "copies on the Y chromosome", len(copies), text))
    return notes + _poorly_known(names, overlap, members)


def _understood(names: pd.DataFrame) -> list[Note]:
    notes = []
    for how, text in _UNDERSTOOD.items():
        if len(rows := names[names["how"] == how]):
            examples = some([f"{row.feature} as {row.gene}" for row in rows.head(3).itertuples()])
            line = text.format(n=len(rows), total=len(names), examples=examples)
            notes.append(Note("expression", f"gene names: {how.replace('_', ' ')}", len(rows), line))
    return notes


def _poorly_known(names: pd.DataFrame, overlap: pd.DataFrame, members: set[str]) -> list[Note]:
    notes = []
    foreign = overlap.loc[overlap["status"] == FOREIGN_IDS, "collection"]
    if len(foreign):
        text = (
            f"0 of {len(names)} ids are in the gene sets {some(foreign)}: the ids are {_kind(names['gene'])} such as "
            f"{some(names['gene'])}, those of the sets {_kind(sorted(members))} such as {some(sorted(members))}; these "
            "sets are marked as not available: name the genes by a `gene_maps` file for expression, or take other sets"
        )
        notes.append(Note("expression", "foreign gene ids", len(names), text))
    for row in overlap[overlap["status"] == LOW_OVERLAP].itertuples():
        text = (
            f"only {row.n_found} genes are in the gene sets {row.collection}, {100 * row.share:.0f} % of the "
            f"{min(row.n_genes, row.n_set_genes)} that could be: few sets can be tested"
        )
        notes.append(Note("expression", "few genes in the sets", row.n_found, text))
    return notes


def _kind(names) -> str:
    kind = kind_of(names)
    return kind if kind != "symbols" else "names"
