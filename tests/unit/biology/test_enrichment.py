import logging
import os

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from amucl.biology import enrichment
from amucl.biology.differential import down_regulated, subtype_markers, up_regulated
from amucl.biology.enrichment import (
    GSEA_COLUMNS,
    ORA_COLUMNS,
    gsea,
    ids_are_foreign,
    over_representation,
    subtype_gsea,
    subtype_over_representation,
)
from amucl.errors import AmuclError
from tests.shared import needs_shared
from tests.unit.biology.leukemia import hallmark, leukemia_markers, oracle

GENES = [f"GENE{i}" for i in range(300)]


def gene_sets(seed=0):
    """A planted set of the first 20 genes beside random ones; one too small, one of other genes."""
    rng = np.random.default_rng(seed)
    sets = {"planted": GENES[:20], "small": GENES[:9], "elsewhere": [f"X{i}" for i in range(20)]}
    return sets | {f"random__{i}": sorted(rng.choice(GENES[20:], 15 + i, replace=False)) for i in range(12)}


def ranking(seed=0):
    t = pd.Series(np.random.default_rng(seed).normal(size=300), index=GENES)
    t.iloc[:20] += 2.5
    return t


def markers(planted=20, seed=0):
    rng = np.random.default_rng(seed)
    labels = pd.Series(np.repeat(["a", "b"], 15), index=[f"s{i}" for i in range(30)])
    labels.iloc[-2:] = "tiny"
    values = rng.normal(8, 1, (30, 300))
    values[:15, :planted] += 2.0
    return subtype_markers(pd.DataFrame(values, index=labels.index, columns=GENES), labels)


@needs_shared
def test_over_representation_equals_clusterprofiler_on_leukemia():
    expected = oracle("ora_leukemia_hallmark.tsv", "term")
    table = leukemia_markers()
    tested = table.loc[table["subtype"] == "AML", "gene"].tolist()
    ours = over_representation(up_regulated(table, "AML"), tested, hallmark()).set_index("term")
    assert set(ours.index) == set(expected.index)
    ours = ours.loc[expected.index]
    for column in ["k", "n", "M", "N"]:
        assert list(ours[column]) == list(expected[column]), column
    np.testing.assert_allclose(ours["pval"], expected["pval"], rtol=1e-10)
    np.testing.assert_allclose(ours["padj"], expected["padj"], rtol=1e-10)


@needs_shared
def test_gsea_agrees_with_fgsea_on_leukemia():
    expected = oracle("fgsea_leukemia_hallmark.tsv", "pathway")
    table = leukemia_markers()
    t = table[table["subtype"] == "AML"].set_index("gene")["t"]
    ours = gsea(t, hallmark(), seed=1).set_index("term").loc[expected.index]
    assert list(ours["size"]) == list(expected["size"])
    np.testing.assert_allclose(ours["ES"], expected["ES"], atol=1e-10)
    np.testing.assert_allclose(ours["NES"], expected["NES"], rtol=0.06)
    assert np.median(np.abs(np.log10(ours["pval"] / expected["pval"]))) < 0.1
    assert (ours["padj"] < 0.05).sum() == pytest.approx((expected["padj"] < 0.05).sum(), abs=2)


def test_over_representation_is_the_hypergeometric_tail():
    query = GENES[:12] + GENES[100:130]
    sets = gene_sets()
    table = over_representation([*query, "UNTESTED"], GENES, sets).set_index("term")
    assert list(table.columns) == ORA_COLUMNS[1:]
    assert not {"small", "elsewhere"} & set(table.index)
    universe = set(GENES) & set().union(*sets.values())
    for term, row in table.iterrows():
        hits = [gene for gene in query if gene in sets[term]]
        assert row["genes"].split(";") == hits
        expected = (len(hits), len(universe.intersection(query)), len(sets[term]), len(universe))
        assert (row["k"], row["n"], row["M"], row["N"]) == expected
        k, n, m, total = expected
        assert row["pval"] == pytest.approx(stats.hypergeom.sf(k - 1, total, m, n), rel=1e-10)
    assert table.index[0] == "planted"
    np.testing.assert_allclose(table["padj"], stats.false_discovery_control(table["pval"]), rtol=1e-12)


