import itertools

import pytest
from matplotlib.colors import to_rgb

from amucl.comparison.peers import METHODS as PUBLISHED_METHODS
from amucl.figures.families import FAMILIES, OTHERS, by_family, family_colour, family_of, rows_of
from amucl.methods.registry import METHODS


def test_every_method_is_of_one_family():
    listed = [method for _, methods in FAMILIES.values() for method in methods]
    assert len(listed) == len(set(listed))
    assert set(METHODS) <= set(listed)
    assert family_of("mine") == OTHERS


@pytest.mark.parametrize("method", PUBLISHED_METHODS)
def test_published_embeddings_stand_beside_a_method_of_their_family(method):
    rows = rows_of(method)
    assert set(rows) <= {*METHODS, "lstmvae"}
    assert len(rows) == (2 if method == "published-mmdVAE" else 1)
    if "mmd" not in method:
        fusion = "Late" if "lf" in method else "Early"
        assert family_of(method) == f"{fusion}-fusion autoencoders"


def test_the_papers_dmacl_stands_beside_its_published_recipe():
    assert rows_of("published-DMACL") == ("dmacl-published",)
    assert rows_of("dmacl") == ("dmacl",)


def test_methods_by_family_keep_their_order():
    found = by_family(["pca", "published-lfAE", "dmacl", "nmf", "pca", "mine"])
    assert found == {
        "DMACL": ["dmacl"],
        "Late-fusion autoencoders": ["published-lfAE"],
        "Factors": ["pca", "nmf"],
        OTHERS: ["mine"],
    }


def test_families_have_colours_of_their_own():
    colours = [to_rgb(family_colour(family)) for family in FAMILIES]
    for one, other in itertools.combinations(colours, 2):
        assert sum(abs(a - b) for a, b in zip(one, other, strict=True)) > 0.3
