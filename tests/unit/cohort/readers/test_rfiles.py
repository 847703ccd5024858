import bz2
import gzip
import lzma

import numpy as np
import pandas as pd
import pytest
import rdata

from amucl.cohort.readers.rfiles import missing, named_matrix, parse_rda, read_rds
from amucl.errors import AmuclError
from tests.shared import MIRROR, needs_shared
from tests.unit.cohort.written_r import write_rda, write_rds

KINDS = ("feature", "cell")
COUNTS = pd.DataFrame([[1, 0, 7], [2, 5, 0]], index=["g1", "g2"], columns=["c1", "c2", "c3"], dtype=np.int32)


def matrix(tmp_path, value):
    write_rds(tmp_path / "m.RDS", value)
    return named_matrix(read_rds(tmp_path / "m.RDS"), "m.RDS", kinds=KINDS)


@pytest.mark.parametrize("kind", [np.int32, np.float64])
def test_a_named_matrix_keeps_its_names_values_and_type(tmp_path, kind):
    read = matrix(tmp_path, COUNTS.astype(kind))
    pd.testing.assert_frame_equal(read, COUNTS.astype(kind), check_index_type=False, check_column_type=False)


def test_a_data_frame_of_numbers_is_a_matrix_too(tmp_path):
    frame = pd.DataFrame({"c1": [1, 2], "c2": [0.5, np.nan]}, index=np.array(["g1", "g2"], dtype=object))
    read = matrix(tmp_path, frame)
    assert read.loc["g2"].isna().tolist() == [False, True]
    assert read.loc["g1"].tolist() == [1, 0.5]


def test_rda_holds_objects_by_name(tmp_path):
    write_rda(tmp_path / "a.rda", mean=pd.Series([1.5, 2.0], ["x", "y"]), other=pd.Series([0.0], ["z"]))
    objects = parse_rda((tmp_path / "a.rda").read_bytes(), "a.rda")
    assert objects["mean"].sel(dim_0="y").item() == 2.0
    assert list(objects) == ["mean", "other"]
    write_rds(tmp_path / "a.rda", COUNTS)
    with pytest.raises(
        AmuclError, match=r"^b\.rda: not an \.rda file \(R's `save`\); got one object \(a named vector\)"
    ):
        parse_rda((tmp_path / "a.rda").read_bytes(), "b.rda")


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress, bytes])
def test_every_compression_of_r(tmp_path, compress):
    rdata.write_rds(tmp_path / "m.RDS", np.array([1.0, 2.0]), compression=None)
    (tmp_path / "m.RDS").write_bytes(compress((tmp_path / "m.RDS").read_bytes()))
    assert read_rds(tmp_path / "m.RDS").tolist() == [1, 2]


def test_missing_values_of_both_types():
    assert missing(np.array([1, -(2**31), -1], dtype=np.int32)).tolist() == [False, True, False]
    assert missing(np.array([1, np.nan, np.inf])).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"gene,c1\n", "not a file of R (.RDS or .rda), or a damaged one"),
        (lambda data: b"", "not a file of R"),
        (lambda data: data[: len(data) // 2], "damaged or truncated R file"),
        (lambda data: gzip.compress(gzip.decompress(data)[:-7]), "not a file of R"),
        (lambda data: gzip.compress(b"X\n" + bytes(40)), "not a file of R"),
    ],
)
def test_files_that_are_not_rs(tmp_path, change, message):
    file = tmp_path / "m.RDS"
    write_rds(file, COUNTS)
    file.write_bytes(change(file.read_bytes()))
    with pytest.raises(AmuclError) as error:
        read_rds(file)
    assert str(error.value).startswith(f"{file}: {message}")
    assert "\n" not in str(error.value)


def test_a_bomb_is_not_unpacked(tmp_path):
    (tmp_path / "m.RDS").write_bytes(gzip.compress(bytes(5_000_000)))
    with pytest.raises(AmuclError, match="the R file is too large; expected at most 1000000 bytes, uncompressed"):
        read_rds(tmp_path / "m.RDS", max_bytes=1_000_000)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.ones((2, 2)), "m.RDS: not a matrix of numbers; expected a matrix with names; got an array without names"),
        (["a", "b"], "got a list"),
        (pd.Series([1.0], ["a"]), "got a named vector"),
        (pd.DataFrame({"a": ["x"]}, index=np.array(["r"], dtype=object)), "got a data frame with text"),
        (COUNTS.set_axis(["g1", "g1"]), "m.RDS: duplicate feature ids"),
        (COUNTS.set_axis(["c1", "c2", ""], axis=1), "m.RDS: empty cell id"),
    ],
)
def test_what_is_no_named_matrix(tmp_path, value, message):
    with pytest.raises(AmuclError) as error:
        matrix(tmp_path, value)
    assert message in str(error.value)


@needs_shared
def test_the_published_counts():
    counts = named_matrix(read_rds(MIRROR / "singlecell" / "HumanEmbryo_RNAseqCounts.RDS"), "embryo", kinds=KINDS)
    assert counts.shape == (25155, 72)
    assert counts.loc["ENSG00000000419", "CL100078088_L01_502"] == 3691
    assert counts.to_numpy().dtype == np.int32
