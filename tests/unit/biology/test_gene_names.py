"""Gene ids as people's files have them: what each is read as, and that nothing else is touched."""

import pandas as pd
import pytest

from amucl.biology.gene_names import gene_names, name_genes, read_gene_names
from amucl.biology.gene_overlap import gene_overlap, naming_notes
from amucl.biology.symbols import genes_of
from amucl.files import write_table

SYMBOLS = ["TP53", "MYC", "KIT", "FLT3", "HLA-A", "NKX2-1", "EGFR", "KRAS", "BRAF", "PTEN"]
ENTREZ = [7157, 4609, 3815, 2322, 3105, 7080, 1956, 3845, 673, 5728]
ENSEMBL = [f"ENSG{1000 + i:011d}.{i + 1}" for i in range(10)]
CLONES = ["AC010323.1", "RP11-34P13.7", "Y_RNA", "SNORD115-1", "LINC00115", "AL627309.5", "C1orf112", "MT-CO1"]


def read_as(features, known=(), gene_map=None):
    return gene_names(features, gene_map, known).set_index("feature")["gene"].to_dict()


def paired(form, ids=ENTREZ):
    return [form.format(symbol=symbol, id=one) for symbol, one in zip(SYMBOLS, ids, strict=True)]


@pytest.mark.parametrize("known", [(), SYMBOLS, ["KIT"]], ids=["no sets", "sets", "one gene"])
@pytest.mark.parametrize(
    "features",
    [
        paired("{symbol}|{id}"),
        paired("{id}|{symbol}"),
        paired("{symbol}_{id}"),
        paired("{symbol}.{id}"),
        paired("{symbol} ({id})"),
        paired("{id};{symbol}"),
        paired("{id}|{symbol}", ENSEMBL),
        paired("{symbol}|{id}", ENSEMBL),
        paired("{id}_{symbol}", ENSEMBL),
        paired("{id};{symbol}", ENSEMBL),
        paired("{id}.{symbol}", ENSEMBL),
        paired("{id}_PAR_Y|{symbol}", ENSEMBL),
        paired("{id}|{symbol}|protein_coding", ENSEMBL),
    ],
    ids=lambda features: features[0],
)
def test_an_id_beside_a_symbol_is_understood(features, known):
    assert list(read_as(features, known).values()) == SYMBOLS
    assert list(read_as(features[::-1], known).values()) == SYMBOLS[::-1]


@pytest.mark.parametrize("known", [(), [*SYMBOLS, *CLONES]], ids=["no sets", "sets"])
def test_symbols_with_dots_lines_and_numbers_stay(known):
    names = [*SYMBOLS, *CLONES]
    table = gene_names(names, None, known)
    assert list(table["gene"]) == names
    assert set(table["how"]) == {"as_written"}


def test_numbers_that_repeat_are_no_ids():
    """A table of clones has a number behind every name; so has one of small nucleolar RNAs."""
    clones = [f"AC{10000 + i}.{1 + i % 3}" for i in range(30)]
    assert list(read_as(clones, SYMBOLS).values()) == clones
    snords = [f"SNORD{i}_{1 + i % 3}" for i in range(30)]
    assert list(read_as(snords).values()) == snords


def test_few_names_of_a_form_are_not_read_by_it():
    names = [*SYMBOLS, "ABC|12", "DEF|13"]
    assert list(read_as(names, SYMBOLS).values()) == names
    unknown = [f"?|{i}" for i in range(5)] + paired("{symbol}|{id}")
    assert list(read_as(unknown, SYMBOLS).values()) == [*unknown[:5], *SYMBOLS]


def test_a_name_that_the_sets_have_is_never_changed():
    features = [*paired("{symbol}|{id}")[:-1], "PTEN|5728", "ODD|1"]
    found = read_as(features, [*SYMBOLS, "ODD|1"])
    assert found["ODD|1"] == "ODD|1"
    assert found["PTEN|5728"] == "PTEN"
    assert read_as(["TP53", "TP53.1", "MYC"], ["TP53", "TP53.1"])["TP53.1"] == "TP53.1"


def test_repeats_are_those_that_r_and_python_number():
    names = ["TP53", "TP53.1", "TP53.2", "MYC-1", "MYC", "AC010323.1", "NKX2-1", "X.7", "X"]
    found = read_as(names, ["TP53", "MYC", "NKX2-1"])
    assert {name for name, gene in found.items() if name != gene} == {"TP53.1", "TP53.2", "MYC-1"}
    assert found["TP53.2"] == "TP53"
    assert found["MYC-1"] == "MYC"
    without_sets = read_as(names)
    assert without_sets["TP53.2"] == "TP53"
    assert without_sets["X.7"] == "X.7"


