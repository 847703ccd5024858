"""Raw counts in a cohort: recognised, filtered, scaled for depth, kept, and told."""

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score

from amucl.cohort.cohort import about, assemble, raw_counts, read_cohort, write_cohort
from amucl.cohort.preparation.counting import ExpressionFilter, are_raw_counts, counted_omics
from amucl.cohort.preparation.depth import DepthScaling
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.errors import AmuclError


def counts_of(n=40, p=400, seed=0, spread=0.5, subtypes=2, mean=4.0):
    """Negative binomial counts at different depths; a third of the genes follow the subtype."""
    rng = np.random.default_rng(seed)
    subtype = np.arange(n) % subtypes
    level = np.tile(np.exp(rng.normal(mean, 1.5, p)), (n, 1))
    for one in range(subtypes):
        level[np.ix_(subtype == one, np.arange(one, p, subtypes)[: p // 6])] *= 3
    level = level / level.sum(axis=1, keepdims=True) * level[0].sum() * rng.lognormal(0, spread, n)[:, None]
    drawn = rng.negative_binomial(6, 6 / (6 + level)).astype(float)
    table = pd.DataFrame(drawn, [f"P{i:02d}" for i in range(n)], [f"G{j}" for j in range(p)])
    return table, pd.Series(subtype, table.index)


def prepare(tables, clinical=None, **settings):
    raw = assemble(tables, clinical=clinical)
    return preprocess(raw, Preprocessing(**settings))


def step(result, name, omic):
    return result.steps[(result.steps["step"] == name) & (result.steps["omic"] == omic)].iloc[0]


def clusters(cohort, omic, k):
    embedding = PCA(k, random_state=0).fit_transform(cohort[omic].layers["normalized"])
    return KMeans(k, n_init=10, random_state=0).fit_predict(embedding)


@pytest.mark.parametrize("counts", ["auto", ["rna"]])
def test_the_clusters_of_counts_are_the_subtypes_and_not_the_depth(counts):
    table, subtype = counts_of()
    result = prepare({"rna": table}, counts=counts)
    assert adjusted_rand_score(subtype, clusters(result.cohort, "rna", 2)) == 1
    unscaled = prepare({"rna": table}, counts=None)
    assert adjusted_rand_score(subtype, clusters(unscaled.cohort, "rna", 2)) < 0.2, "this is what scaling is for"
    assert about(result.cohort)["counts"] == about(result.cohort)["log2"] == ["rna"]
    assert [note.what for note in result.notes] == ["recognised counts"] * (counts == "auto")


def test_the_steps_tell_what_was_filtered_and_which_depths_went_in():
    table, _ = counts_of()
    table[["G0", "G1"]] = 0.0
    table.loc[["P00", "P01"], "G1"] = 500.0
    result = prepare({"rna": table}, counts=["rna"])
    expressed, depth = step(result, "expressed", "rna"), step(result, "depth", "rna")
    assert expressed["features_in"] == 400
    assert not {"G0", "G1"} & set(result.cohort["rna"].var_names)
    assert expressed["features_out"] == depth["features_out"] == result.cohort["rna"].n_vars
    assert expressed["reason"] == "fewer than 3 patients have 10 counts at the median depth"
    reads = table.sum(axis=1)
    told = f"reads per patient {reads.min():,.0f} to {reads.max():,.0f}, median {reads.median():,.0f}"
    assert told in depth["reason"]
    kept = table[result.cohort["rna"].var_names]
    scaling = DepthScaling.fit(kept)
    factors = scaling.libraries(kept)["factor"]
    assert (
        f"TMM factors {factors.min():.3f} to {factors.max():.3f}, reference {scaling.reference_sample}"
        in depth["reason"]
    )
    np.testing.assert_allclose(result.cohort["rna"].X, scaling.transform(kept), rtol=1e-6)
    assert depth["values_changed"] == kept.size
    assert "log2" not in set(result.steps["step"])


def test_the_scaling_is_kept_and_gives_one_new_patient_the_same_values(tmp_path):
    table, _ = counts_of()
    result = prepare({"rna": table}, counts=["rna"])
    write_cohort(result.cohort, tmp_path / "cohort.h5mu")
    cohort = read_cohort(tmp_path / "cohort.h5mu")
    scaling = DepthScaling.from_dict(about(cohort)["depth"]["rna"])
    alone = scaling.transform(table.loc[["P07"]])
    np.testing.assert_allclose(alone, cohort["rna"].to_df().loc[["P07"], alone.columns], rtol=1e-6)


def test_raw_counts_are_kept_exactly(tmp_path):
    table, _ = counts_of()
    table.iloc[0, 3] = 2.0**24 + 1  # no float32
    result = prepare({"rna": table, "other": table * 0.1 - 50}, counts=["rna"])
    write_cohort(result.cohort, tmp_path / "cohort.h5mu")
    kept = raw_counts(read_cohort(tmp_path / "cohort.h5mu"), "rna")
    np.testing.assert_array_equal(kept, table.loc[kept.index, kept.columns])
    assert raw_counts(result.cohort, "other") is None


def test_a_missing_count_is_imputed_on_the_scale_and_as_many_as_that_stands_for():
    table, _ = counts_of()
    expected = table.iloc[5, 50]
    table.iloc[5, 50] = np.nan
    cohort = prepare({"rna": table}, counts=["rna"]).cohort
    counts, logged = raw_counts(cohort, "rna"), cohort["rna"].to_df()
    gene, sample = table.columns[50], table.index[5]
    kept = table[cohort["rna"].var_names]
    effective = DepthScaling.fit(kept).libraries(kept)["effective"]
    back = 2 ** logged.loc[sample, gene] / 1e6 * (effective[sample] + 1) - 0.5
    assert counts.loc[sample, gene] == pytest.approx(back, rel=1e-4)
    assert expected / 4 < back < expected * 4
    others = kept.drop(columns=gene)
    np.testing.assert_array_equal(counts[others.columns], others)


def test_the_order_of_patients_and_features_does_not_matter():
    table, _ = counts_of()
    expected = prepare({"rna": table}, counts=["rna"]).cohort["rna"].to_df()
    shuffled = table.sample(frac=1, random_state=1).sample(frac=1, axis=1, random_state=2)
    found = prepare({"rna": shuffled}, counts=["rna"]).cohort["rna"].to_df()
    np.testing.assert_allclose(found.loc[expected.index, expected.columns], expected, rtol=1e-6)


def test_reads_stand_beside_age():
    table, _ = counts_of()
    clinical = pd.DataFrame({"age": 50.0}, index=table.index)
    result = prepare({"rna": table}, clinical, counts=["rna"])
    np.testing.assert_array_equal(result.cohort.obs["reads"], table.sum(axis=1))
    assert about(result.cohort)["technical"] == ["reads"]
    both = prepare({"rna": table, "mirna": counts_of(seed=5)[0]}, clinical, counts="auto")
    assert about(both.cohort)["technical"] == ["reads_rna", "reads_mirna"]
    np.testing.assert_array_equal(both.cohort.obs["reads_mirna"], counts_of(seed=5)[0].sum(axis=1))
    own = clinical.assign(reads="theirs")
    mine = prepare({"rna": table}, own, counts=["rna"]).cohort
    assert (mine.obs["reads"] == "theirs").all()
    assert about(mine)["technical"] == ["cohort_reads"]
    none = prepare({"rna": np.log2(table + 1)}, clinical).cohort
    assert about(none)["technical"] == about(none)["counts"] == []
    assert list(none.obs) == ["patient", "age"]


def test_patients_without_the_omic_have_no_reads():
    table, _ = counts_of()
    other = np.log2(table + 1).rename(index={"P39": "late"})
    cohort = prepare({"rna": table, "other": other}, counts=["rna"], patients="partial").cohort
    assert cohort.obs["reads"].isna().to_dict() == {name: name == "late" for name in cohort.obs_names}


def normalised(kind):
    table, _ = counts_of()
    rng, levels = np.random.default_rng(1), np.log2(table.mean() + 1).to_numpy()
    return {
        "mutations": (table > 100).astype(float),
        "copy number": (table % 5) - 2,
        "ranks": table.rank(axis=1, method="first"),
        "per million": table.div(table.sum(axis=1), axis=0) * 1e6,
        "per million, rounded": (table.div(table.sum(axis=1), axis=0) * 1e6).round(),
        "logarithms": np.log2(table + 1),
        "expected counts": table * 0.97,
        "intensities": (table + 1) * 100_000,
        "codes": (table > 100) * 5000.0,
        "array, rounded": pd.DataFrame(2 ** (levels + rng.normal(0, 0.5, table.shape))).round(),
        "nothing known": table * np.nan,
    }[kind]


NO_COUNTS = (
    "mutations", "copy number", "ranks", "per million", "per million, rounded", "logarithms", "expected counts",
    "intensities", "codes", "array, rounded", "nothing known",
)  # fmt: skip


@pytest.mark.parametrize("kind", NO_COUNTS)
def test_what_is_not_taken_for_raw_counts(kind):
    assert not are_raw_counts(normalised(kind).to_numpy())


def test_what_is_taken_for_raw_counts():
    table, _ = counts_of()
    assert are_raw_counts(table.to_numpy())
    table.iloc[3, 4] = np.nan
    assert are_raw_counts(table.to_numpy())
    assert are_raw_counts(counts_of(n=3)[0].to_numpy())


def test_counts_can_be_declined_and_that_is_told():
    table, _ = counts_of()
    found, (note,) = counted_omics({"rna": table}, "auto")
    assert found == ["rna"]
    assert "`[]` for none" in note.note
    for declined in ({"counts": []}, {"counts": "auto", "log2": {"rna": False}}):
        result = prepare({"rna": table}, **declined)
        assert about(result.cohort)["counts"] == []
        (note,) = result.notes
        assert (note.source, note.what) == ("rna", "depth not scaled")
        assert "looks like raw counts" in note.note
    assert prepare({"rna": table}, counts=None).notes == []


def test_values_of_unlike_depth_that_are_no_whole_numbers_are_told():
    table, _ = counts_of()
    _, (note,) = counted_omics({"rna": table * 0.97, "log": np.log2(table + 1)}, "auto")
    assert (note.source, note.what) == ("rna", "depth not scaled")
    assert "`counts`" in note.note
    even = table.div(table.sum(axis=1), axis=0) * 1e6
    assert counted_omics({"rna": even}, "auto") == ([], [])


def test_declared_counts_of_unlikely_values():
    table, _ = counts_of()
    assert counted_omics({"rna": table}, ["rna"]) == (["rna"], [])
    found, (note,) = counted_omics({"rna": table * 0.97}, ["rna"])
    assert (found, note.what) == (["rna"], "fractions among counts")
    _, (note,) = counted_omics({"rna": table.div(table.sum(axis=1), axis=0) * 1e6}, ["rna"])
    assert note.what == "counts of one depth"
    with pytest.raises(AmuclError, match=r"^rna: declared as counts but looks like logarithms; expected raw counts"):
        counted_omics({"rna": np.log2(table + 1)}, ["rna"])
    with pytest.raises(AmuclError, match="names an unknown omic; expected rna; got dna"):
        counted_omics({"rna": table}, ["dna"])
    with pytest.raises(AmuclError, match=r"^sample P00, feature G0: a negative count"):
        prepare({"rna": table - 1e6}, counts=["rna"])
    table.loc["P03"] = 0
    with pytest.raises(AmuclError, match=r"^sample P03: a sample without a single count"):
        prepare({"rna": table}, counts=["rna"])


def test_the_filter_is_filter_by_exprs_at_the_median_depth():
    table = pd.DataFrame(0.0, [f"P{i}" for i in range(20)], ["often", "thrice", "twice", "rest"])
    table.loc[["P0", "P1", "P2"], "often"] = [41, 10, 11]
    table.loc[["P3", "P1", "P2"], "thrice"] = [10, 10, 11]
    table.loc[["P0", "P1", "P2"], "twice"] = [39, 10, 11]
    depths = np.where(table.index == "P0", 4e5, 1e5)  # P0 is four times as deep: it must have 40
    table["rest"] = depths - table.sum(axis=1)
    assert ExpressionFilter().keep(table).tolist() == [True, True, False, True]
    assert ExpressionFilter(min_patients=2).keep(table).tolist() == [True, True, False, True], "never fewer than 3"
    assert ExpressionFilter(min_patients=4).keep(table).tolist() == [False, False, False, True]
    assert ExpressionFilter(min_patients=0.2).keep(table).tolist() == [False, False, False, True]
    assert ExpressionFilter(min_count=0).keep(table).all()
    assert ExpressionFilter().keep(table.iloc[:1]).all()
    assert ExpressionFilter().needed(100) == 5
    assert ExpressionFilter(min_patients=50).needed(20) == 20
