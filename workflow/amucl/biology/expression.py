"""From a cohort's expression to the markers of its subtypes."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pandas as pd
from mudata import MuData

from amucl.biology.contrasts import PAIR_COLUMNS, pairwise_markers
from amucl.biology.correction import ALPHA
from amucl.biology.counts import LOG_COUNTS, CountModel, log_counts, per_million, whole_counts
from amucl.biology.differential import (
    name_of_test,
    not_available,
    permuted_control,
    subtype_markers,
    untested_control,
)
from amucl.biology.gene_names import name_genes, read_gene_names
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
    """Samples x genes on the analysis scale, under the genes' names; None without expression.

    gene_map : file of a table of `amucl.biology.gene_names.gene_names`, or a gene map; without either, names are read
        by their form alone.
    counts : expression are counts, stored as log2(count + 1): they become log2(counts per million + 1).
    """
    if EXPRESSION not in cohort.mod:
        return None
    expression = analysis_matrix(cohort, EXPRESSION)
    expression = per_million(expression) if counts else expression
    return name_genes(expression, read_gene_names(gene_map, expression.columns))


@dataclass(frozen=True)
class ModeratedInput:
    """Expression as the moderated t takes it, and how.

    Attributes
    ----------
    values : samples x genes, on a log2 scale.
    trend : as in `amucl.biology.differential.moderated_t`.
    test : what tables call this test.
    """

    values: pd.DataFrame
    trend: bool
    test: str


def moderated_input(expression: pd.DataFrame, *, counts: bool = False, trend: bool = False) -> ModeratedInput:
    """What the moderated t is made on: the permuted control and the consensus of retrained methods, of counts too.

    A negative binomial model for each of some twenty partitions would take as many minutes or hours; logarithms of
    normalised counts with a prior variance that follows the mean (limma-trend) control the error rate as well.

    Parameters
    ----------
    expression : of `expression_of`, without `counts`: log2(count + 1) where these are counts.

    References
    ----------
    Law, C. W. et al. (2014), as in `amucl.biology.differential.moderated_t`.
    """
    if counts:
        return ModeratedInput(log_counts(whole_counts(expression)), True, f"{name_of_test(trend=True)}, {LOG_COUNTS}")
    return ModeratedInput(expression, trend, name_of_test(trend=trend))


def expression_markers(
    cohort: MuData,
    labels: pd.Series,
    *,
    seed: int,
    gene_map: str | os.PathLike | None = None,
    counts: bool = False,
    trend: bool = False,
    alpha: float = ALPHA,
    min_logfc: float = 0.0,
    n_threads: int = 1,
) -> Markers:
    """The genes that tell the subtypes apart, on the patients who have expression.

    Without expression every subtype has a row of missing values with the status `no_expression`.

    Parameters
    ----------
    seed : of the permuted labels.
    gene_map : as in `expression_of`.
    counts : expression are counts, stored as log2(count + 1): tested by DESeq2's model, the control by
        `moderated_input`.
    trend : of the moderated t, as in `amucl.biology.differential.moderated_t`.
    alpha, min_logfc : what the control counts, as in `amucl.biology.differential.permuted_control`.
    """
    expression = expression_of(cohort, gene_map)
    if expression is None:
        return Markers(not_available(labels), pd.DataFrame(columns=PAIR_COLUMNS), untested_control(labels))
    expression = expression.loc[labels.index.intersection(expression.index)]
    labels = labels.loc[expression.index]
    tested = moderated_input(expression, counts=counts, trend=trend)
    control = permuted_control(tested.values, labels, seed, alpha=alpha, min_logfc=min_logfc, trend=tested.trend)
    control["test"] = tested.test
    if counts:
        model = CountModel(whole_counts(expression), labels, n_threads=n_threads)
        return Markers(model.markers(), model.pairs(), control)
    markers = subtype_markers(expression, labels, trend=trend)
    return Markers(markers, pairwise_markers(expression, labels, trend=trend), control)
