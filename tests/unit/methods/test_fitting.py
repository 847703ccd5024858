import logging

import numpy as np
import pandas as pd
import pytest

from amucl.clustering.evidence import training_evidence
from amucl.cohort.cohort import assemble, matched_views, read_cohort, write_cohort
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.errors import AmuclError
from amucl.files import read_matrix
from amucl.methods import fitting
from amucl.methods.fitting import embedding_of, fit_method, write_embedding
from amucl.methods.network.attribution import feature_contributions
from amucl.methods.network.prediction import find_subtypes
from amucl.methods.registry import load

SAMPLES = [f"p{number}" for number in range(20)]


@pytest.fixture
def cohort(tmp_path):
    """Two omics; the last two patients lack the second."""
    rng = np.random.default_rng(0)
    tables = {
        "expression": pd.DataFrame(rng.normal(5, 1, size=(20, 9)), index=SAMPLES).add_prefix("g"),
        "mirna": pd.DataFrame(rng.normal(5, 1, size=(18, 6)), index=SAMPLES[:18]).add_prefix("m"),
    }
    settings = Preprocessing(patients="partial", log2=False, n_clusters=3)
    prepared = preprocess(assemble(tables), settings, dataset="toy")
    write_cohort(prepared.cohort, tmp_path / "cohort.h5mu")
    return tmp_path / "cohort.h5mu"


def test_a_method_is_fitted_on_complete_patients_and_the_log_says_so(cohort, tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="amucl.methods.fitting"):
        fitted = fit_method(cohort, "pca", {"random_state": 1}, n_threads=1)
    assert fitted.samples == SAMPLES[:18]
    assert [record.getMessage() for record in caplog.records] == [
        "2 of 20 patients lack an omic: pca leaves them out",
        "pca on 18 samples: expression (9 features), mirna (6 features)",
    ]
    write_embedding(fitted, tmp_path / "embedding.tsv")
    table = read_matrix(tmp_path / "embedding.tsv")
    assert list(table.index) == SAMPLES[:18]
    assert list(table) == ["dim1", "dim2", "dim3"]  # the cohort's n_clusters
    np.testing.assert_array_equal(table, fitted.estimator.embedding_)


def test_dmacl_takes_patients_who_lack_an_omic(cohort, caplog):
    settings = {"random_state": 1, "epochs": 1, "d_model": 8, "n_heads": 4, "n_restarts": 2, "device": "cpu"}
    with caplog.at_level(logging.WARNING, logger="amucl.methods.fitting"):
        fitted = fit_method(cohort, "dmacl", settings, n_threads=1)
    assert [record.getMessage() for record in caplog.records] == [
        "2 of 20 patients lack an omic: dmacl learns from what they have"
    ]
    assert fitted.samples == SAMPLES
    assert len(fitted.estimator.embedding_) == 20
    assert {omic: len(features) for omic, features in fitted.features.items()} == {"expression": 9, "mirna": 6}


def test_settings_come_before_the_cohorts_and_the_preset(cohort):
    settings = {"random_state": 4, "n_clusters": 2, "epochs": 1, "d_model": 8, "n_heads": 4, "device": "cpu"}
    fitted = fit_method(cohort, "dmacl-published", settings, n_threads=1)
    found = fitted.estimator.get_params()
    assert {name: found[name] for name in settings} == settings
    assert (found["normalization"], found["n_threads"]) == ("max", 1)
    assert fitted.estimator.embedding_.shape == (18, 2)


@pytest.mark.parametrize(("method", "mean", "deviation"), [("dmacl-published", 5, 1), ("dmacl", 5, 1), ("pca", 0, 1)])
def test_dmacl_sees_the_analysis_scale_and_the_others_normalised_values(cohort, monkeypatch, method, mean, deviation):
    class Spy:
        def fit(self, views):
            self.views = views
            return self

    monkeypatch.setattr(fitting, "build", lambda name, **parameters: Spy())
    seen = fit_method(cohort, method, {}, n_threads=1).estimator.views
    n = 20 if method == "dmacl" else 18
    assert [view.shape for view in seen] == [(n, 9), (n, 6)]
    for view in seen:
        assert np.nanmean(view) == pytest.approx(mean, abs=0.2)
        assert np.nanstd(view) == pytest.approx(deviation, abs=0.2)


def test_omics_and_features_are_named_in_what_a_method_says(cohort):
    prepared = read_cohort(cohort)
    prepared["mirna"].X[3, 2] = np.inf
    write_cohort(prepared, cohort)
    settings = {"epochs": 1, "device": "cpu"}
    with pytest.raises(AmuclError, match="mirna, sample 4, feature m2: a value is missing or infinite"):
        fit_method(cohort, "dmacl", settings, n_threads=1)


@pytest.mark.parametrize("order", [["rna", "methylation"], ["methylation", "rna"]])
def test_the_users_order_of_omics_lasts_from_the_tables_to_the_saved_model(tmp_path, order):
    """Two omics of equal width; what is told of them is told of the right one, whatever their order and names."""
    rng = np.random.default_rng(0)
    groups, held_out = np.arange(40) % 2, np.arange(40) >= 30
    tables = {omic: pd.DataFrame(rng.normal(size=(40, 12)), index=[f"p{n}" for n in range(40)]) for omic in order}
    tables = {omic: table.add_prefix(omic) for omic, table in tables.items()}
    tables["rna"].loc[groups == 0, ["rna0", "rna1", "rna2", "rna3"]] += 6  # methylation is noise
    cohorts = {}
    for name, rows in {"ref": ~held_out, "new": held_out}.items():
        own = {omic: table[rows] for omic, table in tables.items()}
        settings = Preprocessing(log2=False, n_clusters=2, normalize="none")
        write_cohort(preprocess(assemble(own), settings, dataset=name).cohort, tmp_path / name)
        cohorts[name] = read_cohort(tmp_path / name)
        assert list(cohorts[name].mod) == order
    settings = {"epochs": 60, "d_model": 16, "n_heads": 4, "n_restarts": 2, "device": "cpu", "random_state": 0}
    fitted = fit_method(tmp_path / "ref", "dmacl", settings, n_threads=1)
    assert list(fitted.features) == order
    fitted.estimator.save(tmp_path / "model", fitted.features)
    model, features = load("dmacl", tmp_path / "model")
    assert list(features.items()) == list(fitted.features.items())
    embedding, labels = embedding_of(fitted), pd.Series(groups[~held_out].astype(str), index=fitted.samples)
    arrays, samples, _ = matched_views(cohorts["new"], features)
    new = pd.DataFrame(model.transform(arrays), index=samples)
    assert list(find_subtypes(embedding, labels).predict(new)["nearest"]) == list(groups[held_out].astype(str))
    arrays, _, _ = matched_views(cohorts["ref"], features)
    np.testing.assert_array_equal(model.transform(arrays), fitted.estimator.embedding_)
    table = feature_contributions(model, arrays, labels, features)
    assert set(table[table["rank"] <= 4]["feature"]) == {"rna0", "rna1", "rna2", "rna3"}
    assert set(table[table["rank"] <= 4]["omic"]) == {"rna"}
    told = training_evidence(model, arrays, list(features), 2).set_index("name")["agreement"]
    assert told["rna"] > told["methylation"]
