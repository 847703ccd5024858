import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.metrics import adjusted_rand_score

from amucl.errors import AmuclError
from amucl.methods.lowrank.doubts import doubts
from amucl.methods.lowrank.family import LRR, LRRSC, SGLRR, GraphLRR
from amucl.methods.lowrank.samples import joined_samples
from tests.shared import SHARED, needs_shared
from tests.unit.methods.lowrank.problems import planted


@pytest.fixture
def views():
    """Three groups seen in two noisy views."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(3), 15)
    return [rng.normal(size=(3, p))[truth] + 0.7 * rng.normal(size=(45, p)) for p in (60, 20)], truth


@pytest.mark.parametrize("solver", ["admm", "ladmap"])
def test_noise_free_independent_subspaces_give_a_block_diagonal_representation(solver):
    X, truth = planted()
    model = SGLRR(3, beta=0.0, gamma=10.0, nonneg=False, lam=0.0, solver=solver, tol=1e-6, max_iter=20000).fit(X)
    between = truth[:, None] != truth[None]
    assert np.abs(model.representation_[between]).max() < 1e-5
    assert np.abs(model.affinity_[between]).max() < 1e-8
    assert model.solver_["rank"] == 6
    assert adjusted_rand_score(truth, model.labels_) == 1


def test_groups_are_found_and_results_are_described(views):
    X, truth = views
    model = SGLRR(3).fit(X)
    assert adjusted_rand_score(truth, model.labels_) == 1
    assert model.converged_
    assert model.n_features_in_ == 80
    assert list(model.solver_) == [
        *("solver", "iterations", "seconds", "primal", "dual", "gap", "r1", "r2", "rank", "samples", "contrast"),
        *("unrepresented", "pieces", "converged"),
    ]
    assert model.solver_["seconds"] > 0
    assert 0 <= model.solver_["gap"] <= 1e-2
    assert model.history_["gap"].iloc[-1] == model.solver_["gap"]
    assert model.embedding_.shape == (45, model.solver_["rank"])
    np.testing.assert_allclose(np.linalg.norm(model.embedding_, axis=1), 1)
    np.testing.assert_allclose((model.embedding_ @ model.embedding_.T) ** 2, model.affinity_, atol=1e-12)
    np.testing.assert_array_equal(model.labels(3), model.labels_)
    assert [len(set(model.labels(k))) for k in range(2, 8)] == list(range(2, 8))


def test_solvers_agree_on_what_is_clustered(views):
    X, _ = views
    admm, ladmap = (SGLRR(3, solver=solver, tol=1e-4, max_iter=20000).fit(X) for solver in ("admm", "ladmap"))
    assert admm.converged_
    assert ladmap.converged_
    np.testing.assert_allclose(admm.representation_, ladmap.representation_, atol=5e-3)
    np.testing.assert_array_equal(admm.labels_, ladmap.labels_)


def test_same_input_gives_the_same_bytes(views):
    X, _ = views
    first, second = SGLRR(3).fit(X), SGLRR(3).fit(X)
    for name in ("affinity_", "embedding_", "representation_", "labels_"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()
    pd.testing.assert_frame_equal(first.history_, second.history_)


def test_permuted_samples_are_clustered_alike(views):
    X, _ = views
    order = np.random.default_rng(3).permutation(45)
    labels, permuted = SGLRR(4).fit(X).labels_, SGLRR(4).fit([view[order] for view in X]).labels_
    assert adjusted_rand_score(labels[order], permuted) == 1


def test_float32_clusters_as_float64(views):
    X, _ = views
    single, double = SGLRR(3, dtype="float32").fit(X), SGLRR(3).fit(X)
    assert single.affinity_.dtype == single.embedding_.dtype == np.float32
    np.testing.assert_allclose(single.affinity_, double.affinity_, atol=1e-2)
    np.testing.assert_array_equal(single.labels_, double.labels_)


def test_many_samples_are_solved_in_float32_unless_asked_otherwise(views, monkeypatch):
    X, _ = views
    monkeypatch.setattr("amucl.methods.lowrank.family.LARGE", 45)
    assert SGLRR(max_iter=10).fit(X).representation_.dtype == np.float32
    assert SGLRR(max_iter=10, dtype="float64").fit(X).representation_.dtype == np.float64
    monkeypatch.setattr("amucl.methods.lowrank.family.LARGE", 46)
    assert SGLRR(max_iter=10).fit(X).representation_.dtype == np.float64


@pytest.mark.parametrize("member", [SGLRR, GraphLRR, LRRSC, LRR])
@pytest.mark.parametrize("noise", ["l1", "l21"])
def test_every_member_finds_clear_groups_on_either_library(views, member, noise):
    X, truth = views
    numpy, torch = (member(3, noise=noise, device=device).fit(X) for device in ("numpy", "torch"))
    assert adjusted_rand_score(truth, numpy.labels_) == 1
    assert numpy.converged_
    np.testing.assert_allclose(numpy.representation_, torch.representation_, atol=1e-9)
    np.testing.assert_allclose(numpy.embedding_, torch.embedding_, atol=1e-4)
    symmetric = np.array_equal(numpy.representation_, numpy.representation_.T)
    assert symmetric == (member is not LRR)
    assert (numpy.representation_.min() < -0.01) == (member is not SGLRR)


def test_lrrsc_and_graph_lrr_are_sglrr_without_what_they_lack(views):
    X, _ = views
    free = SGLRR(lam=0.0, nonneg=False)
    np.testing.assert_array_equal(free.fit(X).representation_, GraphLRR().fit(X).representation_)
    np.testing.assert_array_equal(free.set_params(beta=0.0).fit(X).representation_, LRRSC().fit(X).representation_)
    nonneg = SGLRR(lam=0.0, beta=0.0).fit(X)
    np.testing.assert_array_equal(nonneg.representation_, LRRSC(nonneg=True).fit(X).representation_)


def test_a_representation_of_noise_is_called_chance(views, caplog):
    X, _ = views
    assert doubts(SGLRR().fit(X).solver_, 3) == {}
    lost = LRRSC().fit(np.random.default_rng(0).normal(size=(45, 60)))
    assert "chance" in doubts(lost.solver_, 3)
    assert "as between random directions (contrast 0." in caplog.text
    assert "lower gamma" in caplog.text


def test_a_second_fit_forgets_the_first(views):
    X, _ = views
    model = SGLRR(3).fit(X)
    assert not hasattr(model.set_params(n_clusters=None).fit([view[:30] for view in X]), "labels_")


def test_units_far_from_one_are_no_trouble(views):
    X, _ = views
    for unit in (1e-200, 1e200):
        np.testing.assert_allclose(joined_samples([unit * X[0]]), joined_samples([X[0]]), atol=1e-14)


@pytest.mark.parametrize("noise", ["l1", "l21"])
def test_automatic_gamma_prices_noise_below_a_sample_by_itself(views, noise):
    """Whatever the units, the number of features and the samples that are zero."""
    X, _ = views
    for data in (X, [1000 * X[0]], [np.vstack([X[0], np.zeros((3, 60))])]):
        samples = joined_samples(data)
        problem = SGLRR(noise=noise)._problem(samples)
        prices = [problem.gamma * problem.noise_norm(sample[:, None]) for sample in samples if sample.any()]
        assert np.mean(prices) == pytest.approx(0.8)
    normal = np.random.default_rng(0).normal(size=(50, 4000))
    assert SGLRR()._problem(joined_samples(normal)).gamma == pytest.approx(4000**-0.5, rel=0.01)


def test_views_weigh_equally_whatever_their_units_and_constants_are_dropped(views):
    X, _ = views
    samples = joined_samples(X)
    np.testing.assert_allclose(np.linalg.norm(samples, axis=1), 1)
    padded = [np.hstack([1000 * X[0], np.full((45, 2), 7.0)]), X[1]]
    np.testing.assert_allclose(joined_samples(padded), samples, atol=1e-14)
    repeated = np.hstack([X[1]] * 9)  # nine times the features, the same information
    np.testing.assert_allclose(
        joined_samples([X[0], repeated]) @ joined_samples([X[0], repeated]).T, samples @ samples.T, atol=1e-14
    )


def test_one_array_or_table_is_one_view(views):
    X, _ = views
    np.testing.assert_array_equal(joined_samples(X[0]), joined_samples([X[0]]))
    np.testing.assert_array_equal(joined_samples(pd.DataFrame(X[0])), joined_samples([X[0]]))


def test_scikit_learn_conventions(views):
    X, _ = views
    model = SGLRR(3, lam=0.02, solver="ladmap")
    copy = clone(model).set_params(solver="admm")
    assert copy.get_params()["lam"] == 0.02
    np.testing.assert_array_equal(copy.fit_predict(X), copy.labels_)
    assert not hasattr(SGLRR().fit(X), "labels_")
    with pytest.raises(AmuclError, match="n_clusters"):
        SGLRR().fit_predict(X)


def test_a_zero_sample_changes_no_other_and_is_reported(views, caplog):
    X, truth = views
    X = [np.insert(view, 4, 0.0, axis=0) for view in X]
    model = SGLRR(3, gamma=0.3, tol=1e-4).fit(X)
    others = np.delete(np.arange(46), 4)
    assert not model.affinity_[4].any()
    assert not model.embedding_[4].any()
    assert adjusted_rand_score(truth, model.labels_[others]) == 1
    assert "isolated in the graph (row 4)" in caplog.text
    assert "label means nothing (row 4)" in caplog.text


def test_gamma_too_small_is_said_with_the_value_to_exceed(views, caplog):
    model = SGLRR(gamma=1e-4).fit(views[0])
    assert model.solver_["rank"] == 0
    assert not model.embedding_.any()
    assert model.embedding_.shape == (45, 1)
    least = float(caplog.text.split("raise gamma well above ")[1].split()[0])
    free = SGLRR(lam=0, beta=0, nonneg=False, tol=1e-5, max_iter=2000)
    assert free.set_params(gamma=0.98 * least).fit(views[0]).solver_["rank"] == 0
    assert free.set_params(gamma=1.02 * least).fit(views[0]).solver_["rank"] > 0
    assert set(model.labels(2)) == {0}
    assert "only 0 of 45 samples have any affinity" in caplog.text


def test_gamma_too_large_not_converged_and_low_rank_are_said(views, caplog):
    SGLRR(gamma=50.0, max_iter=5).fit(views[0])
    assert "nearly the identity: lower gamma" in caplog.text
    assert "not converged in 5 iterations: gap" in caplog.text
    caplog.clear()
    X, _ = planted(sizes=(10, 10), rank=1)
    SGLRR(gamma=10.0, lam=0, beta=0, nonneg=False, tol=1e-5, max_iter=5000).fit(X).labels(4)
    assert "Z has rank 2, too low" in caplog.text


def spoiled(view, value):
    view = view.copy()
    view[3, 5] = value
    return view


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda v: [v[0], spoiled(v[1], np.nan)], "view 2, row 3, column 5.*missing or infinite"),
        (lambda v: [spoiled(v[0], np.inf), v[1]], "view 1, row 3, column 5.*got inf"),
        (lambda v: [v[0], v[1][:-1]], r"different samples.*\[45, 44\]"),
        (lambda v: [np.ones((45, 2)), np.ones((45, 3))], "every feature is constant"),
        (lambda v: [v[0].astype(str)], "view 1.*not a numeric table"),
        (lambda v: [v[0][:, 0]], "view 1.*not a numeric table"),
        (lambda v: [], "no view"),
    ],
)
def test_bad_views_are_one_error(views, spoil, message):
    with pytest.raises(AmuclError, match=message):
        SGLRR(2).fit(spoil(views[0]))


@pytest.mark.parametrize(
    "parameters",
    [
        {"n_clusters": 1},
        {"n_clusters": 46},
        {"lam": -1},
        {"beta": np.nan},
        {"gamma": 0},
        {"gamma": "large"},
        {"tol": 0},
        {"solver": "svd"},
        {"dtype": "float16"},
        {"noise": "l2"},
        {"device": "gpu"},
        {"landmarks": 46},
        {"landmarks": 3, "n_clusters": 4},
        {"n_clusters": 3.0},
        {"lam": None},
        {"beta": "a"},
        {"gamma": None},
        {"tol": "x"},
        {"nonneg": "no"},
        {"landmarks": 1},
        {"landmarks": 10.5},
        {"max_iter": 0},
        {"n_neighbors": 2.5},
    ],
)
def test_bad_parameters_are_one_error(views, parameters):
    with pytest.raises(AmuclError, match=next(iter(parameters))):
        SGLRR(**parameters).fit(views[0])


@needs_shared
@pytest.mark.parametrize("setting", ["equal", "heterogeneous"])
@pytest.mark.parametrize("k", [5, 10, 15])
def test_simulated_cohorts_are_recovered(setting, k):
    folder = SHARED / "simulated" / setting / str(k)
    tables = [pd.read_csv(folder / f"omics{i}.txt", sep="\t", index_col="probe").T for i in (1, 2, 3)]
    truth = pd.read_csv(folder / "clusters.txt", sep=r"\s+").set_index("subjects")["cluster.id"][tables[0].index]
    model = SGLRR(k).fit([((table - table.mean()) / table.std()).to_numpy() for table in tables])
    assert model.converged_
    assert model.solver_["gap"] <= 1e-2
    assert adjusted_rand_score(truth, model.labels_) >= 0.99
