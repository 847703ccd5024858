import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time
from scipy.optimize import minimize

from amucl.biology.hazards import OUTCOME_COLUMNS, adjustment, hazard_ratios, outcome_table, restricted_mean
from amucl.cohort.sources.benchmark import read_benchmark
from amucl.errors import AmuclError
from tests.shared import MIRROR, needs_shared
from tests.unit.biology.leukemia import key_values, oracle

HAZARD = ["hr", "hr_low", "hr_high", "hr_p"]
ADJUSTED = ["hr_adjusted", "hr_adjusted_low", "hr_adjusted_high", "hr_adjusted_p"]


@pytest.fixture(autouse=True)
def _no_warning_leaks():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def cohort(n=150, k=3, seed=0):
    """Patients of whom the older and those of higher subtype die sooner, in whole months, and their covariates."""
    rng = np.random.default_rng(seed)
    samples = [f"p{i}" for i in range(n)]
    labels = np.sort(rng.integers(1, k + 1, n))
    age = rng.normal(60, 10, n) + 3 * labels
    death = rng.exponential(60 * np.exp(-0.4 * labels - 0.03 * (age - 60)))
    censored = rng.exponential(60, n)
    known = pd.DataFrame(
        {"time": np.floor(np.minimum(death, censored)), "event": (death <= censored).astype(int), "label": labels},
        index=samples,
    )
    return known, pd.DataFrame({"age": age, "stage": rng.integers(1, 5, n).astype(float)}, index=samples)


def outcome(known, covariates=None):
    labels = known[["label"]].rename(columns={"label": "k3"})
    return outcome_table("aml", "dmacl", known["time"], known["event"], labels, covariates)


def efron_likelihood(beta, known, design):
    """Minus the log partial likelihood, death time by death time, tie by tie."""
    risk, total = np.exp(design @ beta), 0.0
    time, event = known["time"].to_numpy(), known["event"].to_numpy()
    for t in np.unique(time[event == 1]):
        dead = (time == t) & (event == 1)
        total += (design[dead] @ beta).sum()
        for tie in range(dead.sum()):
            total -= np.log(risk[time >= t].sum() - tie / dead.sum() * risk[dead].sum())
    return -total


@needs_shared
def test_hazard_ratios_equal_r_survival_on_aml():
    patients = oracle("survival_aml_groups.tsv", "patient")
    expected = key_values("survival_aml_expected.tsv")
    table = hazard_ratios(patients.rename(columns={"group": "label"}), 0)
    log_hr = np.log(table["hr"])
    assert log_hr[1] == pytest.approx(expected["cox_loghr_group1"], abs=1e-8)
    assert log_hr[2] == pytest.approx(expected["cox_loghr_group2"], abs=1e-8)


def test_hazard_ratios_maximise_the_partial_likelihood():
    known, covariates = cohort()
    table = outcome(known, covariates)
    indicators = np.stack([known["label"] == 2, known["label"] == 3], axis=1).astype(float)
    scaled = ((covariates - covariates.mean()) / covariates.std()).to_numpy()
    for design, column in ((indicators, "hr"), (np.hstack([indicators, scaled]), "hr_adjusted")):
        best = minimize(efron_likelihood, np.zeros(design.shape[1]), args=(known, design), method="BFGS")
        assert np.log(table[column][1:]).tolist() == pytest.approx(best.x[:2], abs=1e-4)
    assert (table["hr_adjusted"][1:] < table["hr"][1:]).all()
    assert table["status"].tolist() == ["reference", "ok", "ok"]
    assert set(table["adjusted_for"]) == {"age, stage"}
    assert set(table["n_adjusted"]) == {150}


def test_intervals_and_p_are_walds():
    known, covariates = cohort()
    table = outcome(known, covariates).loc[1:]
    for ratio, low, high, p in (HAZARD, ADJUSTED):
        error = (np.log(table[high]) - np.log(table[low])) / (2 * 1.959963984540054)
        np.testing.assert_allclose(np.sqrt(table[low] * table[high]), table[ratio])
        z = np.log(table[ratio]) / error
        np.testing.assert_allclose(table[p], 2 * (1 - np.vectorize(normal_cdf)(abs(z))), rtol=1e-6)
    reference = CoxPHFitter().fit(
        known[["time", "event"]].assign(s2=known["label"] == 2, s3=known["label"] == 3), "time", "event"
    )
    np.testing.assert_allclose(table["hr_low"], reference.summary["exp(coef) lower 95%"], rtol=1e-4)


