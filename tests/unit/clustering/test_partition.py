import pandas as pd
import pytest

from amucl.clustering.partition import chosen_partition, known_partition, read_partition, write_partition
from amucl.errors import AmuclError

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
