"""Small well-formed files of every kind that AMUCL reads, each with its reader: what the mutations start from."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anndata
import mudata
import numpy as np
import pandas as pd
import torch
import yaml

from amucl.biology.genesets import read_gmt
from amucl.biology.symbols import read_gene_map
from amucl.cohort.clinical.labelling import join_label_tables
from amucl.cohort.cohort import RawCohort, read_files_cohort
from amucl.cohort.readers.archives import read_tar
from amucl.cohort.readers.rfiles import named_matrix, read_rds
from amucl.cohort.readers.tables import read_h5mu, read_omic
from amucl.cohort.sources.benchmark import read_benchmark
from amucl.cohort.sources.published import read_published
from amucl.cohort.sources.singlecell import read_singlecell
from amucl.cohort.sources.xena import read_xena
from amucl.comparison.peers import METHODS, read_peers
from amucl.config import load_registry
from amucl.files import read_arrays, write_arrays
from amucl.methods.network.training import load_model, save_model
from tests.unit.cohort.written_r import write_rds

SAMPLES = ["p1", "p2", "p3", "p4"]
BARCODES = [f"TCGA-AB-000{number}-03" for number in range(1, 5)]
GENES = ["SEPT1", "MARCH1", "TP53", "KRAS", "NKX2-1"]
VALUES = np.array([[1.5, -2, 0, 7], [3, 3e-4, 12345.678, 5], [0.25, 8, 9, -1], [6, 4, 2.5, 1], [10, 11, 12, 13.5]])
CLINICAL = (
    "sample\tage\tos_time\tos_event\tstage\np1\t61\t100\t1\tII\np2\t\t0\t0\tIII\np3\t50\t30.5\t1\tII\np4\t70\t\t\tIV\n"
)
MAX_BYTES = 1 << 20  # largest member of an archive in these tests


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    name : for the table. file : the one that is mutated, as messages name it.
    write, read : all files of the set in a folder; a tidy reading of them.
    load, store : the content that is mutated, which may be packed in the file.
    separator : of the fields of a table, else None.
    """

    name: str
    file: str
    write: Callable[[Path], None]
    read: Callable[[Path], dict]
    load: Callable[[Path], bytes]
    store: Callable[[Path, bytes], None]
    separator: str | None = None


KINDS: dict[str, Kind] = {}


def add(name, file, write, read, *, place=None, load=None, store=None, separator=None) -> None:
    """Register a kind; without `load` and `store` the bytes of `file` itself are mutated."""
    load = load or (lambda folder: (folder / file).read_bytes())
    store = store or (lambda folder, data: (folder / file).write_bytes(data))
    KINDS[name] = Kind(name, place or file, write, read, load, store, separator)


def gzipped(file):
    """`load` and `store` of what is in a .gz."""
    return {
        "load": lambda folder: gzip.decompress((folder / file).read_bytes()),
        "store": lambda folder, data: (folder / file).write_bytes(gzip.compress(data, mtime=0)),
    }


def member(file, name):
    """`load` and `store` of a member of a .zip."""

    def load(folder):
        with zipfile.ZipFile(folder / file) as opened:
            return opened.read(name)

    def store(folder, data):
        with zipfile.ZipFile(folder / file) as opened:
            contents = {one: opened.read(one) for one in opened.namelist()} | {name: data}
        (folder / file).write_bytes(zipped(contents))

    return {"load": load, "store": store, "place": f"{file}:{name}"}


def zipped(contents: dict) -> bytes:
    """A .zip of names (or ZipInfo) and contents."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in contents.items():
            opened.writestr(name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name), data)  # of no time
    return stream.getvalue()


def tarred(contents: dict, **types) -> bytes:
    """A .tar.gz of names and contents; `types` names the members that are no files."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as opened:
        for name, data in contents.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.size, entry.linkname = types.get(name, tarfile.REGTYPE), len(data), "/etc/passwd"
            opened.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


