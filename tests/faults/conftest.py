import pytest

from tests.server import BODY, Server


def pytest_collection_modifyitems(config, items):
    """Runs of the workflow take minutes: only `pytest -m faults` has them."""
    if "faults" in config.option.markexpr:
        return
    for item in items:
        if item.get_closest_marker("faults"):
            item.add_marker(pytest.mark.skip(reason="takes minutes: make faults"))


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running = Server()
    running.body = BODY
    yield running
    running.close()
