"""Files and addresses of strangers: nothing in them is ever run, and nothing outside the run's folders is reached."""

import ast
import contextlib
import gzip
import io
import os
import pickle
import re
import zipfile
from functools import partial

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
import requests
import torch
import yaml

from amucl.cohort.readers import text, text_table
from amucl.cohort.readers.rfiles import read_rds
from amucl.cohort.readers.tables import read_clinical, read_omic, stream_numbers
from amucl.cohort.readers.text import read_gzip
from amucl.cohort.sources import download
from amucl.cohort.sources.download import fetch
from amucl.cohort.sources.singlecell import read_singlecell
from amucl.config import load_registry, resolve
from amucl.errors import AmuclError
from amucl.files import read_arrays
from amucl.methods.network.training import load_model
from amucl.redaction import redacted
from tests.badfiles.wellformed import KINDS, as_frame
from tests.shared import REPOSITORY

SOURCES = [
    REPOSITORY / "workflow" / "Snakefile",
    *(REPOSITORY / "src").rglob("*.py"),
    *(REPOSITORY / "workflow").rglob("*.py"),
    *(REPOSITORY / "workflow").rglob("*.smk"),
]

# Code ----------------------------------------------------------------------------------------------------------------

NO_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "shelve",
    "marshal",
    "joblib",
    "ctypes",
    "telnetlib",
    "ftplib",
}
NO_CALLS = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.execv", "pd.read_pickle",
    "pandas.read_pickle", "torch.load",
    "torch.save", "yaml.load", "yaml.load_all", "yaml.unsafe_load", "yaml.full_load", "joblib.load",
    "joblib.dump", "tempfile.mktemp",
    "subprocess.getoutput", "shutil.unpack_archive", "numpy.load", "pd.eval", "pd.read_clipboard",
}  # fmt: skip
NO_METHODS = {
    "extract",
    "extractall",
    "to_pickle",
    "read_pickle",
}  # of any object; Series.str.extract is not used either


def calls(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


def trees():
    found = [path for path in SOURCES if path.suffix == ".py"]
    assert len(found) > 100
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in found]


def is_harmless(node: ast.ImportFrom) -> bool:
    """joblib passes objects between processes of its own making; it reads files only by what is not imported here."""
    return node.module == "joblib" and {alias.name for alias in node.names} <= {"Parallel", "delayed"}


def test_nothing_that_could_run_what_a_file_holds():
    for path, tree in trees():
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not is_harmless(node):
                names.append(node.module)
            assert not {name.split(".")[0] for name in names} & NO_MODULES, path
        for node, name in calls(tree):
            where = f"{path}, line {node.lineno}: {name}"
            keywords = {keyword.arg: keyword.value for keyword in node.keywords}
            assert name not in NO_CALLS, where
            assert name.rpartition(".")[2] not in NO_METHODS, where
            assert "shell" not in keywords, where
            assert "verify" not in keywords, where
            if name in ("np.load", "np.lib.format.read_array"):
                assert ast.unparse(keywords["allow_pickle"]) == "False", where
            if name in ("subprocess.run", "subprocess.Popen", "subprocess.check_output"):
                assert not isinstance(node.args[0], ast.Constant | ast.JoinedStr), where


def test_rules_have_no_shell_commands():
    for path in SOURCES:
        if path.suffix != ".py":
            assert not re.search(r"^\s*(shell|run)\s*:|\bshell\(", path.read_text(encoding="utf-8"), re.MULTILINE), path


# Pickles -------------------------------------------------------------------------------------------------------------


class Malice:
    """Unpickled, it makes a file."""

    def __init__(self, mark):
        self.mark = str(mark)

    def __reduce__(self):
        return os.mkdir, (self.mark,)


@pytest.fixture
def mark(tmp_path):
    """The file that a pickle makes when it is loaded; loading one here shows that it does."""
    mark = tmp_path / "hacked"
    pickle.loads(pickle.dumps(Malice(mark)))
    assert mark.exists()
    mark.rmdir()
    yield mark
    assert not mark.exists(), "a pickle was loaded"


