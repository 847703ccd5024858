"""New patients by a trained network: each alone as among others, with the omics they have."""

import logging

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.cohort import assemble, read_cohort, write_cohort
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.preparation.recipe import prepare_new
from amucl.errors import AmuclError
from amucl.methods.fitting import embedding_of, fit_method
from amucl.methods.network.prediction import find_subtypes
from amucl.methods.placing import place_patients
from amucl.methods.registry import load

GROUPS = np.arange(48) % 3


def tables(prefix, seed, n=48):
    rng = np.random.default_rng(seed)
    names = [f"{prefix}{number}" for number in range(n)]
    made = {}
    for omic, p in {"rna": 30, "cna": 24}.items():
        values = rng.normal(8, 0.6, size=(n, p))
        for group in range(3):
            values[np.ix_(GROUPS[:n] == group, np.arange(group, p, 3))] += 2
        made[omic] = pd.DataFrame(values, index=names).add_prefix(omic)
    made["rna"] = 2 ** made["rna"]  # logged in preprocessing
    return made


@pytest.fixture(scope="module", params=["dmacl", "dmacl-published"])
def trained(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    settings = Preprocessing(n_clusters=3)
    write_cohort(preprocess(assemble(tables("r", 0)), settings, dataset="ref").cohort, folder / "ref")
    quick = {"epochs": 40, "d_model": 16, "n_heads": 4, "device": "cpu", "random_state": 0}
    fitted = fit_method(folder / "ref", request.param, quick, n_threads=1)
    fitted.estimator.save(folder / "model", fitted.features)
    labels = pd.Series(GROUPS.astype(str), index=fitted.samples)
    return request.param, read_cohort(folder / "ref"), folder / "model", embedding_of(fitted), labels


def place(trained, new):
    method, reference, path, embedding, _ = trained
    made = prepare_new(assemble(new), reference)
    return place_patients(*load(method, path), made.cohort, embedding.columns)


@pytest.mark.situation(
    "five new patients of one subtype, or one",
    right="placed as among many others",
    before="refused: constant features of the new cohort counted as absent",
)
def test_new_patients_join_their_group_and_one_alone_as_among_others(trained):
    new = tables("n", 1)
    placed = place(trained, new)
    subtypes = find_subtypes(trained[3], trained[4])
    assert (subtypes.predict(placed.embedding)["nearest"] == GROUPS.astype(str)).mean() > 0.8
    for chosen in (["n5"], ["n7", "n5"], list(placed.embedding.index[3:9])):
        some = place(trained, {omic: table.loc[chosen] for omic, table in new.items()})
        np.testing.assert_array_equal(some.embedding.loc["n5"], placed.embedding.loc["n5"])
    again = place(trained, dict(reversed(new.items())))
    pd.testing.assert_frame_equal(again.embedding, placed.embedding)


def test_the_reference_itself_lies_where_it_was_trained(trained):
    placed = place(trained, tables("r", 0))
    np.testing.assert_allclose(placed.embedding, trained[3], atol=1e-4)


def test_patients_without_an_omic_are_placed_or_left_out_as_in_training(trained, caplog):
    new = tables("n", 1)
    new["cna"] = new["cna"].iloc[:40]
    with caplog.at_level(logging.WARNING, logger="amucl.methods.placing"):
        placed = place(trained, new)
    if trained[0] == "dmacl":
        assert len(placed.embedding) == 48
        found = find_subtypes(trained[3], trained[4]).predict(placed.embedding)
        assert (found["nearest"] == GROUPS.astype(str)).mean() > 0.9
        assert len(place(trained, {"rna": new["rna"]}).embedding) == 48
    else:
        assert len(placed.embedding) == 40
        assert [record.getMessage() for record in caplog.records] == [
            "8 patients lack an omic and are left out: n40, n41, n42 and 5 more"
        ]
        with pytest.raises(AmuclError, match=r"new: this network takes no patient who lacks an omic; .*; without cna;"):
            place(trained, {"rna": new["rna"]})
