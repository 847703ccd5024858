"""A small cohort of three groups in two omics, clear enough for a network of toy size."""

import os

import numpy as np

TRUTH = np.repeat([0, 1, 2], 20)
ORDER = "AMUCL_PLANTED_ORDER"  # in the environment, so that a test's other processes have it too


def planted_views(seed: int = 0) -> list[np.ndarray]:
    """Two omics of 60 samples on different scales: (60, 40) and (60, 25), or in the other order (see conftest.py)."""
    rng = np.random.default_rng(seed)
    centres = [rng.normal(size=(3, p)) for p in (40, 25)]
    first, second = (centre[TRUTH] + rng.normal(size=(60, centre.shape[1])) for centre in centres)
    views = [100 * first + 7, second]
    return views[::-1] if os.environ.get(ORDER) == "reversed" else views