def matrix(samples, *, genes=GENES, separator="\t", corner="gene", values=VALUES) -> str:
    """Features x samples with one missing value, as a table of text."""
    table = pd.DataFrame(values, index=genes, columns=samples).map(repr)
    table = table.map(lambda cell: cell.removeprefix("np.float64(").removesuffix(")"))
    table.iloc[1, 0] = "NA"
    header = separator.join([*([corner] if corner else []), *samples])
    return (
        "\n".join([header, *(separator.join([gene, *row]) for gene, row in zip(genes, table.to_numpy(), strict=True))])
        + "\n"
    )


def reading(raw: RawCohort) -> dict:
    """What a reader made of its files: tables that can be compared."""
    join = raw.join[raw.join["unit"] == "rows"].reset_index(drop=True)
    return {**raw.omics, "clinical": raw.clinical, "steps": pd.DataFrame(raw.steps), "join": join}


# Tables of a user's own --------------------------------------------------------------------------------------------


def write_own(folder):
    (folder / "rna.tsv").write_text(matrix(SAMPLES), encoding="utf-8")
    sites = [f"cg{number:08}" for number in range(5)]
    table = matrix(SAMPLES, genes=sites, separator=",", corner="probe", values=np.abs(VALUES) / 20000)
    (folder / "meth.csv").write_text(table, encoding="utf-8")
    (folder / "clinical.tsv").write_text(CLINICAL, encoding="utf-8")
    (folder / "labels.csv").write_text("p,subtype\np1,A\np2,B\np3,A\np4,B\n", encoding="utf-8")


def read_own(folder):
    omics = {"expression": folder / "rna.tsv", "methylation": folder / "meth.csv"}
    raw = read_files_cohort(omics, clinical=folder / "clinical.tsv")
    return reading(join_label_tables(raw, {"known": folder / "labels.csv"}))


add("own .tsv", "rna.tsv", write_own, read_own, separator="\t")
add("own .csv", "meth.csv", write_own, read_own, separator=",")
add("own clinical", "clinical.tsv", write_own, read_own, separator="\t")
add("label table", "labels.csv", write_own, read_own, separator=",")


def read_one(file, folder):
    return {"omic": read_omic(folder / file, omic="expression")}


add(
    "R table",
    "rna.txt",
    lambda folder: (folder / "rna.txt").write_text(matrix(SAMPLES, separator=" ", corner=""), encoding="utf-8"),
    partial(read_one, "rna.txt"),
    separator=" ",
)
add(
    "own .tsv.gz",
    "rna.tsv.gz",
    lambda folder: (folder / "rna.tsv.gz").write_bytes(gzip.compress(matrix(SAMPLES).encode())),
    partial(read_one, "rna.tsv.gz"),
    separator="\t",
    **gzipped("rna.tsv.gz"),
)
add(
    ".gz itself",
    "rna.tsv.gz",
    KINDS["own .tsv.gz"].write,
    partial(read_one, "rna.tsv.gz"),
)


def as_frame() -> pd.DataFrame:
    """Features x samples, of numbers."""
    return pd.DataFrame(VALUES, index=pd.Index(GENES, name="gene"), columns=SAMPLES)


add(
    ".parquet",
    "rna.parquet",
    lambda folder: as_frame().to_parquet(folder / "rna.parquet"),
    partial(read_one, "rna.parquet"),
)


def write_h5mu(folder):
    values = as_frame().T
    modality = anndata.AnnData(
        values.to_numpy(), obs=pd.DataFrame(index=values.index), var=pd.DataFrame(index=list(values.columns))
    )
    cohort = mudata.MuData({"expression": modality})
    cohort.obs = pd.DataFrame({"age": [61.0, 50, 70, 1]}, index=cohort.obs_names)
    cohort.write_h5mu(folder / "rna.h5mu")


add(
    ".h5mu",
    "rna.h5mu",
    write_h5mu,
    lambda folder: read_one("rna.h5mu", folder) | {"obs": read_h5mu(folder / "rna.h5mu").obs},
)

# Archives and tables of others ---------------------------------------------------------------------------------------


