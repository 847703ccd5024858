import numpy as np
import pandas as pd
import pytest
from scipy.stats import entropy

from amucl.clustering.collapse import TRUST_COLUMNS, duplicated_share, effective_rank, trust_table
from amucl.clustering.indices import silhouette
from amucl.errors import AmuclError

SAMPLES = pd.Index([f"S{i:02d}" for i in range(60)], name="sample")
TRUTH = np.repeat([1, 2, 3], 20)


def frame(columns):
    return pd.DataFrame(columns, index=SAMPLES)


def clouds(groups, generator, spread=1.0, n_dimensions=6):
    """Points around 3 centres 6 apart and more."""
    return 6 * np.eye(3, n_dimensions)[groups - 1] + spread * generator.normal(size=(len(groups), n_dimensions))


@pytest.fixture
def inputs():
    """A method that found the three groups of the data, as did k-means in the common space."""
    generator = np.random.default_rng(0)
    labels = frame({"k3": TRUTH})
    return {
        "dataset": "toy",
        "method": "good",
        "embedding": frame(clouds(TRUTH, generator)),
        "common": frame(clouds(TRUTH, generator)),
        "labels": labels,
        "reference": labels,
        "seed": 3,
    }


def only_row(inputs, **changes):
    (row,) = trust_table(**inputs | changes).to_dict("records")
    return row


@pytest.fixture
def collapsed(inputs):
    """Three tight balls that have nothing to do with the data."""
    generator = np.random.default_rng(1)
    groups = generator.permutation(TRUTH)
    return inputs | {"embedding": frame(clouds(groups, generator, 0.3)), "labels": frame({"k3": groups})}


def test_effective_rank_is_the_definition():
    X = np.random.default_rng(0).normal(size=(30, 5)) * [1, 2, 3, 4, 5] + 9
    singular = np.sqrt(np.linalg.eigvalsh(np.cov(X.T)))  # up to a common factor
    assert effective_rank(X) == pytest.approx(np.exp(entropy(singular)), abs=1e-10)


@pytest.mark.parametrize("d", [1, 2, 7])
def test_effective_rank_counts_equal_directions(d):
    ball = np.vstack([np.eye(d), -np.eye(d)])
    assert effective_rank(np.hstack([ball, np.full((2 * d, 3), 0.1)])) == pytest.approx(d)


def test_effective_rank_does_not_depend_on_place_scale_or_rotation():
    generator = np.random.default_rng(2)
    X = generator.normal(size=(40, 4)) * [1, 2, 5, 9]
    turn = np.linalg.qr(generator.normal(size=(4, 4)))[0]
    assert effective_rank(100 + 1e-3 * X @ turn) == pytest.approx(effective_rank(X), abs=1e-8)


def test_one_point_has_no_rank_and_is_all_duplicates():
    X = np.full((7, 3), 0.1)
    assert np.isnan(effective_rank(X))
    assert duplicated_share(X) == 1


def test_duplicates_are_counted():
    X = np.random.default_rng(0).normal(size=(20, 4))
    X[1], X[2], X[3] = X[0], X[0], X[10] + 1e-6
    assert duplicated_share(X) == pytest.approx(5 / 20)


def test_duplicates_do_not_depend_on_place_or_scale():
    X = np.random.default_rng(0).normal(size=(20, 4))
    X[3] = X[10] + 1e-6
    assert duplicated_share(1e5 + 1e-4 * X) == pytest.approx(2 / 20)


def test_distinct_samples_are_no_duplicates_though_many():
    assert duplicated_share(np.random.default_rng(0).normal(size=(2000, 2))) < 0.01


def test_most_samples_near_one_point_are_duplicates_of_one_another():
    generator = np.random.default_rng(0)
    X = 1e-6 * generator.normal(size=(50, 3))
    X[:10] += generator.normal(size=(10, 3))
    assert duplicated_share(X) == pytest.approx(40 / 50)


def test_clusters_that_the_data_confirm_draw_no_warning(inputs):
    row = only_row(inputs)
    assert list(row) == TRUST_COLUMNS
    assert (row["dataset"], row["method"], row["k"], row["n"], row["n_dimensions"]) == ("toy", "good", 3, 60, 6)
    assert row["effective_rank"] == effective_rank(inputs["embedding"])
    assert row["duplicated_share"] == 0
    assert row["silhouette_embedding"] == silhouette(inputs["embedding"], TRUTH)
    assert row["silhouette_common"] == row["silhouette_reference"] == silhouette(inputs["common"], TRUTH)
    assert row["transfer"] == 1
    assert row["warning"] == ""


def test_structure_that_the_data_do_not_confirm_is_a_collapse(collapsed):
    row = only_row(collapsed)
    assert row["silhouette_embedding"] > 0.8
    assert abs(row["transfer"]) < 0.1
    shown = f"silhouette {row['silhouette_embedding']:.2f} in the own space, but transfer {row['transfer']:.2f}"
    assert row["warning"] == f"collapsed: {shown}"


def test_clusters_without_structure_of_their_own_are_unconfirmed_too(inputs):
    """A few samples of each group moved to others' clusters until little of the data is left; no compact own space."""
    generator = np.random.default_rng(4)
    groups = np.where(generator.random(60) < 0.75, generator.permutation(TRUTH), TRUTH)
    noise = frame(generator.normal(size=(60, 5)))
    row = only_row(inputs, embedding=noise, labels=frame({"k3": groups}))
    assert row["silhouette_embedding"] < 0.25
    assert 0 < row["transfer"] < 0.25
    assert row["warning"] == f"unconfirmed: transfer {row['transfer']:.2f}"


