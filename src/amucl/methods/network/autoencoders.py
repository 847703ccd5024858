"""Autoencoders, the deep rivals: plain, denoising, variational, stacked and MMD, in early and in late fusion.

Ten methods of one class, as presets in the method registry. Source: Leng et al., A benchmark study of deep
learning-based multi-omics data fusion methods for cancer, Genome Biology 23 (2022), 171, which the DMACL paper compares
itself with. docs/rivals.md says where they differ from its code, and why.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from amucl.methods.blocks import checked_views, scale_by_maximum
from amucl.methods.network.coding import Coder, standard_normal
from amucl.methods.network.training import choose_device, require_converged, save_model, train
from amucl.methods.network.variational import (
    cross_entropy,
    maximum_mean_discrepancy,
    mean_squared_error,
    normal_divergence,
)
from amucl.methods.parameters import check_parameters, wanted_components
from amucl.threads import limited_threads

logger = logging.getLogger(__name__)

# Which layers of the encoder are drawn from a normal distribution.
GAUSSIAN = {
    "plain": (False, False, False),
    "denoising": (False, False, False),
    "variational": (False, False, True),
    "stacked": (True, True, True),
    "mmd": (False, False, True),
}
CHOICES = {"fusion": ("early", "late"), "kind": tuple(GAUSSIAN)}
LOWEST = {
    **{"n_clusters": 2, "n_components": 1, "outer_width": 1, "inner_width": 1, "epochs": 1, "batch_size": 2},
    "n_threads": 1,
}
RANGES = {"noise": (0, np.inf), "beta": (0, np.inf), "learning_rate": (0, np.inf)}


class Autoencoder(BaseEstimator):
    """Embed the samples of a multi-omics cohort in the code from which an autoencoder restores them.

    Parameters
    ----------
    fusion : `early` (one autoencoder of the concatenated omics) or `late` (one of each omic, their codes joined).
    kind : `plain`, `denoising` (restores what noise was added to), `variational` (the code of a sample is a normal
        distribution, near N(0, I) by Kullback-Leibler divergence), `stacked` (so is every hidden layer of the encoder)
        or `mmd` (all codes together are near N(0, I) by maximum mean discrepancy).
    n_components : dimensions of the code; default the cohort's n_clusters, else 10. Late fusion shares them among the
        omics as evenly as possible, at least one each.
    outer_width, inner_width : the hidden layers.
    noise : standard deviation of the noise of `denoising`, in units of the scaled input.
    beta : weight of the Kullback-Leibler divergence.
    epochs, batch_size, learning_rate : Adam's training.
    n_clusters, random_state, n_threads, device : as for every method.

    Attributes
    ----------
    embedding_ : (n, d) array: the codes, of `variational`, `stacked` and `mmd` their means.
    history_ : DataFrame epoch, restart, loss, reconstruction and, where there is one, divergence or discrepancy.
    network_ : the trained coders, one or one per omic.
    device_ : the device they were trained on.
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        fusion: str = "early",
        kind: str = "plain",
        n_components: int | None = None,
        outer_width: int = 300,
        inner_width: int = 100,
        noise: float = 0.1,
        beta: float = 1.0,
        epochs: int = 100,
        batch_size: int = 16,
        learning_rate: float = 1e-3,
        random_state: int = 0,
        n_threads: int = 1,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.fusion = fusion
        self.kind = kind
        self.n_components = n_components
        self.outer_width = outer_width
        self.inner_width = inner_width
        self.noise = noise
        self.beta = beta
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.random_state = random_state
        self.n_threads = n_threads
        self.device = device

    def fit(self, views: list[np.ndarray], y: None = None) -> Autoencoder:
        """Train on the omics of one cohort.

        views: list of (n, p_m) arrays, the same samples in the same order, no missing values; each feature is divided
        by its largest absolute value. Raises AmuclError for bad input or hyperparameters.
        """
        check_parameters(self, choices=CHOICES, lowest=LOWEST, ranges=RANGES)
        blocks = [scale_by_maximum(view) for view in checked_views(views)]
        device = choose_device(self.device)
        with limited_threads(self.n_threads):
            inputs = [torch.as_tensor(block, dtype=torch.float32, device=device) for block in self._fused(blocks)]
            self.network_ = self._build_network(inputs).to(device)
            self.history_ = self._train(inputs)
            self.embedding_ = self._embed(inputs)
        self.device_ = str(device)
        return self

    def save(self, path: str | Path, features: dict[str, list[str]] | None = None) -> None:
        """Write the weights as safetensors, hyperparameters and the omics' features in the file's metadata."""
        save_model(self.network_, self.get_params(), path, features=features)

    def _fused(self, blocks: list[np.ndarray]) -> list[np.ndarray]:
        return blocks if self.fusion == "late" else [np.hstack(blocks)]

    def _build_network(self, inputs: list[Tensor]) -> nn.ModuleList:
        generator = torch.Generator().manual_seed(self.random_state)
        return nn.ModuleList(
            Coder(
                n_replicas=1,
                centre=x.mean(dim=0).cpu(),
                widths=(self.outer_width, self.inner_width),
                n_components=n_components,
                gaussian=GAUSSIAN[self.kind],
                generator=generator,
            )
            for x, n_components in zip(inputs, shares(wanted_components(self), len(inputs)), strict=True)
        )

    def _train(self, inputs: list[Tensor]) -> pd.DataFrame:
        generator = torch.Generator(device=inputs[0].device).manual_seed(self.random_state)

        def batch_losses(index: Tensor) -> dict[str, Tensor]:
            parts = [self._losses(coder, x[index], generator) for coder, x in zip(self.network_, inputs, strict=True)]
            return {name: sum(part[name] for part in parts) for name in parts[0]}

        n_samples = len(inputs[0])
        logger.info("training %s fusion, %s, on %d samples, %s", self.fusion, self.kind, n_samples, inputs[0].device)
        return train(
            self.network_,
            batch_losses,
            n_samples=n_samples,
            n_replicas=1,
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            cosine=False,
            generator=generator,
        )

    def _losses(self, coder: Coder, x: Tensor, generator: torch.Generator) -> dict[str, Tensor]:
        """The loss of a batch of one block and its parts. x: (1, B, p)."""
        seen = x + self.noise * standard_normal(x, generator) if self.kind == "denoising" else x
        code, moments = coder.encode(seen, generator)
        activation = coder.decode(code)
        if not moments:
            error = mean_squared_error(x, activation)
            return {"loss": error, "reconstruction": error}
        if self.kind == "mmd":
            error = mean_squared_error(x, activation)
            discrepancy = maximum_mean_discrepancy(code, standard_normal(code, generator))
            return {"loss": error + discrepancy, "reconstruction": error, "discrepancy": discrepancy}
        error = cross_entropy(x, activation)
        divergence = sum(normal_divergence(*moment) for moment in moments)
        return {"loss": error + self.beta * divergence, "reconstruction": error, "divergence": divergence}

    @torch.no_grad()
    def _embed(self, inputs: list[Tensor]) -> np.ndarray:
        codes = torch.cat([coder.encode(x[None])[0][0] for coder, x in zip(self.network_, inputs, strict=True)], dim=-1)
        return require_converged(codes.double().cpu().numpy(), "Autoencoder", "lower learning_rate")


def shares(n_components: int, n_blocks: int) -> list[int]:
    """Dimensions of each block's code: they add up to n_components, differ by at most one, and none is without."""
    even, more = divmod(n_components, n_blocks)
    return [max(1, even + (number < more)) for number in range(n_blocks)]
