import contextlib
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
from safetensors.torch import save_file
from scipy.spatial.distance import pdist
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from amucl.errors import AmuclError
from amucl.methods.network import dmacl
from amucl.methods.network.dmacl import DMACL, affordable_epochs
from amucl.methods.network.losses import (
    cluster_contrastive_loss,
    decoupled_contrastive_loss,
    negative_assignment_entropy,
)
from amucl.methods.network.training import _digest
from amucl.methods.registry import METHODS, build
from tests.shared import REPOSITORY, SHARED, needs_shared
from tests.unit.methods.planted import TRUTH, planted_views

TOY = {"d_model": 16, "n_heads": 4, "epochs": 2, "n_restarts": 2, "device": "cpu"}


def toy(n_clusters=3, **changed):
    return DMACL(n_clusters, **{**TOY, **changed})


def network_input(model, views):
    return torch.as_tensor(np.hstack(model.input_map_(views)))


def ari(embedding, truth=TRUTH):
    k = len(set(truth))
    return adjusted_rand_score(truth, KMeans(k, n_init=20, random_state=0).fit_predict(embedding))


def test_default_finds_planted_groups():
    model = toy(epochs=60, n_restarts=3).fit(planted_views())
    assert ari(model.embedding_) > 0.9
    assert len(model.embedding_) == 60
    loss = model.history_.pivot_table(index="epoch", columns="restart", values="instance")
    assert (loss.iloc[-10:].mean() < loss.iloc[:10].mean() - 0.3).all()


def test_two_fits_and_two_processes_give_the_same_bytes(tmp_path):
    first, second = (toy().fit(planted_views()) for _ in range(2))
    assert np.array_equal(first.embedding_, second.embedding_)
    pd.testing.assert_frame_equal(first.history_, second.history_, check_exact=True)
    assert not np.array_equal(toy(random_state=1).fit(planted_views()).embedding_[:, 0], first.embedding_[:, 0])
    program = (
        "import hashlib\n"
        "from tests.unit.methods.network.test_dmacl import toy, planted_views\n"
        "print(hashlib.sha256(toy().fit(planted_views()).embedding_.tobytes()).hexdigest())"
    )
    path = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "src")])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "1"}
    found = subprocess.run([sys.executable, "-c", program], env=environment, text=True, capture_output=True, check=True)
    assert found.stdout.strip() == hashlib.sha256(first.embedding_.tobytes()).hexdigest()
    for name, model in {"a": first, "b": second}.items():
        model.save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_global_random_state_is_neither_read_nor_changed():
    expected = toy().fit(planted_views()).embedding_
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    states = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    assert np.array_equal(toy().fit(planted_views()).embedding_, expected)
    assert torch.equal(torch.get_rng_state(), states[0])
    assert np.array_equal(np.random.get_state()[1], states[1])  # noqa: NPY002


def test_it_is_a_scikit_learn_estimator():
    model = toy(4, sigma=0.3)
    twin = clone(model)
    assert twin.get_params() == model.get_params()
    assert twin.get_params()["sigma"] == 0.3
    assert twin.set_params(epochs=7).epochs == 7
    assert not hasattr(twin, "embedding_")
    assert model.fit(planted_views()) is model


def test_history_holds_the_loss_and_its_parts():
    history = toy(epochs=3).fit(planted_views()).history_
    assert list(history) == ["epoch", "restart", "loss", "instance", "cluster", "entropy"]
    assert history[["epoch", "restart"]].values.tolist() == [[e, r] for e in (1, 2, 3) for r in (1, 2)]
    np.testing.assert_allclose(history["loss"], 2 * history["instance"] + history["cluster"] + history["entropy"], 1e-5)


@pytest.mark.parametrize(
    ("n_samples", "batch_size", "epochs"),
    [(60, 128, 200), (2560, 128, 200), (2561, 128, 190), (10_000, 128, 50), (10_000, 512, 200), (10**6, 100, 1)],
)
def test_epochs_are_fewer_where_they_would_take_too_many_batches(n_samples, batch_size, epochs):
    assert affordable_epochs(n_samples, batch_size) == epochs


