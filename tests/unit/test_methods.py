import inspect
from importlib import import_module

import pytest
from sklearn.base import clone

from amucl.methods import METHODS, build, hyperparameters


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
