import numpy as np
import pandas as pd
import pytest

from amucl.clustering.choice import COLUMNS, suggest_k
from amucl.clustering.kmeans import kmeans_restarts, labels_over_k
from amucl.clustering.stability import stability_table


def table(**columns):
    """A stability table of k = 1..6 in which everything says 3, but for what is given."""
    clear = {
        "dataset": "D",
        "method": "M",
        "k": [1, 2, 3, 4, 5, 6],
        "n": 100,
        "min_cluster": [100, 40, 25, 12, 9, 8],
        "ari_mean": [np.nan, 0.7, 0.97, 0.8, 0.6, 0.5],
        "pac": [np.nan, 0.3, 0.02, 0.2, 0.3, 0.3],
        "pac_null": [np.nan, 0.5, 0.5, 0.45, 0.4, 0.4],
        "gap": [0.2, 0.3, 0.9, 0.8, 0.7, 0.6],
        "gap_se": 0.02,
        "eigengap": [0.01, 0.1, 0.5, 0.05, 0.02, 0.01],
        "prediction_index": [np.nan, 0.6, 0.95, 0.7, 0.5, 0.4],
        "status": ["one_cluster", *["ok"] * 5],
    }
    return pd.DataFrame(clear | columns)


def suggestion(**columns):
    return suggest_k(table(**columns)).iloc[0]


def test_all_agree():
    found = suggest_k(table())
    assert list(found.columns) == COLUMNS
    assert found.loc[0, ["dataset", "method", "suggested_k", "confidence"]].tolist() == ["D", "M", 3, "high"]
    assert found.loc[0, "votes"] == "ari: 3, pac: 3, gap: 3, eigengap: 3, prediction: 3"
    assert found.loc[0, "evidence"].startswith("5 of 5 criteria say 3 (agreement between subsamples, consensus of")
    assert "ARI 0.97" in found.loc[0, "evidence"]
    assert "PAC 0.02, without clusters 0.50" in found.loc[0, "evidence"]
    assert "Warning" not in found.loc[0, "evidence"]


def test_order_of_rows_does_not_matter():
    pd.testing.assert_frame_equal(suggest_k(table()), suggest_k(table().iloc[::-1]))


def test_largest_of_equally_stable():
    found = suggestion(
        ari_mean=[np.nan, 1, 1, 0.96, 0.94, 0.5],
        pac=[np.nan, 0.1, 0.02, 0.01, 0.02, 0.02],  # pac_null - pac is .40, .48, .44, .38, .38
        prediction_index=[np.nan, 0.9, 0.8, 0.885, 0.87, 0.3],
    )
    assert found["votes"] == "ari: 4, pac: 4, gap: 3, eigengap: 3, prediction: 4"
    assert (found["suggested_k"], found["confidence"]) == (4, "moderate")
    assert "against it: gap statistic says 3, eigengap says 3." in found["evidence"]


def test_tie_goes_to_the_larger_gap():
    found = suggestion(
        ari_mean=[np.nan, 0.5, 0.6, 0.9, 0.6, 0.5],
        pac=[np.nan, 0.3, 0.3, 0.01, 0.3, 0.3],
        eigengap=[0, 0, 0, 0, 0.2, 0],
    )
    assert found["votes"] == "ari: 4, pac: 4, gap: 3, eigengap: 5, prediction: 3"
    assert (found["suggested_k"], found["confidence"]) == (3, "low")


def test_tiny_clusters_are_no_candidates():
    sizes = [100, 40, 4, 12, 9, 8]
    found = suggestion(min_cluster=sizes)
    assert (found["suggested_k"], found["confidence"]) == (4, "moderate")
    assert found["evidence"].endswith(
        "Not considered, for a cluster of very few samples: 3. If such clusters are wanted, 3 has most votes."
    )
    others = suggestion(min_cluster=[100, 40, 25, 12, 4, 1])
    assert (others["suggested_k"], others["confidence"]) == (3, "high")
    assert others["evidence"].endswith("Not considered, for a cluster of very few samples: 5, 6.")
    assert suggestion(min_cluster=[100, 40, 5, 5, 5, 5])["suggested_k"] == 3
    assert suggestion(n=1000, min_cluster=[1000, 40, 29, 31, 30, 30])["suggested_k"] == 4


