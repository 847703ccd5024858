"""What a result was made with: the code, the versions, the threads, the device."""

from __future__ import annotations

import ast
import hashlib
import platform
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_info

from amucl.resources import resource_files

LIBRARY = Path(__file__).resolve().parent
# All that the library imports (a test compares), then what these compute and draw with.
PACKAGES = (
    *("anndata", "array-api-compat", "gseapy", "h5py", "joblib", "jsonschema", "lifelines", "matplotlib", "mofapy2"),
    *("mudata", "numpy", "pandas", "pydeseq2", "PyYAML", "rdata", "requests", "safetensors", "scikit-learn", "scipy"),
    *("snakemake", "threadpoolctl", "torch", "xarray"),
    *("autograd", "autograd-gamma", "contourpy", "fonttools", "formulaic", "formulaic-contrasts", "kiwisolver"),
    *("narwhals", "pillow", "pyarrow"),
)

# A new line in the registry must not rerun every other method: a method's own entry is a parameter of its rule. This
# module only tells what made a result.
NOT_HASHED = {"amucl.methods.registry", "amucl.provenance"}


def code_hash(*sources: str | Path) -> str:
    """Hash of all modules that `sources` (file paths or dotted module names) import, directly or not.

    These are the library's, what a script shares with others of its folder, and the files in resources/ that a module
    names.

    Snakemake tracks a rule's script but not what the script imports; as a parameter of the rule this hash makes it
    rerun exactly when code it can reach has changed.
    """
    files = sorted(import_closure(*sources))
    digest = hashlib.sha256()
    for file in files:
        of_library = file.is_relative_to(LIBRARY)
        digest.update((file.relative_to(LIBRARY.parent).as_posix() if of_library else file.name).encode())
        digest.update(file.read_bytes())
        for table in _resources(file.read_text(encoding="utf-8")):
            digest.update(table.read_bytes())
    return digest.hexdigest()[:16]


def import_closure(*sources: str | Path) -> set[Path]:
    """Files of all library modules and neighbouring files reachable from `sources` through import statements."""
    waiting = [source if isinstance(source, Path) else _module_file(source) for source in sources]
    reached: set[Path] = set()
    while waiting:
        file = waiting.pop()
        new = _imported_files(file.read_text(encoding="utf-8"), file.parent) - reached
        reached |= new
        waiting += new
    return reached | {file for source in sources if isinstance(source, str) and (file := _module_file(source))}


def record(*, code: str | None, threads: int, parameters: dict[str, Any]) -> dict[str, Any]:
    """The sidecar of a result."""
    return {
        "blas": linear_algebra(),
        "code": code,
        "parameters": parameters,
        "platform": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "threads": threads,
        "versions": {name: metadata.version(name) for name in PACKAGES},
    }


def linear_algebra() -> list[str]:
    """The libraries of linear algebra that this process has loaded: their versions and the processor they took."""
    parts = ("internal_api", "version", "threading_layer", "architecture")
    loaded = [one for one in threadpool_info() if one["user_api"] == "blas"]
    return sorted({" ".join(str(one[part]) for part in parts if one.get(part)) for one in loaded})


def sha256(path: str | Path) -> str:
    """Hash of a file's bytes, read in pieces."""
    with open(path, "rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


@cache
def _resources(code: str) -> tuple[Path, ...]:
    """Files in resources/ whose names are written in a module's code."""
    texts = {node.value for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Constant)}
    return tuple(table for table in resource_files() if table.name in texts)


@cache
def _imported_files(code: str, folder: Path) -> frozenset[Path]:
    """Files of the library, and of the folder, that a module's code imports, packages on the way included.

    Found once for a code: the rules of a workflow reach the same modules over and over.
    """
    names: set[str] = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    dotted = {
        ".".join(parts[:end]) for name in names for parts in [name.split(".")] for end in range(1, len(parts) + 1)
    }
    return frozenset(file for name in dotted - NOT_HASHED if (file := _module_file(name, folder)))


def _module_file(name: str, folder: Path = LIBRARY.parent) -> Path | None:
    """The file of a dotted module of the library, or of one in `folder`; None if the name is no such module."""
    base = (LIBRARY.parent if name.split(".")[0] == LIBRARY.name else folder).joinpath(*name.split("."))
    for file in (base.with_suffix(".py"), base / "__init__.py"):
        if file.is_file():
            return file
    return None
