import numpy as np
import pytest
import torch
from scipy import stats

from amucl.methods.graph.fusion import fuse, scaled_exponential_affinity
from amucl.methods.network.views import (
    SELF_WEIGHT,
    GaussianViews,
    NeighborViews,
    fused_neighbors,
    neighbor_count,
    random_mask,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def neighbor_views(sizes=(3, 2, 4), n=6, omic_keep=0.5, feature_keep=0.7, x=None, present=None):
    """Every sample stands for itself in a tenth of the draws, else for the next two, at 0.6 and 0.3."""
    x = torch.ones(n, sum(sizes)) if x is None else x
    neighbors = (np.arange(n)[:, None] + [0, 1, 2]) % n
    probabilities = np.tile([0.1, 0.6, 0.3], (n, 1))
    present = np.ones((n, len(sizes)), dtype=bool) if present is None else present
    keep = {"omic_keep": omic_keep, "feature_keep": feature_keep}
    return NeighborViews(x, list(sizes), neighbors, probabilities, present=present, **keep)


def test_gaussian_views_add_noise_of_the_given_width():
    x = torch.arange(12.0).reshape(4, 3)
    index = torch.tensor([[2, 0], [1, 3]]).repeat(1, 5000)
    view = GaussianViews(x, 0.5).draw(index, generator())
    noise = view - x[index]
    assert noise.shape == (2, 10000, 3)
    assert noise.std().item() == pytest.approx(0.5, rel=0.01)
    assert abs(noise.mean().item()) < 0.01
    assert stats.kstest(noise.flatten().numpy() / 0.5, "norm").pvalue > 0.01


def test_views_are_fresh_and_come_from_the_generator():
    x = torch.randn(6, 9, generator=generator(5))
    index = torch.arange(6)[None]
    for views in (GaussianViews(x, 1.0), neighbor_views(x=x)):
        rng = generator()
        first, second = views.draw(index, rng), views.draw(index, rng)
        assert not torch.equal(first, second)
        assert torch.equal(first, views.draw(index, generator()))


def test_stand_ins_are_drawn_as_often_as_they_should():
    n, n_draws = 6, 20000
    x = torch.eye(n)
    views = neighbor_views(sizes=(n,), x=x, omic_keep=1.0, feature_keep=1.0)
    index = torch.arange(n).repeat(n_draws)[None]
    view = views.draw(index, generator())[0]
    assert torch.equal(view.sum(-1), torch.ones(len(view)))  # exactly one sample, unmixed
    chosen = view.argmax(-1).reshape(n_draws, n).numpy()
    for sample in range(n):
        counts = np.bincount((chosen[:, sample] - sample) % n, minlength=3)
        assert len(counts) == 3
        assert stats.chisquare(counts, n_draws * np.array([0.1, 0.6, 0.3])).pvalue > 0.001


def test_at_least_one_omic_is_kept_and_the_input_is_scaled_up():
    sizes, n_draws = (3, 2, 4), 30000
    view = neighbor_views(sizes, omic_keep=0.5, feature_keep=1.0).draw(
        torch.zeros(1, n_draws, dtype=torch.long), generator()
    )[0]
    blocks = view.split(sizes, dim=1)
    for block in blocks:  # an omic stays or goes as a whole
        assert torch.equal(block.amin(1), block.amax(1))
    scale = torch.stack([block[:, 0] for block in blocks], dim=1)
    kept = (scale > 0).sum(1)
    assert kept.min() == 1
    torch.testing.assert_close(scale.amax(1), (3 / kept).sqrt())
    # Three coins; where all fall on "drop", one omic is drawn: each omic stays in 1/2 + 1/8 / 3 of the draws.
    counts = np.bincount(kept.numpy(), minlength=4)[1:]
    assert stats.chisquare(counts, n_draws * np.array([3 + 1, 3, 1]) / 8).pvalue > 0.001
    np.testing.assert_allclose((scale > 0).float().mean(0), 0.5 + 1 / 24, atol=0.01)


def test_every_omic_kept_or_a_single_one_needs_no_scaling():
    index = torch.zeros(1, 200, dtype=torch.long)
    everything = neighbor_views(omic_keep=1.0, feature_keep=1.0).draw(index, generator())
    single = neighbor_views(sizes=(5,), omic_keep=0.01, feature_keep=1.0).draw(index, generator())
    assert (everything == 1).all()
    assert (single == 1).all()


def test_an_omic_that_a_sample_lacks_is_never_drawn():
    present = np.ones((6, 3), dtype=bool)
    present[:, 1] = False
    view = neighbor_views(feature_keep=1.0, present=present).draw(torch.zeros(1, 30000, dtype=torch.long), generator())
    first, second, third = view[0].split((3, 2, 4), dim=1)
    assert (second == 0).all()
    either = (first[:, 0] > 0).float() + (third[:, 0] > 0).float()
    assert either.min() == 1
    assert either.mean().item() == pytest.approx(
        1.25, abs=0.02
    )  # two coins; one of two omics where both fall on "drop"
    torch.testing.assert_close(torch.maximum(first[:, 0], third[:, 0]), (3 / either).sqrt())


@pytest.mark.parametrize("keep", [1 / 1024, 0.3, 0.7, 1.0])
def test_random_masks_keep_their_share(keep):
    mask = random_mask(torch.Size([3, 100001]), keep, generator())
    assert mask.shape == (3, 100001)
    share = max(1, round(256 * keep)) / 256
    assert mask.float().mean().item() == pytest.approx(share, abs=4 * np.sqrt(share / 3e5))
    assert not torch.equal(mask[0], mask[1]) or keep == 1


def test_dropped_features_are_zero_and_the_rest_is_untouched():
    x = torch.randn(6, 9, generator=generator(3)) + 10
    views = neighbor_views(x=x, omic_keep=1.0, feature_keep=0.7)
    view = views.draw(torch.arange(6).repeat(3000)[None], generator())[0]
    gone = view == 0
    assert gone.float().mean().item() == pytest.approx(0.3, abs=0.01)
    np.testing.assert_allclose(gone.float().mean(0), 0.3, atol=0.02)
    matches = (view[:, None] == x[None]) | gone[:, None]
    assert matches.all(-1).any(-1).all()


def test_replicas_draw_apart():
    view = neighbor_views(sizes=(40,), n=6).draw(torch.zeros(2, 1, dtype=torch.long), generator())
    assert view.shape == (2, 1, 40)
    assert not torch.equal(view[0], view[1])


@pytest.mark.parametrize(
    ("n_samples", "n_clusters", "count"),
    [
        (100, None, 10),
        (100, 10, 7),
        (100, 5, 14),
        (1000, 5, 15),
        (30, 10, 5),
        (6, None, 5),
        (4, 2, 3),
        (3, 3, 2),
        (160, 12, 9),
    ],
)
def test_neighbor_count(n_samples, n_clusters, count):
    assert neighbor_count(n_samples, n_clusters) == count


def planted(n_each=12, seed=0):
    rng = np.random.default_rng(seed)
    truth = np.repeat([0, 1, 2], n_each)
    return [rng.normal(size=(3, p))[truth] * 3 + rng.normal(size=(3 * n_each, p)) for p in (20, 10)], truth


def test_fused_neighbors_are_probabilities_over_the_strongest():
    omics, truth = planted()
    neighbors, probabilities = fused_neighbors(omics, 5)
    fused = fuse([scaled_exponential_affinity(x) for x in omics])
    assert neighbors.shape == probabilities.shape == (36, 6)
    np.testing.assert_array_equal(neighbors[:, 0], np.arange(36))
    np.testing.assert_array_equal(probabilities[:, 0], SELF_WEIGHT)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert SELF_WEIGHT == 0.1
    for i in range(36):
        others = neighbors[i, 1:]
        assert i not in others
        assert len(set(others)) == 5
        assert fused[i, others].min() >= np.delete(fused[i], [i, *others]).max()
        np.testing.assert_allclose(probabilities[i, 1:], 0.9 * fused[i, others] / fused[i, others].sum())
    assert (truth[neighbors] == truth[:, None]).mean() > 0.98


def test_a_sample_may_have_all_others_as_neighbours():
    omics = [x[[0, 12, 24]] for x in planted()[0]]
    neighbors, probabilities = fused_neighbors(omics, neighbor_count(3, 3))
    assert [set(row) for row in neighbors.tolist()] == [{0, 1, 2}] * 3
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
