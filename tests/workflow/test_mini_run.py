"""The default workflow end to end: is what comes out what was put in?"""

import json
import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import f_oneway

from amucl.biology.genesets import read_gmt
from amucl.clustering.external import ari
from amucl.cohort.cohort import about, read_cohort
from amucl.files import read_arrays, read_matrix, read_table
from amucl.manifest import changed_files, read_manifest
from amucl.methods.registry import METHODS
from amucl.provenance import sha256
from tests.workflow.runner import MINI

KS = (2, 3, 4, 5)
K4 = "simulated/dmacl/k4"


def complete_patients(mini):
    raw = [
        pd.read_csv(mini.path(f"simulated/raw/{omic}.tsv.gz"), sep="\t", index_col=0)
        for omic in ("expression", "methylation", "mirna")
    ]
    return [sample for sample in raw[0] if all(sample in table for table in raw)]


def test_the_cohort_holds_every_complete_patient(mini):
    cohort = read_cohort(mini.path("simulated/cohort.h5mu"))
    assert list(cohort.obs_names) == complete_patients(mini)
    assert set(cohort.mod) == {"expression", "methylation", "mirna"}
    assert about(cohort)["n_clusters"] == 4
    assert all(np.isfinite(cohort[omic].X).all() for omic in cohort.mod)


def test_every_step_is_counted_and_chains(mini):
    steps = read_table(mini.path("simulated/preprocessing.tsv"))
    assert set(steps["dataset"]) == {"simulated"}
    for _, omic in steps.groupby("omic"):
        assert list(omic["samples_in"][1:]) == list(omic["samples_out"][:-1])
        assert list(omic["features_in"][1:]) == list(omic["features_out"][:-1])
    constant = steps[steps["step"] == "constant_features"].set_index("omic")
    assert constant.at["expression", "features_in"] - constant.at["expression", "features_out"] == 2
    assert steps.set_index(["omic", "step"]).at[("methylation", "impute"), "values_changed"] > 0


def test_no_sample_is_lost_without_a_word(mini):
    ledger = read_table(mini.path("simulated/samples.tsv"))
    raw = {
        omic: pd.read_csv(mini.path(f"simulated/raw/{omic}.tsv.gz"), sep="\t", index_col=0)
        for omic in ("expression", "methylation", "mirna")
    }
    for omic, table in raw.items():
        assert sorted(ledger.loc[ledger["omic"] == omic, "column"]) == sorted(table.columns)
    dropped = ledger[ledger["status"] == "dropped"]
    assert len(dropped) > 0
    assert dropped["reason"].str.len().min() > 0


@pytest.mark.parametrize("method", MINI["methods"])
def test_every_method_labels_every_patient_for_every_k(mini, method):
    samples = complete_patients(mini)
    embedding = read_matrix(mini.path(f"simulated/{method}/embedding.tsv"))
    labels = read_table(mini.path(f"simulated/{method}/labels.tsv"))
    assert list(embedding.index) == samples
    assert list(labels["sample"]) == samples
    assert list(labels.columns) == ["sample", *(f"k{k}" for k in KS)]
    for k in KS:
        sizes = labels[f"k{k}"].value_counts().sort_index()
        assert list(sizes.index) == list(range(1, k + 1))
        assert sizes.is_monotonic_decreasing


@pytest.mark.parametrize("method", MINI["methods"])
def test_metrics_are_complete_and_tidy(mini, method):
    table = read_table(mini.path(f"simulated/{method}/metrics.tsv"))
    assert list(table.columns) == ["dataset", "method", "seed", "k", "metric", "space", "value", "warning"]
    internal = [
        (metric, space) for metric in ("c_index", "silhouette", "davies_bouldin") for space in ("embedding", "common")
    ]
    external = [(metric, "truth") for metric in ("ari", "nmi", "accuracy", "purity", "rand", "f_measure")]
    wanted = {(k, *pair) for k in KS for pair in [*internal, *external]}
    assert set(table[["k", "metric", "space"]].itertuples(index=False, name=None)) == wanted
    assert len(table) == len(wanted)
    assert np.isfinite(table["value"]).all()
    assert set(table["method"]) == {method}


