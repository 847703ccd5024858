"""The environment that scripts and cluster jobs inherit from the workflow."""

import os
import re
from pathlib import Path


def expose_library() -> None:
    """Let every Python process of the workflow find the library, at a fixed hash seed."""
    library = str(Path(__file__).resolve().parents[1] / "src")
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", library)]
    os.environ["PYTHONPATH"] = os.pathsep.join([library, *others])
    os.environ["PYTHONHASHSEED"] = "0"


def rule_names(workflow: Path) -> set[str]:
    """The rules that the files of a workflow's folder write down."""
    files = [workflow / "Snakefile", *(workflow / "rules").glob("*.smk")]
    return {name for file in files for name in re.findall(r"^rule (\w+):", file.read_text("utf-8"), re.MULTILINE)}


def gpu_here() -> bool:
    """Whether this machine has an NVIDIA or AMD GPU, told by its device files: importing torch would cost seconds."""
    devices = Path(os.devnull).parent
    return any(devices.glob("nvidia[0-9]*")) or (devices / "kfd").exists()


def refused_groups(logs: list[str]) -> list[str]:
    """Groups of jobs that failed without ever being a job of the scheduler, by Snakemake's logs of the run.

    Snakemake does not show what the scheduler said of them.
    """
    texts = [Path(log).read_text(encoding="utf-8", errors="replace") for log in logs]
    return sorted({group for text in texts for group in re.findall(r"Error in group (\S+)\n +jobs:", text)})