def test_epochs_that_are_asked_for_are_kept(monkeypatch):
    monkeypatch.setattr(dmacl, "MAX_BATCHES", 6)
    views = [view[:20] for view in planted_views()]
    assert toy(epochs=10, batch_size=10).fit(views).history_["epoch"].max() == 10
    assert toy(epochs=None, batch_size=10).fit(views).history_["epoch"].max() == 3


def test_loss_is_twice_the_instance_loss_plus_the_cluster_loss_of_two_views():
    """First epoch, one batch, Gaussian noise of no width: both views are the input itself."""
    views = planted_views()
    model = toy(epochs=1, augmentation="gaussian", sigma=1e-30, learning_rate=1e-30).fit(views)
    x = network_input(model, views).expand(2, -1, -1)
    z, c = model.network_(x)
    expected = (
        2 * decoupled_contrastive_loss(z, z, 0.5)
        + cluster_contrastive_loss(c, c, 1.0)
        + negative_assignment_entropy(c, c)
    )
    np.testing.assert_allclose(model.history_["loss"], expected.detach(), rtol=1e-5)


def test_published_preset_is_table_one_and_embeds_in_unit_vectors_of_n_clusters():
    views = [np.abs(view) for view in planted_views()]
    model = build("dmacl-published", n_clusters=3, d_model=16, n_heads=4, epochs=2, device="cpu").fit(views)
    assert model.embedding_.shape == (60, 3)
    np.testing.assert_allclose(np.linalg.norm(model.embedding_, axis=1), 1, atol=1e-6)
    parameters = build("dmacl-published").get_params()
    assert {name: parameters[name] for name in ("epochs", "batch_size", "learning_rate", "sigma", "cosine")} == {
        "epochs": 500,
        "batch_size": 128,
        "learning_rate": 3e-3,
        "sigma": 1.0,
        "cosine": False,
    }
    assert (parameters["instance_temperature"], parameters["cluster_temperature"]) == (0.5, 1.0)
    assert (parameters["d_model"], parameters["n_heads"]) == (160, 80)
    assert METHODS["dmacl-published"].layer is None
    assert network_input(model, views).amax(0).numpy() == pytest.approx(1)


def test_recipe_of_the_default():
    assert build("dmacl").get_params() == {
        **{
            "n_clusters": None,
            "normalization": "zscore",
            "rotate": True,
            "augmentation": "neighbors",
            "embedding": "backbone",
        },
        **{"sigma": 1.0, "omic_keep": 0.5, "feature_keep": 0.7, "d_model": 64, "n_heads": 8, "n_components": None},
        **{
            "instance_temperature": 0.5,
            "cluster_temperature": 1.0,
            "epochs": None,
            "batch_size": 128,
        },
        **{"learning_rate": 1e-3, "cosine": True, "n_restarts": 12},
        **{"attention": True, "decoupled": True, "cluster_loss": True},
        **{"random_state": 0, "n_threads": 1, "device": "auto"},
    }


def test_ablations_leave_out_what_they_name(tmp_path):
    views = planted_views()
    fits = {
        name: toy(epochs=60, n_restarts=3, **{name: False}).fit(views)
        for name in ("attention", "decoupled", "cluster_loss")
    }
    assert not any("query" in name for name in fits["attention"].network_.state_dict())
    coupled, plain = (fits[name].history_ for name in ("decoupled", "cluster_loss"))
    sum_of_parts = 2 * coupled["instance"] + coupled["cluster"] + coupled["entropy"]
    np.testing.assert_allclose(coupled["loss"], sum_of_parts, rtol=1e-5)
    assert coupled["instance"].iloc[0] > fits["attention"].history_["instance"].iloc[0]
    np.testing.assert_allclose(plain["loss"], 2 * plain["instance"], rtol=1e-5)
    for name, model in fits.items():
        assert ari(model.embedding_) > 0.9, name
        model.save(tmp_path / "model.safetensors")
        again = DMACL.load(tmp_path / "model.safetensors")[0]
        np.testing.assert_allclose(again.transform(views), model.embedding_, atol=1e-9)


