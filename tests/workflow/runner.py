"""Runs the workflow as a user would: from a copy of the repository, in a folder of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from amucl.figures.tables import LARGEST_PAGE
from tests.shared import REPOSITORY

PARTS = ("Snakefile", "config", "envs", "profiles", "resources", "src", "workflow")

# Small and quick, with all stages, and of each the methods that differ in kind.
MINI = {
    "datasets": {"simulated": {}},
    "methods": ["dmacl", "dmacl-published", "sglrr", "lrr", "pca", "kmeans"],
    "method_settings": {
        "dmacl": {"epochs": 100, "n_restarts": 2},
        "dmacl-published": {"epochs": 4},
        "lrr": {"landmarks": 60},
    },
    "sensitivity": {"parameters": ["beta", "gamma"], "factors": [10]},
    "sweep": {"method": "pca", "parameters": {"n_components": [2, 5]}},
    "predict": [{"dataset": "simulated", "method": "dmacl", "cohort": "simulated"}],
    "k": [2, 3, 5],
    "kmeans_restarts": 10,
    "stability": {"draws": 10},
    "max_permutations": 2000,
}


class Checkout:
    """A copy of the repository in which the workflow runs."""

    def __init__(self, folder: Path, config: dict | None = None) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        for part in PARTS:
            source = REPOSITORY / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)
        self.arguments = []
        if config is not None:
            self.configure(config)

    def configure(self, config: dict) -> None:
        """Lay `config` over the default one."""
        (self.folder / "mine.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        self.arguments = ["--configfile", "mine.yaml"]

    def command(self, *arguments: str) -> list[str]:
        """The command line of a run."""
        return [sys.executable, "-m", "snakemake", "--cores", "2", *self.arguments, *arguments]

    def snakemake(self, *arguments: str, succeeds: bool | None = True) -> str:
        """Run Snakemake, return what it printed; fails unless it exits as it should."""
        process = subprocess.run(
            self.command(*arguments), cwd=self.folder, env=environment(), text=True, capture_output=True
        )
        printed = process.stdout + process.stderr
        if succeeds is not None:
            assert (process.returncode == 0) == succeeds, printed
        return printed

    def pending(self) -> set[str]:
        """The files that a run would make again."""
        lines = self.snakemake("--summary").splitlines()
        rows = [line.split("\t") for line in lines if "\t" in line]
        return {row[0] for row in rows if row[-1] == "update pending"}

    def files(self) -> set[str]:
        """All files below `results`, hidden ones too."""
        return {path.relative_to(self.folder).as_posix() for path in self.path("").rglob("*") if path.is_file()}

    def blank_pages(self) -> list[str]:
        """The pages of the report that are too large for a browser to show."""
        pages = [page for page in self.path("").rglob("*.html") if page.name != "report.html"]
        assert pages
        return [page.relative_to(self.folder).as_posix() for page in pages if page.stat().st_size > LARGEST_PAGE]

    def start(self, *arguments: str) -> subprocess.Popen:
        """Run Snakemake in the background, in a process group of its own, printing to `printed.txt`."""
        with (self.folder / "printed.txt").open("w") as printed:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env=environment(),
                stdout=printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def printed_so_far(self) -> str:
        """What the run in the background has printed."""
        return (self.folder / "printed.txt").read_text(encoding="utf-8")

    def path(self, name: str) -> Path:
        """A file of the run."""
        return self.folder / "results" / name


def environment() -> dict[str, str]:
    """As in an activated environment: its Python comes first, nothing leaks in from the tests."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHASHSEED")}
    return kept | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"}
