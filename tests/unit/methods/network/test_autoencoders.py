import hashlib
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from amucl.errors import AmuclError
from amucl.methods.blocks import scale_by_maximum
from amucl.methods.network.autoencoders import GAUSSIAN, Autoencoder, shares
from amucl.methods.network.variational import cross_entropy, mean_squared_error, normal_divergence
from amucl.methods.registry import METHODS, build
from tests.shared import REPOSITORY, SHARED, needs_shared
from tests.unit.methods.planted import TRUTH, planted_views

TEN = [name for name, method in METHODS.items() if method.module == "amucl.methods.network.autoencoders"]
KINDS = list(GAUSSIAN)
SMALL = {"outer_width": 12, "inner_width": 8, "device": "cpu"}


def small(n_clusters=3, **changed):
    return Autoencoder(n_clusters, **{**SMALL, "epochs": 2, **changed})


def ari(embedding, truth=TRUTH):
    return adjusted_rand_score(truth, KMeans(len(set(truth)), n_init=20, random_state=0).fit_predict(embedding))


def scaled(views):
    return [torch.as_tensor(scale_by_maximum(view), dtype=torch.float32) for view in views]


def test_ten_methods_are_registered():
    assert sorted(TEN) == sorted(f + k for f in ("lf", "ef") for k in ("ae", "dae", "vae", "svae", "mmdvae"))
    for name in TEN:
        model = build(name)
        assert model.fusion == {"lf": "late", "ef": "early"}[name[:2]]
        kinds = {"ae": "plain", "dae": "denoising", "vae": "variational", "svae": "stacked", "mmdvae": "mmd"}
        assert model.kind == kinds[name[2:]]
        assert (METHODS[name].stage, METHODS[name].layer) == ("train", None)


@pytest.mark.parametrize("name", TEN)
def test_planted_groups_are_found(name):
    steps = (
        {"epochs": 200, "batch_size": 20} if name in ("lfvae", "lfsvae") else {"epochs": 80}
    )  # few leave noisy codes
    model = build(name, n_clusters=3, device="cpu", **steps).fit(planted_views())
    assert ari(model.embedding_) > 0.85
    assert model.embedding_.shape == (60, 3)
    assert model.embedding_.std(axis=0).max() > 0.1
    restored = model.history_["reconstruction"]
    assert restored.iloc[-5:].mean() < 0.95 * restored.iloc[:5].mean()


@pytest.mark.parametrize("fusion", ["early", "late"])
@pytest.mark.parametrize("kind", KINDS)
def test_history_holds_the_loss_and_its_parts(kind, fusion):
    history = small(kind=kind, fusion=fusion, epochs=3, beta=0.5).fit(planted_views()).history_
    extra = {"variational": ["divergence"], "stacked": ["divergence"], "mmd": ["discrepancy"]}.get(kind, [])
    assert list(history) == ["epoch", "restart", "loss", "reconstruction", *extra]
    assert history[["epoch", "restart"]].values.tolist() == [[1, 1], [2, 1], [3, 1]]
    weights = {"reconstruction": 1, "divergence": 0.5, "discrepancy": 1}
    total = sum(weights[name] * history[name] for name in ["reconstruction", *extra])
    np.testing.assert_allclose(history["loss"], total, rtol=1e-5)


def test_loss_of_a_plain_autoencoder_is_the_error_of_what_it_restores():
    """One epoch in one batch with a rate of nothing: the loss is that of the network as returned."""
    views = planted_views()
    model = small(fusion="late", epochs=1, batch_size=60, learning_rate=1e-30).fit(views)
    errors = [
        mean_squared_error(x[None], coder.decode(coder.encode(x[None])[0]))
        for coder, x in zip(model.network_, scaled(views), strict=True)
    ]
    np.testing.assert_allclose(model.history_["loss"], sum(errors).detach(), rtol=1e-5)


def test_loss_of_a_variational_autoencoder_is_the_evidence_lower_bound():
    views = planted_views()
    model = small(kind="variational", epochs=1, batch_size=60, learning_rate=1e-30).fit(views)
    (coder,), x = model.network_, torch.cat(scaled(views), dim=1)[None]
    draws = [coder.encode(x, torch.Generator().manual_seed(seed)) for seed in range(30)]
    errors = [cross_entropy(x, coder.decode(code)).item() for code, _ in draws]
    divergence = normal_divergence(*draws[0][1][0]).item()
    assert model.history_["divergence"].item() == pytest.approx(divergence, rel=1e-4)
    assert abs(model.history_["reconstruction"].item() - np.mean(errors)) < 4 * np.std(errors)


