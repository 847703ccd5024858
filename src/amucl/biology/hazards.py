"""How long do the subtypes live, and how do their hazards compare once age and stage are taken into account?"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceError, ConvergenceWarning
from scipy import stats
from scipy.sparse.csgraph import connected_components

from amucl.biology.survival import complete_survival, risk_sets
from amucl.cohort.clinical.names import label_columns
from amucl.cohort.clinical.values import ages, stages
from amucl.labels import k_of, subtype_order

OUTCOME_COLUMNS = [
    "dataset", "method", "k", "subtype", "n", "n_events", "rmst", "rmst_low", "rmst_high", "tau",
    "hr", "hr_low", "hr_high", "hr_p", "hr_adjusted", "hr_adjusted_low", "hr_adjusted_high", "hr_adjusted_p",
    "adjusted_for", "n_adjusted", "status", "adjusted_status",
]  # fmt: skip

_HAZARD = ["hr", "hr_low", "hr_high", "hr_p"]


def outcome_table(
    dataset: str,
    method: str,
    time: pd.Series | None,
    event: pd.Series | None,
    labels: pd.DataFrame,
    covariates: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Restricted mean survival time and Cox hazard ratio of every subtype of every k.

    The restricted mean is the area under the Kaplan-Meier curve up to tau, the same for all subtypes, as means up to
    different times do not compare: the last time at which every curve is known. A curve ends with the last patient who
    is censored; one that ends with a death is 0 from there on. A subtype that is lost early shortens tau for all.

    Hazard ratios compare with subtype 1, the largest, alone (hr) and with the covariates in the model (hr_adjusted).

    Parameters
    ----------
    time, event : as in `amucl.biology.survival.logrank`; None where the cohort has none.
    labels : samples x (k2, k3, ...), the clusters.
    covariates : samples x numbers, as `adjustment` gives; patients who lack one leave the adjusted model.

    Returns
    -------
    One row per k and subtype, columns `OUTCOME_COLUMNS`, with 95 % confidence intervals and Wald p-values; times in the
    unit of `time`. An interval of rmst is missing where no variance can be estimated (nobody died before tau).
    adjusted_for names the covariates of the adjusted model, those that vary among the patients compared; n_adjusted
    counts the patients for whom all covariates are known. The status is that of `hazard_ratios`, or ``no_survival`` (no
    patient with a known time and event). Where hr is there and only hr_adjusted is missing, the reason follows
    ``adjusted_``: one of the same or ``unknown_covariates`` (no patient of the subtype has them all). adjusted_status
    is the same of the adjusted ratio alone, and ``no_covariates`` where neither age nor stage is known for half of the
    patients: hr is then all there is.
    """
    tables = [
        _outcome(complete_survival(time, event, clusters), subtype_order(clusters.dropna()), covariates).assign(
            dataset=dataset, method=method, k=k_of(name)
        )
        for name, clusters in labels.items()
    ]
    return pd.concat(tables, ignore_index=True)[OUTCOME_COLUMNS]


def adjustment(clinical: pd.DataFrame) -> pd.DataFrame:
    """Age (years) and stage (0 to 4) of the patients, for the adjusted model.

    Each comes from the first column of its names (resources/clinical_columns.yaml; the clinical stage where there is no
    other) that is known for half of the patients or more, and is left out where none is. Ages in days become years.
    Stages lose their letter (``Stage IIIA`` is 3); any other word (``Stage X``, ``not reported``, ``I/II NOS``) is
    unknown.

    Parameters
    ----------
    clinical : patients x columns.

    Returns
    -------
    patients x those of age and stage that were found, float, NaN where unknown.
    """
    found = {}
    for name, labels, parse in (("age", ["age"], ages), ("stage", ["pathologic_stage", "clinical_stage"], stages)):
        columns = [column for label in labels for column in label_columns(label, clinical.columns)]
        known = (parse(clinical[column]) for column in columns)
        enough = [values for values in known if values.notna().sum() * 2 >= len(values)]
        if enough:
            found[name] = enough[0]
    return pd.DataFrame(found, index=clinical.index, dtype=float)


