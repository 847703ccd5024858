import pandas as pd
import pytest

from amucl.clustering.partition import (
    chosen_partition,
    known_partition,
    read_partition,
    read_subtype_table,
    write_partition,
)
from amucl.errors import AmuclError
from amucl.files import write_table

LABELS = pd.DataFrame({"k2": [1, 1, 2], "k3": [1, 2, 3]}, index=["01", "b", "c"])


def choice(k):
    return pd.DataFrame({"dataset": ["aml"], "method": ["dmacl"], "suggested_k": [k]})


def test_a_k_by_number_and_by_suggestion():
    assert list(chosen_partition(LABELS, "3")) == [1, 2, 3]
    assert list(chosen_partition(LABELS, "auto", choice(2))) == [1, 1, 2]


def test_one_cluster_and_unknown_k_are_told():
    with pytest.raises(AmuclError, match=r"aml dmacl: there are no subtypes.*name a k"):
        chosen_partition(LABELS, "auto", choice(1))
    with pytest.raises(AmuclError, match="no labels for this k; expected one of 2, 3; got 4"):
        chosen_partition(LABELS, 4)


def test_known_labels_without_the_unknown():
    known = pd.Series(["2", None, "10"], index=list("abc"))
    assert known_partition(known, "mine").to_dict() == {"a": 2, "c": 10}
    assert known_partition(pd.Series(["M3", "M1"], index=list("ab")), "mine").to_dict() == {"a": "M3", "b": "M1"}
    for nothing in (None, pd.Series([None, None], index=list("ab"))):
        with pytest.raises(AmuclError, match="mine: no known labels to explain"):
            known_partition(nothing, "mine")


@pytest.mark.parametrize("labels", [[1, 2, 10], ["M3", "NA", "x y"]])
def test_a_partition_comes_back_as_it_was(tmp_path, labels):
    partition = pd.Series(labels, index=pd.Index(["01", "b", "c"], name="sample"), name="subtype")
    write_partition(partition, tmp_path / "labels.tsv")
    pd.testing.assert_series_equal(read_partition(tmp_path / "labels.tsv"), partition)


def test_known_labels_that_look_like_numbers_stay_apart(tmp_path):
    for classes, kept in (
        (["01", "1", "2"], ["01", "1", "2"]),
        (["1", "2", "2b"], ["1", "2", "2b"]),
        (["1.0", "1", "2"], ["1.0", "1", "2"]),
        (["12345678901234567890", "1", "2"], ["12345678901234567890", "1", "2"]),
        (["20190312", "3", "10"], [20190312, 3, 10]),
    ):
        partition = known_partition(pd.Series(classes, index=["a", "b", "c"], dtype=object), "d")
        assert partition.tolist() == kept
        write_partition(partition, tmp_path / "labels.tsv")
        assert read_partition(tmp_path / "labels.tsv").tolist() == kept


def test_a_table_of_some_subtypes_names_them_as_the_partition_does(tmp_path):
    table = pd.DataFrame({"subtype": ["1", "2", None], "against": ["2", "1", "1"], "n": [1, 2, 3]})
    write_table(table, tmp_path / "t.tsv")
    text = pd.Series(["1", "2", "2b"], dtype=object)
    found = read_subtype_table(tmp_path / "t.tsv", text)
    assert found["subtype"].tolist()[:2] == ["1", "2"]
    assert found["subtype"].isna().tolist() == [False, False, True]
    assert found["against"].tolist() == ["2", "1", "1"]
    assert found["n"].tolist() == [1, 2, 3]
    write_table(table.assign(subtype="1.0"), tmp_path / "d.tsv")
    assert read_subtype_table(tmp_path / "d.tsv", text)["subtype"].tolist() == ["1.0"] * 3
    assert read_subtype_table(tmp_path / "t.tsv", pd.Series([1, 2]))["against"].tolist() == [2, 1, 1]
