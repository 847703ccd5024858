import zipfile
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.cohort import RawCohort, assemble, read_cohort, truth, write_cohort
from amucl.cohort.ids.barcodes import NORMAL_TYPES, parse_barcode
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.sources.joined import join_cohorts
from amucl.cohort.sources.registry import read_source
from amucl.config import archive_path, load_registry, resolve
from amucl.errors import AmuclError
from tests.shared import MIRROR, REPOSITORY, needs_shared


def make_archive(path, site, mirna, *, normals=0, survival=True):
    """A benchmark archive: miRNA -> values of patients 0001, 0002, ...; then normals of the first patients."""
    n = len(next(iter(mirna.values())))
    header = [f"TCGA.{site}.{i + 1:04}.01" for i in range(n)] + [f"TCGA.{site}.{i + 1:04}.11" for i in range(normals)]
    rows = [" ".join([f'"{name}"', *map(str, [*values, *values[:normals]])]) for name, values in mirna.items()]
    days = [f"TCGA-{site}-{i + 1:04}-01\t{10 * (i + 1)}\t{i % 2}" for i in range(n if survival else 1)]
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("mirna", "\n".join([" ".join(f'"{name}"' for name in header), *rows]) + "\n")
        opened.writestr("survival", "\n".join(["PatientID\tSurvival\tDeath", *days]) + "\n")
    return path


def make_clinical(path, tables):
    with zipfile.ZipFile(path, "w") as opened:
        for cancer, text in tables.items():
            opened.writestr(f"clinical/{cancer}", text)
    return path


LUNG = {"hsa.let.7a.1": [1, 2, 3], "hsa.mir.99b": [4, 5, 6], "hsa.mir.21": [7, 8, 9], "hsa.mir.1": [1, 1, 1]}
COLON = {"hsa-mir-21": [10, 20], "HSA-LET-7A-1": [30, 40], "hsa-mir-5": [0, 0], "hsa-miR-99b": [50, 60]}
LUNG_CLINICAL = (
    "sampleID\tgender\tsmoking\tcancer\tweight\nTCGA-AA-0001-01\tF\t3\tyes\t70.5\nTCGA-AA-0002-01\tM\t4\tno\t\n"
    "TCGA-AA-0003-01\tF\t\tno\t81\nTCGA-AA-0009-01\tM\t2\tno\t80\n"
)
COLON_CLINICAL = "sampleID\tsmoking\tpolyps\tgender\nTCGA-BB-0001-01\tno longer\t2\tM\nTCGA-BB-0002-01\t3\t0\tM\n"


@pytest.fixture
def two(tmp_path):
    """Entry and files of a joined dataset as the workflow gives them: two dialects, one normal, two clinical tables."""
    clinical = make_clinical(tmp_path / "clinical.zip", {"lung": LUNG_CLINICAL, "colon": COLON_CLINICAL})
    files = {
        "lung.archive": make_archive(tmp_path / "lung.zip", "AA", LUNG, normals=1),
        "lung.clinical": clinical,
        "colon.archive": make_archive(tmp_path / "colon.zip", "BB", COLON, survival=False),
        "colon.clinical": clinical,
    }
    members = {name: {"source": "benchmark", "cancer": name, "omics": ["mirna"]} for name in ("lung", "colon")}
    return {"source": "joined", "members": members}, files


def read(two, omics=("mirna",)):
    return read_source(two[0], list(omics), two[1])


def plain(values, samples, features, **clinical):
    table = pd.DataFrame(np.asarray(values, dtype=float), index=samples, columns=features)
    columns = pd.DataFrame(clinical, index=samples) if clinical else None
    return assemble({"mirna": table}, clinical=columns)


def cohort(prefix="s", n=3, features=("a", "b", "c"), seed=0, **clinical):
    values = np.random.default_rng(seed).normal(size=(n, len(features)))
    return plain(values, [f"{prefix}{i}" for i in range(n)], list(features), **clinical)


