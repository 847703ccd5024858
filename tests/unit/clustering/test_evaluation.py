import numpy as np
import pandas as pd
import pytest

from amucl.clustering.evaluation import evaluate
from amucl.clustering.indices import silhouette
from amucl.clustering.kmeans import kmeans_restarts, labels_over_k

N = 60
SAMPLES = pd.Index([f"S{i}" for i in range(N)], name="sample")
TRUTH = pd.Series(np.repeat(["a", "b", "c"], 20), index=SAMPLES)


def frame(values):
    return pd.DataFrame(values, index=SAMPLES)


@pytest.fixture
def inputs():
    """Data of three groups, and an embedding whose own three groups mean nothing in them."""
    rng = np.random.default_rng(0)
    centres = 6 * np.eye(3)
    common = frame(centres[TRUTH.factorize()[0]] + rng.normal(size=(N, 3)))
    embedding = frame(centres[rng.permutation(TRUTH.factorize()[0])] + 0.1 * rng.normal(size=(N, 3)))
    restarts = kmeans_restarts(embedding, [2, 3], n_restarts=20, seed=1)
    return {
        "dataset": "toy",
        "method": "bad",
        "seed": 1,
        "embedding": embedding,
        "common": common,
        "labels": labels_over_k(restarts, SAMPLES),
        "restarts": restarts,
        "truth": TRUTH,
    }


def test_a_collapse_is_warned_of_in_every_table_that_speaks_of_the_own_space(inputs):
    found = evaluate(**inputs)
    trust = found.trust.set_index("k")
    assert trust.at[3, "silhouette_embedding"] > 0.8
    assert trust.at[3, "warning"].startswith("collapsed: ")
    warned = found.metrics.dropna(subset="warning")
    assert set(warned["space"]) == {"embedding"}
    assert set(warned.loc[warned["k"] == 3, "warning"]) == {trust.at[3, "warning"]}
    assert found.metrics.query("k == 3 and metric == 'ari'")["value"].item() < 0.2


def test_the_kept_clusters_are_among_the_restarts(inputs):
    found = evaluate(**inputs)
    own = found.metrics.query("k == 3 and metric == 'silhouette' and space == 'common'")["value"].item()
    row = found.restarts.query("k == 3 and metric == 'silhouette' and space == 'common'").iloc[0]
    assert row["best"] >= own
    assert row["n_restarts"] == 20


def test_a_method_without_restarts_has_none(inputs):
    found = evaluate(**inputs | {"restarts": {}})
    assert found.restarts.empty
    assert list(found.restarts) == list(evaluate(**inputs).restarts)


def test_without_the_data_and_the_truth_the_own_space_is_all_there_is(inputs):
    found = evaluate(**inputs | {"common": None, "truth": None})
    assert set(found.metrics["space"]) == set(found.restarts["space"]) == {"embedding"}
    assert found.trust["warning"].str.contains("unchecked: no common space").all()


def test_a_methods_own_doubts_join_the_warnings(inputs):
    plain, doubted = evaluate(**inputs), evaluate(**inputs, doubts={3: "unsolved", 9: "elsewhere"})
    before, after = (found.trust.set_index("k")["warning"] for found in (plain, doubted))
    assert after[3] == "; ".join(filter(None, ["unsolved", before[3]]))
    pd.testing.assert_series_equal(after.drop(3), before.drop(3))
    own = doubted.metrics.query("k == 3 and space == 'embedding'")["warning"]
    assert (own == after[3]).all()


def test_samples_may_stand_in_any_order(inputs):
    expected = evaluate(**inputs)
    rng = np.random.default_rng(3)
    turned = {name: inputs[name].iloc[rng.permutation(N)] for name in ("embedding", "common", "truth")}
    found = evaluate(**inputs | turned)
    pd.testing.assert_frame_equal(found.metrics, expected.metrics, rtol=1e-9)
    pd.testing.assert_frame_equal(found.restarts, expected.restarts, rtol=1e-9)


def test_a_single_known_label_tells_nothing(inputs):
    found = evaluate(**inputs | {"truth": TRUTH.where(SAMPLES == "S3")})
    assert "truth" not in set(found.metrics["space"])


def test_the_reference_is_the_best_that_the_common_space_holds(inputs):
    trust = evaluate(**inputs).trust.set_index("k")
    planted = silhouette(inputs["common"], TRUTH)
    assert trust.at[3, "silhouette_reference"] == pytest.approx(planted, abs=0.01)
