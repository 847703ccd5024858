import numpy as np
import pandas as pd
import pytest

from amucl.clustering.common import common_coordinates
from amucl.cohort.cohort import assemble
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess

SAMPLES = [f"p{number}" for number in range(40)]


def cohort(lacking):
    """Two groups of 20 in both omics; the patients numbered in `lacking` have no second omic."""
    rng = np.random.default_rng(0)
    group = np.repeat([0, 4], 20)[:, None]
    tables = {
        "expression": pd.DataFrame(group + rng.normal(size=(40, 30)), index=SAMPLES).add_prefix("g"),
        "mirna": pd.DataFrame(group + rng.normal(size=(40, 30)), index=SAMPLES).add_prefix("m"),
    }
    tables["mirna"] = tables["mirna"].drop(index=[SAMPLES[number] for number in lacking])
    return preprocess(assemble(tables), Preprocessing(patients="partial", log2=False), dataset="toy").cohort


@pytest.mark.parametrize("lacking", [[], [0, 1, 25]])
def test_every_patient_has_a_place_near_the_own_group(lacking):
    found = common_coordinates(cohort(lacking))
    assert list(found.index) == SAMPLES
    first = found.iloc[:, 0].to_numpy()
    assert len({*np.sign(first[:20])}) == len({*np.sign(first[20:])}) == 1
    assert np.sign(first[0]) != np.sign(first[20])
    # An omic filled in from its neighbours pulls nobody to the middle.
    assert abs(first).min() > abs(first).max() / 2