def message(members):
    with pytest.raises(AmuclError) as caught:
        join_cohorts(members)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# Patients and features -----------------------------------------------------------------------------------------------


def test_tumours_of_all_members_over_the_features_that_all_have(two):
    raw = read(two)
    table = raw.omics["mirna"]
    assert list(table.index) == [f"TCGA-AA-000{i}-01" for i in (1, 2, 3)] + ["TCGA-BB-0001-01", "TCGA-BB-0002-01"]
    assert list(table.columns) == ["hsa-let-7a-1", "hsa-mir-99b", "hsa-mir-21"]  # the first member's order and spelling
    np.testing.assert_array_equal(table, [[1, 4, 7], [2, 5, 8], [3, 6, 9], [30, 50, 10], [40, 60, 20]])
    assert raw.patients.to_dict() == {row: row[:12] for row in table.index}
    assert raw.clinical["cancer"].to_list() == ["lung"] * 3 + ["colon"] * 2


def test_members_keep_their_order(two):
    entry, files = two
    backwards = {"source": "joined", "members": dict(reversed(entry["members"].items()))}
    raw = read_source(backwards, ["mirna"], files)
    assert list(raw.omics["mirna"].columns) == ["hsa-mir-21", "HSA-LET-7A-1", "hsa-miR-99b"]
    assert raw.clinical["cancer"].to_list() == ["colon"] * 2 + ["lung"] * 3


def test_names_that_differ_in_case_are_two_features_where_a_member_has_both():
    members = {
        "x": plain([[1, 2, 3]], ["s"], ["mir-1", "miR-1", "MIR-2"]),
        "y": plain([[40, 50, 60]], ["t"], ["mir-2", "miR-1", "MIR-1"]),
    }
    table = join_cohorts(members).omics["mirna"]
    assert table.to_dict("list") == {"miR-1": [2, 50], "MIR-2": [3, 40]}


def test_features_are_those_in_the_intersection_of_many():
    rng = np.random.default_rng(4)
    pool = [f"g{i}" for i in range(30)]
    chosen = {f"m{i}": ["g0", "g1", *rng.permutation(pool[2:])[:24]] for i in range(4)}
    members = {name: cohort(f"{name}-", features=features, seed=i) for i, (name, features) in enumerate(chosen.items())}
    table = join_cohorts(members).omics["mirna"]
    assert set(table.columns) == set.intersection(*map(set, chosen.values()))
    for raw in members.values():
        own = raw.omics["mirna"]
        pd.testing.assert_frame_equal(table.loc[own.index], own[table.columns])


def test_several_omics_and_a_member_of_ones_own(two, tmp_path):
    entry, files = two
    path = tmp_path / "mine.tsv"
    path.write_text("\tp1\tp2\nhsa-mir-21\t1\t2\nhsa-mir-99B\t3\t4\nhsa-let-7a-1\t5\t6\n")
    entry["members"]["mine"] = {"source": "files", "omics": {"mirna": str(path)}}
    raw = read_source(entry, ["mirna"], files | {"mine.omics": [path]})
    assert raw.omics["mirna"].loc["p2"].to_dict() == {"hsa-let-7a-1": 6, "hsa-mir-99b": 4, "hsa-mir-21": 2}
    assert raw.clinical.loc[["p1", "p2"]].dropna(axis=1).to_dict("list") == {"cancer": ["mine", "mine"]}
    assert raw.ledger["member"].value_counts().to_dict() == {"lung": 4, "colon": 2, "mine": 2}

    tables = [{"a": cohort(p).omics["mirna"], "b": cohort(p, features="xyz").omics["mirna"]} for p in "st"]
    both = join_cohorts({"m": assemble(tables[0]), "n": assemble(tables[1])})
    assert {omic: table.shape for omic, table in both.omics.items()} == {"a": (6, 3), "b": (6, 3)}
    assert list(both.ledger["omic"]) == ["a"] * 3 + ["b"] * 3 + ["a"] * 3 + ["b"] * 3


