"""Markers of cohorts whose expression are counts: DESeq2's negative binomial model, by pydeseq2."""

from __future__ import annotations

import logging
import warnings
from itertools import combinations

import numpy as np
import pandas as pd

from amucl.biology.contrasts import PAIR_COLUMNS
from amucl.biology.correction import benjamini_hochberg
from amucl.biology.differential import MARKER_COLUMNS, checked, untested
from amucl.errors import AmuclError, some
from amucl.labels import subtype_order

logger = logging.getLogger(__name__)

LOG_COUNTS = "log2 normalised counts"

_PRIOR = 3


def whole_counts(counts: pd.DataFrame) -> pd.DataFrame:
    """Counts (samples x genes) as a cohort stores them, as integers.

    Values that are no whole number (expected counts, imputed cells) are rounded, and their share is logged. Raises
    AmuclError where nothing is left of a sample.
    """
    values = counts.to_numpy(dtype=float)
    rounded = np.rint(values)
    empty = rounded.sum(axis=1) == 0
    if empty.any():
        raise AmuclError(
            "a sample without a single count",
            where=f"sample {some(counts.index[empty])}",
            expected="raw counts",
            action="leave it out",
        )
    broken = values != rounded
    if broken.any():
        logger.warning("%.1f%% of the counts were no whole numbers and were rounded", 100 * broken.mean())
    return pd.DataFrame(rounded.astype(np.int64), index=counts.index, columns=counts.columns)


def log_counts(counts: pd.DataFrame) -> pd.DataFrame:
    """log2(count / size factor + 3), samples x genes: counts for the moderated t with trend.

    The size factors are DESeq2's medians of ratios, scaled to a geometric mean of 1 (library sizes where every gene has
    a zero); 3 is the prior count of limma-trend, which damps the logarithms of small counts.

    References
    ----------
    Law, C. W. et al. (2014). voom: precision weights unlock linear model analysis tools for RNA-seq read counts. Genome
    Biology 15, R29.
    """
    # Here and below imported where it is needed: it takes most of a second, and few cohorts are counts.
    from pydeseq2.preprocessing import deseq2_norm_fit, deseq2_norm_transform

    values = counts.to_numpy(dtype=float)
    logmeans, usable = deseq2_norm_fit(values)
    factors = deseq2_norm_transform(values, logmeans, usable)[1] if usable.any() else values.sum(axis=1)
    factors /= np.exp(np.log(factors).mean())
    return pd.DataFrame(np.log2(values / factors[:, None] + _PRIOR), index=counts.index, columns=counts.columns)


