"""A small TCGA cohort in the files of the UCSC Xena hub, laid out as in a mirror, as odd as the real ones."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd

FOLDER = "xena/TCGA.LUAD.sampleMap"
TABLES = {"expression": "HiSeqV2", "methylation": "HumanMethylation450", "mirna": "miRNA_HiSeq_gene"}
GENES = ["?", "A1BG", "?|10357", "SLC35E2", "TP53", "?", "SLC35E2", "HLA-DQA1", "NKX2-1", "KRAS"]
PROBES = [f"cg{i:08}" for i in range(12)]
MIRNAS = [f"MIMAT{i:07}" for i in range(62, 70)]
# Patient 1 has a normal; 2 a primary and a recurrent tumour; 3 a primary one and a metastasis, of which methylation and
# miRNA have the metastasis only; 4 lacks methylation; the last row of the phenotypes lacks all omics.
SAMPLES = {
    "expression": ["0001-01", "0001-11", "0002-02", "0002-01", "0003-01", "0003-06", "0004-01"],
    "methylation": ["0001-01", "0001-11", "0002-01", "0003-06"],
    "mirna": ["0004-01", "0003-06", "0002-01", "0001-01"],
}
PHENOTYPES = """sampleID\t_PATIENT\tgender\tage_at_initial_pathologic_diagnosis\tpathologic_stage\tOS\tempty
TCGA-05-0001-01\tTCGA-05-0001\tMALE\t70\tStage IB\t1\t
TCGA-05-0001-11\tTCGA-05-0001\tMALE\t70\tStage IB\t1\t
TCGA-05-0002-01\tTCGA-05-0002\tFEMALE\t\t[Discrepancy]\t0\t
TCGA-05-0003-01\tTCGA-05-0003\tFEMALE\t55\tStage IV\t0\t
TCGA-05-9999-01\tTCGA-05-9999\tMALE\t61\tStage I\t0\t
"""
SURVIVAL = """sample\t_PATIENT\tOS\tOS.time\tDSS\tDSS.time\tDFI\tDFI.time\tPFI\tPFI.time\tRedaction
TCGA-05-0001-01\tTCGA-05-0001\t1\t121\t1\t121\t\t\t1\t100\t
TCGA-05-0001-11\tTCGA-05-0001\t1\t121\t1\t121\t\t\t1\t100\t
TCGA-05-0002-01\tTCGA-05-0002\t0\t\t0\t\t\t\t0\t\t
TCGA-05-0003-01\tTCGA-05-0003\t0\t1523\t0\t1523\t0\t1523\t0\t1523\t
TCGA-05-9999-01\tTCGA-05-9999\t0\t30\t\t30\t\t\t0\t30\tRedacted
"""


def write_hub(mirror: Path, *, patients: int = 0) -> dict[str, pd.DataFrame]:
    """Write the files of LUAD below `mirror`, with `patients` ordinary ones more.

    Returns omic -> features x samples.
    """
    more = [f"{i:04}-01" for i in range(5000, 5000 + patients)]
    rng = np.random.default_rng(7)
    draws = {
        "expression": (GENES, lambda shape: rng.uniform(0, 18, shape)),
        "methylation": (PROBES, lambda shape: rng.beta(2, 2, shape)),
        "mirna": (MIRNAS, lambda shape: rng.uniform(0, 14, shape)),
    }
    tables = {}
    for omic, (features, draw) in draws.items():
        samples = [f"TCGA-05-{sample}" for sample in [*SAMPLES[omic], *more]]
        tables[omic] = pd.DataFrame(draw((len(features), len(samples))), index=features, columns=samples)
    tables["methylation"].iloc[1] = np.nan  # masked on every array
    tables["methylation"].iloc[2, [0, 2]] = np.nan
    tables["methylation"].iloc[3] = 0.5
    tables["mirna"].iloc[0, 0] = np.nan
    for omic, table in tables.items():
        write_table(mirror / FOLDER / f"{TABLES[omic]}.gz", table)
    write(mirror / FOLDER / "LUAD_clinicalMatrix", PHENOTYPES)
    write(mirror / "xena" / "survival" / "LUAD_survival.txt", SURVIVAL)
    return tables


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Features x samples as the hub has them."""
    write(path, table.rename_axis("sample").to_csv(sep="\t", na_rep="NA"))


def write(path: Path, text: str) -> None:
    """Write `text`, gzipped where the name says so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode(), mtime=0) if path.suffix == ".gz" else text.encode())
