import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from amucl.comparison.sensitivity import COLUMNS, sensitivity_table
from amucl.errors import AmuclError
from amucl.methods.lowrank.family import LRR, SGLRR, GraphLRR

WEIGHTS = ["lam", "beta", "gamma"]
GAMMA = 0.26  # on this side of representing nothing and everything
TRUTH = np.repeat(["a", "b", "c"], 12)


@pytest.fixture(scope="module")
def views():
    """Three overlapping groups in 60 features, so that indices are not all 1."""
    rng = np.random.default_rng(0)
    return rng.normal(size=(3, 60))[np.repeat(np.arange(3), 12)] + 1.8 * rng.normal(size=(36, 60))


@pytest.fixture(scope="module")
def table(views):
    return sensitivity_table(SGLRR(gamma=GAMMA), views, WEIGHTS, [10, 0.1], 3, TRUTH)


def test_every_row_is_what_its_weights_alone_give(views, table):
    default = {"lam": 0.01, "beta": 0.1, "gamma": GAMMA}
    reference = SGLRR(**default).fit(views).labels(3)
    assert list(table) == COLUMNS
    assert list(table["parameter"]) == np.repeat(WEIGHTS, 3).tolist()
    assert list(table["factor"]) == [0.1, 1, 10] * 3
    for row in table.itertuples():
        weights = default | {row.parameter: default[row.parameter] * row.factor}
        assert row.value == pytest.approx(weights[row.parameter], rel=1e-12)
        model = SGLRR(**weights).fit(views)
        assert {name: getattr(row, name) for name in ("iterations", "rank", "converged")} == {
            name: model.solver_[name] for name in ("iterations", "rank", "converged")
        }
        assert row.gap == pytest.approx(model.solver_["gap"], abs=1e-9)
        if row.rank > 0:
            labels = model.labels(3)
            assert row.n_clusters == len(set(labels))
            assert row.ari == pytest.approx(adjusted_rand_score(TRUTH, labels))
            assert row.nmi == pytest.approx(normalized_mutual_info_score(TRUTH, labels))
            assert row.ari_to_default == pytest.approx(adjusted_rand_score(reference, labels))
    defaults = table[table["factor"] == 1].drop(columns=["parameter", "value"])
    assert len(defaults.drop_duplicates()) == 1
    assert set(defaults["ari_to_default"]) == {1.0}
    assert table["ari_to_default"].min() < 1


def test_where_nothing_is_represented_the_row_has_no_indices(table):
    nothing = table[table["status"] == "rank 0"]
    assert list(zip(nothing["parameter"], nothing["factor"], strict=True)) == [("gamma", 0.1)]
    assert nothing[["ari", "nmi", "accuracy", "ari_to_default"]].isna().all(axis=None)
    assert nothing["n_clusters"].item() == 0


def test_the_status_says_what_is_doubtful(views, table):
    assert table.set_index(["parameter", "factor"]).at[("gamma", 10), "status"] == "near identity"
    identity = table["status"] == "near identity"
    assert (table.loc[identity, "rank"] > 0.9 * 36).all()
    assert (table.loc[~identity, "rank"] <= 0.9 * 36).all()
    both = sensitivity_table(SGLRR(gamma=100.0, tol=1e-9, max_iter=30), views, ["gamma"], [1], 3)
    assert both["status"].item() == "near identity, not converged"
    hurried = sensitivity_table(GraphLRR(beta=10.0, tol=1e-8, max_iter=10), views, ["beta"], [1], 3)
    assert hurried[["converged", "status"]].to_numpy().tolist() == [[False, "not converged"]]


def test_the_default_is_solved_once_and_the_estimator_left_as_it_was(views, monkeypatch):
    solved = []
    fit = SGLRR.fit
    monkeypatch.setattr(SGLRR, "fit", lambda self, X: solved.append((self.lam, self.beta)) or fit(self, X))
    estimator = SGLRR(5, beta=0.5)
    sensitivity_table(estimator, views, ["lam", "beta"], [1, 3], 3)
    assert solved == [(0.01, 0.5), (0.03, 0.5), (0.01, 1.5)]
    assert not hasattr(estimator, "embedding_")
    assert estimator.n_clusters == 5


def test_weights_that_a_member_lacks_or_that_are_zero_are_left_out(views):
    assert list(sensitivity_table(LRR(), views, WEIGHTS, [1], 3)["parameter"]) == ["gamma"]
    assert list(sensitivity_table(SGLRR(lam=0.0), views, WEIGHTS, [1], 3)["parameter"]) == ["beta", "gamma"]
    nothing = sensitivity_table(LRR(), views, ["lam"], [1], 3)
    assert nothing.empty
    assert list(nothing) == COLUMNS


def test_unknown_labels_do_not_count(views, table):
    partly = pd.Series(TRUTH, dtype=object)
    partly[::4] = None
    known = partly.notna().to_numpy()
    found = sensitivity_table(SGLRR(gamma=GAMMA), views, ["lam"], [1], 3, partly)
    labels = SGLRR(3, gamma=GAMMA).fit(views).labels_
    assert found["ari"].item() == pytest.approx(adjusted_rand_score(TRUTH[known], labels[known]))
    for unknown in (None, [None] * 36):
        found = sensitivity_table(SGLRR(), views, ["lam"], [1], 3, unknown)
        assert found[["ari", "nmi", "accuracy"]].isna().all(axis=None)
        assert found["ari_to_default"].item() == 1


def test_a_default_that_represents_nothing_still_shows_where_clusters_begin(views):
    found = sensitivity_table(SGLRR(gamma=0.01), views, ["gamma"], [20], 3, TRUTH).set_index("factor")
    assert list(found["status"]) == ["rank 0", "ok"]
    assert found.at[20, "ari"] > 0
    assert found["ari_to_default"].isna().all()


@pytest.mark.parametrize("landmarks", [None, 20])
def test_an_automatic_gamma_is_the_number_that_gives_the_same_solution(views, landmarks):
    model = LRR(landmarks=landmarks).fit(views)
    found = sensitivity_table(LRR(landmarks=landmarks), views, ["gamma"], [1, 2], 3)
    gamma = found["value"][0]
    np.testing.assert_allclose(
        LRR(gamma=gamma, landmarks=landmarks).fit(views).representation_, model.representation_, atol=1e-9
    )
    assert found["rank"][0] == model.solver_["rank"]
    doubled = LRR(gamma=2 * gamma, landmarks=landmarks).fit(views)
    assert found["rank"][1] == doubled.solver_["rank"] != model.solver_["rank"]


@pytest.mark.parametrize("k", [1, 37])
def test_an_impossible_k_is_refused(views, k):
    with pytest.raises(AmuclError, match=rf"k is out of range; expected 2 to 36, the number of samples; got {k}"):
        sensitivity_table(SGLRR(), views, WEIGHTS, [1], k)
