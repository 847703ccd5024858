import numpy as np
import pandas as pd
import pytest

from amucl.biology.differential import NOT_AVAILABLE
from amucl.biology.hazards import restricted_mean
from amucl.biology.profile import (
    ABSENT,
    CENTRAL,
    CLASSES,
    DOWN,
    LABELS,
    MARKERS,
    N_MARKERS,
    PATIENTS,
    PROFILE_COLUMNS,
    SETS,
    SETS_DOWN,
    SIZE,
    SURVIVAL,
    UNSURE,
    UP,
    profiles,
    representatives,
)
from amucl.biology.survival import permutation_logrank
from tests.unit.biology import findings as given


def profiled(clinical=None, **changed) -> pd.DataFrame:
    clinical = given.clinical() if clinical is None else clinical
    classes = {"FAB": "FAB"} if "FAB" in clinical else {}
    findings = given.findings(**changed)
    return profiles(given.LABELS, clinical, findings, classes=classes, seed=1, max_permutations=500)


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return profiled()


def section(table, subtype, name, group=None):
    rows = table[(table["subtype"] == subtype) & (table["section"] == name)]
    return rows if group is None else rows[rows["group"] == group]


def test_every_subtype_has_every_section(table):
    assert list(table.columns) == PROFILE_COLUMNS
    names = [SIZE, SURVIVAL, LABELS, CLASSES, MARKERS, UP, DOWN, SETS, SETS_DOWN, PATIENTS]
    for subtype in (1, 2, 3):
        assert list(dict.fromkeys(table.loc[table["subtype"] == subtype, "section"])) == names


def test_size(table):
    row = section(table, 2, SIZE).squeeze()
    assert (row["n"], row["total"], row["value"]) == (18, 40, 0.45)


def test_survival_compares_a_subtype_with_all_others(table):
    clinical, inside = given.clinical(), given.LABELS == 1
    rows = section(table, 1, SURVIVAL).set_index(["item", "group"])
    test = permutation_logrank(clinical["os_time"], clinical["os_event"], inside, seed=1, max_permutations=500)
    assert rows.loc[("log-rank", "comparison"), "pval"] == test["p_permutation"]
    ours = rows.loc[("restricted mean", "subtype")]
    tau = float(ours["measure"].split()[-1])
    mean, _ = restricted_mean(clinical["os_time"][inside].to_numpy(), clinical["os_event"][inside].to_numpy(), tau)
    assert ours["value"] == pytest.approx(mean)
    assert (ours["n"], ours["total"]) == (10, 20)
    assert rows.loc[("median", "others"), "value"] == 20


def test_a_hazard_ratio_that_is_infinite_says_so(table):
    row = section(table, 1, SURVIVAL).set_index("item").loc["hazard ratio"]
    assert np.isnan(row["value"])
    assert row["note"].startswith(f"{ABSENT}infinite or zero")
    assert section(table, 3, SURVIVAL).set_index("item").loc["hazard ratio", "value"] > 1


def test_p_of_survival_are_corrected_over_the_subtypes(table):
    rows = table[table["item"] == "log-rank"]
    assert len(rows) == 3
    assert (rows["padj"] >= rows["pval"]).all()
    assert rows["padj"].max() == rows["pval"].max()


def test_labels_that_gather():
    clinical = given.clinical()
    clinical["gender"] = clinical["FAB"].map({"M1": "MALE", "M3": "FEMALE"})
    table = profiled(clinical)
    first = section(table, 2, LABELS).iloc[0]
    assert (first["item"], first["n"], first["total"]) == ("gender: FEMALE", 18, 18)
    assert (first["low"], first["high"]) == (1, 2 / 22)
    assert first["padj"] < 1e-6


def test_known_classes_are_no_clinical_labels(table):
    assert not table[table["section"] == LABELS]["item"].str.startswith("FAB", na=False).any()


def test_the_nearest_class(table):
    row = section(table, 1, CLASSES).squeeze()
    assert (row["group"], row["item"], row["n"], row["total"]) == ("FAB", "M1", 18, 20)
    assert row["value"] == pytest.approx(18 / 22)
    assert row["note"].startswith("20/40")


def test_the_nearest_of_several_classes_comes_first():
    clinical = given.clinical().assign(other=["a", "b"] * 20)
    classes = {"other": "other", "FAB": "FAB"}
    table = profiles(given.LABELS, clinical, given.findings(), classes=classes, seed=1, max_permutations=100)
    assert section(table, 1, CLASSES)["group"].tolist() == ["FAB", "other"]


