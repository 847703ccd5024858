import numpy as np
import pytest
from scipy.stats import binomtest

from amucl.biology.permutation import clopper_pearson, first_batch, permutation_p


class Uniform:
    """Permuted statistics uniform on [10, 11), and a record of what was asked."""

    def __init__(self, seed=0):
        self.rng, self.asked, self.drawn = np.random.default_rng(seed), [], []

    def __call__(self, m):
        self.asked.append(m)
        self.drawn.append(10 + self.rng.random(m))
        return self.drawn[-1]


def settled(extreme, n):
    """The benchmark's rule, from another library's interval."""
    interval = binomtest(extreme, n).proportion_ci(method="exact")
    p = extreme / n
    narrow = interval.high - p < min(p / 10, 0.01) and p - interval.low < min(p / 10, 0.01)
    return narrow and not interval.low < 0.05 < interval.high


@pytest.mark.parametrize("p", [0.9, 0.5, 0.2, 0.06, 0.02, 0.004])
def test_it_stops_at_the_first_look_that_satisfies_the_rule(p):
    draw = Uniform()
    found = permutation_p(draw, 11 - p, first=1000, max_permutations=1_000_000, chunk=1_000_000)
    values = np.concatenate(draw.drawn)
    looks = np.cumsum(draw.asked)
    extreme = [(values[:n] >= 11 - p).sum() for n in looks]
    assert [settled(*look) for look in zip(extreme, looks, strict=True)] == [False] * (len(looks) - 1) + [True]
    assert (found.n, found.stopped) == (len(values), "precise")
    assert found.p == (extreme[-1] + 1) / (found.n + 1)
    assert found.low < p < found.high
    assert abs(found.p - p) < min(p / 10, 0.01)


def test_batches_double_up_to_a_hundred_thousand():
    draw = Uniform()
    permutation_p(draw, 12, first=30_000, max_permutations=400_000, chunk=1_000_000)
    assert draw.asked == [30_000, 30_000, 60_000, 100_000, 100_000, 80_000]


@pytest.mark.parametrize(("observed", "low"), [(11 - 0.05, 0.04), (12, 0)])
def test_the_cap_ends_what_never_settles(observed, low):
    """A p on the threshold, and one too small to be seen."""
    found = permutation_p(Uniform(), observed, first=1000, max_permutations=20_000)
    assert (found.n, found.stopped) == (20_000, "cap")
    assert found.low >= low
    assert found.p >= 1 / 20_001


def test_the_first_batch_is_capped_too():
    draw = Uniform()
    assert permutation_p(draw, 12, first=1_000_000, max_permutations=500).n == 500


def test_no_more_than_a_chunk_is_asked_for_at_once():
    draw = Uniform()
    found = permutation_p(draw, 10.5, first=1000, max_permutations=50_000, chunk=300)
    assert max(draw.asked) == 300
    assert sum(draw.asked) == found.n
    whole = permutation_p(Uniform(), 10.5, first=1000, max_permutations=50_000)
    assert whole == found


def test_a_tie_up_to_rounding_is_extreme():
    found = permutation_p(
        lambda m: np.full(m, 0.1 + 0.2 + 0.3), 0.3 + 0.2 + 0.1 + 1e-15, first=1000, max_permutations=1000
    )
    assert found.p == found.high == 1
    assert permutation_p(lambda m: np.full(m, -1e-13), 0.0, first=1000, max_permutations=1000).p == 1


@pytest.mark.parametrize(
    ("p", "expected"), [(1, 1000), (0.02, 1000), (1e-3, 10_000), (2e-5, 500_000), (1e-9, 1_000_000), (0, 1_000_000)]
)
def test_first_batch(p, expected):
    assert first_batch(p) == expected


@pytest.mark.parametrize(("successes", "n"), [(0, 10), (10, 10), (1, 10), (37, 1000), (999, 100_000)])
def test_interval_equals_scipys(successes, n):
    expected = binomtest(successes, n).proportion_ci(method="exact")
    assert clopper_pearson(successes, n) == pytest.approx((expected.low, expected.high), rel=1e-8, abs=1e-15)
