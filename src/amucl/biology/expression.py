"""From a cohort's expression to the markers of its subtypes."""

from __future__ import annotations

import os
from dataclasses import dataclass

import pandas as pd
from mudata import MuData

from amucl.biology.contrasts import PAIR_COLUMNS, pairwise_markers
from amucl.biology.correction import ALPHA
from amucl.biology.counts import LOG_COUNTS, CountModel, log_counts, whole_counts
from amucl.biology.differential import (
    name_of_test,
    not_available,
    permuted_control,
    subtype_markers,
    untested_control,
)
from amucl.biology.gene_names import kept_features, name_genes, read_gene_names
from amucl.cohort.cohort import analysis_matrix, raw_counts

EXPRESSION = "expression"


@dataclass(frozen=True)
class Markers:
    """Tables of `subtype_markers`, `pairwise_markers` and `permuted_control`."""

    markers: pd.DataFrame
    pairs: pd.DataFrame
    control: pd.DataFrame


def expression_of(cohort: MuData, gene_map: str | os.PathLike | None = None) -> pd.DataFrame | None:
    """Samples x genes on the analysis scale, under the genes' names; None without expression.

    Counts are log2 counts per million, as preprocessing made them.

    gene_map : file of a table of `amucl.biology.gene_names.gene_names`, or a gene map; without either, names are read
        by their form alone.
    """
    if EXPRESSION not in cohort.mod:
        return None
    expression = analysis_matrix(cohort, EXPRESSION)
    return name_genes(expression, read_gene_names(gene_map, expression.columns))


def counts_of(cohort: MuData, gene_map: str | os.PathLike | None = None) -> pd.DataFrame | None:
    """The counts (integers) of the genes of `expression_of`; None where expression is no counts, or there is none.

    Of several features with one gene the same one stays as in expression.
    """
    counts = raw_counts(cohort, EXPRESSION) if EXPRESSION in cohort.mod else None
    if counts is None:
        return None
    genes = read_gene_names(gene_map, counts.columns).set_index("feature")["gene"].reindex(counts.columns)
    kept = kept_features(analysis_matrix(cohort, EXPRESSION).set_axis(genes, axis=1))
    return whole_counts(counts.set_axis(pd.Index(genes, name=counts.columns.name), axis=1).iloc[:, kept])


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


def moderated_input(
    cohort: MuData, gene_map: str | os.PathLike | None = None, *, trend: bool = False
) -> ModeratedInput | None:
    """What the moderated t is made on: the permuted control and the consensus of retrained methods, of counts too.

    A negative binomial model for each of some twenty partitions would take as many minutes or hours; logarithms of
    normalised counts with a prior variance that follows the mean (limma-trend) control the error rate as well. None
    without expression.

    References
    ----------
    Law, C. W. et al. (2014), as in `amucl.biology.differential.moderated_t`.
    """
    counts = counts_of(cohort, gene_map)
    if counts is not None:
        return ModeratedInput(log_counts(counts), True, f"{name_of_test(trend=True)}, {LOG_COUNTS}")
    expression = expression_of(cohort, gene_map)
    return None if expression is None else ModeratedInput(expression, trend, name_of_test(trend=trend))


def expression_markers(
    cohort: MuData,
    labels: pd.Series,
    *,
    seed: int,
    gene_map: str | os.PathLike | None = None,
    trend: bool = False,
    alpha: float = ALPHA,
    min_logfc: float = 0.0,
    n_threads: int = 1,
) -> Markers:
    """The genes that tell the subtypes apart, on the patients who have expression.

    Expression that is counts (see `counts_of`) is tested by DESeq2's model, its control by `moderated_input`. Without
    expression every subtype has a row of missing values with the status `no_expression`.

    Parameters
    ----------
    seed : of the permuted labels.
    gene_map : as in `expression_of`.
    trend : of the moderated t, as in `amucl.biology.differential.moderated_t`.
    alpha, min_logfc : what the control counts, as in `amucl.biology.differential.permuted_control`.
    """
    tested = moderated_input(cohort, gene_map, trend=trend)
    if tested is None:
        return Markers(not_available(labels), pd.DataFrame(columns=PAIR_COLUMNS), untested_control(labels))
    values = tested.values.loc[labels.index.intersection(tested.values.index)]
    labels = labels.loc[values.index]
    control = permuted_control(values, labels, seed, alpha=alpha, min_logfc=min_logfc, trend=tested.trend)
    control["test"] = tested.test
    counts = counts_of(cohort, gene_map)
    if counts is not None:
        model = CountModel(counts.loc[labels.index], labels, n_threads=n_threads)
        return Markers(model.markers(), model.pairs(), control)
    markers = subtype_markers(values, labels, trend=trend)
    return Markers(markers, pairwise_markers(values, labels, trend=trend), control)