def restricted_mean(time: np.ndarray, event: np.ndarray, tau: float) -> tuple[float, float]:
    """Mean survival time restricted to `tau`, the area under the Kaplan-Meier curve, and its standard error.

    Its variance is the sum over the death times t up to `tau` of A(t)^2 d / (n (n - d)), with A(t) the area from t to
    `tau`, d deaths and n at risk (Greenwood's).

    References
    ----------
    Klein, J. P. & Moeschberger, M. L. (2003). Survival Analysis, 2nd edition, section 4.5.
    """
    deaths, d = np.unique(time[(event == 1) & (time <= tau)], return_counts=True)
    n = len(time) - np.searchsorted(np.sort(time), deaths)
    steps = np.concatenate([[1.0], np.cumprod(1 - d / n)]) * np.diff(np.concatenate([[0.0], deaths, [tau]]))
    after = steps[:0:-1].cumsum()[::-1]
    variance = (after**2 * d / (n * np.maximum(n - d, 1))).sum()  # where all die, nothing comes after
    return steps.sum(), np.sqrt(variance)


def hazard_ratios(known: pd.DataFrame, reference, covariates: Sequence[str] = ()) -> pd.DataFrame:
    """Cox proportional hazards of each subtype against `reference`; ties as Efron.

    A ratio has a finite estimate only for subtypes that cannot be told apart from the reference by order of death: two
    subtypes of which each has a death while the other has patients at risk, or that are linked by such steps through
    others. The remaining subtypes, of infinite or zero hazard ratio, are left out of the model, which is its limit.

    Parameters
    ----------
    known : patients x time, event, label and the covariates, nothing missing.
    covariates : columns with numbers that are in the model as well, where they vary among the patients in it.

    Returns
    -------
    A row per subtype: hr, its 95 % confidence interval hr_low and hr_high, Wald p-value hr_p, adjusted_for (names of
    the covariates in the model) and status: ``ok``; ``reference`` (hr 1); or, with hr missing, ``single_group``,
    ``no_reference`` (no patient of the reference), ``no_reference_events``, ``no_events``, ``separation`` (infinite or
    zero hr in spite of deaths), ``constant_covariates`` (none varies), ``too_few_events`` (fewer than parameters) or
    ``not_converged``.

    References
    ----------
    Cox, D. R. (1972). Regression models and life-tables. Efron, B. (1977). The efficiency of Cox's likelihood function
    for censored data. Journal of the American Statistical Association 72:557.
    """
    table = pd.DataFrame(np.nan, index=subtype_order(known["label"]), columns=_HAZARD)
    table = table.assign(adjusted_for="", status="separation")
    events = known.groupby("label")["event"].sum()
    table.loc[events.index[events == 0], "status"] = "no_events"
    if len(table) < 2:
        return table.assign(status="single_group")
    if reference not in table.index:
        return table.assign(status="no_reference")
    if not events[reference]:
        table["status"] = "no_reference_events"
    table.loc[reference, ["hr", "status"]] = 1.0, "reference"
    linked = _linked(known, reference)
    others = [subtype for subtype in table.index if subtype in linked and subtype != reference]
    if others:
        model = known[known["label"].isin(linked)]
        varying = [name for name in covariates if model[name].min() < model[name].max()]
        table["adjusted_for"] = ", ".join(varying)
        if len(varying) or not len(covariates):
            table.loc[others, "status"], table.loc[others, _HAZARD] = _fit(model, reference, others, varying)
        else:
            table.loc[others, "status"] = "constant_covariates"
    return table


def _outcome(known: pd.DataFrame, subtypes: list, covariates: pd.DataFrame | None) -> pd.DataFrame:
    """The rows of one k, but for its key columns."""
    groups = known.groupby("label")
    table = pd.DataFrame(index=pd.Index(subtypes, name="subtype"))
    table["n"] = groups.size().reindex(subtypes, fill_value=0)
    table["n_events"] = groups["event"].sum().reindex(subtypes, fill_value=0).astype(int)
    table["tau"] = _common_follow_up(known)
    table = table.join(_restricted_means(groups, table["tau"].iloc[0]))
    crude = _compared(known, subtypes, (), "no_survival")
    adjusted = pd.DataFrame(index=table.index, columns=_HAZARD, dtype=float).assign(
        adjusted_for="", n_adjusted=0, status="no_covariates" if len(known) else "no_survival"
    )
    if covariates is not None and len(covariates.columns):
        complete = known.join(covariates).dropna()
        adjusted = _compared(complete, subtypes, list(covariates), "unknown_covariates").assign(
            n_adjusted=len(complete)
        )
        failed = (crude["status"] == "ok") & (adjusted["status"] != "ok")
        crude.loc[failed, "status"] = "adjusted_" + adjusted["status"]
    names = {name: name.replace("hr", "hr_adjusted") for name in _HAZARD} | {"status": "adjusted_status"}
    return table.join(crude[[*_HAZARD, "status"]]).join(adjusted.rename(columns=names)).reset_index()


