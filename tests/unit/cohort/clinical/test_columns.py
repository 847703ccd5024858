"""Survival and covariates are found under the names people give them, and mean what they say."""

import itertools

import numpy as np
import pandas as pd
import pytest

from amucl.biology.clinical import find_labels
from amucl.biology.hazards import adjustment
from amucl.cohort.clinical.columns import canonical_clinical
from amucl.cohort.clinical.names import ENDPOINTS, squeezed
from amucl.cohort.clinical.values import ages, read_events, stages
from amucl.cohort.readers.tables import tidy_columns
from amucl.cohort.sources.registry import read_source
from amucl.errors import AmuclError
from tests.shared import SHARED, needs_shared

PATIENTS = [f"p{i}" for i in range(8)]
TIMES = np.array([30, 36.5, 70, 96, 90, 130, 12, 45])  # the longest is a possible time in any unit
EVENTS = np.array([1, 0, 1, 0, 1, 0, 1, 0], dtype=float)
MONTH, YEAR = 30.4375, 365.25


def table(**columns):
    return pd.DataFrame(columns, index=PATIENTS)


def named(names, *values):
    return pd.DataFrame(dict(zip(names, values, strict=True)), index=PATIENTS)


def words(event, censored):
    return np.where(EVENTS == 1, event, censored).astype(object)


def survival(clinical, setting=None, endpoint="os", **options):
    found = canonical_clinical(clinical, setting, **options)[0]
    return found[f"{endpoint}_time"].tolist(), found[f"{endpoint}_event"].tolist()


def notes(clinical, setting=None, **options):
    return {note.what: note for note in canonical_clinical(clinical, setting, **options)[2]}


# Overall survival by its names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "event", "days"),
    [
        ("os_time", "os_event", 1),
        ("OS.time", "OS", 1),
        ("OS_time", "OS_event", 1),
        ("OS-Time", "OS status", 1),
        ("OS", "OS_STATUS", 1),
        ("OS_MONTHS", "OS_STATUS", MONTH),
        ("osMo", "osStat", MONTH),
        ("OS (months)", "OS event", MONTH),
        ("OS.d", "OS.event", 1),
        ("OS_years", "OS", YEAR),
        ("os.weeks", "os", 7),
        ("months of overall survival", "overall survival status", MONTH),
        ("Overall Survival (Months)", "Overall Survival Status", MONTH),
        ("overall_survival", "vital_status", 1),
        ("survival_time", "survival_status", 1),
        ("survival_months", "vital_status", MONTH),
        ("survival_time_os", "event_occurred_os", 1),
        ("Survival..months.", "Vital.status..1.dead.", MONTH),
        ("futime", "fustat", 1),
        ("Survival", "Death", 1),
        ("follow_up_years", "dead", YEAR),
        ("days to death or last contact", "vital_status", 1),
        ("time", "status", 1),
        ("days", "status", 1),
        ("time_months", "event", MONTH),
    ],
)
def test_a_time_and_an_event_are_found(time, event, days):
    for names, values in (((time, event), (TIMES, EVENTS)), ((event, time), (EVENTS, TIMES))):
        assert survival(named(names, *values)) == ((TIMES * days).tolist(), EVENTS.tolist())


@pytest.mark.parametrize("separator", ["_", ".", " ", "-", ""])
@pytest.mark.parametrize("write", [str.lower, str.upper, str.title])
def test_case_and_separators_do_not_matter(separator, write):
    names = [write(separator.join(words)) for words in (("os", "months"), ("os", "status"), ("age", "at", "diagnosis"))]
    clinical = named(names, TIMES, words("DECEASED", "LIVING"), 50 + EVENTS)
    assert survival(clinical) == ((TIMES * MONTH).tolist(), EVENTS.tolist())
    assert find_labels(clinical) == {"age": names[2]}


def test_the_order_of_columns_does_not_matter():
    clinical = table(
        vital_status=words("Dead", "Alive"),
        days_to_death=np.where(EVENTS, TIMES, np.nan),
        days_to_last_follow_up=np.where(EVENTS, np.nan, TIMES),
        OS_MONTHS=TIMES,
        OS_STATUS=words("1:DECEASED", "0:LIVING"),
        time=TIMES + 1,
        status=1 - EVENTS,
    )
    expected = (TIMES * MONTH).tolist(), EVENTS.tolist()
    for order in itertools.islice(itertools.permutations(clinical.columns), 0, 5040, 97):
        assert survival(clinical[list(order)]) == expected


