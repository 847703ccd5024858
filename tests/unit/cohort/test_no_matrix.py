import numpy as np
import pandas as pd
import pytest

from amucl.cohort.readers.annotation import FeatureColumns
from amucl.cohort.readers.tables import read_omic
from amucl.errors import AmuclError

NOT_SAMPLES = {
    "one file of STAR": "gene_id gene_name unstranded stranded_first tpm_unstranded fpkm_uq_unstranded",
    "one file of salmon": "Name Length EffectiveLength TPM NumReads",
    "one file of RSEM": "gene_id transcript_id(s) length effective_length expected_count TPM FPKM",
    "segments": "ID chrom loc.start loc.end num.mark seg.mean",
    "a comparison": "gene baseMean log2FoldChange lfcSE stat pvalue padj",
}


def written(path, columns, *, n_rows=12, text=()):
    names = columns.split()
    values = np.random.default_rng(1).uniform(1, 9, (n_rows, len(names))).round(3).astype(str)
    table = pd.DataFrame(values, columns=names)
    table[names[0]] = [f"g{row}" for row in range(n_rows)]
    for name in text:
        table[name] = [f"{name}{row}" for row in range(n_rows)]
    if path.suffix == ".parquet":
        table = table.astype({name: float for name in names[1:] if name not in text})
        table.set_index(names[0]).to_parquet(path)
    else:
        table.to_csv(path, sep="\t", index=False)
    return path


@pytest.mark.parametrize("suffix", ["tsv", "parquet"])
@pytest.mark.parametrize("kind", NOT_SAMPLES)
def test_measures_are_no_patients(tmp_path, kind, suffix):
    with pytest.raises(AmuclError, match=r"measures, not samples.*a column for each sample"):
        read_omic(written(tmp_path / f"a.{suffix}", NOT_SAMPLES[kind]), omic="rna")


def test_measures_beside_samples_are_left_out_and_told(tmp_path):
    notes = []
    table = read_omic(written(tmp_path / "a.tsv", "gene P1 P2 pvalue logFC"), omic="rna", notes=notes)
    assert list(table.index) == ["P1", "P2"]
    assert "pvalue, logFC" in next(note.note for note in notes if note.what == "annotation columns")


def test_features_may_be_called_like_measures(tmp_path):
    path = written(tmp_path / "a.tsv", "patient TPM FPKM stat")
    assert list(read_omic(path, omic="rna", orientation="samples_in_rows").columns) == ["TPM", "FPKM", "stat"]


def test_several_measures_of_every_sample_are_refused(tmp_path):
    path = written(tmp_path / "a.tsv", "gene_id unstranded_P1 unstranded_P2 tpm_unstranded_P1 tpm_unstranded_P2")
    with pytest.raises(AmuclError, match=r"several measures.*unstranded_P1, tpm_unstranded_P1"):
        read_omic(path, omic="rna")
    one = written(tmp_path / "b.tsv", "gene_id unstranded_P1 unstranded_P2")
    assert list(read_omic(one, omic="rna").index) == ["unstranded_P1", "unstranded_P2"]


@pytest.mark.parametrize(
    "columns", ["Hugo_Symbol Sample_Id Value", "Hugo_Symbol Center NCBI_Build Tumor_Sample_Barcode t_alt_count"]
)
def test_a_long_table_is_no_matrix(tmp_path, columns):
    path = written(tmp_path / "a.tsv", columns, text=[name for name in columns.split() if "ample" in name])
    with pytest.raises(AmuclError, match=r"column (Sample_Id|Tumor_Sample_Barcode) names samples.*make a matrix"):
        read_omic(path, omic="rna")


def test_the_only_sample_may_be_called_sample(tmp_path):
    assert list(read_omic(written(tmp_path / "a.tsv", "gene sample"), omic="rna").index) == ["sample"]
    assert FeatureColumns("gene", ["sample"], features_in_rows=True).values == ["sample"]


def test_a_gct_says_what_annotates_features_and_describes_samples(tmp_path):
    rows = ["#1.3", "2\t3\t1\t2", "id\tscore\ts1\ts2\ts3", "dose\tna\t1\t2\t3", "batch\tna\tx\ty\tx"]
    path = tmp_path / "a.txt"
    path.write_text("\n".join([*rows, "g1\t9\t1.5\t2.5\t3.5", "g2\t9\t-1\t0\t1"]) + "\n")
    notes = []
    table = read_omic(path, omic="rna", notes=notes)
    assert table.T.to_dict() == {"s1": {"g1": 1.5, "g2": -1}, "s2": {"g1": 2.5, "g2": 0}, "s3": {"g1": 3.5, "g2": 1}}
    told = {note.what: note.note for note in notes}
    assert "2 rows below it that describe the samples" in told["lines above the header"]
    assert "score" in told["annotation columns"]


def test_a_sample_may_have_an_odd_name(tmp_path):
    path = tmp_path / "rna.tsv"
    path.write_text("gene\tP1\t{sample}\t<case>\nA\t1\t2\t3\nB\t4\t5\t6\n")
    assert list(read_omic(path, omic="rna").index) == ["P1", "{sample}", "<case>"]


@pytest.mark.parametrize("names", [["ENSG00000141510.16", "ENSG00000012048"], ["cg00000029", "cg00000108"]])
@pytest.mark.parametrize("orientation", ["features_in_rows", "samples_in_rows"])
def test_features_are_no_samples(tmp_path, names, orientation):
    table = pd.DataFrame([[1.0, 2], [3, 4], [5, 6]], index=["P1", "P2", "P3"], columns=names)
    right = table if orientation == "samples_in_rows" else table.T
    right.to_csv(tmp_path / "right.tsv", sep="\t")
    right.T.to_csv(tmp_path / "wrong.tsv", sep="\t")
    assert list(read_omic(tmp_path / "right.tsv", omic="rna", orientation=orientation).index) == ["P1", "P2", "P3"]
    with pytest.raises(AmuclError, match="named as features are") as caught:
        read_omic(tmp_path / "wrong.tsv", omic="rna", orientation=orientation)
    assert names[0] in str(caught.value)
