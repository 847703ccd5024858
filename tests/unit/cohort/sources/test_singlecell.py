import json

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.cohort import truth, views
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.readers.rfiles import read_rds
from amucl.cohort.readers.words import unknown_words
from amucl.cohort.sources.registry import read_source
from amucl.cohort.sources.singlecell import cell_labels, read_singlecell
from amucl.config import load_registry, resolve, singlecell_paths
from amucl.errors import AmuclError
from tests.shared import MIRROR, REPOSITORY, needs_shared
from tests.unit.cohort.written_r import write_rds

RNA = pd.DataFrame(
    [[4, 0, 8, 2], [0, 3, 2, 0], [0, 0, 0, 9], [6, 3, 0, 9]],
    index=["G1", "G2", "G3", "G4"],
    columns=["r2", "r1", "r3", "r4"],
    dtype=np.int32,
)
ATAC = pd.DataFrame(
    [[1, 1, 2, 0], [3, 1, 0, 2]], index=["chr1_1_9", "chr1_20_30"], columns=["a1", "a2", "a3", "a4"], dtype=np.int32
)
METADATA = pd.DataFrame(
    {
        "sample.rna": ["r1", "r2", "r3", "r4"],
        "sample.atac": ["a4", "a3", "a2", "a1"],
        "celltype": ["morula", "blastocyst", "morula", "blastocyst"],
        "reads": [5.0, 6.0, 7.0, 8.0],
    }
)
TEXT = "Barcode\tCellType\tLabelID\r\nAAC\tGM\t2\r\nGGT\tBJ\t3\r\nTTT\tGM\t2\r\n"


@pytest.fixture
def cells(tmp_path):
    """Read cells from .RDS files that hold these tables."""

    def read(rna=RNA, atac=ATAC, metadata=METADATA, **options):
        for name, table in {"rna": rna, "atac": atac, "metadata": metadata}.items():
            write_rds(tmp_path / f"{name}.RDS", table)
        omics = {omic: tmp_path / f"{omic}.RDS" for omic in ("rna", "atac")}
        return read_singlecell(
            omics, tmp_path / "metadata.RDS", **{"counts": ["rna", "atac"], "min_cells": 1} | options
        )

    return read


@pytest.fixture
def features(tmp_path):
    """Read cells from .npy files that hold these arrays."""

    def read(rna=None, atac=None, metadata=TEXT, counts=("atac",)):
        np.save(tmp_path / "rna.npy", np.arange(6.0).reshape(3, 2) - 3 if rna is None else rna)
        np.save(tmp_path / "atac.npy", np.array([[1, 3], [4, 4], [2, 0]]) if atac is None else atac)
        (tmp_path / "cells.txt").write_bytes(metadata.encode())
        omics = {omic: tmp_path / f"{omic}.npy" for omic in ("rna", "atac")}
        return read_singlecell(omics, tmp_path / "cells.txt", counts=counts, min_cells=1)

    return read


def test_words_for_unknown_are_the_users(cells):
    raw = cells(counts=[], words=unknown_words(("morula",)))
    assert raw.clinical["celltype"].dropna().to_list() == ["blastocyst", "blastocyst"]
    (note,) = (note for note in raw.notes if note.what == "unknown words")
    assert (note.source, note.n, note.found) == ("clinical", 2, (("morula", 2, ("celltype",)),))


def test_omics_that_name_cells_differently_are_joined(cells):
    raw = cells(counts=[])
    assert raw.omics["rna"].loc["r1"].to_dict() == {"G1": 0, "G2": 3, "G3": 0, "G4": 3}
    assert raw.omics["atac"].loc["r1"].to_dict() == {"chr1_1_9": 0, "chr1_20_30": 2}
    assert raw.omics["atac"].loc["r4"].to_dict() == {"chr1_1_9": 1, "chr1_20_30": 3}
    assert raw.clinical.loc["r2"].to_dict() == METADATA.loc[1].to_dict()
    assert list(raw.patients.index) == ["r1", "r2", "r3", "r4"]
    assert (raw.ledger["status"] == "kept").all()
    assert raw.ledger.set_index(["omic", "column"])["sample"]["atac", "a1"] == "r4"
    assert raw.join["n_dropped"].sum() == 0