@pytest.mark.parametrize(
    ("event", "censored"),
    [
        ("1:DECEASED", "0:LIVING"),
        ("DECEASED", "LIVING"),
        ("Dead", "Alive"),
        ("dead", "alive"),
        ("yes", "no"),
        ("TRUE", "FALSE"),
        ("True", "False"),
        ("1", "0"),
        ("2", "1"),
        (True, False),
        (1, 0),
        (2.0, 1.0),
        ("Dead of other causes", "Alive with disease"),
        ("Deceased ", " Living"),
    ],
)
def test_words_of_death(event, censored):
    assert survival(table(OS_DAYS=TIMES, OS_STATUS=words(event, censored))) == (TIMES.tolist(), EVENTS.tolist())


def test_time_is_that_of_death_for_the_dead_and_of_the_last_follow_up_for_the_living():
    dead = EVENTS == 1
    clinical = pd.DataFrame(
        {
            "demographic.vital_status": words("Dead", "Alive"),
            "days_to_death.demographic": np.where(dead, TIMES, np.nan),
            "days_to_last_follow_up.diagnoses": np.where(dead, 1.0, TIMES - 5),
            "days_to_last_known_alive": np.where(dead, np.nan, TIMES),
        },
        index=PATIENTS,
    )
    assert survival(clinical) == (TIMES.tolist(), EVENTS.tolist())
    clinical.iloc[0, 1] = np.nan  # a death of an unknown day is not a death at the last follow-up
    time, event = survival(clinical)
    assert np.isnan(time[0])
    assert (time[1:], event) == (TIMES[1:].tolist(), EVENTS.tolist())
    assert "1 died on an unknown day" in notes(clinical)["survival columns"].note


def test_a_unit_column_tells_the_unit():
    clinical = table(survival_time=TIMES, survival_event=EVENTS, survival_unit="month")
    assert survival(clinical)[0] == (TIMES * MONTH).tolist()


@pytest.mark.parametrize("endpoint", [one for one in ENDPOINTS if one != "os"])
@pytest.mark.parametrize(
    ("time", "event", "days"), [("{}.time", "{}", 1), ("{}_MONTHS", "{}_STATUS", MONTH), ("{}_time", "{}_event", 1)]
)
def test_further_endpoints(endpoint, time, event, days):
    names = time.format(endpoint.upper()), event.format(endpoint.upper())
    clinical = named(names, TIMES, EVENTS)
    assert survival(clinical, endpoint=endpoint) == ((TIMES * days).tolist(), EVENTS.tolist())
    assert "os_time" not in canonical_clinical(clinical)[0]


@pytest.mark.parametrize(
    ("name", "event", "censored"),
    [
        ("pfs", "1:PROGRESSION", "0:CENSORED"),
        ("pfs", "1:Progressed", "0:Not Progressed"),
        ("dfs", "1:Recurred/Progressed", "0:DiseaseFree"),
        ("dfs", "Recurred/Progressed", "DiseaseFree"),
        ("rfs", "Relapse", "non-relapse"),
        ("dss", "1:DEAD WITH TUMOR", "0:ALIVE OR DEAD TUMOR FREE"),
        ("dss", "DEAD WITH TUMOR", "Dead of other causes"),
    ],
)
def test_words_of_further_events(name, event, censored):
    clinical = named((f"{name}_months", f"{name}_status"), TIMES, words(event, censored))
    assert survival(clinical, endpoint=name)[1] == EVENTS.tolist()