class CountModel:
    """One negative binomial model of all subtypes; every contrast is a Wald test in it.

    The design has a mean for each subtype, so that dispersions are those within subtypes. DESeq2's defaults (median
    of ratios, parametric trend, outliers by Cook's distance), without independent filtering: adj.P.Val is
    Benjamini-Hochberg over all genes with a p-value.

    Parameters
    ----------
    counts : samples x genes, integers; genes that are constant over the samples are dropped.
    labels : subtype of each sample.
    min_size : a subtype with fewer samples stays out of the model.

    Raises
    ------
    AmuclError as `amucl.biology.differential.subtype_markers` does.

    References
    ----------
    Love, M. I. et al. (2014). Moderated estimation of fold change and dispersion for RNA-seq data with DESeq2. Genome
    Biology 15, 550. Muzellec, B. et al. (2023). PyDESeq2. Bioinformatics 39, btad547.
    """

    def __init__(self, counts: pd.DataFrame, labels: pd.Series, *, min_size: int = 3, n_threads: int = 1) -> None:
        counts, self.labels = checked(counts, labels)
        self.subtypes = subtype_order(self.labels)
        self.sizes = self.labels.value_counts()
        self.groups = [subtype for subtype in self.subtypes if self.sizes[subtype] >= min_size]
        if len(self.groups) < 2:
            return
        inside = self.labels.isin(self.groups)
        counts, labels = counts[inside.to_numpy()], self.labels[inside]
        counts = counts.loc[:, (counts > 0).any()]
        samples = [f"s{i}" for i in range(len(counts))]  # plain names: a formula would read others
        design = pd.DataFrame(
            {f"g{i}": (labels == group).to_numpy(dtype=float) for i, group in enumerate(self.groups)}, index=samples
        )
        from pydeseq2.dds import DeseqDataSet
        from pydeseq2.default_inference import DefaultInference

        self._inference = DefaultInference(n_cpus=n_threads)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._data = DeseqDataSet(
                counts=counts.set_axis(samples),
                metadata=pd.DataFrame({"subtype": labels.astype(str).to_numpy()}, index=samples),
                design=design,
                inference=self._inference,
                quiet=True,
            )
            self._data.deseq2()
        self._logged = pd.DataFrame(
            np.log2(self._data.layers["normed_counts"] + 1), index=counts.index, columns=counts.columns
        )

    def markers(self) -> pd.DataFrame:
        """Each subtype against the others, in `MARKER_COLUMNS`.

        logFC is the log2 mean minus that of the others, weighted by their sizes; t is the Wald statistic; mean_in,
        mean_out and AveExpr are of log2(normalised count + 1), df_total is missing. P.Value is missing for outliers.
        """
        tables = []
        for subtype in self.subtypes:
            others = [group for group in self.groups if group != subtype]
            n_in, n_out = int(self.sizes[subtype]), int(self.sizes[others].sum())
            if subtype not in self.groups or not others:
                tables.append(untested(subtype, n_in, n_out, "too_small"))
                continue
            weights = self.sizes[others] / self.sizes[others].sum()
            table = self._test({subtype: 1.0} | {group: -weight for group, weight in weights.items()})
            inside = (self.labels[self._logged.index] == subtype).to_numpy()
            table["mean_in"] = self._logged[inside].mean().reindex(table["gene"]).to_numpy()
            table["mean_out"] = self._logged[~inside].mean().reindex(table["gene"]).to_numpy()
            table = table.sort_values(["t", "gene"], ascending=[False, True], ignore_index=True)
            ranks = np.arange(1, len(table) + 1)
            tables.append(table.assign(subtype=subtype, n_in=n_in, n_out=n_out, rank=ranks, status="ok"))
        return pd.concat(tables, ignore_index=True)[MARKER_COLUMNS]

    def pairs(self) -> pd.DataFrame:
        """All pairs of subtypes, in `PAIR_COLUMNS`; t is Wald's statistic."""
        tables = []
        for first, second in combinations(self.subtypes, 2):
            if {first, second} <= set(self.groups):
                table = self._test({first: 1.0, second: -1.0}).sort_values(["P.Value", "gene"], ignore_index=True)
            else:
                table = untested(first, 0, 0, "too_small").reindex(columns=PAIR_COLUMNS)
            sizes = {"n": self.sizes[first], "n_against": self.sizes[second]}
            tables.append(table.assign(subtype=first, against=second, **sizes))
        return pd.concat(tables, ignore_index=True)[PAIR_COLUMNS]

    def _test(self, contrast: dict) -> pd.DataFrame:
        from pydeseq2.ds import DeseqStats

        vector = np.array([contrast.get(group, 0.0) for group in self.groups])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tests = DeseqStats(
                self._data, contrast=vector, independent_filter=False, inference=self._inference, quiet=True
            )
            tests.summary()
        found = tests.results_df
        table = pd.DataFrame({"gene": found.index, "logFC": found["log2FoldChange"], "t": found["stat"]})
        table = table.assign(**{"df_total": np.nan, "P.Value": found["pvalue"], "AveExpr": self._logged.mean()})
        table["adj.P.Val"] = benjamini_hochberg(table["P.Value"])
        return table.assign(status="ok").dropna(subset=["t"]).reset_index(drop=True)
