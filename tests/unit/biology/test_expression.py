import numpy as np
import pandas as pd
import pytest

from amucl.biology.contrasts import pairwise_markers
from amucl.biology.counts import CountModel
from amucl.biology.differential import NO_EXPRESSION, NOT_AVAILABLE, permuted_control, subtype_markers
from amucl.biology.expression import counts_of, expression_markers, expression_of
from amucl.biology.omics import omic_results
from amucl.biology.overview import overview
from amucl.cohort.cohort import analysis_matrix
from tests.unit.biology.cohorts import prepared, simulated_cohort

EMPTY = pd.DataFrame(columns=["subtype", "collection", "direction", "term", "NES", "pval", "padj"])


def test_the_tables_are_those_of_the_patients_with_expression():
    cohort, labels = prepared()
    expression = analysis_matrix(cohort, "expression")
    assert len(expression) < len(labels), "somebody lacks it"
    found = expression_markers(cohort, labels, seed=1)
    own = labels[expression.index]
    pd.testing.assert_frame_equal(found.markers, subtype_markers(expression, own))
    pd.testing.assert_frame_equal(found.control, permuted_control(expression, own, 1))
    assert len(found.pairs) == 3 * found.markers["gene"].nunique()


def test_variances_follow_the_mean_where_asked():
    cohort, labels = prepared()
    expression = analysis_matrix(cohort, "expression")
    own = labels[expression.index]
    found = expression_markers(cohort, labels, seed=1, trend=True)
    pd.testing.assert_frame_equal(found.markers, subtype_markers(expression, own, trend=True))
    pd.testing.assert_frame_equal(found.pairs, pairwise_markers(expression, own, trend=True))
    pd.testing.assert_frame_equal(found.control, permuted_control(expression, own, 1, trend=True))
    assert not found.markers["t"].equals(subtype_markers(expression, own)["t"])
    mirna = analysis_matrix(cohort, "mirna")
    own = labels[labels.index.intersection(mirna.index)]
    mirna = mirna.loc[own.index]
    other = omic_results(cohort, labels, "mirna", seed=1, trend=True)
    pd.testing.assert_series_equal(other.markers["t"], subtype_markers(mirna, own, trend=True)["t"])
    pd.testing.assert_series_equal(other.pairs["t"], pairwise_markers(mirna, own, trend=True)["t"])
    pd.testing.assert_frame_equal(other.control, permuted_control(mirna, own, 1, trend=True))


def test_a_gene_map_renames_the_genes(tmp_path):
    cohort, labels = prepared()
    genes = analysis_matrix(cohort, "expression").columns
    (tmp_path / "map.tsv").write_text("id\tsymbol\n" + "".join(f"{gene}\tSYM{i}\n" for i, gene in enumerate(genes)))
    plain = expression_markers(cohort, labels, seed=1).markers
    renamed = expression_markers(cohort, labels, seed=1, gene_map=tmp_path / "map.tsv").markers
    names = dict(zip(genes, (f"SYM{i}" for i in range(len(genes))), strict=True))
    assert set(renamed["gene"]) == set(names.values())
    first = plain[plain["rank"] == 1].set_index("subtype")["gene"].map(names)
    assert (renamed[renamed["rank"] == 1].set_index("subtype")["gene"] == first).all()


def test_without_expression_nothing_is_available_and_other_omics_work():
    cohort, labels = prepared(omics=("methylation", "mirna"))
    assert expression_of(cohort) is None
    found = expression_markers(cohort, labels, seed=1)
    assert list(found.markers["status"]) == [NO_EXPRESSION] * 3
    assert found.markers["gene"].isna().all()
    assert found.pairs.empty
    assert list(found.control["subtype"]) == list(found.markers["subtype"])
    methylation = omic_results(cohort, labels, "methylation", seed=1)
    assert set(methylation.markers["scale"]) == {"M"}
    assert (methylation.markers["adj.P.Val"] < 0.05).sum() > 10
    assert (methylation.control["n_significant_permuted"] < methylation.control["n_significant"]).all()
    table = overview(labels, found.markers, EMPTY, EMPTY, omics={"methylation": methylation.markers})
    assert (table[["top_markers", "top_go", "top_gsea_up"]] == NOT_AVAILABLE).all(axis=None)
    assert table["n_up_regulated"].isna().all()
    assert table["top_methylation"].str.match(r"[+-]cg\d{8}; ").all()


