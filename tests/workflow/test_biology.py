"""Biology of known labels, of the suggested k, over trainings, by templates, and without expression."""

import json

import pandas as pd
import pytest

from amucl.biology.differential import NOT_AVAILABLE
from amucl.biology.nearest import UNASSIGNED
from amucl.clustering.partition import read_partition
from amucl.cohort.simulation.simulator import Simulation, simulate
from amucl.files import read_matrix, read_table
from tests.workflow.runner import Checkout
from tests.workflow.test_own_cohort import CLASSES, DATA, write_cohort_files

BARE = {
    "source": "files",
    "omics": {"methylation": f"{DATA}/meth.csv"},
    "clinical": f"{DATA}/clinical.tsv",
    "gene_maps": {"methylation": f"{DATA}/genes.tsv"},
    "label_tables": {"theirs": f"{DATA}/theirs.csv"},
}
SETS = {kind: [f"{DATA}/sets.gmt"] for kind in ("go", "pathways", "gsea")}
COUNTED = {
    "source": "files",
    "omics": {"expression": f"{DATA}/counts.csv"},
    "counts": ["expression"],
    "gene_sets": SETS,  # genes are named with an eye on the sets
}
CONFIG = {
    "datasets": {"simulated": {}, "bare": BARE, "counted": COUNTED},
    "methods": ["pca"],
    "k": [3, 4],
    "kmeans_restarts": 10,
    "stability": {"draws": 30},
    "max_permutations": 1000,
    "phenotype_permutations": 50,
    "threads": {"enrichment": 2},
    "variance_trend": ["expression", "methylation"],
    "biology": [
        {"dataset": "simulated", "labels": "truth"},
        {"dataset": "simulated", "k": "auto", "consensus_seeds": 2},
        {"dataset": "bare", "k": 3},
        {"dataset": "counted", "k": 3, "consensus_seeds": 2},
    ],
    "markers": {"alpha": 0.04, "min_logfc": 0.5},
    "predict": [
        {"dataset": "simulated", "cohort": "simulated", "by": "templates", "labels": "truth"},
        {"dataset": "simulated", "cohort": "simulated", "by": "templates", "k": "auto"},
    ],
}
TARGETS = (
    "simulated/truth/subtypes.tsv",
    "simulated/truth/survival.tsv",
    "simulated/ssgsea.tsv",
    "simulated/truth/nearest_template_simulated.png",
    "simulated/pca/kauto/nearest_template_simulated.tsv",
    "simulated/pca/kauto/consensus_markers.tsv",
    "simulated/pca/kauto/gsea_phenotype.tsv",
    "bare/pca/k3/subtypes.tsv",
    "simulated/truth/profiles.html",
    "simulated/pca/kauto/profile.tsv",
    "bare/pca/k3/profiles.html",
    "counted/pca/k3/consensus_markers.tsv",
    "counted/pca/k3/control.tsv",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    checkout = Checkout(tmp_path_factory.mktemp("biology") / "repository", CONFIG)
    write_cohort_files(checkout.folder)
    data = checkout.folder / DATA
    sites = pd.read_csv(data / "meth.csv", index_col=0).index
    genes = "".join(f"{site}\tGENE{i}\n" for i, site in enumerate(sites))
    (data / "genes.tsv").write_text("site\tgene\n" + genes)
    planted = pd.read_csv(data / "clinical.tsv", sep="\t", index_col=0, dtype=str, keep_default_na=False)["subtype"]
    planted.map("class {}".format).rename("class").to_csv(data / "theirs.csv")
    drawn = simulate(Simulation(n_samples=40, n_clusters=3, n_genes=120, n_sites=90, n_mirnas=24, missing_omic=0))
    drawn.omics["expression"].rename_axis("gene").to_csv(data / "counts.csv")
    checkout.snakemake("--", *(f"results/{target}" for target in TARGETS))
    return checkout


def planted(run):
    return read_matrix(run.path("simulated/raw/clinical.tsv"))["subtype"]


def test_known_labels_are_explained_like_subtypes(run):
    labels = read_partition(run.path("simulated/truth/labels.tsv"))
    assert (labels == planted(run)[labels.index]).all()
    table = read_table(run.path("simulated/truth/subtypes.tsv"))
    assert list(table["subtype"]) == ["S1", "S2", "S3", "S4"]
    assert table[["top_markers", "top_gsea_up", "top_methylation", "top_mirna"]].notna().all(axis=None)
    survival = read_table(run.path("simulated/truth/survival.tsv"))
    assert survival["p_asymptotic"].item() < 1e-3


def test_the_suggested_k_is_taken(run):
    suggested = read_table(run.path("simulated/pca/k_choice.tsv"))["suggested_k"].item()
    assert read_partition(run.path("simulated/pca/kauto/labels.tsv")).nunique() == suggested == 4


def test_markers_stay_when_the_method_is_fitted_again(run):
    table = read_table(run.path("simulated/pca/kauto/consensus_markers.tsv"))
    assert set(table["n_runs"]) == {2}
    assert table.groupby("subtype")["frequency"].median().min() == 1
    assert (table["overlap"] > 0.9).all()


def test_patients_permuted_stand_beside_pre_ranked(run):
    table = read_table(run.path("simulated/pca/kauto/gsea_phenotype.tsv"))
    assert (table["pval"] > 0).all()
    assert table["pval_preranked"].notna().all()
    best = table.sort_values("pval_preranked").groupby("subtype").head(1)
    assert (best["pval"] < 0.1).all()


def test_patients_are_known_again_by_templates(run):
    found = read_matrix(run.path("simulated/truth/nearest_template_simulated.tsv"))
    assert (found["nearest"] == planted(run)[found.index]).mean() > 0.95
    check = read_table(run.path("simulated/truth/nearest_template_simulated_check.tsv"))
    assert check["status"].item() == "ok"
    assert check["n_assigned"].item() > 0.8 * len(found)
    clusters = read_partition(run.path("simulated/pca/kauto/labels.tsv"))
    given = read_matrix(run.path("simulated/pca/kauto/nearest_template_simulated.tsv"))["subtype"]
    given = given[(given != UNASSIGNED) & given.index.isin(clusters.index)]
    assert len(given) > 0.3 * len(clusters)  # two of these clusters hardly differ in expression
    assert (given == clusters[given.index].astype(str)).mean() > 0.85
    templates = read_table(run.path("simulated/truth/templates.tsv"))
    assert set(templates["direction"]) == {"up", "down"}
    scores = read_matrix(run.path("simulated/ssgsea.tsv"))
    assert set(found.index) >= set(scores.index)  # patients who lack another omic are placed, though not learnt from


def test_without_expression_other_omics_are_explained(run):
    table = read_table(run.path("bare/pca/k3/subtypes.tsv"))
    assert (table["top_markers"] == NOT_AVAILABLE).all()
    assert table["top_methylation"].notna().all()
    markers = read_table(run.path("bare/pca/k3/markers_methylation.tsv"))
    assert set(markers["scale"]) == {"M"}
    assert markers["genes"].str.startswith("GENE").all()
    assert read_table(run.path("bare/pca/k3/gsea.tsv")).empty


def test_counts_have_controls_and_consensus_of_their_own(run):
    markers, control, consensus = (
        read_table(run.path(f"counted/pca/k3/{name}.tsv")) for name in ("markers", "control", "consensus_markers")
    )
    assert markers["df_total"].isna().all(), "DESeq2's model"
    by = "moderated t, trend, log2 normalised counts"
    assert set(control["test"]) == set(consensus["test"]) == {by}
    assert (control["n_significant"] > 5).all()
    assert (control["n_significant_permuted"] < 1).all()
    assert (consensus["n_runs"] == 2).all()
    assert consensus.groupby("subtype").size().to_dict() == control.set_index("subtype")["n_significant"].to_dict()
    best = markers[(markers["adj.P.Val"] < 1e-6) & (markers["logFC"] > 1)]
    both = best.merge(consensus, on=["subtype", "gene"])
    assert len(both) > 0.9 * len(best) > 0


def test_what_a_marker_is_comes_from_the_configuration(run):
    markers = read_table(run.path("simulated/truth/markers.tsv"))
    chosen = markers[(markers["adj.P.Val"] < 0.04) & (markers["logFC"].abs() > 0.5)]
    control = read_table(run.path("simulated/truth/control.tsv")).set_index("subtype")
    assert chosen.groupby("subtype").size().to_dict() == control["n_significant"].to_dict()
    subtypes = read_table(run.path("simulated/truth/subtypes.tsv")).set_index("subtype")
    assert subtypes["n_up_regulated"].to_dict() == chosen[chosen["logFC"] > 0].groupby("subtype").size().to_dict()
    consensus = read_table(run.path("simulated/pca/kauto/consensus_markers.tsv"))
    assert (consensus["adj.P.Val"] < 0.04).all()
    assert (consensus["logFC"].abs() > 0.5).all()
    go = read_table(run.path("simulated/pca/kauto/go.tsv"))
    assert set(go["direction"]) == {"up", "down"}
    record = json.loads(run.path("simulated/pca/kauto/go.provenance.json").read_text())
    assert record["parameters"]["alpha"] == 0.04
    assert record["parameters"]["min_logfc"] == 0.5


def section(run, partition, name):
    table = read_table(run.path(f"{partition}/profile.tsv"))
    return table[table["section"] == name]


def test_every_subtype_has_a_page(run):
    assert len(section(run, "simulated/pca/kauto", "size")) == 4
    for partition, n in (("simulated/truth", 4), ("bare/pca/k3", 3)):
        assert len(section(run, partition, "size")) == n
        assert run.path(f"{partition}/profiles.html").read_text().count("<img") == n
        assert run.path(f"{partition}/profiles.pdf").read_bytes().startswith(b"%PDF")


def test_every_page_of_the_report_can_be_shown(run):
    assert run.blank_pages() == []


def test_a_page_has_markers_with_how_often_they_stayed_and_patients(run):
    markers = section(run, "simulated/pca/kauto", "markers")
    assert set(markers["group"]) == {"expression", "methylation", "mirna"}
    assert markers.loc[markers["group"] == "expression", "frequency"].notna().all()
    assert section(run, "simulated/pca/kauto", "patients").groupby("subtype").size().eq(6).all()


def test_pages_of_known_labels_have_no_embedding_and_do_not_meet_themselves(run):
    assert section(run, "simulated/truth", "patients")["note"].str.startswith("Not available").all()
    assert section(run, "simulated/truth", "classes")["note"].str.startswith("Not available").all()


def test_further_tables_of_labels_are_known_classes(run):
    classes = section(run, "bare/pca/k3", "classes")
    nearest = classes[classes["group"] == "theirs.class"]
    assert sorted(nearest["item"]) == sorted(f"class {name}" for name in CLASSES)
    assert (nearest["padj"] < 1e-6).all()
    report = read_table(run.path("bare/join_report.tsv"))
    assert report.loc[report["source"] == "theirs", "n_matched"].item() == 60
    assert section(run, "bare/pca/k3", "pathways_up")["note"].eq(NOT_AVAILABLE).all()


def test_variances_follow_the_mean_in_the_omics_named(run):
    asked = {
        "simulated/truth/markers": True,
        "simulated/truth/markers_methylation": True,
        "simulated/truth/markers_mirna": False,
        "simulated/pca/kauto/gsea_phenotype": True,
        "simulated/pca/kauto/consensus_markers": True,
    }
    records = {table: json.loads(run.path(f"{table}.provenance.json").read_text()) for table in asked}
    assert {table: record["parameters"]["trend"] for table, record in records.items()} == asked
