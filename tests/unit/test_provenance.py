import ast
import hashlib
import json
import re
import shutil
import sys
from importlib import metadata

import numpy as np
import pytest

from amucl import provenance, resources
from amucl.methods.registry import METHODS
from amucl.provenance import PACKAGES, code_hash, import_closure, record, sha256
from tests.shared import REPOSITORY

SCRIPTS = REPOSITORY / "workflow" / "scripts"
LIBRARY = REPOSITORY / "src" / "amucl"

PACKAGE = {
    "amucl/__init__.py": "",
    "amucl/direct.py": "from amucl.parts.deep import thing\n",
    "amucl/parts/__init__.py": "",
    "amucl/parts/deep.py": "import amucl.parts.deeper as d\nthing = 1\n",
    "amucl/parts/deeper.py": "def f():\n    from amucl import lazy\n",
    "amucl/lazy.py": "from amucl.direct import thing\n",
    "amucl/unrelated.py": "import amucl.direct\n",
    "amucl/methods/__init__.py": "",
    "amucl/methods/registry.py": "import amucl.unrelated\n",
    "scripts/run.py": "import json\nfrom amucl import direct\nfrom amucl.methods.registry import METHODS\n",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small library with a chain of imports, a cycle, and a module that nothing needs."""
    for name, text in PACKAGE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    monkeypatch.setattr(provenance, "LIBRARY", tmp_path / "amucl")
    return tmp_path


def reached(*sources, root=LIBRARY):
    return {path.relative_to(root).as_posix() for path in import_closure(*sources) if path.is_relative_to(root)}


def test_closure_follows_imports_wherever_they_stand(package):
    found = reached(package / "scripts" / "run.py", root=package / "amucl")
    parts = {"parts/__init__.py", "parts/deep.py", "parts/deeper.py"}
    assert found == {"__init__.py", "direct.py", "lazy.py", "methods/__init__.py", *parts}


def test_a_module_named_as_source_is_part_of_its_closure(package):
    assert "unrelated.py" in reached("amucl.unrelated", root=package / "amucl")
    assert "unrelated.py" not in reached("amucl.direct", root=package / "amucl")


@pytest.mark.parametrize("module", ["direct.py", "parts/__init__.py", "parts/deep.py", "parts/deeper.py", "lazy.py"])
def test_hash_changes_with_any_module_in_reach(package, module):
    script = package / "scripts" / "run.py"
    before = code_hash(script)
    path = package / "amucl" / module
    path.write_text(path.read_text() + "\nanother = 2\n")
    assert code_hash(script) != before


@pytest.mark.parametrize("module", ["amucl/unrelated.py", "amucl/methods.py", "amucl/new.py", "scripts/run.py"])
def test_hash_does_not_change_with_another(package, module):
    """Snakemake tracks the script itself; a line in the registry concerns only the method it adds."""
    script = package / "scripts" / "run.py"
    before = code_hash(script)
    path = package / module
    path.write_text((path.read_text() if path.exists() else "") + "\nanother = 2\n")
    assert code_hash(script) == before


@pytest.mark.parametrize("ending", ["yaml", "txt"])
def test_hash_changes_with_a_table_that_a_module_names(tmp_path, monkeypatch, ending):
    library, tables = tmp_path / "src" / "amucl", tmp_path / "resources"
    for folder in (library, tables):
        folder.mkdir(parents=True)
    (library / "reader.py").write_text(f"NAMES = 'names.{ending}'\n")
    monkeypatch.setattr(provenance, "LIBRARY", library)
    monkeypatch.setattr(resources, "_FOLDERS", (tables,))
    hashes = []
    for name, text in [("names", "a"), ("names", "b"), ("others", "a"), ("others", "b")]:
        (tables / f"{name}.{ending}").write_text(text)
        hashes.append(code_hash("amucl.reader"))
    assert hashes[0] != hashes[1]
    assert hashes[1:] == [hashes[1]] * 3


def test_every_table_of_the_project_is_part_of_what_reads_new_files():
    tables = {path.name for path in (REPOSITORY / "resources").iterdir() if path.name != "README.md"}
    for script in ("preprocess.py", "prepare_new.py"):
        named = [provenance._resources(file.read_text(encoding="utf-8")) for file in import_closure(SCRIPTS / script)]
        assert {path.name for paths in named for path in paths} == tables


def test_hash_changes_when_a_module_moves(package):
    script = package / "scripts" / "run.py"
    before = code_hash(script)
    shutil.move(package / "amucl" / "lazy.py", package / "amucl" / "later.py")
    deeper = package / "amucl" / "parts" / "deeper.py"
    deeper.write_text(deeper.read_text().replace("lazy", "later"))
    assert code_hash(script) != before


def test_hash_does_not_depend_on_where_the_library_lies(package, monkeypatch):
    before = code_hash(package / "scripts" / "run.py")
    shutil.copytree(package, package / "elsewhere", ignore=shutil.ignore_patterns("elsewhere"))
    monkeypatch.setattr(provenance, "LIBRARY", package / "elsewhere" / "amucl")
    assert code_hash(package / "elsewhere" / "scripts" / "run.py") == before


def test_training_reruns_for_its_own_modules_and_no_others():
    found = reached(SCRIPTS / "train.py", METHODS["dmacl"].module)
    assert {
        *("methods/network/dmacl.py", "methods/network/encoder.py", "methods/network/losses.py"),
        *("methods/graph/fusion.py", "methods/network/views.py", "methods/network/training.py"),
        *("methods/blocks.py", "cohort/cohort.py", "methods/fitting.py", "files.py", "errors.py"),
    } <= found
    assert not [path for path in found if path.startswith(("methods/lowrank/", "figures/", "biology/", "clustering/"))]
    assert "methods/registry.py" not in found
    assert "config.py" not in found
    assert "cohort/simulation/simulator.py" not in found
    assert "methods/factor/pca.py" not in found


def test_what_scripts_share_is_followed_but_not_the_record():
    found = import_closure(SCRIPTS / "embed.py")
    assert SCRIPTS / "_stage.py" in found
    assert LIBRARY / "provenance.py" not in found
    assert SCRIPTS / "train.py" not in found


def test_a_baseline_does_not_rerun_for_the_deep_method():
    found = reached(SCRIPTS / "embed.py", METHODS["pca"].module)
    assert "methods/factor/pca.py" in found
    assert not found & {"methods/network/dmacl.py", "methods/network/encoder.py", "methods/network/training.py"}


def test_a_low_rank_method_reruns_for_its_solvers_only():
    found = reached(SCRIPTS / "represent.py", METHODS["sglrr"].module)
    assert {"methods/lowrank/family.py", "methods/lowrank/solvers.py", "methods/lowrank/affinity.py"} <= found
    assert not [path for path in found if path.startswith(("figures/", "biology/"))]
    assert "methods/network/dmacl.py" not in found


def test_library_uses_no_import_that_the_closure_would_miss():
    """Relative imports and imports by name at run time; the registry's own is made good by its `module`."""
    for path in LIBRARY.rglob("*.py"):
        tree = ast.parse(path.read_text())
        assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level], path
        if path != LIBRARY / "methods" / "registry.py":
            assert "import_module" not in path.read_text(), path


