"""Encoder and decoder of an autoencoder, plain or variational, as a stack of independent replicas."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from amucl.methods.network.encoder import StackedLinear

# With tens of thousands of features one step of Adam may lift a log variance so far that its exponential overflows.
HIGHEST_LOG_VARIANCE = 10.0


class Coder(nn.Module):
    """Samples to codes and back: (R, B, p) -> (R, B, d) -> (R, B, p).

    Three layers each way with ReLU between them; a tanh follows, as the samples lie in [-1, 1]. A layer of the encoder
    is plain, or it gives mean and log variance of a normal distribution from which its output is drawn.

    The encoder sees deviations from `centre`. Its biases could learn as much, but with thousands of features of large
    mean one step of Adam moves a neuron by their sum, and training diverges.

    Parameters
    ----------
    centre : (p,), the mean sample.
    widths, n_components : the widths of the hidden layers from the outside in, and d.
    gaussian : for each layer of the encoder, whether it is drawn: none in an autoencoder, the last in a variational
        one, all in a stacked variational one.
    """

    def __init__(
        self,
        *,
        n_replicas: int,
        centre: Tensor,
        widths: tuple[int, ...],
        n_components: int,
        gaussian: tuple[bool, ...],
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.gaussian = gaussian
        sizes = [len(centre), *widths, n_components]
        self.encoder = nn.ModuleList(
            _glorot_layer(n_replicas, a, 2 * b if drawn else b, generator)
            for (a, b), drawn in zip(pairwise(sizes), gaussian, strict=True)
        )
        self.decoder = nn.ModuleList(_glorot_layer(n_replicas, a, b, generator) for a, b in pairwise(sizes[::-1]))
        self.register_buffer("centre", centre)

    def encode(self, x: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, list[tuple[Tensor, Tensor]]]:
        """Codes, and mean and log variance of every layer that is drawn; without a generator means stand for draws."""
        x, moments = x - self.centre, []
        for number, (layer, drawn) in enumerate(zip(self.encoder, self.gaussian, strict=True)):
            x = layer(torch.relu(x) if number else x)
            if drawn:
                x, log_variance = x.chunk(2, dim=-1)
                log_variance = log_variance.clamp(max=HIGHEST_LOG_VARIANCE)
                moments.append((x, log_variance))
                if generator is not None:
                    x = x + torch.exp(log_variance / 2) * standard_normal(x, generator)
        return x, moments

    def decode(self, code: Tensor) -> Tensor:
        """What the code stands for, before the tanh."""
        for layer in self.decoder[:-1]:
            code = torch.relu(layer(code))
        return self.decoder[-1](code)


def standard_normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Draws of N(0, 1), in the shape of a tensor."""
    return torch.randn(like.shape, generator=generator, device=like.device)


def _glorot_layer(n_replicas: int, n_in: int, n_out: int, generator: torch.Generator) -> StackedLinear:
    """Weights of variance 2 / (n_in + n_out), biases 0: as in the benchmark, where codes keep the scale of the data."""
    layer = StackedLinear(n_replicas, n_in, n_out, generator)
    bound = math.sqrt(6 / (n_in + n_out))
    nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
    nn.init.zeros_(layer.bias)
    return layer
