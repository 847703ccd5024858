import re
import zipfile

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, davies_bouldin_score, normalized_mutual_info_score, silhouette_score

from amucl.cohort.readers.archives import read_members
from amucl.cohort.sources.benchmark import read_benchmark
from amucl.cohort.sources.singlecell import cell_labels
from amucl.comparison.peers import (
    CANCERS,
    METHODS,
    SIMULATED,
    matched,
    named,
    peer_datasets,
    peer_files,
    peer_name,
    peer_truth,
    read_peers,
)
from amucl.errors import AmuclError
from tests.shared import MIRROR, SHARED, needs_shared

PEERS = SHARED / "peers"
PAIRS = "1.5 -2\n3e-1 4\n5 6\n"
NAMED = "TCGA.AB.0001.03 1.5 -2\ntcga-ab-0002-03A 3 4\nTCGA.AB.0003.11 5 6\n"


class Folder:
    """Published embeddings of one dataset of each kind, in which single files can be changed, added or removed."""

    def __init__(self, path):
        self.path = path
        self.archives = {
            "cancer5.zip": {f"cancer5/aml/{stem}_EM_add_name.txt": NAMED for stem in METHODS.values()},
            "simulations.zip": {f"simulations/equal/5/{stem}_EM_5.txt": PAIRS for stem in METHODS.values()},
            "": {f"single-cell/{stem}_EM.txt": PAIRS for stem in METHODS.values()},
        }
        simulated = self.archives["simulations.zip"]
        del simulated["simulations/equal/5/LSTMVAE_FCTAE_EM_5.txt"]
        simulated["simulations/equal/5/LSTMVAE_FCTAE_EM.txt"] = PAIRS
        simulated["simulations/equal/5/c.txt"] = "4\n0\n12\n"
        self.archives[""]["single-cell/c.txt"] = "0\n1\n1"
        self.write()

    def write(self, archive="", **changed):
        """Write everything, the files named by their stem with other texts, or without them where the text is None."""
        for stem, text in changed.items():
            name = next(name for name in self.archives[archive] if name.rpartition("/")[2].startswith(stem))
            self.archives[archive][name] = text
        for name, members in self.archives.items():
            kept = {member: text for member, text in members.items() if text is not None}
            if name:
                with zipfile.ZipFile(self.path / name, "w") as opened:
                    for member, text in kept.items():
                        opened.writestr(member, text)
                continue
            for member in members:
                (self.path / member).parent.mkdir(exist_ok=True)
                (self.path / member).unlink(missing_ok=True)
            for member, text in kept.items():
                (self.path / member).write_text(text)


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path)


def told(folder, dataset):
    with pytest.raises(AmuclError) as error:
        read_peers(folder.path, dataset)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_datasets_have_the_registrys_names(folder):
    assert peer_datasets(folder.path) == ["equal_5", "aml", "singlecell"]
    (folder.path / "cancer5.zip").unlink()
    assert peer_datasets(folder.path) == ["equal_5", "singlecell"]


def test_a_folder_without_embeddings(tmp_path):
    with zipfile.ZipFile(tmp_path / "cancer5.zip", "w") as opened:
        opened.writestr("aml/exp", "1")
    for place in (tmp_path, tmp_path / "absent"):
        with pytest.raises(
            AmuclError, match=r"no published embeddings; expected simulations\.zip, cancer5\.zip or sin"
        ):
            peer_datasets(place)


def test_files_of_a_dataset(folder):
    for dataset, archive in {"equal_5": "simulations.zip", "aml": "cancer5.zip"}.items():
        assert peer_files(folder.path, dataset) == [str(folder.path / archive)]
    present = sorted(str(path) for path in (folder.path / "single-cell").iterdir())
    assert sorted(peer_files(folder.path, "singlecell")) == present


@pytest.mark.parametrize(
    ("dataset", "names"),
    [
        ("equal_5", ["subject1", "subject2", "subject3"]),
        ("singlecell", ["cell1", "cell2", "cell3"]),
        ("aml", ["TCGA.AB.0001.03", "tcga-ab-0002-03A", "TCGA.AB.0003.11"]),
    ],
)
def test_every_method_is_read_with_its_samples(folder, dataset, names):
    peers = read_peers(folder.path, dataset)
    assert list(peers) == list(METHODS)
    for embedding in peers.values():
        assert list(embedding.index) == names
        assert embedding.to_numpy()[0].tolist() == [1.5, -2]