def test_heads_follow_the_number_of_clusters():
    for n_clusters, widths in {4: (4, 4), None: (10, 6)}.items():
        network = toy(n_clusters, epochs=1).fit(planted_views()).network_
        assert (network.instance_head.layers[-1].bias.shape[-1], network.cluster_head.layers[-1].bias.shape[-1]) == (
            widths
        )


def test_scale_of_an_omic_does_not_matter():
    views = planted_views()
    expected = toy().fit(views).embedding_
    found = toy().fit([views[0] * 1024 - 4096, views[1] / 4]).embedding_
    np.testing.assert_allclose(pdist(found), pdist(expected), rtol=1e-2)


def test_one_omic_and_few_samples_work():
    assert toy(2).fit(planted_views()[:1]).embedding_.shape[0] == 60
    assert len(toy(2).fit([view[[0, 20, 40]] for view in planted_views()]).embedding_) == 3


def test_embedding_in_batches_is_that_at_once():
    views = planted_views()
    for embedding in ("backbone", "instance"):
        model = toy(embedding=embedding).fit(views)
        batched = model.set_params(batch_size=7).transform(views)
        np.testing.assert_allclose(pdist(batched), pdist(model.embedding_), rtol=1e-3)


def test_one_restart_is_the_plain_backbone():
    views = planted_views()
    model = toy(n_restarts=1).fit(views)
    features = model.network_.encoder(network_input(model, views)[None])[0]
    np.testing.assert_allclose(model.embedding_, features.detach(), rtol=1e-5, atol=1e-6)
    assert model.embedding_.shape == (60, 16)


def test_patients_who_lack_an_omic_stay_with_their_group():
    views = planted_views()
    rng = np.random.default_rng(1)
    lacking = rng.permutation(60)[:18]
    views[0][lacking[:9]] = np.nan
    views[1][lacking[9:]] = np.nan
    model = toy(epochs=60, n_restarts=3).fit(views)
    assert len(model.embedding_) == 60
    assert ari(model.embedding_) > 0.9


def test_a_patient_without_any_omic_is_refused():
    views = planted_views()
    for view in views:
        view[7] = np.nan
    with pytest.raises(AmuclError, match="sample 8: a patient has no omic at all"):
        toy().fit(views)
    with pytest.raises(AmuclError, match="omic 1, sample 8, feature 1: a value is missing or infinite"):
        toy(augmentation="gaussian").fit(views)


def test_transform_embeds_the_training_patients_where_fit_did():
    views = planted_views()
    for n_restarts in (1, 3):
        model = toy(n_restarts=n_restarts).fit(views)
        np.testing.assert_array_equal(model.transform(views), model.embedding_)


def test_left_out_patients_join_their_group(tmp_path):
    views, held_out = planted_views(), np.arange(60) % 5 == 0
    model = toy(epochs=60, n_restarts=3).fit([view[~held_out] for view in views])
    centroids = np.array([model.embedding_[TRUTH[~held_out] == group].mean(axis=0) for group in range(3)])
    embedded = model.transform([view[held_out] for view in views])
    nearest = np.linalg.norm(embedded[:, None] - centroids, axis=2).argmin(axis=1)
    assert (nearest == TRUTH[held_out]).mean() > 0.9
    widths = dict(zip(("rna", "cpg"), (view.shape[1] for view in views), strict=True))
    named = {omic: [f"{omic} {number}" for number in range(width)] for omic, width in widths.items()}
    model.save(tmp_path / "model", named)
    loaded, features = DMACL.load(tmp_path / "model")
    assert list(features.items()) == list(named.items())
    assert loaded.get_params() == model.get_params()
    np.testing.assert_array_equal(loaded.transform([view[held_out] for view in views]), embedded)


