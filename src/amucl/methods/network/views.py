"""How DMACL makes the two views of a sample that its losses compare.

A view maker holds the cohort on the device and draws, for a batch of sample indices of R replicas, fresh inputs.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from amucl.methods.graph.fusion import fuse, omic_affinities, strongest_neighbors

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
    present : (n, omics), False where a sample lacks an omic; its values in x are then 0.
    omic_keep, feature_keep : probability of keeping an omic, a feature. At least one of a sample's omics is always
        kept, and the input is scaled by sqrt(omics / kept) so that its expected norm stays.
    """

    def __init__(
        self,
        x: Tensor,
        omic_sizes: list[int],
        neighbors: np.ndarray,
        probabilities: np.ndarray,
        *,
        present: np.ndarray,
        omic_keep: float,
        feature_keep: float,
    ) -> None:
        self.x = x
        self.neighbors = torch.as_tensor(neighbors, device=x.device)
        self.cumulative = torch.as_tensor(probabilities.cumsum(axis=1), dtype=x.dtype, device=x.device)
        self.omic_sizes = omic_sizes
        self.absent = torch.as_tensor(~present, device=x.device)
        self.omic_keep, self.feature_keep = omic_keep, feature_keep

    def draw(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """Neighbours of the samples, thinned."""
        stand_in = self._stand_in(index, generator)
        batch = self.x.index_select(0, stand_in.flatten()).unflatten(0, index.shape)
        # Bytes of 0 and 1: half the time of a product with booleans.
        batch *= random_mask(batch.shape, self.feature_keep, generator).view(torch.uint8)
        scale = self._omic_scale(stand_in, generator)
        for block, omic_scale in zip(batch.split(self.omic_sizes, dim=-1), scale.split(1, dim=-1), strict=True):
            block *= omic_scale
        return batch

    def _stand_in(self, index: Tensor, generator: torch.Generator) -> Tensor:
        draw = torch.rand(index.shape, generator=generator, device=index.device)
        cumulative = self.cumulative[index]
        slot = (draw[..., None] * cumulative[..., -1:] >= cumulative).sum(-1).clamp_max(cumulative.shape[-1] - 1)
        return self.neighbors[index, slot]

    def _omic_scale(self, samples: Tensor, generator: torch.Generator) -> Tensor:
        """(R, B, omics): 0 where an omic is dropped or absent, sqrt(omics / kept) where it stays."""
        draw = torch.rand((*samples.shape, len(self.omic_sizes)), generator=generator, device=self.x.device)
        draw = draw.masked_fill(self.absent[samples], 2)
        # Where all draws say "drop", the omic that came closest stays.
        kept = draw <= draw.amin(-1, keepdim=True).clamp_min(self.omic_keep)
        return omic_scale(kept.to(self.x.dtype))


def omic_scale(kept: Tensor) -> Tensor:
    """sqrt(omics / kept) where an omic is kept: the input's expected norm stays. kept: (..., omics) of 0 and 1."""
    return kept * (kept.shape[-1] / kept.sum(-1, keepdim=True)).sqrt()


def random_mask(shape: torch.Size, keep: float, generator: torch.Generator) -> Tensor:
    """True with probability `keep`, rounded to 1/256 but never 0: a random byte costs a quarter of a random float."""
    n = shape.numel()
    words = torch.empty(-(-n // 8), dtype=torch.int64, device=generator.device)
    words.random_(-(2**63), None, generator=generator)
    return words.view(torch.uint8)[:n].view(shape) <= max(1, round(256 * keep)) - 1


def neighbor_count(n_samples: int, n_clusters: int | None) -> int:
    """How many neighbours may stand in: never more than the smallest cluster is likely to hold.

    clip(round(0.7 n / k), 5, 15), and 10 where k is unknown; at most n - 1.
    """
    wanted = 10 if n_clusters is None else int(np.clip(round(0.7 * n_samples / n_clusters), 5, 15))
    return min(wanted, n_samples - 1)


def fused_neighbors(
    omics: list[np.ndarray], n_neighbors: int, present: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Stand-ins for every sample from the fused graph of all omics (`present`: see `omic_affinities`).

    Returns column indices and probabilities, both (n, n_neighbors + 1): the sample itself with SELF_WEIGHT, then its
    strongest neighbours in proportion to their fused affinity.
    """
    fused = fuse(omic_affinities(omics, present))
    columns, weights = strongest_neighbors(fused, n_neighbors)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.where(total > 0, weights / np.where(total > 0, total, 1), 1 / n_neighbors)
    itself = np.arange(len(fused))[:, None]
    return (
        np.hstack([itself, columns]),
        np.hstack([np.full((len(fused), 1), SELF_WEIGHT), (1 - SELF_WEIGHT) * weights]),
    )
