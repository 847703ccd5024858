import os
import subprocess
import sys

import pytest

from environment import expose_library, gpu_here, refused_groups
from tests.shared import REPOSITORY

SOURCE = str(REPOSITORY / "src")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, [SOURCE]),
        ("", [SOURCE]),
        ("/a:/b", [SOURCE, "/a", "/b"]),
        (f"/a:{SOURCE}", [SOURCE, "/a"]),
    ],
)
def test_the_library_comes_first_and_once(monkeypatch, before, after):
    monkeypatch.setenv("PYTHONHASHSEED", "random")
    if before is None:
        monkeypatch.delenv("PYTHONPATH", raising=False)
    else:
        monkeypatch.setenv("PYTHONPATH", before)
    expose_library()
    expose_library()
    assert os.environ["PYTHONPATH"].split(os.pathsep) == after
    assert os.environ["PYTHONHASHSEED"] == "0"


def test_another_process_finds_the_library(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONHASHSEED", "")
    expose_library()
    program = "import amucl.errors; print(amucl.errors.__file__)"
    found = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, text=True, capture_output=True, check=True)
    assert found.stdout.strip() == f"{SOURCE}/amucl/errors.py"


@pytest.mark.parametrize(("device", "found"), [("nvidia0", True), ("kfd", True), ("nvidiactl", False), ("null", False)])
def test_a_gpu_is_told_by_its_device_file(monkeypatch, tmp_path, device, found):
    (tmp_path / device).touch()
    monkeypatch.setattr(os, "devnull", str(tmp_path / "null"))
    assert gpu_here() is found


def test_groups_that_the_scheduler_did_not_take_are_told_from_those_that_failed(tmp_path):
    (tmp_path / "log").write_text(
        "    message: Error in group aml-cohort\n    jobs:\n        rule preprocess:\n"
        "    message: Error in group biology\n    log: slurm_logs/3.log (check log file(s) ...)\n    jobs:\n"
    )
    assert refused_groups([str(tmp_path / "log")]) == ["aml-cohort"]
