"""Tables with other lines, columns, words and numbers than a plain matrix has."""

import numpy as np
import pandas as pd
import pytest

from tests.cases.cohorts import followup, groups, names, planted
from tests.cases.own import Own

EXPRESSION_AND_PROTEIN = {"expression": "rna.tsv", "protein": "protein.tsv"}


def two_omics(folder, labels, *, seed=3):
    """Expression and protein of the patients, plain."""
    rna, protein = planted(labels, 200, seed=seed), planted(labels, 60, seed=seed + 2, feature="PROT")
    rna.T.to_csv(folder / "rna.tsv", sep="\t")
    protein.T.to_csv(folder / "protein.tsv", sep="\t")
    return rna.index


@pytest.mark.situation(
    "matrices with Entrez_Gene_Id beside Hugo_Symbol (cBioPortal)",
    right="40 patients, ARI 1.0 at k = 4",
    before="the column is a patient and a subtype of its own; ARI .70",
)
def test_entrez_ids_beside_symbols(tmp_path, now):
    labels = groups(40, 4)
    rna = 2 ** planted(labels, 300, seed=3)
    altered = planted(labels, 300, seed=4, level=0, effect=2).round().clip(-2, 2).astype(int)
    entrez = np.random.default_rng(0).integers(1, 120_000, 300)
    for table, name in ((rna, "rsem.txt"), (altered, "cna.txt")):
        rows = table.T.rename_axis("Hugo_Symbol")
        rows.insert(0, "Entrez_Gene_Id", entrez)
        rows.to_csv(tmp_path / name, sep="\t")
    own = Own(tmp_path, {"omics": {"expression": "rsem.txt", "cna": "cna.txt"}, "n_clusters": 4})
    agreement = own.ari(pd.Series(names(labels), rna.index))
    now(f"{own.cohort.n_obs} patients, ARI {agreement:.2f}")
    assert list(own.cohort.obs_names) == list(rna.index)
    assert agreement == 1
    assert "Entrez_Gene_Id" in "\n".join(own.notes.values())


@pytest.mark.situation(
    "four # lines above the header, as many fields as it has (cBioPortal)",
    right="survival and age of 40 patients",
    before="all lost: no_survival; the header counted as a patient",
)
def test_hash_lines_above_a_clinical_table(tmp_path, now):
    labels = groups(40, 4)
    patients = two_omics(tmp_path, labels)
    days, events = followup(labels)
    age = np.random.default_rng(2).integers(35, 85, 40)
    head = [
        "#Patient Identifier\tDiagnosis Age\tSubtype\tOverall Survival (Months)\tOverall Survival Status",
        "#Identifier\tAge at diagnosis\tSubtype\tMonths\tStatus",
        "#STRING\tNUMBER\tSTRING\tNUMBER\tSTRING",
        "#1\t1\t1\t1\t1",
        "PATIENT_ID\tAGE\tSUBTYPE\tos_time\tos_event",
    ]
    rows = ["\t".join(map(str, row)) for row in zip(patients, age, names(labels), days, events, strict=True)]
    (tmp_path / "clinical.txt").write_text("\n".join([*head, *rows]) + "\n")
    own = Own(tmp_path, {"omics": EXPRESSION_AND_PROTEIN, "clinical": "clinical.txt", "n_clusters": 4})
    obs = own.cohort.obs
    outcome = own.clinic(4)["outcome"]
    now(f"survival of {obs['os_time'].notna().sum()}, age of {obs['AGE'].notna().sum()} patients")
    assert obs.loc[patients, "os_time"].tolist() == list(days)
    assert obs.loc[patients, "AGE"].tolist() == list(age)
    assert set(outcome["n_adjusted"]) == {40}
    assert "#PATIENT" not in "".join(own.prepared.unmatched["id"])


