"""Which genes mark each subtype: moderated t-tests of each subtype against the rest.

The subtypes were found in the same data that is tested here, so the p-values describe the subtypes and do not prove
them; `permuted_control` gives the honest row beside them.
"""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
from scipy import special, stats

from amucl.biology.correction import ALPHA
from amucl.biology.splines import natural_spline
from amucl.errors import AmuclError, some
from amucl.labels import subtype_order

logger = logging.getLogger(__name__)

MARKER_COLUMNS = [
    "subtype", "gene", "logFC", "mean_in", "mean_out", "AveExpr", "t", "df_total", "P.Value", "adj.P.Val",
    "n_in", "n_out", "rank", "status",
]  # fmt: skip
CONTROL_COLUMNS = ["subtype", "test", "n_significant", "n_significant_permuted"]
NO_EXPRESSION, NO_PATIENTS, ONE_SUBTYPE, CONSTANT = "no_expression", "no_patients", "one_subtype", "constant"
NOT_AVAILABLE = "Not available: the cohort has no omic called expression"
FOREIGN_IDS = "foreign_ids"
IDS_ARE_FOREIGN = "Not available: no gene of the expression is in the gene sets (see gene_overlap.tsv)"


def moderated_t(expression: pd.DataFrame, in_group: np.ndarray, *, trend: bool = False) -> pd.DataFrame:
    """Moderated t-test of one group against the rest, gene by gene (limma's `lmFit` and `eBayes`, two-group design).

    Each gene's variance is shrunk towards a prior learned from all genes, which keeps small groups honest.

    Parameters
    ----------
    expression : samples x genes, on a log2 scale, finite.
    in_group : boolean per sample; at least one sample on either side and three samples in all.
    trend : the prior variance follows the gene's mean expression (limma-trend), as log counts and the raw levels of
        arrays ask for; otherwise it is one for all genes.

    Returns
    -------
    One row per gene, in the order given: gene, logFC (mean inside minus mean outside), mean_in, mean_out, AveExpr (mean
    over all samples), t, df_total (residual plus prior degrees of freedom, at most the pooled ones), P.Value
    (two-sided) and adj.P.Val (Benjamini-Hochberg).

    References
    ----------
    Smyth, G. K. (2004). Linear models and empirical Bayes methods for assessing differential expression in microarray
    experiments. Statistical Applications in Genetics and Molecular Biology 3, article 3.
    limma-trend: Law, C. W. et al. (2014). voom: precision weights unlock linear model analysis tools for RNA-seq read
    counts. Genome Biology 15, R29.
    """
    values, inside = expression.to_numpy(dtype=float), np.asarray(in_group, dtype=bool)
    n_in, n_out = inside.sum(), (~inside).sum()
    df_residual = len(values) - 2
    mean_in, mean_out = values[inside].mean(axis=0), values[~inside].mean(axis=0)
    residual = np.where(inside[:, None], values - mean_in, values - mean_out)
    variance = (residual**2).sum(axis=0) / df_residual
    average = values.mean(axis=0)
    shrunk, df_total = shrink(variance, df_residual, average if trend else None)
    t = t_of(mean_in - mean_out, shrunk * (1 / n_in + 1 / n_out))
    p = 2 * stats.t.sf(np.abs(t), df_total)
    return pd.DataFrame(
        {
            "gene": expression.columns,
            "logFC": mean_in - mean_out,
            "mean_in": mean_in,
            "mean_out": mean_out,
            "AveExpr": average,
            "t": t,
            "df_total": df_total,
            "P.Value": p,
            "adj.P.Val": stats.false_discovery_control(p),
        }
    )


