"""Clinical columns keep the names that people gave them, through the cohort's file and in the configuration."""

import anndata
import numpy as np
import pandas as pd
import pytest

from amucl.biology.associations import known_classes
from amucl.cohort.clinical.labelling import join_label_tables
from amucl.cohort.cohort import make_cohort, read_cohort, read_files_cohort, truth, write_cohort
from amucl.cohort.columns import own_column, stored_columns
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.readers.tables import read_clinical

NAMES = [
    "ER/PR", "ER_PR", "ER_PR_", ".", "..", "_", "a.b", "/", "//x", "_index", "_index_", "index", "level_0", "sample",
    "patient", "id", "%", "50%", "$x^{", "__categories", "rna:age", "rna", "分期", "mo\u0308", "two\nlines",
    "long" * 60, "a", "a/b", "N/A",
]  # fmt: skip
IDS = [f"s{i}" for i in range(8)]


def cohort_of(obs: pd.DataFrame):
    data = anndata.AnnData(
        np.zeros((len(obs), 2), np.float32),
        obs=pd.DataFrame(index=obs.index),
        var=pd.DataFrame({"selected": [True, True]}, index=["f", "g"]),
    )
    return make_cohort({"rna": data}, obs, {"truth": None})


@pytest.fixture
def files(tmp_path):
    """A table of values and one of clinical columns with all of these names."""
    values = pd.DataFrame(np.random.default_rng(0).normal(size=(8, 6)), index=IDS, columns=[f"g{i}" for i in range(6)])
    values.T.to_csv(tmp_path / "rna.tsv", sep="\t")
    clinical = pd.DataFrame(
        {name: [f"{place}{i % 2}x" for i in range(8)] for place, name in enumerate(NAMES)}, index=IDS
    )
    clinical.rename_axis("case").to_parquet(tmp_path / "clinical.parquet")
    return tmp_path


@pytest.fixture
def prepared(files):
    raw = read_files_cohort({"rna": files / "rna.tsv"}, clinical=files / "clinical.parquet")
    return preprocess(raw, Preprocessing(truth="ER/PR", min_samples=3))


def test_every_name_comes_back_from_the_file(tmp_path):
    obs = pd.DataFrame({name: [str(place)] * 3 for place, name in enumerate(NAMES)}, index=IDS[:3])
    cohort = cohort_of(obs)
    for name in ("a", "b"):
        write_cohort(cohort, tmp_path / f"{name}.h5mu")
    assert list(cohort.obs.columns) == NAMES
    found = read_cohort(tmp_path / "a.h5mu").obs
    assert list(found.columns) == NAMES
    assert [found[name].iloc[0] for name in NAMES] == [str(place) for place in range(len(NAMES))]
    assert (tmp_path / "a.h5mu").read_bytes() == (tmp_path / "b.h5mu").read_bytes()


def test_a_file_of_an_older_release_is_read(tmp_path):
    cohort = cohort_of(pd.DataFrame({"ER_PR": ["x", "y", "z"]}, index=IDS[:3]))
    write_cohort(cohort, tmp_path / "old.h5mu")
    read = read_cohort(tmp_path / "old.h5mu")
    assert "amucl_columns" not in read.uns
    assert list(read.obs["ER_PR"]) == ["x", "y", "z"]


def test_a_cohort_that_was_read_is_written_as_it_is(tmp_path):
    write_cohort(cohort_of(pd.DataFrame({"ER/PR": ["x", "y", "z"]}, index=IDS[:3])), tmp_path / "a.h5mu")
    read = read_cohort(tmp_path / "a.h5mu")
    read.obs = read.obs.rename(columns={"ER/PR": "ER"})
    write_cohort(read, tmp_path / "b.h5mu")
    assert list(read_cohort(tmp_path / "b.h5mu").obs.columns) == ["ER"]


def test_a_prepared_cohort_as_clinical_table_has_the_names_as_written(tmp_path):
    write_cohort(cohort_of(pd.DataFrame({"ER/PR": ["x", "y", "z"]}, index=IDS[:3])), tmp_path / "a.h5mu")
    assert list(read_clinical(tmp_path / "a.h5mu").columns) == ["ER/PR"]


def test_names_are_stored_apart():
    stored = stored_columns(NAMES)
    assert list(stored) == NAMES
    assert len(set(stored.values())) == len(NAMES)
    assert not any("/" in key or key in ("", ".", "_index") for key in stored.values())
    assert [stored[name] for name in ("ER_PR", "a.b", "分期", "index")] == ["ER_PR", "a.b", "分期", "index"]
    assert stored_columns(["a\0b", ""]) == {"a\0b": "a_b", "": "_"}


def test_the_configuration_takes_names_as_written(prepared, tmp_path):
    write_cohort(prepared.cohort, tmp_path / "cohort.h5mu")
    cohort = read_cohort(tmp_path / "cohort.h5mu")
    assert list(truth(cohort, IDS)) == ["00x", "01x"] * 4
    assert set(NAMES) < set(cohort.obs.columns)
    assert known_classes(cohort.obs, ["patient"], named=["分期"]).keys() == {"patient"}  # both group the patients alike


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_the_truth(files, name):
    raw = read_files_cohort({"rna": files / "rna.tsv"}, clinical=files / "clinical.parquet")
    cohort = preprocess(raw, Preprocessing(truth=name, min_samples=3)).cohort
    place = NAMES.index(name)
    assert list(truth(cohort, IDS)) == [f"{place}0x", f"{place}1x"] * 4


def test_the_users_column_keeps_its_name_and_the_cohorts_own_gives_way(prepared):
    obs = prepared.cohort.obs
    assert list(obs["cohort_patient"]) == IDS
    assert list(obs["patient"].astype(str)) == [f"{NAMES.index('patient')}{i % 2}x" for i in range(8)]
    (note,) = [note for note in prepared.notes if note.what == "column renamed"]
    assert "`patient` keeps its name" in note.line
    assert own_column("patient", ["patient", "cohort_patient"]) == "cohort_cohort_patient"
    assert own_column("patient", ["sample"]) == "patient"


def test_label_tables_keep_their_names(files):
    raw = read_files_cohort({"rna": files / "rna.tsv"}, clinical=files / "clinical.parquet")
    table = pd.DataFrame({"case": IDS, "id": list("abababab"), "N/A %": list("cdcdcdcd"), "sample": list("efefefef")})
    table.to_csv(files / "labels.tsv", sep="\t", index=False)
    joined = join_label_tables(raw, {"paper": files / "labels.tsv"}).clinical
    assert list(joined["paper.N/A %"]) == list("cdcdcdcd")
    assert list(joined["paper.id"]) == list("abababab")
    assert list(joined["paper.sample"]) == list("efefefef")
