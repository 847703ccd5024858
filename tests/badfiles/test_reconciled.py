"""Nothing is silently dropped: for every source, what entered is what went on and what was dropped for a reason."""

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.sources.registry import read_source
from tests.badfiles.wellformed import BARCODES, GENES, SAMPLES, VALUES, matrix, zipped
from tests.shared import MIRROR, SHARED, needs_shared
from tests.unit.cohort.written_r import write_rds
from tests.xena import FOLDER, TABLES, write_hub

OMICS = ["expression", "methylation"]
FEW = Preprocessing(min_samples=2, max_missing_feature=0.6, max_missing_sample=0.6, impute="median")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def own_files(folder):
    """Samples that only one table has, one without any value, strangers in the clinical table and in the labels."""
    rna = matrix([*SAMPLES[:3], "only rna", "p5"], values=np.c_[VALUES, VALUES[:, 0] + 1])
    sites = [f"cg{number}" for number in range(5)]
    meth = matrix([*SAMPLES[:3], "only meth", "p5"], genes=sites, values=np.c_[VALUES, np.full(5, np.nan)]).replace(
        "nan", "NA"
    )
    clinical = write(folder / "clinical.tsv", "sample\tage\np1\t1\np3\t3\nstranger\t9\n")
    labels = write(folder / "labels.tsv", "id\tclass\np2\tA\nnobody\tB\n")
    omics = [write(folder / "rna.tsv", rna), write(folder / "meth.tsv", meth)]
    return {"source": "files", "label_tables": ["known"]}, {"omics": omics, "clinical": clinical, "labels": [labels]}


def own_barcodes(folder):
    """Normal tissue, two tumours of a patient, another spelling, an id that is no barcode."""
    rna = [BARCODES[0], BARCODES[1].replace("-03", "-11"), BARCODES[1].replace("-", "."), "control"]
    meth = [BARCODES[0], BARCODES[0].replace("-03", "-01"), BARCODES[1].lower(), BARCODES[2]]
    omics = [write(folder / f"{i}.tsv", matrix(ids)) for i, ids in enumerate([rna, meth])]
    clinical = write(
        folder / "c.tsv", "sample\tage\n" + "".join(f"{name}\t5\n" for name in [*BARCODES, BARCODES[0] + "A"])
    )
    return {"source": "files", "tcga_barcodes": True}, {"omics": omics, "clinical": clinical}


def benchmark(folder):
    """Survival of a patient twice with other values, negative, of strangers; clinical rows likewise."""
    rows = [
        (BARCODES[0], 10, 1),
        (BARCODES[0], 10, 1),
        (BARCODES[0][:-2] + "11", 99, 0),
        (BARCODES[1], -4, 1),
        ("TCGA-ZZ-9999-03", 5, 0),
    ]
    survival = "PatientID\tSurvival\tDeath\n" + "".join("\t".join(map(str, row)) + "\n" for row in rows)
    exp, methy = (
        matrix([*BARCODES[:n], BARCODES[3][:-2] + "11"], separator=" ", corner="", values=VALUES[:, : n + 1])
        for n in (3, 2)
    )
    contents = {"exp": exp, "methy": methy, "survival": survival}
    (folder / "aml.zip").write_bytes(zipped(contents))
    clinical = "sampleID\tage\n" + "".join(f"{name}\t5\n" for name in [BARCODES[0], "TCGA-ZZ-9999-03"])
    (folder / "clinical.zip").write_bytes(zipped({"clinical/aml": clinical}))
    return {"source": "benchmark", "cancer": "aml"}, {
        "archive": folder / "aml.zip",
        "clinical": folder / "clinical.zip",
    }


def xena(folder):
    write_hub(folder, patients=4)
    files = [folder / FOLDER / f"{TABLES[omic]}.gz" for omic in OMICS]
    clinical, survival = folder / FOLDER / "LUAD_clinicalMatrix", folder / "xena" / "survival" / "LUAD_survival.txt"
    return {"source": "xena", "top_probes": 6, "preprocessing": {}}, {
        "omics": files,
        "clinical": clinical,
        "survival": survival,
    }


def published(folder):
    omics = [
        write(folder / "1.txt", matrix(SAMPLES, corner="probe")),
        write(folder / "2.txt", matrix(SAMPLES[::-1], corner="probe")),
    ]
    rows = "".join(f'"{i}"\t"{name}"\t{i % 2 + 1}\n' for i, name in enumerate(SAMPLES, start=1))
    return {"source": "intersim_published"}, {
        "omics": omics,
        "clinical": write(folder / "c.txt", f'"subjects"\t"cluster.id"\n{rows}'),
    }


def cells(folder):
    """A cell without counts, one that the metadata lack, one that an omic lacks."""
    counts = pd.DataFrame(
        np.arange(1, 26).reshape(5, 5), index=GENES, columns=["r1", "r2", "r3", "r4", "unknown"], dtype=float
    )
    counts["r2"] = 0.0
    write_rds(folder / "rna.RDS", counts)
    write_rds(
        folder / "atac.RDS",
        counts.rename(columns={"r1": "a1", "r2": "a2", "r3": "a3", "unknown": "a4"}).drop(columns="r4") + 1,
    )
    rows = "".join(f"C{i}\tr{i}\ta{i}\tx\n" for i in (1, 2, 3, 4, 5))
    metadata = write(folder / "cells.tsv", f"cell\tsample.expression\tsample.methylation\tcelltype\n{rows}")
    entry = {"source": "singlecell", "counts": OMICS, "min_cells": 1}
    return entry, {"omics": [folder / "rna.RDS", folder / "atac.RDS"], "clinical": metadata}