def test_truth(folder):
    truths = {name: peer_truth(folder.path, name) for name in ("equal_5", "singlecell", "aml")}
    assert truths["equal_5"].to_dict() == {"subject1": "4", "subject2": "0", "subject3": "12"}
    assert truths["singlecell"].to_dict() == {"cell1": "0", "cell2": "1", "cell3": "1"}
    assert truths["aml"] is None


# Malformed files -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2\n3\n4 5\n", ", line 2: wrong number of fields; expected 2; got 1"),
        ("1 2\n3 4\n\n5 6\n", ", line 3: wrong number of fields; expected 2; got 0"),
        ("1 2\n3 nan\n4 5\n", ", line 2: not a finite number; expected a number; got 'nan'"),
        ("1 2\n3 4\n-inf 5\n", ", line 3: not a finite number; expected a number; got '-inf'"),
        ("1 2\n3 4,5\n4 5\n", ", line 2: not a finite number; expected a number; got '4,5'"),
        ("<!DOCTYPE html>\n<p>\n", ", line 1: not a finite number; expected a number; got '<!DOCTYPE'"),
        ("", ", line 1: wrong number of fields; expected 1; got 0"),
        (
            "1 2\n3 4\n",
            ": the samples are not those of the dataset's other files; expected 3 samples; got 2, differing",
        ),
        (
            PAIRS + PAIRS,
            ": the samples are not those of the dataset's other files; expected 3 samples; got 6, differing",
        ),
    ],
)
@pytest.mark.parametrize(
    ("dataset", "archive", "where"),
    [
        ("equal_5", "simulations.zip", "simulations.zip:equal/5/DAE_FCTAE_EM_5.txt"),
        ("singlecell", "", "single-cell/DAE_FCTAE_EM.txt"),
    ],
)
def test_malformed_files(folder, dataset, archive, where, text, message):
    folder.write(archive, DAE_FCTAE=text)
    assert f"{folder.path}/{where}{message}" in told(folder, dataset)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (NAMED.replace(" 4", ""), ", line 2: wrong number of fields; expected 3; got 2"),
        (NAMED.replace("0003.11", "0001.03"), ": duplicate sample ids; expected each id once; got TCGA.AB.0001.03;"),
        (NAMED.replace("0003", "0004"), "expected 3 samples; got 3, differing in TCGA.AB.0003.11, TCGA.AB.0004.11"),
        ("".join(NAMED.splitlines(keepends=True)[::-1]), "expected 3 samples; got 3, differing in their order"),
        ("TCGA.AB.0001.03\n", ", line 1: wrong number of fields; expected 2; got 1"),
    ],
)
def test_malformed_named_files(folder, text, message):
    folder.write("cancer5.zip", SVAE_FCTAE=text)
    found = told(folder, "aml")
    assert f"{folder.path}/cancer5.zip:aml/SVAE_FCTAE_EM_add_name.txt" in found
    assert message in found


@pytest.mark.parametrize("label", ["", "1.5", "-1", "1 2", "NA"])
def test_a_true_cluster_that_is_none(folder, label):
    folder.write("simulations.zip", c=f"0\n{label}\n1\n")
    message = "simulations.zip:equal/5/c.txt, line 2: not a cluster; expected a whole number; got "
    assert message + repr(label) in told(folder, "equal_5")


def test_missing_files_archives_and_datasets(folder):
    folder.write("", MMDVAE=None)
    assert "single-cell/MMDVAE_EM.txt: published file does not exist" in told(folder, "singlecell")
    folder.write("simulations.zip", MMDVAE=None)
    assert "simulations.zip: the archive has no member equal/5/MMDVAE_EM_5.txt" in told(folder, "equal_5")
    assert "cancer5.zip: the archive has no member gbm/AE_FAETC_EM_add_name.txt" in told(folder, "gbm")
    (folder.path / "cancer5.zip").write_bytes((folder.path / "simulations.zip").read_bytes())
    assert "cancer5.zip: the archive has no member aml/AE_FAETC_EM_add_name.txt" in told(folder, "aml")
    (folder.path / "cancer5.zip").unlink()
    assert "cancer5.zip: archive does not exist" in told(folder, "aml")
    assert "no embeddings of this dataset are published; expected equal_5, " in told(folder, "equal_6")


# Matching ------------------------------------------------------------------------------------------------------------