def write_benchmark(folder):
    r_style = matrix([name.replace("-", ".") for name in BARCODES], separator=" ", corner="")
    survival = '"PatientID"\t"Survival"\t"Death"\n' + "".join(
        f'"{name}"\t"{days}"\t"{event}"\n'
        for name, days, event in zip(BARCODES, [28, 0, 399, 12], [0, 1, 1, 0], strict=True)
    )
    (folder / "aml.zip").write_bytes(zipped({"exp": r_style, "survival": survival}))
    clinical = "sampleID\tage\tgender\n" + "".join(f"{name}\t6{i}\tMALE\n" for i, name in enumerate(BARCODES))
    (folder / "clinical.zip").write_bytes(zipped({"clinical/aml": clinical}))


def read_bench(folder):
    return reading(
        read_benchmark(
            folder / "aml.zip",
            cancer="aml",
            omics=["expression"],
            clinical_archive=folder / "clinical.zip",
            max_bytes=MAX_BYTES,
        )
    )


add("benchmark exp", "aml.zip", write_benchmark, read_bench, separator=" ", **member("aml.zip", "exp"))
add("benchmark survival", "aml.zip", write_benchmark, read_bench, separator="\t", **member("aml.zip", "survival"))
add(
    "benchmark clinical",
    "clinical.zip",
    write_benchmark,
    read_bench,
    separator="\t",
    **member("clinical.zip", "clinical/aml"),
)
add(".zip itself", "aml.zip", write_benchmark, read_bench)


def write_hub(folder):
    (folder / "HiSeqV2.gz").write_bytes(gzip.compress(matrix(BARCODES, corner="sample").encode(), mtime=0))
    sites = [f"cg{number:08}" for number in range(5)]
    betas = matrix(BARCODES, genes=sites, corner="sample", values=np.abs(VALUES) / 20000)
    (folder / "HumanMethylation450.gz").write_bytes(gzip.compress(betas.encode(), mtime=0))
    rows = "".join(f"{name}\t{name[:12]}\t6{i}\n" for i, name in enumerate(BARCODES))
    (folder / "clinicalMatrix").write_text("sampleID\t_PATIENT\tage\n" + rows, encoding="utf-8")
    rows = "".join(
        f"{name}\t{name[:12]}\t1\t{days}\t0\t9\n" for name, days in zip(BARCODES, [28, 0, 399, 12], strict=True)
    )
    header = "sample\t_PATIENT\tOS\tOS.time\tDSS\tDSS.time\n"
    (folder / "survival.txt").write_text(header + rows, encoding="utf-8")


def read_hub(folder):
    omics = {"expression": folder / "HiSeqV2.gz", "methylation": folder / "HumanMethylation450.gz"}
    return reading(read_xena(omics, clinical=folder / "clinicalMatrix", survival=folder / "survival.txt"))


for name, file in {"Xena expression": "HiSeqV2.gz", "Xena methylation": "HumanMethylation450.gz"}.items():
    add(name, file, write_hub, read_hub, separator="\t", **gzipped(file))
add("Xena phenotypes", "clinicalMatrix", write_hub, read_hub, separator="\t")
add("Xena survival", "survival.txt", write_hub, read_hub, separator="\t")
add("Xena .gz itself", "HiSeqV2.gz", write_hub, read_hub)


def write_published_files(folder):
    (folder / "omics2.txt").write_text(matrix(SAMPLES, corner="probe"), encoding="utf-8")
    rows = "".join(f'"{i}"\t"{name}"\t{i % 2 + 1}\n' for i, name in enumerate(SAMPLES, start=1))
    (folder / "clusters.txt").write_text(f'"subjects"\t"cluster.id"\n{rows}', encoding="utf-8")


add(
    "published clusters",
    "clusters.txt",
    write_published_files,
    lambda folder: reading(read_published({"expression": folder / "omics2.txt"}, folder / "clusters.txt")),
    separator="\t",
)


def write_peers(folder):
    lines = {method: "".join(f"{i}.5 {i}\n" for i in range(3)) for method in METHODS.values()}
    (folder / "single-cell").mkdir()
    for method, text in lines.items():
        (folder / "single-cell" / f"{method}_EM.txt").write_text(text, encoding="utf-8")
    (folder / "single-cell" / "c.txt").write_text("1\n1\n2", encoding="utf-8")


