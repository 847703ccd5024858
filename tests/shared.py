"""Where the tests find the real data, if it is there."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("AMUCL_SHARED_DATA", REPOSITORY.parent / "shared" / "data")).resolve()
MIRROR = SHARED / "mirror"

needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason=f"the real data is not at {SHARED} (set AMUCL_SHARED_DATA to its folder)"
)
