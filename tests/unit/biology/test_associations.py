import numpy as np
import pandas as pd
import pytest
from scipy import stats

from amucl.biology.associations import ASSOCIATION_COLUMNS, annotations, associations, known_classes, nearest_classes
from amucl.errors import AmuclError

N = 60
SAMPLES = [f"p{i}" for i in range(N)]
LABELS = pd.Series([1] * 30 + [2] * 20 + [3] * 10, index=SAMPLES)
CLINICAL = pd.DataFrame(
    {
        "gender": ["MALE", "FEMALE"] * 30,
        "age": [40.0] * 30 + [41.0] * 20 + list(np.arange(60, 70.0)),
        "FAB": ["M1"] * 25 + ["M3"] * 5 + ["M4"] * 18 + ["M1"] * 2 + ["M3"] * 9 + ["[Not Available]"],
        "notes": [f"free text {i}" for i in range(N)],
        "sparse": ["a", "b"] * 5 + [np.nan] * 50,
        "clusters": [1.0] * 30 + [2.0] * 30,
    },
    index=SAMPLES,
)


def associated(**options):
    return associations(CLINICAL, LABELS, {"FAB": "FAB"}, **options)


def one(table, subtype, label, level):
    rows = table[(table["subtype"] == subtype) & (table["label"] == label) & (table["level"] == level)]
    return rows.squeeze()


def test_counts_shares_and_p_of_a_value_are_those_of_fishers_exact_test():
    row = one(associated(), 3, "FAB", "M3")
    assert (row["n_both"], row["n_subtype"], row["n_level"], row["n"]) == (9, 9, 14, 59)
    assert (row["inside"], row["outside"], row["jaccard"]) == (1, 5 / 50, 9 / 14)
    assert row["p"] == pytest.approx(stats.fisher_exact([[9, 0], [5, 45]], alternative="greater").pvalue)
    row = one(associated(), 1, "FAB", "M1")
    oracle = stats.fisher_exact([[25, 5], [2, 27]], alternative="greater")
    assert (row["odds_ratio"], row["p"]) == (pytest.approx(oracle.statistic), pytest.approx(oracle.pvalue))


def test_measurements_are_compared_by_their_ranks():
    row = associated().query("label == 'age' and subtype == 3").squeeze()
    assert (row["inside"], row["outside"]) == (64.5, 40)
    oracle = stats.mannwhitneyu(CLINICAL["age"][50:], CLINICAL["age"][:50]).pvalue
    assert row["p"] == pytest.approx(oracle)


def test_p_are_corrected_over_all_tests_of_all_subtypes():
    table = associated()
    assert list(table.columns) == ASSOCIATION_COLUMNS
    assert len(table) == 3 * (2 + 1 + 3)  # gender, age, three classes
    assert table["padj"].to_numpy() == pytest.approx(stats.false_discovery_control(table["p"]))
    assert not (table.query("label == 'gender'")["padj"] < 0.05).any()


def test_a_label_that_cannot_be_tested_says_why():
    table = associated(extra=["notes", "sparse"])
    status = table[table["subtype"].isna()].set_index("label")["status"]
    assert status.to_dict() == {"notes": "too many levels", "sparse": "known for under half"}


def test_cluster_numbers_are_categories_written_as_whole_numbers():
    table = associations(CLINICAL, LABELS, {"mine": "clusters"})
    assert one(table, 1, "mine", "1")["n_both"] == 30
    assert set(table.query("label == 'mine'")["level"]) == {"1", "2"}


def test_the_nearest_class_shares_most_patients():
    best = nearest_classes(associated()).set_index("subtype")
    assert best["level"].to_dict() == {1: "M1", 2: "M4", 3: "M3"}


