"""The common space: one view of a cohort in which all methods are judged alike."""

from __future__ import annotations

from collections.abc import Sequence

import mudata
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

from amucl.clustering.indices import finite_matrix
from amucl.cohort.cohort import views
from amucl.cohort.preparation.preprocess import impute_nearest
from amucl.errors import AmuclError
from amucl.methods.blocks import present_omics, zscore

_LARGE = 2000
_NEAREST = 10


def common_space(views: Sequence[np.ndarray], n_components: int = 20) -> np.ndarray:
    """The first principal components of all omics side by side: the space in which methods are compared.

    Internal indices in a method's own embedding reward collapse: an embedding that squeezes the samples into k
    points scores perfectly whatever the points mean. A space that depends on the cohort alone cannot be gamed so.

    Parameters
    ----------
    views : per omic (n_samples, n_features), each feature z-scored.
    n_components : fewer are returned where the samples (less one) or features are fewer.

    Returns
    -------
    (n_samples, at most n_components)
        Component scores by singular value decomposition, signs fixed by the largest loading.

    Raises
    ------
    AmuclError
        If the omics' numbers of samples differ, or a value is missing or infinite.
    """
    counts = [len(view) for view in views]
    if len(set(counts)) != 1:
        raise AmuclError("the omics do not have the same samples", expected="as many rows in each", got=counts)
    joined = finite_matrix(np.hstack(views), "the input")
    n_samples, n_features = joined.shape
    n_components = min(n_components, n_samples - 1, n_features)
    # Both are exact to rounding; Lanczos needs no matrix but the data, where a full decomposition would be slow.
    solver = "arpack" if min(n_samples, n_features) > _LARGE else "full"
    return PCA(n_components, svd_solver=solver, random_state=0).fit_transform(joined)


def common_coordinates(cohort: mudata.MuData) -> pd.DataFrame:
    """`common_space` of a cohort's patients, by sample, whatever normalisation methods learn from.

    The values of an omic that a patient lacks are the mean of the nearest patients who have it, near in what both have.
    """
    arrays, _, samples, _ = views(cohort, layer=None, complete=False)
    present = present_omics(arrays)
    blocks = [np.full(array.shape, np.nan) for array in arrays]
    for block, array, has in zip(blocks, arrays, present.T, strict=True):
        block[has] = zscore(array[has].astype(np.float64))
    joined = np.hstack(blocks)
    if not present.all():
        joined = impute_nearest(joined, _NEAREST)
    return pd.DataFrame(common_space([joined]), index=samples)
