import itertools

import numpy as np
import pandas as pd
import pytest
from lifelines.statistics import multivariate_logrank_test
from scipy.stats import binomtest

from amucl.biology.survival import (
    SURVIVAL_COLUMNS,
    logrank,
    logrank_statistics,
    permutation_logrank,
    risk_sets,
    survival_over_k,
)
from amucl.cohort.sources.benchmark import read_benchmark
from amucl.errors import AmuclError
from tests.shared import MIRROR, needs_shared
from tests.unit.biology.leukemia import key_values, oracle

SAMPLES = [f"p{i}" for i in range(12)]
TIME = pd.Series([5.0, 8, 12, 3, 9, 20, 1, 2, 4, 6, 7, 0], index=SAMPLES)
EVENT = pd.Series([1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1], index=SAMPLES)
LABELS = pd.Series([0] * 6 + [1] * 6, index=SAMPLES)


def by_hand(time, event, in_first):
    """Mantel's chi-squared of two groups, death time by death time."""
    observed = expected = variance = 0.0
    for t in np.unique(time[event == 1]):
        at_risk, deaths = time >= t, (time == t) & (event == 1)
        n, n1, d = at_risk.sum(), (at_risk & in_first).sum(), deaths.sum()
        observed += (deaths & in_first).sum()
        expected += d * n1 / n
        if n > 1:
            variance += d * (n1 / n) * (1 - n1 / n) * (n - d) / (n - 1)
    return (observed - expected) ** 2 / variance


@needs_shared
def test_equals_r_survival_on_aml():
    patients = oracle("survival_aml_groups.tsv", "patient")
    expected = key_values("survival_aml_expected.tsv")
    result = logrank(patients["time"], patients["event"], patients["group"])
    assert result["chi2"] == pytest.approx(expected["logrank_chi2"], rel=1e-10)
    assert result["p_asymptotic"] == pytest.approx(expected["logrank_p"], rel=1e-10)
    assert result["df"] == 2


def test_two_groups_by_hand():
    result = logrank(TIME, EVENT, LABELS)
    assert result["chi2"] == pytest.approx(by_hand(TIME, EVENT, LABELS == 0), rel=1e-12)
    assert result["status"] == "ok"
    assert (result["n"], result["n_events"], result["min_cluster"], result["df"]) == (12, 9, 6, 1)


def test_unknown_survival_is_dropped_and_counted():
    time, event = TIME.copy(), EVENT.astype(float)
    time["p0"], event["p7"] = np.nan, np.nan
    result = logrank(time.drop("p11"), event, LABELS)
    assert (result["n"], result["n_dropped"], result["min_cluster"]) == (9, 3, 4)
    known = ["p0", "p7", "p11"]
    expected = logrank(TIME.drop(known), EVENT.drop(known), LABELS.drop(known))
    assert result["chi2"] == pytest.approx(expected["chi2"], rel=1e-12)


def test_order_of_samples_does_not_matter():
    shuffled = TIME.sample(frac=1, random_state=1)
    assert logrank(shuffled, EVENT, LABELS) == logrank(TIME, EVENT, LABELS)


def cohort(n, k, seed, effect=0.0):
    """Survival of `n` patients in `k` groups, in whole months, so that deaths and censorings are tied."""
    rng = np.random.default_rng(seed)
    samples = [f"p{i}" for i in range(n)]
    labels = pd.Series(rng.integers(1, k + 1, n), index=samples)
    time = pd.Series(np.floor(rng.exponential(12 * np.exp(-effect * labels))), index=samples)
    return time, pd.Series((rng.random(n) < 0.6).astype(float), index=samples), labels


@pytest.mark.parametrize("k", [2, 3, 7])
@pytest.mark.parametrize("seed", range(4))
def test_any_number_of_groups_as_lifelines(k, seed):
    time, event, labels = cohort(60, k, seed)
    expected = multivariate_logrank_test(time, labels, event)
    result = logrank(time, event, labels)
    assert result["chi2"] == pytest.approx(expected.test_statistic, rel=1e-9)
    assert result["p_asymptotic"] == pytest.approx(expected.p_value, rel=1e-9)


