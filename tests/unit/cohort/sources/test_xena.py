import tracemalloc

import numpy as np
import pandas as pd
import pytest

from amucl.cohort.cohort import about
from amucl.cohort.preparation.preprocess import Preprocessing, preprocess
from amucl.cohort.readers.words import unknown_words
from amucl.cohort.sources.registry import read_source
from amucl.cohort.sources.xena import read_probes, read_xena
from amucl.errors import AmuclError
from tests.xena import FOLDER, PHENOTYPES, SURVIVAL, TABLES, write, write_hub, write_table


class Hub:
    """The files of a cohort, and their path by what they hold."""

    def __init__(self, folder):
        self.tables = write_hub(folder)
        self.omics = {omic: folder / FOLDER / f"{name}.gz" for omic, name in TABLES.items()}
        self.clinical = folder / FOLDER / "LUAD_clinicalMatrix"
        self.survival = folder / "xena" / "survival" / "LUAD_survival.txt"

    def read(self, *omics, **options):
        chosen = {omic: self.omics[omic] for omic in omics or TABLES}
        return read_xena(chosen, clinical=self.clinical, survival=self.survival, **options)

    def message(self, *omics, **options):
        with pytest.raises(AmuclError) as caught:
            self.read(*omics, **options)
        assert "\n" not in str(caught.value)
        return str(caught.value)


@pytest.fixture
def hub(tmp_path):
    return Hub(tmp_path)


def features_by_step(raw, omic):
    return {step.step: (step.features_in, step.features_out) for step in raw.steps if step.omic == omic}


# Samples and patients ------------------------------------------------------------------------------------------------


def test_one_tumour_per_patient_and_one_row_for_all_omics(hub):
    raw = hub.read()
    rows = ["TCGA-05-0001-01", "TCGA-05-0002-01", "TCGA-05-0003-06", "TCGA-05-0004-01"]
    assert set(raw.omics["expression"].index) == set(rows)
    assert list(raw.omics["methylation"].index) == rows[:3]
    assert set(raw.omics["mirna"].index) == set(rows)
    assert raw.patients[rows].to_list() == [row[:12] for row in rows]
    np.testing.assert_array_equal(  # the metastasis, of which there are all omics
        raw.omics["expression"].loc["TCGA-05-0003-06", ["TP53", "KRAS"]],
        hub.tables["expression"].loc[["TP53", "KRAS"], "TCGA-05-0003-06"],
    )


def test_what_is_unknown_is_counted_and_the_words_are_the_users(hub):
    found = {note.source: note.found for note in hub.read().notes if note.what == "unknown words"}
    assert {omic: [(word, n) for word, n, _ in found[omic]] for omic in ("methylation", "mirna")} == {
        omic: [("NA", int(hub.tables[omic].isna().to_numpy().sum()))] for omic in ("methylation", "mirna")
    }
    stages = hub.read().clinical["pathologic_stage"].dropna()
    raw = hub.read(words=unknown_words((stages.iloc[0],)))
    assert sorted(raw.clinical["pathologic_stage"].dropna()) == sorted(stages[stages != stages.iloc[0]])


def test_every_column_stands_in_the_ledger_with_its_fate(hub):
    ledger = hub.read().ledger
    for omic, table in hub.tables.items():
        assert ledger.loc[ledger["omic"] == omic, "column"].to_list() == list(table.columns)
    dropped = ledger[(ledger["omic"] == "expression") & (ledger["status"] == "dropped")]
    assert dict(zip(dropped["column"], dropped["reason"], strict=True)) == {
        "TCGA-05-0001-11": "normal tissue (sample type 11)",
        "TCGA-05-0002-02": "sample type 02 is not among 01, 03, 06",
        "TCGA-05-0003-01": "the patient is represented by TCGA-05-0003-06",
    }


def test_survival_is_in_days_and_every_row_is_accounted_for(hub):
    raw = hub.read()
    known = raw.clinical.loc[["TCGA-05-0001-01", "TCGA-05-0003-06"]]
    assert known["os_time"].to_list() == [121, 1523]
    assert known["os_event"].to_list() == [1, 0]
    assert np.isnan(raw.clinical.loc["TCGA-05-0002-01", "os_time"])
    assert raw.clinical.loc["TCGA-05-0002-01", "os_event"] == 0
    unmatched = set(raw.unmatched.itertuples(index=False, name=None))
    assert {
        ("survival", "TCGA-05-9999", "not in the cohort"),
        ("cohort", "TCGA-05-0002-01", "no survival time or event"),
        ("cohort", "TCGA-05-0004-01", "no survival time or event"),
        ("clinical", "TCGA-05-9999-01", "not in the cohort"),
        ("clinical", "TCGA-05-0001-11", "another row stands for the same patient"),
        ("cohort", "TCGA-05-0004-01", "no clinical data"),
    } <= unmatched


