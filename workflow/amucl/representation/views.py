"""How DMACL makes the two views of a sample that its losses compare.

A view maker holds the cohort on the device and draws, for a batch of sample indices of R replicas, fresh inputs.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from amucl.representation.fusion import fuse, scaled_exponential_affinity, strongest_neighbors

SELF_WEIGHT = 0.1


class ViewMaker(Protocol):
    """Draws one view of each sample named by `index` (R, B): returns (R, B, D)."""

    def draw(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """One fresh view."""
        ...


class GaussianViews:
    """x + N(0, sigma^2): the augmentation of the paper."""

    def __init__(self, x: Tensor, sigma: float) -> None:
        self.x, self.sigma = x, sigma

    def draw(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """Samples with fresh noise on every value."""
        batch = self.x[index]
        noise = torch.randn(batch.shape, generator=generator, device=batch.device)
        return batch + self.sigma * noise


class NeighborViews:
    """A sample is seen as one of its neighbours in the fused graph, with omics and features dropped at random.

    No noise is added: neighbours carry the variation that belongs to the data, Gaussian noise one that does not.

    Parameters
    ----------
    x : (n, D), the omics side by side.
    omic_sizes : features per omic, summing to D.
    neighbors, probabilities : (n, q + 1), the samples that may stand in for a sample and how often.
    omic_keep, feature_keep : probability of keeping an omic, a feature. At least one omic is always kept, and the
        input is scaled by sqrt(omics / kept) so that its expected norm stays.
    """

    def __init__(
        self,
        x: Tensor,
        omic_sizes: list[int],
        neighbors: np.ndarray,
        probabilities: np.ndarray,
        *,
        omic_keep: float,
        feature_keep: float,
    ) -> None:
        self.x = x
        self.neighbors = torch.as_tensor(neighbors, device=x.device)
        self.cumulative = torch.as_tensor(probabilities.cumsum(axis=1), dtype=x.dtype, device=x.device)
        self.omic_of_feature = torch.repeat_interleave(
            torch.arange(len(omic_sizes), device=x.device), torch.tensor(omic_sizes, device=x.device)
        )
        self.n_omics = len(omic_sizes)
        self.omic_keep, self.feature_keep = omic_keep, feature_keep

    def draw(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """Neighbours of the samples, thinned."""
        batch = self.x[self._stand_in(index, generator)]
        scale = self._omic_scale(index.shape, generator)[..., self.omic_of_feature]
        kept = torch.rand(batch.shape, generator=generator, device=batch.device) < self.feature_keep
        return batch * scale * kept

    def _stand_in(self, index: Tensor, generator: torch.Generator) -> Tensor:
        draw = torch.rand(index.shape, generator=generator, device=index.device)
        cumulative = self.cumulative[index]
        slot = (draw[..., None] * cumulative[..., -1:] >= cumulative).sum(-1).clamp_max(cumulative.shape[-1] - 1)
        return self.neighbors[index, slot]

    def _omic_scale(self, shape: torch.Size, generator: torch.Generator) -> Tensor:
        """(R, B, omics): 0 where an omic is dropped, sqrt(omics / kept) where it stays."""
        draw = torch.rand((*shape, self.n_omics), generator=generator, device=self.x.device)
        kept = draw < self.omic_keep
        lowest = torch.zeros_like(kept).scatter_(-1, draw.argmin(-1, keepdim=True), True)
        kept = torch.where(kept.any(-1, keepdim=True), kept, lowest).to(self.x.dtype)
        return kept * (self.n_omics / kept.sum(-1, keepdim=True)).sqrt()


def neighbor_count(n_samples: int, n_clusters: int | None) -> int:
    """How many neighbours may stand in: never more than the smallest cluster is likely to hold.

    clip(round(0.7 n / k), 5, 15), and 10 where k is unknown; at most n - 1.
    """
    wanted = 10 if n_clusters is None else int(np.clip(round(0.7 * n_samples / n_clusters), 5, 15))
    return min(wanted, n_samples - 1)


def fused_neighbors(omics: list[np.ndarray], n_neighbors: int) -> tuple[np.ndarray, np.ndarray]:
    """Stand-ins for every sample from the fused graph of all omics.

    Returns column indices and probabilities, both (n, n_neighbors + 1): the sample itself with SELF_WEIGHT, then its
    strongest neighbours in proportion to their fused affinity.
    """
    fused = fuse([scaled_exponential_affinity(x) for x in omics])
    columns, weights = strongest_neighbors(fused, n_neighbors)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.where(total > 0, weights / np.where(total > 0, total, 1), 1 / n_neighbors)
    itself = np.arange(len(fused))[:, None]
    return (
        np.hstack([itself, columns]),
        np.hstack([np.full((len(fused), 1), SELF_WEIGHT), (1 - SELF_WEIGHT) * weights]),
    )
