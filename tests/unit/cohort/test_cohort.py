import hashlib
import time

import anndata
import mudata
import numpy as np
import pandas as pd
import pytest

from amucl.cohort.cohort import (
    about,
    analysis_matrix,
    assemble,
    matched_views,
    read_cohort,
    read_files_cohort,
    require_patients,
    truth,
    views,
    write_cohort,
)
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.sources.benchmark import read_benchmark
from amucl.errors import AmuclError
from tests.shared import MIRROR, needs_shared

RNA = "gene\ts1\ts2\ts3\ts4\nTP53\t1\t2\t3\t5\nKRAS\t4\t1\t\t2\nFLT3\t2\t2\t9\t1\n"
METH = "cpg\ts2\ts3\ts4\ts5\nTP53\t.1\t.9\t.5\t.3\ncg2\t.4\t.1\t.2\t.7\n"
CLINICAL = "sample\tsubtype\tage\tos_time\tos_event\ns2\tA\t50\t10\t1\ns3\tB\t\t20\t0\ns4\tA\t70\t\t\ns9\tA\t1\t1\t1\n"


@pytest.fixture
def files(tmp_path):
    paths = {}
    for name, text in {"rna": RNA, "meth": METH, "clinical": CLINICAL}.items():
        paths[name] = tmp_path / f"{name}.tsv"
        paths[name].write_text(text)
    return paths


def read(files, **options):
    return read_files_cohort({"expression": files["rna"], "methylation": files["meth"]}, **options)


def prepare(files, **settings):
    settings = {"max_missing_feature": 0.5, "max_missing_sample": 0.5} | settings
    return preprocess(read(files, clinical=files["clinical"]), Preprocessing(**settings), dataset="mine")


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_files_keep_their_ids(files):
    raw = read(files, clinical=files["clinical"])
    assert list(raw.omics["expression"].index) == ["s1", "s2", "s3", "s4"]
    assert raw.patients.to_dict() == {f"s{i}": f"s{i}" for i in range(1, 6)}
    assert raw.clinical.loc["s3", "subtype"] == "B"
    assert raw.clinical["subtype"].isna().to_dict() == {"s1": True, "s2": False, "s3": False, "s4": False, "s5": True}
    rows = raw.join[raw.join["unit"] == "rows"]
    assert rows.set_index("reason")["examples"].to_dict() == {
        "another row stands for the same patient": "",
        "not in the cohort": "s9",
        "no clinical data": "s1, s5",
    }


def test_every_unmatched_patient_is_named(files):
    strangers = [f"z{i}" for i in range(5)]
    files["clinical"].write_text(CLINICAL + "".join(f"{name}\tA\t1\t1\t1\n" for name in strangers))
    prepared = prepare(files)
    assert prepared.join.set_index("reason").loc["not in the cohort", ["n_dropped", "examples"]].to_list() == [
        6,
        "s9, z0, z1",
    ]
    assert list(prepared.unmatched.columns) == ["source", "id", "reason"]
    assert list(prepared.unmatched.itertuples(index=False, name=None)) == [
        *(("clinical", name, "not in the cohort") for name in ["s9", *strangers]),
        ("cohort", "s1", "no clinical data"),
        ("cohort", "s5", "no clinical data"),
    ]


def test_without_a_clinical_table_nobody_is_unmatched(files):
    raw = read(files)
    assert raw.join["unit"].to_list() == ["cells"]  # the empty cell of RNA
    assert raw.unmatched.empty
    assert list(raw.unmatched.columns) == ["source", "id", "reason"]


def test_a_repeated_patient_is_refused(files):
    files["rna"].write_text(RNA.replace("s2", "s1"))
    with pytest.raises(AmuclError, match=r"rna\.tsv: duplicate sample ids; expected each id once; got s1"):
        read(files)