def test_tiny_clusters_everywhere():
    found = suggestion(min_cluster=[100, 1, 1, 1, 1, 1])
    assert (found["suggested_k"], found["confidence"]) == (3, "low")
    assert found["evidence"].endswith("look for outliers.")


def test_no_clusters():
    found = suggestion(gap=[0.9, 0.85, 0.83, 0.8, 0.7, 0.6], pac=[np.nan, 0.6, 0.45, 0.6, 0.6, 0.6])
    assert (found["suggested_k"], found["confidence"]) == (1, "moderate")
    assert found["evidence"].startswith("Warning: nothing here is better than no clusters.")
    assert "(3, the best of them, has PAC 0.45 against 0.50; 0 is best)" in found["evidence"]


def test_no_clusters_is_not_sure_where_they_are_somewhat_steadier():
    found = suggestion(gap=[0.9, 0.85, 0.83, 0.8, 0.7, 0.6], pac=[np.nan, 0.6, 0.3, 0.6, 0.6, 0.6])
    assert (found["suggested_k"], found["confidence"]) == (1, "low")


def test_no_better_than_the_null():
    found = suggestion(pac=[np.nan, 0.6, 0.45, 0.6, 0.6, 0.6])
    assert (found["suggested_k"], found["confidence"]) == (3, "low")
    assert "Warning: one cloud without clusters splits as steadily" in found["evidence"]


def test_a_steadier_number_is_not_told_to_be_none():
    """The gap says 1 and the k of most votes is no steadier than chance, but another one is."""
    found = suggestion(gap=[0.9, 0.85, 0.83, 0.8, 0.7, 0.6], pac=[np.nan, 0.6, 0.45, 0.1, 0.6, 0.6])
    assert found["votes"] == "ari: 3, pac: 4, gap: 1, eigengap: 3, prediction: 3"
    assert (found["suggested_k"], found["confidence"]) == (4, "low")
    assert "PAC 0.10, without clusters 0.45" in found["evidence"]
    assert found["evidence"].endswith("Warning: by the gap statistic there are no clusters.")


@pytest.mark.parametrize(
    "doubt",
    [
        "collapsed: silhouette 0.90 in the own space, but transfer 0.10",
        "unconfirmed: transfer 0.10",
        "line: effective rank 1.20 of 8 dimensions; chance: no more compact",
        "duplicates: 90% of the samples lie on another",
    ],
)
def test_doubts_of_the_collapse_guard(doubt):
    found = suggest_k(table(), {2: "", 3: doubt}).iloc[0]
    assert (found["suggested_k"], found["confidence"]) == (3, "low")
    assert found["evidence"].endswith(f" Warning: the data do not confirm what this embedding shows ({doubt}).")
    assert found["votes"] == suggestion()["votes"]


def test_lesser_doubts_are_told_only():
    found = suggest_k(table(), {3: "unchecked: no common space"}).iloc[0]
    assert (found["suggested_k"], found["confidence"]) == (3, "high")
    assert found["evidence"].endswith("0 is best). Note: unchecked: no common space.")
    line = suggest_k(table(), {3: "line: effective rank 1.20 of 8 dimensions"}).loc[0]
    assert line["confidence"] == "high"


@pytest.mark.parametrize("doubts", [None, {}, {2: "collapsed", 4: "chance"}, {3: ""}, {3: np.nan}])
def test_doubts_of_other_numbers_do_not_matter(doubts):
    pd.testing.assert_frame_equal(suggest_k(table(), doubts), suggest_k(table()))


def test_any_value_may_be_missing():
    columns = ["ari_mean", "pac", "pac_null", "gap", "eigengap", "prediction_index"]
    rng = np.random.default_rng(0)
    for _ in range(200):
        holes = table()
        holes[columns] = holes[columns].mask(rng.random((6, 6)) < rng.random())
        found = suggest_k(holes).iloc[0]
        assert found["confidence"] in ("high", "moderate", "low", "none")
        assert pd.isna(found["suggested_k"]) == (found["confidence"] == "none")


@pytest.mark.parametrize(("n", "k"), [(2, 2), (7, 6)])
def test_too_few_samples(n, k):
    labels = pd.DataFrame({f"k{k}": np.arange(n) % k})
    points = pd.DataFrame(np.random.default_rng(0).normal(size=(n, 3)))
    stability = stability_table(dataset="D", method="M", embedding=points, labels=labels)
    found = suggest_k(stability).loc[0]
    assert found["confidence"] == "none"
    assert found["evidence"].endswith(f"k = {k}: too few samples.")


