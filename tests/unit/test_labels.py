import numpy as np
import pandas as pd
import pytest

from amucl.errors import AmuclError
from amucl.files import write_table
from amucl.labels import (
    canonical_labels,
    canonical_partitions,
    encode_labels,
    labels_table,
    missing_labels,
    read_labels,
)


def test_largest_cluster_first_and_ties_by_first_sample():
    assert canonical_labels([7, 0, 7, 3, 3, 0, 3]).tolist() == [2, 3, 2, 1, 1, 3, 1]


def test_many_equal_clusters_keep_their_order():
    labels = np.random.default_rng(0).permutation(np.repeat(np.arange(50), 2))
    _, first = np.unique(canonical_labels(labels), return_index=True)
    assert (np.diff(first) > 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_names_depend_on_the_partition_alone(seed):
    generator = np.random.default_rng(seed)
    labels = generator.integers(5, size=30)
    expected = canonical_labels(labels)
    np.testing.assert_array_equal(canonical_labels(generator.permutation(5)[labels]), expected)
    np.testing.assert_array_equal(canonical_labels(np.array(list("vwxyz"))[labels]), expected)
    np.testing.assert_array_equal(canonical_labels(expected), expected)
    sizes = np.bincount(expected)[1:]
    assert (np.diff(sizes) <= 0).all()
    assert len(set(zip(labels, expected, strict=True))) == len(set(labels)) == len(sizes)


def test_missing_labels_of_every_kind():
    labels = ["a", "", None, np.nan, " ", 0, False, pd.NA]
    assert missing_labels(labels).tolist() == [False, True, True, True, True, False, False, True]
    assert missing_labels(pd.Categorical(["a", None])).tolist() == [False, True]


def test_encoded_by_first_sample():
    assert encode_labels(["b", "a", "b"], 3).tolist() == [0, 1, 0]


def test_many_missing_labels_are_counted_and_the_first_named():
    with pytest.raises(AmuclError, match=r"position 0, 1, 2 and 4 more \(from 0\): 7 of 9 labels are missing"):
        encode_labels([None] * 7 + [1, 2], 9)


def test_table_goes_through_a_file_unchanged(tmp_path):
    table = labels_table({10: [3, 1, 2], 2: [1, 2, 1]}, ["001", "NA", "c"])
    assert list(table.columns) == ["sample", "k2", "k10"]
    write_table(table, tmp_path / "labels.tsv")
    found = read_labels(tmp_path / "labels.tsv")
    pd.testing.assert_frame_equal(found, table.set_index("sample"))
    assert found["k10"].tolist() == [3, 1, 2]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sample\tk2\na\t1\nb\t\n", r"column k2, sample b: 1 labels are missing or not an integer.*got ''"),
        ("sample\tk2\na\tnan\nb\t1\n", r"column k2, sample a: .*got 'nan'"),
        ("sample\tk2\tk3\na\t1\t1\nb\t2\t1.5\n", r"column k3, sample b: .*expected an integer per sample; got '1\.5'"),
        ("sample\tk2\na\t1\nb\t1\na\t2\n", "duplicate samples; got a; keep one row"),
        ("sample\tk2\na\t1\n \t1\n", "samples without a name; got line 3"),
        ("sample\tk2\n", "no samples"),
        ("sample\n", "wrong columns; expected sample, k2, k3, ...; got sample"),
        ("id\tk2\na\t1\n", "wrong columns; .*got id, k2"),
        ("sample\tcluster\na\t1\n", "wrong columns; .*got sample, cluster"),
        ("", "not a table"),
        ("sample\tk2\na\t1\nb\t1\t2\t3\n", "not a table.*line 3"),
    ],
)
def test_bad_file(tmp_path, text, message):
    path = tmp_path / "labels.tsv"
    path.write_text(text)
    with pytest.raises(AmuclError, match=message) as error:
        read_labels(path)
    assert str(error.value).startswith(str(path))


def test_missing_file(tmp_path):
    with pytest.raises(AmuclError, match=r"labels\.tsv: file does not exist"):
        read_labels(tmp_path / "labels.tsv")


def test_canonical_labels_of_many_partitions():
    partitions = np.random.default_rng(0).integers(0, 4, size=(30, 12))
    expected = np.array([canonical_labels(labels) for labels in partitions])
    np.testing.assert_array_equal(canonical_partitions(partitions), expected)
