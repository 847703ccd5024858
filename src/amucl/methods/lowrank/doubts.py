"""What of a solution makes its clusters doubtful, in words for a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

NEAR_IDENTITY = 0.9  # of the samples
LEAST_CONTRAST = 1.2


def doubts(solver: Mapping[str, Any], k: int) -> dict[str, str]:
    """Why `k` clusters of a low-rank representation may mean nothing: a word or two -> the evidence; empty for none.

    solver : as `LowRankRepresentation.solver_`: gap, rank, samples, contrast, unrepresented, pieces, converged.
    """
    rank, samples = solver["rank"], solver["samples"]
    found = {}
    if rank == 0:
        found["rank 0"] = "Z = 0, no sample is represented"
    elif rank > NEAR_IDENTITY * samples:
        found["near identity"] = f"each sample represents itself (rank {rank} of {samples})"
    elif solver["contrast"] < LEAST_CONTRAST:
        found["chance"] = f"affinities as between random directions (contrast {solver['contrast']:.2g})"
    if 0 < rank < k:
        found["low rank"] = f"Z has rank {rank}, below k"
    if rank > 0 and solver["unrepresented"]:
        found["unrepresented"] = f"{solver['unrepresented']} samples have no affinity and joined the largest cluster"
    if solver["pieces"] > k:
        found["pieces"] = f"the affinity falls into {solver['pieces']} parts, more than k, joined arbitrarily"
    if not solver["converged"]:
        found["not converged"] = f"the certified gap is {solver['gap']:.1g}"
    return found


def solver_warnings(solver: Mapping[str, Any], ks: Iterable[int]) -> dict[int, str]:
    """k -> its doubts in one line, empty where there are none."""
    return {k: "; ".join(f"{name}: {why}" for name, why in doubts(solver, k).items()) for k in ks}
