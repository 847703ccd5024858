"""A user's own cohort: the configuration of the README, names as strangers choose them, and what a mistake says."""

import base64
import gzip
import html
import re

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.simulation.simulator import Simulation, simulate
from amucl.files import read_matrix, read_table
from tests.workflow.runner import Checkout

SCRIPT = "<script>alert(1)</script>"
DATA = 'data; $(touch hacked) `touch hacked` & it\'s %s "ü" 中 <!--<script </script><img src=x onerror=alert(1)>'
COLUMN = "<b onclick=alert(1)>$y$"
SAMPLES = [
    SCRIPT, "a patient", "o'hara", '"quoted"', "$(touch hacked);", "`touch hacked`", "x; touch hacked #", "a|b>hacked",
    "%s%n", "{sample}", "{{x}}", "$x_1$", "$\\frac{", "back\\slash", "../../up", "/etc/passwd", "-rf", "_hidden",
    "=1+1", "NA", "nan", "1e5", "TRUE", "é", "e\u0301", "中文", "🧬", "\u202eright to left", "&amp;", "x" * 150,
    "a,b", "a=b", "~", "*", "tab\u2028line", "#5",
]  # fmt: skip
CLASSES = [SCRIPT, '_"$a$ & <b>', "$(touch hacked) {x} \\frac"]
GENES = [
    SCRIPT,
    "$g$",
    "_under",
    "a/b",
    "{gene}",
    "it's",
    '"G"',
    "中",
    "`x`",
    "-",
    "NA",
    "<img src=x onerror=alert(1)>",
]
DATASET = {
    "source": "files",
    "omics": {"expression": f"{DATA}/rna.tsv.gz", "methylation": f"{DATA}/meth.csv"},
    "clinical": f"{DATA}/clinical.tsv",
    "clinical_labels": [COLUMN],
    "truth": "subtype",
    "n_clusters": 9,
}
CONFIG = {
    "datasets": {"mycohort": DATASET},
    "methods": ["kmeans", "pca"],
    "k": [2, 4],
    "kmeans_restarts": 5,
    "stability": {"draws": 10},
    "max_permutations": 1000,
    "gene_sets": {"go": [f"{DATA}/sets.gmt"], "pathways": [f"{DATA}/sets.gmt"], "gsea": [f"{DATA}/sets.gmt"]},
    "biology": [{"dataset": "mycohort", "method": "kmeans", "k": 3}],
}
COHORT = "results/mycohort/cohort.h5mu"


