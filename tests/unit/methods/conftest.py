"""Every test of the planted cohort runs on its two omics in both orders."""

from types import CodeType

import pytest

from tests.unit.methods.planted import ORDER


@pytest.fixture(autouse=True)
def omic_order(request, monkeypatch):
    """The order in which `planted_views` gives the omics."""
    monkeypatch.setenv(ORDER, getattr(request, "param", "given"))


def pytest_generate_tests(metafunc):
    if "planted_views" in _names(metafunc.function.__code__):
        metafunc.parametrize("omic_order", ["given", "reversed"], indirect=True)


def _names(code: CodeType) -> set[str]:
    """What a function names, and what its inner functions do."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*map(_names, inner))