def test_classes_are_found_by_the_names_of_tcga_and_by_declaration():
    columns = [
        "leukemia_french_american_british_morphology_code", "_PANCAN_mirna_LAML", "_PANCAN_miRNA_PANCAN",
        "_PANCAN_DNAMethyl_LAML", "_PANCAN_DNAMethyl_PANCAN", "FAB", "mine", "tcga.cluster", "gender",
    ]  # fmt: skip
    found = known_classes(pd.DataFrame(columns=columns), ["mine"], ["tcga"])
    assert found == {
        "FAB": "leukemia_french_american_british_morphology_code",
        "TCGA miRNA clusters": "_PANCAN_mirna_LAML",
        "TCGA methylation clusters": "_PANCAN_DNAMethyl_LAML",
        "mine": "mine",
        "tcga.cluster": "tcga.cluster",
        "FAB (FAB)": "FAB",
    }


def test_of_a_further_table_only_what_its_name_tells_is_a_class():
    columns = ["t.Subtype_mRNA", "t.Risk (Cyto)", "t.FAB", "t.GeneExp_Subtype", "t.label", "t.Molecular Classification"]
    others = ["t.Overall Survival Status", "t.Induction", "t.Transplant Type", "t.Sample Type", "t.fabric", "o.cluster"]
    clinical = pd.DataFrame(columns=[*columns, *others])
    assert list(known_classes(clinical, (), ["t"])) == columns


def test_classes_that_the_user_names_are_all_there_are():
    clinical = pd.DataFrame(columns=["FAB", "t.Subtype", "t.Induction", "truth"])
    assert known_classes(clinical, ["truth"], ["t"], ["t.Induction"]) == {
        "t.Induction": "t.Induction",
        "truth": "truth",
    }
    assert known_classes(clinical, ["truth"], ["t"], []) == {"truth": "truth"}
    with pytest.raises(AmuclError, match=r"known_classes: .*did you mean t\.Subtype.*got t\.subtypes"):
        known_classes(clinical, (), ["t"], ["t.subtypes"])


def test_classes_that_say_the_same_stand_once():
    clinical = pd.DataFrame(
        {
            "t.Subtype": ["a", "a", "b", "c"],
            "t.Subtype_Selected": ["A.1", "A.1", "A.2", "n.d."],  # the same, of fewer patients
            "t.Subtype_more": ["x", "x", "y", "y"],
            "truth": ["1", "1", "2", "3"],
        }
    )
    assert set(known_classes(clinical, (), ["t"])) == {"t.Subtype", "t.Subtype_more"}
    assert set(known_classes(clinical, ["truth"], ["t"])) == {"truth", "t.Subtype_more"}
    more = clinical.assign(**{"t.Subtype": ["a", "a", "b", None], "t.Subtype_Selected": ["1", "1", "2", "3"]})
    assert {"t.Subtype", "t.Subtype_Selected"} <= set(known_classes(more, (), ["t"])), "known for more patients"


def test_no_clinical_table_gives_no_row():
    assert associations(pd.DataFrame(index=SAMPLES), LABELS, {}).empty


def test_a_figure_shows_what_the_user_names_then_known_classes_then_age():
    n = 40
    clinical = pd.DataFrame(
        {
            "gender": ["f", "m"] * 20,
            "age": np.linspace(20, 80, n),
            "PAM50_mRNA_nature2012": ["a", "b", "c", "d"] * 10,
            "FAB": ["M0", "M1"] * 20,
            "mine": ["x", "y"] * 20,
            "free text": [f"patient {i}" for i in range(n)],
            "rare": ["seldom"] * 5 + [None] * (n - 5),
        }
    )
    known = known_classes(clinical)
    assert list(annotations(clinical, known)) == ["FAB", "PAM50 (microarray)", "age"]
    assert list(annotations(clinical, {"mine": "mine", **known})) == ["mine", "FAB", "age"]
    assert list(annotations(clinical, {})) == ["age", "gender"]
    assert annotations(clinical, {"free text": "free text", "rare": "rare"}).columns.tolist() == ["age", "gender"]
    assert annotations(clinical.iloc[:, 5:], {}).shape == (n, 0)
