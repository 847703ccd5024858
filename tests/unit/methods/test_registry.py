import inspect
from importlib import import_module

import numpy as np
import pytest
from sklearn.base import clone

from amucl.methods.registry import METHODS, build, hyperparameters, settings_of


def estimator_class(name):
    module, class_name = METHODS[name].estimator.split(":")
    return getattr(import_module(module), class_name)


@pytest.mark.parametrize("name", METHODS)
def test_hyperparameters_read_from_source_are_those_of_the_class(name):
    signature = inspect.signature(estimator_class(name).__init__)
    expected = {key: parameter.annotation for key, parameter in list(signature.parameters.items())[1:]}
    assert hyperparameters(name) == expected
    assert set(METHODS[name].preset) <= set(expected)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_is_an_estimator_of_a_known_stage(name):
    assert METHODS[name].stage in ("train", "embed", "lowrank")
    assert METHODS[name].module == METHODS[name].estimator.split(":")[0]
    model = build(name, n_clusters=3, random_state=5, n_threads=1)
    assert isinstance(model, estimator_class(name))
    assert clone(model).get_params() == model.get_params()
    assert (model.n_clusters, model.random_state) == (3, 5)
    assert hasattr(model, "labels") == (METHODS[name].stage == "lowrank")


def test_parameters_override_the_preset():
    assert build("dmacl-published").get_params()["epochs"] == 500
    assert build("dmacl-published", epochs=3).get_params()["epochs"] == 3
    assert METHODS["dmacl-published"].preset["epochs"] == 500


def test_a_dataset_sets_the_dimension_of_the_methods_that_can_choose_one():
    sized = [name for name in METHODS if "n_components" in settings_of(name, 2)]
    assert sized == [
        *("dmacl", "dmacl-published", "lfae", "efae", "lfdae", "efdae", "lfvae", "efvae", "lfsvae", "efsvae"),
        *("lfmmdvae", "efmmdvae", "nmf", "intnmf", "mofa", "pca"),
    ]
    for name in METHODS:
        assert settings_of(name, 2) == METHODS[name].preset | ({"n_components": 2} if name in sized else {})
        assert settings_of(name, None) == METHODS[name].preset


@pytest.mark.parametrize("name", [name for name in METHODS if "n_components" in settings_of(name, 2)])
def test_embeddings_have_the_dimension_asked_for_whatever_the_number_of_clusters(name):
    views = [np.abs(np.random.default_rng(seed).normal(size=(24, 7))) for seed in (0, 1)]
    quick = {"epochs": 1, "n_restarts": 1, "n_starts": 1, "n_iterations": 5, "device": "cpu"}
    quick = {key: value for key, value in quick.items() if key in hyperparameters(name)}
    if name == "dmacl":  # its features are not cut, its instance head is
        quick["embedding"] = "instance"
    model = build(name, **(settings_of(name, 2) | quick), n_clusters=4, random_state=0)
    assert model.fit(views).embedding_.shape == (24, 2)