def test_an_omics_features_are_named_by_a_map_or_by_the_cohort(tmp_path):
    cohort, labels = prepared()
    sites = analysis_matrix(cohort, "methylation").columns
    (tmp_path / "map.csv").write_text("probe,gene\n" + f"{sites[0]},TP53;WRAP53\n")
    table = omic_results(cohort, labels, "methylation", seed=1, gene_map=tmp_path / "map.csv").markers
    genes = table.drop_duplicates("feature").set_index("feature")["genes"]
    assert genes[sites[0]] == "TP53;WRAP53"
    assert (genes.drop(sites[0]) == "").all()
    cohort["methylation"].var["gene"] = "MYC"
    assert set(omic_results(cohort, labels, "methylation", seed=1).markers["genes"]) == {"MYC"}


@pytest.mark.parametrize("counts", [False, True])
def test_counts_are_tested_as_counts(counts):
    cohort, labels = prepared(counts=["expression"] if counts else None)
    found = expression_markers(cohort, labels, seed=1)
    by = "moderated t, trend, log2 normalised counts" if counts else "moderated t"
    assert set(found.control["test"]) == {by}
    assert (found.control["n_significant_permuted"] < found.control["n_significant"]).all()
    assert found.markers["df_total"].isna().all() == counts
    top = found.markers[found.markers["rank"] <= 5]
    assert (top["adj.P.Val"] < 1e-3).all()
    assert np.isfinite(found.markers["t"]).all()


def test_counts_keep_their_exact_numbers():
    cohort, labels = prepared(counts=["expression", "mirna"])
    given = simulated_cohort().omics["expression"].T
    kept = counts_of(cohort)
    assert kept.to_numpy().dtype.kind == "i"
    pd.testing.assert_frame_equal(kept, given.loc[kept.index, kept.columns].astype(int), check_names=False)
    expected = CountModel(kept, labels[kept.index]).markers()
    pd.testing.assert_frame_equal(expression_markers(cohort, labels, seed=1).markers, expected)
    assert counts_of(prepared()[0]) is None
    assert counts_of(prepared(omics=("methylation",))[0]) is None


def test_counts_of_a_gene_are_those_of_the_feature_that_stands_for_it(tmp_path):
    """Of a gene's features the one with the highest mean of logarithms stays, in both tables."""
    cohort, _ = prepared(counts=["expression"])
    logged = analysis_matrix(cohort, "expression")
    pairs = {feature: f"SYM{place // 2}" for place, feature in enumerate(logged.columns)}
    lines = "".join(f"{feature}\t{gene}\n" for feature, gene in pairs.items())
    (tmp_path / "map.tsv").write_text("id\tsymbol\n" + lines)
    counts, shown = (of(cohort, tmp_path / "map.tsv") for of in (counts_of, expression_of))
    assert list(counts.columns) == list(shown.columns)
    assert len(counts.columns) == -(-len(pairs) // 2)
    means = logged.mean()
    for gene in counts.columns[:20]:
        best = max((feature for feature in pairs if pairs[feature] == gene), key=means.get)
        np.testing.assert_array_equal(counts[gene], simulated_cohort().omics["expression"].T.loc[counts.index, best])
        np.testing.assert_array_equal(shown[gene], logged[best])


def test_other_counts_are_tested_with_a_trend_of_variances():
    cohort, labels = prepared(counts=["mirna"])
    found = omic_results(cohort, labels, "mirna", seed=1)
    pd.testing.assert_frame_equal(found.markers, omic_results(cohort, labels, "mirna", seed=1, trend=True).markers)
    assert set(found.markers["scale"]) == {"log2"}
    plain = prepared()[0]
    assert not omic_results(plain, labels, "mirna", seed=1).markers.equals(found.markers)


def test_the_control_counts_what_a_marker_is_said_to_be():
    cohort, labels = prepared()
    found = expression_markers(cohort, labels, seed=1, alpha=1e-4, min_logfc=1.0)
    markers = found.markers[(found.markers["adj.P.Val"] < 1e-4) & (found.markers["logFC"].abs() > 1)]
    counted = found.control.set_index("subtype")["n_significant"]
    assert counted.to_dict() == markers["subtype"].value_counts().to_dict()