def embedding_of(*names):
    return pd.DataFrame({0: np.arange(len(names), dtype=float)}, index=pd.Index(names, name="sample"))


def test_barcodes_match_by_patient_and_type_in_every_dialect():
    published = embedding_of(
        "TCGA.AB.0002.03",
        "tcga-ab-0001-01a",
        "TCGA.AB.0001.11",
        "TCGA.AB.0003.01",
        "TCGA.AB.0009.01",
        "TCGA.AB.0003.06",
    )
    found, counts = matched(published, ["TCGA-AB-0001-01", "TCGA-AB-0002-03", "TCGA-AB-0003-06", "TCGA-AB-0004-01"])
    assert found[0].to_dict() == {"TCGA-AB-0001-01": 1, "TCGA-AB-0002-03": 0, "TCGA-AB-0003-06": 5}
    assert list(found.index) == ["TCGA-AB-0001-01", "TCGA-AB-0002-03", "TCGA-AB-0003-06"]
    assert counts == {"n_published": 6, "n_matched": 3, "n_normal": 1, "n_other": 2}


@pytest.mark.parametrize("ours", ["TCGA-AB-0001-11", "TCGA-AB-0001"])
def test_normal_tissue_never_matches(ours):
    found, counts = matched(embedding_of("TCGA.AB.0001.11"), [ours])
    assert found.empty
    assert counts == {"n_published": 1, "n_matched": 0, "n_normal": 1, "n_other": 0}


def test_a_barcode_without_a_type_takes_the_first_tumour():
    published = embedding_of("TCGA.AB.0001.11", "TCGA.AB.0001.02", "TCGA.AB.0001.06", "TCGA.AB.0001.01")
    found, counts = matched(published, ["TCGA-AB-0001"])
    assert found[0].to_dict() == {"TCGA-AB-0001": 2}
    assert counts == {"n_published": 4, "n_matched": 1, "n_normal": 1, "n_other": 2}


def test_subjects_match_by_name():
    found, counts = matched(embedding_of("subject1", "subject2", "subject10"), ["subject10", "subject1", "subject3"])
    assert found[0].to_dict() == {"subject10": 2, "subject1": 0}
    assert counts == {"n_published": 3, "n_matched": 2, "n_normal": 0, "n_other": 1}


# What was published --------------------------------------------------------------------------------------------------


@needs_shared
def test_all_that_was_published_is_read():
    assert peer_datasets(PEERS) == [*SIMULATED, *CANCERS, "singlecell"]
    for dataset in ("heterogeneous_10", "kidney", "singlecell"):
        peers = read_peers(PEERS, dataset)
        (n,) = {len(embedding) for embedding in peers.values()}
        assert n == {"heterogeneous_10": 100, "kidney": 207, "singlecell": 206}[dataset]
    assert peer_truth(PEERS, "singlecell").value_counts().to_dict() == {"0": 90, "2": 74, "1": 42}


@needs_shared
@pytest.mark.parametrize("dataset", SIMULATED)
def test_published_truth_is_the_datasets(dataset):
    """Three of the six files name the clusters otherwise than the data's own; the partitions are the same."""
    own = (SHARED / "simulated" / dataset.replace("_", "/") / "c.txt").read_text().split()
    assert adjusted_rand_score(peer_truth(PEERS, dataset), own) == 1


def indices(points, k):
    labels = KMeans(k, n_init=10, random_state=0).fit_predict(points)
    return np.array([silhouette_score(points, labels), davies_bouldin_score(points, labels)])


@needs_shared
@pytest.mark.parametrize("dataset", SIMULATED)
def test_published_indices_of_the_simulated_settings_are_reproduced(dataset):
    """Theirs are means over 100 k-means runs, the best of 10 starts each; where clusters are clear, all runs agree.

    The embeddings of 15 dimensions, or of an earlier training, that lie beside those chosen do not give them.
    """
    k, place = int(dataset.split("_")[1]), dataset.replace("_", "/")
    chosen, others = [], []
    for method, embedding in read_peers(PEERS, dataset).items():
        if method == "published-LSTMVAE":  # without published indices
            continue
        members = [f"{place}/{METHODS[method]}_EM{ending}.txt" for ending in ("_cluster_result", "")]
        results, other = read_members(PEERS / "simulations.zip", members, max_bytes=100_000).values()
        published = np.array(re.search(rf"k:{k}\nsil\w+:(\S+)\ndav\w+:(\S+)", results).groups(), dtype=float)
        chosen.append(abs(indices(embedding, k) - published))
        others.append(abs(indices(np.loadtxt(other.splitlines()), k) - published))
    assert (np.mean(chosen, axis=0) < [0.006, 0.05]).all()
    assert (np.mean(others, axis=0) > 3 * np.mean(chosen, axis=0)).all()