def test_counts_are_brought_to_one_depth(cells):
    raw = cells()
    depth = pd.Series({"r1": 6, "r2": 10, "r3": 10, "r4": 20})
    expected = RNA.T.mul(depth.median() / depth, axis=0)
    pd.testing.assert_frame_equal(raw.omics["rna"], expected.loc[raw.omics["rna"].index], check_index_type=False)
    assert raw.omics["atac"].sum(axis=1).tolist() == [2] * 4
    (step,) = [step for step in raw.steps if step.omic == "rna" and step.step == "depth"]
    assert (step.values_changed, step.reason) == (16, "every cell scaled to 10 counts, the median")


def test_depth_is_that_of_all_features_rare_ones_too(cells):
    raw = cells(min_cells=2)
    assert list(raw.omics["rna"].columns) == ["G1", "G2", "G4"]
    assert raw.omics["rna"].loc["r4", "G4"] == 9 * 10 / 20
    (step,) = [step for step in raw.steps if step.omic == "rna" and step.step == "rare_features"]
    assert (step.features_in, step.features_out) == (4, 3)


def test_every_dropped_cell_has_its_reason(cells):
    extra = RNA.assign(r5=np.int32(1), r4=np.int32(0))
    raw = cells(rna=extra)
    ledger = raw.ledger.set_index(["omic", "column"])
    assert ledger.loc[("rna", "r5"), ["status", "reason"]].tolist() == ["dropped", "not in the metadata"]
    assert ledger.loc[("rna", "r4"), ["status", "reason"]].tolist() == ["dropped", "no rna was counted in the cell"]
    assert (ledger.loc["atac", "status"] == "kept").all()
    prepared = preprocess(raw, Preprocessing(log2=True, truth="celltype"))
    dropped = prepared.ledger[prepared.ledger["status"] == "dropped"].set_index(["omic", "column"])["reason"]
    assert dropped.to_dict() == {
        ("rna", "r5"): "not in the metadata",
        ("rna", "r4"): "no rna was counted in the cell",
        ("atac", "a1"): "no rna",
    }
    assert sorted(prepared.cohort.obs_names) == ["r1", "r2", "r3"]


def test_an_unknown_cell_may_bear_the_name_of_another(cells):
    raw = cells(atac=ATAC.assign(r1=np.int32(4)))
    assert raw.omics["atac"].loc["r1"].sum() > 0
    assert len(raw.omics["atac"]) == 4
    ledger = raw.ledger[raw.ledger["omic"] == "atac"].set_index("column")
    assert ledger.loc[ledger["status"] == "dropped", "reason"].to_dict() == {"r1": "not in the metadata"}


def test_metadata_of_cells_without_counts_are_reported(cells):
    raw = cells(rna=RNA.drop(columns="r1"), atac=ATAC.drop(columns="a4"))
    assert list(raw.patients.index) == ["r2", "r3", "r4"]
    assert raw.unmatched[["id", "reason"]].to_numpy().tolist() == [["r1", "not in the cohort"]]