add("published embedding", "single-cell/AE_FAETC_EM.txt", write_peers, lambda folder: read_peers(folder, "singlecell"))

# Gene sets, maps, registry -------------------------------------------------------------------------------------------

add(
    "gene sets (.gmt)",
    "sets.gmt",
    lambda folder: (folder / "sets.gmt").write_text("SET A\thttp://a\tTP53\tKRAS\nSET B\t\tSEPT1,1.0\tMARCH1\tTP53\n"),
    lambda folder: read_gmt(folder / "sets.gmt"),
)
add(
    "gene map",
    "map.tsv",
    lambda folder: (folder / "map.tsv").write_text("probe\tgene\ncg1\tTP53;WRAP53\ncg2\tKRAS\ncg3\t\n"),
    lambda folder: {"map": read_gene_map(folder / "map.tsv")},
    separator="\t",
)
REGISTRY = {
    "datasets": {
        "aml": {"source": "benchmark", "cancer": "aml", "url": "https://a/aml.zip", "clinical_url": "https://a/c.zip"}
    },
    "gene_sets": {"hallmark": {"url": "https://a/h.gmt"}},
}
add(
    "registry (YAML)",
    "datasets.yaml",
    lambda folder: (folder / "datasets.yaml").write_text(yaml.safe_dump(REGISTRY)),
    lambda folder: load_registry(folder / "datasets.yaml"),
)

# Binary files --------------------------------------------------------------------------------------------------------


def write_cells(folder):
    counts = pd.DataFrame(np.arange(1, 21, dtype=np.int32).reshape(5, 4), index=GENES, columns=["c1", "c2", "c3", "c4"])
    write_rds(folder / "rna.RDS", counts)
    np.save(folder / "atac.npy", np.arange(8.0).reshape(4, 2))
    (folder / "cells.tsv").write_text("cell\tsample.rna\tcelltype\nA\tc1\tx\nB\tc2\tx\nC\tc3\ty\nD\tc4\ty\n")


def read_cells(folder):
    omics = {"rna": folder / "rna.RDS", "atac": folder / "atac.npy"}
    return reading(read_singlecell(omics, folder / "cells.tsv", counts=["rna"]))


add("R object (.RDS)", "rna.RDS", write_cells, read_cells)
add(".npy", "atac.npy", write_cells, read_cells)
add("cells' metadata", "cells.tsv", write_cells, read_cells, separator="\t")
add(
    "R matrix",
    "rna.RDS",
    write_cells,
    lambda folder: {"omic": named_matrix(read_rds(folder / "rna.RDS"), folder / "rna.RDS", kinds=("gene", "cell"))},
)
add(
    ".tar.gz",
    "package.tar.gz",
    lambda folder: (folder / "package.tar.gz").write_bytes(tarred({"p/data/x.rda": b"1", "p/R/code.R": b"2"})),
    lambda folder: read_tar(folder / "package.tar.gz", ["data/x.rda"], max_bytes=MAX_BYTES),
)
add(
    "arrays (.npz)",
    "restarts.npz",
    lambda folder: write_arrays(folder / "restarts.npz", ["p1", "p2"], labels=np.arange(4)),
    lambda folder: dict(zip(["samples", "arrays"], read_arrays(folder / "restarts.npz"), strict=True)),
)
add(
    "model (.safetensors)",
    "model.safetensors",
    lambda folder: save_model(torch.nn.Linear(2, 1), {"epochs": 1}, folder / "model.safetensors"),
    lambda folder: dict(zip(["about", "weights"], load_model(folder / "model.safetensors")[:2], strict=True)),
)

TABLES = [name for name, kind in KINDS.items() if kind.separator is not None]
MATRICES = ["own .tsv", "own .csv", "R table", "own .tsv.gz", "benchmark exp", "Xena expression", "Xena methylation"]
TEXTS = [*TABLES, "published embedding", "gene sets (.gmt)", "registry (YAML)"]
BINARY = [name for name in KINDS if name not in TEXTS]