def test_beta_weighs_the_divergence():
    weak, strong = (small(kind="variational", epochs=30, beta=beta).fit(planted_views()) for beta in (1e-3, 10))
    last = [model.history_.iloc[-1] for model in (weak, strong)]
    assert last[0]["divergence"] > 5 * last[1]["divergence"]
    assert last[0]["reconstruction"] < last[1]["reconstruction"]


def test_mmd_makes_the_codes_standard_normal():
    codes = small(kind="mmd", epochs=150, outer_width=40, inner_width=20).fit(planted_views()).embedding_
    assert np.abs(codes.mean(axis=0)).max() < 0.4
    assert (codes.std(axis=0) < 1.5).all()


def test_a_linear_code_spans_the_principal_components():
    """Values near 0, where tanh is linear: an autoencoder of rank one finds the first component."""
    rng = np.random.default_rng(0)
    x = 0.2 * np.outer(rng.normal(size=60), np.ones(12)) + 0.005 * rng.normal(size=(60, 12))
    code = small(n_components=1, epochs=100).fit([x]).embedding_
    first = PCA(1).fit_transform(scale_by_maximum(x))
    assert abs(np.corrcoef(code[:, 0], first[:, 0])[0, 1]) > 0.9


def test_denoising_sees_noise_and_restores_the_data():
    views = planted_views()
    quiet, noisy = (small(kind="denoising", noise=noise).fit(views) for noise in (1e-30, 1.0))
    assert not np.allclose(quiet.history_["loss"], noisy.history_["loss"])
    without = small(kind="denoising", noise=1e-30, epochs=1, batch_size=60, learning_rate=1e-30).fit(views)
    plain = small(epochs=1, batch_size=60, learning_rate=1e-30).fit(views)
    np.testing.assert_allclose(without.history_["loss"], plain.history_["loss"], rtol=1e-6)


@pytest.mark.parametrize(
    ("n_components", "n_blocks", "sizes"),
    [(5, 3, [2, 2, 1]), (10, 3, [4, 3, 3]), (15, 3, [5, 5, 5]), (2, 3, [1, 1, 1]), (7, 1, [7])],
)
def test_late_fusion_shares_the_code_among_the_omics(n_components, n_blocks, sizes):
    assert shares(n_components, n_blocks) == sizes
    views = (planted_views() * 2)[:n_blocks]
    model = small(fusion="late", n_components=n_components, epochs=1).fit(views)
    assert model.embedding_.shape == (60, sum(sizes))
    assert [coder.decoder[-1].bias.shape[-1] for coder in model.network_] == [view.shape[1] for view in views]


def test_late_fusion_encodes_every_omic_by_itself():
    views = planted_views()
    model = small(fusion="late", n_components=4).fit(views)
    (first, second), (x, y) = model.network_, scaled(views)
    expected = torch.cat([first.encode(x[None])[0][0], second.encode(y[None])[0][0]], dim=1)
    np.testing.assert_allclose(model.embedding_, expected.detach(), atol=1e-6)
    early = small(n_components=4).fit(views)
    assert [coder.decoder[-1].bias.shape[-1] for coder in early.network_] == [65]


@pytest.mark.parametrize("kind", KINDS)
def test_one_omic_is_the_same_in_early_and_late_fusion(kind):
    early, late = (small(kind=kind, fusion=f).fit(planted_views()[:1]).embedding_ for f in ("early", "late"))
    assert early.tobytes() == late.tobytes()


def test_dimensions_follow_the_number_of_clusters():
    views = planted_views()
    assert small(None, epochs=1).fit(views).embedding_.shape == (60, 10)
    assert small(4, epochs=1).fit(views).embedding_.shape == (60, 4)
    assert small(4, n_components=2, epochs=1).fit(views).embedding_.shape == (60, 2)
    assert len(small(epochs=1).fit([view[[0, 20, 40]] for view in views]).embedding_) == 3


