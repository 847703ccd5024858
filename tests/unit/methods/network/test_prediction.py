import numpy as np
import pandas as pd
import pytest

from amucl.errors import AmuclError
from amucl.methods.network.dmacl import DMACL
from amucl.methods.network.prediction import COLUMNS, NONE, Subtypes, find_subtypes


def cohort(n=200, seed=0):
    """Three subtypes at the corners of a triangle of side 10, spread 1."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(["a", "b", "c"], [n, n // 2, n // 4])
    corners = {"a": [0, 0], "b": [10, 0], "c": [5, 8.66]}
    points = np.array([corners[label] for label in labels]) + rng.normal(size=(len(labels), 2))
    index = [f"p{number}" for number in range(len(labels))]
    return pd.DataFrame(points, index=index), pd.Series(labels, index=index)


def test_new_patients_of_the_same_subtypes_are_found():
    found = find_subtypes(*cohort()).predict(cohort(seed=1)[0])
    truth = cohort(seed=1)[1]
    assert list(found) == COLUMNS
    assert list(found["sample"]) == list(truth.index)
    assert (found["nearest"].to_numpy() == truth.to_numpy()).all()
    assert (found["subtype"] == found["nearest"]).mean() > 0.97
    assert found["confidence"].between(0, 1).all()


def test_far_away_is_none_and_halfway_is_without_confidence():
    subtypes = find_subtypes(*cohort())
    places = pd.DataFrame([[-30, 0], [5.0, 0.3], subtypes.centroids[2]], index=["away", "between", "centre"])
    found = subtypes.predict(places).set_index("sample")
    assert found.loc["away", ["subtype", "nearest"]].tolist() == [NONE, "a"]
    assert found.loc["between", "subtype"] == NONE
    assert found.loc["between", "confidence"] < 0.1
    assert {*found.loc["between", ["nearest", "second"]]} == {"a", "b"}
    assert found.loc["centre", ["subtype", "confidence"]].tolist() == ["c", 1]


def test_limits_are_three_deviations_of_the_own_patients():
    embedding, labels = cohort()
    subtypes = find_subtypes(embedding, labels.sample(frac=1, random_state=0))
    own = embedding[labels == "b"]
    distance = np.linalg.norm(own - own.mean(), axis=1)
    assert subtypes.limits[subtypes.names.index("b")] == pytest.approx(distance.mean() + 3 * distance.std())


def test_one_subtype_tells_nothing():
    embedding, labels = cohort()
    with pytest.raises(AmuclError, match="fewer than two subtypes to tell apart; expected at least 2; got 1"):
        find_subtypes(embedding, pd.Series("a", index=labels.index))


@pytest.mark.parametrize("seed", [0, 1])
def test_left_out_patients_join_their_class_and_a_class_left_out_joins_none(seed):
    rng = np.random.default_rng(seed)
    truth = np.repeat(["a", "b", "c", "unseen"], 40)
    centres = [dict(zip("abcu", rng.normal(size=(4, p)), strict=True)) for p in (60, 40)]
    omics = [np.array([own[name[0]] for name in truth]) + rng.normal(size=(160, own["a"].size)) for own in centres]
    unseen = truth == "unseen"
    held_out = (rng.random(160) < 0.2) & ~unseen
    trained_on = ~held_out & ~unseen
    settings = {"d_model": 32, "n_heads": 4, "epochs": 60, "n_restarts": 3, "device": "cpu"}
    model = DMACL(3, **settings).fit([omic[trained_on] for omic in omics])
    subtypes = find_subtypes(pd.DataFrame(model.embedding_), pd.Series(truth[trained_on]))

    def predicted(rows):
        return subtypes.predict(pd.DataFrame(model.transform([omic[rows] for omic in omics])))

    own = predicted(held_out)
    assert (own["nearest"] == truth[held_out]).all()
    assert (own["subtype"] == NONE).mean() < 0.15
    assert (predicted(unseen)["subtype"] == NONE).mean() > 0.85
    omics = [rng.normal(omic.mean(axis=0), omic.std(axis=0), omic.shape) for omic in omics]
    assert (predicted(np.full(160, True))["subtype"] == NONE).mean() > 0.85


def test_a_patient_at_the_limit_is_of_the_subtype_and_one_beyond_is_of_none():
    """Centroids 0 and 10, limit 2 of each; 8 is as far from 10 as 2 is from 0."""
    subtypes = Subtypes(["a", "b"], np.array([[0.0], [10.0]]), np.array([2.0, 2.0]))
    found = subtypes.predict(pd.DataFrame([[2.0], [2.001], [8.0], [7.999], [4.0]], index=list("vwxyz")))
    assert found["subtype"].tolist() == ["a", NONE, "b", NONE, NONE]
    assert found["nearest"].tolist() == ["a", "a", "b", "b", "a"]
    assert found["second"].tolist() == ["b", "b", "a", "a", "b"]
    assert found["distance"].iloc[-1] == 4
    assert found["confidence"].iloc[-1] == pytest.approx(1 - 4 / 6)