def test_pickles_in_arrays(tmp_path, mark):
    evil = np.array([Malice(mark)], dtype=object)
    np.savez(tmp_path / "a.npz", samples=np.array(["p1"]), labels=evil)
    with pytest.raises(AmuclError, match="allow_pickle=False"):
        read_arrays(tmp_path / "a.npz")
    np.save(tmp_path / "a.npy", evil)
    (tmp_path / "cells.tsv").write_text("cell\tcelltype\nA\tx\n")
    with pytest.raises(AmuclError, match=r"a\.npy: not an \.npy matrix"):
        read_singlecell({"rna": tmp_path / "a.npy"}, tmp_path / "cells.tsv", counts=[])


def test_pickles_as_models(tmp_path, mark):
    torch.save({"network": Malice(mark)}, tmp_path / "model.pt")
    for name in ("model.pt", "model.safetensors"):
        (tmp_path / name).write_bytes((tmp_path / "model.pt").read_bytes())
        with pytest.raises(AmuclError, match="is not a trained model"):
            load_model(tmp_path / name)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_pickles_under_every_name(tmp_path, mark, pack):
    content = pack(pickle.dumps(Malice(mark)))
    for kind in KINDS.values():
        folder = tmp_path / kind.name.replace("/", " ")
        folder.mkdir()
        kind.write(folder)
        kind.store(folder, content)
        with pytest.raises(AmuclError):
            kind.read(folder)


def test_pickles_inside_hdf5(tmp_path, mark):
    evil = np.void(pickle.dumps(Malice(mark)))
    KINDS[".h5mu"].write(tmp_path)
    with h5py.File(tmp_path / "rna.h5mu", "r+") as handle:
        handle["uns"].attrs["encoding-type"] = "dict"
        handle["uns/evil"] = evil
        handle["obs"].attrs["pickle"] = evil
    with contextlib.suppress(AmuclError):
        np.testing.assert_array_equal(read_omic(tmp_path / "rna.h5mu", omic="expression"), as_frame().T)


def test_pickles_as_types_of_a_parquet(tmp_path, mark):
    metadata = {
        "ARROW:extension:name": "arrow.py_extension_type",
        "ARROW:extension:metadata": pickle.dumps(Malice(mark)),
    }
    fields = [pa.field("gene", pa.string()), pa.field("p1", pa.float64(), metadata=metadata)]
    pa.parquet.write_table(pa.table([["g1"], [1.0]], schema=pa.schema(fields)), tmp_path / "a.parquet")
    assert read_omic(tmp_path / "a.parquet", omic="expression").to_numpy().tolist() == [[1.0]]


def test_objects_of_r_are_not_run(tmp_path, mark):
    """A call and a promise (what CVE-2024-27322 is about), as R's own ASCII format has them."""
    call = f"A\n3\n262144\n197888\n6\n1\n262153\n6\nsystem\n2\n16\n1\n262153\n{len(str(mark)) + 6}\nmkdir {mark}\n254\n"
    for kind in ("6\n", "5\n"):
        (tmp_path / "a.RDS").write_text(call.replace("6\n1\n262153\n6\nsystem", f"{kind}1\n262153\n6\nsystem"))
        with contextlib.suppress(AmuclError):
            read_rds(tmp_path / "a.RDS")


def test_yaml_makes_plain_values_only(tmp_path, mark):
    for tag in (
        "python/object/apply:os.mkdir",
        "python/object/new:os.mkdir",
        "python/name:os.mkdir",
        "python/module:os",
    ):
        (tmp_path / "r.yaml").write_text(f"datasets: !!{tag} ['{mark}']\n")
        with pytest.raises(AmuclError, match="cannot be read as YAML"):
            load_registry(tmp_path / "r.yaml")


def laughs(first, repeated, n_levels=12):
    """A billion laughs: every line names the one before nine times."""
    lines = [f"a0: &a0 {first}"]
    return [*lines, *(f"a{i}: &a{i} {repeated(', '.join([f'*a{i - 1}'] * 9))}" for i in range(1, n_levels))]


