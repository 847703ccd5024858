import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from amucl.clustering.evidence import COLUMNS, _clusters, training_evidence
from amucl.methods.network.dmacl import DMACL
from tests.unit.methods.planted import TRUTH, planted_views

SETTINGS = {"d_model": 16, "n_heads": 4, "epochs": 60, "n_restarts": 3, "device": "cpu"}


def evidence(views, n_clusters=3, **changed):
    model = DMACL(n_clusters, **(SETTINGS | changed)).fit(views)
    return model, training_evidence(model, views, [f"omic {m}" for m in range(len(views))], 3)


def test_an_omic_that_says_nothing_supports_the_graph_less():
    first, second = planted_views()
    noise = np.random.default_rng(5).normal(size=(60, 400))
    _, table = evidence([first, second, noise])
    omics = table[table["part"] == "omic"].set_index("name")
    assert list(table) == COLUMNS
    assert omics["n_features"].tolist() == [first.shape[1], second.shape[1], 400]
    assert omics["n_inputs"].tolist()[:2] == omics["n_features"].tolist()[:2]
    assert omics.loc["omic 2", "n_inputs"] < 60  # rotated
    assert (omics["n_neighbors"] == 14).all()  # 0.7 n / k
    assert omics["by_chance"].to_numpy() == pytest.approx(14 / 59)
    assert omics["agreement"][:2].min() > omics.loc["omic 2", "agreement"] + 0.1


def test_random_graphs_agree_by_chance():
    rng = np.random.default_rng(0)
    _, table = evidence([rng.normal(size=(200, 30)) for _ in range(40)], n_clusters=None, epochs=1)
    omics = table[table["part"] == "omic"]
    assert omics["agreement"].mean() == pytest.approx(omics["by_chance"].iloc[0], abs=0.08)
    assert (omics["agreement"] > 0).all()


def test_one_omic_is_the_graph():
    _, table = evidence(planted_views()[:1])
    assert table.loc[table["part"] == "omic", "agreement"].item() > 0.5


def test_restarts_are_compared_with_the_joined_embedding():
    views = planted_views()
    model, table = evidence(views)
    restarts = table[table["part"] == "restart"]
    assert restarts["name"].tolist() == [1, 2, 3]
    assert (restarts["agreement"] > 0.9).all()
    joined = _clusters(model.embedding_, 3, 0)
    assert adjusted_rand_score(joined, TRUTH) > 0.9
    _, untrained = evidence(views, epochs=1, learning_rate=1e-12, embedding="instance")
    assert untrained.loc[untrained["part"] == "restart", "agreement"].mean() < restarts["agreement"].mean()


def test_patients_who_lack_an_omic_are_counted_where_they_have_one():
    views = planted_views()
    views[1][:10] = np.nan
    _, table = evidence(views)
    assert table.loc[table["part"] == "omic", "agreement"].between(0.3, 1).all()