def imported_by_the_library() -> set[str]:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in LIBRARY.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names) - {"amucl"}


def test_the_version_of_every_library_is_recorded():
    of = metadata.packages_distributions()
    named = {name.lower() for name in PACKAGES}
    unnamed = {module for module in imported_by_the_library() if not {name.lower() for name in of[module]} & named}
    assert unnamed == set()
    assert set(record(code=None, threads=1, parameters={})["versions"]) == set(PACKAGES)


def test_linear_algebra_is_recorded_by_version():
    assert np.linalg.inv(np.eye(2))[0, 0] == 1
    found = record(code=None, threads=1, parameters={})["blas"]
    assert found == sorted(set(found))
    assert any(re.match(r"(openblas|mkl|blis|accelerate)", one) for one in found)
    assert not any("/" in one for one in found)


def test_record_says_what_a_result_was_made_with():
    found = record(code="abc", threads=2, parameters={"k": 3})
    assert list(found) == sorted(found)
    assert (found["code"], found["threads"], found["parameters"]) == ("abc", 2, {"k": 3})
    assert found["versions"]["torch"].startswith("2.13.0")
    assert set(found["versions"]) >= {"numpy", "scipy", "scikit-learn", "pandas", "gseapy", "anndata", "snakemake"}
    assert json.dumps(found) == json.dumps(record(code="abc", threads=2, parameters={"k": 3}))


def test_sha256_is_that_of_the_bytes(tmp_path):
    content = bytes(range(256)) * 10_000
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()
