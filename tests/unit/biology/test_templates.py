from functools import cache

import numpy as np
import pandas as pd
import pytest

from amucl.biology.calibration import CALIBRATION_COLUMNS, LEFT_OUT, N_SPLITS, NO_SUBTYPES, calibration, limits
from amucl.biology.differential import subtype_markers
from amucl.biology.nearest import (
    ASSIGNMENT_COLUMNS,
    BETWEEN,
    FAR,
    NO_GROUPS,
    NOT_NEAR,
    TOO_FEW,
    UNASSIGNED,
    UNTRIED,
    check_in_words,
    nearest_template,
)
from amucl.biology.templates import TEMPLATE_COLUMNS, place, subtype_templates
from amucl.clustering.partition import read_partition, write_partition
from amucl.errors import AmuclError
from amucl.files import read_table, write_table
from tests.shared import needs_shared
from tests.unit.biology.real_aml import aml_counts, aml_expression, kmeans_subtypes

GENES = [f"g{j:03d}" for j in range(400)]


def drawn(seed=0, n=36, strange=0):
    """Three subtypes, each with fifteen genes up; the last `strange` samples are of none."""
    rng = np.random.default_rng(seed)
    labels = pd.Series(["a", "b", "c"] * (n // 3), index=[f"p{i}" for i in range(n)])
    labels.iloc[n - strange :] = "none"
    values = rng.normal(8, 1, (n, 400))
    for i, name in enumerate("abc"):
        values[np.ix_((labels == name).to_numpy(), range(15 * i, 15 * i + 15))] += 2
    return pd.DataFrame(values, index=labels.index, columns=GENES), labels


def learned():
    return subtype_templates(subtype_markers(*drawn()))


@cache
def tried():
    return calibration(*drawn(), learned(), seed=1)


def modules(seed, labels, spread=1.0):
    """Patients of some of four subtypes, each a module of genes up, that moves in all patients by `spread` as well."""
    rng = np.random.default_rng(seed)
    labels = pd.Series(labels, index=[f"p{i}" for i in range(len(labels))])
    values = rng.normal(8, 1, (len(labels), 400))
    for i, name in enumerate("abcd"):
        height = 2.5 * (labels == name).to_numpy() + rng.normal(0, spread, len(labels))
        values[:, 40 * i : 40 * i + 40] += height[:, None]
    return pd.DataFrame(values, index=labels.index, columns=GENES), labels


@cache
def of_modules():
    expression, labels = modules(0, list("abcd") * 25)
    templates = subtype_templates(subtype_markers(expression, labels))
    return templates, calibration(expression, labels, templates, seed=1)


def share_right(patients, labels):
    assigned = patients["subtype"] != UNASSIGNED
    return (patients["subtype"] == labels.loc[patients.index])[assigned].mean()


def test_templates_are_the_markers_with_their_direction():
    table = learned()
    assert list(table.columns) == TEMPLATE_COLUMNS
    up = table[table["direction"] == "up"].groupby("subtype")["gene"].agg(list)
    assert set(up["a"][:15]) == set(GENES[:15])
    assert (table.loc[table["direction"] == "down", "t"] < 0).all()
    assert (table["adj.P.Val"] < 0.05).all()
    short = subtype_templates(subtype_markers(*drawn()), n_top=3)
    assert (short.groupby(["subtype", "direction"]).size() <= 3).all()


def test_new_patients_get_their_subtype_whatever_the_scale():
    expression, labels = drawn(seed=1)
    found = nearest_template(expression * 3 - 5, learned(), tried(), seed=1).patients
    assert list(found.columns) == ASSIGNMENT_COLUMNS
    assert list(found["sample"]) == list(expression.index)
    assert (found["nearest"].to_numpy() == labels.to_numpy()).mean() > 0.95
    assert (found["subtype"] != UNASSIGNED).mean() > 0.9
    assert (found["distance"] < found["distance_second"]).all()
    assert found["pval"].min() == pytest.approx(1 / 1001)
    again = nearest_template(expression * 3 - 5, learned(), tried(), seed=1).patients
    pd.testing.assert_frame_equal(again, found)


def test_patients_of_no_subtype_are_left_unassigned():
    expression, labels = drawn(seed=2, n=48, strange=12)
    found = nearest_template(expression, learned(), tried(), seed=1).patients.set_index("sample")["subtype"]
    assert (found[labels == "none"] == UNASSIGNED).mean() > 0.9
    assert (found[labels != "none"] == labels[labels != "none"]).mean() > 0.9


def test_noise_has_uniform_p():
    noise = pd.DataFrame(np.random.default_rng(3).normal(size=(300, 400)), columns=GENES)
    p = nearest_template(noise, learned(), tried(), seed=1, n_permutations=200).patients["pval"]
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.03)
    assert (p < 0.5).mean() == pytest.approx(0.5, abs=0.1)


def test_dots_and_missing_genes_are_counted():
    expression, labels = drawn(seed=1)
    templates = learned().replace({"gene": {"g000": "HLA-A", "g001": "NKX2.3"}})
    renamed = expression.rename(columns={"g000": "HLA.A", "g001": "NKX2-3"}).drop(columns=["g002", "g016"])
    found = nearest_template(renamed, templates, tried(), seed=1)
    genes = found.genes.set_index("subtype")
    own = learned().groupby("subtype")["gene"].agg(set)
    for subtype in "abc":
        assert genes.at[subtype, "n_found"] == len(own[subtype] - {"g002", "g016"})
    assert (found.patients["subtype"].to_numpy() == labels.to_numpy()).mean() > 0.9


def test_a_template_without_genes_here_takes_nobody(caplog):
    expression, _ = drawn(seed=1)
    templates = learned()
    lost = templates.loc[templates["subtype"] == "c", "gene"]
    found = nearest_template(expression.drop(columns=lost), templates, tried(), seed=1)
    assert "c" not in set(found.patients["nearest"])
    assert "subtype c" in caplog.text


def test_few_patients_are_compared_with_the_reference_each_by_himself():
    reference, _ = drawn()
    expression, labels = drawn(seed=1)
    kept = [f"g{j:03d}" for j in range(400) if j % 7]  # the new ones lack genes, and have them in another order
    new = expression[kept[::-1]].assign(unknown=3.0)
    alone = [nearest_template(new.iloc[[i]], learned(), tried(), seed=1, reference=reference) for i in range(12)]
    subtype = pd.Series([one.patients["subtype"].item() for one in alone], index=new.index[:12])
    assert (subtype == labels[:12]).mean() > 0.9
    assert {one.check["status"].item() for one in alone} == {TOO_FEW}
    assert alone[0].check["p"].isna().all()
    assert "taken for granted" in check_in_words(alone[0].check)
    three = nearest_template(new.head(3), learned(), tried(), seed=1, reference=reference).patients
    columns = ["subtype", "distance", "margin"]
    apart = pd.concat([one.patients for one in alone[:3]], ignore_index=True)
    pd.testing.assert_frame_equal(three[columns], apart[columns])
    z = ((new.iloc[[0]] - reference.mean()) / reference.std())[kept[::-1]]
    own = place(new.head(1), learned(), reference).z
    pd.testing.assert_frame_equal(own, z[own.columns])


def test_many_patients_are_compared_among_themselves_whatever_the_reference():
    expression, _ = drawn(seed=1)
    with_reference = nearest_template(expression, learned(), tried(), seed=1, reference=drawn()[0] * 3 + 1).patients
    pd.testing.assert_frame_equal(with_reference, nearest_template(expression, learned(), tried(), seed=1).patients)


def test_a_patient_alone_of_no_subtype_or_between_two_is_unassigned():
    expression, _ = drawn(seed=2, n=12, strange=12)
    found = [
        nearest_template(expression.iloc[[i]], learned(), tried(), seed=1, reference=drawn()[0]).patients["subtype"]
        for i in range(12)
    ]
    assert (pd.concat(found) == UNASSIGNED).mean() > 0.8


def test_bad_input_is_named():
    expression, _ = drawn()
    with pytest.raises(AmuclError, match="too few samples"):
        nearest_template(expression.head(3), learned(), tried(), seed=1)
    ensembl = expression.set_axis([f"ENSG{j:011d}" for j in range(400)], axis=1)
    with pytest.raises(AmuclError, match=r"symbols such as g\d+.*got Ensembl ids such as ENSG00000000000"):
        nearest_template(ensembl, learned(), tried(), seed=1)
    none = subtype_templates(subtype_markers(*drawn()), alpha=0)
    assert none.empty
    with pytest.raises(AmuclError, match=r"too few markers.*got none; choose another k"):
        nearest_template(expression, none, tried(), seed=1)
    one = learned().query("subtype == 'a'")
    with pytest.raises(AmuclError, match=rf"too few markers.*got {len(one)} of subtype a; choose another k"):
        nearest_template(expression, one, tried(), seed=1)
    missing = expression.assign(g007=np.nan)
    with pytest.raises(AmuclError, match=r"missing or infinite values.*got none in g007"):
        nearest_template(missing, learned(), tried(), seed=1)
    twice = expression.rename(columns={"g008": "g007"})
    with pytest.raises(AmuclError, match=r"more than once.*got g007"):
        nearest_template(twice, learned(), tried(), seed=1)


@pytest.mark.parametrize("names", [{"a": 1, "b": 2, "c": 3}, {"a": "TRUE", "b": "FALSE", "c": "NA"}])
@pytest.mark.parametrize("genes", [GENES, [str(1000 + j) for j in range(400)]])
def test_tables_read_back_give_the_same(tmp_path, names, genes):
    """As the rules hand them on: clusters are numbers, labels and genes may look like other things."""
    expression, labels = drawn()
    expression = expression.set_axis(genes, axis=1)
    write_partition(labels.map(names).rename("subtype"), tmp_path / "labels.tsv")
    labels = read_partition(tmp_path / "labels.tsv")
    markers = subtype_markers(expression, labels)
    write_table(markers, tmp_path / "markers.tsv")
    templates = subtype_templates(read_table(tmp_path / "markers.tsv"))
    table = calibration(expression, labels, templates, seed=1)
    tables = [templates, table]
    for number, one in enumerate(tables):
        write_table(one, tmp_path / f"{number}.tsv")
        tables[number] = read_table(tmp_path / f"{number}.tsv")
        pd.testing.assert_frame_equal(tables[number], one, check_dtype=False)
    found = nearest_template(expression, *tables, seed=1).patients.set_index("sample")
    assert (found["subtype"] != UNASSIGNED).mean() > 0.8
    assert share_right(found, labels) > 0.95


def test_calibration_places_every_patient_as_often_as_there_are_splits():
    table = tried()
    assert list(table.columns) == CALIBRATION_COLUMNS
    left_out = table[table["trial"] == LEFT_OUT]
    assert left_out["sample"].value_counts().to_dict() == dict.fromkeys(drawn()[0].index, N_SPLITS)
    own = drawn()[1].loc[left_out["sample"]].to_numpy()
    assert ((left_out["nearest"] == own) == left_out["right"]).all()
    assert left_out["right"].mean() > 0.8
    without = table[table["trial"] == NO_SUBTYPES]
    assert len(without) == 36 * N_SPLITS
    assert not without["right"].any()
    pd.testing.assert_frame_equal(calibration(*drawn(), learned(), seed=1), table)


def test_limits_are_read_from_the_patients_left_out():
    n = 100
    table = pd.DataFrame(
        {
            "trial": LEFT_OUT,
            "sample": [f"p{i}" for i in range(n)],
            "nearest": "a",
            "right": [True] * 80 + [False] * 20,  # in the order of their margins
            "distance": np.linspace(0, 0.99, n),
            "margin": np.linspace(0.99, 0, n),
        }
    )
    found = limits(table)
    # 80 right of the first 84 are 95 %, of the first 85 they are not.
    assert found.least_margin == pytest.approx(table["margin"].iloc[83])
    assert found.most_distance == pytest.approx(np.quantile(table["distance"].iloc[:80], 0.95))
    assert limits(table.assign(right=False)).least_margin == np.inf


def test_where_genes_move_together_random_genes_are_no_measure():
    """No subtypes, but the modules' genes move together: nearly all pass the published test; nobody may be assigned."""
    expression, _ = modules(5, ["none"] * 100, spread=1.5)
    found = nearest_template(expression, *of_modules(), seed=1)
    assert (found.patients["padj"] < 0.05).mean() > 0.9
    assert found.check["status"].item() == NO_GROUPS
    assert (found.patients["subtype"] == UNASSIGNED).all()
    assert NO_GROUPS in check_in_words(found.check)


def test_a_cohort_of_one_subtype_is_not_dealt_out_to_all():
    expression, labels = modules(6, ["a"] * 60)
    found = nearest_template(expression, *of_modules(), seed=1)
    nearest = found.patients.set_index("sample")["nearest"]
    assert (nearest == labels).mean() < 0.5
    assert (found.patients["subtype"] == UNASSIGNED).all()


def test_a_cohort_of_all_subtypes_is_assigned_rightly():
    expression, labels = modules(7, list("abcd") * 20)
    found = nearest_template(expression, *of_modules(), seed=1)
    patients = found.patients.set_index("sample")
    assert found.check["status"].item() == "ok"
    assert (patients["subtype"] != UNASSIGNED).mean() > 0.7
    assert found.check["n_assigned"].item() == (patients["subtype"] != UNASSIGNED).sum()
    assert share_right(patients, labels) > 0.93
    assert ((patients["reason"] == "") == (patients["subtype"] != UNASSIGNED)).all()
    assert set(patients["reason"]) <= {"", BETWEEN, FAR, NOT_NEAR}
    assert (patients["margin"] == patients["distance_second"] - patients["distance"]).all()


def test_patients_of_a_subtype_that_no_template_has():
    expression, labels = modules(8, list("abcd") * 20)
    templates, table = of_modules()
    known = templates[templates["subtype"] != "d"]
    tried_on = table[table["nearest"] != "d"]
    patients = nearest_template(expression, known, tried_on, seed=1).patients.set_index("sample")
    strange = labels == "d"
    assert (patients.loc[strange, "subtype"] == UNASSIGNED).mean() > 0.6
    assert (patients.loc[~strange, "subtype"] == UNASSIGNED).mean() < 0.4


def test_templates_that_could_not_be_tried_assign_nobody(caplog):
    expression, labels = drawn()
    few = labels.groupby(labels).head(3).index  # halves of one and two patients have no markers
    table = calibration(expression.loc[few], labels[few], learned(), seed=1)
    assert not (table["trial"] == LEFT_OUT).any()
    found = nearest_template(expression, learned(), table, seed=1)
    assert found.check["status"].item() == UNTRIED
    assert (found.patients["subtype"] == UNASSIGNED).all()
    assert UNTRIED in caplog.text
    assert UNTRIED in check_in_words(found.check).lower()


def moved(expression, labels, new):
    templates = subtype_templates(subtype_markers(expression, labels))
    table = calibration(expression, labels, templates, seed=1)
    return nearest_template(new, templates, table, seed=1).patients.set_index("sample")


@needs_shared
def test_subtypes_of_one_half_of_aml_are_found_in_the_other():
    expression = aml_expression()
    labels = kmeans_subtypes(expression, 4)
    half = np.random.default_rng(0).permutation(len(expression)) < len(expression) // 2
    found = moved(expression[half], labels[half], expression[~half])
    own = labels[~half]
    assigned = found["subtype"] != UNASSIGNED
    assert assigned.mean() > 0.7
    assert (found.loc[assigned, "subtype"] == own[assigned]).mean() > 0.85


@needs_shared
@pytest.mark.parametrize("kept", [[1], [2], [1, 2]])
def test_subtypes_of_aml_that_are_missing_take_nobody(kept):
    expression = aml_expression()
    labels = kmeans_subtypes(expression, 6)
    here = labels.isin(kept)
    found = moved(expression, labels, expression[here])
    assigned = found["subtype"] != UNASSIGNED
    assert (found["padj"] < 0.05).mean() > 0.8
    assert not assigned.any() or share_right(found, labels) > 0.8


@needs_shared
def test_subtypes_of_aml_are_found_in_raw_counts_of_the_same_patients():
    expression = aml_expression()
    labels = kmeans_subtypes(expression, 4)
    templates = subtype_templates(subtype_markers(expression, labels))
    result = nearest_template(aml_counts(), templates, calibration(expression, labels, templates, seed=1), seed=1)
    assert (result.genes["n_found"] / result.genes["n_genes"]).min() > 0.8
    found = result.patients.set_index("sample")
    own = labels.rename(lambda sample: sample[:12]).reindex(found.index).dropna()
    assert len(own) > 10
    assigned = found.loc[own.index, "subtype"] != UNASSIGNED
    assert (found.loc[own.index, "nearest"] == own)[assigned].mean() > 0.8


def test_nearest_and_second_nearest_by_hand():
    """Templates of eight genes each, up in one subtype. Sample s0 has those of b highest, then those of c."""
    genes = [f"{name}{number}" for name in "abc" for number in range(8)]
    templates = pd.DataFrame({"subtype": np.repeat(list("abc"), 8), "gene": genes, "direction": "up"})
    heights = pd.DataFrame(
        [[0, 3, 1], [3, 0, 1], [1, 0, 3], [0, 1, 3], [3, 1, 0], [1, 3, 0]], columns=list("abc"), dtype=float
    )
    expression = heights[[gene[0] for gene in genes]].set_axis(genes, axis=1).rename(index="s{}".format)
    placed = place(expression, templates).patients
    assert placed["sample"].tolist() == [f"s{i}" for i in range(6)]
    assert placed["nearest"].tolist() == list("bacca" + "b")
    assert placed["second"].tolist() == list("ccabb" + "a")
    # z-scores are proportional to (-4/3, 5/3, -1/3) for every sample: of length sqrt(42) / 3 over 3 genes.
    length = np.sqrt(42) / 3
    np.testing.assert_allclose(placed["distance"], 1 - 5 / 3 / length)
    np.testing.assert_allclose(placed["distance_second"], 1 + 1 / 3 / length)
    np.testing.assert_allclose(placed["margin"], 2 / length)
