"""Further situations, from public bug reports and from real files of such tools."""

import numpy as np
import pandas as pd
import pytest

from amucl.errors import AmuclError
from tests.cases.cohorts import counts, followup, groups, names, planted
from tests.cases.own import Own

LABELS = groups(40, 4)


def rna_of(labels, **options):
    return planted(labels, 200, seed=3, **options)


@pytest.mark.situation(
    "featureCounts: a comment line, five columns about the gene, BAM paths as sample names",
    right="40 patients of the clinical table, ARI 1.0",
    before="refused: wrong number of fields",
)
def test_feature_counts(tmp_path, now):
    reads = counts(LABELS, 3000, seed=2, depth_sd=0.2)
    rows = reads.T.set_axis([f"/data/run 7/bam/{name}.sorted.bam" for name in reads.index], axis=1)
    for column, value in (("Length", 1000), ("Strand", "+"), ("End", 2000), ("Start", 1000), ("Chr", "chr1;chr1")):
        rows.insert(0, column, value)
    text = rows.rename_axis("Geneid").to_csv(sep="\t")
    comment = '# Program:featureCounts v2.0.6; Command:"featureCounts" "-a" "genes.gtf"' + "\t" * 8 + "\n"
    (tmp_path / "counts.txt").write_text(comment + text)
    pd.DataFrame({"patient": reads.index, "subtype": names(LABELS)}).to_csv(tmp_path / "clinical.csv", index=False)
    own = Own(tmp_path, {"omics": {"expression": "counts.txt"}, "clinical": "clinical.csv", "truth": "subtype"})
    now(f"{own.cohort.obs['subtype'].notna().sum()} of {own.cohort.n_obs} patients joined, ARI {own.ari():.2f}")
    assert own.cohort.n_obs == own.cohort.obs["subtype"].notna().sum() == 40
    assert own.ari() > 0.9
    assert "expression" in own.notes["recognised counts"]


@pytest.mark.situation(
    "categories that differ in case and spaces only (Male, male, MALE )",
    right="one level each, said",
    before="six levels, tested as such",
)
def test_levels_that_differ_in_case(tmp_path, now):
    rna = rna_of(LABELS)
    rna.T.to_csv(tmp_path / "rna.tsv", sep="\t")
    sexes = ["Male", "male", "MALE ", "Female", "female", "FEMALE"]
    clinical = pd.DataFrame({"Sex": [sexes[i % 6] for i in range(40)]}, index=rna.index.rename("sample"))
    clinical.to_csv(tmp_path / "clinical.tsv", sep="\t")
    own = Own(tmp_path, {"omics": {"expression": "rna.tsv"}, "clinical": "clinical.tsv"})
    row = own.clinic(4)["clinical"].set_index("column").loc["Sex"]
    now(f"{row['n_levels']} levels")
    assert row["n_levels"] == 2
    assert "Sex" in own.notes["levels"]


@pytest.mark.situation(
    "patients entered twice: columns made unique by pandas or R (P001.1), or one profile under two names",
    right="said, with the pairs",
    before="two patients each, no word",
)
def test_patients_entered_twice(tmp_path, now):
    rna = rna_of(LABELS)
    twice = pd.concat([rna, rna.iloc[:3].rename(index="{}.1".format)])
    twice.T.to_csv(tmp_path / "rna.tsv", sep="\t")
    own = Own(tmp_path, {"omics": {"expression": "rna.tsv"}})
    note = own.notes["identical patients"]
    now(note.partition(": ")[2])
    assert "P001 = P001.1" in note
    assert next(one.n for one in own.prepared.notes if one.what == "identical patients") == 3


@pytest.mark.situation(
    "one file named for two omics (a slip of the pen)",
    right="said",
    before="counted twice, no word",
)
def test_one_file_for_two_omics(tmp_path, now):
    rna_of(LABELS).T.to_csv(tmp_path / "rna.tsv", sep="\t")
    own = Own(tmp_path, {"omics": {"rna": "rna.tsv", "protein": "rna.tsv"}})
    now(own.notes["identical omics"].partition(": ")[2])
    assert "rna" in own.notes["identical omics"]
    assert "protein" in own.notes["identical omics"]


@pytest.mark.situation(
    "a sample that failed: all zeros in one omic",
    right="left out and said, or refused by name",
    before="a patient like others, a cluster of its own",
)
@pytest.mark.parametrize("kind", ["counts", "logged"])
def test_a_failed_sample(tmp_path, now, kind):
    values = counts(LABELS, 600, seed=2, depth_sd=0.2) if kind == "counts" else rna_of(LABELS)
    values.loc["P007"] = 0
    values.T.to_csv(tmp_path / "rna.tsv", sep="\t")
    planted(LABELS, 60, seed=5, feature="PROT").T.to_csv(tmp_path / "protein.tsv", sep="\t")
    own = Own(tmp_path, {"omics": {"expression": "rna.tsv", "protein": "protein.tsv"}})
    told = own.notes["constant samples"]
    now(told.partition(": ")[2])
    assert "P007" in told
    assert "P007" not in own.cohort["expression"].obs_names
    assert own.cohort.n_obs == 39


@pytest.mark.situation(
    "the line sep=; that spreadsheets write above a table",
    right="read as if it were not there",
    before="refused: wrong number of fields",
)
def test_sep_line(tmp_path, now):
    rna = rna_of(LABELS)
    (tmp_path / "rna.csv").write_text("sep=;\n" + rna.T.to_csv(sep=";", decimal=","))
    own = Own(tmp_path, {"omics": {"expression": "rna.csv"}})
    now(f"{own.cohort.n_obs} patients, {own.cohort['expression'].n_vars} features")
    read = own.cohort["expression"].to_df()
    np.testing.assert_allclose(read.to_numpy(), rna.to_numpy(), rtol=1e-6)
    assert list(read.columns) == list(rna.columns)