def test_tcga_files_keep_one_tumour_sample_per_patient(tmp_path):
    path = tmp_path / "rna.tsv"
    path.write_text("gene\tTCGA-AA-0001-01A\tTCGA-AA-0001-11A\ttcga.aa.0002.01\tTCGA-AA-0003-01\nTP53\t1\t2\t3\t4\n")
    raw = read_files_cohort({"expression": path}, tcga=True)
    assert raw.omics["expression"]["TP53"].to_dict() == {
        "TCGA-AA-0001-01": 1,
        "TCGA-AA-0002-01": 3,
        "TCGA-AA-0003-01": 4,
    }
    assert raw.ledger["status"].to_list() == ["kept", "dropped", "kept", "kept"]


def test_clinical_of_other_patients_is_refused(files):
    files["clinical"].write_text("sample\tage\nP1\t3\nP2\t4\n")
    with pytest.raises(
        AmuclError,
        match=r"clinical\.tsv: the clinical table shares no sample with the cohort; expected ids such as s1, s2, s3",
    ):
        read(files, clinical=files["clinical"])


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("\t10\t1\n", "\t-3\t1\n", "os_time, sample s2: impossible survival; expected days, 0 to 50000; got -3"),
        (
            "\t20\t0\n",
            "\t20\tdead\n",
            r"os_event, sample s3: impossible survival; expected 1 \(death\) or 0 \(censored\); got dead",
        ),
        ("\t20\t0\n", "\t20\t2\n", "os_event, sample s3: impossible survival"),
    ],
)
def test_impossible_survival_is_refused(files, old, new, what):
    files["clinical"].write_text(CLINICAL.replace(old, new))
    with pytest.raises(AmuclError, match=what):
        read(files, clinical=files["clinical"])


def test_no_omic_at_all():
    with pytest.raises(AmuclError, match="the cohort has no omic"):
        assemble({})


def test_what_is_written_is_read_back(files, tmp_path):
    result = prepare(files, truth="subtype", n_clusters=2)
    write_cohort(result.cohort, tmp_path / "results" / "cohort.h5mu")
    again = read_cohort(tmp_path / "results" / "cohort.h5mu")
    assert list(again.obs_names) == ["s2", "s3", "s4"]
    assert list(again.mod) == ["expression", "methylation"]
    for omic in again.mod:
        assert again[omic].X.dtype == np.float32
        np.testing.assert_array_equal(again[omic].X, result.cohort[omic].X)
        np.testing.assert_array_equal(again[omic].layers["normalized"], result.cohort[omic].layers["normalized"])
        assert list(again[omic].var_names) == list(result.cohort[omic].var_names)
        assert again[omic].var["selected"].dtype == bool
    assert again.obs["patient"].to_list() == ["s2", "s3", "s4"]
    assert again.obs["os_time"].dtype == again.obs["age"].dtype == np.float64
    np.testing.assert_array_equal(again.obs["os_time"], [10, 20, np.nan])
    np.testing.assert_array_equal(again.obs["age"], [50, np.nan, 70])
    assert truth(again, ["s4", "s3"]).to_list() == ["A", "B"]
    assert about(again)["n_clusters"] == 2
    assert list((tmp_path / "results").iterdir()) == [tmp_path / "results" / "cohort.h5mu"]


def test_a_gene_may_stand_in_two_omics(files, tmp_path, recwarn):
    result = prepare(files)
    write_cohort(result.cohort, tmp_path / "cohort.h5mu")
    again = read_cohort(tmp_path / "cohort.h5mu")
    assert "TP53" in again["expression"].var_names
    assert "TP53" in again["methylation"].var_names
    assert [str(warning.message) for warning in recwarn] == []


def test_the_same_cohort_gives_the_same_bytes(files, tmp_path):
    write_cohort(prepare(files, patients="partial").cohort, tmp_path / "a.h5mu")
    time.sleep(1.1)  # HDF5 counts time in seconds: none may be in the file
    write_cohort(prepare(files, patients="partial").cohort, tmp_path / "b.h5mu")
    assert sha256(tmp_path / "a.h5mu") == sha256(tmp_path / "b.h5mu")
    write_cohort(read_cohort(tmp_path / "a.h5mu"), tmp_path / "c.h5mu")
    first, *_ = views(read_cohort(tmp_path / "a.h5mu"), complete=False)
    rewritten, *_ = views(read_cohort(tmp_path / "c.h5mu"), complete=False)
    np.testing.assert_array_equal(np.hstack(rewritten), np.hstack(first))


