import math

import pytest
import torch

from amucl.methods.network.losses import (
    cluster_contrastive_loss,
    contrastive_loss,
    decoupled_contrastive_loss,
    negative_assignment_entropy,
)

R, N, D, M = 3, 7, 4, 5


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / (math.hypot(*a) * math.hypot(*b))


def naive_instance(z1, z2, tau):
    """The formula of L_D, literally: one sample and one view after the other."""
    n, total = len(z1), 0.0
    for i in range(n):
        for own, other in ((z1, z2), (z2, z1)):
            denominator = sum(
                math.exp(cosine(own[i], own[j]) / tau) + math.exp(cosine(own[i], other[j]) / tau)
                for j in range(n)
                if j != i
            )
            total += -cosine(z1[i], z2[i]) / tau + math.log(denominator)
    return total / (2 * n)


def naive_cluster(c1, c2, u):
    """The formula of L_C without entropy, over the columns of the soft assignments."""
    first, second = ([[row[m] for row in c] for m in range(len(c[0]))] for c in (c1, c2))
    m, total = len(first), 0.0
    for i in range(m):
        for own, other in ((first, second), (second, first)):
            denominator = sum(math.exp(cosine(own[i], own[j]) / u) for j in range(m) if j != i)
            denominator += sum(math.exp(cosine(own[i], other[j]) / u) for j in range(m))
            total -= math.log(math.exp(cosine(first[i], second[i]) / u) / denominator)
    return total / (2 * m)


def naive_entropy(c1, c2):
    total = 0.0
    for c in (c1, c2):
        for column in zip(*c, strict=True):
            share = sum(column) / len(column)
            total += share * math.log(max(share, 1e-12))
    return total


def one_way_dcl(own, other, tau):
    """Decoupled contrastive learning (Yeh et al. 2022): positives own-other, negatives of `own` against both views."""
    own, other = (torch.nn.functional.normalize(view, dim=1) for view in (own, other))
    across, within = own @ other.T / tau, own @ own.T / tau
    mask = torch.eye(len(own), dtype=torch.bool)
    negatives = torch.cat([within[~mask].view(len(own), -1), across[~mask].view(len(own), -1)], dim=1)
    return (negatives.exp().sum(1).log() - across.diagonal()).mean()


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def vectors():
    return draw(R, N, D, seed=1), draw(R, N, D, seed=2)


def assignments():
    return draw(R, N, M, seed=3).softmax(-1), draw(R, N, M, seed=4).softmax(-1)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0])
def test_each_loss_is_its_formula(temperature):
    z1, z2 = vectors()
    c1, c2 = assignments()
    instance = decoupled_contrastive_loss(z1, z2, temperature)
    cluster = cluster_contrastive_loss(c1, c2, temperature)
    entropy = negative_assignment_entropy(c1, c2)
    assert instance.shape == cluster.shape == entropy.shape == (R,)
    for r in range(R):
        assert instance[r].item() == pytest.approx(
            naive_instance(z1[r].tolist(), z2[r].tolist(), temperature), abs=1e-10
        )
        assert cluster[r].item() == pytest.approx(naive_cluster(c1[r].tolist(), c2[r].tolist(), temperature), abs=1e-10)
        assert entropy[r].item() == pytest.approx(naive_entropy(c1[r].tolist(), c2[r].tolist()), abs=1e-10)


def test_instance_loss_is_the_mean_of_both_one_way_dcl_losses():
    z1, z2 = vectors()
    ours = decoupled_contrastive_loss(z1, z2, 0.5)
    for r in range(R):
        both = (one_way_dcl(z1[r], z2[r], 0.5) + one_way_dcl(z2[r], z1[r], 0.5)) / 2
        assert ours[r].item() == pytest.approx(both.item(), abs=1e-12)


def test_coupled_loss_has_the_positive_in_the_denominator():
    z1, z2 = (view[:1] for view in vectors())
    similarity = torch.nn.functional.normalize(torch.cat([z1, z2], 1)[0], dim=1)
    similarity = (similarity @ similarity.T / 0.5).fill_diagonal_(-torch.inf)
    expected = torch.nn.functional.cross_entropy(similarity, (torch.arange(2 * N) + N) % (2 * N))
    assert contrastive_loss(z1, z2, 0.5).item() == pytest.approx(expected.item(), abs=1e-12)
    assert (contrastive_loss(z1, z2, 0.5) > decoupled_contrastive_loss(z1, z2, 0.5)).all()


@pytest.mark.parametrize("temperature", [0.03, 0.1])
def test_low_temperatures_stay_within_single_precision(temperature):
    opposite = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]])
    loss = decoupled_contrastive_loss(opposite, opposite, temperature)
    assert loss.item() == pytest.approx(-2 / temperature + math.log(2), rel=1e-6)


def test_instance_loss_does_not_know_which_view_is_first_nor_the_order_nor_the_length_of_vectors():
    z1, z2 = vectors()
    loss = decoupled_contrastive_loss(z1, z2, 0.5)
    torch.testing.assert_close(decoupled_contrastive_loss(z2, z1, 0.5), loss)
    torch.testing.assert_close(decoupled_contrastive_loss(z1.flip(1), z2.flip(1), 0.5), loss)
    torch.testing.assert_close(decoupled_contrastive_loss(3 * z1, z2 / 5, 0.5), loss)