def test_columns_of_the_source_stay_and_canonical_ones_are_found_again():
    clinical = table(OS_MONTHS=TIMES, OS_STATUS=words("Dead", "Alive"), PFS_MONTHS=TIMES, PFS_STATUS=EVENTS)
    once, rows, _ = canonical_clinical(clinical)
    pd.testing.assert_frame_equal(once[clinical.columns], clinical)
    again, _, said = canonical_clinical(once)
    pd.testing.assert_frame_equal(again, once)
    assert {row["role"]: (row["column"], row["unit"], row["n_known"]) for row in rows} == {
        "os_time": ("OS_MONTHS", "months", 8),
        "os_event": ("OS_STATUS", "event: Dead", 8),
        "pfs_time": ("PFS_MONTHS", "months", 8),
        "pfs_event": ("PFS_STATUS", "event: 1", 8),
    }
    assert [note.what for note in said] == ["survival not used"]


def test_label_tables_are_looked_at_last():
    clinical = table(**{"tcga.OS.time": TIMES, "tcga.OS": EVENTS})
    assert survival(clinical, prefixes=["tcga"]) == (TIMES.tolist(), EVENTS.tolist())
    assert survival(clinical.assign(time=1 + TIMES, event=EVENTS), prefixes=["tcga"])[0] == (1 + TIMES).tolist()


# What is not guessed, and what is said --------------------------------------------------------------------------------


def test_what_was_used_is_said():
    clinical = table(OS_MONTHS=TIMES, OS_STATUS=words("1:DECEASED", "0:LIVING"), DAYS_LAST_FOLLOWUP=TIMES)
    said = notes(clinical)
    assert said["survival columns"].n == 8
    for part in (
        "time from OS_MONTHS (months of 30.4375 days)",
        "event from OS_STATUS (1:DECEASED)",
        "8 of 8",
        "4 events",
    ):
        assert part in said["survival columns"].note
    assert "DAYS_LAST_FOLLOWUP" in said["survival not used"].note


def test_nothing_is_said_of_columns_as_they_should_be():
    clinical = table(os_time=10 * TIMES, os_event=EVENTS, age=50 + EVENTS, sex=words("male", "female"), subtype="a")
    found, rows, said = canonical_clinical(clinical)
    assert found is clinical
    assert said == []
    assert [row["role"] for row in rows] == ["os_time", "os_event", "gender", "age"]


@pytest.mark.parametrize("name", ["os_time", "OS.time", "time"])
def test_short_times_of_no_unit_are_days_and_doubted(name):
    doubt = "survival: {unit: months}"
    short = table(**{name: TIMES, "os_event": EVENTS})
    assert survival(short)[0] == TIMES.tolist()
    assert any(doubt in note.note for note in notes(short).values())
    assert not any(doubt in note.note for note in notes(table(**{name: 10 * TIMES, "os_event": EVENTS})).values())
    assert not any(doubt in note.note for note in notes(table(OS_MONTHS=TIMES, OS=EVENTS)).values())


@pytest.mark.parametrize(
    "events",
    [
        np.array([0, 1, 2, 0, 1, 2, 0, 1]),  # competing risks
        np.array([2] * 8),
        words("Primary", "Recurrent"),
        np.array(["Relapse", "other"] * 4, dtype=object),  # what is not read may be the opposite
    ],
)
def test_events_that_could_mean_anything_are_not_guessed(events):
    clinical = table(OS_time=TIMES, OS_status=events)
    found, _, said = canonical_clinical(clinical)
    assert found is clinical
    (note,) = said
    assert (note.what, note.n) == ("survival not used", 2)
    assert "OS_time, OS_status" in note.note


def test_times_that_only_some_patients_have_as_numbers_are_not_used():
    written = [f"Deceased {t:g}" if e else f"{t:g}" for t, e in zip(TIMES, EVENTS, strict=True)]
    clinical = tidy_columns(table(days_to_death_or_last_contact=written, vital_status=words("Dead", "Alive")))
    assert "os_time" not in canonical_clinical(clinical)[0]


def test_unread_words_and_negative_times_are_unknown_and_counted():
    clinical = table(OS_DAYS=TIMES, OS_STATUS=words("Dead", "Alive"))
    clinical.loc["p1", "OS_STATUS"] = "lost"
    clinical.loc["p2", "OS_DAYS"] = -3
    clinical.loc["p6", "OS_DAYS"] = 0
    time, event = survival(clinical)
    assert np.isnan(event[1])
    assert np.isnan(time[2])
    assert time[6] == 0
    said = notes(clinical)["survival columns"]
    assert said.n == 6
    for part in (
        "1 cell of OS_STATUS read neither as",
        "lost",
        "negative times, taken as unknown, of 1 patient: p2",
    ):
        assert part in said.note