def test_views_and_the_analysis_matrix(files):
    cohort = prepare(files, top_features={"expression": 1, "methylation": None}).cohort
    arrays, omics, samples, features = views(cohort)
    assert omics == ["expression", "methylation"]
    assert samples == ["s2", "s3", "s4"]
    assert features == [["FLT3"], ["TP53", "cg2"]]
    assert [array.shape for array in arrays] == [(3, 1), (3, 2)]
    assert all(array.dtype == np.float32 for array in arrays)
    raw, *_ = views(cohort, layer=None)
    assert raw[0][:, 0].tolist() == [2, 9, 1]
    matrix = analysis_matrix(cohort, "expression")
    assert list(matrix.columns) == ["TP53", "KRAS", "FLT3"]
    assert matrix["TP53"].to_dict() == {"s2": 2, "s3": 3, "s4": 5}
    with pytest.raises(AmuclError, match="no such omic in the cohort; expected expression, methylation; got mirna"):
        analysis_matrix(cohort, "mirna")


def test_files_that_are_no_prepared_cohort(tmp_path):
    (tmp_path / "a.h5mu").write_text("text")
    with pytest.raises(AmuclError, match=r"not an \.h5mu file"):
        read_cohort(tmp_path / "a.h5mu")
    mudata.MuData({"expression": anndata.AnnData(np.ones((2, 2)))}).write_h5mu(tmp_path / "b.h5mu")
    with pytest.raises(AmuclError, match="not a prepared cohort"):
        read_cohort(tmp_path / "b.h5mu")
    with pytest.raises(AmuclError, match="does not exist"):
        read_cohort(tmp_path / "c.h5mu")


def test_a_prepared_cohort_serves_as_input(files, tmp_path):
    write_cohort(prepare(files).cohort, tmp_path / "cohort.h5mu")
    raw = read_files_cohort({"expression": tmp_path / "cohort.h5mu"}, clinical=tmp_path / "cohort.h5mu")
    assert raw.omics["expression"].shape == (3, 3)
    assert raw.clinical["subtype"].to_list() == ["A", "B", "A"]
    assert raw.clinical["patient"].to_list() == ["s2", "s3", "s4"]
    assert list(preprocess(raw, Preprocessing(min_samples=3)).cohort.obs.columns).count("patient") == 1


@needs_shared
@pytest.mark.parametrize("cancer", ["gbm", "melanoma"])
def test_real_clinical_columns_are_written_and_read(cancer, tmp_path):
    folder = MIRROR / "benchmark"
    omics = ["expression", "methylation", "mirna"] if cancer == "gbm" else ["mirna"]
    raw = read_benchmark(folder / f"{cancer}.zip", cancer=cancer, omics=omics, clinical_archive=folder / "clinical.zip")
    result = preprocess(raw, dataset=cancer)
    write_cohort(result.cohort, tmp_path / "a.h5mu")
    again = read_cohort(tmp_path / "a.h5mu")
    expected = raw.clinical.loc[again.obs_names]
    assert list(again.obs.columns) == ["patient", *expected.columns]
    for column in expected:
        missing = expected[column].isna().to_numpy()
        assert (again.obs[column].isna() == missing).all()
        assert again.obs[column][~missing].to_list() == expected[column][~missing].to_list()
    write_cohort(preprocess(raw, dataset=cancer).cohort, tmp_path / "b.h5mu")
    assert sha256(tmp_path / "a.h5mu") == sha256(tmp_path / "b.h5mu")


