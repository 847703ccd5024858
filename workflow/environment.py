"""The environment that scripts and cluster jobs inherit from the workflow."""

import os
from pathlib import Path


def expose_library() -> None:
    """Let every Python process of the workflow find the library, at a fixed hash seed."""
    here = str(Path(__file__).resolve().parent)
    others = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path not in ("", here)]
    os.environ["PYTHONPATH"] = os.pathsep.join([here, *others])
    os.environ["PYTHONHASHSEED"] = "0"