def test_a_time_longer_than_a_life_is_refused():
    clinical = table(OS_MONTHS=np.where(TIMES == 130, 2000.5, TIMES), OS=EVENTS)
    message = r"OS_MONTHS, sample p5: impossible survival; .*2000.5 months = .*survival: \{unit: days\}"
    with pytest.raises(AmuclError, match=message):
        canonical_clinical(clinical)
    assert survival(clinical, {"unit": "days"})[0] == clinical["OS_MONTHS"].tolist()


# As the user says -----------------------------------------------------------------------------------------------------


def test_the_configuration_goes_before_names():
    clinical = table(osMo=TIMES, grp=words("gone", "here"), OS_DAYS=1.0 + TIMES, OS_STATUS=1 - EVENTS)
    setting = {"time": "osMo", "event": "grp", "unit": "months", "event_values": ["gone"]}
    expected = (TIMES * MONTH).tolist(), EVENTS.tolist()
    assert survival(clinical, setting) == survival(clinical, {"os": setting}) == expected
    assert survival(clinical, setting, own_survival=True) == expected
    assert survival(clinical, {"unit": "years"})[0] == ((1 + TIMES) * YEAR).tolist()
    assert survival(clinical, {"time": "osMo"})[1] == (1 - EVENTS).tolist()
    assert "os_time" not in canonical_clinical(clinical, False)[0]
    pfs = {"pfs": setting}
    assert survival(clinical, pfs, endpoint="pfs") == expected
    assert survival(clinical, pfs)[1] == (1 - EVENTS).tolist()


def test_columns_of_the_canonical_names_can_be_described():
    clinical = table(os_time=TIMES, os_event=EVENTS + 1)
    found = canonical_clinical(
        clinical, {"time": "os_time", "event": "os_event", "unit": "months", "event_values": [2]}
    )[0]
    assert found["os_time"].tolist() == (TIMES * MONTH).tolist()
    assert found["os_event"].tolist() == EVENTS.tolist()
    assert found["os_time_clinical"].tolist() == TIMES.tolist()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"time": "os_moths"}, r"^survival.time: no such column in the clinical table \(did you mean OS_MONTHS"),
        ({"pfs": {"event": "grup"}}, r"^survival.pfs.event: no such column.*did you mean group"),
        ({"event": "group"}, "^survival: the event column cannot be read; .*got a, b"),
        (
            {"event": "group", "event_values": ["c"]},
            "no patient has an event of these values; expected some of a, b; got c",
        ),
        ({"pfs": {"event": "OS_STATUS"}}, "no survival of this description.*time is missing"),
    ],
)
def test_a_description_that_does_not_fit_is_one_line(setting, message):
    clinical = table(OS_MONTHS=TIMES, OS_STATUS=EVENTS, group=words("a", "b"))
    with pytest.raises(AmuclError, match=message):
        canonical_clinical(clinical, setting)


# Age, sex and stage ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "values", "years"),
    [
        ("AGE", [60, 71], [60, 71]),
        ("Age at diagnosis", [60.0, 71.0], [60, 71]),
        ("age_at_index.demographic", ["60", ">89"], [60, 89]),
        ("age_at_diagnosis", [60 * YEAR, 71 * YEAR], [60, 71]),
        ("days_to_birth", [-60 * YEAR, -71 * YEAR], [60, 71]),
        ("years_to_birth", [60, 71], [60, 71]),
        ("age_in_days", [30, 100], [30 / YEAR, 100 / YEAR]),
        ("age_months", [24, 30], [2, 2.5]),
    ],
)
def test_ages(name, values, years):
    clinical = pd.DataFrame({name: values})
    assert adjustment(clinical)["age"].tolist() == pytest.approx(years)
    assert find_labels(clinical) == {"age": name}


def test_ages_in_days_are_said():
    said = notes(table(age_at_diagnosis=20000.0 + TIMES))
    assert said["age unit"].n == 8
    assert "age_at_diagnosis is in days" in said["age unit"].note