YAML = {
    "deep lists": (["datasets: " + "[" * 5000 + "]" * 5000], "nested too deeply; expected at most 50 levels"),
    "deep mappings": (["datasets: " + "{a: " * 5000 + "1" + "}" * 5000], "nested too deeply"),
    "51 levels": (["datasets: " + "[" * 51 + "]" * 51], "nested too deeply"),
    "not closed": (["datasets: " + "[" * 100_000], "cannot be read as YAML|nested too deeply"),
    "deep by indentation": ([" " * i + "a:" for i in range(600)], "nested too deeply"),
    "billion laughs": ([*laughs("[x, x]", "[{}]".format), "datasets: *a11"], "stand for too many values"),
    "billion laughs in mappings": (
        [*laughs("{x: 1}", lambda them: "{" + ", ".join(f"{i}: {one}" for i, one in enumerate(them.split(", "))) + "}"),
         "datasets: *a11"],
        "stand for too many values",
    ),
    "billion merges": ([*laughs("{x: 1}", "{{<<: [{}]}}".format), "datasets: *a11"], "more than 10000 keys are merged"),
    "part of itself": (["datasets: &a [*a]"], "nested too deeply"),
    "part of itself, deeper": (["datasets: &a {x: {y: [1, *a]}}"], "nested too deeply"),
}  # fmt: skip


@pytest.mark.parametrize("case", YAML)
def test_a_yaml_without_end_is_told_in_a_short_line(tmp_path, case):
    lines, message = YAML[case]
    (tmp_path / "r.yaml").write_text("\n".join(lines))
    with pytest.raises(AmuclError, match=message) as caught:
        load_registry(tmp_path / "r.yaml")
    assert str(caught.value).startswith(str(tmp_path / "r.yaml"))
    assert len(str(caught.value)) < 1000


def test_a_configuration_without_end_is_told_in_a_short_line():
    """As Snakemake hands it over, which has read it by then."""
    deep, wide, own = ["x"], ["x"] * 9, {}
    for _ in range(60):
        deep = [deep]
    for _ in range(11):
        wide = [wide] * 9
    own["own"] = own
    for value in (deep, wide, own):
        with pytest.raises(AmuclError, match=r"^the configuration: (lists or mappings|the aliases)") as caught:
            resolved(method_settings=value)
        assert len(str(caught.value)) < 1000


def test_aliases_and_merges_as_people_use_them_are_read(tmp_path):
    text = "gene_sets: {a: &a {url: 'https://h/a.gmt'}, b: *a, c: {<<: *a, file: c.gmt}}\n"
    (tmp_path / "r.yaml").write_text(text)
    read = load_registry(tmp_path / "r.yaml")["gene_sets"]
    assert read["b"] == read["a"]
    assert read["c"] == {"url": "https://h/a.gmt", "file": "c.gmt"} | {
        key: value for key, value in read["a"].items() if key not in ("url", "file")
    }


# Sizes ---------------------------------------------------------------------------------------------------------------


def test_gzip_bombs_are_not_unpacked(tmp_path, monkeypatch):
    file = tmp_path / "a.tsv.gz"
    file.write_bytes(gzip.compress(bytes(50_000_000)))
    with pytest.raises(AmuclError, match="too large when unpacked; expected at most 1000000 bytes"):
        read_gzip(file, max_bytes=1_000_000)
    monkeypatch.setattr(text_table, "gzip_lines", partial(text_table.gzip_lines, max_bytes=1_000_000))
    with pytest.raises(AmuclError, match=r"a\.tsv\.gz, line 1: a line is too long"):
        next(stream_numbers(file))


def test_every_reader_of_gzip_is_bounded(tmp_path, monkeypatch):
    """As the readers call it, with the limit lowered."""
    monkeypatch.setattr(text, "read_gzip", partial(read_gzip, max_bytes=100))
    monkeypatch.setattr(text_table, "MAX_BYTES", 100)
    for name in ("own .tsv.gz", "gene sets (.gmt)", "gene map"):
        kind = KINDS[name]
        folder = tmp_path / name
        folder.mkdir()
        kind.write(folder)
        content = kind.load(folder) + b"#" * 101
        kind.store(folder, content if name == "own .tsv.gz" else gzip.compress(content))
        with pytest.raises(AmuclError, match=f"{kind.file}: too large when unpacked"):
            kind.read(folder)