def normal_cdf(z):
    x = np.linspace(-12, z, 400_001)
    return np.trapezoid(np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), x)


def test_the_reference_is_subtype_1():
    table = outcome(*cohort())
    assert table.loc[0, ["subtype", "hr", "hr_adjusted", "status"]].tolist() == [1, 1, 1, "reference"]
    assert table.loc[0, ["hr_low", "hr_high", "hr_p", *ADJUSTED[1:]]].isna().all()


def test_patients_who_lack_a_covariate_leave_the_adjusted_model_alone():
    known, covariates = cohort()
    covariates.loc["p3", "age"] = covariates.loc["p70", "stage"] = np.nan
    table = outcome(known, covariates.drop("p149"))
    assert set(table["n"]) == set(known["label"].value_counts())
    assert set(table["n_adjusted"]) == {147}
    complete = outcome(known.drop(["p3", "p70", "p149"]), covariates)
    np.testing.assert_allclose(table[ADJUSTED], complete[ADJUSTED], rtol=1e-6)
    np.testing.assert_allclose(table[HAZARD], outcome(known)[HAZARD], rtol=1e-6)


def test_a_subtype_that_died_out_does_not_end_the_comparison():
    known = pd.DataFrame(
        {"time": [10.0, 50, 5, 40, 3], "event": [1, 0, 1, 0, 1], "label": [1, 1, 2, 2, 3]},
        index=list("abcde"),
    )
    table = outcome(known).set_index("subtype")
    assert set(table["tau"]) == {40}
    assert table.loc[3, "rmst"] == 3
    everybody = outcome(known.assign(event=1))
    assert set(everybody["tau"]) == {50}


def test_restricted_mean_is_the_area_under_the_curve():
    known, _ = cohort()
    table = outcome(known)
    censored_last = [
        group.iloc[-1]["time"]
        for _, group in known.sort_values(["time", "event"]).groupby("label")
        if group.iloc[-1]["event"] == 0
    ]
    assert set(table["tau"]) == {min(censored_last)}
    for row in table.itertuples():
        group = known[known["label"] == row.subtype]
        curve = KaplanMeierFitter().fit(group["time"], group["event"])
        assert row.rmst == pytest.approx(restricted_mean_survival_time(curve, row.tau), rel=1e-9)
        grid = (np.arange(200_000) + 0.5) * row.tau / 200_000
        assert row.rmst == pytest.approx(curve.predict(grid).mean() * row.tau, rel=1e-5)
        assert row.rmst_high - row.rmst == pytest.approx(row.rmst - row.rmst_low, rel=1e-9)


def test_error_of_the_restricted_mean_integrates_greenwoods_covariance():
    known, _ = cohort()
    time, event, tau = known["time"].to_numpy(), known["event"].to_numpy(), 30.0
    grid = (np.arange(3_000) + 0.5) * tau / 3_000
    survival, greenwood = np.ones(3_000), np.zeros(3_000)
    for t in np.unique(time[event == 1]):
        n, d = (time >= t).sum(), ((time == t) & (event == 1)).sum()
        survival[grid > t] *= 1 - d / n
        greenwood[grid > t] += d / (n * (n - d))
    later = survival[::-1].cumsum()[::-1] - survival / 2
    variance = 2 * (survival * greenwood * later).sum() * (tau / 3_000) ** 2
    assert restricted_mean(time, event, tau)[1] == pytest.approx(np.sqrt(variance), rel=1e-3)


def test_restricted_mean_by_hand():
    """Survival 1 to day 2, 2/3 to day 4 and 1/3 to day 5; variance (10/6)^2 / 6 + (1/3)^2 / 2."""
    mean, error = restricted_mean(np.array([2.0, 4, 6]), np.array([1, 1, 0]), 5.0)
    assert mean == pytest.approx(2 + 4 / 3 + 1 / 3)
    assert error == pytest.approx(np.sqrt((5 / 3) ** 2 / 6 + 1 / 18))
    assert restricted_mean(np.array([2.0, 4, 6]), np.array([0, 0, 0]), 5.0) == (5, 0)


