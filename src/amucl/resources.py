"""Files that come with the library: lists of words, tables of synonyms, schemas of the configuration."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent
# An installed library has them inside it (see pyproject.toml), a checkout in these folders of its own.
_FOLDERS = (_HERE / "shipped", _HERE.parents[1] / "resources", _HERE.parents[1] / "workflow" / "schemas")


def resource(name: str) -> Path:
    """The file of this name; FileNotFoundError where the installation lacks it."""
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return folder / name
    raise FileNotFoundError(f"{name} did not come with this installation of amucl")


def resource_files() -> list[Path]:
    """All of them, by name."""
    found = (path for folder in _FOLDERS if folder.is_dir() for path in folder.iterdir() if path.is_file())
    return sorted(found, key=lambda path: path.name)
