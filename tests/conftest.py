import os

# Small matrices: more threads would only wait for one another. Before NumPy and torch are imported.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import pytest  # noqa: E402

# Runs of the workflow that several modules look at.
SHARED_RUNS = ("mini", "aml")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one module, or of one run of the workflow, go to one process: what they share is made once."""
    for item in items:
        runs = [name for name in SHARED_RUNS if name in item.fixturenames]
        item.add_marker(pytest.mark.xdist_group(runs[0] if runs else item.module.__name__))
