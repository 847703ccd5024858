"""Real TCGA AML, from the mirror to the report."""

import hashlib

import pandas as pd

from amucl.cohort.cohort import read_cohort
from amucl.files import read_matrix, read_table
from amucl.manifest import changed_files, read_manifest
from tests.shared import MIRROR, needs_shared

pytestmark = needs_shared
K6 = "aml/dmacl/k6"


def test_all_patients_with_three_omics_are_in(aml):
    labels = read_matrix(aml.path("aml/dmacl/labels.tsv"))
    assert len(labels) == 167
    assert labels.index.str.fullmatch(r"TCGA-AB-\d{4}-03").all()
    assert list(labels.columns) == ["k2", "k4", "k6"]
    assert labels.notna().all(axis=None)


def test_samples_reconcile_with_the_files(aml):
    ledger = read_table(aml.path("aml/samples.tsv"))
    counts = pd.crosstab(ledger["omic"], ledger["status"])
    assert counts.sum(axis=1).to_dict() == {"expression": 170, "methylation": 194, "mirna": 188}
    assert set(counts["kept"]) == {167}


def test_survival_and_clinic_are_joined(aml):
    obs = read_cohort(aml.path("aml/cohort.h5mu")).obs
    assert obs.loc["TCGA-AB-2803-03", ["os_time", "os_event"]].tolist() == [792, 1]
    assert obs["os_time"].notna().sum() == 157
    assert len(obs.columns) > 50


def test_subtypes_are_explained(aml):
    markers = read_table(aml.path(f"{K6}/markers.tsv"))
    assert len(markers) == 6 * 1191
    assert set(markers["subtype"]) == set(range(1, 7))
    significant = markers[markers["adj.P.Val"] < 0.05].groupby("subtype").size()
    assert significant.max() > 100
    gsea = read_table(aml.path(f"{K6}/gsea.tsv"))
    assert set(gsea["collection"]) == {"hallmark", "kegg", "reactome"}
    assert gsea["padj"].min() < 1e-3
    go = read_table(aml.path(f"{K6}/go.tsv"))
    assert (go["padj"] < 0.05).any()


def test_promyelocytic_leukaemia_is_a_subtype_of_its_own(aml):
    """AML M3 is the one morphology that any sound method finds in these data."""
    labels = read_matrix(aml.path("aml/dmacl/labels.tsv"))["k6"]
    clinical = read_cohort(aml.path("aml/cohort.h5mu")).obs.loc[labels.index]
    carriers = labels[clinical["leukemia_french_american_british_morphology_code"] == "M3"]
    assert len(carriers) == 15
    home = carriers.mode().item()
    assert (carriers == home).mean() > 0.8
    assert (labels == home).sum() < 50


def test_survival_and_clinic_of_every_k(aml):
    survival = read_table(aml.path("aml/dmacl/survival.tsv")).set_index("k")
    assert list(survival.index) == [2, 4, 6]
    assert set(survival["n"]) == {157}
    assert set(survival["n_dropped"]) == {10}
    clinical = read_table(aml.path("aml/dmacl/clinical.tsv")).query("k == 6").set_index("label")
    assert {"gender", "age", "leukemia_french_american_british_morphology_code"} <= set(clinical.index)
    assert clinical.at["leukemia_french_american_british_morphology_code", "padj_bonferroni"] < 0.01
    counts = read_table(aml.path("aml/dmacl/enrichment.tsv")).set_index("k")
    assert counts.at[6, "n_labels"] == 6
    assert counts.at[6, "n_benchmark_labels"] == 2


def test_rivals_stand_beside_by_their_published_output(aml):
    matches = read_table(aml.path("peers/aml/matches.tsv"))
    assert len(matches) == 8
    assert matches[["n_published", "n_matched", "n_normal", "n_other"]].drop_duplicates().to_numpy().tolist() == [
        [169, 166, 0, 3]
    ]
    metrics = read_table(aml.path("peers/aml/metrics.tsv"))
    assert set(metrics["space"]) == {"embedding", "common", "published"}
    html = aml.path("comparison/aml_summary.html").read_text()
    assert "published-efVAE" in html
    assert "<td>dmacl</td>" in html


def test_downloads_are_recorded(aml):
    archive = aml.path("downloads/benchmark/aml.zip")
    recorded = archive.with_name("aml.zip.sha256").read_text().split()[0]
    assert recorded == hashlib.sha256((MIRROR / "benchmark" / "aml.zip").read_bytes()).hexdigest()


def test_the_report_covers_aml_alone(aml):
    html = aml.path("aml/report.html").read_text(encoding="utf-8")
    assert html.count("aml, dmacl, k = 6") > 0
    assert not aml.path("breast").exists()


def test_its_files_are_listed_from_the_download_on(aml):
    table = read_manifest(aml.path("aml/manifest.tsv"))
    assert changed_files(table, aml.folder) == {}
    assert {"results/downloads/benchmark/aml.zip", "results/aml/dmacl/metrics.tsv"} <= set(table["path"])


def test_every_page_of_the_report_can_be_shown(aml):
    assert aml.blank_pages() == []


def test_metrics_have_no_truth_where_none_is_known(aml):
    table = read_table(aml.path("aml/dmacl/metrics.tsv"))
    assert set(table["space"]) == {"embedding", "common"}
    assert set(table["k"]) == {2, 4, 6}


def test_a_changed_download_is_refused(aml):
    """Enforced from the first use on: here the record says otherwise than the mirror."""
    record = aml.path("downloads/benchmark/clinical.zip.sha256")
    archive = aml.path("downloads/benchmark/clinical.zip")
    before, content = record.read_text(), archive.read_bytes()
    archive.unlink()
    record.write_text("0" * 64 + "  clinical.zip\n")
    try:
        printed = aml.snakemake("--retries", "0", "--", "results/downloads/benchmark/clinical.zip", succeeds=False)
        assert "amucl: " in printed
        assert "0" * 64 in printed
        assert not archive.exists()
    finally:
        record.write_text(before)
        archive.write_bytes(content)