@pytest.mark.parametrize("rename", [str.lower, lambda gene: gene.removeprefix("GENE")], ids=["lower case", "numbers"])
def test_gene_names_of_any_kind_give_the_same_result(rename):
    sets = {name: [rename(gene) for gene in members] for name, members in gene_sets().items()}
    plain = over_representation(GENES[:30], GENES, gene_sets())
    renamed = over_representation([rename(g) for g in GENES[:30]], [rename(g) for g in GENES], sets)
    pd.testing.assert_frame_equal(plain.drop(columns="genes"), renamed.drop(columns="genes"))
    t = ranking()
    plain, renamed = gsea(t, gene_sets(), seed=1), gsea(t.rename(rename), sets, seed=1)
    pd.testing.assert_frame_equal(plain.drop(columns="leading_edge"), renamed.drop(columns="leading_edge"))


def test_gsea_finds_the_planted_set():
    table = gsea(ranking(), gene_sets(), seed=1)
    assert list(table.columns) == GSEA_COLUMNS
    assert len(table) == 13
    assert {"small", "elsewhere"}.isdisjoint(table["term"])
    first = table.iloc[0]
    assert first["term"] == "planted"
    assert first["NES"] > 1.5
    assert first["padj"] < 0.01
    edge = first["leading_edge"].split(";")
    assert set(edge) <= set(GENES[:20])
    assert list(ranking()[edge]) == sorted(ranking()[edge], reverse=True)
    assert first["tag_pct"] == pytest.approx(100 * len(edge) / 20)
    last = (ranking() >= ranking()[edge].min()).mean()
    assert first["gene_pct"] == pytest.approx(100 * last)
    down = gsea(-ranking(), gene_sets(), seed=1).set_index("term").loc["planted"]
    assert down["NES"] < -1.5
    assert down["gene_pct"] < 50
    assert down["leading_edge"].split(";")[0] == ranking().index[ranking().argmax()]


def test_gsea_repeats_whatever_the_order_and_other_sets():
    tied = ranking().round(1)
    sets = gene_sets()
    table = gsea(tied, sets, seed=3)
    pd.testing.assert_frame_equal(gsea(tied.sample(frac=1, random_state=1), sets, seed=3), table)
    pd.testing.assert_frame_equal(gsea(tied, dict(reversed(sets.items())), seed=3), table)
    fewer = gsea(tied, {name: sets[name] for name in ["planted", "random__11"]}, seed=3).set_index("term")
    pd.testing.assert_frame_equal(
        fewer.drop(columns="padj"), table.set_index("term").loc[fewer.index].drop(columns="padj")
    )


def lopsided() -> pd.Series:
    t = pd.Series(np.linspace(0.01, 0.02, 300), index=GENES)
    t.iloc[:3] = [50, 49, 48]
    return t


def test_missing_p_values_stay_missing_and_are_logged(caplog):
    sets = {"top": GENES[:3] + GENES[100:107], "other": GENES[150:170]}
    table = gsea(lopsided(), sets, seed=1, n_permutations=5)
    assert table["pval"].isna().any()
    assert (table["pval"].isna() == table["padj"].isna()).all()
    rows = pd.DataFrame({"subtype": "a", "gene": GENES, "t": lopsided().to_numpy(), "status": "ok"})
    with caplog.at_level(logging.INFO, logger="amucl.biology.enrichment"):
        subtype_gsea(rows, {"sets": sets}, 1, n_permutations=5, n_threads=2)
    assert f"subtype a: {table['pval'].isna().sum()} sets have no p-value" in caplog.text


def test_gsea_by_blocks_and_in_processes_is_the_same(monkeypatch):
    whole = gsea(ranking(), gene_sets(), seed=1)
    collections = {"small": {"planted": gene_sets()["planted"]}, "large": gene_sets(1)}
    alone = subtype_gsea(markers(), collections, 1)
    order = alone[["subtype", "collection"]].drop_duplicates().to_numpy().tolist()
    assert order == [["a", "small"], ["a", "large"], ["b", "small"], ["b", "large"]]
    pd.testing.assert_frame_equal(subtype_gsea(markers(), collections, 1, n_threads=2), alone)
    monkeypatch.setattr(enrichment, "_SCORES_AT_A_TIME", 4 * len(GENES))
    pd.testing.assert_frame_equal(gsea(ranking(), gene_sets(), seed=1), whole)
    monkeypatch.setattr(enrichment, "_SCORES_AT_A_TIME", 1)
    pd.testing.assert_frame_equal(gsea(ranking(), gene_sets(), seed=1), whole)


