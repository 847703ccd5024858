"""What the scores of a clustering are called, which way is better, and whose they are."""

from __future__ import annotations

HIGHER_IS_BETTER = {
    "silhouette": True,
    "c_index": False,
    "davies_bouldin": False,
    "ari": True,
    "nmi": True,
    "accuracy": True,
    "purity": True,
    "rand": True,
    "f_measure": True,
}
PAIRS = (
    ("silhouette", "embedding"),
    ("c_index", "embedding"),
    ("davies_bouldin", "embedding"),
    ("silhouette", "common"),
    ("c_index", "common"),
    ("davies_bouldin", "common"),
    ("ari", "truth"),
    ("nmi", "truth"),
)
PUBLISHED = "published-"


def is_published(method: str) -> bool:
    """Whether a method is a rival's published output, not one that ran here."""
    return str(method).startswith(PUBLISHED)