def test_a_member_with_barcodes_is_read_as_such(two, tmp_path):
    entry, files = two
    path = tmp_path / "mine.tsv"
    path.write_text("\tTCGA-CC-0001-01A\tTCGA-CC-0001-11A\nhsa-mir-21\t1\t2\nhsa-mir-99b\t3\t4\n")
    entry["members"]["mine"] = {"source": "files", "omics": {"mirna": str(path)}, "tcga_barcodes": True}
    raw = read_source(entry, ["mirna"], files | {"mine.omics": [path]})
    assert raw.patients.to_list()[-1] == "TCGA-CC-0001"
    assert (raw.clinical["cancer"] == "mine").sum() == 1


def test_annotations_of_features_stay():
    members = {"x": cohort("s", features=["A", "B", "C"]), "y": cohort("t", features=["c", "b", "z"])}
    members["y"].var["mirna"] = pd.DataFrame({"entrez": ["3", "2", "26"]}, index=["c", "b", "z"])
    raw = join_cohorts(members)
    assert raw.var["mirna"]["entrez"].to_dict() == {"B": "2", "C": "3"}
    prepared = preprocess(raw, Preprocessing(log2=False)).cohort
    assert prepared["mirna"].var["entrez"].to_dict() == {"B": "2", "C": "3"}


# Clinical columns ----------------------------------------------------------------------------------------------------


def test_clinical_columns_are_united(two):
    clinical = read(two).clinical
    assert list(clinical.columns) == [
        *("cancer", "os_time", "os_event", "gender", "smoking", "cancer_clinical", "weight", "polyps")
    ]
    assert clinical["cancer_clinical"].fillna("-").to_list() == ["yes", "no", "no", "-", "-"]
    assert clinical["gender"].to_list() == ["F", "M", "F", "M", "M"]
    np.testing.assert_array_equal(clinical["os_time"], [10, 20, 30, 10, np.nan])
    np.testing.assert_array_equal(clinical["weight"], [70.5, np.nan, 81, np.nan, np.nan])
    np.testing.assert_array_equal(clinical["polyps"], [np.nan] * 3 + [2, 0])


def test_a_column_that_is_text_in_one_member_has_one_spelling_of_a_number(two):
    assert read(two).clinical["smoking"].fillna("-").to_list() == ["3", "4", "-", "no longer", "3"]
    kept = {"x": cohort("s", n=2, dose=[0.1, 1e-17]), "y": cohort("t", n=2, dose=["high", None])}
    assert join_cohorts(kept).clinical["dose"].fillna("-").to_list() == ["0.1", "1e-17", "high", "-"]


def test_no_clinical_column_is_overwritten():
    members = {"x": cohort("s", cancer=list("abc")), "y": cohort("t", cancer_clinical=list("def"))}
    clinical = join_cohorts(members).clinical
    assert clinical["cancer"].to_list() == ["x"] * 3 + ["y"] * 3
    assert clinical["cancer_clinical"].to_list()[3:] == list("def")
    assert clinical["cancer_clinical_2"].to_list()[:3] == list("abc")


def test_members_without_clinical_tables_have_their_truth():
    raw = join_cohorts({"x": cohort("s"), "y": cohort("t")})
    assert raw.clinical.to_dict("list") == {"cancer": ["x"] * 3 + ["y"] * 3}
    assert len(raw.join) == len(raw.unmatched) == 0
    assert list(raw.join.columns) == ["source", "unit", "n_in", "n_matched", "n_dropped", "reason", "examples"]


# The account ---------------------------------------------------------------------------------------------------------


