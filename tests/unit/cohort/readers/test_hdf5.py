"""HDF5 files that lead elsewhere or claim too much are refused before a value of them is read."""

import os

import anndata
import h5py
import mudata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from amucl.cohort.readers import hdf5
from amucl.cohort.readers.hdf5 import check_hdf5
from amucl.cohort.readers.tables import read_clinical, read_h5mu, read_omic
from amucl.errors import AmuclError

X = "mod/expression/X"
VALUES = np.arange(64.0).reshape(4, 16)
REFERENCE = h5py.special_dtype(ref=h5py.Reference)


@pytest.fixture
def file(tmp_path):
    """A cohort of one omic; dense, with every kind of column that anndata writes."""
    names = [f"s{i}" for i in range(4)]
    obs = pd.DataFrame({"sex": pd.Categorical(list("mfmf")), "age": [1, 2, 3, 4], "note": list("abcd")}, index=names)
    data = anndata.AnnData(VALUES, obs=obs, var=pd.DataFrame(index=[f"g{i}" for i in range(16)]))
    data.uns["nested"] = {"a": {"b": np.array(["x", "y"]), "c": 1.5}}
    data.layers["sparse"] = scipy.sparse.csr_matrix(VALUES)
    mudata.MuData({"expression": data}).write(tmp_path / "c.h5mu")
    (tmp_path / "other.bin").write_bytes(b"TOPSECRET" * 60)
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["d"] = VALUES
    return tmp_path / "c.h5mu"


def replaced(file, **options):
    """Another dataset in the place of X, with X's own attributes."""
    with h5py.File(file, "r+") as handle:
        attributes = dict(handle[X].attrs)
        del handle[X]
        handle.create_dataset(X, **options).attrs.update(attributes)


def external(file):
    replaced(file, shape=(4, 16), dtype="f8", external=[(str(file.parent / "other.bin"), 0, 512)])


def virtual(file):
    layout = h5py.VirtualLayout(shape=(4, 16), dtype="f8")
    layout[:] = h5py.VirtualSource(str(file.parent / "other.h5"), "d", shape=(4, 16))
    with h5py.File(file, "r+") as handle:
        del handle[X]
        handle.create_virtual_dataset(X, layout)


def linked(make):
    def change(file):
        with h5py.File(file, "r+") as handle:
            del handle[X]
            handle[X] = make(file)

    return change


def external_through_a_symbolic_link(file):
    with h5py.File(file, "r+") as handle:
        del handle[X]
        handle["uns/elsewhere"] = h5py.ExternalLink(str(file.parent / "other.h5"), "/")
        handle[X] = h5py.SoftLink("/uns/elsewhere/d")


def with_filter(file):
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((4, 16))
    plan.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
    with h5py.File(file, "r+") as handle:
        del handle[X]
        space = h5py.h5s.create_simple((4, 16))
        h5py.h5d.create(handle["mod/expression"].id, b"X", h5py.h5t.NATIVE_DOUBLE, space, plan)


def inside(change):
    def changed(file):
        with h5py.File(file, "r+") as handle:
            change(handle)

    return changed


def deep(handle):
    group = handle["uns"]
    for _ in range(3000):
        group = group.create_group("g")


def cycle(handle):
    handle["uns/self"] = handle["uns"]


def cycle_of_symbolic_links(handle):
    handle["uns/self"] = h5py.SoftLink("/uns")


def many_paths(handle):
    """30 levels of two links each: a billion paths to one dataset."""
    handle["uns/l0"] = np.arange(3)
    for level in range(1, 30):
        group = handle.create_group(f"uns/l{level}")
        group["a"] = group["b"] = handle[f"uns/l{level - 1}"]


def lying_sparse(handle):
    handle["mod/expression/layers/sparse"].attrs["shape"] = np.array([4, 10**10])
    handle.move("mod/expression/layers/sparse", "mod/expression/Y")
    del handle[X]
    handle.move("mod/expression/Y", X)


def long_attribute(handle):
    handle["uns"].attrs.create("a", np.zeros(8000, dtype="S8"))


def of_references(handle):
    handle["uns/r"] = np.array([handle["obs"].ref] * 2, dtype=REFERENCE)


def of_a_region(handle):
    handle["uns"].attrs["r"] = handle[X].regionref[:2]


def hidden_by_a_reference(handle):
    """What an attribute refers to is looked at too."""
    hidden = handle.create_dataset(
        "hidden/d", shape=(4,), dtype="f8", external=[(str(handle.filename) + ".bin", 0, 32)]
    )
    handle["uns"].attrs["r"] = hidden.ref


def of_arrays(handle):
    handle.create_dataset("uns/v", (2,), dtype=h5py.vlen_dtype(np.int32))


