import numpy as np
import pandas as pd

from amucl.biology.correction import benjamini_hochberg, bonferroni

P = pd.Series([0.01, np.nan, 0.04, 0.03, 0.9], index=list("abcde"))


def test_bonferroni_counts_tests_not_rows():
    np.testing.assert_allclose(bonferroni(P), [0.04, np.nan, 0.16, 0.12, 1.0])


def test_benjamini_hochberg_by_hand():
    # Sorted .01 .03 .04 .9 times 4 / rank: .04 .06 .0533 .9, then the running minimum from the right.
    np.testing.assert_allclose(benjamini_hochberg(P), [0.04, np.nan, 0.16 / 3, 0.16 / 3, 0.9])


def test_nothing_tested():
    nothing = pd.Series([np.nan, np.nan])
    assert benjamini_hochberg(nothing).isna().all()
    assert bonferroni(nothing).isna().all()
