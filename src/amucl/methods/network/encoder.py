"""The symmetric multi-head attention encoder of DMACL, as a stack of independently initialised replicas.

Matrices of one DMACL are small, so a dozen restarts trained one after another leave the processor idle. Every layer
here holds the weights of R replicas in one tensor and applies them with one batched product; replicas share nothing.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from amucl.errors import AmuclError


class StackedLinear(nn.Module):
    """R independent affine maps: (R, B, n_in) -> (R, B, n_out), initialised like ``torch.nn.Linear``."""

    def __init__(self, n_replicas: int, n_in: int, n_out: int, generator: torch.Generator) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        self.weight = nn.Parameter(_uniform((n_replicas, n_in, n_out), bound, generator))
        self.bias = nn.Parameter(_uniform((n_replicas, 1, n_out), bound, generator))

    def forward(self, x: Tensor) -> Tensor:
        """Apply replica r's map to x[r]."""
        return torch.baddbmm(self.bias, x, self.weight)


class StackedLayerNorm(nn.Module):
    """R independent layer normalisations over the last axis."""

    def __init__(self, n_replicas: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n_replicas, 1, width))
        self.bias = nn.Parameter(torch.zeros(n_replicas, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise each row, then scale and shift it by its replica's weights."""
        return functional.layer_norm(x, x.shape[-1:]) * self.weight + self.bias


class AttentionEncoder(nn.Module):
    """Samples to backbone features: (R, B, n_features) -> (R, B, d_model).

    The position encoding (paper, eq. 1) maps a sample to d_model values, which are cut into `n_heads` small vectors.
    These attend to one another by scaled dot products (eqs. 2 and 3, with the value vectors and indices the print
    lacks), and two residual blocks follow. Without `attention` the first of them is left out.
    """

    def __init__(
        self,
        n_replicas: int,
        n_features: int,
        d_model: int,
        n_heads: int,
        generator: torch.Generator,
        *,
        attention: bool = True,
    ) -> None:
        super().__init__()
        if d_model % n_heads:
            raise AmuclError(
                "the width of the encoder cannot be cut into equal heads",
                where="d_model",
                expected=f"a multiple of n_heads = {n_heads}",
                got=d_model,
                action="change d_model or n_heads in method_settings",
            )
        self.n_heads = n_heads
        self.attention = attention
        self.position = StackedLinear(n_replicas, n_features, d_model, generator)
        if attention:
            self.query, self.key, self.value, self.output = (
                StackedLinear(n_replicas, d_model, d_model, generator) for _ in range(4)
            )
            self.attention_norm = StackedLayerNorm(n_replicas, d_model)
        self.expand = StackedLinear(n_replicas, d_model, 2 * d_model, generator)
        self.contract = StackedLinear(n_replicas, 2 * d_model, d_model, generator)
        self.feed_forward_norm = StackedLayerNorm(n_replicas, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """The backbone features h."""
        x = self.position(x)
        if self.attention:
            x = self.attention_norm(x + self._attention(x))
        return self.feed_forward_norm(x + self.contract(torch.relu(self.expand(x))))

    def _attention(self, x: Tensor) -> Tensor:
        query, key, value = (layer(x).unflatten(-1, (self.n_heads, -1)) for layer in (self.query, self.key, self.value))
        return self.output(functional.scaled_dot_product_attention(query, key, value).flatten(-2))


class Perceptron(nn.Module):
    """Three stacked layers with ReLU between them: (R, B, n_in) -> (R, B, n_out)."""

    def __init__(self, n_replicas: int, n_in: int, n_out: int, generator: torch.Generator) -> None:
        super().__init__()
        widths = [n_in, n_in, n_in, n_out]
        self.layers = nn.ModuleList(StackedLinear(n_replicas, a, b, generator) for a, b in pairwise(widths))

    def forward(self, x: Tensor) -> Tensor:
        """The last layer's output, without activation."""
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


class ContrastiveNetwork(nn.Module):
    """Encoder, instance head (unit vectors W_b) and cluster head (soft assignments W_c) of R replicas."""

    def __init__(
        self,
        *,
        n_replicas: int,
        n_features: int,
        d_model: int,
        n_heads: int,
        attention: bool = True,
        n_instance: int,
        n_clusters: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.encoder = AttentionEncoder(n_replicas, n_features, d_model, n_heads, generator, attention=attention)
        self.instance_head = Perceptron(n_replicas, d_model, n_instance, generator)
        self.cluster_head = Perceptron(n_replicas, d_model, n_clusters, generator)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(R, B, n_features) -> unit vectors (R, B, n_instance), soft assignments (R, B, n_clusters)."""
        backbone = self.encoder(x)
        return self.instance(backbone), torch.softmax(self.cluster_head(backbone), dim=-1)

    def instance(self, backbone: Tensor) -> Tensor:
        """Backbone features to unit vectors."""
        return functional.normalize(self.instance_head(backbone), dim=-1)


def _uniform(shape: tuple[int, ...], bound: float, generator: torch.Generator) -> Tensor:
    return torch.empty(shape).uniform_(-bound, bound, generator=generator)