def test_two_jobs_are_done_in_processes_of_their_own():
    def who(subtype, rows, sets):
        return pd.DataFrame({"process": [os.getpid()]})

    for n_jobs in (1, 2):
        table = enrichment._per_subtype(markers(), {"sets": gene_sets()}, ["process"], who, n_jobs=n_jobs)
        assert len(table) == 2
        assert set(table["process"] == os.getpid()) == {n_jobs == 1}


def test_an_error_in_a_process_is_the_users_one_line():
    twice = pd.concat([markers(), markers()])
    with pytest.raises(AmuclError, match="duplicate genes in the ranking; expected each gene once"):
        subtype_gsea(twice, {"sets": gene_sets()}, 1, n_threads=2)


def test_gseapy_is_silent_and_writes_nothing(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    gsea(ranking().round(0), gene_sets(), seed=1, n_permutations=5)
    over_representation(GENES[:30], GENES, gene_sets())
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_sizes_count_after_the_cut():
    sets = {"ten": [*GENES[:10], "X1", "X2"], "nine": [*GENES[:9], "X1", "X2"], "thirty": GENES[:30]}
    assert set(over_representation(GENES[:5], GENES, sets, max_size=29)["term"]) == {"ten"}
    assert set(gsea(ranking(), sets, seed=1, max_size=30)["term"]) == {"ten", "thirty"}


def test_nothing_to_test_keeps_the_header():
    small = {"small": GENES[:5]}
    assert list(gsea(ranking(), small, seed=1).columns) == GSEA_COLUMNS
    assert list(over_representation(GENES[:5], GENES, small).columns) == ORA_COLUMNS
    assert list(over_representation([], GENES, gene_sets()).columns) == ORA_COLUMNS
    assert len(gsea(ranking(), {"everything": GENES}, seed=1)) == 0
    nobody = over_representation(GENES[20:21], GENES, {"planted": GENES[:20]})
    assert nobody.empty


def test_subtype_tables():
    table, collections = markers(), {"first": gene_sets(0), "second": gene_sets(1)}
    ora = subtype_over_representation(table, collections)
    assert list(ora.columns) == ["subtype", "collection", "direction", *ORA_COLUMNS, "status"]
    assert set(ora["subtype"]) <= {"a", "b"}
    assert list(ora.loc[ora["padj"] < 0.05, "term"].unique()) == ["planted"]
    for (subtype, direction, collection), rows in ora.groupby(["subtype", "direction", "collection"]):
        chosen = {"up": up_regulated, "down": down_regulated}[direction](table, subtype)
        tested = table.loc[table["subtype"] == subtype, "gene"].tolist()
        alone = over_representation(chosen, tested, collections[collection])
        pd.testing.assert_frame_equal(rows[ORA_COLUMNS].reset_index(drop=True), alone)
    planted = ora[ora["padj"] < 0.05]
    assert set(zip(planted["subtype"], planted["direction"], strict=True)) == {("a", "up"), ("b", "down")}
    up = subtype_gsea(table, collections, 1)
    assert list(up.columns) == ["subtype", "collection", *GSEA_COLUMNS, "status"]
    assert set(up["status"]) == set(ora["status"]) == {"ok"}
    assert set(zip(up["subtype"], up["collection"], strict=True)) == {(s, c) for s in "ab" for c in collections}
    planted = up[up["term"] == "planted"].set_index(["subtype", "collection"])
    assert (planted.loc["a", "NES"] > 0).all()
    assert (planted.loc["b", "NES"] < 0).all()
    for _, rows in up.groupby(["subtype", "collection"]):
        np.testing.assert_allclose(rows["padj"], stats.false_discovery_control(rows["pval"]), rtol=1e-12)


def test_no_marker_no_row():
    table = markers(planted=0)
    assert not up_regulated(table, "a")
    assert not down_regulated(table, "a")
    ora = subtype_over_representation(table, {"sets": gene_sets()})
    assert ora.empty
    assert list(ora.columns) == ["subtype", "collection", "direction", *ORA_COLUMNS, "status"]
    too_small = table[table["status"] == "too_small"]
    assert subtype_gsea(too_small, {"sets": gene_sets()}, 1).empty
    assert list(subtype_over_representation(too_small, {}).columns) == [
        "subtype",
        "collection",
        "direction",
        *ORA_COLUMNS,
        "status",
    ]


def test_a_collection_that_knows_no_gene_is_marked_and_those_beside_it_are_tested(caplog):
    collections = {"sets": gene_sets(), "mouse": {"m": ["Trp53", "Myc"]}}
    for table in (subtype_over_representation(markers(), collections), subtype_gsea(markers(), collections, 1)):
        status = table.groupby("collection")["status"].unique().map(list).to_dict()
        assert status == {"sets": ["ok"], "mouse": ["foreign_ids"]}
        assert list(table.loc[table["collection"] == "mouse", "subtype"]) == ["a", "b"]
        assert table.loc[table["collection"] == "mouse", ["term", "pval", "padj"]].isna().all(axis=None)
        assert not ids_are_foreign(table)
    assert "mouse" in caplog.text


def test_foreign_ids_end_no_run():
    sets = {"A": ["TP53", "MYC", "KIT", "FLT3"]}
    ensembl = markers().assign(
        gene=lambda m: m["gene"].map(lambda gene: f"ENSG{int(gene[4:]):011d}", na_action="ignore")
    )
    for table in (subtype_over_representation(ensembl, {"one": sets}), subtype_gsea(ensembl, {"one": sets}, 1)):
        assert list(zip(table["subtype"], table["collection"], table["status"], strict=True)) == [
            ("a", "one", "foreign_ids"),
            ("b", "one", "foreign_ids"),
        ]
        assert ids_are_foreign(table)


def test_wrong_kind_of_identifier_is_named_with_examples():
    sets = {"A": ["TP53", "MYC", "KIT", "FLT3"]}
    ensembl = [f"ENSG{number:011d}" for number in range(30)]
    message = (
        r"in any gene set: Ensembl ids against symbols; expected symbols such as TP53, MYC, KIT; "
        r"got Ensembl ids such as ENSG\d+, ENSG\d+, ENSG\d+; name a `gene_maps` file"
    )
    with pytest.raises(AmuclError, match=message):
        over_representation(ensembl, ensembl, sets)
    with pytest.raises(AmuclError, match="no gene of the expression is in any gene set"):
        over_representation(GENES, GENES, sets)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: pd.concat([t, t[:2]]), "duplicate genes in the ranking.*got GENE0, GENE1"),
        (lambda t: t.where(t.index != "GENE7", np.inf), "gene GENE7: ranking has missing or infinite values"),
        (lambda t: t.where(t.index != "GENE7"), "gene GENE7: ranking has missing or infinite values"),
    ],
)
def test_bad_rankings_are_named(change, message):
    with pytest.raises(AmuclError, match=message):
        gsea(change(ranking()), gene_sets(), seed=1)


def test_genes_with_dots_for_hyphens_are_found_in_the_sets():
    dotted, hyphens = GENES[3], "GENE-3"
    sets = {name: [hyphens if gene == dotted else gene for gene in members] for name, members in gene_sets().items()}
    renamed = [gene.replace("GENE3", "GENE.3") if gene == dotted else gene for gene in GENES]
    table = over_representation(renamed[:30], renamed, sets)
    plain = over_representation(GENES[:30], GENES, gene_sets())
    pd.testing.assert_frame_equal(table.drop(columns="genes"), plain.drop(columns="genes"))
    assert hyphens in table.set_index("term").loc["planted", "genes"].split(";")
    t = ranking()
    edge = gsea(t.set_axis(renamed), sets, seed=1).set_index("term").loc["planted"]
    assert edge["size"] == 20
    assert edge["ES"] == pytest.approx(gsea(t, gene_sets(), seed=1).set_index("term").loc["planted", "ES"])