def test_a_subtype_without_deaths_has_no_ratio_and_leaves_the_others_alone():
    known, covariates = cohort()
    known.loc[known["label"] == 3, "event"] = 0
    table = outcome(known, covariates)
    assert table["status"].tolist() == ["reference", "ok", "no_events"]
    assert table.loc[2, [*HAZARD, *ADJUSTED]].isna().all()
    assert table.loc[2, "rmst"] == table.loc[2, "tau"]
    assert table.loc[2, ["rmst_low", "rmst_high"]].isna().all()
    limit = hazard_ratios(known.assign(event=known["event"].mask(known.index == "p149", 1)), 1)  # one late death
    assert table.loc[1, "hr"] == pytest.approx(limit.loc[2, "hr"], rel=0.05)
    alone = hazard_ratios(known[known["label"] < 3], 1)
    assert table.loc[1, HAZARD].tolist() == pytest.approx(alone.loc[2, HAZARD].tolist())


def test_one_patient_who_dies_first_of_all_is_separated():
    known, covariates = cohort()
    known["time"] += 1
    known.loc["p149", ["time", "event", "label"]] = 0, 1, 4
    table = outcome(known, covariates)
    assert table["status"].tolist() == ["reference", "ok", "ok", "separation"]
    np.testing.assert_allclose(table.loc[:2, HAZARD], outcome(known.drop("p149"))[HAZARD], rtol=1e-6)


def test_one_patient_who_dies_early_has_a_ratio():
    """The fit diverges from a start at 0."""
    known, _ = cohort(250, 6, seed=1)
    known["time"] += 1
    known.loc["p0", ["time", "event"]] = 0, 1
    known.loc["p249", ["time", "event", "label"]] = 0, 1, 7
    table = outcome(known)
    assert table["status"].tolist() == ["reference", *["ok"] * 6]
    indicators = np.stack([known["label"] == subtype for subtype in range(2, 8)], axis=1).astype(float)
    best = minimize(efron_likelihood, np.zeros(6), args=(known, indicators), method="BFGS")
    assert np.log(table["hr"][1:]).tolist() == pytest.approx(best.x, abs=1e-3)
    assert table["hr"][6] > 20


@pytest.mark.parametrize(
    ("change", "statuses"),
    [
        (lambda known: known.assign(event=0), ["reference", *["no_reference_events"] * 2]),
        (
            lambda known: known.assign(event=known["event"].where(known["label"] > 1, 0)),
            ["reference", *["no_reference_events"] * 2],
        ),
        (lambda known: known.assign(label=1), ["single_group"]),
        (lambda known: known.assign(time=np.nan), ["no_survival"] * 3),
        (
            lambda known: known.assign(time=known["time"].where(known["label"] > 1)),
            ["no_survival", "no_reference", "no_reference"],
        ),
        (
            lambda known: known.assign(time=known["time"].where(known["label"] < 3)),
            ["reference", "ok", "no_survival"],
        ),
    ],
    ids=["censored", "reference censored", "one group", "no times", "no reference", "a subtype without times"],
)
def test_a_ratio_that_cannot_be_had_has_a_reason(change, statuses):
    known, covariates = cohort()
    table = outcome(change(known), covariates)
    assert list(table.columns) == OUTCOME_COLUMNS
    assert table["status"].tolist() == statuses
    without = ~table["status"].isin(["ok", "reference"])
    assert table.loc[without, [*HAZARD, *ADJUSTED]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda numbers, known: numbers[["age"]] * 0 + 50, "constant_covariates"),
        (lambda numbers, known: numbers[["age"]] * np.nan, "unknown_covariates"),
        (lambda numbers, known: numbers.assign(age=numbers["age"].where(numbers.index == "")), "unknown_covariates"),
        (lambda numbers, known: numbers.assign(stage=2 * numbers["age"]), "not_converged"),
        (lambda numbers, known: numbers[["age"]].where(known["label"] == 1), "unknown_covariates"),
        (lambda numbers, known: numbers.where(known.groupby("label").cumcount() < 1), "too_few_events"),
    ],
    ids=["constant", "unknown", "one unknown", "collinear", "known in one subtype", "known for three"],
)
def test_an_adjusted_ratio_that_cannot_be_had_has_a_reason(change, reason):
    known, numbers = cohort()
    known = known.assign(time=known["time"].mask(known.groupby("label").cumcount() < 1, 3.0))
    known["event"] = known["event"].mask(known["time"] == 3, 1)
    table = outcome(known, change(numbers, known))
    assert table["status"].tolist() == ["reference", *[f"adjusted_{reason}"] * 2]
    assert table[ADJUSTED[1:]].isna().all(axis=None)
    assert table["hr_adjusted"][1:].isna().all()
    np.testing.assert_allclose(table[HAZARD], outcome(known)[HAZARD])


