"""Depth scaling against edgeR and limma (`tests/oracles/edger_tmm.R`), and what must hold for any counts."""

import json

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.preparation.depth import DepthScaling, tmm_factor
from amucl.errors import AmuclError
from tests.shared import REPOSITORY

ORACLES = REPOSITORY / "tests" / "oracles"
FACTORS = pd.read_csv(ORACLES / "edger_tmm_factors.tsv", sep="\t")


def oracle(name):
    """Samples x genes."""
    return pd.read_csv(ORACLES / f"edger_tmm_{name}.tsv.gz", sep="\t", index_col="gene").T.astype(float)


def drawn(n=8, p=300, seed=0, spread=0.5):
    rng = np.random.default_rng(seed)
    expected = np.exp(rng.normal(4, 1.5, p)) * rng.lognormal(0, spread, n)[:, None]
    counts = rng.negative_binomial(5, 5 / (5 + expected)).astype(float)
    return pd.DataFrame(counts, [f"P{i}" for i in range(n)], [f"G{i}" for i in range(p)])


@pytest.mark.parametrize("name", ["bulk", "fractions", "sparse", "zeros"])
def test_factors_are_edgers(name):
    counts = oracle(name)
    expected = FACTORS[FACTORS["set"] == name].set_index("sample")["factor"]
    found = DepthScaling.fit(counts).libraries(counts)
    np.testing.assert_allclose(found["factor"], expected.loc[counts.index], rtol=1e-9)
    np.testing.assert_allclose(found["reads"], counts.sum(axis=1), rtol=1e-12)
    np.testing.assert_allclose(np.log(found["factor"]).sum(), 0, atol=1e-9)


def test_log_counts_per_million_are_vooms():
    counts = oracle("bulk")
    np.testing.assert_allclose(DepthScaling.fit(counts).transform(counts), oracle("voom"), rtol=1e-9)


def test_upper_quartiles_of_nothing_leave_the_richest_library_as_reference():
    counts = oracle("zeros")
    assert (counts.loc[:, (counts > 0).any()].quantile(0.75, axis=1) == 0).sum() * 2 > len(counts)
    assert DepthScaling.fit(counts).reference_sample == np.sqrt(counts).sum(axis=1).idxmax()


def test_each_patient_is_scaled_alone():
    counts = drawn()
    scaling = DepthScaling.fit(counts)
    together = scaling.transform(counts)
    for sample in counts.index:
        pd.testing.assert_frame_equal(scaling.transform(counts.loc[[sample]]), together.loc[[sample]])
    later = drawn(seed=0, n=8).set_index(pd.Index([f"new{i}" for i in range(8)]))
    np.testing.assert_array_equal(scaling.transform(later), together)


def test_the_order_of_patients_and_genes_does_not_matter():
    counts = drawn()
    expected = DepthScaling.fit(counts).transform(counts)
    shuffled = counts.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=2)
    scaling = DepthScaling.fit(shuffled)
    np.testing.assert_allclose(scaling.transform(counts).loc[counts.index, counts.columns], expected, rtol=1e-12)
    again = DepthScaling.fit(counts).transform(shuffled)
    assert list(again.columns) == list(counts.columns)
    np.testing.assert_allclose(again.loc[counts.index], expected, rtol=1e-12)


def test_a_library_sequenced_three_times_as_deep_has_the_same_values():
    counts = drawn()
    plain, deeper = counts.copy(), counts.copy()
    deeper.iloc[2] *= 3
    scaling = DepthScaling.fit(plain)
    before, after = scaling.transform(plain), scaling.transform(deeper)
    large = (plain.iloc[2] >= 20).to_numpy()
    assert large.sum() > 100
    assert np.abs(after.iloc[2] - before.iloc[2])[large].max() < 0.05
    assert np.abs(np.log2(deeper.iloc[2] + 1) - np.log2(plain.iloc[2] + 1))[large].min() > 1.4
    refitted = DepthScaling.fit(deeper).transform(deeper)
    shift = refitted - before - (refitted - before).to_numpy()[:, large].mean()
    assert np.abs(shift.to_numpy()[:, large]).max() < 0.05