def joined(folder):
    first, files = own_barcodes(folder)
    (folder / "second").mkdir()
    other = folder / "second"
    ids = ["TCGA-CD-0001-01", "TCGA-CD-0002-11", "TCGA-CD-0003-01", "TCGA-CD-0003-02"]
    tables = [write(other / f"{i}.tsv", matrix(ids)) for i in range(2)]
    members = {"one": first, "two": {"source": "files", "tcga_barcodes": True}}
    return {"source": "joined", "members": members}, {f"one.{name}": file for name, file in files.items()} | {
        "two.omics": tables
    }


def real_aml(_):
    folder = MIRROR / "benchmark"
    return {"source": "benchmark", "cancer": "aml"}, {
        "archive": folder / "aml.zip",
        "clinical": folder / "clinical.zip",
    }


def real_liver(_):
    folder = MIRROR / "benchmark"
    return {"source": "benchmark", "cancer": "liver"}, {
        "archive": folder / "liver.zip",
        "clinical": folder / "clinical.zip",
    }


def real_simulation(_):
    folder = SHARED / "simulated" / "equal" / "5"
    return {"source": "intersim_published"}, {
        "omics": [folder / "omics1.txt", folder / "omics2.txt"],
        "clinical": folder / "clusters.txt",
    }


SOURCES = [own_files, own_barcodes, benchmark, xena, published, cells, joined]
REAL = [pytest.param(source, marks=needs_shared) for source in (real_aml, real_liver, real_simulation)]


@pytest.mark.parametrize("source", [*SOURCES, *REAL])
def test_counts_reconcile(source, tmp_path):
    entry, files = source(tmp_path)
    raw = read_source(entry, ["mirna"] if source is real_liver else OMICS, files)
    check_join(raw)
    check_ledger(raw.ledger, raw.omics)
    prepared = preprocess(raw, FEW)
    check_join(prepared)
    check_ledger(prepared.ledger, {omic: prepared.cohort[omic].to_df() for omic in prepared.cohort.mod})
    check_steps(prepared)


def check_join(account):
    """n_in = n_matched + n_dropped with a reason, and every dropped id is named."""
    join, unmatched = account.join[account.join["unit"] == "rows"], account.unmatched
    assert (join["n_in"] == join["n_matched"] + join["n_dropped"]).all()
    assert (join[["n_in", "n_matched", "n_dropped"]] >= 0).to_numpy().all()
    assert (join["reason"].str.len() > 3).all()
    named = unmatched.groupby(["source", "reason"]).size()
    counted = join.groupby(["source", "reason"])["n_dropped"].sum()
    assert named.reindex(counted.index, fill_value=0).to_dict() == counted.to_dict()
    assert len(unmatched) == join["n_dropped"].sum()


def check_ledger(ledger, omics):
    """Every column of a source is kept, as a row of its omic, or dropped with a reason."""
    assert set(ledger["status"]) <= {"kept", "dropped"}
    assert (ledger.loc[ledger["status"] == "dropped", "reason"].str.len() > 3).all()
    keys = ["member", "omic", "column"] if "member" in ledger else ["omic", "column"]
    assert not ledger.duplicated(keys).any()
    for omic, table in omics.items():
        own = ledger[(ledger["omic"] == omic) & (ledger["status"] == "kept")]
        assert sorted(own["sample"]) == sorted(table.index)


def check_steps(prepared):
    """What leaves a step enters the next one; what leaves the last one is the cohort."""
    for omic, steps in prepared.steps.groupby("omic", sort=False):
        shared = steps.index[steps["step"] == "shared_features"]
        after = steps.loc[shared[0] :] if len(shared) else steps  # the members' own steps run side by side
        for kind in ("samples", "features"):
            assert after[f"{kind}_in"].tolist()[1:] == after[f"{kind}_out"].tolist()[:-1], (omic, kind)
        assert after["samples_out"].iloc[-1] == len(prepared.cohort[omic])
        assert after["features_out"].iloc[-1] == prepared.cohort[omic].var["selected"].sum()
        lost = (steps["samples_in"] > steps["samples_out"]) | (steps["features_in"] > steps["features_out"])
        assert (steps.loc[lost, "reason"].str.len() > 3).all()


@pytest.mark.parametrize("source", SOURCES)
def test_every_column_of_the_files_is_in_the_ledger(source, tmp_path):
    entry, files = source(tmp_path)
    ledger = read_source(entry, OMICS, files).ledger
    n_columns = {
        own_files: 10, own_barcodes: 8, benchmark: 7, xena: 15 + 4, published: 8, cells: 9, joined: 16,
    }  # fmt: skip
    assert len(ledger) == n_columns[source]