def test_markers_of_every_omic_with_how_often_they_stayed(table):
    rows = section(table, 1, MARKERS, "expression")
    assert rows["item"].tolist() == [f"{d}{i}" for d in "UD" for i in range(N_MARKERS)]
    assert (np.sign(rows["value"]) == [1] * N_MARKERS + [-1] * N_MARKERS).all()
    kept = rows.set_index("item")["frequency"]
    assert (kept["U0"], kept["D0"]) == (0.9, 0.4)
    assert kept.drop(["U0", "D0"]).isna().all()
    assert section(table, 2, MARKERS, "expression")["frequency"].isna().all()
    sites = section(table, 1, MARKERS, "methylation")
    assert sites["item"].tolist() == ["U0", "U1", *(f"D{i}" for i in range(N_MARKERS))]
    assert set(sites["measure"]) == {"M values"}
    assert set(sites["note"]) == {"RUNX1"}


def test_gene_sets_by_strength(table):
    assert section(table, 1, UP)["item"].tolist() == ["HALLMARK_STRONG", "HALLMARK_WEAK"]
    assert section(table, 1, DOWN)[["item", "value", "padj"]].squeeze().tolist() == ["HALLMARK_LOW", -2.0, 1e-3]
    assert section(table, 1, SETS)[["n", "total"]].squeeze().tolist() == [12, 40]
    assert section(table, 1, SETS_DOWN)[["n", "total"]].squeeze().tolist() == [7, 30]


def test_nothing_found_differs_from_not_available(table):
    assert section(table, 2, UP)["note"].item() == "No gene set (adjusted P < 0.05)"
    small = section(table, 3, UP)["note"].item()
    assert small.startswith(ABSENT)
    assert "under three patients" in small
    assert section(table, 3, MARKERS)["note"].str.contains("under three patients").all()


def test_without_survival_classes_expression_and_embedding_each_says_why():
    absent = pd.DataFrame({"subtype": [1, 2, 3], "gene": None, "status": "no_expression"})
    absent = absent.reindex(columns=given.markers().columns)
    empty = {name: getattr(given.findings(), name).iloc[:0] for name in ("gsea", "go")}
    clinical = pd.DataFrame(index=given.SAMPLES)
    table = profiled(clinical, markers=absent, embedding=None, consensus=None, **empty)
    rows = table[(table["subtype"] == 1) & (table["section"] != SIZE)]
    notes = rows[rows["group"] != "methylation"].set_index("section")["note"]
    assert "no survival" in notes[SURVIVAL]
    assert "no clinical label" in notes[LABELS]
    assert "no known classes" in notes[CLASSES]
    assert notes[MARKERS] == notes[UP] == notes[SETS] == notes[SETS_DOWN] == NOT_AVAILABLE
    assert "known labels have no embedding" in notes[PATIENTS]
    assert notes.index.is_unique
    assert notes.str.startswith(ABSENT.strip(" :")).all()
    assert section(table, 1, MARKERS, "methylation")["item"].notna().all()


def test_representatives_are_nearest_to_the_centre_and_the_unsure_lean():
    table = representatives(given.embedding(), given.LABELS)
    assert table.loc["p19", "leans_to"] == 2
    assert table.loc["p19", "margin"] == table.loc[given.LABELS[given.LABELS == 1].index, "margin"].min()
    own, other = table.loc["p19", "distance"], abs(4.8 - 10)
    assert table.loc["p19", "margin"] == pytest.approx((other - own) / other)


def test_central_and_unsure_patients_are_listed_once(table):
    rows = section(table, 1, PATIENTS)
    assert rows["item"].is_unique
    unsure = rows[rows["group"] == UNSURE].iloc[0]
    assert (unsure["item"], unsure["note"], unsure["measure"]) == ("p19", "2", "margin")
    central = rows[rows["group"] == CENTRAL]
    assert set(central["measure"]) == {"distance"}
    distance = representatives(given.embedding(), given.LABELS)["distance"]
    assert central["value"].tolist() == distance[central["item"]].tolist()
    assert len(central) == 3
    assert section(table, 3, PATIENTS)["group"].tolist() == [CENTRAL, CENTRAL]


def test_one_subtype_leans_nowhere():
    one = pd.Series(1, index=given.SAMPLES)
    assert representatives(given.embedding(), one)["margin"].isna().all()