STAGES = {
    0: ["Stage 0", "0"],
    1: ["AJCC stage I", "IA1", "FIGO Stage IC", "stage i"],
    2: ["Stage_II", "Stage 2B", "pStage II", "2"],
    3: ["Stage IIIA", "IIIA", "III", "stage iii", "3", 3, 3.0, "3.0", "FIGO IIIC2"],
    4: ["IV", "STAGE IVB", "Stage 4"],
    None: ["T3N1", "Stage X", "I/II NOS", "Tis", "Stage V", "5", 7, "not reported", np.nan, "Stage I-II", "G3", "M0"],
}


@pytest.mark.parametrize(("stage", "cell"), [(stage, cell) for stage, cells in STAGES.items() for cell in cells])
def test_stages(stage, cell):
    (found,) = stages(pd.Series([cell]))
    assert np.isnan(found) if stage is None else found == stage


@pytest.mark.parametrize(
    ("label", "names"),
    [
        ("gender", ["SEX", "gender", "Gender", "gender.demographic", "Sex"]),
        ("pathologic_stage", ["PATHOLOGIC_STAGE", "ajcc_pathologic_stage", "ajcc_pathologic_stage.diagnoses", "Stage",
                              "AJCC_PATHOLOGIC_TUMOR_STAGE", "tumor_stage", "Tumor.stage", "figo_stage"]),
        ("pathologic_T", ["pathologic_T", "ajcc_pathologic_t.diagnoses", "PATH_T_STAGE", "T.stage"]),
        ("pathologic_N", ["Pathologic N", "ajcc_pathologic_n", "PATH_N_STAGE"]),
        ("pathologic_M", ["PATHOLOGIC_M", "ajcc_pathologic_m", "PATH_M_STAGE"]),
    ],
)  # fmt: skip
def test_labels(label, names):
    for name in names:
        assert find_labels(pd.DataFrame({name: ["II", "III"]})) == {label: name}


def test_a_column_that_is_known_goes_before_a_preferred_one_that_is_not():
    clinical = table(pathologic_stage=[None] * 8, ajcc_pathologic_stage="Stage II", age=np.nan, days_to_birth=-20000.0)
    assert find_labels(clinical) == {"age": "days_to_birth", "pathologic_stage": "ajcc_pathologic_stage"}
    assert adjustment(clinical).notna().all(axis=None)


def test_no_column_of_another_kind_is_taken():
    names = [
        "stage_of_study",
        "page",
        "tissue",
        "percent_ageing",
        "sexual_history",
        "os_version",
        "timepoint",
        "PT",
        "T",
        "dose",
    ]
    found, rows, said = canonical_clinical(named(names, *[TIMES] * len(names)))
    assert (rows, said) == ([], [])
    assert list(found.columns) == names


# Whole files ----------------------------------------------------------------------------------------------------------


def write(folder, clinical):
    omic = pd.DataFrame(np.arange(24.0).reshape(3, 8), index=["g1", "g2", "g3"], columns=PATIENTS)
    omic.to_csv(folder / "rna.tsv", sep="\t")
    clinical.rename_axis("sample").to_csv(folder / "clinical.tsv", sep="\t")
    files = {"omics": [folder / "rna.tsv"], "clinical": folder / "clinical.tsv"}
    return lambda **entry: read_source({"source": "files"} | entry, ["rna"], files)


def test_a_cohort_of_files_has_its_survival(tmp_path):
    read = write(tmp_path, table(OS_MONTHS=TIMES, OS_STATUS=words("1:DECEASED", "0:LIVING"), AGE=60))
    raw = read()
    assert raw.clinical["os_time"].tolist() == (TIMES * MONTH).tolist()
    assert raw.clinical["os_event"].tolist() == EVENTS.tolist()
    assert [note.what for note in raw.notes] == ["survival columns"]
    assert [row["role"] for row in raw.clinical_columns] == ["os_time", "os_event", "age"]
    assert read(survival={"unit": "years"}).clinical["os_time"].tolist() == (TIMES * YEAR).tolist()


