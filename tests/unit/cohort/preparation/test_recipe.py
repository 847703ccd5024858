"""New patients as the reference was prepared: from its recipe alone, patient by patient."""

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.cohort import about, analysis_matrix, assemble, matched_views, read_cohort, write_cohort
from amucl.cohort.preparation.depth import DepthScaling
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.preparation.recipe import OmicRecipe, prepare_new
from amucl.errors import AmuclError

GENES = [f"g{number:02d}" for number in range(30)]


def reads(n, prefix, seed):
    """Values to be logged: a level of each gene, the same in every cohort, and each patient's own noise."""
    level = np.random.default_rng(99).normal(6, 2, size=30)
    noise = np.random.default_rng(seed).normal(0, 0.7, size=(n, 30))
    return pd.DataFrame(2 ** (level + noise), index=[f"{prefix}{number}" for number in range(n)], columns=GENES)


def panel(n, prefix, seed):
    """Mutations, 0 or 1: with few patients many features are constant."""
    drawn = np.random.default_rng(seed).random((n, 12)) < 0.3
    index = [f"{prefix}{number}" for number in range(n)]
    return pd.DataFrame(drawn.astype(float), index=index, columns=[f"m{number}" for number in range(12)])


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """Omics that are not in the order of the alphabet; the first is logged, the second is not."""
    path = tmp_path_factory.mktemp("reference") / "ref.h5mu"
    tables = {"rna": reads(40, "r", 0), "mutation": panel(40, "r", 1)}
    write_cohort(preprocess(assemble(tables), Preprocessing(top_features=20), dataset="ref").cohort, path)
    return read_cohort(path)


def new_tables(n=9):
    return {"mutation": panel(n, "n", 3), "rna": reads(n, "n", 2)}


def values(made, omic):
    return made.cohort[omic].to_df()


@pytest.mark.situation(
    "a reference whose values were logged, a new cohort a little lower",
    right="logged as the reference was",
    before="not logged: 25 of 40 patients none, no warning",
)
def test_values_are_logged_as_the_reference_was_whatever_their_own_range(reference):
    tables = new_tables()
    tables["rna"] /= 50  # a 99th percentile below 100, which `auto` would not log
    made = prepare_new(assemble(tables), reference)
    np.testing.assert_allclose(values(made, "rna"), np.log2(tables["rna"] + 1), rtol=1e-6)
    np.testing.assert_array_equal(values(made, "mutation"), tables["mutation"])
    assert list(made.cohort.mod) == ["rna", "mutation"]
    assert about(made.cohort)["reference"] == "ref"
    assert made.cohort["rna"].var["selected"].equals(reference["rna"].var["selected"])


def test_what_the_new_cohort_says_of_its_own_values_goes_first_and_is_told(reference):
    logged = np.log2(reads(9, "n", 2) + 1)
    made = prepare_new(assemble({"rna": logged}), reference, log2={"rna": False})
    np.testing.assert_allclose(values(made, "rna"), logged, rtol=1e-6)
    assert [(note.source, note.what) for note in made.notes] == [
        ("mutation", "omic absent"),
        ("rna", "taken as logged"),
    ]
    centred = logged - logged.mean()
    with pytest.raises(AmuclError, match=r"new, rna, sample n0, feature g.*before log2.*set `log2` to false in the"):
        prepare_new(assemble({"rna": centred}), reference)


@pytest.mark.situation(
    "five new patients of one subtype, or one",
    right="placed as among many others",
    before="refused: constant features of the new cohort counted as absent",
)
def test_constant_and_rare_features_and_one_patient_are_enough(reference):
    many = prepare_new(assemble(new_tables()), reference)
    features = {omic: list(reference[omic].var_names) for omic in reference.mod}
    whole, samples, _ = matched_views(many.cohort, features)
    for number, sample in enumerate(samples):
        alone = {omic: table.loc[[sample]] for omic, table in new_tables().items()}
        made = prepare_new(assemble(alone), reference)
        views, names, found = matched_views(made.cohort, features)
        assert names == [sample]
        assert (found["n_found"] == found["n_features"]).all()
        for one, all_of_them in zip(views, whole, strict=True):
            np.testing.assert_array_equal(one[0], all_of_them[number])


def with_gaps():
    """Missing cells, two absent genes, a patient without mutations, one with hardly any gene, one gene too many."""
    tables = new_tables()
    rna = tables["rna"].drop(columns=["g03", "g17"]).assign(other=7.0)
    rna.iloc[0, 5] = rna.iloc[4, 5] = rna.iloc[4, 6] = np.nan
    rna.iloc[7, :25] = np.nan
    return {"rna": rna, "mutation": tables["mutation"].drop(index="n2")}


@pytest.mark.situation(
    "five new patients of one subtype, or one",
    right="placed as among many others",
    before="refused: constant features of the new cohort counted as absent",
)
def test_a_patients_values_do_not_depend_on_who_else_is_new(reference):
    tables = with_gaps()
    made = prepare_new(assemble(tables), reference)
    for chosen in (["n4"], ["n0", "n4", "n8"], ["n8", "n4"]):
        own = {omic: table.reindex(chosen).dropna(how="all") for omic, table in tables.items()}
        again = prepare_new(assemble(own), reference)
        np.testing.assert_array_equal(values(again, "rna").loc["n4"], values(made, "rna").loc["n4"])