HUGE = {"dtype": "f8", "chunks": (1, 10**6), "fillvalue": 1.0, "compression": "gzip"}
CASES = {
    "external storage": (external, f"/{X}: the values lie in another file .external storage.; got .*other.bin"),
    "virtual dataset": (virtual, f"/{X}: the values lie in other files"),
    "external link": (
        linked(lambda file: h5py.ExternalLink(str(file.parent / "other.h5"), "d")),
        f"/{X}: a link to another file; got .*other.h5",
    ),
    "symbolic link through an external one": (external_through_a_symbolic_link, "/uns/elsewhere: a link to another"),
    "symbolic link to nowhere": (linked(lambda _: h5py.SoftLink("/nowhere")), f"/{X}: a link that leads nowhere"),
    "symbolic link to itself": (linked(lambda _: h5py.SoftLink(f"/{X}")), f"/{X}: a link that leads nowhere"),
    "filter": (with_filter, f"/{X}: a filter that HDF5 does not bring; got filter 32015; save it with gzip"),
    "4 x 1e9 of a fill value": (lambda file: replaced(file, shape=(4, 10**9), **HUGE), "shape .4, 1000000000., 0 byt"),
    "text of 4 GB": (lambda file: replaced(file, shape=(1,), dtype=f"S{2**31 - 1}", chunks=(1,)), "claims values"),
    "3000 groups": (inside(deep), "c.h5mu: groups nested too deeply; expected at most 32 levels"),
    "cycle": (inside(cycle), "groups nested too deeply"),
    "cycle of symbolic links": (inside(cycle_of_symbolic_links), "groups nested too deeply"),
    "many paths": (inside(many_paths), "too many objects in the HDF5 file; expected at most 1000"),
    "sparse matrix": (inside(lying_sparse), f"/{X}: the HDF5 file claims to hold too much; expected at most 17179869"),
    "references": (inside(of_references), "/uns/r: a dataset of references"),
    "region": (inside(of_a_region), "/uns, attribute r: a reference that is not to one object"),
    "behind a reference": (inside(hidden_by_a_reference), "the values lie in another file"),
    "arrays of any length": (inside(of_arrays), "/uns/v: values of variable length"),
}


@pytest.mark.situation(
    "HDF5 files with external storage, external links, virtual data sets, shapes that lie",
    right="refused in one line",
    before="any local file was read as data",
)
@pytest.mark.parametrize("case", CASES)
def test_it_is_refused_in_one_line(file, monkeypatch, case):
    change, message = CASES[case]
    change(file)
    monkeypatch.setattr(hdf5, "MOST_OBJECTS", 1000)
    monkeypatch.setattr(mudata, "read_h5ad", None)
    monkeypatch.setattr(anndata.io, "read_elem", None)
    for read in (read_h5mu, read_clinical, lambda path: read_omic(path, omic="expression")):
        with pytest.raises(AmuclError, match=message) as caught:
            read(file)
        assert "TOPSECRET" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_what_is_plain_is_read(file):
    read = read_h5mu(file)
    np.testing.assert_array_equal(read["expression"].X, VALUES)
    assert read["expression"].uns["nested"]["a"]["b"].tolist() == ["x", "y"]
    assert read["expression"].obs["sex"].tolist() == list("mfmf")


@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
def test_every_way_that_anndata_writes(file, tmp_path, compression):
    read_h5mu(file).write(tmp_path / "d.h5mu", compression=compression)
    np.testing.assert_array_equal(read_omic(tmp_path / "d.h5mu", omic="expression"), VALUES)


def test_symbolic_links_within_the_file_are_followed(file):
    with h5py.File(file, "r+") as handle:
        handle.move(X, "uns/values")
        handle[X] = h5py.SoftLink("/uns/values")
    np.testing.assert_array_equal(read_omic(file, omic="expression"), VALUES)


def test_categories_of_older_files_are_references(file):
    with h5py.File(file, "r+") as handle:
        handle["uns/codes"] = np.array([0, 1], dtype=np.int8)
        handle["uns/categories"] = np.array([b"m", b"f"])
        handle["uns/codes"].attrs["categories"] = handle["uns/categories"].ref
    check_hdf5(file)


def test_the_limit_is_on_what_reading_takes(tmp_path):
    """Single precision counts double, as omics become double; zeros may be packed a thousandfold, no more."""
    with h5py.File(tmp_path / "a.h5", "w") as handle:
        handle.create_dataset("d", data=np.zeros((1000, 1000), dtype=np.float32), compression="gzip")
        handle.create_dataset("e", data=np.zeros((1000, 1000), dtype=np.int8), compression="gzip")
    assert os.path.getsize(tmp_path / "a.h5") < 100_000
    check_hdf5(tmp_path / "a.h5", max_bytes=16_000_000)
    with pytest.raises(
        AmuclError, match=r"/[de]: the HDF5 file claims to hold too much; expected at most 15999999 byt"
    ):
        check_hdf5(tmp_path / "a.h5", max_bytes=15_999_999)
