"""Few patients, few features, few different profiles: every method of the registry ends with a table or in one line."""

import logging

import numpy as np
import pandas as pd
import pytest

from amucl.biology.clinic import clinic
from amucl.clustering.evaluation import evaluate
from amucl.clustering.kmeans import kmeans_restarts, labels_over_k
from amucl.clustering.stability import consensus_of, stability_table
from amucl.errors import AmuclError
from amucl.labels import canonical_labels, labels_table
from amucl.methods.blocks import zscore
from amucl.methods.factor.mofa import MOFA
from amucl.methods.factor.nmf import NMF, IntNMF
from amucl.methods.lowrank.affinity import normalized_cuts
from amucl.methods.registry import METHODS, build

QUICK = {"dmacl": {"epochs": 1, "n_restarts": 2}, "mofa": {"n_iterations": 10}, "intnmf": {"n_restarts": 2}}
SIZES = (3, 4, 5, 8)


def drawn(n, *widths, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, p)) for p in widths]


def twins(n):
    """All patients but one are one profile."""
    profiles = np.repeat(drawn(1, 3)[0], n, axis=0)
    profiles[0] += 1
    return [profiles, profiles[:, :1]]


def panel(n=20):
    """Five different profiles of three mutations and a fusion."""
    profiles = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [0, 0, 0.0]])
    place = np.arange(n) % 5
    return [profiles[place], (place == 2).astype(float)[:, None]]


COHORTS = {
    **{f"{n} patients, {p} features": drawn(n, p, p) for n in SIZES for p in (1, 2, 3)},
    **{f"{n} patients, one omic": drawn(n, 2) for n in SIZES},
    **{f"{n} patients, wide beside one feature": drawn(n, 30, 1) for n in SIZES},
    **{f"{n} patients, two profiles": twins(n) for n in SIZES},
    "five profiles": panel(),
    "one omic constant": [*drawn(6, 3), np.ones((6, 2))],
}


def fitted(method, views, n_clusters=None):
    entry = METHODS[method]
    given = [zscore(view) if entry.layer else view for view in views]
    settings = QUICK.get(method, {"epochs": 1} if entry.stage == "train" else {})
    return build(method, **{"n_clusters": n_clusters, "device": "cpu", **settings}).fit(given)


def clusters(method, model, ks):
    samples = [f"p{number}" for number in range(len(model.embedding_))]
    embedding = pd.DataFrame(model.embedding_, index=samples)
    if METHODS[method].stage == "lowrank":
        labels = {k: canonical_labels(normalized_cuts(model.affinity_, k)) for k in ks}
        return embedding, labels_table(labels, samples).set_index("sample"), {}
    restarts = kmeans_restarts(embedding, ks, n_restarts=4, seed=1)
    return embedding, labels_over_k(restarts, samples), restarts


@pytest.mark.situation(
    "eight patients, few distinct profiles, omics of one to three features",
    right="every method ends with a table or one line",
    before="nmf and mofa: tracebacks; sglrr: expected 2 to 0",
)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_ends_with_a_table(method):
    for name, views in COHORTS.items():
        n = len(views[0])
        n_clusters = None if n % 2 or METHODS[method].stage == "lowrank" else 2
        model = fitted(method, views, n_clusters)
        assert np.isfinite(model.embedding_).all(), name
        assert len(model.embedding_) == n, name
        assert model.embedding_.shape[1] >= 1, name
        labels = clusters(method, model, [2, 3])[1]
        assert labels.shape == (n, 2), name
        assert (labels.min() == 1).all(), name
        assert (labels.max() <= [2, 3]).all(), name


VARYING = ("mofa", "spectral", *(name for name, entry in METHODS.items() if entry.stage == "lowrank"))
NOT_UNIQUE = ("snf", "intnmf")  # eigenvectors of a graph name its samples; W has more columns than there are profiles


@pytest.mark.situation(
    "eight patients, few distinct profiles, omics of one to three features",
    right="every method ends with a table or one line",
    before="nmf and mofa: tracebacks; sglrr: expected 2 to 0",
)
@pytest.mark.parametrize("method", METHODS)
def test_equal_patients_end_in_one_line_or_one_place(method):
    views = [np.ones((5, 3)), np.ones((5, 2))]
    if method in VARYING:
        with pytest.raises(AmuclError, match="every feature is constant"):
            fitted(method, views)
        return
    model = fitted(method, views)
    assert np.isfinite(model.embedding_).all()
    if method not in NOT_UNIQUE:
        np.testing.assert_allclose(model.embedding_, model.embedding_[[0] * 5], atol=1e-5)


@pytest.mark.parametrize(("estimator", "most"), [(NMF, 4), (IntNMF, 4), (MOFA, 4)])
def test_no_more_components_than_the_data_have(estimator, most, caplog):
    caplog.set_level(logging.WARNING)
    views = panel()
    assert estimator(n_components=7, n_iterations=5).fit(views).embedding_.shape == (20, most)
    assert f"{estimator.__name__}: {most} components instead of 7: " in caplog.text
    caplog.clear()
    assert estimator(n_components=3, n_iterations=5).fit(views).embedding_.shape == (20, 3)
    assert not caplog.text


@pytest.mark.situation(
    "eight patients, few distinct profiles, omics of one to three features",
    right="every method ends with a table or one line",
    before="nmf and mofa: tracebacks; sglrr: expected 2 to 0",
)
@pytest.mark.parametrize("method", ["sglrr", "pca", "snf"])
@pytest.mark.parametrize("name", ["3 patients, 2 features", "5 patients, two profiles", "8 patients, 3 features",
                                  "five profiles"])  # fmt: skip
def test_the_stages_after_a_method_end_with_tables(method, name):
    views = COHORTS[name]
    n = len(views[0])
    ks = [k for k in (2, 3, 6, 7) if k <= n]
    embedding, labels, restarts = clusters(method, model := fitted(method, views), ks)
    affinity = getattr(model, "affinity_", None) if METHODS[method].stage == "lowrank" else None
    how = {"affinity": affinity, "n_draws": 4}
    stable = stability_table(dataset="few", method=method, embedding=embedding, labels=labels, **how)
    assert list(stable["k"]) == [1, *ks]
    assert stable["status"].notna().all()
    for k in ks:
        row = stable.set_index("k").loc[k]
        assert row["status"] != "ok" or np.isfinite(row[["silhouette", "ari_mean", "pac"]].astype(float)).all(), k
        assert consensus_of(embedding, k, **how).shape == (n, n)
    found = evaluate(
        dataset="few", method=method, seed=1, embedding=embedding, common=embedding, labels=labels, restarts=restarts,
        truth=None, doubts=None,
    )  # fmt: skip
    assert list(found.metrics["k"].unique()) == ks
    patients = pd.DataFrame(
        {"os_time": np.arange(1.0, n + 1), "os_event": np.arange(n) % 2, "age": np.arange(n) + 40.0},
        index=embedding.index,
    )
    tables = clinic("few", method, patients, labels, clinical_labels=None, seed=1, max_permutations=50)
    for table in tables.values():
        assert "status" not in table or table["status"].notna().all()
