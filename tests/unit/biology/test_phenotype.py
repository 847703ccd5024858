import numpy as np
import pandas as pd
import pytest

from amucl.biology.differential import moderated_t
from amucl.biology.enrichment import gsea
from amucl.biology.phenotype import (
    PHENOTYPE_COLUMNS,
    beside_preranked,
    enrichment_scores,
    permuted_t,
    phenotype_gsea,
    pooled_q,
)
from tests.shared import needs_shared
from tests.unit.biology.leukemia import hallmark, leukemia, leukemia_markers
from tests.unit.biology.test_enrichment import GENES, gene_sets

COLLECTIONS = {"sets": gene_sets()}


def drawn(seed=0, shift=1.0, correlated=0.0):
    """Thirty samples of two subtypes; the planted set is up in a, its genes share a factor."""
    rng = np.random.default_rng(seed)
    labels = pd.Series(["a"] * 14 + ["b"] * 14 + ["tiny"] * 2, index=[f"s{i}" for i in range(30)])
    values = rng.normal(8, 1, (30, 300))
    values[:, :20] += correlated * rng.normal(size=(30, 1))
    values[:14, :20] += shift
    return pd.DataFrame(values, index=labels.index, columns=GENES), labels


def many_sets():
    rng = np.random.default_rng(4)
    return {f"set {i}": list(rng.choice(GENES[20:], 15, replace=False)) for i in range(150)}


@pytest.mark.parametrize("trend", [False, True])
def test_many_groupings_give_the_moderated_t_of_each(trend):
    expression, _ = drawn()
    rng = np.random.default_rng(1)
    inside = np.stack([rng.permutation(30) < 9 for _ in range(4)])
    found = permuted_t(expression.to_numpy(), inside, trend=trend)
    for row, group in zip(found, inside, strict=True):
        np.testing.assert_allclose(row, moderated_t(expression, group, trend=trend)["t"], rtol=1e-8)


def test_scores_are_those_of_prerank():
    rng = np.random.default_rng(2)
    t = np.stack([rng.normal(size=300), rng.normal(size=300) + np.r_[np.full(20, -2.5), np.zeros(280)]])
    table = {
        i: gsea(pd.Series(row, index=GENES), gene_sets(), seed=1).set_index("term")["ES"] for i, row in enumerate(t)
    }
    terms = list(table[0].index)
    positions = [np.array([GENES.index(gene) for gene in gene_sets()[term]]) for term in terms]
    scores = enrichment_scores(t, positions)
    for i in range(2):
        np.testing.assert_allclose(scores[i], table[i][terms], atol=1e-10)


def test_the_planted_set_is_found_with_an_honest_p():
    table = phenotype_gsea(*drawn(), COLLECTIONS, seed=1, n_permutations=200)
    assert list(table.columns) == PHENOTYPE_COLUMNS
    assert set(table["subtype"]) == {"a", "b"}, "two samples are too few"
    best = table[table["subtype"] == "a"].set_index("term").loc["planted"]
    assert (best["collection"], best["size"]) == ("sets", 20)
    assert best["NES"] > 1.5
    assert best["pval"] == pytest.approx(1 / (best["n_permutations"] + 1)), "never 0"
    assert best["padj"] < 0.2
    assert (table["pval"] > 0).all()
    assert (table["n_permutations"] <= 200).all()
    again = phenotype_gsea(*drawn(), COLLECTIONS, seed=1, n_permutations=200)
    pd.testing.assert_frame_equal(table, again)


def test_correlated_genes_are_one_witness():
    """Without a difference, genes that move together fool the permutation of genes and not that of patients."""
    fooled, honest = [], []
    for seed in range(8):
        expression, labels = drawn(seed, shift=0, correlated=1.5)
        table = phenotype_gsea(expression, labels, COLLECTIONS, seed=seed, n_permutations=99)
        honest.append(table.query("subtype == 'a'").set_index("term").at["planted", "pval"])
        t = moderated_t(expression, (labels == "a").to_numpy()).set_index("gene")["t"]
        fooled.append(gsea(t, gene_sets(), seed=seed).set_index("term").at["planted", "pval"])
    assert np.median(fooled) < 0.05
    assert np.median(honest) > 0.15