def test_phenotypes_and_the_other_endpoints_are_kept(hub):
    clinical = hub.read().clinical
    assert clinical.loc["TCGA-05-0003-06", ["gender", "pathologic_stage", "DSS.time", "PFI"]].to_list() == [
        *("FEMALE", "Stage IV", 1523, 0),
    ]
    assert pd.isna(clinical.loc["TCGA-05-0002-01", "pathologic_stage"])  # [Discrepancy] is no stage
    assert clinical["age_at_initial_pathologic_diagnosis"].dtype == np.float64
    assert "empty" not in clinical
    assert clinical.columns.is_unique


def test_a_phenotype_whose_name_is_taken_is_renamed(hub):
    write(hub.clinical, PHENOTYPES.replace("gender", "PFI").replace("pathologic_stage", "os_time"))
    clinical = hub.read("mirna").clinical
    row = clinical.loc["TCGA-05-0001-01"]
    assert row[["PFI", "PFI_clinical", "os_time", "os_time_clinical"]].to_list() == [1, "MALE", 121, "Stage IB"]


# Features ------------------------------------------------------------------------------------------------------------


def test_genes_without_a_name_go_and_of_two_of_one_name_the_higher_stays(hub):
    raw = hub.read("expression")
    table, written = raw.omics["expression"], hub.tables["expression"]
    assert set(table.columns) == {"A1BG", "ENTREZ:10357", "SLC35E2", "TP53", "HLA-DQA1", "NKX2-1", "KRAS"}
    both = written.iloc[[3, 6]]
    np.testing.assert_array_equal(table["SLC35E2"], both.loc[:, table.index].iloc[both.mean(axis=1).argmax()])
    steps = features_by_step(raw, "expression")
    assert (steps["read"], steps["nameless_features"], steps["duplicate_features"]) == ((10, 10), (10, 8), (8, 7))


def test_mirna_keep_their_ids_and_their_gaps(hub):
    table = hub.read("mirna").omics["mirna"]
    assert list(table.columns) == list(hub.tables["mirna"].index)
    pd.testing.assert_frame_equal(table, hub.tables["mirna"].T.loc[table.index], check_names=False)
    assert table.isna().sum().sum() == 1


def test_probes_with_gaps_and_without_variance_go(hub):
    raw = hub.read("methylation", top_probes=9)
    kept = raw.omics["methylation"]
    probes = hub.tables["methylation"].index
    # 1 has no value, 2 lacks two of three tumours; of the ten others, 3 does not vary
    assert list(kept.columns) == [probe for i, probe in enumerate(probes) if i not in (1, 2, 3)]
    steps = features_by_step(raw, "methylation")
    assert (steps["read"], steps["missing_probes"], steps["top_probes"]) == ((12, 12), (12, 10), (10, 9))
    assert list(hub.read("methylation", top_probes=None).omics["methylation"]) == list(probes.delete([1, 2]))
    assert probes[2] in hub.read("methylation", max_missing=0.7).omics["methylation"]
    assert probes[1] not in hub.read("methylation", max_missing=1).omics["methylation"]


@pytest.mark.parametrize("n_rows", [1, 7, 40, 1000])
def test_the_most_variable_probes_do_not_depend_on_the_chunk(tmp_path, n_rows):
    rng = np.random.default_rng(3)
    values = rng.beta(1, 3, (200, 12)).round(2)
    values[rng.random(values.shape) < 0.05] = np.nan
    values[50:60] = values[40:50]  # equals: the first stay
    samples = [f"TCGA-05-{i:04}-{'11' if i > 8 else '01'}" for i in range(12)]
    table = pd.DataFrame(values, index=[f"cg{i}" for i in range(200)], columns=samples)
    write_table(tmp_path / "HumanMethylation450.gz", table)
    kept, n_read, n_known = read_probes(tmp_path / "HumanMethylation450.gz", max_missing=0.2, top=30, n_rows=n_rows)
    tumours = table.iloc[:, :9]
    known = tumours[tumours.isna().mean(axis=1) <= 0.2]
    best = known.var(axis=1, ddof=0).round(12).sort_values(ascending=False, kind="stable").index[:30]
    assert list(kept.index) == [probe for probe in table.index if probe in set(best)]
    assert (n_read, n_known) == (200, len(known))
    pd.testing.assert_frame_equal(kept, table.loc[kept.index].astype(np.float32).astype(np.float64), check_names=False)


