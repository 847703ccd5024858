import numpy as np
import pandas as pd
import pytest

from amucl.biology.survival import SURVIVAL_COLUMNS, logrank, survival_table
from amucl.errors import AmuclError
from tests.shared import needs_shared
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


@pytest.mark.parametrize(
    ("time", "event", "labels", "status"),
    [
        (TIME, EVENT * 0, LABELS, "no_events"),
        (TIME, EVENT, LABELS * 0, "single_group"),
        (TIME * np.nan, EVENT, LABELS, "no_survival"),
        (TIME.set_axis([f"q{i}" for i in range(12)]), EVENT, LABELS, "no_survival"),
        (None, None, LABELS, "no_survival"),
    ],
    ids=["censored only", "one group", "no times", "nobody matched", "no columns"],
)
def test_untestable_survival_has_a_reason(time, event, labels, status):
    table = survival_table("aml", "dmacl", 6, time, event, labels)
    assert list(table.columns) == SURVIVAL_COLUMNS
    (row,) = table.to_dict("records")
    assert row["status"] == status
    assert np.isnan([row["chi2"], row["df"], row["p_asymptotic"]]).all()
    assert (row["dataset"], row["method"], row["k"]) == ("aml", "dmacl", 6)
    assert row["n"] + row["n_dropped"] == 12


@pytest.mark.parametrize(
    ("time", "event", "message"),
    [
        (TIME.where(TIME.index != "p3", -4.0), EVENT, "sample p3: impossible survival time.*got -4.0"),
        (TIME, EVENT.where(EVENT.index != "p5", 2), "sample p5: impossible survival event.*got 2"),
    ],
)
def test_impossible_survival_is_named(time, event, message):
    with pytest.raises(AmuclError, match=message):
        logrank(time, event, LABELS)