def test_features_stand_in_the_order_of_the_metadata(features):
    raw = features()
    assert raw.omics["rna"].loc["GGT"].to_dict() == {"rna_1": -1, "rna_2": 0}
    assert raw.omics["atac"].loc["AAC"].tolist() == [1, 3]
    assert raw.omics["atac"].loc["GGT"].tolist() == [2, 2]
    assert raw.clinical["CellType"].tolist() == ["GM", "BJ", "GM"]
    assert list(raw.patients) == ["AAC", "GGT", "TTT"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rna": RNA - 1}, "rna.RDS, feature G2, cell r2: a negative count; expected counts, 0 or more; got -1"),
        ({"rna": RNA.replace(3, -(2**31))}, "rna.RDS, feature G2, cell r1: a missing or infinite value; expected a"),
        ({"atac": ATAC.replace(3, np.nan)}, "atac.RDS, feature chr1_20_30, cell a1: a missing or infinite value; "),
        ({"atac": ATAC.replace(3, np.nan)}, "got NA"),
        ({"atac": ATAC.replace(3, np.inf)}, "cell a1: a missing or infinite value; expected a finite number; got inf"),
        ({"rna": ["a"]}, "rna.RDS: not a matrix of numbers; expected a matrix with names; got a list"),
        ({"rna": RNA.set_axis(list("wxyz"), axis=1)}, "rna and the metadata share no cell; expected names such as r1"),
        ({"metadata": RNA}, "metadata.RDS: not a data frame"),
        ({"metadata": METADATA.drop(columns="sample.atac")}, "do not name the cells; expected a column sample.atac"),
        ({"metadata": METADATA.replace("r2", "r1")}, "metadata.RDS: duplicate cell (sample.rna) ids"),
        ({"metadata": METADATA.replace("r2", None)}, "metadata.RDS, row 2: sample.rna has no value"),
        ({"rna": RNA.set_axis(["G1", "G1", "G3", "G4"])}, "rna.RDS: duplicate feature ids"),
        ({"rna": RNA * 0}, "rna.RDS, rna, step empty_cells: no cell is left; got no rna was counted in the cell"),
        ({"min_cells": 5}, "rna.RDS, rna, step rare_features: no feature is left; got seen in fewer than 5 cells"),
    ],
)
def test_malformed_counts(cells, changed, message):
    with pytest.raises(AmuclError) as error:
        cells(**changed)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"rna": np.ones((2, 2))}, "rna.npy: rna and the metadata are not of the same cells; expected 3 rows, as"),
        ({"rna": np.ones(3)}, "rna.npy: not a matrix of numbers; expected cells x features; got shape (3,) of type"),
        ({"rna": np.array([["a"], ["b"], ["c"]])}, "rna.npy: not a matrix of numbers"),
        ({"rna": np.array([[{}], [1], [2]], dtype=object)}, "rna.npy: not an .npy matrix of numbers, or a damaged one"),
        ({"rna": np.full((3, 1), np.nan)}, "rna.npy, feature rna_1, cell AAC: a missing or infinite value"),
        ({"atac": np.full((3, 1), -1)}, "atac.npy, feature atac_1, cell AAC: a negative count"),
        ({"metadata": TEXT.replace("GGT", "AAC")}, "cells.txt: duplicate sample ids"),
    ],
)
def test_malformed_features(features, changed, message):
    with pytest.raises(AmuclError) as error:
        features(**changed)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_other_files(tmp_path):
    (tmp_path / "rna.csv").write_text("a")
    (tmp_path / "rna.npy").write_text("a")
    (tmp_path / "cells.txt").write_text(TEXT)
    for name, message in {
        "rna.csv": r"rna\.csv: unknown format of single cells; expected \.RDS or \.npy; got \.csv",
        "rna.npy": r"rna\.npy: not an \.npy matrix of numbers, or a damaged one",
        "absent.npy": r"absent\.npy: rna features does not exist",
        "absent.RDS": r"cells\.txt: the metadata do not name the cells; expected a column sample\.rna",
    }.items():
        with pytest.raises(AmuclError, match=message):
            read_singlecell({"rna": tmp_path / name}, tmp_path / "cells.txt", counts=[])


def registered(dataset):
    """The dataset of the registry, read from the mirror and prepared."""
    config = {"datasets": {dataset: {}}, "biology": []}
    entry = resolve(config, load_registry(REPOSITORY / "config" / "datasets.yaml"))["datasets"][dataset]
    *omics, metadata = (MIRROR / path for path in singlecell_paths(entry).values())
    raw = read_source(entry, list(entry["omics"]), {"omics": omics, "clinical": metadata})
    return raw, preprocess(raw, Preprocessing(**entry["preprocessing"], truth=entry["truth"]))


