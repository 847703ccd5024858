import os

# Small matrices: more threads would only wait for one another. Before NumPy and torch are imported.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest  # noqa: E402
from xdist.scheduler import LoadFileScheduling  # noqa: E402

# Both look at one run of the workflow.
TOGETHER = {"tests/workflow/test_reruns.py": "tests/workflow/test_mini_run.py"}


class ByRun(LoadFileScheduling):
    """Gives a process whole files, and all files that look at one run of the workflow: what they share is made once."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return TOGETHER.get(file, file)


def pytest_xdist_make_scheduler(config: pytest.Config, log) -> ByRun:
    return ByRun(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs of the workflow take longest: the last process to end should not begin with one."""
    items.sort(key=lambda item: "tests/workflow/" not in item.nodeid)
