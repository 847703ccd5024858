"""New patients in a run: omics that are not in the order of the alphabet, and cohorts that are only placed."""

import numpy as np
import pandas as pd
import pytest

from amucl.files import read_matrix, read_table
from tests.workflow.runner import Checkout

OMICS = {"rna": "a_rna", "methylation": "b_methylation"}  # as the user names them, and so that they are sorted


def write_tables(folder, name, n, seed):
    """Two omics of 40 features each; a subtype's modules stand elsewhere in the second than in the first."""
    rng = np.random.default_rng(seed)
    groups = np.arange(n) % 3
    samples = pd.Index([f"{name}{number:02d}" for number in range(n)], name="sample")
    for omic, level, shift in (("rna", 8, 0), ("methylation", 0, 1)):
        values = rng.normal(level, 0.7, size=(n, 40))
        for group in range(3):
            values[np.ix_(groups == (group + shift) % 3, np.arange(group, 40, 3))] += 2
        table = pd.DataFrame(values.round(3), index=samples).add_prefix(omic)
        table.T.rename_axis("feature").to_csv(folder / f"{name}_{omic}.tsv", sep="\t")
        table.head(1).T.rename_axis("feature").to_csv(folder / f"{name}one_{omic}.tsv", sep="\t")
    pd.DataFrame({"subtype": [f"S{group}" for group in groups]}, index=samples).to_csv(folder / f"{name}.tsv", sep="\t")
    return pd.Series(groups, index=samples)


def dataset(name, named, **changed):
    omics = {called if named else omic: f"{name}_{omic}.tsv" for omic, called in OMICS.items()}
    return {"source": "files", "omics": omics, **changed}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    known = {"clinical": "ref.tsv", "truth": "subtype", "n_clusters": 3}
    config = {
        "datasets": {
            "ref": dataset("ref", False, **known),
            "new": dataset("new", False),
            "one": dataset("newone", False),
            "refabc": dataset("ref", True, **known),
            "newabc": dataset("new", True),
        },
        "methods": ["dmacl"],
        "method_settings": {"dmacl": {"epochs": 60, "n_restarts": 2, "d_model": 16, "n_heads": 4}},
        "k": [3],
        "kmeans_restarts": 10,
        "biology": [],
        "predict": [
            {"dataset": "ref", "cohort": "new"},
            {"dataset": "ref", "cohort": "one"},
            {"dataset": "refabc", "cohort": "newabc"},
        ],
    }
    checkout = Checkout(tmp_path_factory.mktemp("new patients") / "repository", config)
    checkout.groups = {name: write_tables(checkout.folder, name, n, n) for name, n in (("ref", 48), ("new", 30))}
    # YAML of the test's own: the runner's would put the omics in order.
    lines = (checkout.folder / "mine.yaml").read_text(encoding="utf-8").splitlines()
    for at in [number for number, line in enumerate(lines) if line.strip().startswith("methylation:")]:
        lines[at : at + 2] = lines[at : at + 2][::-1]
    (checkout.folder / "mine.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    checkout.planned = checkout.snakemake("-n")
    targets = [
        f"{name}/dmacl/{file}" for name in ("ref", "refabc") for file in ("evidence.tsv", "k3/contributions.tsv")
    ]
    targets += [f"ref/dmacl/k3/predicted_{cohort}.tsv" for cohort in ("new", "one")]
    checkout.snakemake("--", *[f"results/{target}" for target in [*targets, "refabc/dmacl/k3/predicted_newabc.tsv"]])
    return checkout


@pytest.mark.situation(
    "omics written as {rna, methylation}; new patients predicted",
    right="as with sorted names; every patient placed right",
    before="0 of 60 placed right, no word; of unequal width explain and evidence ended the run",
)
def test_values_are_as_with_sorted_names(run):
    assert run.path("ref/cohort.h5mu").exists()
    pairs = {
        "evidence.tsv": "evidence.tsv",
        "k3/contributions.tsv": "k3/contributions.tsv",
        "k3/predicted_new.tsv": "k3/predicted_newabc.tsv",
        "k3/predicted_new_features.tsv": "k3/predicted_newabc_features.tsv",
        "k3/predicted_new_shift.tsv": "k3/predicted_newabc_shift.tsv",
    }
    for own, other in pairs.items():
        ours, theirs = (read_table(run.path(f"{path}")) for path in (f"ref/dmacl/{own}", f"refabc/dmacl/{other}"))
        pd.testing.assert_frame_equal(ours.replace(OMICS), theirs)
    evidence = read_table(run.path("ref/dmacl/evidence.tsv"))
    assert list(evidence.loc[evidence["part"] == "omic", "name"]) == ["rna", "methylation"]


@pytest.mark.situation(
    "omics written as {rna, methylation}; new patients predicted",
    right="as with sorted names; every patient placed right",
    before="0 of 60 placed right, no word; of unequal width explain and evidence ended the run",
)
def test_every_patient_is_given_the_right_subtype(run):
    labels = read_matrix(run.path("ref/dmacl/labels.tsv"))["k3"]
    named = run.groups["ref"].groupby(labels).agg(lambda groups: groups.mode().item())
    found = read_matrix(run.path("ref/dmacl/k3/predicted_new.tsv"))
    assert (found["nearest"].map(named) == run.groups["new"]).all()
    one = read_matrix(run.path("ref/dmacl/k3/predicted_one.tsv"))
    pd.testing.assert_frame_equal(one, found.head(1), check_dtype=False)


@pytest.mark.situation(
    "omics written as {rna, methylation}; new patients predicted",
    right="as with sorted names; every patient placed right",
    before="0 of 60 placed right, no word; of unequal width explain and evidence ended the run",
)
def test_a_subtype_goes_by_its_own_features_of_each_omic(run):
    labels = read_matrix(run.path("ref/dmacl/labels.tsv"))["k3"]
    named = run.groups["ref"].groupby(labels).agg(lambda groups: groups.mode().item())
    table = read_table(run.path("ref/dmacl/k3/contributions.tsv"))
    top = table[table["rank"] <= 10]
    number = top["feature"].str.extract(r"(\d+)$")[0].astype(int) % 3
    planted = (number + (top["omic"] == "methylation")) % 3
    assert (planted == top["subtype"].map(named)).mean() > 0.9
    assert [omic for omic, name in zip(top["omic"], top["feature"], strict=True) if not name.startswith(omic)] == []


def test_a_cohort_that_is_only_placed_is_read_and_nothing_else(run):
    for cohort in ("new", "one", "newabc"):
        assert f"results/{cohort}/" not in run.planned
        assert not run.path(cohort).exists()
    assert "predicted_one" in run.planned
    targets = run.snakemake("-n", "--", "one")
    assert "results/ref/dmacl/k3/predicted_one.png" in targets
    assert "predicted_new" not in targets