def test_pooled_q_is_a_ratio_of_shares():
    """Counted one by one, as the definition says."""
    rng = np.random.default_rng(3)
    nes = np.r_[rng.normal(size=30).round(1), 3.0, -2.5]
    permuted = rng.normal(size=(50, 32)).round(1)
    permuted[3, 4] = np.nan
    found = pooled_q(nes, permuted)
    expected = np.empty(32)
    for i, score in enumerate(nes):
        above = score >= 0
        ours = [abs(other) for other in nes if (other >= 0) == above]
        null = [abs(other) for other in permuted.ravel() if np.isfinite(other) and (other >= 0) == above]
        rates = [
            ((sum(one >= other for one in null) + 1) / (len(null) + 1))
            / (sum(one >= other for one in ours) / len(ours))
            for other in ours
            if other <= abs(score)
        ]
        expected[i] = min(1, *rates)
    np.testing.assert_allclose(found, expected)
    assert np.isnan(pooled_q(np.array([1.0, np.nan]), -np.ones((5, 2)))).all()


def test_pooled_q_finds_a_set_among_hundreds_where_p_cannot():
    """With 99 permutations no P is below .01, so that none of 150 sets passes Benjamini-Hochberg."""
    table = phenotype_gsea(
        *drawn(shift=0.8), {"many": {"planted": GENES[:20]} | many_sets()}, seed=1, n_permutations=99
    )
    rows = table[table["subtype"] == "a"].set_index("term")
    assert rows["padj"].min() > 0.05
    assert rows.at["planted", "qval"] < 0.05
    assert (rows["qval"] < 0.05).sum() < 5


def test_without_a_difference_hardly_a_q_is_small():
    passed = []
    for seed in range(400):
        scores = np.random.default_rng(seed).normal(size=(100, 150))
        passed.append((pooled_q(scores[0], scores[1:]) < 0.05).any())
    assert np.mean(passed) == pytest.approx(0.1, abs=0.04), ".05 for sets up, .05 for sets down"


def test_preranked_p_stand_beside():
    table = phenotype_gsea(*drawn(), COLLECTIONS, seed=1, n_permutations=20)
    preranked = table[["subtype", "collection", "term"]].assign(pval=0.01, padj=0.02).iloc[1:]
    both = beside_preranked(table, preranked)
    assert len(both) == len(table)
    assert both["padj_preranked"].isna().sum() == 1
    assert set(both["pval_preranked"].dropna()) == {0.01}


def test_identifiers_of_another_kind_and_sets_of_no_size():
    expression, labels = drawn()
    ensembl = expression.set_axis([f"ENSG{i:011d}" for i in range(300)], axis=1)
    foreign = phenotype_gsea(ensembl, labels, COLLECTIONS, seed=1)
    assert set(foreign["collection"]) == set(COLLECTIONS)
    assert set(foreign["status"]) == {"foreign_ids"}
    assert list(foreign.columns) == PHENOTYPE_COLUMNS
    both = COLLECTIONS | {"mouse": {"m": ["Trp53"]}}
    beside = phenotype_gsea(expression, labels, both, seed=1, n_permutations=5).set_index("collection")
    assert set(beside.loc[["mouse"], "status"]) == {"foreign_ids"}
    assert set(beside.loc[[*COLLECTIONS], "status"]) == {"ok"}
    small = {"sets": {"small": GENES[:4]}}
    assert phenotype_gsea(expression, labels, small, seed=1, n_permutations=5).empty


@needs_shared
def test_on_leukemia_fewer_sets_pass_than_pre_ranked():
    table = phenotype_gsea(*leukemia(), {"hallmark": hallmark()}, seed=1, n_permutations=100)
    rows = table[table["subtype"] == "AML"].set_index("term")
    t = leukemia_markers().query("subtype == 'AML'").set_index("gene")["t"]
    preranked = gsea(t, hallmark(), seed=1).set_index("term")
    np.testing.assert_allclose(rows["ES"], preranked.loc[rows.index, "ES"], atol=1e-9)
    assert (rows["padj"] < 0.05).sum() < (preranked["padj"] < 0.05).sum()