def test_planted_subtypes_are_recovered(mini):
    labels = read_matrix(mini.path("simulated/dmacl/labels.tsv"))
    planted = read_matrix(mini.path("simulated/raw/clinical.tsv"))["subtype"].loc[labels.index]
    assert ari(labels["k4"], planted) > 0.9
    table = read_table(mini.path("comparison/metrics.tsv"))
    rows = table[(table["method"] == "dmacl") & (table["k"] == 4) & (table["metric"] == "ari")]
    assert rows["value"].item() == pytest.approx(ari(labels["k4"], planted))


def test_all_methods_stand_in_the_comparison(mini):
    table = read_table(mini.path("comparison/metrics.tsv"))
    parts = [read_table(mini.path(f"simulated/{method}/metrics.tsv")) for method in MINI["methods"]]
    pd.testing.assert_frame_equal(table, pd.concat(parts, ignore_index=True))


@pytest.mark.parametrize("method", MINI["methods"])
def test_every_restart_is_accounted_for(mini, method):
    table = read_table(mini.path(f"simulated/{method}/restarts.tsv"))
    if METHODS[method].stage == "lowrank":
        assert table.empty
        return
    assert set(table["n_restarts"]) == {10}
    assert (table["n_partitions"] <= 10).all()
    metrics = read_table(mini.path(f"simulated/{method}/metrics.tsv"))
    assert len(table.merge(metrics, on=["k", "metric", "space"])) == len(table) == len(metrics)
    higher = ~table["metric"].isin(["c_index", "davies_bouldin"])
    assert (table["best"] >= table["mean"] - 1e-12)[higher].all()
    assert (table["best"] <= table["mean"] + 1e-12)[~higher].all()


def test_the_data_speak_for_the_planted_k(mini):
    choice = read_table(mini.path("simulated/dmacl/k_choice.tsv")).iloc[0]
    assert (choice["suggested_k"], choice["confidence"]) == (4, "high")
    stability = read_table(mini.path("simulated/dmacl/stability.tsv")).set_index("k")
    assert stability.at[4, "ari_mean"] > 0.95
    assert stability.at[4, "pac"] < 0.1 < stability.at[4, "pac_null"]
    samples, arrays = read_arrays(mini.path("simulated/dmacl/consensus.npz"))
    assert samples == complete_patients(mini)
    assert arrays["consensus"].shape == (len(samples), len(samples))


def test_the_summary_has_a_line_per_method(mini):
    table = read_table(mini.path("comparison/summary.tsv"))
    assert list(table["method"]) == MINI["methods"]
    assert set(table["k"]) == {4}
    dmacl = table.set_index("method").loc["dmacl"]
    assert dmacl["ari"] > 0.9
    assert dmacl["minus_log10_p"] > 3
    assert dmacl["n_labels"] == 2  # age and sex are drawn without regard to the subtype
    assert dmacl["n_enriched"] == 0
    assert dmacl["suggested_k"] == 4


def test_survival_is_tested_for_every_k_by_permutation(mini):
    table = read_table(mini.path("simulated/dmacl/survival.tsv")).set_index("k")
    assert list(table.index) == list(KS)
    assert set(table["status"]) == {"ok"}
    assert table["p_permutation"].between(0, 1, inclusive="right").all()
    assert (table["padj_bonferroni"] >= table["padj_bh"]).all()
    outcome = read_table(mini.path("simulated/dmacl/outcome.tsv")).query("k == 4").set_index("subtype")
    names = planted_names(mini)
    hazards = outcome["hr"].rename(names).sort_index()
    assert hazards.is_monotonic_increasing  # from S1 to S4 the planted hazard grows eightfold
    assert outcome["rmst"].rename(names).sort_index().is_monotonic_decreasing
    assert set(outcome["adjusted_for"]) == {"age"}