@pytest.mark.parametrize("loss", [decoupled_contrastive_loss, cluster_contrastive_loss])
def test_replicas_are_independent(loss):
    z1, z2 = vectors()
    changed = z1.clone().requires_grad_()
    values = loss(changed, z2, 0.5)
    (gradient,) = torch.autograd.grad(values[1], changed)
    assert (gradient[[0, 2]] == 0).all()
    assert gradient[1].abs().max() > 0
    torch.testing.assert_close(values[1:2], loss(z1[1:2], z2[1:2], 0.5), rtol=1e-14, atol=0)


def test_the_positive_is_in_the_instance_denominator_of_neither_view():
    """With two samples, the derivative of L_D by a positive similarity is exactly -1/(tau N); if coupled, less."""
    tau = 0.5
    angles = torch.tensor([0.3, 1.9], dtype=torch.float64)
    z1 = torch.stack([angles.cos(), angles.sin()], dim=1)[None]
    values = []
    for positive in (0.2, 0.7):
        # z2_0 lies off the plane of all others but for its projection, so that only s(z1_0, z2_0) varies.
        first = torch.cat([z1, torch.zeros(1, 2, 2, dtype=torch.float64)], dim=2)
        second = first.clone()
        across = torch.linalg.lstsq(
            torch.stack([first[0, 0, :2], first[0, 1, :2]]), torch.tensor([positive, 0.1], dtype=torch.float64)
        ).solution
        second[0, 0] = torch.tensor([*across, math.sqrt(1 - across.square().sum()), 0.0])
        second[0, 1] = torch.tensor([0.0, 0.0, 0.0, 1.0])
        values.append(decoupled_contrastive_loss(first, second, tau).item())
    assert values[1] - values[0] == pytest.approx(-(0.7 - 0.2) / tau / 2, abs=1e-12)


def test_known_values():
    eye = torch.eye(4, dtype=torch.float64)[None]
    # Views agree and samples are orthogonal: -1/tau + log(2 (N - 1) exp(0)).
    assert decoupled_contrastive_loss(eye, eye, 0.5).item() == pytest.approx(-2 + math.log(6))
    # All samples alike: -1/tau + log(2 (N - 1) exp(1/tau)).
    assert decoupled_contrastive_loss(torch.ones_like(eye), torch.ones_like(eye), 0.5).item() == pytest.approx(
        math.log(6)
    )
    # Certain, even assignments: -1/u + log(exp(1/u) + 2 (M - 1)); entropy -2 log M.
    assert cluster_contrastive_loss(eye, eye, 1.0).item() == pytest.approx(math.log(math.e + 6) - 1)
    assert negative_assignment_entropy(eye, eye).item() == pytest.approx(-2 * math.log(4))
    # One cluster takes all: no entropy.
    one = torch.zeros_like(eye)
    one[..., 0] = 1
    assert negative_assignment_entropy(one, one).item() == pytest.approx(0, abs=1e-9)


def test_entropy_is_lowest_where_clusters_are_used_alike():
    even = torch.full((1, N, M), 1 / M, dtype=torch.float64)
    assert (negative_assignment_entropy(*assignments()) > negative_assignment_entropy(even, even)).all()


def test_gradients_are_finite_even_where_views_agree_collapse_or_vanish():
    for z in (torch.ones(1, 5, 3), torch.zeros(1, 5, 3), torch.eye(5)[None], 1e4 * torch.eye(5)[None]):
        z1, z2 = z.clone().requires_grad_(), z.clone().requires_grad_()
        decoupled_contrastive_loss(z1, z2, 0.5).sum().backward()
        assert torch.isfinite(z1.grad).all()
        assert torch.isfinite(z2.grad).all()
    certain = torch.zeros(1, 5, 3)
    certain[..., 0] = 1
    c1, c2 = certain.clone().requires_grad_(), certain.clone().requires_grad_()
    (cluster_contrastive_loss(c1, c2, 1.0) + negative_assignment_entropy(c1, c2)).sum().backward()
    assert torch.isfinite(c1.grad).all()
    assert torch.isfinite(c2.grad).all()


def test_gradient_is_that_of_finite_differences():
    z1, z2 = (view[:1].requires_grad_() for view in vectors())
    assert torch.autograd.gradcheck(lambda a, b: decoupled_contrastive_loss(a, b, 0.5), (z1, z2))
    c1, c2 = (view[:1].requires_grad_() for view in assignments())
    assert torch.autograd.gradcheck(lambda a, b: cluster_contrastive_loss(a, b, 1.0), (c1, c2))
    assert torch.autograd.gradcheck(negative_assignment_entropy, (c1, c2))


def test_pulling_positives_together_and_pushing_others_away_lowers_the_loss():
    z1, z2 = vectors()
    closer = 0.5 * z1 + 0.5 * z2
    assert (decoupled_contrastive_loss(z1, closer, 0.5) < decoupled_contrastive_loss(z1, z2, 0.5)).all()
    spread = torch.eye(N, dtype=torch.float64).expand(R, N, N)
    crowded = spread + 1
    assert (decoupled_contrastive_loss(spread, spread, 0.5) < decoupled_contrastive_loss(crowded, crowded, 0.5)).all()