# Addresses -----------------------------------------------------------------------------------------------------------

ADDRESSES = [
    "file:///etc/passwd", "ftp://host/x.zip", "javascript:alert(1)", "data:text/plain,x", "gopher://host/x.zip",
    "s3://b/x.zip",
    "FILE:///etc/passwd", "ssh://host/x.zip", "jar:http://host!/x.zip",
    " http://host/x.zip", "//host/x.zip", "http:/host/x.zip",
]  # fmt: skip
BENCHMARK = {"source": "benchmark", "cancer": "aml", "url": "https://h/a.zip", "clinical_url": "https://h/c.zip"}


def resolved(**config):
    empty = {"go": [], "pathways": [], "gsea": []}
    return resolve(
        {"datasets": {"own": BENCHMARK}, "biology": [], "gene_sets": empty} | config, {"datasets": {}, "gene_sets": {}}
    )


@pytest.mark.parametrize("address", ADDRESSES)
def test_only_web_addresses_are_taken_by_the_configuration(address):
    places = [
        {"datasets": {"own": BENCHMARK | {"url": address}}},
        {"datasets": {"own": BENCHMARK | {"clinical_url": address}}},
        {"datasets": {"own": BENCHMARK | {"label_tables": {"x": address}}}},
        {"datasets": {"own": {"source": "xena", "cohort": "LUAD", "url": address}}},
        {"datasets": {"own": {"source": "singlecell", "omics": {"rna": address + "/x.RDS"}, "metadata": "m.RDS"}}},
        {"datasets": {"own": {"source": "intersim", "url": address}}},
        {"gene_sets": {"go": [address], "pathways": [], "gsea": []}},
        {"mirror": address},
    ]
    for place in places:
        with pytest.raises(AmuclError):
            resolved(**place)


@pytest.mark.parametrize("address", ["https://h/..", "https://h/a/../..", "https://h/", "https://h", "https://h/?q=1"])
def test_an_address_must_name_a_file(address):
    with pytest.raises(AmuclError, match=re.escape(redacted(address))):
        resolved(gene_sets={"go": [address], "pathways": [], "gsea": []})
    with pytest.raises(AmuclError, match=re.escape(redacted(address))):
        resolved(datasets={"own": BENCHMARK | {"label_tables": {"x": address}}})


@pytest.mark.parametrize("address", [address for address in ADDRESSES if ":" in address.split("/")[0]])
def test_only_web_addresses_are_fetched(tmp_path, address):
    with pytest.raises(AmuclError):
        fetch(address, tmp_path / "x.zip")
    assert list(tmp_path.iterdir()) == []


def answer(url, *, before=()):
    response = requests.Response()
    response.url, response.status_code, response.raw = url, 200, io.BytesIO(b"content")
    response.headers["Content-Length"] = "7"
    response.history = [answer(one) for one in before]
    return response


@pytest.mark.parametrize(
    ("asked", "led_to", "good"),
    [("https", "https", True), ("http", "https", True), ("http", "http", True), ("https", "http", False)],
)
def test_redirects_do_not_end_encryption(tmp_path, monkeypatch, asked, led_to, good):
    response = answer(f"{led_to}://other/x.bin", before=[f"{asked}://host/x.bin"])
    monkeypatch.setattr(download.requests, "get", lambda *_, **__: response)
    if good:
        fetch(f"{asked}://host/x.bin", tmp_path / "x.bin")
        assert (tmp_path / "x.bin").read_bytes() == b"content"
        return
    with pytest.raises(AmuclError, match=r"https://host/x\.bin: an https address leads to an unencrypted one"):
        fetch(f"{asked}://host/x.bin", tmp_path / "x.bin")
    assert not (tmp_path / "x.bin").exists()


@pytest.mark.parametrize(
    "name",
    ["../up", "a/b", "a b", "x;y", "$(x)", "`x`", "a\nb", "", "é", "{x}", "*", "logs", "-\x00", "a" + "/.." * 3],
)
def test_names_of_datasets_are_plain_words(name):
    with pytest.raises(AmuclError, match="datasets"):
        resolved(datasets={name: BENCHMARK})