def test_a_few_genes_that_take_the_reads_are_given_back():
    """Half of the reads of one patient go to five genes; beside the other patients the rest must not look halved."""
    counts = drawn(spread=0.1)
    taken = counts.copy()
    taken.iloc[0, :5] = counts.iloc[0].sum() / 5
    before, after = (DepthScaling.fit(table).transform(table).iloc[:, 5:] for table in (counts, taken))
    moved = (after - before).median(axis=1)
    assert abs(moved["P0"] - moved.drop("P0").mean()) < 0.25
    plain = np.log2(counts.sum(axis=1) / taken.sum(axis=1))
    assert plain["P0"] - plain.drop("P0").mean() < -0.9


def test_features_that_a_new_patient_lacks_leave_the_others_as_they_were():
    counts = drawn(p=600)
    scaling = DepthScaling.fit(counts)
    whole, part = scaling.transform(counts), scaling.transform(counts.iloc[:, ::2])
    assert list(part.columns) == list(counts.columns[::2])
    assert np.abs(part - whole[part.columns]).to_numpy().max() < 0.25
    unknown = counts.copy()
    unknown.iloc[:, 1::2] = np.nan
    np.testing.assert_allclose(scaling.transform(unknown)[part.columns], part, rtol=1e-12)
    stranger = counts.assign(other=1e9)
    pd.testing.assert_frame_equal(scaling.transform(stranger), whole)


def test_what_is_missing_stays_missing():
    counts = drawn()
    counts.iloc[3, 7] = np.nan
    scaled = DepthScaling.fit(counts).transform(counts)
    assert np.argwhere(scaled.isna().to_numpy()).tolist() == [[3, 7]]


def test_a_panel_of_few_features_goes_by_library_sizes():
    counts = drawn(p=15)
    scaling = DepthScaling.fit(counts)
    assert not scaling.by_features
    found = scaling.libraries(counts)
    assert (found["factor"] == 1).all()
    np.testing.assert_array_equal(found["effective"], counts.sum(axis=1))
    assert DepthScaling.fit(drawn(p=40)).by_features


def test_one_patient():
    counts = drawn(n=1)
    found = DepthScaling.fit(counts)
    assert found.libraries(counts)["factor"].tolist() == [1.0]
    expected = np.log2((counts + 0.5) / (counts.sum(axis=1).iloc[0] + 1) * 1e6)
    np.testing.assert_allclose(found.transform(counts), expected, rtol=1e-12)


def test_it_is_kept_as_plain_values():
    counts = drawn()
    counts.iloc[:, 4] = np.nan
    scaling = DepthScaling.fit(counts)
    kept = DepthScaling.from_dict(json.loads(json.dumps(scaling.to_dict())))
    pd.testing.assert_frame_equal(kept.transform(counts), scaling.transform(counts))


def test_counts_come_back_from_the_scale():
    counts = drawn()
    scaling = DepthScaling.fit(counts)
    back = scaling.counts(scaling.transform(counts), scaling.libraries(counts)["effective"])
    np.testing.assert_allclose(back, counts, atol=1e-6)


@pytest.mark.parametrize("row", [0.0, np.nan])
def test_a_patient_without_a_count_is_named(row):
    counts = drawn()
    scaling = DepthScaling.fit(counts)
    counts.loc["P2"] = row
    for use in (DepthScaling.fit, scaling.transform):
        with pytest.raises(
            AmuclError, match=r"^sample P2: a sample without a single count; expected raw counts; leave it"
        ):
            use(counts)


def test_negative_counts_are_named():
    counts = drawn()
    scaling = DepthScaling.fit(counts)
    counts.loc["P2", "G7"] = -3
    for use in (DepthScaling.fit, scaling.transform):
        with pytest.raises(
            AmuclError, match=r"^sample P2, feature G7: a negative count; expected counts.*got -3; leave"
        ):
            use(counts)


def test_libraries_with_nothing_in_common_have_no_factor():
    one, other = np.repeat([5.0, 0.0], 50), np.repeat([0.0, 5.0], 50)
    assert np.isnan(tmm_factor(one, other))
    assert tmm_factor(one, one) == 1
