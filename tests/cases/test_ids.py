"""Ids that are spelled differently, repeated, numbers, or stand in another column than the first."""

import unicodedata

import numpy as np
import pandas as pd
import pytest

from tests.cases.cohorts import followup, groups, names, planted
from tests.cases.own import Own

OMICS = {"expression": "rna.tsv", "protein": "protein.tsv"}


def write_omics(folder, labels, ids, *, protein_ids=None):
    rna = planted(labels, 200, seed=3).set_axis(ids)
    protein = planted(labels, 60, seed=5, feature="PROT").set_axis(protein_ids or ids)
    rna.T.to_csv(folder / "rna.tsv", sep="\t")
    protein.T.to_csv(folder / "protein.tsv", sep="\t")


@pytest.mark.situation(
    "known classes that are large numbers (dates, concept ids)",
    right="four classes, ARI 1.0",
    before="rounded to six digits: three are one class, ARI .32",
)
@pytest.mark.parametrize(
    "classes",
    [[20190312, 20190313, 20190318, 20201102], [1234567, 1234568, 1234569, 123456], ["01", "1", "1.0", "001"]],
)
def test_classes_are_text(tmp_path, now, classes):
    labels = groups(40, 4)
    ids = [f"P{number}" for number in range(40)]
    write_omics(tmp_path, labels, ids)
    known = [str(classes[label]) for label in labels]
    pd.DataFrame({"run": known}, index=pd.Index(ids, name="sample")).to_csv(tmp_path / "clinical.tsv", sep="\t")
    own = Own(tmp_path, {"omics": OMICS, "clinical": "clinical.tsv", "truth": "run", "n_clusters": 4})
    agreement = own.ari()
    now(f"{classes[0]}, ...: ARI {agreement:.2f}")
    assert agreement == 1
    from amucl.cohort.cohort import truth

    assert truth(own.cohort, ids).tolist() == known


@pytest.mark.situation(
    "a clinical csv or parquet saved with its row numbers, of patients whose ids are numbers",
    right="joined by patient_id: ARI 1.0",
    before="joined by row number: ARI -.03, the join report flawless",
)
@pytest.mark.parametrize("kind", ["parquet", "csv", "r"])
def test_a_leftover_row_index_is_no_id(tmp_path, now, kind):
    labels = groups(40, 4)
    ids = [str(number) for number in range(1, 41)]
    write_omics(tmp_path, labels, ids)
    clinical = pd.DataFrame({"patient_id": range(1, 41), "subtype": names(labels)}).sample(frac=1, random_state=0)
    if kind == "parquet":
        clinical.to_parquet(tmp_path / "clinical.parquet")
    elif kind == "csv":
        clinical.to_csv(tmp_path / "clinical.csv")
    else:
        clinical.set_axis(range(1, 41)).to_csv(tmp_path / "clinical.csv", quoting=2)
    name = "clinical.parquet" if kind == "parquet" else "clinical.csv"
    own = Own(tmp_path, {"omics": OMICS, "clinical": name, "truth": "subtype", "n_clusters": 4})
    agreement = own.ari()
    now(f"{kind}: ARI {agreement:.2f}")
    assert agreement == 1
    assert "patient_id" in "\n".join(own.notes.values())
    assert own.prepared.join.query("unit == 'rows'")["n_dropped"].sum() == 0


@pytest.mark.situation(
    "ids with composed letters in one file and decomposed ones in another (as macOS writes them)",
    right="all 48 patients",
    before="12 patients lost to invisible differences",
)
def test_composed_and_decomposed_ids(tmp_path, now):
    labels = groups(48, 4)
    kinds = ("Münster {:02d}", "00{:02d}", "患者{}", "1E{}")
    ids = [kinds[number % 4].format(number + 1) for number in range(48)]
    write_omics(tmp_path, labels, ids, protein_ids=[unicodedata.normalize("NFD", name) for name in ids])
    clinical = pd.DataFrame({"class": np.array(["$20k-$40k", "_none", "高危", "ER+/PR-"])[labels]}, index=ids)
    clinical["ER/PR"] = np.where(labels > 1, "pos", "neg")
    clinical.rename_axis("sample").to_csv(tmp_path / "clinical.tsv", sep="\t")
    entry = {
        "omics": OMICS,
        "clinical": "clinical.tsv",
        "truth": "class",
        "clinical_labels": ["ER/PR"],
        "n_clusters": 4,
    }
    own = Own(tmp_path, entry)
    now(f"{own.cohort.n_obs} patients, ARI {own.ari():.2f}")
    assert list(own.cohort.obs_names) == ids
    assert own.ari() == 1
    assert set(own.clinic(4, clinical_labels=["ER/PR"])["clinical"]["column"]) == {"ER/PR"}


@pytest.mark.situation(
    "AGE, PATHOLOGIC_STAGE, OS_time and OS_event in capital letters",
    right="survival found, hazard ratios adjusted for age and stage",
    before="no_survival; adjusted ratios empty with status ok",
)
@pytest.mark.parametrize("case", [str.upper, str.lower, str.title])
def test_capital_names_of_clinical_columns(tmp_path, now, case):
    labels = groups(60, 3)
    ids = [f"P{number}" for number in range(60)]
    write_omics(tmp_path, labels, ids)
    days, events = followup(labels)
    rng = np.random.default_rng(4)
    clinical = pd.DataFrame(
        {
            "age": (62 + rng.normal(0, 8, 60)).round(),
            "pathologic_stage": rng.choice(["Stage I", "Stage II", "Stage III"], 60),
            "os_time": days,
            "os_event": events,
        },
        index=pd.Index(ids, name="sample"),
    )
    plain, renamed = clinical, clinical.rename(columns=case)
    outcomes = []
    for number, table in enumerate((plain, renamed)):
        table.to_csv(tmp_path / f"clinical{number}.tsv", sep="\t")
        own = Own(tmp_path, {"omics": OMICS, "clinical": f"clinical{number}.tsv", "n_clusters": 3})
        outcomes.append(own.clinic(3)["outcome"])
    ours = outcomes[1]
    now(f"{renamed.columns[2]}: adjusted for {ours['adjusted_for'].iloc[1]}, P {ours['hr_adjusted_p'].iloc[1]:.3f}")
    pd.testing.assert_frame_equal(*outcomes)
    assert set(ours["adjusted_for"]) == {"age, stage"}
    assert ours["hr_adjusted_p"].iloc[1:].notna().all()