@pytest.mark.parametrize("name", ["{x}.tsv", "a}.tsv", "a\nb.tsv", "<x>.tsv", "a<results>b.tsv", "\x7f<a_1>"])
def test_paths_that_snakemake_would_change_are_refused(tmp_path, name):
    path = str(tmp_path / name)
    (tmp_path / name).write_text("gene\tp1\nTP53\t1\n")
    own = {"source": "files", "omics": {"expression": path}}
    sets = {"go": [path], "pathways": [], "gsea": []}
    for place in (
        {"datasets": {"own": own}},
        {"datasets": {"own": BENCHMARK | {"gene_maps": {"expression": path}}}},
        {"datasets": {"own": BENCHMARK | {"label_tables": {"x": path}}}},
        {"gene_sets": sets},
        {"peers": path},
        {"downloads": path},
    ):
        with pytest.raises(AmuclError, match="a path without braces and line ends, and without a word between < and >"):
            resolved(**place)


@pytest.mark.parametrize("name", ["{x}.gmt", "<x>.gmt", "%7B", "{"])
def test_names_of_downloads_that_snakemake_would_change_are_refused(name):
    address = f"https://h/a/{name}"
    if "%" in name:  # not decoded: the name of the file is as it stands
        assert resolved(gene_sets={"go": [address], "pathways": [], "gsea": []})
        return
    for place in (
        {"gene_sets": {"go": [address], "pathways": [], "gsea": []}},
        {"datasets": {"own": BENCHMARK | {"label_tables": {"x": address}}}},
    ):
        with pytest.raises(AmuclError, match=r"no download can have this name|a path without braces"):
            resolved(**place)


def test_messages_of_a_hostile_file_are_printable(tmp_path):
    """Right-to-left marks, terminal commands by way of C1 controls, and zero-width characters are written out."""
    (tmp_path / "a.tsv").write_text("gene\tp\u202e1\u200b\ng\t\u009b31mx\n", encoding="utf-8")
    with pytest.raises(AmuclError) as caught:
        read_omic(tmp_path / "a.tsv", omic="expression")
    assert str(caught.value).isprintable()
    assert r"\u202e" in str(caught.value)
    assert r"\x9b31mx" in str(caught.value)
    (tmp_path / "c.tsv").write_text("sample\ta\u009b\np1\t1\n", encoding="utf-8")
    with pytest.raises(AmuclError, match="a column id with control characters"):
        read_clinical(tmp_path / "c.tsv")


def test_archives_are_never_unpacked_to_disk(tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("an archive is unpacked")

    monkeypatch.setattr(zipfile.ZipFile, "extract", never)
    monkeypatch.setattr(zipfile.ZipFile, "extractall", never)
    for name in (".zip itself", ".tar.gz", "arrays (.npz)"):
        folder = tmp_path / name
        folder.mkdir()
        KINDS[name].write(folder)
        before = sorted(tmp_path.rglob("*"))
        KINDS[name].read(folder)
        assert sorted(tmp_path.rglob("*")) == before


def test_the_shipped_registry_has_encrypted_addresses_or_hashes():
    registry = yaml.safe_load((REPOSITORY / "config" / "datasets.yaml").read_text(encoding="utf-8"))
    plain = [
        name
        for kind in registry.values()
        for name, entry in kind.items()
        if str(entry.get("url")).startswith("http:") and not entry.get("sha256")
    ]
    assert all(registry["datasets"][name]["source"] == "benchmark" for name in plain)  # the site has no other


def test_cells_that_a_spreadsheet_would_run_stay_words(tmp_path):
    (tmp_path / "c.tsv").write_text("sample\tnote\np1\t=cmd()\np2\t@x\n")
    assert read_clinical(tmp_path / "c.tsv")["note"].tolist() == ["=cmd()", "@x"]
    assert pd.api.types.is_object_dtype(read_clinical(tmp_path / "c.tsv")["note"])
