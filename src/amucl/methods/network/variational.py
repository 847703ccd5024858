"""What autoencoders minimise, for a stack of replicas: every function maps (R, ...) to one value per replica, (R,)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def mean_squared_error(x: Tensor, activation: Tensor) -> Tensor:
    """Mean over samples and features of (x - tanh activation)^2. x, activation: (R, B, p)."""
    return (x - torch.tanh(activation)).square().mean((-2, -1))


def cross_entropy(x: Tensor, activation: Tensor) -> Tensor:
    """Bernoulli cross-entropy of values in [-1, 1], read as probabilities (1 + x) / 2; less that of x with itself.

    sum_j p log(p / q) + (1 - p) log((1 - p) / (1 - q)), p = (1 + x_j) / 2, q = (1 + tanh activation_j) / 2; mean over
    samples, 0 where x = tanh activation. x, activation: (R, B, p).
    """
    p = (1 + x) / 2
    surprise = functional.binary_cross_entropy_with_logits(2 * activation, p, reduction="none")
    return (surprise - torch.special.entr(p) - torch.special.entr(1 - p)).sum(-1).mean(-1)


def normal_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of N(mean, exp(log_variance)) from N(0, I) [1, appendix B], mean over samples.

    1/2 sum_j (mean_j^2 + variance_j - 1 - log variance_j). mean, log_variance: (R, B, d).

    References
    ----------
    [1] Kingma & Welling, Auto-encoding variational Bayes. ICLR 2014.
    """
    return (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1).mean(-1) / 2


def maximum_mean_discrepancy(a: Tensor, b: Tensor) -> Tensor:
    """Squared maximum mean discrepancy of two sets of points, 0 for equal sets.

    mean k(a, a) + mean k(b, b) - 2 mean k(a, b), with k(u, v) = exp(-|u - v|^2 / d^2) as in InfoVAE [1].

    a, b: (R, B, d).

    References
    ----------
    [1] Zhao, Song & Ermon, InfoVAE: balancing learning and inference in variational autoencoders. AAAI 2019.
    """

    def mean_kernel(u: Tensor, v: Tensor) -> Tensor:
        distance = (u[:, :, None] - v[:, None]).square().sum(-1)
        return torch.exp(-distance / u.shape[-1] ** 2).mean((-2, -1))

    return mean_kernel(a, a) + mean_kernel(b, b) - 2 * mean_kernel(a, b)