@pytest.mark.situation(
    "'-- and #N/A in clinical columns and truth, decimal commas, age >89 (GDC)",
    right="unknown words are no classes, measurements stay numbers",
    before="words are categories: P of gender 1e-10 for .13; a word makes a measurement 50 categories",
)
def test_words_for_unknown(tmp_path, now):
    labels = groups(60, 3)
    patients = two_omics(tmp_path, labels)
    rng = np.random.default_rng(4)
    size = (20 + 9 * labels + rng.normal(0, 9, 60)).round(1)
    gone = (labels == 0) & (rng.random(60) < 0.8)
    age = (72 + 10 * labels + rng.normal(0, 8, 60)).round().astype(int)
    clinical = pd.DataFrame(
        {
            "gender": np.where(gone, "'--", rng.choice(["male", "female"], 60)),
            "size": np.where(rng.random(60) < 0.1, "'--", size.astype(str)),
            "size_na": np.where(rng.random(60) < 0.1, "#N/A", size.astype(str)),
            "size_comma": [str(value).replace(".", ",") for value in size],
            "size_clean": size,
            "age": [">89" if value > 89 else str(value) for value in age],
            "known": np.where(gone, "'--", names(labels)),
        },
        index=pd.Index(patients, name="sample"),
    )
    clinical.to_csv(tmp_path / "clinical.tsv", sep="\t")
    entry = {"omics": EXPRESSION_AND_PROTEIN, "clinical": "clinical.tsv", "truth": "known", "n_clusters": 3}
    own = Own(tmp_path, entry | {"preprocessing": {"truth_missing": "ignore"}})
    obs = own.cohort.obs
    tests = own.clinic(3, clinical_labels=["size", "size_na", "size_comma", "size_clean"])["clinical"]
    tests = tests.set_index("column")
    p = tests.at["gender", "p_asymptotic"]
    now(f"gender P {p:.2g}, size of {obs['size'].notna().sum()} patients, ARI {own.ari(k=3):.2f}")
    assert own.ari(k=3) == 1
    assert obs["gender"].isna().sum() == obs["known"].isna().sum() == gone.sum()
    assert obs["size_comma"].tolist() == obs["size_clean"].tolist() == list(size)
    assert obs["size"].notna().sum() == (clinical["size"] != "'--").sum()
    assert obs["age"].tolist() == list(np.minimum(age, 89))
    assert set(tests.loc[["size", "size_na", "size_comma"], "test"]) == {tests.at["size_clean", "test"]}
    assert tests.at["gender", "p_asymptotic"] > 0.01
    cells = own.prepared.join.query("unit == 'cells' and source == 'clinical'")
    assert cells["reason"].str.contains("'--", regex=False).any()
    assert cells["n_dropped"].sum() == 2 * gone.sum() + clinical[["size", "size_na"]].isin(["'--", "#N/A"]).sum().sum()


@pytest.mark.situation(
    "a line break inside quotes; a stray inch mark (REDCap)",
    right="read as pandas reads it",
    before='refused: "unbalanced quote"',
)
def test_line_breaks_and_inch_marks(tmp_path, now):
    labels = groups(30, 3)
    patients = two_omics(tmp_path, labels)
    clinical = pd.DataFrame({"subtype": names(labels), "note": "as agreed"}, index=pd.Index(patients, name="record_id"))
    clinical.loc["P007", "note"] = "seen twice\nsecond visit: well"
    clinical.to_csv(tmp_path / "redcap.csv", quoting=1)
    rows = clinical.assign(note="as agreed").astype(object)
    rows.loc["P007", "note"] = 'needle of 5" used'
    lines = [
        "record_id\tsubtype\tnote",
        *("\t".join([index, *row]) for index, row in zip(rows.index, rows.to_numpy(), strict=True)),
    ]
    (tmp_path / "inch.tsv").write_text("\n".join(lines) + "\n")
    for name, note in (("redcap.csv", "seen twice\nsecond visit: well"), ("inch.tsv", 'needle of 5" used')):
        own = Own(tmp_path, {"omics": EXPRESSION_AND_PROTEIN, "clinical": name, "truth": "subtype"})
        assert own.cohort.obs.loc["P007", "note"] == note
        assert own.cohort.obs["subtype"].tolist() == names(labels)
        assert own.ari(k=3) == 1
    now("both cells as written, 30 patients")