def _common_follow_up(known: pd.DataFrame) -> float:
    """The last time at which the survival of every subtype is known, NaN without patients."""
    last = known.sort_values(["time", "event"]).groupby("label").tail(1)
    open_ended = last[last["event"] == 0]
    return (open_ended["time"] if len(open_ended) else last["time"].tail(1)).min()


def _compared(known: pd.DataFrame, subtypes: list, covariates: Sequence[str], absent: str) -> pd.DataFrame:
    """`hazard_ratios` against the first of `subtypes`, with the status `absent` for those without a patient."""
    table = hazard_ratios(known, subtypes[0], covariates).reindex(subtypes)
    return table.fillna({"adjusted_for": "", "status": absent})


def _restricted_means(groups, tau: float) -> pd.DataFrame:
    rows = {}
    for subtype, group in groups:
        mean, error = restricted_mean(group["time"].to_numpy(), group["event"].to_numpy(), tau)
        half = stats.norm.ppf(0.975) * error if error > 0 else np.nan
        rows[subtype] = mean, *np.clip([mean - half, mean + half], 0, tau)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["rmst", "rmst_low", "rmst_high"], dtype=float)


def _linked(known: pd.DataFrame, reference) -> set:
    """The subtypes whose hazard ratio against `reference` is finite, and `reference` itself.

    The likelihood grows without end along any direction in which everybody who dies is never below anybody then at
    risk; there is none within a strongly connected part of the graph "has a death while the other has patients at
    risk", as for paired comparisons (Ford, American Mathematical Monthly 64(8):28, 1957).
    """
    last = known.groupby("label")["time"].max()
    first_death = known[known["event"] == 1].groupby("label")["time"].min().reindex(last.index, fill_value=np.inf)
    part = connected_components(first_death.to_numpy()[:, None] <= last.to_numpy(), connection="strong")[1]
    return set(last.index[part == part[last.index.get_loc(reference)]])


def _fit(model: pd.DataFrame, reference, others: list, covariates: list[str]) -> tuple[str, np.ndarray | float]:
    """Status; ratio, confidence bounds and p of `others` (rows), or NaN."""
    if model["event"].sum() < len(others) + len(covariates):
        return "too_few_events", np.nan
    indicators = pd.DataFrame({f"subtype {subtype}": model["label"] == subtype for subtype in others}).astype(float)
    design = indicators.join((model[covariates] - model[covariates].mean()) / model[covariates].std())
    fitter = CoxPHFitter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            fitter.fit(
                design.join(model[["time", "event"]]),
                "time",
                "event",
                initial_point=_start(model, reference, others, design),
                fit_options={"precision": 1e-10, "r_precision": 1e-12},
            )
        except (ConvergenceError, ConvergenceWarning, np.linalg.LinAlgError):
            return "not_converged", np.nan
    columns = ["exp(coef)", "exp(coef) lower 95%", "exp(coef) upper 95%", "p"]
    return "ok", fitter.summary.loc[indicators.columns, columns].to_numpy()


def _start(model: pd.DataFrame, reference, others: list, design: pd.DataFrame) -> np.ndarray:
    """Coefficients to start from, in standard deviations of `design`: ratios of observed over expected deaths.

    From 0, Newton's method diverges for a subtype of one patient who dies early.
    """
    event = model["event"].to_numpy(dtype=float)
    expected = pd.Series(event - risk_sets(model["time"].to_numpy(dtype=float), event).residual, index=model.index)
    excess = np.log(model["event"].groupby(model["label"]).sum() / expected.groupby(model["label"]).sum())
    start = np.zeros(design.shape[1])
    start[: len(others)] = (excess[others] - excess[reference]).to_numpy()
    return start * design.std().to_numpy()