def test_missing_values_are_those_of_the_nearest_reference_patients(reference):
    tables = with_gaps()
    made = prepare_new(assemble(tables), reference)
    own = np.log2(tables["rna"].loc["n4"].reindex(GENES) + 1)
    known = reference["rna"].to_df().astype(float)
    gaps = own.isna()
    assert set(own.index[gaps]) == {"g03", "g17", tables["rna"].columns[5], tables["rna"].columns[6]}
    nearest = ((known.loc[:, ~gaps] - own[~gaps]) ** 2).sum(axis=1).nsmallest(10).index
    np.testing.assert_allclose(values(made, "rna").loc["n4", gaps], known.loc[nearest].loc[:, gaps].mean(), rtol=1e-6)
    np.testing.assert_allclose(values(made, "rna").loc["n4", ~gaps], own[~gaps], rtol=1e-6)


def test_what_is_absent_is_counted(reference):
    made = prepare_new(assemble(with_gaps()), reference)
    features = {"rna": GENES, "mutation": list(reference["mutation"].var_names)}
    views, samples, found = matched_views(made.cohort, features)
    assert found.set_index("omic")["n_found"].to_dict() == {"rna": 28, "mutation": 12}
    assert sorted(samples) == [f"n{number}" for number in range(9)]
    lacking = {omic: [s for s, row in zip(samples, view, strict=True) if np.isnan(row).all()] for omic, view in
               zip(features, views, strict=True)}  # fmt: skip
    assert lacking == {"rna": ["n7"], "mutation": ["n2"]}
    notes = {note.what: note for note in made.notes}
    assert notes["patients without the omic"].note.startswith("n7: ")
    assert notes["features filled"].note.startswith("2 of the 30 features are absent, 3 more values are missing")
    assert notes["lack an omic"].n == 2
    dropped = made.ledger[made.ledger["status"] == "dropped"]
    assert dropped[["omic", "sample"]].to_numpy().tolist() == [["rna", "n7"]]
    # Templates see the genes that were measured only.
    assert list(analysis_matrix(made.cohort, "rna")) == [gene for gene in GENES if gene not in ("g03", "g17")]


def test_own_features_stay_for_templates(reference):
    other = reads(9, "n", 2).add_prefix("ENSG_")
    made = prepare_new(assemble({"rna": other, "mutation": panel(9, "n", 3)}), reference, own_features=["rna"])
    expected = np.log2(other + 1)
    pd.testing.assert_frame_equal(analysis_matrix(made.cohort, "rna"), expected, check_dtype=False, rtol=1e-6)
    with pytest.raises(AmuclError, match="rna has 0 of the 30 features that the model goes by"):
        matched_views(made.cohort, {"rna": GENES})


def test_ensembl_ids_of_another_release_are_the_same_genes():
    ids = [f"ENSG{number:011d}.{number % 3 + 1}" for number in range(30)]
    table = reads(20, "r", 0).set_axis(ids, axis=1)
    reference = preprocess(assemble({"rna": table}), Preprocessing(), dataset="ref").cohort
    new = reads(3, "n", 1).set_axis([name.split(".")[0] + ".9" for name in ids], axis=1)
    made = prepare_new(assemble({"rna": new}), reference)
    np.testing.assert_allclose(values(made, "rna"), np.log2(new + 1), rtol=1e-6)
    assert [(note.what, note.n) for note in made.notes] == [("feature ids matched", 30)]


def test_declared_counts_become_counts_per_million_where_the_reference_has_none(reference):
    counts = reads(3, "n", 1).round().mul([1, 10, 100], axis=0)
    made = prepare_new(assemble({"rna": counts}), reference, log2=True, counts=["rna"])
    expected = np.log2(counts.div(counts.sum(axis=1), axis=0) * 1e6 + 1)
    np.testing.assert_allclose(values(made, "rna"), expected, rtol=1e-6)
    assert "counts per million" in [note.what for note in made.notes]


def test_no_common_omic_is_refused(reference):
    with pytest.raises(AmuclError, match="new: no omic of ref; expected rna, mutation; got protein"):
        prepare_new(assemble({"protein": panel(3, "n", 0)}), reference)


def test_counts_are_scaled_by_the_references_library():
    rng = np.random.default_rng(0)
    counts = pd.DataFrame(rng.negative_binomial(5, 0.02, size=(30, 200)).astype(float)).add_prefix("g")
    scaling = DepthScaling.fit(counts)
    recipe = OmicRecipe(scaling.transform(counts), pd.DataFrame(index=counts.columns), True, scaling, "knn", 5)
    new = pd.DataFrame(rng.negative_binomial(5, 0.005, size=(4, 200)).astype(float), columns=counts.columns)
    expected = scaling.transform(new)
    pd.testing.assert_frame_equal(recipe.scaled(new.assign(other=3.0), counts.columns)[counts.columns], expected)
    half = new.iloc[:, :150]
    pd.testing.assert_frame_equal(recipe.scaled(half, half.columns), scaling.transform(half))
    for sample in new.index:
        alone = recipe.scaled(new.loc[[sample]], counts.columns)
        pd.testing.assert_frame_equal(alone, expected.loc[[sample]])
