"""A disk that is full, or takes no writing, while a file of any kind is written: one line, and nothing half-written."""

import gc

import anndata
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from torch import nn

from amucl.biology.genesets import write_gmt
from amucl.cohort.cohort import make_cohort, write_cohort
from amucl.cohort.sources.download import fetch
from amucl.errors import AmuclError
from amucl.figures.profile import write_html, write_pdf
from amucl.figures.style import save_figure
from amucl.figures.tables import write_html_table
from amucl.files import write_arrays, write_json, write_matrix, write_table
from amucl.methods.network.training import save_model
from tests.faults.disk import fill, make_read_only, size_limit, small_disk

NOISE = np.random.default_rng(0).normal(size=(100, 100)).astype(np.float32)
TABLE = pd.DataFrame(NOISE, index=[f"p{i}" for i in range(100)], columns=[f"f{i}" for i in range(100)])


def figure():
    drawn = Figure()
    drawn.subplots().pcolormesh(NOISE[:20, :20])
    return drawn


def cohort():
    return make_cohort({"expression": anndata.AnnData(TABLE)}, pd.DataFrame(index=TABLE.index), {})


WRITERS = {
    "table.tsv": lambda path: write_table(TABLE, path),
    "table.tsv.gz": lambda path: write_table(TABLE, path),
    "embedding.tsv": lambda path: write_matrix(TABLE, path),
    "provenance.json": lambda path: write_json(TABLE.to_dict(), path),
    "affinity.npz": lambda path: write_arrays(path, list(TABLE.index), affinity=NOISE),
    "cohort.h5mu": lambda path: write_cohort(cohort(), path),
    "model.safetensors": lambda path: save_model(nn.Linear(100, 100), {}, path),
    "figure.png": lambda path: save_figure(figure(), path),
    "figure.pdf": lambda path: save_figure(figure(), path),
    "figure.svg": lambda path: save_figure(figure(), path),
    "profiles.pdf": lambda path: write_pdf([figure()], path),
    "profiles.html": lambda path: write_html({1: figure()}, path),
    "table.html": lambda path: write_html_table(TABLE, path),
    "sets.gmt": lambda path: write_gmt({str(i): list(TABLE.columns) for i in range(100)}, path),
}


def left(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(autouse=True)
def collected():
    """What a failed write left open is closed here, not during a later test that takes warnings for errors."""
    yield
    gc.collect()


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.survives("full disk, every kind of file")
def test_a_limit_of_the_size_of_files(tmp_path, name):
    with size_limit(4000), pytest.raises(AmuclError, match=f"{name}: the file cannot be stored: File too large; check"):
        WRITERS[name](tmp_path / name)
    assert left(tmp_path) == []
    WRITERS[name](tmp_path / name)
    assert left(tmp_path) == [name]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("spare", [0, 8192])
@pytest.mark.survives("full disk, every kind of file")
def test_a_full_disk(tmp_path, name, spare):
    with small_disk(tmp_path / "disk", 4) as disk:
        filler = fill(disk, spare=spare)
        with pytest.raises(AmuclError, match=f"{name}: the file cannot be stored: No space left on device; check"):
            WRITERS[name](disk / name)
        assert left(disk) == ["filler"]
        filler.unlink()
        WRITERS[name](disk / name)
        assert left(disk) == [name]


def test_without_the_program_mount_a_test_is_skipped(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.skip.Exception, match="no program mount"), small_disk(tmp_path / "disk", 1):
        pass


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.survives("read-only disk, every kind of file")
def test_a_disk_that_must_not_be_written(tmp_path, name):
    with small_disk(tmp_path / "disk", 1) as disk:
        make_read_only(disk)
        with pytest.raises(AmuclError, match=f"{name}: the file cannot be stored: Read-only file system; check"):
            WRITERS[name](disk / name)


@pytest.mark.survives("full disk, download")
@pytest.mark.parametrize("from_mirror", [False, True])
def test_a_disk_that_fills_while_a_file_is_fetched(tmp_path, server, from_mirror):
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "set.bin").write_bytes(server.body)
    options = {"mirror": tmp_path / "mirror"} if from_mirror else {}
    with small_disk(tmp_path / "disk", 0.25) as disk:
        with pytest.raises(AmuclError, match=r"set\.bin.*: the file cannot be stored: No space left on device; check"):
            fetch(server.url, disk / "set.bin", **options)
        # What a server can continue stays, under another name; a copy of a file is made anew.
        assert left(disk) == ([] if from_mirror else ["set.bin.part", "set.bin.part.json"])


def test_the_space_for_a_cohort_is_reserved_with_room_to_spare(tmp_path, monkeypatch):
    """HDF5 ends in a crash where it comes upon a full disk itself."""
    reserved = []
    monkeypatch.setattr("amucl.cohort.cohort.reserve", lambda path, n_bytes: reserved.append(n_bytes))
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 3000)), columns=[f"site{i:05}" for i in range(3000)])
    wide.index = [f"p{i}" for i in wide.index]
    data = anndata.AnnData(wide, var=wide.columns.to_frame(name="gene"))
    data.layers["normalized"] = wide.to_numpy() * 1.1
    clinical = pd.DataFrame({f"column {i}": ["word", "other"] * 15 for i in range(500)}, index=wide.index)
    write_cohort(make_cohort({"methylation": data, "mirna": data.copy()}, clinical, {}), tmp_path / "cohort.h5mu")
    size = (tmp_path / "cohort.h5mu").stat().st_size
    assert size < reserved[0] < 4 * size