@pytest.mark.parametrize("n_early", [0, 20])
def test_permuted_statistics_are_those_of_the_permuted_labels(n_early):
    """Also where a permutation puts a whole group among the patients that are censored before the first death."""
    time, event, labels = cohort(40, 5, 7)
    time.iloc[:n_early], event.iloc[:n_early] = -1, 0
    time += 1
    groups = pd.factorize(labels.replace({5: 1}))[0]
    groups[:2] = 4
    permuted = np.random.default_rng(0).permuted(np.tile(groups, (25, 1)), axis=1)
    result = logrank_statistics(permuted, risk_sets(time.to_numpy(), event.to_numpy()))
    expected = [multivariate_logrank_test(time, row, event).test_statistic for row in permuted]
    np.testing.assert_allclose(result, expected, rtol=1e-9)


def test_a_group_never_at_risk_counts_nothing():
    time, event, labels = cohort(40, 2, 3)
    time += 1
    lost = pd.Series({"q1": 0.0, "q2": 0.0})
    with_lost = [pd.concat([a, b]) for a, b in ((time, lost), (event, lost), (labels, lost + 3))]
    result, expected = logrank(*with_lost), logrank(time, event, labels)
    assert (result["n"], result["df"]) == (42, 1)
    assert result["chi2"] == pytest.approx(expected["chi2"], rel=1e-12)
    assert result["p_asymptotic"] == pytest.approx(expected["p_asymptotic"], rel=1e-12)


def test_permutation_p_of_all_permutations():
    """Eight patients in two groups: the p-value is the share of the 70 groupings, ties as extreme."""
    samples = list("abcdefgh")
    time, event = pd.Series([1.0, 1, 2, 3, 4, 4, 5, 6], index=samples), pd.Series([1, 0, 1, 1, 1, 1, 0, 1], samples)
    labels = pd.Series([1, 1, 1, 2, 1, 2, 2, 2], index=samples)
    first = [list(members) for members in itertools.combinations(samples, 4)]
    chi2s = np.array([logrank(time, event, labels.index.isin(m) + pd.Series(0, samples))["chi2"] for m in first])
    exact = (chi2s >= logrank(time, event, labels)["chi2"] - 1e-9).mean()
    result = permutation_logrank(time, event, labels, max_permutations=50_000)
    assert result["p_low"] < exact < result["p_high"]
    assert result["p_permutation"] == pytest.approx(exact, abs=0.01)


def test_permutation_p_of_large_groups_is_the_asymptotic():
    result = permutation_logrank(*cohort(400, 3, 6, effect=0.03))
    assert 0.08 < result["p_asymptotic"] < 0.5
    assert result["p_permutation"] == pytest.approx(result["p_asymptotic"], rel=0.1)


def test_permutations_stop_by_the_rule():
    precise = permutation_logrank(*cohort(90, 3, 1))
    p, m = precise["p_permutation"], precise["n_permutations"]
    assert precise["stopped"] == "precise"
    assert m < 100_000
    extreme = round(p * (m + 1)) - 1
    assert p == (extreme + 1) / (m + 1)
    interval = binomtest(extreme, m).proportion_ci(method="exact")
    assert (precise["p_low"], precise["p_high"]) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert max(p - interval.low, interval.high - p) < min(p / 10, 0.01) * 1.01
    capped = permutation_logrank(*cohort(120, 3, 2, effect=1.0), max_permutations=2_500)
    assert (capped["n_permutations"], capped["stopped"]) == (2_500, "cap")
    assert capped["p_permutation"] == 1 / 2_501
    assert (capped["p_low"], capped["p_high"]) == pytest.approx((0, 1 - 0.025 ** (1 / 2_500)))


def test_permutations_follow_the_seed():
    survival = cohort(60, 3, 4)
    assert permutation_logrank(*survival, seed=1) == permutation_logrank(*survival, seed=1)
    assert permutation_logrank(*survival, seed=1) != permutation_logrank(*survival, seed=2)