def test_a_constant_covariate_is_left_out():
    known, covariates = cohort()
    table = outcome(known, covariates.assign(stage=2.0))
    assert set(table["adjusted_for"]) == {"age"}
    np.testing.assert_allclose(table[ADJUSTED], outcome(known, covariates[["age"]])[ADJUSTED])


def separated_cohort():
    """Subtype 3, in which nobody dies, cannot be compared."""
    known, covariates = cohort()
    known.loc[known["label"] == 3, "event"] = 0
    return known, covariates, known["label"] < 3


def test_a_covariate_that_varies_only_among_patients_who_are_not_compared_is_left_out():
    known, covariates, compared = separated_cohort()
    table = outcome(known, covariates.assign(stage=covariates["stage"].mask(compared, 2.0)))
    assert set(table["adjusted_for"]) == {"age"}
    assert table["status"].tolist() == ["reference", "ok", "no_events"]
    np.testing.assert_allclose(table[ADJUSTED], outcome(known, covariates[["age"]])[ADJUSTED])


def test_without_another_covariate_nothing_is_adjusted():
    known, covariates, compared = separated_cohort()
    table = outcome(known, covariates[["stage"]].mask(compared, 2.0))
    assert table["status"].tolist() == ["reference", "adjusted_constant_covariates", "no_events"]
    assert set(table["adjusted_for"]) == {""}
    assert table["hr_adjusted"][1:].isna().all()


def test_when_all_die_at_once_no_subtype_is_ahead():
    known, covariates = cohort()
    table = outcome(known.assign(time=0.0, event=1), covariates)
    assert set(table["status"]) == {"reference", "ok"}
    np.testing.assert_allclose(table[["hr", "hr_adjusted"]], 1)
    assert (table["rmst"] == 0).all()


STATUSES = {
    "ok", "reference", "no_survival", "single_group", "no_reference", "no_reference_events", "no_events", "separation",
    "too_few_events", "not_converged",
}  # fmt: skip
ONLY_ADJUSTED = {"constant_covariates", "unknown_covariates"}


@st.composite
def small_cohorts(draw):
    """Few patients, tied and zero times, missing values, covariates that may be constant or follow the subtype."""
    n, last, levels = draw(st.integers(1, 14)), draw(st.integers(0, 4)), draw(st.integers(1, 3))

    def column(values, missing=()):
        return draw(st.lists(st.sampled_from([*values, *missing]), min_size=n, max_size=n))

    labels = column([1, 2, 3])
    known = pd.DataFrame({"time": column(range(last + 1), [None]), "event": column([0, 1, 1, 1]), "label": labels})
    covariates = pd.DataFrame({"age": column(range(50, 50 + levels), [None]), "stage": column([1, 2])})
    if draw(st.booleans()):
        covariates["stage"] = known["label"].clip(upper=2)
    return known.astype({"time": float, "event": float}), covariates.astype(float)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(small_cohorts())
def test_no_small_cohort_is_too_odd(drawn):
    known, covariates = drawn
    table = outcome(known, covariates)
    assert table["subtype"].tolist() == sorted(known["label"].unique())
    assert set(table["status"]) <= STATUSES | {f"adjusted_{reason}" for reason in STATUSES | ONLY_ADJUSTED}
    has_hr = table["status"].isin(["ok", "reference"]) | table["status"].str.startswith("adjusted_")
    assert (table["hr"].notna() == has_hr).all()
    assert table.loc[table["status"] == "ok", HAZARD].map(np.isfinite).all(axis=None)
    assert table.loc[table["status"] == "ok", "hr_adjusted"].notna().all()
    complete = known.join(covariates).dropna()
    assert set(table["n_adjusted"]) == {len(complete)}
    for name in table["adjusted_for"].iloc[0].split(", "):
        assert not name or complete[name].min() < complete[name].max()


