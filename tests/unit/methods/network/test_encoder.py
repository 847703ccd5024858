import math

import pytest
import torch
from torch.nn import functional

from amucl.errors import AmuclError
from amucl.methods.network.encoder import (
    AttentionEncoder,
    ContrastiveNetwork,
    Perceptron,
    StackedLayerNorm,
    StackedLinear,
)

R, B = 3, 5


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def data(*shape):
    return torch.randn(*shape, generator=generator(1))


def linear(layer, x, r):
    """Replica r of a stacked layer, as torch computes a plain one."""
    return functional.linear(x, layer.weight[r].T, layer.bias[r, 0])


def test_replica_of_a_stacked_linear_is_a_plain_linear():
    layer, x = StackedLinear(R, 7, 4, generator()), data(R, B, 7)
    for r in range(R):
        torch.testing.assert_close(layer(x)[r], linear(layer, x[r], r))


def test_weights_start_as_those_of_a_plain_linear_and_differ_between_replicas():
    layer = StackedLinear(R, 100, 50, generator())
    bound = 1 / math.sqrt(100)
    plain = torch.nn.Linear(100, 50)
    for ours, theirs in ((layer.weight, plain.weight), (layer.bias, plain.bias)):
        assert ours.abs().max() <= bound
        assert theirs.abs().max() <= bound
    assert layer.weight.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)
    assert layer.weight.mean().abs() < 0.002
    assert (layer.weight[0] != layer.weight[1]).all()


def test_replica_of_a_stacked_layer_norm_is_a_plain_layer_norm():
    norm, x = StackedLayerNorm(R, 8), data(R, B, 8)
    with torch.no_grad():
        norm.weight.copy_(data(R, 1, 8))
        norm.bias.copy_(data(R, 1, 8) - 1)
    for r in range(R):
        plain = torch.nn.LayerNorm(8)
        with torch.no_grad():
            plain.weight.copy_(norm.weight[r, 0])
            plain.bias.copy_(norm.bias[r, 0])
        torch.testing.assert_close(norm(x)[r], plain(x[r]))


@pytest.mark.parametrize(("d_model", "n_heads"), [(8, 4), (12, 3), (6, 1), (6, 6)])
def test_attention_is_between_the_heads_of_one_sample(d_model, n_heads):
    encoder, x = AttentionEncoder(R, 10, d_model, n_heads, generator()), data(R, B, d_model)
    width = d_model // n_heads
    out = encoder._attention(x)
    for r in range(R):
        for b in range(B):
            query, key, value = (
                linear(layer, x[r, b], r).reshape(n_heads, width)
                for layer in (encoder.query, encoder.key, encoder.value)
            )
            weights = torch.softmax(query @ key.T / math.sqrt(width), dim=1)
            expected = linear(encoder.output, (weights @ value).reshape(-1), r)
            torch.testing.assert_close(out[r, b], expected)


def test_encoder_is_position_attention_and_feed_forward_with_residuals():
    encoder, x = AttentionEncoder(R, 10, 8, 4, generator()), data(R, B, 10)
    placed = encoder.position(x)
    attended = functional.layer_norm(placed + encoder._attention(placed), (8,))
    fed = encoder.contract(encoder.expand(attended).clamp_min(0))
    torch.testing.assert_close(encoder(x), functional.layer_norm(attended + fed, (8,)))
    assert encoder.expand.weight.shape == (R, 8, 16)


def test_without_attention_the_feed_forward_block_follows_the_position_encoding():
    encoder, x = AttentionEncoder(R, 10, 8, 4, generator(), attention=False), data(R, B, 10)
    position = encoder.position(x)
    fed = encoder.contract(torch.relu(encoder.expand(position)))
    torch.testing.assert_close(encoder(x), encoder.feed_forward_norm(position + fed))


def test_samples_and_replicas_do_not_touch_one_another():
    network = ContrastiveNetwork(
        n_replicas=R, n_features=10, d_model=8, n_heads=4, n_instance=3, n_clusters=4, generator=generator()
    )
    x = data(R, B, 10).requires_grad_()
    z, c = network(x)
    (gradient,) = torch.autograd.grad(z[1, 2].sum() + (c[1, 2] ** 2).sum(), x)
    assert gradient[1, 2].abs().max() > 0
    gradient[1, 2] = 0
    assert (gradient == 0).all()
    (own,) = torch.autograd.grad(network(x)[0][1].square().sum() + network(x)[1][1].sum(), network.encoder.query.weight)
    assert (own[[0, 2]] == 0).all()


def test_heads_give_unit_vectors_and_soft_assignments():
    network = ContrastiveNetwork(
        n_replicas=R, n_features=10, d_model=8, n_heads=4, n_instance=3, n_clusters=4, generator=generator()
    )
    x = data(R, B, 10)
    z, c = network(x)
    assert z.shape == (R, B, 3)
    assert c.shape == (R, B, 4)
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(R, B))
    torch.testing.assert_close(c.sum(-1), torch.ones(R, B))
    assert (c > 0).all()
    torch.testing.assert_close(network.instance(network.encoder(x)), z)


def test_perceptron_has_three_layers_with_relu_between():
    perceptron, x = Perceptron(R, 6, 4, generator()), data(R, B, 6)
    assert [layer.weight.shape for layer in perceptron.layers] == [(R, 6, 6), (R, 6, 6), (R, 6, 4)]
    first, second, third = perceptron.layers
    torch.testing.assert_close(perceptron(x), third(second(first(x).clamp_min(0)).clamp_min(0)))


def test_same_seed_same_network():
    first, second, other = (AttentionEncoder(2, 10, 8, 4, generator(seed)) for seed in (0, 0, 1))
    x = data(2, B, 10)
    assert torch.equal(first(x), second(x))
    assert not torch.equal(first(x), other(x))


def test_heads_must_divide_the_width():
    with pytest.raises(AmuclError) as error:
        AttentionEncoder(1, 10, 10, 4, generator())
    assert str(error.value) == (
        "d_model: the width of the encoder cannot be cut into equal heads; expected a multiple of n_heads = 4; got 10; "
        "change d_model or n_heads in method_settings"
    )