@needs_shared
def test_asymptotic_p_of_a_small_cluster_is_too_small():
    """Kidney cancer, one patient who dies early as a cluster: the least p of a permutation is about 1 / n."""
    benchmark = MIRROR / "benchmark"
    survival = read_benchmark(benchmark / "kidney.zip", cancer="kidney", omics=["mirna"]).clinical
    known = survival.dropna()
    labels = pd.Series(np.random.default_rng(0).integers(1, 7, len(survival)), index=survival.index)
    labels[known["os_time"][known["os_event"] == 1].idxmin()] = 7
    result = permutation_logrank(survival["os_time"], survival["os_event"], labels)
    assert (result["n"], result["n_events"], result["min_cluster"]) == (252, 76, 1)
    assert result["p_asymptotic"] < 1e-40
    assert result["p_low"] < 1 / 252 < result["p_high"]


def test_table_over_k():
    time, event, truth = cohort(80, 2, 5, effect=1.0)
    rng = np.random.default_rng(0)
    shuffled = {f"k{k}": pd.Series(rng.permutation(truth), index=truth.index) for k in (3, 4)}
    labels = pd.DataFrame({"k2": truth} | shuffled).assign(k5=1)
    table = survival_over_k("aml", "dmacl", time, event, labels, seed=3, max_permutations=4_000)
    assert list(table.columns) == SURVIVAL_COLUMNS
    assert table["k"].tolist() == [2, 3, 4, 5]
    assert table["status"].tolist() == ["ok"] * 3 + ["single_group"]
    p = table["p_permutation"].tolist()[:3]
    assert p[0] < p[1] / 10
    expected = permutation_logrank(time, event, labels["k3"], seed=3, max_permutations=4_000)
    assert {name: table[name][1] for name in expected} == expected
    assert table["padj_bonferroni"].tolist()[:3] == [min(1, 3 * value) for value in p]
    in_order = sorted(p)
    largest = max(p)
    step_up = {
        value: min(largest, *(3 / (i + 1) * in_order[i] for i in range(in_order.index(value), 3))) for value in p
    }
    assert table["padj_bh"].tolist()[:3] == pytest.approx([step_up[value] for value in p])
    missing = ["chi2", "df", "p_asymptotic", "p_permutation", "n_permutations", "stopped", "padj_bh", "padj_bonferroni"]
    assert table.loc[3, missing].isna().all()


@pytest.mark.parametrize(
    ("time", "event", "labels", "status"),
    [
        (TIME, EVENT * 0, LABELS, "no_events"),
        (TIME, EVENT, LABELS * 0, "single_group"),
        (TIME, (TIME == 20).astype(int), LABELS, "no_comparison"),
        (TIME * 0 + 5, EVENT * 0 + 1, LABELS, "no_comparison"),
        (TIME * np.nan, EVENT, LABELS, "no_survival"),
        (TIME.set_axis([f"q{i}" for i in range(12)]), EVENT, LABELS, "no_survival"),
        (None, None, LABELS, "no_survival"),
    ],
    ids=["censored only", "one group", "one at risk", "one day", "no times", "nobody matched", "no columns"],
)
def test_untestable_survival_has_a_reason(time, event, labels, status):
    table = survival_over_k("aml", "dmacl", time, event, pd.DataFrame({"k2": labels, "k3": labels}))
    assert list(table.columns) == SURVIVAL_COLUMNS
    for row in table.to_dict("records"):
        assert row["status"] == status
        tests = SURVIVAL_COLUMNS[SURVIVAL_COLUMNS.index("chi2") : -1]
        assert all(pd.isna(row[name]) for name in tests)
        assert (row["dataset"], row["method"]) == ("aml", "dmacl")
        assert row["n"] + row["n_dropped"] == 12
    assert table["k"].tolist() == [2, 3]


@pytest.mark.parametrize(
    ("time", "event", "message"),
    [
        (TIME.where(TIME.index != "p3", -4.0), EVENT, "sample p3: impossible survival time.*got -4.0"),
        (TIME.where(TIME.index != "p3", np.inf), EVENT, "sample p3: impossible survival time.*got inf"),
        (TIME, EVENT.where(EVENT.index != "p5", 2), "sample p5: impossible survival event.*got 2"),
    ],
)
def test_impossible_survival_is_named(time, event, message):
    with pytest.raises(AmuclError, match=message):
        logrank(time, event, LABELS)
