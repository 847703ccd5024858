import gzip

import pandas as pd
import pytest

from amucl.biology.gene_names import gene_names, name_genes
from amucl.biology.symbols import genes_of, hyphenated, kind_of, read_gene_map
from amucl.errors import AmuclError
from tests.shared import SHARED, needs_shared


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["ENSG00000141510", "ENSG00000136997.14", "TP53"], "Ensembl ids"),
        (["ENSMUSG00000059552"], "Ensembl ids"),
        (["7157", "4609"], "Entrez ids"),
        (["cg00001809", "cg00025643"], "array probes"),
        (["1007_s_at", "200000_at"], "array probes"),
        (["TP53", "HLA-A", "C1orf112"], "symbols"),
    ],
)
def test_kinds_of_names(names, kind):
    assert kind_of(names) == kind


def test_dots_that_were_hyphens():
    known = {"HLA-A", "NKX2-3", "TP53", "A.B"}
    assert hyphenated(["HLA.A", "NKX2.3", "TP53", "A.B", "X.Y"], known) == {"HLA.A": "HLA-A", "NKX2.3": "NKX2-3"}
    assert hyphenated(["HLA.A", "HLA-A"], known) == {}, "both are there: they are two genes"


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_gene_maps_of_several_layouts(tmp_path):
    expected = [("cg1", "TP53"), ("cg1", "WRAP53"), ("cg2", "MYC")]
    rows = [["cg1", "x", "TP53;WRAP53"], ["cg2", "y", "MYC"], ["cg3", "z", ""], ["cg4", "z", "NA"]]
    for separator in "\t,":
        text = "\n".join(separator.join(row) for row in [["probe", "chromosome", "Gene"], *rows]) + "\n"
        table = read_gene_map(write(tmp_path / "map.txt", text))
        assert list(table.itertuples(index=False, name=None)) == expected
    with gzip.open(tmp_path / "map.tsv.gz", "wt") as file:
        file.write("probe\twhatever\ncg1\tTP53\ncg1\tWRAP53\ncg2\tMYC\n")
    assert list(read_gene_map(tmp_path / "map.tsv.gz").itertuples(index=False, name=None)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "gene map cannot be read"),
        ("one\na\n", "gene map has one column"),
        ("probe\tgene\ncg1\t\n", "gene map names no gene"),
    ],
)
def test_broken_gene_maps(tmp_path, text, message):
    with pytest.raises(AmuclError, match=message):
        read_gene_map(write(tmp_path / "map.tsv", text))


MAP = pd.DataFrame(
    {"feature": ["ENSG00000141510", "ENSG00000136997", "ENSG00000136997"], "gene": ["TP53", "MYC", "PVT1"]}
)


def test_genes_of_features_whatever_the_version():
    features = ["ENSG00000136997.14", "ENSG00000141510.3", "ENSG00000000003.13"]
    assert list(genes_of(features, MAP)) == ["MYC;PVT1", "TP53", ""]
    assert list(genes_of([name.split(".")[0] for name in features], MAP)) == ["MYC;PVT1", "TP53", ""]


def test_a_map_of_other_ids_shows_three_of_each():
    with pytest.raises(AmuclError) as error:
        genes_of(["TP53", "MYC", "KIT", "FLT3"], MAP)
    message = str(error.value)
    assert "expected Ensembl ids such as ENSG00000141510, ENSG00000136997" in message
    assert "got symbols such as TP53, MYC, KIT" in message


def test_expression_in_symbols_keeps_the_highest_of_a_gene():
    gene_map = pd.DataFrame({"feature": ["e1", "e2", "e3"], "gene": ["TP53", "TP53", "MYC"]})
    expression = pd.DataFrame({"e1": [1.0, 2], "e2": [5.0, 4], "e3": [3.0, 3], "e9": [0.0, 1]}, index=["a", "b"])
    found = name_genes(expression, gene_names(expression.columns, gene_map))
    assert list(found.columns) == ["TP53", "MYC", "e9"]
    assert list(found["TP53"]) == [5.0, 4.0]


@needs_shared
def test_a_public_table_of_genes_is_a_map():
    folder = SHARED / "labels" / "laml_counts20"
    gene_map = read_gene_map(folder / "grch38.tsv.gz")
    features = pd.read_csv(folder / "exampleTCGA.tsv.gz", sep="\t", usecols=[0]).iloc[:, 0]
    genes = genes_of(features, gene_map)
    assert genes["ENSG00000000003.13"] == "TSPAN6"
    assert (genes != "").mean() > 0.9
