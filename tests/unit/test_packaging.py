"""What is shipped agrees with itself: pins, imports, and things that must not be there."""

import ast
import re
import sys
import tomllib

import pytest
import yaml

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


def test_every_test_folder_mirrors_one_of_the_library():
    folders = {path.name for path in (REPOSITORY / "tests" / "unit").iterdir() if (path / "__init__.py").exists()}
    assert folders <= {path.name for path in LIBRARY.iterdir() if path.is_dir()}