def test_transform_refuses_other_features():
    model = toy().fit(planted_views())
    first, second = planted_views()
    trained, given = second.shape[1], second.shape[1] - 1
    message = f"omic 2 has not the features .* trained on; expected {trained} features; got {given}"
    with pytest.raises(AmuclError, match=message):
        model.transform([first, second[:, 1:]])
    with pytest.raises(AmuclError, match=r"the omics are not those .* trained on; expected 2: omic 1, omic 2; got 1"):
        model.transform([first])
    with pytest.raises(AmuclError, match="trained without names of omics"):
        model.transform({"rna": first})


NAMES = {"rna": [f"g{number}" for number in range(30)], "methylation": [f"c{number}" for number in range(30)]}


@pytest.fixture(scope="module")
def equal_widths():
    """Two omics of as many features, named against the alphabet."""
    first, second = planted_views()
    second = np.hstack([second, second[:, :5] + 1])
    return {"rna": first[:, :30], "methylation": second}


@pytest.fixture(scope="module")
def named_model(equal_widths, tmp_path_factory):
    path = tmp_path_factory.mktemp("named") / "model.safetensors"
    model = toy(n_restarts=2).fit(list(equal_widths.values()))
    model.save(path, NAMES)
    return model, path


def test_a_loaded_model_matches_omics_and_features_by_name(named_model, equal_widths):
    model, path = named_model
    loaded, features = DMACL.load(path)
    assert list(features) == ["rna", "methylation"]
    frames = {omic: pd.DataFrame(view, columns=NAMES[omic]) for omic, view in equal_widths.items()}
    turned = {omic: frames[omic].iloc[:, ::-1].assign(another=7.0) for omic in ("methylation", "rna")}
    for views in (list(equal_widths.values()), dict(reversed(equal_widths.items())), turned):
        np.testing.assert_array_equal(loaded.transform(views), model.embedding_)
    one = loaded.transform({"methylation": equal_widths["methylation"]})
    np.testing.assert_array_equal(
        one, model.transform([np.full_like(equal_widths["rna"], np.nan), equal_widths["methylation"]])
    )
    assert not np.allclose(one, model.embedding_)


def test_a_loaded_model_names_the_omic_that_does_not_fit(named_model, equal_widths):
    loaded, _ = DMACL.load(named_model[1])
    with pytest.raises(AmuclError, match=r"methylation has not the features .* expected 30 features; got 29"):
        loaded.transform({"rna": equal_widths["rna"], "methylation": equal_widths["methylation"][:, 1:]})
    with pytest.raises(AmuclError, match="not those the model was trained on; expected rna, methylation; got protein"):
        loaded.transform({"protein": equal_widths["rna"]})
    frame = pd.DataFrame(equal_widths["rna"], columns=NAMES["rna"]).rename(columns={"g3": "G3"})
    with pytest.raises(AmuclError, match="rna lacks 1 of the 30 features the model was trained on; got g3"):
        loaded.transform({"rna": frame})
    with pytest.raises(AmuclError, match=r"methylation has not the features .* expected 30 names; got 2"):
        named_model[0].save("unused", NAMES | {"methylation": ["c0", "c1"]})


def test_a_model_whose_names_were_put_in_another_order_is_refused(named_model, tmp_path):
    with safe_open(named_model[1], "pt") as stored:
        about = json.loads(stored.metadata()["about"])
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    swapped = about | {"features": dict(sorted(about["features"].items()))}
    renamed = about | {"features": dict(zip(NAMES, reversed(NAMES.values()), strict=True))}
    without = {key: value for key, value in about.items() if key != "sha256"}
    changed = tensors | {"input.rna.centre": tensors["input.rna.centre"] + 1}
    path = tmp_path / "model"
    for told, numbers in ((swapped, tensors), (renamed, tensors), (without, tensors), (about, changed)):
        save_file(numbers, path, metadata={"about": json.dumps(told)})
        with pytest.raises(AmuclError, match=r"model: is not .*; train it again"):
            DMACL.load(path)
    save_file(tensors, path, metadata={"about": json.dumps(about)})
    assert list(DMACL.load(path)[1]) == ["rna", "methylation"]


