import numpy as np
import pandas as pd
import pytest

from amucl.biology.differential import subtype_markers
from amucl.biology.templates import (
    ASSIGNMENT_COLUMNS,
    TEMPLATE_COLUMNS,
    UNASSIGNED,
    nearest_template,
    subtype_templates,
)
from amucl.errors import AmuclError
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
    found = nearest_template(expression * 3 - 5, learned(), seed=1).patients
    assert list(found.columns) == ASSIGNMENT_COLUMNS
    assert list(found["sample"]) == list(expression.index)
    assert (found["subtype"].to_numpy() == labels.to_numpy()).mean() > 0.95
    assert (found["distance"] < found["distance_second"]).all()
    assert found["pval"].min() == pytest.approx(1 / 1001)
    again = nearest_template(expression * 3 - 5, learned(), seed=1).patients
    pd.testing.assert_frame_equal(again, found)


def test_patients_of_no_subtype_are_left_unassigned():
    expression, labels = drawn(seed=2, n=48, strange=12)
    found = nearest_template(expression, learned(), seed=1).patients.set_index("sample")["subtype"]
    assert (found[labels == "none"] == UNASSIGNED).mean() > 0.9
    assert (found[labels != "none"] == labels[labels != "none"]).mean() > 0.9


def test_noise_has_uniform_p():
    noise = pd.DataFrame(np.random.default_rng(3).normal(size=(300, 400)), columns=GENES)
    p = nearest_template(noise, learned(), seed=1, n_permutations=200).patients["pval"]
    assert (p < 0.05).mean() == pytest.approx(0.05, abs=0.03)
    assert (p < 0.5).mean() == pytest.approx(0.5, abs=0.1)


def test_dots_and_missing_genes_are_counted():
    expression, labels = drawn(seed=1)
    templates = learned().replace({"gene": {"g000": "HLA-A", "g001": "NKX2.3"}})
    renamed = expression.rename(columns={"g000": "HLA.A", "g001": "NKX2-3"}).drop(columns=["g002", "g016"])
    found = nearest_template(renamed, templates, seed=1)
    genes = found.genes.set_index("subtype")
    own = learned().groupby("subtype")["gene"].agg(set)
    for subtype in "abc":
        assert genes.at[subtype, "n_found"] == len(own[subtype] - {"g002", "g016"})
    assert (found.patients["subtype"].to_numpy() == labels.to_numpy()).mean() > 0.9


def test_a_template_without_genes_here_takes_nobody(caplog):
    expression, _ = drawn(seed=1)
    templates = learned()
    lost = templates.loc[templates["subtype"] == "c", "gene"]
    found = nearest_template(expression.drop(columns=lost), templates, seed=1)
    assert "c" not in set(found.patients["nearest"])
    assert "subtype c" in caplog.text


def test_bad_input_is_named():
    expression, _ = drawn()
    with pytest.raises(AmuclError, match="too few samples"):
        nearest_template(expression.head(3), learned(), seed=1)
    ensembl = expression.set_axis([f"ENSG{j:011d}" for j in range(400)], axis=1)
    with pytest.raises(AmuclError, match=r"symbols such as g\d+.*got Ensembl ids such as ENSG00000000000"):
        nearest_template(ensembl, learned(), seed=1)
    none = subtype_templates(subtype_markers(*drawn()), alpha=0)
    assert none.empty
    with pytest.raises(AmuclError, match="too few of the templates' genes"):
        nearest_template(expression, none, seed=1)


@needs_shared
def test_subtypes_of_one_half_of_aml_are_found_in_the_other():
    expression = aml_expression()
    labels = kmeans_subtypes(expression, 4)
    half = np.random.default_rng(0).permutation(len(expression)) < len(expression) // 2
    templates = subtype_templates(subtype_markers(expression[half], labels[half]))
    found = nearest_template(expression[~half], templates, seed=1).patients.set_index("sample")
    own = labels[~half]
    assigned = found["subtype"] != UNASSIGNED
    assert assigned.mean() > 0.7
    assert (found.loc[assigned, "subtype"] == own[assigned]).mean() > 0.85


@needs_shared
def test_subtypes_of_aml_are_found_in_raw_counts_of_the_same_patients():
    expression = aml_expression()
    labels = kmeans_subtypes(expression, 4)
    templates = subtype_templates(subtype_markers(expression, labels))
    result = nearest_template(aml_counts(), templates, seed=1)
    assert (result.genes["n_found"] / result.genes["n_genes"]).min() > 0.8
    found = result.patients.set_index("sample")
    own = labels.rename(lambda sample: sample[:12]).reindex(found.index).dropna()
    assert len(own) > 10
    assigned = found.loc[own.index, "subtype"] != UNASSIGNED
    assert (found.loc[own.index, "nearest"] == own)[assigned].mean() > 0.8
