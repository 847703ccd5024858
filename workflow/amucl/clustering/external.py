"""External indices: how well a partition agrees with known labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from amucl.clustering.labels import encode_labels


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
    return float(adjusted_rand_score(*_encoded(labels, truth)))


def nmi(labels: ArrayLike, truth: ArrayLike) -> float:
    """Normalised mutual information, in [0, 1]; higher is better, 1 is the same partition.

    Normalised by the arithmetic mean of the two entropies; not corrected for chance, so it grows with k.

    Parameters
    ----------
    labels, truth : (n_samples,) each, of any kind.

    Raises
    ------
    AmuclError
        If their lengths differ or one of them is missing.

    References
    ----------
    [1] N. X. Vinh, J. Epps, J. Bailey (2010), Information theoretic measures for clusterings comparison, Journal of
        Machine Learning Research 11, 2837-2854.
    """
    return float(normalized_mutual_info_score(*_encoded(labels, truth)))


def _encoded(labels: ArrayLike, truth: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    n_samples = len(np.asarray(truth))
    return encode_labels(labels, n_samples), encode_labels(truth, n_samples, "true labels")
