import contextlib
import json
import os
import stat
import zipfile

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amucl.errors import AmuclError
from amucl.files import (
    atomic_path,
    read_arrays,
    read_matrix,
    read_table,
    require_file,
    reserve,
    storage_errors,
    write_arrays,
    write_json,
    write_matrix,
    write_table,
)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_complete_or_not_at_all(tmp_path):
    target = tmp_path / "new" / "folder" / "table.tsv.gz"
    with atomic_path(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
        assert temporary.parent == target.parent
        assert temporary.name.endswith(".tsv.gz")  # writers choose the format by the suffix
    assert target.read_text() == "half"
    assert names(target.parent) == ["table.tsv.gz"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_keeps_the_old_file_and_leaves_nothing(tmp_path, error):
    target = tmp_path / "table.tsv"
    target.write_text("old")

    def fail():
        with atomic_path(target) as temporary:
            temporary.write_text("half of the new")
            raise error

    with pytest.raises(error):
        fail()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["table.tsv"]


@pytest.mark.parametrize(
    "words", ["[Errno 28] No space left on device", "I/O error: Read-only file system (os error 30)"]
)
def test_a_disk_that_takes_nothing_is_told_in_one_line_whoever_noticed_it(tmp_path, words):
    def fail():
        with atomic_path(tmp_path / "model.safetensors") as temporary:
            temporary.write_text("half")
            raise RuntimeError(words)

    with pytest.raises(AmuclError, match=r"model\.safetensors: the file cannot be stored: .* then run again"):
        fail()
    assert names(tmp_path) == []


def test_it_is_told_too_where_a_writer_stumbles_over_its_own_end(tmp_path):
    def fail():
        with atomic_path(tmp_path / "figure.pdf"):
            try:
                raise OSError(28, "No space left on device")
            finally:
                raise AttributeError("no stream")

    with pytest.raises(AmuclError, match=r"figure\.pdf: the file cannot be stored: No space left on device"):
        fail()


def test_other_errors_and_a_users_mistake_stay_what_they_are(tmp_path):
    for error in (ValueError("no space"), AmuclError("No space left on device in this configuration")):
        with pytest.raises(type(error), match=f"^{error}$"), storage_errors(tmp_path):
            raise error


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path):
    others = [f".{name}.amucl-abcdefgh{kind}" for name, kind in (("t.tsv.gz", ".tsv.gz"), ("s.tsv", ".tsv"))]
    others += [".t.tsv.amucl-abcdefghi.tsv", "t.tsv.amucl-abcdefgh.tsv"]
    others += [".t.tsv.abcdefgh.tsv", ".t.tsv.original.tsv"]  # a user's own
    with contextlib.suppress(ZeroDivisionError), atomic_path(tmp_path / "t.tsv") as temporary:
        left = temporary.name
        raise ZeroDivisionError
    for name in (left, ".t.tsv.amucl-a_cdefg1.tsv", *others):
        (tmp_path / name).write_text("half")
    write_table(pd.DataFrame({"a": [1]}), tmp_path / "t.tsv")
    assert names(tmp_path) == sorted(["t.tsv", *others])


@pytest.mark.parametrize("n_bytes", [0, 1, (1 << 20) - 1, 1 << 20, 2_500_000])
def test_reserved_space_is_as_large_as_asked(tmp_path, n_bytes):
    reserve(tmp_path / "a", n_bytes)
    assert (tmp_path / "a").read_bytes() == bytes(n_bytes)


def test_a_writer_that_writes_nothing_or_elsewhere_fails(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a") as temporary:
        temporary.unlink()
    assert names(tmp_path) == []


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640)])
def test_permissions_are_those_of_ordinary_files(tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        write_json({}, tmp_path / "a.json")
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a.json").stat().st_mode) == mode


def test_a_table_is_tidy_text(tmp_path):
    table = pd.DataFrame({"gene": ["A", None], "n": [1, 2], "p": [0.1, np.nan]}, index=[7, 8])
    write_table(table, tmp_path / "t.tsv")
    assert (tmp_path / "t.tsv").read_bytes() == b"gene\tn\tp\nA\t1\t0.1\n\t2\t\n"


@pytest.mark.parametrize("name", ["t.tsv", "t.tsv.gz"])
def test_a_table_comes_back_as_it_was(tmp_path, name):
    table = pd.DataFrame(
        {
            "gene": ["NA", "nan", "None", "NULL", "N/A", None, "'quoted'", 'a "b"', "tab\there"],
            "n": range(9),
            "value": [0.1, 1 / 3, 1e-300, -0.0, np.nan, np.inf, 2**0.5, 5e-324, 1e22],
        }
    )
    write_table(table, tmp_path / name)
    pd.testing.assert_frame_equal(read_table(tmp_path / name), table, check_exact=True)
    first = (tmp_path / name).read_bytes()
    write_table(table, tmp_path / name)
    assert (tmp_path / name).read_bytes() == first
    if name == "t.tsv.gz":
        assert first[:8] == b"\x1f\x8b\x08" + bytes(5)  # neither a name nor a time


def test_the_caller_may_read_cells_as_they_stand(tmp_path):
    (tmp_path / "t.tsv").write_text("a\tb\nNA\t\n")
    assert read_table(tmp_path / "t.tsv", dtype=str, keep_default_na=False).values.tolist() == [["NA", ""]]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(values=st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_a_matrix_keeps_every_digit(tmp_path, values):
    matrix = pd.DataFrame({"dim1": values}, index=[f"s{i}" for i in range(len(values))]).rename_axis("sample")
    write_matrix(matrix, tmp_path / "m.tsv")
    pd.testing.assert_frame_equal(read_matrix(tmp_path / "m.tsv"), matrix, check_exact=True)


def test_sample_ids_stay_as_they_are(tmp_path):
    ids = ["NA", "001", "1e5", "nan", "None", "True", "1.0", " x", "-"]
    matrix = pd.DataFrame({"dim1": range(9), "kind": list("abcdefghi")}, index=ids)
    write_matrix(matrix, tmp_path / "m.tsv")
    back = read_matrix(tmp_path / "m.tsv")
    assert list(back.index) == ids
    assert back.index.name == "sample"
    assert back["dim1"].tolist() == list(range(9))
    assert (tmp_path / "m.tsv").read_text().startswith("sample\tdim1\tkind\nNA\t0\ta\n001\t1\tb\n")


def test_json_is_sorted_and_ends_in_a_line(tmp_path):
    write_json({"b": [1], "a": None}, tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text()
    assert text == '{\n  "a": null,\n  "b": [\n    1\n  ]\n}\n'
    assert json.loads(text) == {"a": None, "b": [1]}


def test_require_file_says_why_not(tmp_path, monkeypatch):
    (tmp_path / "there").write_text("")
    assert require_file(str(tmp_path / "there")) == tmp_path / "there"
    with pytest.raises(AmuclError, match=f"{tmp_path}: the table is a directory; expected a file; give the file's own"):
        require_file(tmp_path, purpose="the table")
    with pytest.raises(AmuclError, match=f"{tmp_path}/absent: file does not exist; check the path in the config"):
        require_file(tmp_path / "absent")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(AmuclError, match=f"{tmp_path}/there: file cannot be read; check its permissions"):
        require_file(tmp_path / "there")
    with pytest.raises(AmuclError, match="does not exist"):
        read_table(tmp_path / "absent")


def test_arrays_come_back_with_their_samples(tmp_path):
    path = tmp_path / "affinity.npz"
    affinity = np.random.default_rng(0).normal(size=(3, 3))
    write_arrays(path, ["NA", "001", "größe"], affinity=affinity, other=np.eye(2))
    samples, arrays = read_arrays(path)
    assert samples == ["NA", "001", "größe"]
    assert list(arrays) == ["affinity", "other"]
    np.testing.assert_array_equal(arrays["affinity"], affinity)
    first = path.read_bytes()
    write_arrays(path, ["NA", "001", "größe"], affinity=affinity, other=np.eye(2))
    assert path.read_bytes() == first
    assert [file.name for file in tmp_path.iterdir()] == ["affinity.npz"]


def test_other_files_are_no_arrays(tmp_path):
    path = tmp_path / "affinity.npz"
    with pytest.raises(AmuclError, match="does not exist"):
        read_arrays(path)
    write_arrays(path, ["a"], affinity=np.eye(1))
    for content in (b"", b"text", path.read_bytes()[:100]):
        path.write_bytes(content)
        with pytest.raises(AmuclError, match=r"is not an array file of this pipeline; expected an .npz archive"):
            read_arrays(path)


def test_objects_are_never_read(tmp_path):
    path = tmp_path / "affinity.npz"
    np.savez(path, samples=np.array(["a"]), affinity=np.array([{"a": 1}], dtype=object))
    assert zipfile.is_zipfile(path)
    with pytest.raises(AmuclError, match=r"affinity\.npz: is not an array file.*allow_pickle=False"):
        read_arrays(path)