@pytest.mark.situation(
    "a GEO series matrix: ! lines above and below, everything quoted",
    right="40 samples",
    before="refused: wrong number of fields",
)
def test_geo_series_matrix(tmp_path, now):
    rna = rna_of(LABELS).set_axis([f"GSM{1000 + number}" for number in range(40)])
    head = ['!Series_title\t"A study"', '!Series_geo_accession\t"GSE1"', ""]
    head += ["!Sample_title\t" + "\t".join(f'"patient {number}"' for number in range(40)), "!series_matrix_table_begin"]
    table = rna.T.rename_axis("ID_REF").to_csv(sep="\t", quoting=2)
    (tmp_path / "GSE1_series_matrix.txt").write_text("\n".join(head) + "\n" + table + "!series_matrix_table_end\n")
    own = Own(tmp_path, {"omics": {"expression": "GSE1_series_matrix.txt"}})
    now(f"{own.cohort.n_obs} patients, {own.cohort['expression'].n_vars} features")
    assert list(own.cohort.obs_names) == list(rna.index)
    assert list(own.cohort["expression"].var_names) == list(rna.columns)


@pytest.mark.situation(
    "survival without ids, in the order of the patients, as published benchmarks have it",
    right="refused: never joined by position",
    before="refused",
)
def test_survival_without_ids(tmp_path, now):
    rna_of(LABELS).T.to_csv(tmp_path / "rna.tsv", sep="\t")
    days, events = followup(LABELS)
    pd.DataFrame({"survival_times": days, "event_observed": events}).to_csv(tmp_path / "survival.csv", index=False)
    with pytest.raises(AmuclError, match="shares no sample") as caught:
        _ = Own(tmp_path, {"omics": {"expression": "rna.tsv"}, "clinical": "survival.csv"}).cohort
    now("refused")
    assert "survival.csv" in str(caught.value)


@pytest.mark.situation(
    "genes called NA, nan, None, - and TRUE, and a patient called NA",
    right="names, not missing values",
    before="right",
)
def test_genes_called_na(tmp_path, now):
    rna = rna_of(LABELS)
    odd = ["NA", "nan", "None", "-", "TRUE"]
    rna.columns = [*odd, *rna.columns[5:]]
    rna.index = ["NA", *rna.index[1:]]
    rna.T.to_csv(tmp_path / "rna.tsv", sep="\t")
    pd.DataFrame({"subtype": names(LABELS)}, index=rna.index.rename("sample")).to_csv(tmp_path / "c.tsv", sep="\t")
    own = Own(tmp_path, {"omics": {"expression": "rna.tsv"}, "clinical": "c.tsv", "truth": "subtype"})
    now(f"{own.cohort.n_obs} patients, ARI {own.ari():.2f}")
    assert set(odd) <= set(own.cohort["expression"].var_names)
    assert own.cohort.obs.loc["NA", "subtype"] == names(LABELS)[0]
    assert own.ari() == 1


@pytest.mark.situation(
    "rows below the table that sum it up (Total, Mean), a column Average in the matrix",
    right="no patients",
    before="the column is a patient",
)
def test_sums_are_no_patients(tmp_path, now):
    rna = rna_of(LABELS)
    rows = rna.T
    rows["Average"] = rows.mean(axis=1)
    rows.to_csv(tmp_path / "rna.tsv", sep="\t")
    clinical = pd.DataFrame({"age": range(40, 80), "subtype": names(LABELS)}, index=rna.index.rename("sample"))
    clinical.loc["Total"] = [clinical["age"].sum(), ""]
    clinical.to_csv(tmp_path / "clinical.tsv", sep="\t")
    entry = {"omics": {"expression": "rna.tsv"}, "clinical": "clinical.tsv", "truth": "subtype"}
    own = Own(tmp_path, entry | {"preprocessing": {"truth_missing": "ignore"}})
    now(f"{own.cohort.n_obs} patients")
    assert list(own.cohort.obs_names) == list(rna.index)
    assert "Average" in "\n".join(own.notes.values())
    assert "Total" in set(own.prepared.unmatched["id"])


@pytest.mark.situation(
    "two vials of one tumour (01A in one omic, 01B in another), barcodes with dots",
    right="one patient each",
    before="right",
)
def test_two_vials(tmp_path, now):
    patients = [f"TCGA-AB-{2800 + number}" for number in range(40)]
    rna_of(LABELS).set_axis([f"{one}-01A" for one in patients]).T.to_csv(tmp_path / "rna.tsv", sep="\t")
    meth = planted(LABELS, 90, seed=7, feature="cg", level=0)
    meth.set_axis([f"{one}-01B".replace("-", ".") for one in patients]).T.to_csv(tmp_path / "meth.tsv", sep="\t")
    pd.DataFrame({"subtype": names(LABELS)}, index=pd.Index(patients, name="bcr_patient_barcode")).to_csv(
        tmp_path / "clinical.tsv", sep="\t"
    )
    entry = {"omics": {"rna": "rna.tsv", "methylation": "meth.tsv"}, "clinical": "clinical.tsv", "truth": "subtype"}
    own = Own(tmp_path, entry | {"tcga_barcodes": True})
    now(f"{own.cohort.n_obs} patients, ARI {own.ari():.2f}")
    assert own.cohort.n_obs == 40
    assert own.ari() == 1
