import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from amucl.methods.blocks import present_omics
from amucl.methods.network.attribution import COLUMNS, feature_contributions, integrated_gradients
from amucl.methods.network.dmacl import DMACL

TRUTH = np.repeat(["a", "b", "c"], 20)
PLANTED = {"a": range(5), "b": range(5, 10), "c": range(10, 15)}


def planted(n_features=(60, 40), seed=0):
    """Of the first omic, features 0 to 4 are up in a, 5 to 9 in b, 10 to 14 down in c; the second is noise."""
    rng = np.random.default_rng(seed)
    first, second = (rng.normal(size=(60, p)) for p in n_features)
    for group, sign in {"a": 1, "b": 1, "c": -1}.items():
        first[np.ix_(group == TRUTH, PLANTED[group])] += 3 * sign
    return [first, second]


def trained(views, **changed):
    settings = {"d_model": 16, "n_heads": 4, "epochs": 60, "n_restarts": 3, "device": "cpu"} | changed
    return DMACL(3, **settings).fit(views)


def names(views):
    return {
        omic: [f"{omic}{number}" for number in range(view.shape[1])] for omic, view in zip("xy", views, strict=True)
    }


@pytest.mark.parametrize("n_features", [(60, 40), (400, 40)])
def test_planted_features_rank_on_top(n_features):
    views = planted(n_features)
    model = trained(views, n_restarts=6, epochs=100)
    assert (model.input_map_.omics[0].rotation is not None) == (n_features[0] == 400)
    table = feature_contributions(model, views, pd.Series(TRUTH), names(views))
    assert list(table) == COLUMNS
    for subtype, own in table.groupby("subtype"):
        planted_here = own["feature"].isin([f"x{number}" for number in PLANTED[subtype]])
        assert roc_auc_score(planted_here, own["contribution"]) > 0.98
        assert set(own["direction"][planted_here]) == {"down" if subtype == "c" else "up"}
        assert own["rank"].tolist() == list(range(1, sum(n_features) + 1))
        assert own["share"].abs().sum() == pytest.approx(1)


@pytest.mark.parametrize("changed", [{}, {"n_restarts": 1}, {"embedding": "instance", "n_restarts": 1}])
def test_contributions_add_up_to_the_score(changed):
    views = planted()
    views[1][7] = np.nan
    model = trained(views, epochs=20, **changed)
    blocks, present = model.input_map_(views), present_omics(views)
    direction = np.random.default_rng(1).normal(size=model.embedding_.shape[1])
    gradients = integrated_gradients(model, blocks, present, direction, n_steps=200)
    added = sum((block * gradient).sum(axis=1) for block, gradient in zip(blocks, gradients, strict=True))
    mean_patient = model.transform([omic.centre[None] for omic in model.input_map_.omics])
    expected = (model.transform(views) - mean_patient) @ direction
    np.testing.assert_allclose(added, expected, atol=0.03 * np.abs(expected).max())
