"""What of a solution makes its clusters doubtful, in words for a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

NEAR_IDENTITY = 0.9  # of the samples


def doubts(solver: Mapping[str, Any], ks: Iterable[int]) -> dict[int, str]:
    """k -> why the clusters of a low-rank representation may mean nothing; empty where nothing speaks against them.

    solver : gap, rank, samples (rows of Z) and converged, as in `LowRankRepresentation.solver_`.
    """
    general = []
    if not solver["converged"]:
        general.append(f"unsolved: not converged (certified gap {solver['gap']:.1g})")
    if solver["rank"] > NEAR_IDENTITY * solver["samples"]:
        general.append(f"identity: each sample represents itself (rank {solver['rank']} of {solver['samples']})")
    low = f"low rank: Z has rank {solver['rank']}, below k"
    return {k: "; ".join([*general, *([low] if solver["rank"] < k else [])]) for k in ks}