def planted_names(mini):
    """Cluster number -> planted subtype, by majority."""
    labels = read_matrix(mini.path("simulated/dmacl/labels.tsv"))["k4"]
    planted = read_matrix(mini.path("simulated/raw/clinical.tsv"))["subtype"].loc[labels.index]
    return {number: planted[labels == number].mode().item() for number in range(1, 5)}


@pytest.mark.parametrize(("table", "collection"), [("go", "go"), ("pathways", "pathways"), ("gsea", "pathways")])
def test_planted_gene_sets_come_out_on_top(mini, table, collection):
    found = read_table(mini.path(f"{K4}/{table}.tsv"))
    sets = read_table(mini.path("simulated/raw/planted.tsv")).query("collection == @collection")
    sets = sets.set_index("subtype")["term"]
    names = planted_names(mini)
    assert sorted(names.values()) == ["S1", "S2", "S3", "S4"]
    for number, subtype in names.items():
        rows = found[found["subtype"] == number]
        up = rows[rows["NES"] > 0] if "NES" in rows else rows
        best = up.sort_values("pval").iloc[0]
        assert best["term"] == sets[subtype]
        assert best["padj"] < 1e-4


def test_markers_are_the_planted_genes(mini):
    markers = read_table(mini.path(f"{K4}/markers.tsv"))
    columns = "subtype gene logFC mean_in mean_out AveExpr t df_total P.Value adj.P.Val n_in n_out rank status"
    assert list(markers.columns) == columns.split()
    assert len(markers) == 4 * 598
    top = read_table(mini.path(f"{K4}/subtypes.tsv")).set_index("subtype")["top_markers"]
    pathways = read_gmt(mini.path("simulated/raw/pathways.gmt"))
    sets = read_table(mini.path("simulated/raw/planted.tsv")).query("collection == 'pathways'").set_index("subtype")
    for number, subtype in planted_names(mini).items():
        assert set(top[number].split("; ")) <= set(pathways[sets.at[subtype, "term"]])


def test_permuted_labels_have_no_markers(mini):
    control = read_table(mini.path(f"{K4}/control.tsv"))
    assert (control["n_significant"] > 15).all()
    assert (control["n_significant_permuted"] < 1).all()


def test_planted_survival_differs(mini):
    row = read_table(mini.path(f"{K4}/survival.tsv")).iloc[0]
    assert row["status"] == "ok"
    assert row["p_asymptotic"] < 1e-3
    assert row["p_permutation"] < 1e-3


@pytest.mark.parametrize("method", ["sglrr", "lrr"])
def test_the_low_rank_methods_certify_their_optimum(mini, method):
    solver = read_table(mini.path(f"simulated/{method}/solver.tsv")).iloc[0]
    assert solver["converged"]
    assert 0 <= solver["gap"] <= solver["tol"] == 1e-2
    assert solver["seconds"] > 0
    history = read_table(mini.path(f"simulated/{method}/history.tsv"))
    assert history["gap"].iloc[-1] == solver["gap"]


def test_a_representation_is_symmetric_where_the_method_asks_and_of_landmarks_where_there_are(mini):
    everyone = complete_patients(mini)
    stored = {name: read_arrays(mini.path(f"simulated/{name}/representation.npz")) for name in ("sglrr", "lrr")}
    samples, arrays = stored["sglrr"]
    assert samples == everyone
    np.testing.assert_array_equal(arrays["representation"], arrays["representation"].T)
    landmarks, arrays = stored["lrr"]
    assert arrays["representation"].shape == (60, 60)
    assert not np.allclose(arrays["representation"], arrays["representation"].T)
    assert landmarks == [sample for sample in everyone if sample in set(landmarks)]
    samples, arrays = read_arrays(mini.path("simulated/lrr/affinity.npz"))
    assert samples == everyone
    assert arrays["affinity"].shape == (len(everyone), len(everyone))