def test_the_index_survives_as_strings(tmp_path):
    frame = pd.DataFrame({"1": [1.0, 2, 3], "2": [4.0, 1, 2]}, index=["10", "20", "30"])
    result = preprocess(assemble({"a": frame}))
    write_cohort(result.cohort, tmp_path / "a.h5mu")
    assert list(read_cohort(tmp_path / "a.h5mu").obs_names) == ["10", "20", "30"]


def test_more_clusters_than_complete_patients_are_refused(files):
    cohort = prepare(files, patients="partial", truth=None).cohort
    require_patients(cohort, [2, 3])
    with pytest.raises(AmuclError, match=r"mine, keys `k`.*expected at most 3; got 4"):
        require_patients(cohort, [2, 4])


def two_omics(lacking=(), rename=()):
    rng = np.random.default_rng(0)
    samples = [f"p{number}" for number in range(8)]
    tables = {
        "expression": pd.DataFrame(rng.normal(size=(8, 6)), index=samples, columns=list("abcdef")),
        "mirna": pd.DataFrame(rng.normal(size=(8, 4)), index=samples, columns=list("wxyz")),
    }
    tables["expression"] = tables["expression"].rename(columns={name: name.upper() for name in rename})
    tables["mirna"] = tables["mirna"].drop(index=list(lacking))
    return preprocess(assemble(tables), Preprocessing(patients="partial", log2=False), dataset="new").cohort


def test_a_models_features_are_looked_up_by_name():
    cohort = two_omics(lacking=["p2"], rename="b")
    features = {"mirna": ["z", "w"], "protein": ["q"], "expression": ["b", "a"]}
    arrays, samples, found = matched_views(cohort, features)
    assert samples == list(cohort.obs_names)
    mirna = cohort["mirna"].to_df().reindex(samples)[["z", "w"]]
    np.testing.assert_array_equal(arrays[0], mirna)
    assert np.isnan(arrays[0][2]).all()
    assert arrays[1].shape == (8, 1)
    assert np.isnan(arrays[1]).all()
    assert np.isnan(arrays[2][:, 0]).all()
    np.testing.assert_array_equal(arrays[2][:, 1], cohort["expression"].to_df()["a"])
    assert found.to_numpy().tolist() == [["mirna", 2, 2], ["protein", 1, 0], ["expression", 2, 1]]


def test_patients_without_any_of_a_models_omics_are_left_out():
    arrays, samples, _ = matched_views(two_omics(lacking=["p2"]), {"mirna": ["w"]})
    assert samples == ["p0", "p1", "p3", "p4", "p5", "p6", "p7"]
    assert len(arrays[0]) == 7


def test_features_that_are_named_otherwise_are_refused():
    with pytest.raises(AmuclError) as error:
        matched_views(two_omics(rename="abcd"), {"expression": list("abcdef")})
    assert str(error.value).startswith(
        "new: expression has 2 of the 6 features that the model goes by; expected at least 50%, such as a, b, c"
    )


def test_a_clinical_column_of_any_name_is_stored_and_read_again(tmp_path):
    tables = {"expression": pd.DataFrame(np.arange(8.0).reshape(4, 2), list("abcd"), ["g1", "g2"])}
    clinical = pd.DataFrame({".": "x", "a/b": "y", "..": "z", "_": "w", "$(x)": "v"}, index=list("abcd"))
    prepared = preprocess(assemble(tables, clinical=clinical))
    write_cohort(prepared.cohort, tmp_path / "c.h5mu")
    again = read_cohort(tmp_path / "c.h5mu").obs
    assert list(again.columns) == ["patient", ".", "a/b", "..", "_", "$(x)"]
    assert again.loc["a"].tolist() == ["a", "x", "y", "z", "w", "v"]


def test_names_changed_by_a_spreadsheet_stand_in_the_first_step(caplog):
    table = pd.DataFrame(np.ones((2, 3)), ["a", "b"], ["1-Mar", "2-Sep", "TP53"])
    raw = assemble({"expression": table})
    told = "2 feature ids look like dates or numbers made by a spreadsheet: 1-Mar, 2-Sep"
    assert raw.steps[0].reason == f"as the source has it; {told}"
    assert told in caplog.text
