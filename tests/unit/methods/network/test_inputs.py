import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import pdist
from sklearn.preprocessing import MaxAbsScaler, StandardScaler

from amucl.errors import AmuclError
from amucl.methods.network.inputs import InputMap, OmicMap, fit_input_map


def cohort(sizes=(40, 25), n=30, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(n, p)) * rng.uniform(0.1, 9, p) + rng.normal(size=p) for p in sizes]


def fitted(views, normalization="zscore", rotate=True):
    return fit_input_map(views, normalization, rotate=rotate, rng=np.random.default_rng(0))


def test_zscored_omics_have_equal_total_variance():
    views = cohort()
    blocks = fitted(views)(views)
    for block, view in zip(blocks, views, strict=True):
        expected = StandardScaler().fit_transform(view) * np.sqrt(65 / (2 * view.shape[1]))
        np.testing.assert_allclose(block, expected, atol=1e-5)
        assert block.dtype == np.float32
        assert block.var(axis=0).sum() == pytest.approx(65 / 2, rel=1e-5)


def test_maximum_is_that_of_each_feature():
    views = cohort()
    for block, view in zip(fitted(views, "max")(views), views, strict=True):
        np.testing.assert_allclose(block, MaxAbsScaler().fit_transform(view), atol=1e-6)


@pytest.mark.parametrize(("normalization", "value"), [("zscore", 0.1), ("max", 0)])
def test_features_without_variance_are_zero(normalization, value):
    views = [np.hstack([cohort()[0], np.full((30, 1), value)])]
    assert (fitted(views, normalization)(views)[0][:, -1] == 0).all()


def test_rotation_keeps_distances_and_length_and_evens_the_axes():
    views = cohort((2000, 25))
    plain, rotated = fitted(views, rotate=False), fitted(views)
    assert (plain.sizes, rotated.sizes) == ([2000, 25], [29, 25])
    wide, narrow = plain(views)[0].astype(float), rotated(views)[0].astype(float)
    ratio = pdist(narrow) / pdist(wide)
    np.testing.assert_allclose(ratio, np.sqrt((29 + 25) / 2025), rtol=1e-4)
    assert narrow.var(axis=0).max() < 3 * narrow.var(axis=0).mean()


def test_new_patients_are_normalised_as_the_cohort_was():
    views = cohort((2000, 25))
    known = fitted(views)
    for block, alone in zip(known(views), known([view[3:4] for view in views]), strict=True):
        np.testing.assert_allclose(alone, block[3:4], atol=1e-5)
    again = InputMap.from_arrays(known.arrays())
    for block, other in zip(known(views), again(views), strict=True):
        np.testing.assert_array_equal(block, other)


def test_a_missing_omic_is_zero_and_not_counted():
    views = cohort((2000, 25))
    complete = [view[5:] for view in views]
    views[0][:5] = np.nan
    blocks = fitted(views)(views)
    assert (blocks[0][:5] == 0).all()
    assert not (blocks[1][:5] == 0).any()
    np.testing.assert_allclose(pdist(blocks[0][5:]), pdist(fitted(complete)(complete)[0]), rtol=1e-3)


def test_other_omics_are_refused():
    with pytest.raises(AmuclError, match="expected 2: omic 1, omic 2; got 1"):
        fitted(cohort())(cohort()[:1])


def two_omics():
    """Centres 1, 2 and 3 of rna, 10 and 20 of protein; nothing is scaled."""
    centres = {"rna": np.array([1.0, 2, 3]), "protein": np.array([10.0, 20])}
    names = {"rna": ["a", "b", "c"], "protein": ["x", "y"]}
    return InputMap([OmicMap(centre, np.ones(len(centre))) for centre in centres.values()], names)


def test_a_feature_that_a_patient_lacks_is_at_the_mean_and_an_omic_stays_missing():
    nan = np.nan
    rna, protein = two_omics().filled(
        [np.array([[5.0, nan, 7], [nan] * 3, [4, 5, 6]]), np.array([[1, 2], [nan, 8], [nan] * 2])]
    )
    np.testing.assert_array_equal(rna, [[5, 2, 7], [nan, nan, nan], [4, 5, 6]])
    np.testing.assert_array_equal(protein, [[1, 2], [10, 8], [nan, nan]])


def test_omics_are_arranged_by_name():
    inputs = two_omics()
    frame = pd.DataFrame([[1.0, 2, 3, 4]], columns=["c", "other", "a", "b"])
    rna, protein = inputs.arranged({"protein": np.array([[8.0, 9]]), "rna": frame})
    assert rna.tolist() == [[3, 4, 1]]
    assert protein.tolist() == [[8, 9]]
    rna, protein = inputs.arranged({"rna": frame})
    assert rna.tolist() == [[3, 4, 1]]
    assert np.isnan(protein).all()
    assert protein.shape == (1, 2)
    for views, got in (({"mirna": frame}, "got mirna"), ({}, "got none"), ({"rna": frame, "x": frame}, "got x")):
        with pytest.raises(AmuclError, match=f"not those the model was trained on; expected rna, protein; {got}"):
            inputs.arranged(views)
    with pytest.raises(AmuclError, match=r"rna lacks 2 of the 3 features .* got b, c"):
        inputs.arranged({"rna": frame[["a"]]})
    with pytest.raises(AmuclError, match="trained without names of omics"):
        InputMap(inputs.omics).arranged({"rna": frame})
