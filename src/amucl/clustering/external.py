"""External indices: how well a partition agrees with known labels.

All are functions of the contingency table: how many samples of each class each cluster holds. Pairs of samples are
counted from its margins. Two partitions that are the same score 1 in every index, also where all samples are in one
cluster or each in its own.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.optimize import linear_sum_assignment
from scipy.special import xlogy

from amucl.errors import AmuclError
from amucl.labels import encode_labels, subtype_order


def ari(labels: ArrayLike, truth: ArrayLike) -> float:
    """Adjusted Rand index, in [-0.5, 1]; higher is better, 0 is chance, 1 is the same partition.

    Parameters
    ----------
    labels, truth : (n_samples,) each, of any kind.

    Raises
    ------
    AmuclError
        If their lengths differ or one of them is missing.

    References
    ----------
    [1] L. Hubert, P. Arabie (1985), Comparing partitions, Journal of Classification 2, 193-218.
    """
    return external_indices(labels, truth)["ari"]


def nmi(labels: ArrayLike, truth: ArrayLike) -> float:
    """Normalised mutual information, in [0, 1]; higher is better, 1 is the same partition.

    Normalised by the arithmetic mean of the two entropies; not corrected for chance, so it grows with k. Rounded to
    14 decimals, what is left of double precision.

    Parameters, errors : as for `ari`.

    References
    ----------
    [1] N. X. Vinh, J. Epps, J. Bailey (2010), Information theoretic measures for clusterings comparison, Journal of
        Machine Learning Research 11, 2837-2854.
    """
    return external_indices(labels, truth)["nmi"]


def accuracy(labels: ArrayLike, truth: ArrayLike) -> float:
    """Clustering accuracy, in [0, 1]; higher is better, 1 is the same partition.

    The share of samples whose cluster is the one matched to their class, by the one-to-one matching that makes it
    largest (Hungarian method). Samples of classes or clusters without a partner count as wrong.

    Parameters, errors : as for `ari`.

    References
    ----------
    [1] H. W. Kuhn (1955), The Hungarian method for the assignment problem, Naval Research Logistics Quarterly 2, 83-97.
    """
    return external_indices(labels, truth)["accuracy"]


def purity(labels: ArrayLike, truth: ArrayLike) -> float:
    """Share of samples in the largest class of their cluster, in (0, 1]; higher is better, 1 is pure.

    It only grows when clusters are split, up to 1 for single samples: compare it at one k.

    Parameters, errors : as for `ari`.

    References
    ----------
    [1] C. D. Manning, P. Raghavan, H. Schütze (2008), Introduction to Information Retrieval, section 16.3.
    """
    return external_indices(labels, truth)["purity"]


def rand(labels: ArrayLike, truth: ArrayLike) -> float:
    """Rand index, in [0, 1]: share of pairs of samples that are together in both partitions or apart in both.

    Higher is better, 1 is the same partition; not corrected for chance.

    Parameters, errors : as for `ari`.

    References
    ----------
    [1] W. M. Rand (1971), Objective criteria for the evaluation of clustering methods, Journal of the American
        Statistical Association 66, 846-850.
    """
    return external_indices(labels, truth)["rand"]


def f_measure(labels: ArrayLike, truth: ArrayLike) -> float:
    """Pairwise F1, in [0, 1]; higher is better, 1 is the same partition; not corrected for chance.

    The harmonic mean of precision (of the pairs of samples together in a cluster, the share of one class) and recall
    (of the pairs of one class, the share together in a cluster). It does not match clusters to classes, unlike the F
    of document clustering, the mean over classes of the best cluster's F.

    Parameters, errors : as for `ari`.

    References
    ----------
    [1] C. D. Manning, P. Raghavan, H. Schütze (2008), Introduction to Information Retrieval, section 16.3.
    """
    return external_indices(labels, truth)["f_measure"]


def external_indices(labels: ArrayLike, truth: ArrayLike) -> dict[str, float]:
    """All six indices of one partition: keys ari, nmi, accuracy, purity, rand, f_measure.

    Parameters, errors : as for `ari`.
    """
    n_samples = len(np.asarray(truth))
    tables = _contingency(encode_labels(labels, n_samples)[None], encode_labels(truth, n_samples, "true labels"))
    return {name: float(index(tables)[0]) for name, index in _INDICES.items()}


def external_over_partitions(partitions: ArrayLike, truth: ArrayLike) -> pd.DataFrame:
    """All six indices of many partitions of the same samples.

    Parameters
    ----------
    partitions : (n_partitions, n_samples) integers.
    truth : (n_samples,) of any kind.

    Returns
    -------
    DataFrame
        n_partitions rows; columns ari, nmi, accuracy, purity, rand, f_measure.

    Raises
    ------
    AmuclError
        If `partitions` is no such matrix or one of `truth` is missing.
    """
    partitions, n_samples = np.asarray(partitions), len(np.asarray(truth))
    if partitions.ndim != 2 or partitions.shape[1] != n_samples or partitions.dtype.kind not in "iu":
        raise AmuclError(
            "not a matrix of partitions",
            expected=f"integers, partitions x {n_samples} samples",
            got=f"{partitions.dtype}, shape {partitions.shape}",
        )
    codes = np.unique(partitions, return_inverse=True)[1].reshape(partitions.shape)
    tables = _contingency(codes, encode_labels(truth, n_samples, "true labels"))
    return pd.DataFrame({name: index(tables) for name, index in _INDICES.items()})


def confusion(labels: ArrayLike, truth: ArrayLike) -> pd.DataFrame:
    """Number of samples of each class (rows) in each cluster (columns).

    Classes stand in natural order, the same for every method. Clusters stand in the order of the classes that
    `accuracy` matches them to, which makes the diagonal heavy; those without a partner last.

    Parameters, errors : as for `ari`.
    """
    n_samples = len(np.asarray(truth))
    encode_labels(labels, n_samples)
    encode_labels(truth, n_samples, "true labels")
    clusters, classes = (pd.Series(np.asarray(values, dtype=object)) for values in (labels, truth))
    table = pd.crosstab(classes, clusters, rownames=["class"], colnames=["cluster"])
    table = table.loc[subtype_order(classes), subtype_order(clusters)]
    matched = linear_sum_assignment(table, maximize=True)[1]  # in the order of their classes
    return table.iloc[:, [*matched, *np.setdiff1d(np.arange(table.shape[1]), matched)]]


def _contingency(partitions: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Counts (n_partitions, n_clusters, n_classes) of codes (n_partitions, n_samples) and (n_samples,), all from 0."""
    n_partitions, n_clusters, n_classes = len(partitions), partitions.max() + 1, classes.max() + 1
    cells = (np.arange(n_partitions)[:, None] * n_clusters + partitions) * n_classes + classes
    counts = np.bincount(cells.ravel(), minlength=n_partitions * n_clusters * n_classes)
    return counts.reshape(n_partitions, n_clusters, n_classes)