def test_sensitivity_is_a_target_of_its_own(mini):
    assert not list(mini.path("simulated").rglob("sensitivity*"))
    mini.snakemake("--", "sensitivity_figures")
    for method, parameters in {"sglrr": ["beta", "gamma"], "lrr": ["gamma"]}.items():
        table = read_table(mini.path(f"simulated/{method}/sensitivity.tsv"))
        assert list(table["parameter"].unique()) == parameters
        assert list(table["factor"]) == [1, 10] * len(parameters)
        default = table[table["factor"] == 1].iloc[0]
        metrics = read_table(mini.path(f"simulated/{method}/metrics.tsv")).query("k == 4 and space == 'truth'")
        scores = metrics.set_index("metric")["value"]
        assert [default[name] for name in ("ari", "nmi", "accuracy")] == pytest.approx(
            list(scores[["ari", "nmi", "accuracy"]])
        )
        assert mini.path(f"simulated/{method}/sensitivity.png").exists()


def test_a_sweep_is_a_target_of_its_own(mini):
    assert not list(mini.path("simulated").rglob("sweep*"))
    mini.snakemake("--", "sweep_figures")
    table = read_table(mini.path("simulated/pca/sweep.tsv"))
    assert table[["parameter", "setting"]].drop_duplicates().values.tolist() == [
        ["n_components", 2],
        ["n_components", 5],
    ]
    metrics = read_table(mini.path("simulated/pca/metrics.tsv")).query("k == 4")
    assert len(table) == 2 * len(metrics)
    ari_as_it_is = metrics.query("metric == 'ari'")["value"].item()
    assert set(table.loc[table["metric"] == "ari", "as_it_is"]) == {ari_as_it_is}
    silhouette = table.query("metric == 'silhouette' and space == 'embedding'").set_index("setting")["value"]
    assert silhouette[2] != silhouette[5]
    assert mini.path("simulated/pca/sweep.png").exists()


def test_every_figure_is_a_picture(mini):
    figures = [*mini.path("").rglob("*.png")]
    assert len(figures) > 25
    for figure in figures:
        assert figure.read_bytes().startswith(b"\x89PNG")
        assert figure.stat().st_size > 5000, figure
        assert figure.with_suffix(".svg").read_text().lstrip().startswith("<?xml")
        assert figure.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_the_report_holds_figures_tables_and_captions(mini):
    html = mini.path("report.html").read_text(encoding="utf-8")
    wanted = [
        "1 Data",
        "2 Clustering",
        "3 Survival and clinic",
        "4 Training and solving",
        "5 Biology",
        "How far to trust it",
        "heatmap.png",
        "gsea.png",
        "loss.png",
        "affinity.png",
        "representation.png",
        "profiles.html",
        "subtypes.html",
        "preprocessing.html",
        "summary.html",
        "consensus.png",
        "k_choice.png",
        "simulated_confusion.png",
        "outcome.html",
        "simulated_trust.png",
    ]
    assert [text for text in wanted if text not in html] == []


def test_every_page_of_the_report_can_be_shown(mini):
    assert mini.blank_pages() == []


def test_progress_and_loss_are_live(mini):
    assert "steps (100%) done" in mini.printed
    log = mini.path("logs/simulated/dmacl/train.log").read_text()
    assert "epoch 1 of 100: loss" in log
    assert "epoch 100 of 100: loss" in log


@pytest.mark.parametrize(
    "sidecar", ["cohort", "dmacl/embedding", "sglrr/embedding", "dmacl/labels", "dmacl/metrics", "dmacl/k4/gsea"]
)
def test_every_result_tells_what_made_it(mini, sidecar):
    record = json.loads(mini.path(f"simulated/{sidecar}.provenance.json").read_text())
    made_by = {"blas", "code", "device", "parameters", "platform", "python", "rule", "threads", "versions"}
    assert set(record) == made_by | {"inputs", "outputs"}
    assert record["versions"]["torch"].startswith("2.13.0")
    assert record["outputs"] == {file: sha256(mini.folder / file) for file in record["outputs"]}
    assert all((mini.folder / file).is_file() for file in record["inputs"])


