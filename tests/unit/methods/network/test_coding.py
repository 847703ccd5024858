import numpy as np
import pytest
import torch

from amucl.methods.network.coding import HIGHEST_LOG_VARIANCE, Coder, standard_normal
from amucl.methods.network.variational import normal_divergence

PLAIN, LAST, ALL = (False, False, False), (False, False, True), (True, True, True)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def coder(gaussian=PLAIN, n_replicas=2, centre=0.0, n_features=9):
    return Coder(
        n_replicas=n_replicas,
        centre=torch.full((n_features,), centre),
        widths=(7, 5),
        n_components=3,
        gaussian=gaussian,
        generator=generator(),
    ).double()


def data(n_replicas=2, n_samples=11, n_features=9):
    return torch.randn(n_replicas, n_samples, n_features, generator=generator(1), dtype=torch.float64)


def by_hand(layers, x):
    """Replica by replica: affine maps with ReLU between them."""
    out = []
    for replica, rows in enumerate(x.numpy()):
        for number, layer in enumerate(layers):
            rows = np.maximum(rows, 0) if number else rows
            rows = rows @ layer.weight[replica].detach().numpy() + layer.bias[replica].detach().numpy()
        out.append(rows)
    return np.stack(out)


def test_plain_coder_is_a_perceptron_each_way():
    network, x = coder(), data()
    code, moments = network.encode(x, generator())
    assert moments == []
    np.testing.assert_allclose(code.detach(), by_hand(network.encoder, x))
    decoded = by_hand(network.decoder, code.detach())
    np.testing.assert_allclose(network.decode(code).detach(), decoded)
    assert decoded.shape == x.shape


def test_encoder_sees_deviations_from_the_centre():
    network, at_zero, x = coder(centre=0.5), coder(), data()
    np.testing.assert_allclose(network.encode(x + 0.5)[0].detach(), at_zero.encode(x)[0].detach(), atol=1e-7)


@pytest.mark.parametrize(("gaussian", "widths"), [(PLAIN, []), (LAST, [3]), (ALL, [7, 5, 3])])
def test_layers_that_are_drawn_give_their_moments(gaussian, widths):
    code, moments = coder(gaussian).encode(data(), generator())
    assert [mean.shape[-1] for mean, _ in moments] == widths
    assert [log_variance.shape[-1] for _, log_variance in moments] == widths
    assert code.shape == (2, 11, 3)


@pytest.mark.parametrize("gaussian", [LAST, ALL])
def test_without_a_generator_the_means_stand_for_draws(gaussian):
    network, x = coder(gaussian), data()
    code, moments = network.encode(x)
    assert torch.equal(code, moments[-1][0])
    assert torch.equal(code, network.encode(x)[0])


def test_draws_have_the_mean_and_variance_of_their_layer():
    network = coder(LAST, n_replicas=1)
    x = data(1, 1).expand(1, 40_000, 9)
    code, ((mean, log_variance),) = network.encode(x, generator())
    np.testing.assert_allclose(code.mean(1).detach(), mean[:, 0].detach(), atol=0.03)
    np.testing.assert_allclose(code.var(1).detach(), log_variance[:, 0].exp().detach(), rtol=0.05)


def test_a_log_variance_that_ran_away_stays_finite():
    network = coder(ALL)
    with torch.no_grad():
        network.encoder[0].bias.fill_(2000.0)
    code, moments = network.encode(data(), generator())
    assert torch.isfinite(code).all()
    assert moments[0][1].max() == HIGHEST_LOG_VARIANCE
    divergence = normal_divergence(*moments[0])
    divergence.sum().backward()
    assert torch.isfinite(divergence).all()
    assert torch.isfinite(network.encoder[0].weight.grad).all()


def test_weights_start_with_the_variance_of_glorot_and_without_bias():
    network = coder(n_replicas=40, n_features=50)
    for layer, (n_in, n_out) in zip(network.encoder, [(50, 7), (7, 5), (5, 3)], strict=True):
        assert layer.weight.var().item() == pytest.approx(2 / (n_in + n_out), rel=0.15)
        assert not layer.bias.any()


def test_a_generator_decides_the_weights_and_the_draws():
    assert torch.equal(coder().encoder[0].weight, coder().encoder[0].weight)
    like = torch.empty(2, 3)
    assert torch.equal(standard_normal(like, generator(5)), standard_normal(like, generator(5)))
    assert not torch.equal(standard_normal(like, generator(5)), standard_normal(like, generator(6)))
