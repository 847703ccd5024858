import pytest

from tests.slurm.cluster import ABSENT, Cluster


def pytest_collection_modifyitems(config, items):
    """They take minutes: only `pytest -m slurm` runs them."""
    reason = f"SLURM is not installed: {', '.join(ABSENT)} not found" if ABSENT else None
    if "slurm" not in config.option.markexpr:
        reason = "takes minutes: make slurm"
    if reason:
        for item in items:
            if item.get_closest_marker("slurm"):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def cluster():
    with Cluster() as running:
        yield running
