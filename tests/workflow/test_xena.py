"""A TCGA cohort of the Xena hub, from a mirror laid out as the hub is to the cohort."""

import numpy as np
import pytest

from amucl.cohort.cohort import about, read_cohort
from amucl.files import read_table
from tests.workflow.runner import Checkout
from tests.xena import FOLDER, TABLES, write_hub


@pytest.fixture(scope="module")
def luad(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hub")
    tables = write_hub(folder / "mirror", patients=9)
    checkout = Checkout(
        folder / "repository",
        {"datasets": {"luad": {"top_probes": 5}}, "mirror": str(folder / "mirror"), "biology": []},
    )
    checkout.tables = tables
    checkout.printed = checkout.snakemake("--", "results/luad/cohort.h5mu")
    return checkout


def test_the_files_of_the_mirror_become_the_cohort(luad):
    cohort = read_cohort(luad.path("luad/cohort.h5mu"))
    assert len(cohort.obs) == 12  # patients with all three omics
    assert cohort.obs.loc["TCGA-05-0001-01", ["os_time", "os_event"]].to_list() == [121, 1]
    assert {omic: cohort[omic].n_vars for omic in TABLES} == {"expression": 7, "methylation": 5, "mirna": 8}
    written = luad.tables["expression"].loc["KRAS", list(cohort["expression"].obs_names)]
    np.testing.assert_allclose(cohort["expression"][:, "KRAS"].X.ravel(), written, rtol=1e-6)  # not logged again
    names = [file["name"] for file in about(cohort)["files"]]
    assert names == [
        *(f"results/downloads/{FOLDER}/{table}.gz" for table in TABLES.values()),
        f"results/downloads/{FOLDER}/LUAD_clinicalMatrix",
        "results/downloads/xena/survival/LUAD_survival.txt",
    ]


def test_the_account_begins_with_the_files(luad):
    steps = read_table(luad.path("luad/preprocessing.tsv")).query("omic == 'methylation'").set_index("step")
    assert steps.loc["read", "features_in"] == 12
    assert steps.loc["missing_probes", ["features_in", "features_out"]].to_list() == [12, 11]
    assert steps.loc["top_probes", "features_out"] == 5
    ledger = read_table(luad.path("luad/samples.tsv"))
    assert ledger["omic"].value_counts().to_dict() == {omic: table.shape[1] for omic, table in luad.tables.items()}


def test_another_number_of_probes_reads_the_cohort_again(luad):
    config = {"datasets": {"luad": {"top_probes": 6}}, "mirror": str(luad.folder.parent / "mirror"), "biology": []}
    luad.configure(config)
    printed = luad.snakemake("--dry-run", "--", "results/luad/cohort.h5mu")
    assert "Preparing the cohort luad" in printed
    assert "Fetching" not in printed