def test_the_manifest_lists_all_files_but_records_of_the_run_itself(mini):
    listed = set(read_manifest(mini.path("manifest.tsv"))["path"])
    there = mini.made
    records = re.compile(r"results/logs/.*|.*provenance\.json|results/(manifest\.tsv|report\.html|README\.md)")
    benchmarks = {file for file in there if file.startswith("results/benchmarks/")}
    assert {file for file in there - benchmarks if not records.fullmatch(file)} == listed - benchmarks
    for kind in ("cohort.h5mu", "dmacl/embedding.tsv", "dmacl/model.safetensors", "sglrr/affinity.npz", "pca/map.png"):
        assert f"results/simulated/{kind}" in listed


def test_every_file_of_the_manifest_is_the_one_it_tells_of_and_has_its_maker(mini):
    table = read_manifest(mini.path("manifest.tsv"))
    assert list(table["path"]) == sorted(set(table["path"]))
    assert changed_files(table, mini.folder) == {}
    table = table.set_index("path")
    made = table[~table.index.str.startswith("results/benchmarks/")]
    assert (made[["rule", "code", "threads", "device", "versions"]] != "").all().all()
    assert made.at["results/simulated/dmacl/embedding.tsv", "rule"] == "train"
    assert set(made.index[made["repeats"] == "no"]) == {
        *(f"results/simulated/{method}/solver.tsv" for method in ("sglrr", "lrr")),
        *(f"results/comparison/{name}" for name in ("seconds.tsv", "methods.tsv", "methods.html")),
    }


def test_weights_are_safetensors(mini):
    from safetensors import safe_open

    with safe_open(mini.path("simulated/dmacl/model.safetensors"), framework="np") as weights:
        assert json.loads(weights.metadata()["about"])["parameters"]["n_restarts"] == 2
        assert len(list(weights.keys())) > 10
    suffixes = {path.suffix for path in mini.path("").rglob("*") if path.is_file()}
    assert not suffixes & {".pkl", ".pickle", ".pt", ".pth", ".joblib"}


def test_nothing_temporary_is_left(mini):
    assert not [path for path in mini.path("").rglob(".*") if path.name != ".gitignore"]


def test_the_network_tells_its_own_patients_apart_as_it_did(mini):
    table = read_table(mini.path(f"{K4}/predicted_simulated.tsv")).set_index("sample")
    labels = read_matrix(mini.path("simulated/dmacl/labels.tsv"))["k4"]
    assert set(table.index) > set(labels.index)  # patients who lack an omic are placed, though not learnt from
    assert (table.loc[labels.index, "nearest"] == labels).mean() > 0.95
    assert (table["subtype"] != "none").mean() > 0.9
    features = read_table(mini.path(f"{K4}/predicted_simulated_features.tsv"))
    assert (features["n_found"] == features["n_features"]).all()


def test_evidence_tells_how_omics_and_restarts_agree(mini):
    table = read_table(mini.path("simulated/dmacl/evidence.tsv"))
    omics, restarts = (table[table["part"] == part] for part in ("omic", "restart"))
    assert set(omics["name"]) == set(read_cohort(mini.path("simulated/cohort.h5mu")).mod)
    assert (omics["agreement"] > omics["by_chance"]).all()
    history = read_table(mini.path("simulated/dmacl/history.tsv"))
    assert restarts["name"].astype(int).tolist() == sorted(history["restart"].unique())
    assert not mini.path("simulated/dmacl-published/evidence.tsv").exists()


def test_the_network_goes_by_features_that_differ_between_the_planted_subtypes(mini):
    table = read_table(mini.path(f"{K4}/contributions.tsv"))
    cohort = read_cohort(mini.path("simulated/cohort.h5mu"))
    selected = [cohort[omic][:, cohort[omic].var["selected"].to_numpy()].to_df() for omic in cohort.mod]
    values = pd.concat(selected, axis=1)
    assert set(table.groupby("subtype").size()) == {values.shape[1]}
    groups = [values[(cohort.obs["subtype"] == name).to_numpy()] for name in cohort.obs["subtype"].unique()]
    differs = pd.Series(f_oneway(*groups).statistic, index=values.columns)
    top = table.loc[table["rank"] <= 20, "feature"]
    assert differs[top].median() > differs.quantile(0.9)
