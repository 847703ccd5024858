import logging

import numpy as np
import pandas as pd
import pytest

from amucl import fitting
from amucl.cohort.cohort import assemble, write_cohort
from amucl.cohort.preprocess import Preprocessing, preprocess
from amucl.files import read_matrix
from amucl.fitting import fit_method, write_embedding

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
    with caplog.at_level(logging.INFO, logger="amucl.fitting"):
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
    with caplog.at_level(logging.WARNING, logger="amucl.fitting"):
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