@needs_shared
def test_the_embryo_loses_no_cell():
    raw, prepared = registered("embryo")
    arrays, omics, samples, _ = views(prepared.cohort)
    assert {omic: array.shape for omic, array in zip(omics, arrays, strict=True)} == {
        "rna": (72, 2000),
        "atac": (72, 2000),
    }
    assert truth(prepared.cohort, samples).value_counts().to_dict() == {"blastocyst": 43, "morula": 29}
    assert (prepared.ledger["status"] == "kept").sum() == len(prepared.ledger) == 144
    features = {step.omic: step.features_in for step in raw.steps if step.step == "read"}
    assert features == {"rna": 25155, "atac": 69035}
    assert raw.omics["rna"].loc["CL100078088_L01_502", "ENSG00000000419"] > 0
    assert all(np.isfinite(array).all() for array in arrays)


@needs_shared
def test_snareseq_loses_no_cell_and_its_types_are_those_of_the_features():
    raw, prepared = registered("snareseq")
    arrays, omics, samples, _ = views(prepared.cohort)
    assert {omic: array.shape for omic, array in zip(omics, arrays, strict=True)} == {
        "rna": (1047, 10),
        "atac": (1047, 19),
    }
    assert (prepared.ledger["status"] == "kept").sum() == len(prepared.ledger) == 2094
    types = (MIRROR / "singlecell" / "snareseq" / "SNAREseq_rna_types.txt").read_text().split()
    assert [f"{label:g}" for label in raw.clinical["LabelID"]] == types
    assert truth(prepared.cohort, samples).value_counts().to_dict() == {"H1": 379, "GM": 324, "BJ": 201, "K562": 143}
    features = np.load(MIRROR / "singlecell" / "snareseq" / "SNAREseq_rna_feat.npy")
    np.testing.assert_allclose(arrays[0], features - features.mean(axis=0), rtol=1e-4, atol=1e-5)
    about = json.loads(prepared.cohort.uns["amucl"])
    assert about["preprocessing"]["normalize"] == "center"


@needs_shared
def test_the_metadata_of_the_cell_lines_join_counts_of_their_format(tmp_path):
    metadata = MIRROR / "singlecell" / "CellLines_metadata.RDS"
    cells, rng = read_rds(metadata), np.random.default_rng(2)
    omics = {omic: tmp_path / f"CellLines_{omic}.RDS" for omic in ("rna", "atac")}
    for omic, path in omics.items():
        names = rng.permutation(cells[f"sample.{omic}"].to_numpy(str))
        write_rds(path, pd.DataFrame(rng.poisson(5, (6, 206)), [f"f{i}" for i in range(6)], names))
    raw = read_singlecell(omics, metadata, counts=omics)
    prepared = preprocess(raw, Preprocessing(log2=True, truth="celltype")).cohort
    _, _, samples, _ = views(prepared)
    assert truth(prepared, samples).value_counts().to_dict() == {"HCT": 90, "K562": 74, "Hela": 42}
    assert [name.split("_")[0].upper() for name in samples] == list(truth(prepared, samples).str.upper())
    assert raw.clinical["Raw.reads"].tolist() == cells["Raw.reads"].tolist()
    assert len(raw.unmatched) == 0


def test_known_labels_by_the_names_of_an_omic_in_the_order_of_the_metadata(tmp_path):
    table = tmp_path / "cells.tsv"
    table.write_text("cell\tsample.rna\tsample.atac\tkind\n1\tr2\ta2\tx\n2\tr1\ta1\ty\n")
    assert list(cell_labels(table, "atac", "kind").items()) == [("a2", "x"), ("a1", "y")]
    with pytest.raises(AmuclError, match=r"no such column; expected sample.rna, sample.atac, kind; got celltype"):
        cell_labels(table, "rna", "celltype")
    with pytest.raises(AmuclError, match=r"do not name the cells; expected a column sample.adt"):
        cell_labels(table, "adt", "kind")