def test_a_cohort_without_survival_has_a_row_for_every_subtype_of_every_k():
    labels = pd.DataFrame({"k2": [1, 2, 1], "k3": [1, 2, 3]}, index=list("abc"))
    table = outcome_table("aml", "dmacl", None, None, labels)
    assert table[["k", "subtype"]].to_numpy().tolist() == [[2, 1], [2, 2], [3, 1], [3, 2], [3, 3]]
    assert set(table["status"]) == {"no_survival"}
    assert (table[["n", "n_events", "n_adjusted"]] == 0).all(axis=None)
    assert table[["rmst", "tau", *HAZARD, *ADJUSTED]].isna().all(axis=None)


def test_impossible_survival_is_named():
    known, _ = cohort()
    known.loc["p5", "time"] = -1
    with pytest.raises(AmuclError, match="sample p5: impossible survival time"):
        outcome(known)


def test_age_and_stage_are_found():
    clinical = pd.DataFrame(
        {
            "age_at_initial_pathologic_diagnosis": [50.0, 60, np.nan, np.nan, 70, 80, 55, 66, 77, 88],
            "pathologic_stage": ["Stage I", "Stage IIA", "Stage IIIC2", "Stage IV", "Stage X", "[Discrepancy]", np.nan,
                                 "stage ivb", "Stage 0", "I/II NOS"],
            "clinical_stage": "Stage I",
        }
    )  # fmt: skip
    table = adjustment(clinical)
    pd.testing.assert_frame_equal(adjustment(clinical.astype({"pathologic_stage": "category"})), table)
    assert table["age"].tolist() == pytest.approx(clinical.iloc[:, 0].tolist(), nan_ok=True)
    expected = [1, 2, 3, 4, np.nan, np.nan, np.nan, 4, 0, np.nan]
    assert table["stage"].tolist() == pytest.approx(expected, nan_ok=True)


def test_a_column_known_for_few_is_passed_over():
    stage = ["not reported"] * 6 + ["stage ii"] * 4
    clinical = pd.DataFrame({"pathologic_stage": stage, "clinical_stage": ["Stage III"] * 5 + [None] * 5, "age": 50})
    assert adjustment(clinical).columns.tolist() == ["age", "stage"]
    assert adjustment(clinical)["stage"].dropna().tolist() == [3.0] * 5
    assert adjustment(clinical[["pathologic_stage"]]).columns.empty
    assert len(adjustment(clinical[["pathologic_stage"]])) == 10


@needs_shared
@pytest.mark.parametrize(
    ("cancer", "n", "n_survival", "n_events", "age", "stage"),
    [
        ("aml", 188, 176, 114, 188, None),
        ("breast", 348, 347, 48, 348, 339),
        ("colon", 220, 213, 50, 220, 211),
        ("gbm", 100, 100, 96, 100, None),
        ("kidney", 254, 252, 76, 254, 252),
        ("liver", 372, 366, 128, 371, 348),
        ("lung", 342, 338, 137, 336, 339),
        ("melanoma", 448, 437, 212, 440, 396),
        ("ovarian", 453, 451, 283, 453, 449),
        ("sarcoma", 259, 259, 98, 259, None),
    ],
)
def test_survival_age_and_stage_of_the_benchmarks_cancers(cancer, n, n_survival, n_events, age, stage):
    benchmark = MIRROR / "benchmark"
    clinical = read_benchmark(
        benchmark / f"{cancer}.zip", cancer=cancer, omics=["mirna"], clinical_archive=benchmark / "clinical.zip"
    ).clinical
    known = clinical[["os_time", "os_event"]].dropna()
    assert (len(clinical), len(known), known["os_event"].sum()) == (n, n_survival, n_events)
    found = adjustment(clinical).notna().sum()
    assert (found["age"], found.get("stage")) == (age, stage)