def test_scale_of_a_feature_does_not_matter():
    views = planted_views()
    expected = small().fit(views).embedding_
    np.testing.assert_allclose(small().fit([views[0] * 1024, views[1] / 4]).embedding_, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_two_fits_give_the_same_bytes_and_another_seed_others(kind):
    first, second, other = (small(kind=kind, random_state=seed).fit(planted_views()) for seed in (0, 0, 1))
    assert first.embedding_.tobytes() == second.embedding_.tobytes()
    pd.testing.assert_frame_equal(first.history_, second.history_, check_exact=True)
    assert not np.allclose(first.embedding_, other.embedding_)


def test_two_processes_give_the_same_bytes():
    program = (
        "import hashlib\n"
        "from tests.unit.methods.network.test_autoencoders import small, planted_views\n"
        "model = small(kind='stacked', fusion='late').fit(planted_views())\n"
        "print(hashlib.sha256(model.embedding_.tobytes()).hexdigest())"
    )
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "src")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "1"}
    found = subprocess.run([sys.executable, "-c", program], env=environment, text=True, capture_output=True, check=True)
    here = small(kind="stacked", fusion="late").fit(planted_views()).embedding_
    assert found.stdout.strip() == hashlib.sha256(here.tobytes()).hexdigest()


def test_global_random_state_is_neither_read_nor_changed():
    expected = small(kind="variational").fit(planted_views()).embedding_
    torch.manual_seed(7)
    state = torch.get_rng_state()
    assert np.array_equal(small(kind="variational").fit(planted_views()).embedding_, expected)
    assert torch.equal(torch.get_rng_state(), state)


def test_it_is_a_scikit_learn_estimator():
    model = small(4, kind="denoising", noise=0.3)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert twin.set_params(epochs=1).fit(planted_views()) is twin
    assert twin.device_ == "cpu"


def test_saved_weights_carry_the_parameters(tmp_path):
    model = small(fusion="late").fit(planted_views())
    model.save(tmp_path / "model.safetensors")
    with safe_open(tmp_path / "model.safetensors", "pt") as stored:
        assert json.loads(stored.metadata()["about"])["parameters"] == model.get_params()
        weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    state = {f"network.{name}": value for name, value in model.network_.state_dict().items()}
    assert set(weights) == set(state)
    assert all(torch.equal(weights[name], state[name]) for name in state)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("fusion", "middle", "unknown fusion; expected early or late; got middle"),
        ("kind", "vae", "unknown kind; expected plain or denoising or variational or stacked or mmd; got vae"),
        ("n_components", 0, "n_components is out of range; expected a whole number of at least 1; got 0"),
        ("outer_width", 0, "outer_width is out of range; expected a whole number of at least 1; got 0"),
        ("inner_width", 2.5, "inner_width is out of range; expected a whole number of at least 1; got 2.5"),
        ("epochs", 0, "epochs is out of range; expected a whole number of at least 1; got 0"),
        ("batch_size", 1, "batch_size is out of range; expected a whole number of at least 2; got 1"),
        ("noise", 0, "noise is out of range; expected more than 0; got 0"),
        ("beta", -1, "beta is out of range; expected more than 0; got -1"),
        ("learning_rate", float("nan"), "learning_rate is out of range; expected more than 0; got nan"),
    ],
)
def test_bad_hyperparameters(name, value, message):
    with pytest.raises(AmuclError) as error:
        small(**{name: value}).fit(planted_views())
    assert str(error.value) == f"Autoencoder: {message}"


def test_a_training_that_diverges_says_so():
    with pytest.raises(AmuclError, match="Autoencoder: training diverged; lower learning_rate"):
        small(learning_rate=1e30).fit(planted_views())


def test_bad_views():
    views = planted_views()
    views[1][3, 4] = np.nan
    with pytest.raises(AmuclError, match="omic 2, sample 4, feature 5: a value is missing or infinite"):
        small().fit(views)
    with pytest.raises(AmuclError, match="too few samples; expected at least 3; got 2"):
        small().fit([view[:2] for view in planted_views()])


def test_thousands_of_features_with_a_large_mean_do_not_make_training_diverge():
    """Log expression: about 8, give or take 1."""
    x = np.random.default_rng(0).normal(8, 1, size=(20, 6000))
    for kind in KINDS:
        history = small(kind=kind, epochs=4, outer_width=100, inner_width=20).fit([x]).history_
        assert history["reconstruction"].iloc[-1] < 2 * history["reconstruction"].iloc[0]


@needs_shared
@pytest.mark.parametrize("name", ["efae", "efvae"])
def test_a_published_simulation_is_solved(name):
    folder = SHARED / "simulated" / "equal" / "5"
    views = [pd.read_csv(folder / f"omics{m}.txt", sep="\t", index_col="probe").T for m in (1, 2, 3)]
    truth = pd.read_csv(folder / "clusters.txt", sep="\t").set_index("subjects")["cluster.id"]
    model = build(name, n_clusters=5, epochs=60, device="cpu").fit([view.to_numpy() for view in views])
    assert ari(model.embedding_, truth.loc[views[0].index].to_numpy()) >= 0.95