def test_declared_columns_of_words_are_read_and_of_other_numbers_described_or_refused(tmp_path):
    raw = write(tmp_path, table(os_time=TIMES, os_event=words("Dead", "Alive")))()
    assert raw.clinical["os_event"].tolist() == EVENTS.tolist()
    assert raw.clinical["os_event_clinical"].tolist() == words("Dead", "Alive").tolist()
    read = write(tmp_path, table(os_time=TIMES, os_event=EVENTS + 1))
    with pytest.raises(AmuclError, match="os_event, sample p0: impossible survival"):
        read()
    described = read(survival={"time": "os_time", "event": "os_event", "event_values": [2]})
    assert described.clinical["os_event"].tolist() == EVENTS.tolist()


REAL = {
    # table: endpoint -> patients with time and event, events
    "tcga_lgg": {"os": (509, 124), "pfi": (503, 188)},
    "tcga_paad": {"os": (177, 93), "pfi": (177, 103)},
    "tcga_gbm_iclusterplus": {"os": (84, 76)},
    "cll_drug_mutation": {"os": (184, 26)},
    "icb_mariathasan": {"os": (195, 128)},
    "ibd_franzosa": {},
    "nutrimouse": {},
    "tcga_chol_counts": {},
}


@needs_shared
@pytest.mark.parametrize("cohort", REAL)
def test_survival_of_real_cohorts(cohort):
    folder = SHARED / "real" / cohort
    clinical = tidy_columns(pd.read_csv(folder / "labels.tsv", sep="\t", index_col=0, dtype=str))
    found = canonical_clinical(clinical)[0]
    known = {one: found[[f"{one}_time", f"{one}_event"]].dropna() for one in ENDPOINTS if f"{one}_time" in found}
    assert {one: (len(rows), rows[f"{one}_event"].sum()) for one, rows in known.items()} == REAL[cohort]


@needs_shared
def test_survival_of_the_pan_cancer_table_as_it_stands():
    path = SHARED / "real" / "tcga_survival_and_covariates" / "tcga_surv.tsv.gz"
    clinical = tidy_columns(pd.read_csv(path, sep="\t", index_col=0, dtype=str))
    found = canonical_clinical(clinical)[0]
    for endpoint in ("os", "dss", "dfi", "pfi"):
        expected = clinical[f"{endpoint.upper()}.time"]
        assert found[f"{endpoint}_time"].equals(expected.mask(expected < 0).rename(f"{endpoint}_time"))
        assert found[f"{endpoint}_event"].equals(clinical[endpoint.upper()].rename(f"{endpoint}_event"))


@needs_shared
def test_days_and_status_of_subtype_gan():
    for path in sorted((SHARED / "real" / "published" / "subtype_gan").glob("*.clinic.csv")):
        clinical = tidy_columns(pd.read_csv(path, index_col=0, dtype=str, na_values=["[Not Available]"]))
        found, rows, _ = canonical_clinical(clinical[~clinical.index.duplicated()])
        assert {row["role"]: row["column"] for row in rows[:2]} == {"os_time": "days", "os_event": "status"}, path
        assert found["os_event"].sum() > 0


@needs_shared
def test_cbioportal_of_kidney_cancer():
    path = SHARED / "formats" / "cbioportal" / "kirc_tcga_partial" / "data_clinical_patient.txt"
    clinical = tidy_columns(pd.read_csv(path, sep="\t", index_col=0, dtype=str, comment="#"))
    found = canonical_clinical(clinical)[0]
    first = found.loc["TCGA-3Z-A93Z"]
    assert (round(first["os_time"]), first["os_event"], first["DAYS_LAST_FOLLOWUP"]) == (385, 0, 385)
    assert found[[f"{one}_event" for one in ("os", "dss", "pfs", "dfs")]].sum().tolist() == [170, 108, 159, 15]
    assert adjustment(found).notna().all(axis=None)


@pytest.mark.parametrize("name", ["alive", "is_alive", "Still.Alive"])
def test_a_column_of_who_is_alive_is_no_event_and_named(name):
    clinical, _, notes = canonical_clinical(named(("OS_days", name), TIMES, 1 - EVENTS), None)
    assert "os_event" not in clinical
    (note,) = notes
    assert f"columns that look like survival and were not used: OS_days, {name}" in note.note


