"""Values that need care: counts of different depth."""

import pandas as pd
import pytest

from tests.cases.cohorts import counts, groups, names
from tests.cases.own import Own


@pytest.mark.situation(
    "raw counts whose depth differs (log-normal, sd .35), declared or not",
    right="ARI as of counts per million",
    before="ARI .01 (pca): the clusters are the depth, P 2e-11",
)
@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("method", ["pca", "snf", "dmacl"])
def test_counts_of_different_depth(tmp_path, now, declared, method):
    labels = groups(60, 3)
    reads = counts(labels, 2000, seed=1, depth_sd=0.35)
    reads.T.rename_axis("gene").to_csv(tmp_path / "counts.tsv", sep="\t")
    clinical = pd.DataFrame({"subtype": names(labels)}, index=reads.index.rename("sample"))
    clinical.to_csv(tmp_path / "clinical.tsv", sep="\t")
    entry = {"omics": {"expression": "counts.tsv"}, "clinical": "clinical.tsv", "truth": "subtype", "n_clusters": 3}
    own = Own(tmp_path, entry | ({"counts": ["expression"]} if declared else {}))
    agreement = own.ari(method=method, k=3)
    now(f"{method}, {'declared' if declared else 'not declared'}: ARI {agreement:.2f}")
    assert agreement > (0.8 if method == "dmacl" else 0.95)
    assert "reads" in own.cohort.obs
    tests = own.clinic(3, method)["clinical"].set_index("column")
    assert tests.at["reads", "p_asymptotic"] > 0.01
    assert ("counts" in "\n".join(own.notes.values())) or declared
