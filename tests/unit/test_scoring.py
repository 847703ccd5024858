import anndata
import numpy as np
import pandas as pd
import pytest

from amucl.cohort.cohort import make_cohort
from amucl.cohort.sources.singlecell import cell_labels
from amucl.comparison.peers import named, peer_truth, read_peers
from amucl.scoring import TABLES, Protocol, score_peers
from tests.shared import MIRROR, SHARED, needs_shared

PATIENTS = [f"TCGA-AB-{number:04d}-03" for number in range(60)]
GROUPS = np.repeat([0, 1, 2], 20)
PROTOCOL = Protocol(
    ks=[2, 3],
    n_restarts=10,
    starts=["k-means++"],
    n_draws=10,
    fraction=0.8,
    clinical_labels=None,
    max_permutations=1000,
    seed=1,
)


@pytest.fixture
def cohort():
    rng = np.random.default_rng(0)
    values = 4 * np.eye(3, 12)[GROUPS] + rng.normal(size=(60, 12))
    omic = anndata.AnnData(values.astype(np.float32), obs=pd.DataFrame(index=PATIENTS))
    omic.var["selected"] = True
    obs = pd.DataFrame(
        {
            "os_time": rng.exponential(100.0 * (1 + 3 * GROUPS)),
            "os_event": 1.0,
            "gender": np.where(GROUPS == 0, "male", "female"),
            "class": np.array(["a", "b", "c"])[GROUPS],
        },
        index=PATIENTS,
    )
    return make_cohort({"expression": omic}, obs, {"dataset": "toy", "truth": "class", "n_clusters": 3})


@pytest.fixture
def peers():
    """A rival's embedding as published: other spelling, a normal sample, a stranger, one patient lost."""
    rng = np.random.default_rng(1)
    names = [name.replace("-", ".").lower() for name in PATIENTS[1:]] + ["TCGA.AB.0007.11", "TCGA.ZZ.0001.01"]
    values = np.vstack([5 * np.eye(3)[GROUPS[1:]] + rng.normal(size=(59, 3)), rng.normal(size=(2, 3)) + 30])
    return {"published-lfAE": pd.DataFrame(values, index=pd.Index(names, name="sample"))}


def test_peers_are_scored_on_the_patients_that_both_hold(cohort, peers):
    tables = score_peers("toy", peers, PROTOCOL, cohort=cohort, truth=None)
    counts = tables["matches"].iloc[0]
    assert counts[["n_published", "n_matched", "n_normal", "n_other"]].tolist() == [61, 59, 1, 1]
    assert set(tables["survival"]["n"]) == {59}
    metrics = tables["metrics"].query("k == 3").set_index(["metric", "space"])["value"]
    assert metrics["ari", "truth"] > 0.9
    assert metrics["silhouette", "common"] > 0.1
    assert {space for _, space in metrics.index} == {"embedding", "common", "truth", "published"}
    # The two outlying samples are part of what was published: there they are a cluster of their own.
    assert metrics["silhouette", "published"] != pytest.approx(metrics["silhouette", "embedding"], abs=1e-3)
    assert tables["trust"].query("k == 3")["warning"].item() == ""
    assert tables["survival"].query("k == 3")["p_permutation"].item() < 0.01
    assert tables["enrichment"].query("k == 3")["n_enriched_benchmark"].item() == 1
    for name, table in tables.items():
        assert set(table["method"]) == {"published-lfAE"}, name
        assert set(table["dataset"]) == {"toy"}, name


def test_without_a_cohort_there_is_the_own_space_and_the_published_truth(peers):
    cells = pd.DataFrame(peers["published-lfAE"].to_numpy()[:59], index=[f"cell{i}" for i in range(1, 60)])
    truth = pd.Series(GROUPS[1:].astype(str), index=cells.index)
    tables = score_peers("cells", {"published-efAE": cells}, PROTOCOL, cohort=None, truth=truth)
    assert set(tables["metrics"]["space"]) == {"embedding", "truth", "published"}
    assert tables["metrics"].query("k == 3 and metric == 'ari'")["value"].item() > 0.9
    assert set(tables["survival"]["status"]) == {"no_survival"}
    assert tables["clinical"].empty
    assert set(tables["enrichment"]["n_labels"]) == {0}
    assert tables["matches"].loc[0, ["n_published", "n_matched"]].tolist() == [59, 59]


def test_the_partition_is_the_engines_own(cohort, peers):
    first, again = (score_peers("toy", peers, PROTOCOL, cohort=cohort, truth=None) for _ in range(2))
    pd.testing.assert_frame_equal(first["metrics"], again["metrics"])


@pytest.mark.parametrize("n_known", [0, 3])
def test_a_rival_with_too_few_of_our_patients_is_only_counted(cohort, peers, n_known):
    name, embedding = next(iter(peers.items()))
    strangers = embedding.rename(lambda sample: sample if sample in embedding.index[:n_known] else f"x{sample}")
    both = {name: embedding, "published-efAE": strangers}
    tables = score_peers("toy", both, PROTOCOL, cohort=cohort, truth=None)
    assert tables["matches"].set_index("method")["status"].to_dict() == {
        name: "ok",
        "published-efAE": "too_few_matched",
    }
    assert set(tables["metrics"]["method"]) == {name}
    nothing = score_peers("toy", {"published-efAE": strangers}, PROTOCOL, cohort=cohort, truth=None)
    for table, columns in TABLES.items():
        assert list(nothing[table].columns) == columns
        assert len(nothing[table]) == (table == "matches")


def test_a_rival_is_judged_by_everything(cohort, peers):
    tables = score_peers("toy", peers, PROTOCOL, cohort=cohort, truth=None)
    assert list(tables) == list(TABLES)
    for table, columns in TABLES.items():
        assert list(tables[table].columns) == columns
        assert len(tables[table])
    assert tables["k_choice"]["suggested_k"].item() == 3


@needs_shared
def test_published_cells_are_judged_on_the_cells_of_a_cohort():
    """A cohort in another order than the metadata, without some of its cells, made to separate the lines."""
    cells = cell_labels(MIRROR / "singlecell" / "CellLines_metadata.RDS", "rna", "celltype")
    kept = cells.sample(n=190, random_state=0)
    values = 4 * np.eye(3, 12)[pd.factorize(kept)[0]] + np.random.default_rng(0).normal(size=(190, 12))
    omic = anndata.AnnData(values.astype(np.float32), obs=pd.DataFrame(index=kept.index))
    omic.var["selected"] = True
    about = {"dataset": "cell_lines", "truth": "celltype", "n_clusters": 3}
    cohort = make_cohort({"rna": omic}, kept.to_frame("celltype"), about)
    peers = read_peers(SHARED / "peers", "singlecell")
    chosen = {name: peers[name] for name in ("published-mmdVAE", "published-LSTMVAE")}
    chosen = named(chosen, peer_truth(SHARED / "peers", "singlecell"), cells)
    tables = score_peers("cell_lines", chosen, PROTOCOL, cohort=cohort, truth=None)
    assert tables["matches"]["n_matched"].tolist() == [190, 190]
    ari = tables["metrics"].query("metric == 'ari' and k == 3").set_index("method")["value"]
    assert ari["published-mmdVAE"] > 0.9
    assert ari["published-LSTMVAE"] < 0.1