def test_many_features_cost_no_more_columns_than_patients(tmp_path):
    rng = np.random.default_rng(0)
    centre = rng.normal(size=(3, 2000))
    few = planted_views()[1]
    views = [centre[TRUTH] + 2 * rng.normal(size=(60, 2000)), few]
    model = toy(epochs=60, n_restarts=3).fit(views)
    assert model.input_map_.sizes == [59, few.shape[1]]
    assert ari(model.embedding_) > 0.9
    model.save(tmp_path / "model")
    np.testing.assert_array_equal(DMACL.load(tmp_path / "model")[0].transform(views), model.embedding_)
    assert toy(epochs=1, rotate=False).fit(views).input_map_.sizes == [2000, few.shape[1]]


def test_saved_weights_carry_the_parameters_and_nothing_that_runs(tmp_path):
    model = toy(learning_rate=0.002).fit(planted_views())
    model.save(tmp_path / "model.safetensors")
    with safe_open(tmp_path / "model.safetensors", "pt") as stored:
        assert json.loads(stored.metadata()["about"])["parameters"] == model.get_params()
        weights = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    state = {f"network.{name}": value for name, value in model.network_.state_dict().items()}
    state |= {name: torch.as_tensor(value) for name, value in model.input_map_.arrays().items()}
    state |= {name: torch.as_tensor(value) for name, value in model.join_.arrays().items()}
    assert set(weights) == set(state)
    assert all(torch.equal(weights[name], state[name]) for name in state)
    header = int.from_bytes((tmp_path / "model.safetensors").read_bytes()[:8], "little")
    assert json.loads((tmp_path / "model.safetensors").read_bytes()[8 : 8 + header])
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_threads_are_as_before_even_after_a_failure():
    before = torch.get_num_threads()
    seen = []

    class Watched(DMACL):
        def features_of(self, blocks, present):
            seen.append(torch.get_num_threads())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Watched(3, **{**TOY, "epochs": 1}, n_threads=before + 1).fit(planted_views())
    assert (seen, torch.get_num_threads()) == ([before + 1], before)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("normalization", "minmax", "unknown normalization; expected zscore or max; got minmax"),
        ("augmentation", "noise", "unknown augmentation; expected neighbors or gaussian; got noise"),
        ("embedding", "zn", "unknown embedding; expected backbone or instance; got zn"),
        ("n_clusters", 1, "n_clusters is out of range; expected a whole number of at least 2; got 1"),
        ("epochs", 0, "epochs is out of range; expected a whole number of at least 1; got 0"),
        ("epochs", 2.5, "epochs is out of range; expected a whole number of at least 1; got 2.5"),
        ("n_restarts", 0, "n_restarts is out of range; expected a whole number of at least 1; got 0"),
        ("batch_size", 2, "batch_size is out of range; expected a whole number of at least 3; got 2"),
        ("d_model", 0, "d_model is out of range; expected a whole number of at least 1; got 0"),
        ("n_heads", 0, "n_heads is out of range; expected a whole number of at least 1; got 0"),
        ("n_threads", 0, "n_threads is out of range; expected a whole number of at least 1; got 0"),
        ("sigma", 0, "sigma is out of range; expected more than 0; got 0"),
        ("omic_keep", 0, "omic_keep is out of range; expected more than 0 and at most 1; got 0"),
        ("feature_keep", 1.2, "feature_keep is out of range; expected more than 0 and at most 1; got 1.2"),
        ("instance_temperature", 0, "instance_temperature is out of range; expected more than 0.025; got 0"),
        ("cluster_temperature", -1, "cluster_temperature is out of range; expected more than 0.025; got -1"),
        ("learning_rate", float("nan"), "learning_rate is out of range; expected more than 0; got nan"),
    ],
)
def test_bad_hyperparameters(name, value, message):
    with pytest.raises(AmuclError) as error:
        toy(**{name: value}).fit(planted_views())
    assert str(error.value) == f"DMACL: {message}"


def test_heads_must_divide_the_width():
    with pytest.raises(AmuclError, match="expected a multiple of n_heads = 4; got 10"):
        toy(d_model=10).fit(planted_views())


