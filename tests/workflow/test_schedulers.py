"""Schedulers that are reached by a submit command, and machines without a network."""

import json
import shlex
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from amucl.cohort.cohort import read_cohort
from tests.workflow.runner import Checkout
from tests.xena import write_hub

# What a scheduler does with a job: notes what it asks for, runs its script, prints an id.
SUBMIT = """
import pathlib, subprocess, sys
*asked, script = sys.argv[1:]
folder = pathlib.Path(__file__).parent / "submitted"
folder.mkdir(exist_ok=True)
number = len(list(folder.iterdir())) + 1
(folder / str(number)).write_text(" ".join(asked))
subprocess.run(["bash", script], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
print(number)
"""


def test_any_submit_command_will_do(tmp_path):
    pytest.importorskip("snakemake_executor_plugin_cluster_generic")
    checkout = Checkout(tmp_path / "repository", {"datasets": {"simulated": {"n_samples": 60}}, "methods": ["pca"]})
    (tmp_path / "submit.py").write_text(SUBMIT)
    asked = "memory={resources.mem_mb} minutes={resources.runtime} cpus={threads}"
    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(tmp_path / 'submit.py'))} {asked}"
    checkout.command = lambda *arguments: [
        *(sys.executable, "-m", "snakemake", "--profile", "profiles/cluster-generic"),
        *("--cluster-generic-submit-cmd", command, "--latency-wait", "5", *checkout.arguments, *arguments),
    ]
    checkout.snakemake("--", "results/simulated/cohort.h5mu")
    assert len(read_cohort(checkout.path("simulated/cohort.h5mu")).obs) > 50
    submitted = [path.read_text() for path in (tmp_path / "submitted").iterdir()]
    assert submitted == ["memory=8000 minutes=70 cpus=1"]  # simulate (10 minutes) and preprocess (60), one job


class Requests(SimpleHTTPRequestHandler):
    """Serves a folder, and remembers what was asked for."""

    asked: list[str]

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *message):
        pass


def test_what_was_fetched_is_a_mirror_for_a_machine_without_a_network(tmp_path):
    write_hub(tmp_path / "hub", patients=9)
    (tmp_path / "hub" / "labels").mkdir()
    (tmp_path / "hub" / "labels" / "types.tsv").write_text("sample\ttype\nTCGA-05-0001-01\ta\n")
    (tmp_path / "hub" / "genesets").mkdir()
    (tmp_path / "hub" / "genesets" / "mine.gmt").write_text("SET\t\tTP53\tKRAS\n")
    asked = []
    handler = type("Handler", (Requests,), {"asked": asked})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=tmp_path / "hub"))
    address = f"http://127.0.0.1:{server.server_port}"
    sets = {"go": [f"{address}/genesets/mine.gmt"], "pathways": [], "gsea": [], "ssgsea": []}
    dataset = {"top_probes": 5, "label_tables": {"other": "labels/types.tsv"}, "gene_sets": sets}
    config = {
        "datasets": {"luad": dataset},
        "methods": ["pca"],
        "biology": [{"dataset": "luad", "method": "pca", "k": 2}],
    }
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        login = Checkout(tmp_path / "login", config | {"mirror": address, "downloads": "staged"})
        login.snakemake("--", "fetch")
    finally:
        server.shutdown()
        server.server_close()
    staged = sorted(path.split("?")[0].lstrip("/") for path in asked)
    assert staged == [
        "genesets/mine.gmt",
        "labels/types.tsv",
        *(f"xena/TCGA.LUAD.sampleMap/{name}" for name in ("HiSeqV2.gz", "HumanMethylation450.gz")),
        *(f"xena/TCGA.LUAD.sampleMap/{name}" for name in ("LUAD_clinicalMatrix", "miRNA_HiSeq_gene.gz")),
        "xena/survival/LUAD_survival.txt",
    ]
    inside = Checkout(tmp_path / "inside", config | {"mirror": str(login.folder / "staged")})
    inside.snakemake("--", "results/luad/cohort.h5mu", "results/downloads/genesets/mine.gmt")
    assert len(read_cohort(inside.path("luad/cohort.h5mu")).obs) == 12
    provenance = json.loads(inside.path("downloads/genesets/mine.gmt.provenance.json").read_text())
    assert provenance["mirror"] == str(login.folder / "staged")
