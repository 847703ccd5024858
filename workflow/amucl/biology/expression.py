"""From a cohort's expression to the markers of its subtypes."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pandas as pd
from mudata import MuData

from amucl.biology.contrasts import PAIR_COLUMNS, pairwise_markers
from amucl.biology.counts import CountModel, per_million, whole_counts
from amucl.biology.differential import not_available, permuted_control, subtype_markers
from amucl.biology.symbols import in_symbols, read_gene_map
from amucl.clustering.labels import subtype_order
from amucl.cohort.cohort import analysis_matrix

EXPRESSION = "expression"


@dataclass(frozen=True)
class Markers:
    """Tables of `subtype_markers`, `pairwise_markers` and `permuted_control`."""

    markers: pd.DataFrame
    pairs: pd.DataFrame
    control: pd.DataFrame


def expression_of(
    cohort: MuData, gene_map: str | os.PathLike | None = None, *, counts: bool = False
) -> pd.DataFrame | None:
    """Samples x genes on the analysis scale, under the names of `gene_map` if one is given; None without expression.

    counts : expression are counts, stored as log2(count + 1): they become log2(counts per million + 1).
    """
    if EXPRESSION not in cohort.mod:
        return None
    expression = analysis_matrix(cohort, EXPRESSION)
    expression = per_million(expression) if counts else expression
    return expression if gene_map is None else in_symbols(expression, read_gene_map(gene_map))


def expression_markers(
    cohort: MuData,
    labels: pd.Series,
    *,
    seed: int,
    gene_map: str | os.PathLike | None = None,
    counts: bool = False,
    trend: bool = False,
    n_threads: int = 1,
) -> Markers:
    """The genes that tell the subtypes apart, on the patients who have expression.

    Without expression every subtype has a row of missing values with the status `no_expression`.

    Parameters
    ----------
    seed : of the permuted labels.
    gene_map : as in `expression_of`.
    counts : expression are counts, stored as log2(count + 1): tested by DESeq2's model. The control stays that of the
        moderated t on log2.
    trend : of the moderated t, as in `amucl.biology.differential.moderated_t`.
    """
    expression = expression_of(cohort, gene_map)
    if expression is None:
        control = pd.DataFrame({"subtype": subtype_order(labels)})
        control = control.reindex(columns=["subtype", "n_significant", "n_significant_permuted"])
        return Markers(not_available(labels), pd.DataFrame(columns=PAIR_COLUMNS), control)
    expression = expression.loc[labels.index.intersection(expression.index)]
    labels = labels.loc[expression.index]
    control = permuted_control(expression, labels, seed, trend=trend)
    if counts:
        model = CountModel(whole_counts(expression), labels, n_threads=n_threads)
        return Markers(model.markers(), model.pairs(), control)
    markers = subtype_markers(expression, labels, trend=trend)
    return Markers(markers, pairwise_markers(expression, labels, trend=trend), control)