def test_a_training_that_diverges_says_so():
    with pytest.raises(AmuclError, match="DMACL: training diverged; lower learning_rate or raise the temperatures"):
        toy(learning_rate=1e30).fit(planted_views())


def test_bad_views():
    views = planted_views()
    views[1][3, 4] = np.nan
    for augmentation in ("neighbors", "gaussian"):
        with pytest.raises(AmuclError, match="omic 2, sample 4, feature 5: a value is missing or infinite"):
            toy(augmentation=augmentation).fit(views)


@needs_shared
def test_published_simulation_is_solved():
    folder = SHARED / "simulated" / "equal" / "5"
    views = [pd.read_csv(folder / f"omics{m}.txt", sep="\t", index_col="probe").T for m in (1, 2, 3)]
    truth = pd.read_csv(folder / "clusters.txt", sep="\t").set_index("subjects")["cluster.id"]
    model = toy(5, n_restarts=3, epochs=60, d_model=32, n_heads=8).fit([view.to_numpy() for view in views])
    assert ari(model.embedding_, truth.loc[views[0].index].to_numpy()) >= 0.99


CHANGES = {
    "metadata that are a list": lambda about, tensors: ([], tensors),
    "parameters that are a list": lambda about, tensors: (about | {"parameters": [1]}, tensors),
    "an unknown parameter": lambda about, tensors: (changed(about, bogus=1), tensors),
    "no parameters": lambda about, tensors: ({"features": about["features"]}, tensors),
    "features that are a list": lambda about, tensors: (about | {"features": [1, 2]}, tensors),
    "features that are numbers": lambda about, tensors: (about | {"features": dict.fromkeys(NAMES, 5)}, tensors),
    "no tensors": lambda about, tensors: (about, {"a": torch.zeros(2)}),
    "no centre": lambda about, tensors: (about, drop(tensors, "input.rna.centre")),
    "no join": lambda about, tensors: (about, drop(tensors, "join.axes")),
    "no weights of a layer": lambda about, tensors: (about, drop(tensors, "network.encoder.expand.bias")),
    "a layer too many": lambda about, tensors: (about, tensors | {"network.encoder.more": torch.zeros(1)}),
    "a huge network": lambda about, tensors: (changed(about, d_model=10**6, n_restarts=10**6), tensors),
    "a huge cluster head": lambda about, tensors: (changed(about, n_clusters=10**12), tensors),
    "a width that is text": lambda about, tensors: (changed(about, d_model="wide"), tensors),
    "heads that do not divide": lambda about, tensors: (changed(about, n_heads=7), tensors),
    "a scale of another size": lambda about, tensors: (about, tensors | {"input.rna.scale": torch.ones(3)}),
    "axes of another size": lambda about, tensors: (about, tensors | {"join.axes": torch.ones(3, 3)}),
    "a centre of numbers without end": lambda about, tensors: (
        about, tensors | {"join.centre": tensors["join.centre"] * np.nan}
    ),
    "single precision cut in half": lambda about, tensors: (
        about, {name: value.to(torch.bfloat16) for name, value in tensors.items()}
    ),
}  # fmt: skip


def drop(tensors, name):
    assert name in tensors
    return {other: value for other, value in tensors.items() if other != name}


def changed(about, **parameters):
    return about | {"parameters": about["parameters"] | parameters}


@pytest.mark.parametrize("case", CHANGES)
def test_a_model_that_somebody_made_up_is_refused_in_one_line(named_model, tmp_path, case):
    """With the digest that such a file would have, too."""
    with safe_open(named_model[1], "pt") as stored:
        about = json.loads(stored.metadata()["about"])
        tensors = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118
    about.pop("sha256")
    about, tensors = CHANGES[case](about, tensors)
    with contextlib.suppress(TypeError):  # what has no digest cannot be taken for one that has
        about["sha256"] = _digest(about, tensors)
    save_file(tensors, tmp_path / "model", metadata={"about": json.dumps(about)})
    with pytest.raises(AmuclError) as caught:
        DMACL.load(tmp_path / "model")
    assert "\n" not in str(caught.value)