def test_other_capitals_only_where_they_find_more():
    lower = [name.lower() for name in SYMBOLS]
    assert list(read_as(lower, SYMBOLS).values()) == SYMBOLS
    assert read_as([*SYMBOLS, "c1orf112"], [*SYMBOLS, "C1orf112"])["c1orf112"] == "c1orf112"
    assert read_as(["tp53", "TP53"], ["TP53"]) == {"tp53": "tp53", "TP53": "TP53"}
    assert list(read_as(paired("{symbol}|{id}"), ["tp53", "myc"]).values())[:3] == ["tp53", "myc", "KIT"]


def ensembl_map(*rows):
    return pd.DataFrame(rows, columns=["feature", "gene"])


@pytest.mark.situation(
    "expression and gene map of two GENCODE releases",
    right="every gene named",
    before="125 of 200 lost their symbol, two gene sets vanished",
)
def test_a_version_never_costs_a_gene():
    """Some versions agree, some do not: each gene is looked up by itself, the exact entry first, else the latest."""
    rows = [
        ("ENSG00000141510.16", "OLD"), ("ENSG00000141510.9", "OLDER"), ("ENSG00000141510.18", "TP53"),
        ("ENSG00000136997.5", "MYC"), ("ENSG00000002586.20", "CD99"), ("ENSG00000002586.20_PAR_Y", "CD99"),
        ("ENSG00000182378.1", "PLCXD1"),
    ]  # fmt: skip
    features = [
        "ENSG00000141510.2", "ENSG00000141510.16", "ENSG00000136997.5", "ENSG00000136997",
        "ENSG00000002586.7_PAR_Y", "ENSG00000182378.1_PAR_Y", "ENSG00000000003.1",
    ]  # fmt: skip
    expected = ["TP53", "OLD", "MYC", "MYC", "CD99", "", ""]
    assert list(genes_of(features, ensembl_map(*rows))) == expected
    assert list(genes_of(features, ensembl_map(*rows[::-1]))) == expected
    how = gene_names(features, ensembl_map(*rows)).set_index("feature")["how"]
    assert how["ENSG00000141510.16"] == "gene_map"
    assert how["ENSG00000141510.2"] == "gene_map_other_version"
    assert how["ENSG00000182378.1_PAR_Y"] == "as_written"


def test_of_several_features_of_a_gene_the_highest_stays_and_the_table_of_names_repeats_it(tmp_path):
    expression = pd.DataFrame(
        {"TP53|7157": [1.0, 2], "MYC|4609": [3.0, 3], "TP53|99": [5.0, 4], "NA|5": [0.0, 1]}, index=["a", "b"]
    )
    names = gene_names(expression.columns, None, ["TP53", "MYC"])
    found = name_genes(expression, names)
    assert found.to_dict("list") == {"MYC": [3.0, 3.0], "TP53": [5.0, 4.0], "NA|5": [0.0, 1.0]}
    write_table(names, tmp_path / "gene_names.tsv")
    again = read_gene_names(tmp_path / "gene_names.tsv", expression.columns)
    pd.testing.assert_frame_equal(name_genes(expression, again), found)


def test_foreign_and_half_known_ids_are_told():
    collections = {"hallmark": {"A": SYMBOLS[:5]}, "own": {"B": ENSEMBL[:2], "C": [f"X{i}" for i in range(60)]}}
    members = set(SYMBOLS)
    names = gene_names(ENSEMBL, None, members)
    overlap = gene_overlap(names, collections).set_index("collection")
    assert overlap["status"].to_dict() == {"hallmark": "foreign_ids", "own": "low_overlap"}
    assert overlap.loc["own", ["n_ids", "n_set_genes", "n_found"]].tolist() == [10, 62, 2]
    assert overlap.loc["own", "share"] == pytest.approx(0.2)
    foreign, low = naming_notes(names, 10, overlap.reset_index(), members)
    assert foreign.what == "foreign gene ids"
    assert foreign.note.startswith("0 of 10 ids are in the gene sets hallmark: the ids are Ensembl ids such as ENSG")
    assert "gene_maps" in foreign.note
    assert low.n == 2
    assert "own, 20 % of the 10" in low.note


def test_what_was_understood_is_counted():
    features = [*paired("{symbol}|{id}"), "TP53|1"]
    names = gene_names(features, None, SYMBOLS)
    notes = {note.what: note.n for note in naming_notes(names, 10, gene_overlap(names, {"s": {"A": SYMBOLS}}), set())}
    assert notes == {"gene names: id and symbol": 11, "one gene, several features": 1}
    hyphen = gene_overlap(gene_names(["HLA.A", "KIT"], None, SYMBOLS), {"s": {"A": SYMBOLS}})
    assert hyphen.loc[0, ["n_found", "status"]].tolist() == [2, "ok"]
