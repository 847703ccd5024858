"""What is shipped agrees with itself: pins, imports, and things that must not be there."""

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile

import pytest
import yaml
from hatchling.builders.wheel import WheelBuilder

from amucl import __version__
from amucl.provenance import code_hash
from tests.shared import REPOSITORY

WORKFLOW, LIBRARY = REPOSITORY / "workflow", REPOSITORY / "src" / "amucl"
# Import name -> distribution, where they differ.
DISTRIBUTIONS = {"sklearn": "scikit-learn", "yaml": "pyyaml", "mpl_toolkits": "matplotlib"}
FORBIDDEN = [r"^\s*(import|from) c?pickle\b", r"\bpickle\.", r"yaml\.load\(", r"\beval\(", r"shell=True", r"os\.system"]


def normalized(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(lines):
    return {normalized(name): version for name, version in (line.split("==") for line in lines)}


CONSTRAINTS = pins(
    line
    for line in (REPOSITORY / "constraints.txt").read_text().splitlines()
    if line.strip() and not line.startswith("#")
)
ENVIRONMENT = yaml.safe_load((REPOSITORY / "envs" / "amucl.yaml").read_text())
CONDA = pins(next(part["pip"] for part in ENVIRONMENT["dependencies"] if isinstance(part, dict)))


def imported():
    """Third-party libraries that the library or its scripts import."""
    names = set()
    for path in [*LIBRARY.rglob("*.py"), *WORKFLOW.rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names.add(node.module.split(".")[0])
    return {normalized(DISTRIBUTIONS.get(name, name)) for name in names - sys.stdlib_module_names - {"amucl", "_stage"}}


def test_every_package_is_pinned_exactly():
    assert len(CONSTRAINTS) > 50
    assert all(re.fullmatch(r"[0-9][0-9a-z.]*", version) for version in CONSTRAINTS.values())
    assert CONSTRAINTS["torch"] == "2.13.0"


def test_conda_environment_has_the_same_pins():
    assert {name: CONSTRAINTS.get(name) for name in CONDA} == CONDA
    assert ENVIRONMENT["name"] == "amucl"


def test_every_imported_library_is_pinned_in_both():
    libraries = imported()
    assert {"torch", "scikit-learn", "pyyaml", "h5py"} <= libraries
    assert libraries <= set(CONSTRAINTS)
    assert libraries <= set(CONDA)


def test_every_dependency_of_the_project_is_pinned():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["test"]]
    assert {normalized(re.match(r"[\w-]+", name)[0]) for name in wanted} <= set(CONSTRAINTS)


def test_the_version_stands_in_one_place():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())["version"] == __version__
    assert f"## {__version__}" in (REPOSITORY / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("pattern", FORBIDDEN)
def test_no_code_from_data(pattern):
    files = [WORKFLOW / "Snakefile", *LIBRARY.rglob("*.py"), *WORKFLOW.rglob("*.py"), *WORKFLOW.rglob("*.smk")]
    assert len(files) > 40
    assert [path for path in files if re.search(pattern, path.read_text(), re.MULTILINE)] == []


def test_the_library_stands_alone():
    """It prints nothing and knows nothing of Snakemake."""
    for path in LIBRARY.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not (isinstance(node, ast.Call) and getattr(node.func, "id", None) == "print"), path
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in modules if name.split(".")[0] == "snakemake"], path


def packages(root):
    return {path.parent.relative_to(root) for path in root.rglob("__init__.py")}


def test_every_test_folder_mirrors_one_of_the_library():
    assert packages(REPOSITORY / "tests" / "unit") <= packages(LIBRARY)


# Lowest first; what is in no room stands on top of all, or below all.
LAYERS = ["cohort", "methods", "clustering", "comparison", "biology", "figures"]
BELOW = {"errors", "escaping", "extent", "files", "labels", "redaction", "resources", "threads"}
ON_TOP = {"config", "configfiles", "manifest", "provenance", "scoring"}


def layer(module):
    """How high a module of the library stands, by its dotted name."""
    room = [*module.split("."), ""][1]
    return 0 if room in BELOW | {""} else len(LAYERS) + 1 if room in ON_TOP else 1 + LAYERS.index(room)


def modules():
    """Dotted names of the library's modules, and their code."""
    for path in sorted(LIBRARY.rglob("*.py")):
        name = ".".join(path.relative_to(LIBRARY.parent).with_suffix("").parts).removesuffix(".__init__")
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def arrows():
    """Which module imports which."""
    for name, tree in modules():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                yield name, node.module
            elif isinstance(node, ast.Import):
                yield from ((name, alias.name) for alias in node.names)


def test_no_import_runs_up():
    found = [(name, other) for name, other in arrows() if other.split(".")[0] == "amucl"]
    assert len(found) > 200
    assert [arrow for arrow in found if layer(arrow[0]) < layer(arrow[1])] == []


def test_every_room_has_a_layer():
    assert {path.name for path in LIBRARY.iterdir() if (path / "__init__.py").exists()} == set(LAYERS)
    assert {name.split(".")[1] for name, _ in modules() if name.count(".") == 1} == set(LAYERS) | BELOW | ON_TOP


def test_the_wheel_holds_the_library_and_what_it_reads(tmp_path):
    """Built without a network, unpacked, and used from elsewhere."""
    wheel = next(WheelBuilder(str(REPOSITORY)).build(directory=str(tmp_path), versions=["standard"]))
    assert f"amucl-{__version__}-" in wheel
    with zipfile.ZipFile(wheel) as opened:
        opened.extractall(tmp_path / "installed")
        names = set(opened.namelist())
    sources = {path.relative_to(LIBRARY.parent).as_posix() for path in LIBRARY.rglob("*.py")}
    assert sources <= names
    assert {name.split("/")[0] for name in names} == {"amucl", f"amucl-{__version__}.dist-info"}
    ran = subprocess.run(
        [sys.executable, "-P", "-c", INSTALLED],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "installed")},
        cwd=tmp_path,
        check=True,
    )
    folders, listed, hashed = json.loads(ran.stdout)
    assert folders == [str(tmp_path / "installed" / "amucl" / "shipped")]
    assert listed
    assert hashed == code_hash("amucl.cohort.readers.words")


INSTALLED = """
import json
from amucl.cohort.readers.words import unknown_words
from amucl.provenance import code_hash
from amucl.resources import resource, resource_files
resource("config.schema.yaml"), resource("datasets.schema.yaml")
folders = sorted({str(path.parent) for path in resource_files()})
print(json.dumps([folders, "not reported" in unknown_words(), code_hash("amucl.cohort.readers.words")]))
"""