def check_account(raw: RawCohort):
    """What the steps, the ledger and the join report of a joined cohort must say of one another."""
    for omic, table in raw.omics.items():
        steps = [step for step in raw.steps if step.omic == omic]
        *own, shared = steps
        assert [step.step for step in own] == ["read", "duplicate_features", "tumour_samples"] * (len(own) // 3)
        for before, after in pairwise(own):
            if after.step != "read":
                assert (after.samples_in, after.features_in) == (before.samples_out, before.features_out)
        ends = own[2::3]
        assert shared.step == "shared_features"
        assert shared.samples_in == shared.samples_out == sum(step.samples_out for step in ends) == len(table)
        assert max(step.features_out for step in ends) <= shared.features_in
        assert shared.features_in <= sum(step.features_out for step in ends)
        assert shared.features_out == table.shape[1]
        members = [step.reason.split(":")[0] for step in ends]
        counts = ", ".join(f"{name} {step.features_out}" for name, step in zip(members, ends, strict=True))
        assert shared.reason == f"features that every member has; their own: {counts}"
        rows = raw.ledger[raw.ledger["omic"] == omic]
        assert rows.groupby("member", sort=False).size().to_list() == [step.samples_in for step in own[::3]]
        assert (rows["status"] == "kept").sum() == len(table)
    dropped = (
        raw.join[(raw.join["n_dropped"] > 0) & (raw.join["unit"] == "rows")]
        .set_index(["source", "reason"])["n_dropped"]
        .to_dict()
    )
    assert raw.unmatched.groupby(["source", "reason"]).size().to_dict() == dropped


def test_the_account_names_the_member(two):
    raw = read(two)
    check_account(raw)
    shared = raw.steps[-1]
    assert (shared.features_in, shared.features_out) == (5, 3)
    assert shared.reason == "features that every member has; their own: lung 4, colon 4"
    assert raw.steps[0].reason == "lung: as the source has it"
    dropped = raw.ledger[raw.ledger["status"] == "dropped"]
    assert dropped[["member", "column", "reason"]].values.tolist() == [
        ["lung", "TCGA.AA.0001.11", "normal tissue (sample type 11)"]
    ]
    assert set(raw.join["source"]) == {
        f"{m}: {s}" for m in two[0]["members"] for s in ("survival", "clinical", "cohort")
    }
    assert raw.unmatched.values.tolist() == [
        ["lung: clinical", "TCGA-AA-0009-01", "not in the cohort"],
        ["colon: cohort", "TCGA-BB-0002-01", "no survival time or event"],
    ]


def test_prepared_written_and_read_it_still_knows_its_cancers(two, tmp_path):
    settings = Preprocessing(log2=True, normalize="center", truth="cancer", n_clusters=2)
    prepared = preprocess(read(two), settings, dataset="both", source="joined")
    write_cohort(prepared.cohort, tmp_path / "cohort.h5mu")
    found = read_cohort(tmp_path / "cohort.h5mu")
    assert truth(found, list(found.obs_names)).to_list() == ["lung"] * 3 + ["colon"] * 2
    assert found.obs["smoking"].fillna("-").to_list() == ["3", "4", "-", "no longer", "3"]
    assert list(prepared.steps["step"])[-9:-7] == ["shared_features", "log2"]
    assert list(prepared.ledger.columns)[:3] == ["member", "omic", "column"]


# Mistakes ------------------------------------------------------------------------------------------------------------


def test_no_shared_feature_shows_both_spellings():
    members = {"x": cohort("s"), "y": cohort("t"), "z": cohort("u", features=["g1", "g2"])}
    assert message(members) == (
        "no feature of mirna is shared by z and the members before it; expected at least 2, with names such as a, b, c "
        "(x); got g1, g2 (z); spell features alike in all members, or leave the member or the omic out"
    )


def test_one_shared_feature_is_too_few():
    found = message({"x": cohort("s"), "y": cohort("t", features=["c", "d"])})
    assert "1 feature of mirna is shared by y and the members before it; expected at least 2" in found
    assert len(join_cohorts({"x": cohort("s"), "y": cohort("t", features=["c", "B"])}).omics["mirna"].columns) == 2


def test_a_patient_in_two_members_is_named_with_both():
    assert message({"x": cohort("s"), "y": cohort("t"), "z": cohort("s", n=1)}) == (
        "patient s0: a patient is in two members of a joined dataset; expected each patient in one member; got x and "
        "z; leave one of the two out of `members`, or the patient out of one"
    )


def test_two_samples_of_a_patient_in_two_members_are_one_patient(two, tmp_path):
    entry, files = two
    path = tmp_path / "mine.tsv"
    path.write_text("\ttcga.aa.0002.06\tp2\nhsa-mir-21\t1\t2\nhsa-mir-99b\t3\t4\n")
    entry["members"]["mine"] = {"source": "files", "omics": {"mirna": str(path)}}
    with pytest.raises(AmuclError, match=r"patient TCGA-AA-0002: .*got lung and mine"):
        read_source(entry, ["mirna"], files | {"mine.omics": [path]})


def test_an_archive_without_the_omic(two):
    with pytest.raises(AmuclError, match=r"lung\.zip: the archive has no member exp.*without expression"):
        read(two, omics=("expression",))


# The real mirror -----------------------------------------------------------------------------------------------------

PATIENTS = {
    **{"aml": 188, "colon": 220, "kidney": 254, "liver": 372},
    **{"lung": 342, "melanoma": 448, "ovarian": 453, "sarcoma": 259},
}


@needs_shared
def test_eight_cancers_of_the_mirror():
    registry = load_registry(REPOSITORY / "config" / "datasets.yaml")
    entry = resolve({"datasets": {"joined8": {}}, "mirror": str(MIRROR)}, registry)["datasets"]["joined8"]
    files = {
        f"{name}.{what}": MIRROR / path
        for name, member in entry["members"].items()
        for what, path in (("archive", archive_path(member)), ("clinical", "benchmark/clinical.zip"))
    }
    raw = read_source(entry, entry["omics"], files)
    check_account(raw)
    columns, names = {}, []
    for cancer in PATIENTS:
        with zipfile.ZipFile(MIRROR / "benchmark" / f"{cancer}.zip") as opened:
            header, *rows = opened.read("mirna").decode().splitlines()
        columns[cancer] = [name.strip('"') for name in header.split(" ")]
        names.append({row.split(" ")[0].strip('"').replace(".", "-") for row in rows})
    assert raw.ledger.groupby("member", sort=False)["column"].agg(list).to_dict() == columns

    assert raw.clinical["cancer"].value_counts(sort=False).to_dict() == PATIENTS
    assert len(raw.omics["mirna"]) == raw.patients.nunique() == raw.omics["mirna"].index.nunique() == 2536
    assert not {parse_barcode(row).sample_type for row in raw.patients.index} & set(NORMAL_TYPES)
    normals = raw.ledger[raw.ledger["reason"].str.startswith("normal")]
    assert Counter(normals["member"]) == {"kidney": 71, "liver": 50, "lung": 45, "melanoma": 2}
    assert set(normals["column"]) == {name for own in columns.values() for name in own if name[-2:] == "11"}
    assert set(raw.omics["mirna"].columns) == set.intersection(*names)
    assert (raw.steps[-1].features_in, raw.steps[-1].features_out) == (len(set.union(*names)), 680)

    settings = Preprocessing(**entry["preprocessing"], truth=entry["truth"], n_clusters=entry["n_clusters"])
    prepared = preprocess(raw, settings, dataset="joined8", source="joined")
    steps = prepared.steps.iloc[24:]  # three of every member
    for what in ("samples", "features"):
        assert steps[f"{what}_out"].to_list()[:-1] == steps[f"{what}_in"].to_list()[1:]
    modality = prepared.cohort["mirna"]
    assert modality.shape == (2536, 643)
    np.testing.assert_array_equal(modality.layers["normalized"], modality.X)
    smoking = prepared.cohort.obs["tobacco_smoking_history"].dropna()  # of lung too, but for [Discrepancy]
    assert set(smoking) == {1.0, 2.0, 3.0, 4.0, 5.0}
