import pytest
from sklearn.base import BaseEstimator

from amucl.errors import AmuclError
from amucl.methods.parameters import check_parameters, wanted_components


class Estimator(BaseEstimator):
    def __init__(self, n_clusters=None, *, n_components=None, kind="a", steps=3, weight=1.0):
        self.n_clusters = n_clusters
        self.n_components = n_components
        self.kind = kind
        self.steps = steps
        self.weight = weight


RULES = {"choices": {"kind": ("a", "b")}, "lowest": {"n_clusters": 2, "steps": 1}, "ranges": {"weight": (0, 1)}}


def test_allowed_values_pass():
    check_parameters(Estimator(), **RULES)
    check_parameters(Estimator(2, kind="b", steps=1, weight=1e-9), **RULES)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kind": "c"}, "unknown kind; expected a or b; got c"),
        ({"n_clusters": 1}, "n_clusters is out of range; expected a whole number of at least 2; got 1"),
        ({"steps": None}, "steps is out of range; expected a whole number of at least 1"),
        ({"steps": 2.5}, "steps is out of range; expected a whole number of at least 1; got 2.5"),
        ({"weight": 0}, "weight is out of range; expected more than 0 and at most 1; got 0"),
        ({"weight": float("nan")}, "weight is out of range; expected more than 0 and at most 1; got nan"),
    ],
)
def test_others_are_named(changed, message):
    with pytest.raises(AmuclError) as error:
        check_parameters(Estimator(**changed), **RULES)
    assert str(error.value) == f"Estimator: {message}"


def test_dimensions_of_an_embedding():
    assert wanted_components(Estimator()) == 10
    assert wanted_components(Estimator(4)) == 4
    assert wanted_components(Estimator(4, n_components=7)) == 7
