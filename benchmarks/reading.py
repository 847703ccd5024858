"""Seconds and peak memory of reading a wide or long table of numbers, features in rows and samples in rows.

python -m benchmarks.reading 450000 500    (features, samples; each table is read in a process of its own)
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from amucl.cohort.readers.tables import ORIENTATIONS, read_omic

MIB = 1 << 20


def write(path: Path, n_rows: int, n_columns: int, prefixes: tuple[str, str]) -> None:
    """Numbers of six digits, one in fifty missing, a row at a time."""
    rng = np.random.default_rng(0)
    words = np.array([f"{number / 1e6:.6f}" for number in range(10_000)] + ["NA"] * 200)
    with path.open("w") as stream:
        stream.write("id\t" + "\t".join(f"{prefixes[1]}{number}" for number in range(n_columns)) + "\n")
        for row in range(n_rows):
            stream.write(f"{prefixes[0]}{row}\t" + "\t".join(words[rng.integers(0, len(words), n_columns)]) + "\n")


def read(path: str, orientation: str) -> None:
    """Print the row of one reading."""
    before, start = _peak(), time.perf_counter()
    table = read_omic(path, omic="omic", orientation=orientation)
    seconds, size = time.perf_counter() - start, table.to_numpy().nbytes / MIB
    own = _peak() - before
    print(f"{orientation}\t{table.shape}\t{seconds:.1f}\t{size:.0f}\t{own:.0f}\t{own / size:.2f}", flush=True)


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(n_features: int, n_samples: int) -> None:
    """Both orientations."""
    print("orientation\tshape\tseconds\ttable_mib\tpeak_mib\tpeak_over_table", flush=True)
    for orientation in ORIENTATIONS:
        features_first = orientation == "features_in_rows"
        shape = (n_features, n_samples) if features_first else (n_samples, n_features)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "table.tsv")
            write(path, *shape, ("cg", "s") if features_first else ("s", "cg"))
            subprocess.run([sys.executable, "-m", "benchmarks.reading", str(path), orientation], check=True)


if __name__ == "__main__":
    if sys.argv[2] in ORIENTATIONS:
        read(*sys.argv[1:3])
    else:
        main(int(sys.argv[1]), int(sys.argv[2]))
