import numpy as np
import pytest
import torch
from scipy.special import rel_entr
from torch.distributions import Normal, kl_divergence

from amucl.methods.network.variational import (
    cross_entropy,
    maximum_mean_discrepancy,
    mean_squared_error,
    normal_divergence,
)


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_mean_squared_error_is_one_value_per_replica():
    x, activation = draw(3, 5, 4), draw(3, 5, 4, seed=1)
    expected = [((x[r].numpy() - np.tanh(activation[r].numpy())) ** 2).mean() for r in range(3)]
    np.testing.assert_allclose(mean_squared_error(x, activation), expected)


def test_cross_entropy_is_the_divergence_of_bernoulli_variables():
    x, activation = torch.tanh(draw(2, 6, 4)), draw(2, 6, 4, seed=1)
    p, q = (1 + x.numpy()) / 2, (1 + np.tanh(activation.numpy())) / 2
    expected = (rel_entr(p, q) + rel_entr(1 - p, 1 - q)).sum(axis=-1).mean(axis=-1)
    np.testing.assert_allclose(cross_entropy(x, activation), expected)
    np.testing.assert_allclose(cross_entropy(x, torch.atanh(x)), 0, atol=1e-12)


def test_cross_entropy_holds_at_the_ends_of_the_scale():
    x = torch.tensor([[[-1.0, 1.0, 1.0]]])
    activation = torch.tensor([[[-40.0, 40.0, -40.0]]], requires_grad=True)
    assert cross_entropy(x[..., :2], activation[..., :2]).item() == pytest.approx(0, abs=1e-6)
    cross_entropy(x, activation).sum().backward()
    np.testing.assert_allclose(activation.grad[0, 0], [0, 0, -2], atol=1e-6)


def test_divergence_is_that_of_normal_distributions():
    mean, log_variance = draw(2, 7, 3), draw(2, 7, 3, seed=1)
    divergence = kl_divergence(Normal(mean, (log_variance / 2).exp()), Normal(0.0, 1.0)).sum(-1).mean(-1)
    np.testing.assert_allclose(normal_divergence(mean, log_variance), divergence)
    assert normal_divergence(torch.zeros(1, 2, 3), torch.zeros(1, 2, 3)).item() == 0


def test_discrepancy_by_loops():
    a, b = draw(1, 4, 3), draw(1, 6, 3, seed=1)

    def mean_kernel(u, v):
        return np.mean([[np.exp(-((s - t) ** 2).sum() / 3**2) for t in v.numpy()] for s in u.numpy()])

    expected = mean_kernel(a[0], a[0]) + mean_kernel(b[0], b[0]) - 2 * mean_kernel(a[0], b[0])
    assert maximum_mean_discrepancy(a, b).item() == pytest.approx(expected)
    assert maximum_mean_discrepancy(a, a).item() == pytest.approx(0, abs=1e-12)


def test_discrepancy_grows_as_two_clouds_part():
    a, b = draw(1, 200, 2), draw(1, 200, 2, seed=1)
    apart = [maximum_mean_discrepancy(a, b + shift).item() for shift in (0, 0.5, 1, 2)]
    assert apart == sorted(apart)
    assert apart[0] < 0.02 < apart[1]
