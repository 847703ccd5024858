"""Families of methods, so that many of them can be told apart: one colour a family, published rivals beside ours."""

from __future__ import annotations

from collections.abc import Iterable

from amucl.clustering.scores import PUBLISHED, is_published

# family -> its methods and its colour (Okabe & Ito; DMACL is red as in the AMUCL paper)
FAMILIES = {
    "DMACL": ("#D55E00", ("dmacl", "dmacl-published")),
    "Late-fusion autoencoders": ("#0072B2", ("lfae", "lfdae", "lfvae", "lfsvae", "lfmmdvae")),
    "Early-fusion autoencoders": ("#56B4E9", ("efae", "efdae", "efvae", "efsvae", "efmmdvae", "lstmvae")),
    "Low rank": ("#009E73", ("sglrr", "glrr", "lrrsc", "lrr", "lrr-l21")),
    "Graphs": ("#CC79A7", ("snf", "spectral")),
    "Factors": ("#E69F00", ("nmf", "intnmf", "mofa", "pca")),
    "Others": ("#555555", ("kmeans",)),
}
OTHERS = "Others"

# Leng et al. published one mmdVAE, whose omics meet inside the encoder: it stands beside both of ours. What the AMUCL
# paper calls DMACL is the recipe of its Table I.
_ROWS = {"mmdvae": ("lfmmdvae", "efmmdvae"), "dmacl": ("dmacl-published",)}


def rows_of(method: str) -> tuple[str, ...]:
    """The methods of ours beside which a method stands: itself or, of a published rival, those it corresponds to."""
    if not is_published(method):
        return (method,)
    name = method.removeprefix(PUBLISHED).lower()
    return _ROWS.get(name, (name,))


def family_of(method: str) -> str:
    """The family of a method or published rival; `OTHERS` for one that is not listed."""
    first = rows_of(method)[0]
    return next((family for family, (_, names) in FAMILIES.items() if first in names), OTHERS)


def family_colour(family: str) -> str:
    """The colour of a family."""
    return FAMILIES[family][0]


def by_family(methods: Iterable[str]) -> dict[str, list[str]]:
    """Family -> those of `methods` in it, in the order given; families as in `FAMILIES`, empty ones left out."""
    methods = list(dict.fromkeys(methods))
    grouped = {family: [method for method in methods if family_of(method) == family] for family in FAMILIES}
    return {family: members for family, members in grouped.items() if members}