def t_of(difference: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """A difference over its standard error, whose square `variance` is.

    Where nothing varies (a feature of few values, constant in every group, and too few features to learn a variance
    from) it is 0 without a difference, else infinite.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / np.sqrt(variance))


def shrink(variance: np.ndarray, df: float, covariate: np.ndarray | None = None) -> tuple[np.ndarray, float]:
    """Variances shrunk towards their prior, and the degrees of freedom of a t with them (limma's `squeezeVar`).

    `variance` is the residual variance per gene, each with `df` degrees of freedom; the total is at most the pooled
    ones, `df` times the number of genes. The prior is common to all genes, or follows `covariate`.
    """
    df_prior, prior_variance = fit_variance_prior(variance, df, covariate)
    if np.isinf(df_prior):
        shrunk = np.full_like(variance, prior_variance)
    else:
        shrunk = (df * variance + df_prior * prior_variance) / (df + df_prior)
    return shrunk, min(df + df_prior, df * len(variance))


def fit_variance_prior(
    variance: np.ndarray, df: float, covariate: np.ndarray | None = None
) -> tuple[float, float | np.ndarray]:
    """Prior degrees of freedom and prior variance of the genes' sample variances (limma's `fitFDist`).

    Method of moments on the log variances, taken as a scaled F distribution: the prior degrees of freedom are infinite
    where the variances scatter no more than chance would have it, and 0 (no prior) for fewer than three genes.

    Parameters
    ----------
    variance : residual variance per gene, each with `df` degrees of freedom.
    covariate : what the prior variance follows, such as the mean expression of each gene: a natural spline of the log
        variances with 4 degrees of freedom (3 below 30 genes, 2 below 6), as many as there are different values at
        most. The prior variance is then one per gene.

    References
    ----------
    Smyth (2004), section 6.2. With a covariate: Phipson, B. et al. (2016). Robust hyperparameter estimation protects
    against hypervariable genes and improves power to detect differential expression. Annals of Applied Statistics 10,
    946-963.
    """
    if len(variance) < 3:
        return 0.0, 0.0
    typical = np.median(variance) or 1.0
    variance = np.maximum(variance, 1e-5 * typical)
    e = np.log(variance) - special.digamma(df / 2) + np.log(df / 2)
    follows = covariate is not None and np.ptp(covariate) > 0
    level, scatter = _trend_of(e, covariate) if follows else (e.mean(), e.var(ddof=1))
    excess = scatter - special.polygamma(1, df / 2)
    if excess <= 0:
        return np.inf, np.exp(level) if follows else variance.mean()
    df_prior = 2 * trigamma_inverse(excess)
    return df_prior, np.exp(level + special.digamma(df_prior / 2) - np.log(df_prior / 2))


def _trend_of(e: np.ndarray, covariate: np.ndarray) -> tuple[np.ndarray, float]:
    """A natural spline through `e` over `covariate`, and the variance around it."""
    df = min(2 + (len(e) >= 6) + (len(e) >= 30), len(np.unique(covariate)))
    basis = natural_spline(covariate, df)
    coefficients, _, rank, _ = np.linalg.lstsq(basis, e)
    level = basis @ coefficients
    return level, ((e - level) ** 2).sum() / (len(e) - rank)


def trigamma_inverse(x: float) -> float:
    """The y > 0 with trigamma(y) = x, by Newton's method on 1 / trigamma (Smyth 2004, appendix)."""
    if x > 1e7:
        return 1 / np.sqrt(x)
    if x < 1e-6:
        return 1 / x
    y = 0.5 + 1 / x
    while True:
        trigamma = special.polygamma(1, y)
        step = trigamma * (1 - trigamma / x) / special.polygamma(2, y)
        y += step
        if -step / y < 1e-8:
            return y


def subtype_markers(
    expression: pd.DataFrame, labels: pd.Series, *, min_size: int = 3, trend: bool = False
) -> pd.DataFrame:
    """Moderated t-tests of each subtype against all other samples.

    Parameters
    ----------
    expression : samples x genes, log2. Genes that are constant over the samples are dropped before the fit.
    labels : subtype of each sample, indexed by sample; labels of other samples are ignored.
    min_size : a subtype with fewer samples, or whose rest has fewer, is not tested: it gets one row of missing values
        with the status `too_small`.
    trend : as in `moderated_t`.

    Returns
    -------
    Columns `MARKER_COLUMNS`, sorted by subtype and rank; rank 1 is the most up-regulated gene by t. The status of a
    tested subtype is `ok`.

    Raises
    ------
    AmuclError for duplicate genes, missing or infinite values, samples without a label, and fewer than two subtypes.
    """
    expression, labels = checked(expression, labels)
    return pd.concat(
        [_one_against_rest(expression, labels, subtype, min_size, trend) for subtype in subtype_order(labels)],
        ignore_index=True,
    )[MARKER_COLUMNS]


def permuted_control(
    expression: pd.DataFrame,
    labels: pd.Series,
    seed: int,
    *,
    n_permutations: int = 20,
    alpha: float = ALPHA,
    min_logfc: float = 0.0,
    min_size: int = 3,
    trend: bool = False,
) -> pd.DataFrame:
    """How many genes are `significant` with the labels, and with the same labels dealt out at random.

    Subtypes found in the data always differ in the data; the permuted column shows what the test itself lets through.

    Returns
    -------
    Columns `CONTROL_COLUMNS`: test (`name_of_test`), n_significant and n_significant_permuted (mean over the
    permutations: genes are correlated, so that most permutations give none and a few give many); counts are missing for
    subtypes that are too small to test.
    """
    expression, labels = checked(expression, labels)
    rng = np.random.default_rng(seed)
    limits = {"alpha": alpha, "min_logfc": min_logfc}

    def count(dealt: pd.Series) -> pd.Series:
        return _count_significant(expression, dealt, limits, min_size, trend)

    permuted = [count(pd.Series(rng.permutation(labels), index=labels.index)) for _ in range(n_permutations)]
    counts = {"n_significant": count(labels), "n_significant_permuted": pd.concat(permuted, axis=1).mean(axis=1)}
    table = pd.DataFrame(counts).rename_axis("subtype").reset_index()
    return table.assign(test=name_of_test(trend=trend))[CONTROL_COLUMNS]


def name_of_test(*, trend: bool) -> str:
    """What tables call the test of `moderated_t`."""
    return "moderated t, trend" if trend else "moderated t"


def not_available(labels: pd.Series, reason: str = NO_EXPRESSION, *, subtypes: list | None = None) -> pd.DataFrame:
    """The table of `subtype_markers` where nothing can be tested: a row of missing values a subtype, with `reason`.

    Tables made from it are empty. `subtypes` are all there are, where some have no sample in `labels`.
    """
    sizes = labels.value_counts()
    rows = []
    for subtype in subtype_order(labels) if subtypes is None else subtypes:
        n_in = int(sizes.get(subtype, 0))
        rows.append(untested(subtype, n_in, len(labels) - n_in, reason))
    return pd.concat(rows, ignore_index=True)[MARKER_COLUMNS]


def untested_control(labels: pd.Series) -> pd.DataFrame:
    """The table of `permuted_control` where nothing can be tested."""
    return pd.DataFrame({"subtype": subtype_order(labels)}).reindex(columns=CONTROL_COLUMNS)


def significant(table: pd.DataFrame, *, alpha: float = ALPHA, min_logfc: float = 0.0) -> pd.Series:
    """Which rows of a table of tests are markers: adj.P.Val < `alpha`, and logFC more than `min_logfc` from 0."""
    return (table["adj.P.Val"] < alpha) & (table["logFC"].abs() > min_logfc)


def up_regulated(markers: pd.DataFrame, subtype, *, alpha: float = ALPHA, min_logfc: float = 0.0) -> list[str]:
    """The genes of `subtype` with adj.P.Val < `alpha` and logFC > `min_logfc`, most up-regulated first.

    `markers` is a table of `subtype_markers`.
    """
    rows = markers[significant(markers, alpha=alpha, min_logfc=min_logfc) & (markers["subtype"] == subtype)]
    return rows[rows["logFC"] > 0].sort_values("rank")["gene"].tolist()


def down_regulated(markers: pd.DataFrame, subtype, *, alpha: float = ALPHA, min_logfc: float = 0.0) -> list[str]:
    """As `up_regulated`, of logFC < -`min_logfc`, most down-regulated first."""
    rows = markers[significant(markers, alpha=alpha, min_logfc=min_logfc) & (markers["subtype"] == subtype)]
    return rows[rows["logFC"] < 0].sort_values("rank", ascending=False)["gene"].tolist()


def _one_against_rest(expression: pd.DataFrame, labels: pd.Series, subtype, min_size: int, trend: bool) -> pd.DataFrame:
    inside = (labels == subtype).to_numpy()
    n_in, n_out = int(inside.sum()), int((~inside).sum())
    if min(n_in, n_out) < min_size:
        logger.info("subtype %s is not tested: %d samples against %d", subtype, n_in, n_out)
        return untested(subtype, n_in, n_out, "too_small")
    table = moderated_t(expression, inside, trend=trend)
    table = table.sort_values(["t", "gene"], ascending=[False, True], ignore_index=True)
    return table.assign(subtype=subtype, n_in=n_in, n_out=n_out, rank=np.arange(1, len(table) + 1), status="ok")


def untested(subtype, n_in: int, n_out: int, status: str) -> pd.DataFrame:
    """The one row, of missing values, of a subtype that was not tested."""
    table = pd.DataFrame({"gene": [None]}).reindex(columns=MARKER_COLUMNS).astype({"gene": object})
    return table.assign(subtype=subtype, n_in=n_in, n_out=n_out, status=status)


def _count_significant(
    expression: pd.DataFrame, labels: pd.Series, limits: dict[str, float], min_size: int, trend: bool
) -> pd.Series:
    counts = {}
    for subtype in subtype_order(labels):
        inside = (labels == subtype).to_numpy()
        if min(inside.sum(), (~inside).sum()) < min_size:
            counts[subtype] = pd.NA
        else:
            counts[subtype] = significant(moderated_t(expression, inside, trend=trend), **limits).sum()
    return pd.Series(counts, dtype="Int64")


def checked(expression: pd.DataFrame, labels: pd.Series) -> tuple[pd.DataFrame, pd.Series]:
    """The varying genes and the labels in the samples' order, once all of the input has been found sound.

    Raises AmuclError as `subtype_markers` does.
    """
    duplicates = expression.columns[expression.columns.duplicated()].unique()
    if len(duplicates):
        raise AmuclError(
            "duplicate genes in the expression", expected="each gene once", got=some(duplicates), action="merge them"
        )
    bad = ~np.isfinite(expression.to_numpy(dtype=float))
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise AmuclError(
            "expression has missing or infinite values",
            where=f"sample {expression.index[row]}, gene {expression.columns[column]}",
            expected="finite numbers",
            got=f"{bad.sum()} such values",
            action="impute or drop them first",
        )
    labels = _checked_labels(expression.index, labels)
    values = expression.to_numpy(dtype=float)
    varies = values.max(axis=0) > values.min(axis=0)
    if not varies.any():
        raise AmuclError(
            "no gene varies between the samples", expected="log2 expression", got=f"{len(varies)} constant genes"
        )
    if not varies.all():
        logger.info("%d of %d genes are constant and were dropped", (~varies).sum(), len(varies))
    return expression.loc[:, varies], labels


def _checked_labels(samples: pd.Index, labels: pd.Series) -> pd.Series:
    unlabelled = samples.difference(labels.index, sort=False)
    if len(unlabelled):
        raise AmuclError(
            "samples without a subtype",
            got=some(unlabelled),
            expected="a label for every sample",
            action="label them or leave them out of the expression",
        )
    labels = labels.loc[samples]
    if labels.isna().any():
        raise AmuclError(
            "missing subtype labels", where=f"sample {some(labels.index[labels.isna()])}", expected="a label", got="NaN"
        )
    if labels.nunique() < 2:
        raise AmuclError(
            "all samples are of one subtype",
            expected="two subtypes or more",
            got=f"{labels.iloc[0]!r} only",
            action="ask for a larger k",
        )
    return labels
