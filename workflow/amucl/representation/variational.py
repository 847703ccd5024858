"""What autoencoders minimise, for a stack of replicas: every function maps (R, ...) to one value per replica, (R,)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

LOWEST_ERROR = 1e-12


def mean_squared_error(x: Tensor, decoded: Tensor) -> Tensor:
    """Mean over samples and features of (x - decoded)^2. x, decoded: (R, B, p)."""
    return (x - decoded).square().mean((-2, -1))


def cross_entropy(x: Tensor, decoded: Tensor) -> Tensor:
    """Bernoulli cross-entropy of values in [-1, 1], read as probabilities (1 + x) / 2; less that of x with itself.

    sum_j p log(p / q) + (1 - p) log((1 - p) / (1 - q)), p = (1 + x_j) / 2, q = (1 + decoded_j) / 2; mean over samples,
    0 where decoded = x. x, decoded: (R, B, p).
    """
    p, q = (1 + x) / 2, (1 + decoded) / 2
    surprise = functional.binary_cross_entropy(q, p, reduction="none")
    return (surprise - functional.binary_cross_entropy(p, p, reduction="none")).sum(-1).mean(-1)


def gaussian_cost(error: Tensor) -> Tensor:
    """Cost of a feature under N(decoded, s^2) with s^2 the mean squared error: 1/2 log s^2, but for a constant [1].

    Unlike the error itself it does not depend on the scale of the features.

    References
    ----------
    [1] Rybkin, Daniilidis & Levine, Simple and effective VAE training with calibrated decoders. ICML 2021.
    """
    return error.clamp_min(LOWEST_ERROR).log() / 2


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
