"""A small prepared cohort with planted subtypes, as the tests of this folder need it."""

from functools import cache

import pandas as pd

from amucl.cohort.cohort import assemble
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.simulation.simulator import SimulatedCohort, Simulation, simulate


@cache
def simulated_cohort() -> SimulatedCohort:
    return simulate(Simulation(n_samples=60, n_clusters=3, effect=2.5, n_genes=200, n_sites=100, n_mirnas=40))


def prepared(omics=("expression", "methylation", "mirna"), counts=None):
    """The cohort with some of its omics, patients who lack one kept, and the planted subtypes."""
    drawn = simulated_cohort()
    tables = {omic: drawn.omics[omic].T for omic in omics}
    raw = assemble(tables, clinical=drawn.clinical)
    cohort = preprocess(raw, Preprocessing(patients="partial", truth="subtype", counts=counts)).cohort
    return cohort, pd.Series(drawn.clinical["subtype"]).loc[list(cohort.obs_names)]
