import pytest

from tests.shared import MIRROR, SHARED
from tests.workflow.runner import MINI, Checkout


@pytest.fixture(scope="session")
def mini(tmp_path_factory):
    """The default workflow, end to end, with a short training."""
    checkout = Checkout(tmp_path_factory.mktemp("mini run") / "repository", MINI)
    checkout.printed = checkout.snakemake()
    checkout.made = checkout.files()
    return checkout


@pytest.fixture(scope="session")
def aml(tmp_path_factory):
    """Real AML from the mirror, end to end, with a short training."""
    config = {
        "methods": ["dmacl"],
        "k": [2, 4, 6],
        "method_settings": {"dmacl": {"epochs": 10, "n_restarts": 1}},
        "kmeans_restarts": 10,
        "stability": {"draws": 10},
        "max_permutations": 1000,
        "mirror": str(MIRROR),
        "peers": str(SHARED / "peers"),
    }
    checkout = Checkout(tmp_path_factory.mktemp("aml") / "repository", config)
    checkout.arguments = ["--configfile", "config/paper.yaml", "mine.yaml"]
    checkout.printed = checkout.snakemake("--", "aml")
    return checkout