def _pairs(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of samples together in both partitions, in the clusters only, in the classes only, in neither; each (P,).

    As floats: their products pass 64-bit integers from about 100,000 samples on.
    """

    def together(sizes: np.ndarray) -> np.ndarray:
        return (sizes * (sizes - 1) / 2).reshape(len(tables), -1).sum(axis=1)

    both = together(tables)
    clusters_only = together(tables.sum(axis=2)) - both
    classes_only = together(tables.sum(axis=1)) - both
    return both, clusters_only, classes_only, together(tables.sum(axis=(1, 2))) - both - clusters_only - classes_only


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, and 1 where there is nothing to share: the partitions are then the same."""
    return np.divide(part, whole, out=np.ones_like(whole), where=whole > 0)


def ari_of_tables(tables: np.ndarray) -> np.ndarray:
    """Adjusted Rand index of each contingency table of counts: (n_tables, clusters, clusters) to (n_tables,)."""
    both, clusters_only, classes_only, neither = _pairs(tables)
    expected = (both + clusters_only) * (clusters_only + neither) + (both + classes_only) * (classes_only + neither)
    return _share(2 * (both * neither - clusters_only * classes_only), expected)


def _nmi(tables: np.ndarray) -> np.ndarray:
    def information(counts: np.ndarray) -> np.ndarray:
        """n times (log n less the entropy)."""
        return xlogy(counts, counts).reshape(len(tables), -1).sum(axis=1)

    clusters, classes = information(tables.sum(axis=2)), information(tables.sum(axis=1))
    total = information(tables.sum(axis=(1, 2)))
    mutual = information(tables) + total - clusters - classes
    return np.round(np.clip(_share(mutual, total - (clusters + classes) / 2), 0, 1), 14)


def _accuracy(tables: np.ndarray) -> np.ndarray:
    matched = [table[linear_sum_assignment(table, maximize=True)].sum() for table in tables]
    return np.array(matched) / tables.sum(axis=(1, 2))


def _purity(tables: np.ndarray) -> np.ndarray:
    return tables.max(axis=2).sum(axis=1) / tables.sum(axis=(1, 2))


def _rand(tables: np.ndarray) -> np.ndarray:
    both, clusters_only, classes_only, neither = _pairs(tables)
    return _share(both + neither, both + clusters_only + classes_only + neither)


def _f_measure(tables: np.ndarray) -> np.ndarray:
    both, clusters_only, classes_only, _ = _pairs(tables)
    return _share(2 * both, 2 * both + clusters_only + classes_only)


_INDICES = {
    "ari": ari_of_tables,
    "nmi": _nmi,
    "accuracy": _accuracy,
    "purity": _purity,
    "rand": _rand,
    "f_measure": _f_measure,
}
