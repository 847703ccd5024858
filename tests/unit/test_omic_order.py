"""Every method finds the same groups in whatever order the omics are given."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from amucl.methods.registry import METHODS, build, hyperparameters
from tests.unit.methods.planted import TRUTH

QUICK = {"epochs": 60, "n_restarts": 2, "d_model": 16, "n_heads": 4, "n_starts": 2, "device": "cpu", "batch_size": 64}
SLOW = {"epochs": 300, "batch_size": 20}  # variational codes of few batches are mostly noise


def omics():
    """Two omics of as many features, positive and clear, whose groups stand in unlike features."""
    rng = np.random.default_rng(0)
    views = [rng.gamma(4, 0.5, size=(60, 30)) for _ in range(2)]
    for group in range(3):
        views[0][np.ix_(group == TRUTH, range(10 * group, 10 * group + 10))] += 4
        views[1][np.ix_(group == TRUTH, range(5 * group, 5 * group + 5))] += 4
    return views


def groups(name, views):
    chosen = QUICK | (SLOW if name in ("lfvae", "efvae") else {})
    quick = {key: value for key, value in chosen.items() if key in hyperparameters(name)}
    model = build(name, **quick, n_clusters=3, random_state=0).fit(views)
    if METHODS[name].stage == "lowrank":
        return model.labels(3)
    return KMeans(3, n_init=10, random_state=0).fit_predict(model.embedding_)


@pytest.mark.parametrize("name", METHODS)
def test_the_order_of_the_omics_changes_no_group(name):
    views = omics()
    for order in (views, views[::-1]):
        assert adjusted_rand_score(TRUTH, groups(name, order)) > (0.85 if METHODS[name].stage == "train" else 0.99)