def write_cohort_files(folder):
    """Tables with names that need care, wherever there are names."""
    cohort = simulate(Simulation(n_samples=60, n_clusters=3, effect=3.0, missing_omic=0))
    ids = [f"{number:03d}" for number in range(60 - len(SAMPLES))] + SAMPLES
    rename = dict(zip(cohort.clinical.index, ids, strict=True))
    rna, meth = (cohort.omics[omic].rename(columns=rename) for omic in ("expression", "methylation"))
    genes = dict(zip(rna.index[20:], GENES, strict=False))
    clinical = cohort.clinical.rename(index=rename)
    clinical["subtype"] = [CLASSES[code] for code in pd.factorize(clinical["subtype"])[0]]
    clinical[COLUMN] = [SCRIPT, "b"] * 30
    clinical["."] = "dot"
    data = folder / DATA
    data.mkdir(parents=True)
    with gzip.open(data / "rna.tsv.gz", "wt", encoding="utf-8") as file:
        rna.rename(index=genes).rename_axis("gene").to_csv(file, sep="\t")
    meth.rename_axis("site").to_csv(data / "meth.csv")
    clinical.to_csv(data / "clinical.tsv", sep="\t")
    sets = {name: [genes.get(gene, gene) for gene in own] for name, own in cohort.pathways.items()}
    first = next(iter(sets))
    sets = {f"{first} {SCRIPT} $s$": sets.pop(first), **sets}
    lines = ["\t".join([name, "", *own]) for name, own in sets.items()]
    (data / "sets.gmt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return ids


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    checkout = Checkout(tmp_path_factory.mktemp("own cohort; $(touch hacked) 'ü'") / "repository", CONFIG)
    checkout.ids = write_cohort_files(checkout.folder)
    checkout.snakemake()
    return checkout


def test_ids_and_truth_come_through_unchanged(own):
    labels = read_table(own.path("mycohort/kmeans/labels.tsv"), converters={"sample": str})
    assert list(labels["sample"]) == own.ids
    ledger = read_table(own.path("mycohort/samples.tsv"), dtype=str)
    assert set(ledger["column"]) == set(own.ids)
    assert set(GENES) <= set(read_table(own.path("mycohort/kmeans/k3/markers.tsv"), dtype=str)["gene"])
    metrics = read_table(own.path("mycohort/kmeans/metrics.tsv"))
    assert metrics.query("k == 3 and metric == 'ari'")["value"].item() > 0.95


def test_the_reference_k_and_the_biology_k_are_evaluated_too(own):
    labels = read_matrix(own.path("mycohort/pca/labels.tsv"))
    assert list(labels.columns) == ["k2", "k3", "k4", "k9"]
    assert set(read_table(own.path("comparison/metrics.tsv"))["k"]) == {2, 3, 4, 9}


def test_only_the_own_cohort_is_run(own):
    assert not own.path("simulated").exists()
    gsea = read_table(own.path("mycohort/kmeans/k3/gsea.tsv"))
    assert set(gsea["collection"]) == {"sets"}
    assert gsea["padj"].min() < 1e-3


def test_no_name_was_taken_for_a_command(own):
    assert not list(own.folder.parents[1].rglob("hacked*"))


def test_pages_show_names_as_text(own):
    pages = {str(path): path.read_text(encoding="utf-8") for path in own.path("").rglob("*.html")}
    for number, packed in enumerate(
        re.findall(r"data:text/html[^\"',]*base64,([A-Za-z0-9+/=]+)", pages[str(own.path("report.html"))])
    ):
        content = base64.b64decode(packed)
        pages[f"{number} in the report"] = (
            gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
        ).decode()
    assert len([name for name in pages if "in the report" in name]) > 5
    # Lists of names: with `in`, pytest takes an hour to show how a page of megabytes differs.
    for live in (SCRIPT, "<img src=x", "<b onclick", "<!--<script"):
        assert [name for name, page in pages.items() if live in page] == []
    assert [name for name, page in pages.items() if html.escape(SCRIPT) in page]


@pytest.fixture
def broken(own, tmp_path):
    """Breaks one input of the cohort and returns what a run says, in one line."""

    def run(change=None, target=COHORT, **config):
        checkout = Checkout(tmp_path / "repository", CONFIG | config)
        write_cohort_files(checkout.folder)
        if change is not None:
            change(checkout.folder / DATA)
        printed = checkout.snakemake("--", target, succeeds=False)
        assert "Traceback" not in printed
        lines = {line for line in printed.splitlines() if line.startswith("amucl: ")}
        assert len(lines) == 1, printed
        assert not (checkout.folder / target).exists()
        return lines.pop()

    return run


def edit_rna(edit):
    def change(data):
        rna = pd.read_csv(data / "rna.tsv.gz", sep="\t", index_col=0, dtype=str, keep_default_na=False)
        edit(rna).to_csv(data / "rna.tsv.gz", sep="\t")

    return change


def test_a_cell_that_is_no_number(broken):
    def edit(rna):
        rna.iloc[4, 2] = "high"
        return rna

    message = broken(edit_rna(edit))
    assert "rna.tsv.gz" in message
    assert "GENE0005" in message
    assert "high" in message


def test_duplicate_samples(broken):
    message = broken(edit_rna(lambda rna: rna.set_axis(["001", *rna.columns[1:]], axis=1)))
    assert "duplicate" in message
    assert "001" in message


def test_tables_that_share_no_sample(broken):
    message = broken(edit_rna(lambda rna: rna.add_prefix("Q")))  # an X before digits is R's
    assert "shares no samples" in message
    assert "orientation" in message


def test_a_truncated_gzip(broken):
    def cut(data):
        content = (data / "rna.tsv.gz").read_bytes()
        (data / "rna.tsv.gz").write_bytes(content[: len(content) // 2])

    assert "rna.tsv.gz" in broken(cut)


def test_a_missing_file_is_named_with_its_key(broken):
    message = broken(lambda data: (data / "meth.csv").unlink())
    assert "datasets.mycohort.omics.methylation" in message
    assert "does not exist" in message


def test_a_folder_where_a_file_is_expected(broken):
    message = broken(datasets={"mycohort": DATASET | {"clinical": DATA}})
    assert "is a directory" in message


def test_an_unknown_truth_column_lists_those_there(broken):
    message = broken(datasets={"mycohort": DATASET | {"truth": "subtypes"}})
    assert "subtypes" in message
    assert "os_time" in message or "subtype" in message


def test_an_h5mu_that_is_none(broken):
    message = broken(
        lambda data: (data / "x.h5mu").write_bytes(b"not HDF5"),
        datasets={"mycohort": {"source": "files", "omics": {"expression": f"{DATA}/x.h5mu"}}},
        biology=[],
    )
    assert "x.h5mu" in message


def test_more_clusters_than_samples(broken):
    message = broken(target="results/mycohort/kmeans/labels.tsv", k=[2, 61], biology=[])
    assert "61" in message
    assert "60" in message


def test_missing_labels_are_an_error_or_ignored_on_request(broken, own, tmp_path):
    def forget(data):
        clinical = pd.read_csv(data / "clinical.tsv", sep="\t", index_col=0, dtype=str, keep_default_na=False)
        clinical.loc[clinical.index[:3], "subtype"] = np.nan
        clinical.to_csv(data / "clinical.tsv", sep="\t")

    message = broken(forget)
    assert "truth_missing" in message
    checkout = Checkout(tmp_path / "ignored", CONFIG | {"preprocessing": {"truth_missing": "ignore"}})
    write_cohort_files(checkout.folder)
    forget(checkout.folder / DATA)
    checkout.snakemake("--", "results/mycohort/kmeans/metrics.tsv")
    assert "ari" in set(read_table(checkout.path("mycohort/kmeans/metrics.tsv"))["metric"])
