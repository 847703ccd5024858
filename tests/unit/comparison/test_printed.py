from amucl.clustering.scores import is_published
from amucl.comparison.peers import DATASETS
from amucl.comparison.printed import PRINTED, PRINTED_METHOD, printed_metrics


def test_printed_numbers_stand_under_the_names_of_this_run():
    found = printed_metrics({"cells": "singlecell", "mine": "", "heterogeneous_10": "heterogeneous_10"})
    assert set(found["dataset"]) == {"cells", "heterogeneous_10"}
    assert is_published(PRINTED_METHOD)
    assert set(found["method"]) == {PRINTED_METHOD}
    assert set(found["space"]) == {"embedding"}
    cells = found[found["dataset"] == "cells"].set_index("metric")["value"].to_dict()
    assert cells == {"c_index": 0.002, "silhouette": 0.801, "davies_bouldin": 0.38}
    assert found.set_index("dataset").at["heterogeneous_10", "value"] == 0.022
    assert printed_metrics({"aml": "aml"}).empty


def test_they_are_of_known_datasets_at_their_own_k():
    assert set(PRINTED) <= set(DATASETS)
    assert all(k == int(name.split("_")[1]) for name, (k, _) in PRINTED.items() if "_" in name)