def test_memory_does_not_grow_with_the_number_of_probes(tmp_path):
    """Of ten times the probes only the most variable are held: less than half of what the table itself would take."""
    rng = np.random.default_rng(0)
    rows = rng.random((50, 40)).round(6).astype(str)
    lines = ["\t".join([f"cg{i:08}", *rows[i % 50]]) for i in range(10_000)]
    header = "\t".join(["sample", *(f"TCGA-05-{i:04}-01" for i in range(40))])
    write(tmp_path / "HumanMethylation450.gz", "\n".join([header, *lines]) + "\n")
    del lines
    tracemalloc.start()
    kept, n_read, _ = read_probes(tmp_path / "HumanMethylation450.gz", max_missing=0.2, top=100, n_rows=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (len(kept), n_read) == (100, 10_000)
    assert peak < 10_000 * 40 * 4 / 2


def test_the_cohort_goes_through_preprocessing(hub):
    entry = {"source": "xena", "top_probes": 9, "preprocessing": {"log2": False, "max_missing_feature": 0.7}}
    files = {"omics": list(hub.omics.values()), "clinical": hub.clinical, "survival": hub.survival}
    raw = read_source(entry, list(TABLES), files)
    assert features_by_step(raw, "methylation")["missing_probes"] == (12, 11)
    prepared = preprocess(raw, Preprocessing(log2=False, max_missing_feature=0.7), source="xena")
    assert list(prepared.cohort.obs_names) == ["TCGA-05-0001-01", "TCGA-05-0002-01", "TCGA-05-0003-06"]
    written = hub.tables["expression"].loc["TP53", list(prepared.cohort.obs_names)]
    np.testing.assert_allclose(prepared.cohort["expression"][:, "TP53"].X.ravel(), written, rtol=1e-6)
    obs = prepared.cohort.obs
    assert obs.loc["TCGA-05-0001-01", ["os_time", "dss_time", "dss_event", "pfi_time"]].to_list() == [121, 121, 1, 100]
    assert obs.loc["TCGA-05-0003-06", ["os_time", "pfi_time", "pfi_event"]].to_list() == [1523, 1523, 0]
    assert {row["role"] for row in about(prepared.cohort)["clinical_columns"]} >= {"os_time", "dss_event", "pfi_time"}
    assert {note.what for note in prepared.notes} == {"survival columns", "unknown words"}
    assert "not asked for" in prepared.steps.query("omic == 'expression' and step == 'log2'")["reason"].item()


# Bad files -----------------------------------------------------------------------------------------------------------


def test_a_web_page_in_place_of_a_table(hub):
    hub.omics["mirna"].write_text("<!DOCTYPE html><html><body>Not found</body></html>")
    assert "miRNA_HiSeq_gene.gz: not a gzip file, or a damaged one" in hub.message()
    write(hub.survival, "<!DOCTYPE html>\n<html><body>Not found</body></html>\n")
    assert "LUAD_survival.txt" in hub.message()


def test_a_truncated_table(hub):
    content = hub.omics["methylation"].read_bytes()
    hub.omics["methylation"].write_bytes(content[: len(content) // 2])
    assert "HumanMethylation450.gz: truncated gzip file; download or copy it again" in hub.message()


def test_samples_in_rows(hub):
    for omic in ("expression", "methylation"):
        write_table(hub.omics[omic], hub.tables[omic].T)
        found = hub.message(omic)
        assert "no column is a TCGA sample; expected features in rows, and columns such as TCGA-05-4244-01" in found


def test_normals_only(hub):
    table = hub.tables["methylation"]
    write_table(hub.omics["methylation"], table[["TCGA-05-0001-11"]])
    assert "no column is a tumour sample; expected samples of the types 01, 03, 06" in hub.message("methylation")


def test_a_sample_twice(hub):
    table = hub.tables["mirna"]
    write_table(hub.omics["mirna"], table.set_axis([table.columns[1], *table.columns[1:]], axis=1))
    assert "duplicate sample ids; expected each id once; got TCGA-05-0003-06" in hub.message()


def test_a_cell_that_is_no_number_is_placed_in_its_line(tmp_path):
    lines = [f"cg{i}\t0.{i}\t0.5" for i in range(1, 9)]
    lines[6] = "cg7\t0.7\thigh"
    write(tmp_path / "m.gz", "\n".join(["sample\tTCGA-05-0001-01\tTCGA-05-0002-01", *lines]) + "\n")
    with pytest.raises(AmuclError) as caught:
        read_probes(tmp_path / "m.gz", max_missing=0.2, top=5, n_rows=3)
    assert "m.gz, line 8, row cg7, column TCGA-05-0002-01: not a number" in str(caught.value)


@pytest.mark.parametrize("column", ["OS", "OS.time"])
def test_survival_without_a_column(hub, column):
    names = SURVIVAL.split("\n")[0].split("\t")
    write(hub.survival, SURVIVAL.replace("\t".join(names), "\t".join(f"x{n}" if n == column else n for n in names)))
    assert f"no column {column}; expected columns sample, OS.time, OS; got _PATIENT" in hub.message()


def test_impossible_survival_is_placed(hub):
    write(hub.survival, SURVIVAL.replace("1523", "long", 1))
    assert "LUAD_survival.txt, line 5, column OS.time: not a number; expected days; got 'long'" in hub.message()
    write(hub.survival, SURVIVAL.replace("\t1\t121", "\t2\t121", 1))
    assert "LUAD_survival.txt, line 2, column OS: impossible event; expected 0 or 1; got 2.0" in hub.message()


def test_tables_of_another_cohort(hub):
    write(hub.clinical, PHENOTYPES.replace("TCGA-05", "TCGA-XX"))
    assert "LUAD_clinicalMatrix: the clinical table shares no sample with the cohort" in hub.message()
    write(hub.survival, SURVIVAL.replace("TCGA-05", "TCGA-XX"))
    write(hub.clinical, PHENOTYPES)
    assert "LUAD_survival.txt: the clinical table shares no sample with the cohort" in hub.message()


def test_a_missing_file(hub):
    hub.survival.unlink()
    assert "LUAD_survival.txt: survival table does not exist" in hub.message()
