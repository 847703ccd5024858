"""Names as strangers choose them go through a whole run: as they are in tables, as text in pages, never as commands."""

import html
import re
import zlib

import pandas as pd
import pytest

from amucl.cohort.simulator import Simulation, simulate
from amucl.files import read_matrix, read_table
from tests.workflow.runner import Checkout

SCRIPT = "<script>alert(1)</script>"
COLUMN = "<b onclick=alert(1)>$y$"
FOLDER = 'data; $(touch hacked) `touch hacked` & it\'s %s "ü" 中'
SAMPLES = [
    SCRIPT, "a patient", "o'hara", '"quoted"', "$(touch hacked);", "`touch hacked`", "x; touch hacked #", "a|b>hacked",
    "%s%n", "{sample}", "{{x}}", "$x_1$", "$\\frac{", "back\\slash", "../../up", "/etc/passwd", "-rf", "_hidden",
    "=1+1",
    "NA", "nan", "001", "1e5", "TRUE", "é", "e\u0301", "中文", "🧬", "\u202eright to left", "&amp;", "x" * 150,
    "a,b", "a=b", "~", "*",
    "tab\u2028line", "#5",
]  # fmt: skip
CLASSES = {1: f"{SCRIPT}", 2: '_"$a$ & <b>', 3: "$(touch hacked) {x} \\frac"}
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


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    checkout = Checkout(tmp_path_factory.mktemp("odd names; $(touch hacked) 'ü'") / "repository", CONFIG)
    cohort = simulate(
        Simulation(
            n_samples=45,
            n_clusters=3,
            effect=3.0,
            missing_omic=0,
            n_genes=120,
            n_sites=100,
            n_mirnas=60,
            n_background_sets=4,
        )
    )
    ids = SAMPLES + [f"plain {i}" for i in range(45 - len(SAMPLES))]
    samples = dict(zip(cohort.clinical.index, ids, strict=True))
    rna, meth = (cohort.omics[omic].rename(columns=samples) for omic in ("expression", "methylation"))
    genes = dict(zip(rna.index, GENES, strict=False))
    data = checkout.folder / FOLDER
    data.mkdir()
    rna.rename(index=genes).rename_axis("gene").to_csv(data / "r n a.tsv", sep="\t")
    meth.rename_axis("site").to_csv(data / "meth$(omic).csv")
    clinical = cohort.clinical.rename(index=samples)
    clinical["subtype"] = pd.factorize(clinical["subtype"])[0] + 1
    clinical["subtype"] = clinical["subtype"].map(CLASSES)
    clinical[COLUMN] = [SCRIPT, "b"] * 22 + ["b"]
    clinical["."] = "dot"
    clinical.to_csv(data / "clinical'.tsv", sep="\t")
    sets = [(name, [genes.get(gene, gene) for gene in own]) for name, own in cohort.pathways.items()]
    sets[0] = (f"set {SCRIPT} $s$", sets[0][1])
    lines = ["\t".join([name, "", *own]) for name, own in sets]
    (data / "sets;.gmt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    checkout.ids, checkout.genes = ids, list(rna.rename(index=genes).index)
    checkout.printed = checkout.snakemake()
    return checkout


CONFIG = {
    "datasets": {
        "odd-Names_1": {
            "source": "files",
            "omics": {"expression": f"{FOLDER}/r n a.tsv", "methylation": f"{FOLDER}/meth$(omic).csv"},
            "clinical": f"{FOLDER}/clinical'.tsv",
            "truth": "subtype",
            "clinical_labels": [COLUMN],
        }
    },
    "methods": ["pca"],
    "k": [2, 3],
    "kmeans_restarts": 5,
    "stability": {"draws": 5},
    "max_permutations": 100,
    "gene_sets": {kind: [f"{FOLDER}/sets;.gmt"] for kind in ("go", "pathways", "gsea")},
    "biology": [{"dataset": "odd-Names_1", "labels": "truth"}],
}


def test_ids_come_through_unchanged(odd):
    labels = read_table(odd.path("odd-Names_1/pca/labels.tsv"), converters={"sample": str})
    assert list(labels["sample"]) == odd.ids
    assert list(read_matrix(odd.path("odd-Names_1/pca/embedding.tsv")).index) == odd.ids
    ledger = read_table(odd.path("odd-Names_1/samples.tsv"), dtype=str)
    assert set(ledger["column"]) == set(odd.ids)
    markers = read_table(odd.path("odd-Names_1/truth/markers.tsv"), dtype=str)
    assert set(markers["subtype"]) == set(CLASSES.values())
    assert set(markers["gene"]) == set(odd.genes)


def test_nothing_was_run(odd):
    assert not list(odd.folder.parents[1].rglob("hacked*"))


def pages(odd):
    """Every page of the run, and those that the report has packed into its own."""
    for path in odd.path("").rglob("*.html"):
        yield path, path.read_text(encoding="utf-8")
    report = odd.path("report.html").read_text(encoding="utf-8")
    for number, packed in enumerate(re.findall(r"data:text/html[^\"',]*base64,([A-Za-z0-9+/=]+)", report)):
        import base64

        content = base64.b64decode(packed)
        yield (
            f"{number} in the report",
            (zlib.decompress(content, 31) if content[:2] == b"\x1f\x8b" else content).decode(),
        )


def test_pages_show_names_as_text(odd):
    names = [str(name) for name, _ in pages(odd)]
    assert any("profiles.html" in name for name in names)
    assert any("in the report" in name for name in names)
    for name, page in pages(odd):
        assert SCRIPT not in page, name
        assert "<img src=x" not in page, name
        assert "<b onclick" not in page, name
    shown = odd.path("odd-Names_1/truth/profiles.html").read_text(encoding="utf-8")
    assert html.escape(SCRIPT) in shown