def test_transfer_is_the_share_of_the_way_from_random_to_the_reference(collapsed):
    groups = TRUTH.copy()
    groups[:12] = [2, 3] * 6  # most of one group is lost
    row = only_row(collapsed, labels=frame({"k3": groups}), n_permutations=2000)
    generator = np.random.default_rng(9)
    null = np.mean([silhouette(collapsed["common"], generator.permutation(groups)) for _ in range(2000)])
    best = silhouette(collapsed["common"], TRUTH)
    expected = (silhouette(collapsed["common"], groups) - null) / (best - null)
    assert 0.1 < expected < 0.9
    assert row["transfer"] == pytest.approx(expected, abs=2e-3)


def test_random_partitions_come_from_the_seed(collapsed):
    transfers = [only_row(collapsed, seed=seed)["transfer"] for seed in (1, 1, 2)]
    assert transfers[0] == transfers[1] != transfers[2]


def test_random_clusters_that_claim_little_are_called_chance(inputs):
    generator = np.random.default_rng(4)
    row = only_row(
        inputs, embedding=frame(generator.normal(size=(60, 6))), labels=frame({"k3": generator.permutation(TRUTH)})
    )
    assert row["silhouette_embedding"] < 0.25
    assert row["warning"].startswith("chance: ")


def test_a_line_is_a_doubt_unless_the_data_confirm_it(inputs, collapsed):
    thin = 0.2 * np.random.default_rng(5).normal(size=(60, 2))
    line = frame(np.column_stack([6 * TRUTH, np.zeros(60)]) + thin)
    assert effective_rank(line) < 1.3
    assert only_row(inputs, embedding=line)["warning"] == ""
    wrong = frame(np.column_stack([6 * collapsed["labels"]["k3"], np.zeros(60)]) + thin)
    warning = only_row(collapsed, embedding=wrong)["warning"]
    assert "collapsed: " in warning
    assert f"line: effective rank {effective_rank(wrong):.2f} of 2 dimensions" in warning
    assert "line" not in only_row(collapsed, embedding=wrong[[0]])["warning"]  # one dimension cannot be but a line


def test_duplicated_points_are_told(inputs):
    row = only_row(inputs, embedding=frame(np.eye(3)[TRUTH - 1]))
    assert row["duplicated_share"] == 1
    assert row["silhouette_embedding"] == 1
    assert row["warning"] == "duplicates: 100% of the samples lie on another"


@pytest.mark.parametrize("labels", [np.ones(60, dtype=int), np.arange(60)])
def test_no_silhouette_is_nan_with_a_word(inputs, labels):
    row = only_row(inputs, labels=frame({"k3": labels}))
    assert np.isnan([row["silhouette_embedding"], row["silhouette_common"], row["transfer"]]).all()
    assert "undefined: one cluster, or each sample its own" in row["warning"]
    assert ("fewer clusters: 1" in row["warning"]) == (labels.max() == 1)


def test_identical_points_are_nan_with_a_word(inputs):
    row = only_row(inputs, embedding=frame(np.ones((60, 4))))
    assert np.isnan(row["effective_rank"])
    assert row["silhouette_embedding"] == 0
    assert row["warning"] == "duplicates: 100% of the samples lie on another"


def test_without_data_the_own_space_is_all_there_is(collapsed):
    row = only_row(collapsed, common=None, reference=None)
    assert row["silhouette_embedding"] > 0.8
    assert np.isnan([row["silhouette_common"], row["silhouette_reference"], row["transfer"]]).all()
    assert row["warning"] == "unchecked: no common space"


def test_without_reference_clusters_there_is_no_transfer(inputs):
    two = frame({"k2": np.minimum(TRUTH, 2)})
    for reference in (None, two):
        row = only_row(inputs, reference=reference)
        assert np.isnan(row["transfer"])
        assert row["silhouette_common"] > 0.5
        assert row["warning"] == "unchecked: the common space shows no clusters to compare with"


def test_a_reference_that_only_sets_an_outlier_apart_is_none(inputs):
    common = inputs["common"].copy()
    common.iloc[0] += 1000
    reference = frame({"k3": 1 + (np.arange(60) == 0)})
    row = only_row(inputs, common=common, reference=reference)
    assert row["silhouette_reference"] > 0.95
    assert np.isnan(row["transfer"])
    assert row["warning"] == "unchecked: the common space shows no clusters to compare with"


def test_one_row_for_each_k_whatever_the_order_of_the_samples(inputs):
    labels = frame({"k3": TRUTH, "k2": np.maximum(TRUTH, 2)})
    inputs |= {"reference": frame({"k2": np.minimum(TRUTH, 2), "k3": TRUTH})}
    expected = trust_table(**inputs | {"labels": labels})
    assert list(expected["k"]) == [3, 2]
    shuffled = {name: inputs[name].sample(frac=1, random_state=5) for name in ("embedding", "common", "reference")}
    found = trust_table(**inputs | shuffled | {"labels": labels})
    pd.testing.assert_frame_equal(found, expected, rtol=1e-12)
    alone = trust_table(**inputs | {"labels": labels[["k2"]]})
    pd.testing.assert_frame_equal(alone, expected.iloc[[1]].reset_index(drop=True))


def test_bad_input_names_the_sample(inputs):
    broken = inputs["embedding"].copy()
    broken.iloc[7, 2] = np.inf
    with pytest.raises(AmuclError, match="sample S07: the embedding has missing or infinite values"):
        trust_table(**inputs | {"embedding": broken})
    renamed = inputs["reference"].rename({"S03": "X03"})
    with pytest.raises(AmuclError, match=r"reference labels: .* 1 missing \(S03\), 1 too many \(X03\)"):
        trust_table(**inputs | {"reference": renamed})