# The parts ------------------------------------------------------------------------------------------------------------


def test_names_are_compared_without_case_and_separators():
    assert {squeezed(name) for name in ("OS.time", "os_Time", "OS time", "os-time", "(OS) [time]")} == {"ostime"}


def test_a_name_can_say_what_its_values_mean():
    clinical = named(("OS_days", "vital_status (1=alive, 2=dead)"), TIMES, EVENTS + 1)
    assert survival(clinical)[1] == EVENTS.tolist()
    inverted = named(("OS_days", "vital status (0 = dead, 1 = alive)"), TIMES, 1 - EVENTS)
    assert survival(inverted)[1] == EVENTS.tolist()


def test_rows_of_one_id_are_read_each():
    cells = pd.Series(["Dead", None, "Alive"], index=["a", "a", "b"])
    assert read_events(cells).codes.tolist() == pytest.approx([1, np.nan, 0], nan_ok=True)
    assert ages(pd.Series([np.nan, 50], name="age")).tolist() == pytest.approx([np.nan, 50], nan_ok=True)


def test_covariates_of_the_configuration_go_before_names():
    clinical = table(dx=20000.0 + TIMES, AGE=1.0, st="IIIA", pathologic_stage="I", s=words("f", "m"))
    given = {"age": "dx", "stage": "st", "sex": "s"}
    found, rows, _ = canonical_clinical(clinical, covariates=given)
    assert adjustment(found)["age"].tolist() == pytest.approx(((20000 + TIMES) / YEAR).tolist())
    assert adjustment(found)["stage"].tolist() == [3] * 8
    assert find_labels(found) == {
        "age": "age_covariate",
        "pathologic_stage": "stage_covariate",
        "gender": "sex_covariate",
    }
    assert {row["role"]: row["column"] for row in rows} == {"gender": "s", "age": "dx", "pathologic_stage": "st"}
    months = canonical_clinical(table(lived_months=TIMES), covariates={"age": "lived_months"})[0]
    assert adjustment(months)["age"].tolist() == pytest.approx((TIMES * MONTH / YEAR).tolist())
    with pytest.raises(AmuclError, match=r"^covariates.age: no such column.*did you mean AGE"):
        canonical_clinical(clinical, covariates={"age": "ages"})


def test_of_a_code_and_its_word_the_word_says_who_died():
    clinical = table(OS_MONTHS=TIMES, OS_STATUS=words("0:DECEASED", "1:LIVING"))
    assert survival(clinical)[1] == EVENTS.tolist()
    assert "0:DECEASED" in notes(clinical)["survival columns"].note
    other = table(PFS_MONTHS=TIMES, PFS_STATUS=words("1:PROGRESSION", "0:Dead without it"))
    assert survival(other, endpoint="pfs")[1] == EVENTS.tolist()


@pytest.mark.parametrize("status", [[2] * 8, [0, 1, 2, 1, 0, 1, 2, 1], [-1, 1] * 4])
def test_a_time_and_a_status_that_cannot_be_read_are_named(status):
    note = notes(table(time=TIMES, status=status))["survival not used"]
    assert "no survival was found" in note.note
    assert "time, status" in note.note
    assert "survival not used" not in notes(table(time=TIMES))


def test_cells_of_age_and_stage_that_say_neither_are_counted_and_nobody_is_999():
    aged = notes(table(AGE=["45 years", "50", "45-49", *["60"] * 5]))["covariates not read"]
    assert aged.n == 2
    assert "2 of 8 cells of AGE" in aged.note
    assert "45 years" in aged.note
    assert ages(table(age=[999, -1, 50, 60, 70, 80, 90, 0])["age"]).isna().tolist() == [True] * 2 + [False] * 6
    staged = notes(table(stage=["T2N0M0", "IIIA/B", *["Stage II"] * 6]))["covariates not read"]
    assert staged.n == 2
    assert "T2N0M0" in staged.note
    assert "covariates not read" not in notes(table(age=[50.0, np.nan] * 4, stage=["IIIA", None] * 4))
