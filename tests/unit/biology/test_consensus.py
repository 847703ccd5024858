import numpy as np
import pandas as pd
import pytest

from amucl.biology.consensus import CONSENSUS_COLUMNS, aligned_to, consensus_markers
from amucl.biology.differential import subtype_markers
from amucl.errors import AmuclError
from tests.unit.biology import limma
from tests.unit.biology.test_differential import simulated


def test_renamed_clusters_get_their_names_back():
    _, labels = simulated()
    renamed = labels.map({"a": 3, "b": 1, "c": 2})
    assert (aligned_to(labels, renamed) == labels).all()
    moved = renamed.copy()
    moved.iloc[:3] = 1
    found = aligned_to(labels, moved.sample(frac=1, random_state=0))
    assert (found[labels.index] == labels).sum() == 27


def test_a_cluster_without_a_partner_is_missing():
    _, labels = simulated()
    finer = labels.copy()
    finer.iloc[:3] = "new"
    found = aligned_to(labels, finer)
    assert found.iloc[:3].isna().all()
    assert (found.iloc[3:] == labels.iloc[3:]).all()
    with pytest.raises(AmuclError, match="share no sample"):
        aligned_to(labels, labels.add_prefix("other "))


def test_markers_that_stay_and_markers_that_go():
    expression, labels = simulated()
    rng = np.random.default_rng(0)
    same = labels.map({"a": 2, "b": 3, "c": 1})
    shuffled = pd.Series(rng.permutation(labels), index=labels.index)
    table = consensus_markers(expression, labels, [same, same, same, shuffled])
    assert list(table.columns) == CONSENSUS_COLUMNS
    planted = (
        table[(table["subtype"] == "a") & (table["direction"] == "up")].set_index("gene").loc[expression.columns[:10]]
    )
    assert (planted["n_runs"] == 4).all()
    assert planted["frequency"].between(0.75, 1).all()
    assert (planted["frequency"] == 0.75).sum() >= 5, "chance labels have no markers"
    assert 0.75 < planted["overlap"].iloc[0] < 0.9
    markers = subtype_markers(expression, labels)
    assert len(table) == (markers["adj.P.Val"] < 0.05).sum()


def test_a_gene_that_changes_its_direction_does_not_stay():
    expression, labels = simulated()
    two = labels.replace("c", "b")
    swapped = two.map({"a": "b", "b": "a"})
    table = consensus_markers(expression, two, [swapped])
    assert (table["frequency"] == 1).all(), "only the names were exchanged"
    flipped = consensus_markers(-expression, two, [two])
    assert set(flipped.loc[flipped["subtype"] == "a", "direction"]) == {"down"}


def test_variances_follow_the_mean_where_asked():
    expression, labels = limma.expression(), limma.subtypes()
    table = consensus_markers(expression, labels, [labels], trend=True)
    markers = subtype_markers(expression, labels, trend=True)
    found = markers[markers["adj.P.Val"] < 0.05].reset_index(drop=True)
    pd.testing.assert_frame_equal(table[["gene", "adj.P.Val"]], found[["gene", "adj.P.Val"]])
    assert (table["frequency"] == 1).all()


def test_nothing_to_compare_with_is_told():
    with pytest.raises(AmuclError, match="no other run"):
        consensus_markers(*simulated(), [])


def test_a_run_of_one_cluster_has_no_markers():
    expression, labels = simulated()
    table = consensus_markers(expression, labels, [labels, pd.Series(1, index=labels.index)])
    assert (table["frequency"] == 0.5).all()


def test_markers_are_of_the_size_and_by_the_test_that_are_named():
    expression, labels = simulated()
    table = consensus_markers(expression, labels, [labels], alpha=0.01, min_logfc=1.5)
    markers = subtype_markers(expression, labels)
    found = markers[(markers["adj.P.Val"] < 0.01) & (markers["logFC"].abs() > 1.5)]
    assert table["gene"].tolist() == found["gene"].tolist()
    assert set(table["test"]) == {"moderated t"}
    assert set(consensus_markers(expression, labels, [labels], test="another")["test"]) == {"another"}
