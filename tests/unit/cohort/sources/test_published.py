import pandas as pd
import pytest

from amucl.cohort.cohort import truth, views
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.sources.published import read_published
from amucl.cohort.sources.registry import read_source
from amucl.config import intersim_paths
from amucl.errors import AmuclError
from tests.shared import SHARED, needs_shared

SETTINGS = [f"{sizes}/{k}" for sizes in ("equal", "heterogeneous") for k in (5, 10, 15)]
OMICS = {"expression": 131, "methylation": 367, "protein": 160}
CLUSTERS = '"subjects"\t"cluster.id"\n"1"\t"subject1"\t2\n"2"\t"subject2"\t1\n"3"\t"subject3"\t2\n'
TABLE = "probe\tsubject1\tsubject2\tsubject3\ng1\t1\t2\t-3\ng2\t.5\t1.5\t0\n"


@pytest.fixture
def files(tmp_path):
    def write(omic=TABLE, clusters=CLUSTERS):
        (tmp_path / "omics2.txt").write_text(omic)
        (tmp_path / "clusters.txt").write_text(clusters)
        return {"expression": tmp_path / "omics2.txt"}, tmp_path / "clusters.txt"

    return write


def published(setting):
    paths = intersim_paths({"setting": setting, "omics": list(OMICS)})
    *omics, clusters = (SHARED / path for path in paths.values())
    return read_source({"source": "intersim_published"}, list(OMICS), {"omics": omics, "clinical": clusters})


def test_every_subject_arrives_with_its_cluster(files):
    raw = read_published(*files())
    assert raw.omics["expression"].loc["subject3"].to_dict() == {"g1": -3, "g2": 0}
    assert raw.clinical["cluster"].to_dict() == {"subject1": 2, "subject2": 1, "subject3": 2}
    assert list(raw.clinical.columns) == ["cluster"]
    assert (raw.ledger["status"] == "kept").all()
    assert raw.join["n_dropped"].sum() == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"omic": TABLE.replace("subject3", "subject4")},
            "omics2.txt: expression and the clusters are not of the same",
        ),
        ({"omic": "probe\tsubject1\tsubject2\ng1\t1\t2\n"}, "not of the same subjects; got subject3"),
        (
            {"clusters": CLUSTERS.replace("subject3", "subject1")},
            "duplicate sample ids; expected each id once; got sub",
        ),
        ({"clusters": CLUSTERS.replace("\t1\n", "\tNA\n")}, "clusters.txt, row 2: a subject or cluster is missing"),
        (
            {"clusters": CLUSTERS.replace("cluster.id", "type")},
            "clusters.txt: not a table of clusters; expected columns",
        ),
        ({"clusters": CLUSTERS + '"4"\t5\n'}, "clusters.txt, line 5: wrong number of fields"),
        ({"omic": TABLE.replace("1.5", "x")}, "omics2.txt, line 3, row g2, column subject2: not a number"),
    ],
)
def test_malformed_files(files, change, message):
    with pytest.raises(AmuclError) as error:
        read_published(*files(**change))
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@needs_shared
@pytest.mark.parametrize("setting", SETTINGS)
def test_the_published_settings_lose_no_sample_and_no_label(setting):
    k = int(setting.split("/")[1])
    raw = published(setting)
    prepared = preprocess(raw, Preprocessing(log2=False, truth="cluster", n_clusters=k)).cohort
    arrays, omics, samples, _ = views(prepared)
    assert samples == [f"subject{number}" for number in range(1, 101)]
    assert {omic: array.shape for omic, array in zip(omics, arrays, strict=True)} == {
        omic: (100, count) for omic, count in OMICS.items()
    }
    # The benchmark's other file of the same labels calls the last cluster 0.
    oracle = (SHARED / "simulated" / setting / "c.txt").read_text().split()
    assert [str(int(label) % k) for label in truth(prepared, samples)] == oracle
    protein = pd.read_csv(
        SHARED / "simulated" / setting / "omics3.txt", sep="\t", index_col=0, float_precision="round_trip"
    )
    assert (protein == raw.omics["protein"].T).all(axis=None)