@needs_shared
@pytest.mark.parametrize(
    ("method", "ari", "nmi"),
    [
        ("published-lfAE", 0.582, 0.619),
        ("published-efAE", 0.510, 0.539),
        ("published-lfDAE", 0.638, 0.624),
        ("published-efDAE", 0.823, 0.815),
        ("published-LSTMVAE", 0.027, 0.036),
        ("published-efVAE", 0.909, 0.898),
        ("published-efSVAE", 0.187, 0.240),
        ("published-mmdVAE", 0.947, 0.931),
    ],
)
def test_single_cells_settle_which_fusion_is_which(method, ari, nmi):
    labels = KMeans(3, n_init=10, random_state=0).fit_predict(read_peers(PEERS, "singlecell")[method])
    truth = peer_truth(PEERS, "singlecell")
    assert adjusted_rand_score(truth, labels) == pytest.approx(ari, abs=0.01)
    assert normalized_mutual_info_score(truth, labels) == pytest.approx(nmi, abs=0.02)


@needs_shared
@pytest.mark.parametrize(
    ("cancer", "omics", "counts"),
    [
        ("aml", ["expression", "methylation", "mirna"], (169, 166, 0, 3)),
        ("gbm", ["expression", "methylation", "mirna"], (273, 48, 0, 225)),
        ("kidney", ["mirna"], (207, 182, 24, 1)),
        ("liver", ["mirna"], (409, 366, 41, 2)),
        ("melanoma", ["mirna"], (449, 446, 1, 2)),
    ],
)
def test_published_cancers_match_the_benchmarks_patients(cancer, omics, counts):
    raw = read_benchmark(MIRROR / "benchmark" / f"{cancer}.zip", cancer=cancer, omics=omics)
    samples = sorted(set.intersection(*(set(table.index) for table in raw.omics.values())))
    published = read_peers(PEERS, cancer)["published-efVAE"]
    found, counted = matched(published, samples)
    assert tuple(counted.values()) == counts
    row = found.index[-1]
    assert (published.loc[row.replace("-", ".")] == found.loc[row]).all()


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ({"cancer": "aml"}, "aml"),
        ({"setting": "heterogeneous/10"}, "heterogeneous_10"),
        ({"source": "singlecell", "published": True}, "singlecell"),
        ({"source": "singlecell", "published": False}, ""),
        ({"source": "files"}, ""),
    ],
)
def test_datasets_of_the_configuration_are_known_by_what_they_hold(entry, name):
    assert peer_name(entry) == name


def test_published_cells_are_named_by_the_table_of_cells():
    embedding = pd.DataFrame([[1.0], [2.0], [3.0]], index=["cell1", "cell2", "cell3"])
    truth = pd.Series(["0", "0", "1"], index=embedding.index)
    cells = pd.Series(["HCT", "HCT", "K562"], index=["b", "a", "c"])
    found = named({"published-lfAE": embedding}, truth, cells)["published-lfAE"]
    assert found[0].to_dict() == {"b": 1, "a": 2, "c": 3}
    for other in (["HCT", "K562", "K562"], ["HCT", "HCT", "HCT"], ["HCT", "Hela", "K562"], ["HCT", "HCT"]):
        with pytest.raises(
            AmuclError, match=r"not of these samples in this order; expected 2 x 0, 1 x 1; got [123] x H"
        ):
            named({"published-lfAE": embedding}, truth, pd.Series(other, index=list("abc")[: len(other)]))


@needs_shared
def test_the_published_cells_are_those_of_the_registrys_metadata():
    cells = cell_labels(MIRROR / "singlecell" / "CellLines_metadata.RDS", "rna", "celltype")
    peers = named(read_peers(PEERS, "singlecell"), peer_truth(PEERS, "singlecell"), cells)
    assert {tuple(embedding.index) for embedding in peers.values()} == {tuple(cells.index)}
    assert cells.iloc[[0, 90, 132]].to_dict() == {
        "HCT_CL100049490_L01_10": "HCT",
        cells.index[90]: "Hela",
        cells.index[132]: "K562",
    }
