"""DMACL: multi-head attention with decoupled contrastive learning, as a scikit-learn estimator.

Source: Pan et al., Multi-head attention mechanism learning for cancer new subtypes and treatment based on cancer
multi-omics data (2023). Two presets of this class stand in the method registry: `dmacl-published` follows Table I of
the paper; `dmacl`, the default, replaces its Gaussian views by neighbours in the fused sample graph and joins restarts.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.base import BaseEstimator
from torch import Tensor

from amucl.methods.blocks import checked_views, present_omics
from amucl.methods.network.encoder import ContrastiveNetwork
from amucl.methods.network.inputs import NORMALIZATIONS, InputMap, fit_input_map
from amucl.methods.network.joining import RestartJoin, fit_join
from amucl.methods.network.losses import (
    cluster_contrastive_loss,
    contrastive_loss,
    decoupled_contrastive_loss,
    negative_assignment_entropy,
)
from amucl.methods.network.training import (
    choose_device,
    even_chunks,
    load_model,
    model_errors,
    require_converged,
    save_model,
    train,
)
from amucl.methods.network.views import (
    GaussianViews,
    NeighborViews,
    ViewMaker,
    fused_neighbors,
    neighbor_count,
    omic_scale,
)
from amucl.methods.parameters import check_parameters, wanted_components
from amucl.threads import limited_threads

logger = logging.getLogger(__name__)

DEFAULT_N_CLUSTERS = 6
DEFAULT_EPOCHS = 200
# Ten times what a cohort of 250 gets; ten thousand patients would take four times as many, and hours.
MAX_BATCHES = 4_000
# Below it exp(cosine / temperature) leaves the range of single precision.
LOWEST_TEMPERATURE = 0.025

CHOICES = {
    "normalization": NORMALIZATIONS,
    "augmentation": ("neighbors", "gaussian"),
    "embedding": ("backbone", "instance"),
    **dict.fromkeys(("attention", "decoupled", "cluster_loss"), (True, False)),
}
# A batch of two could leave a last batch of one, which has nothing to be contrasted with.
_LAST_LAYERS = ("instance_head.layers.2", "cluster_head.layers.2")
LOWEST = {
    **{"n_clusters": 2, "n_components": 1, "d_model": 1, "n_heads": 1},
    **{"epochs": 1, "batch_size": 3, "n_restarts": 1, "n_threads": 1},
}
RANGES = {
    "sigma": (0, np.inf),
    "omic_keep": (0, 1),
    "feature_keep": (0, 1),
    "instance_temperature": (LOWEST_TEMPERATURE, np.inf),
    "cluster_temperature": (LOWEST_TEMPERATURE, np.inf),
    "learning_rate": (0, np.inf),
}


def affordable_epochs(n_samples: int, batch_size: int) -> int:
    """`DEFAULT_EPOCHS`, or as many as `MAX_BATCHES` batches make, but one at least."""
    return min(DEFAULT_EPOCHS, max(1, MAX_BATCHES // len(even_chunks(n_samples, batch_size))))


class DMACL(BaseEstimator):
    """Embed the samples of a multi-omics cohort by decoupled contrastive learning.

    Parameters
    ----------
    n_clusters : reference number of subtypes; sets the cluster head (else 6) and the number of stand-in neighbours. No
        label is ever used.
    normalization : `zscore` (blocks weighted equally) or `max` (x / max|x| per feature, as published).
    rotate : turn an omic of many more features than patients into as many coordinates as patients (see
        `fit_input_map`): the time of an epoch then does not grow with the features.
    augmentation : `neighbors` (fused graph, omic and feature dropout) or `gaussian` (x + N(0, sigma^2), as published).
    sigma : standard deviation of the Gaussian noise, in units of the normalised input.
    omic_keep, feature_keep : probability of keeping an omic and a feature in a neighbour view.
    embedding : `backbone` (encoder features h) or `instance` (unit vectors of the instance head, as published).
    d_model, n_heads : width of the encoder, number of attention heads dividing it.
    n_components : dimensions of the instance head; default n_clusters, else 10.
    attention, decoupled, cluster_loss : parts of the method that an ablation leaves out: the attention between heads,
        the positive pair's absence from the denominator, the contrast and entropy of the cluster head.
    instance_temperature, cluster_temperature : tau and u of the losses.
    epochs, batch_size, learning_rate, cosine : Adam's training; `cosine` lets the rate fall to 0. epochs None: 200, or
        as many as take `MAX_BATCHES` batches where that is fewer (above 2,560 patients).
    n_restarts : independent trainings run as one stack. With more than one, their centred features, each scaled to
        unit root mean square, stand side by side; the embedding is their principal coordinates (99.9 % of variance).
    random_state, n_threads, device : seed; threads of torch and NumPy; `auto`, `cpu` or `cuda`.

    Attributes
    ----------
    embedding_ : (n, d) array.
    input_map_, join_ : how omics become the network's input, and restarts one embedding.
    history_ : DataFrame epoch, restart, loss, instance, cluster, entropy.
    network_ : the trained stack of networks.
    device_ : the device it was trained on.
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        normalization: str = "zscore",
        rotate: bool = True,
        augmentation: str = "neighbors",
        sigma: float = 1.0,
        omic_keep: float = 0.5,
        feature_keep: float = 0.7,
        embedding: str = "backbone",
        d_model: int = 64,
        n_heads: int = 8,
        n_components: int | None = None,
        attention: bool = True,
        decoupled: bool = True,
        cluster_loss: bool = True,
        instance_temperature: float = 0.5,
        cluster_temperature: float = 1.0,
        epochs: int | None = None,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        cosine: bool = True,
        n_restarts: int = 12,
        random_state: int = 0,
        n_threads: int = 1,
        device: str = "auto",
    ) -> None:
        self.n_clusters = n_clusters
        self.normalization = normalization
        self.rotate = rotate
        self.augmentation = augmentation
        self.sigma = sigma
        self.omic_keep = omic_keep
        self.feature_keep = feature_keep
        self.embedding = embedding
        self.d_model = d_model
        self.n_heads = n_heads
        self.n_components = n_components
        self.attention = attention
        self.decoupled = decoupled
        self.cluster_loss = cluster_loss
        self.instance_temperature = instance_temperature
        self.cluster_temperature = cluster_temperature
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.cosine = cosine
        self.n_restarts = n_restarts
        self.random_state = random_state
        self.n_threads = n_threads
        self.device = device

    def fit(self, views: list[np.ndarray], y: None = None) -> DMACL:
        """Train on the omics of one cohort.

        views: list of (n, p_m) arrays, the same samples in the same order. With neighbour views a patient may lack
        omics: the rows are NaN then. Raises AmuclError for bad input or hyperparameters.
        """
        check_parameters(self, choices=CHOICES, lowest=LOWEST, ranges=RANGES)
        views = checked_views(views, missing_omics=self.takes_missing_omics)
        with limited_threads(self.n_threads):
            rng = np.random.default_rng(self.random_state)
            self.input_map_ = fit_input_map(views, self.normalization, rotate=self.rotate, rng=rng)
            blocks, present = self.input_map_(views), present_omics(views)
            device = choose_device(self.device)
            x = torch.as_tensor(np.hstack(blocks), device=device)
            self.network_ = self._build_network(x.shape[1]).to(device)
            self.history_ = self._train(x, self._view_maker(x, blocks, present))
            features = self.features_of(blocks, present)
            self.join_ = fit_join(features) if self.n_restarts > 1 else None
            self.embedding_ = self.joined(features)
        self.device_ = str(device)
        return self

    @property
    def takes_missing_omics(self) -> bool:
        """Whether patients may lack omics: the graph of neighbour views takes them."""
        return self.augmentation == "neighbors"

    def transform(self, views: list[np.ndarray] | Mapping[str, np.ndarray | pd.DataFrame]) -> np.ndarray:
        """Embed other patients with the trained networks: (n, p_m) arrays with the same features, to (n, d).

        views : a list in the order of `fit`, or of a loaded model omic -> its array or data frame, matched by name (see
            `InputMap.arranged`). Rows of NaN where a patient lacks an omic, as in `fit`.

        Raises AmuclError for bad input.
        """
        if isinstance(views, Mapping):
            views = self.input_map_.arranged(views)
        views = checked_views(views, min_samples=1, missing_omics=self.takes_missing_omics)
        with limited_threads(self.n_threads):
            return self.joined(self.features_of(self.input_map_(views), present_omics(views)))

    def save(self, path: str | Path, features: dict[str, list[str]] | None = None) -> None:
        """Write all that `transform` needs as safetensors; hyperparameters and features in the file's metadata.

        features: omic -> names of its features, in the order of `views`. Raises AmuclError if they are not as many.
        """
        arrays = replace(self.input_map_, features=features or None).arrays() | (
            self.join_.arrays() if self.join_ else {}
        )
        tensors = {name: torch.as_tensor(value) for name, value in arrays.items()}
        save_model(self.network_, self.get_params(), path, features=features, others=tensors)

    @classmethod
    def load(cls, path: str | Path) -> tuple[DMACL, dict[str, list[str]]]:
        """A trained estimator as `save` wrote it, ready for `transform`, and its omics' features.

        Raises AmuclError for a file that is absent, was not written by `save`, or whose parts do not fit together.
        """
        about, weights, others = load_model(path)
        with model_errors(path):
            estimator = cls(**about["parameters"])
            check_parameters(estimator, choices=CHOICES, lowest=LOWEST, ranges=RANGES)
            arrays = {name: value.numpy() for name, value in others.items()}
            estimator.input_map_ = InputMap.from_arrays(arrays, about["features"])
            estimator.join_ = RestartJoin.from_arrays(arrays) if estimator.n_restarts > 1 else None
            estimator._check_sizes(weights)
            estimator.network_ = estimator._build_network(sum(estimator.input_map_.sizes))
            estimator.network_.load_state_dict(weights)
            estimator.transform([omic.centre[None].astype(float) for omic in estimator.input_map_.omics])
        return estimator, about["features"]

    def _check_sizes(self, weights: Mapping[str, Tensor]) -> None:
        """The hyperparameters are those of the weights: others may ask for a network of any size."""
        found = [tuple(weights[f"{name}.weight"].shape) for name in ("encoder.position", *_LAST_LAYERS)]
        sizes = [(sum(self.input_map_.sizes), self.d_model)]
        sizes += [(self.d_model, n) for n in (wanted_components(self), self.n_clusters or DEFAULT_N_CLUSTERS)]
        if found != [(self.n_restarts, *size) for size in sizes]:
            raise ValueError("weights of other sizes than the hyperparameters say")

    def _build_network(self, n_features: int) -> ContrastiveNetwork:
        return ContrastiveNetwork(
            n_replicas=self.n_restarts,
            n_features=n_features,
            d_model=self.d_model,
            n_heads=self.n_heads,
            attention=self.attention,
            n_instance=wanted_components(self),
            n_clusters=self.n_clusters or DEFAULT_N_CLUSTERS,
            generator=torch.Generator().manual_seed(self.random_state),
        )

    def _view_maker(self, x: Tensor, blocks: list[np.ndarray], present: np.ndarray) -> ViewMaker:
        if self.augmentation == "gaussian":
            return GaussianViews(x, self.sigma)
        neighbors, probabilities = fused_neighbors(blocks, neighbor_count(len(x), self.n_clusters), present)
        return NeighborViews(
            x,
            [block.shape[1] for block in blocks],
            neighbors,
            probabilities,
            present=present,
            omic_keep=self.omic_keep,
            feature_keep=self.feature_keep,
        )

    def _train(self, x: Tensor, view_maker: ViewMaker):
        generator = torch.Generator(device=x.device).manual_seed(self.random_state)
        contrast = decoupled_contrastive_loss if self.decoupled else contrastive_loss
        cluster_weight = float(self.cluster_loss)

        def batch_losses(index: Tensor) -> dict[str, Tensor]:
            both = view_maker.draw(torch.cat([index, index], dim=1), generator)
            z, c = self.network_(both)
            (z1, z2), (c1, c2) = z.chunk(2, dim=1), c.chunk(2, dim=1)
            instance = contrast(z1, z2, self.instance_temperature)
            cluster = cluster_contrastive_loss(c1, c2, self.cluster_temperature)
            entropy = negative_assignment_entropy(c1, c2)
            return {
                "loss": 2 * instance + cluster_weight * (cluster + entropy),
                "instance": instance,
                "cluster": cluster,
                "entropy": entropy,
            }

        logger.info("training %d restart(s) on %d samples x %d features, %s", self.n_restarts, *x.shape, x.device)
        return train(
            self.network_,
            batch_losses,
            n_samples=len(x),
            n_replicas=self.n_restarts,
            epochs=self.epochs or affordable_epochs(len(x), self.batch_size),
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            cosine=self.cosine,
            generator=generator,
        )

    def whole_input(self, blocks: list[np.ndarray], present: np.ndarray) -> Tensor:
        """What the network sees of whole patients: blocks (n, size) side by side, scaled up where one is missing."""
        scale = omic_scale(torch.as_tensor(present, dtype=torch.float32))
        scaled = [torch.as_tensor(block) * by[:, None] for block, by in zip(blocks, scale.T, strict=True)]
        return torch.cat(scaled, dim=1).to(next(self.network_.parameters()).device)

    def restart_features(self, x: Tensor) -> Tensor:
        """The features that the embedding is made of: (n, D) to (R, n, d)."""
        features = self.network_.encoder(x.expand(self.n_restarts, -1, -1))
        return self.network_.instance(features) if self.embedding == "instance" else features

    def restart_directions(self, direction: np.ndarray) -> np.ndarray:
        """A direction (d,) of the embedding as directions (R, d) of the restarts' features."""
        return direction[None] if self.join_ is None else self.join_.directions(direction)

    @torch.no_grad()
    def features_of(self, blocks: list[np.ndarray], present: np.ndarray) -> np.ndarray:
        """Features (R, n, d) of whole patients, batch by batch, so that memory stays bounded."""
        batches = [self.restart_features(batch) for batch in self.whole_input(blocks, present).split(self.batch_size)]
        features = torch.cat(batches, dim=1).double().cpu().numpy()
        return require_converged(features, "DMACL", "lower learning_rate or raise the temperatures")

    def joined(self, features: np.ndarray) -> np.ndarray:
        """The embedding of restarts' features: (R, n, d) to (n, r)."""
        return features[0] if self.join_ is None else self.join_(features)