def test_gap_against_the_others():
    found = suggestion(gap=[0.9, 0.85, 0.83, 0.8, 0.7, 0.6])
    assert (found["suggested_k"], found["confidence"]) == (3, "low")
    assert found["votes"] == "ari: 3, pac: 3, gap: 1, eigengap: 3, prediction: 3"
    assert found["evidence"].endswith("Warning: by the gap statistic there are no clusters.")


def test_the_largest_tried_is_not_sure():
    found = suggest_k(table().query("k <= 3")).iloc[0]
    assert (found["suggested_k"], found["confidence"]) == (3, "moderate")
    assert found["evidence"].endswith("It is the largest number tried: there may be more clusters.")
    only = suggest_k(table().query("k in (1, 3)")).iloc[0]
    assert (only["suggested_k"], only["confidence"]) == (3, "low")
    assert only["evidence"].endswith("No other number was compared.")


def test_unstable_is_not_sure():
    found = suggestion(ari_mean=[np.nan, 0.5, 0.75, 0.6, 0.5, 0.4])
    assert (found["suggested_k"], found["confidence"]) == (3, "moderate")
    assert "come back only in part" in found["evidence"]


def test_no_null_is_known_for_an_affinity():
    found = suggestion(pac_null=np.nan)
    assert (found["suggested_k"], found["confidence"]) == (3, "moderate")
    assert "without clusters" not in found["evidence"]
    assert suggestion(pac_null=np.nan, pac=[np.nan, 0.5, 0.4, 0.36, 0.3, 0.1])["votes"].split(", ")[1] == "pac: 6"


def test_criteria_without_values_do_not_vote():
    found = suggestion(prediction_index=np.nan, gap=np.nan, gap_se=np.nan)
    assert found["votes"] == "ari: 3, pac: 3, eigengap: 3"
    assert (found["suggested_k"], found["confidence"]) == (3, "moderate")
    part = table()
    part.loc[2, ["ari_mean", "pac", "gap", "eigengap", "prediction_index"]] = np.nan
    assert suggest_k(part).loc[0, "suggested_k"] == 4


def test_nothing_to_judge():
    status = ["one_cluster", *["only_1_different_samples"] * 5]
    nothing = dict.fromkeys(["ari_mean", "pac", "pac_null", "gap", "eigengap", "prediction_index"], np.nan)
    found = suggestion(**nothing, status=status)
    assert pd.isna(found["suggested_k"])
    assert (found["confidence"], found["votes"]) == ("none", "")
    assert found["evidence"].startswith("No number of clusters could be judged: k = 2: only 1 different samples; k = 3")


@pytest.mark.parametrize("k", [2, 5])
def test_planted_clusters(k):
    truth = np.arange(80) % k
    X = np.random.default_rng(k).normal(size=(80, 8)) + 5 * np.eye(8)[truth]
    found = suggest_k(judged(X)).loc[0]
    assert (found["suggested_k"], found["confidence"]) == (k, "high")


@pytest.mark.parametrize("d", [8, 80])
def test_noise_has_no_clusters(d):
    noise = np.random.default_rng(3).normal(size=(100, d))
    assert suggest_k(judged(noise)).loc[0, "suggested_k"] == 1


def test_planted_clusters_of_many_dimensions():
    truth = np.arange(120) % 4
    X = np.random.default_rng(1).normal(size=(120, 119)) + 4.5 * np.eye(119)[truth]
    assert suggest_k(judged(X)).loc[0, "suggested_k"] == 4


def test_collapsed_embedding():
    labels = pd.DataFrame({"k2": np.arange(20) % 2, "k3": np.arange(20) % 3})
    stability = stability_table(dataset="D", method="M", embedding=pd.DataFrame(np.ones((20, 3))), labels=labels)
    assert suggest_k(stability).loc[0, "confidence"] == "none"


def judged(X):
    labels = labels_over_k(kmeans_restarts(X, range(2, 7), n_restarts=10, seed=0), range(len(X)))
    return stability_table(dataset="D", method="M", embedding=pd.DataFrame(X), labels=labels, n_draws=30)
