import gzip

import pytest

from amucl.biology.genesets import read_gmt, write_gmt
from amucl.errors import AmuclError
from tests.shared import MIRROR, needs_shared


def write(folder, content, name="sets.gmt"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("A\tdescription\tTP53\tMYC\n", {"A": ["TP53", "MYC"]}),
        ("A\t\tTP53\tMYC\n", {"A": ["TP53", "MYC"]}),
        ("'de novo' folding (GO:0051084)\t\tHSPA9\n", {"'de novo' folding (GO:0051084)": ["HSPA9"]}),
        ("A\td\tTP53\tMYC\t\t\t\n", {"A": ["TP53", "MYC"]}),
        ("A\td\tTP53\tMYC\tTP53\n", {"A": ["TP53", "MYC"]}),
        ("A\td\tTP53,1.0\tMYC,-2e-3\n", {"A": ["TP53", "MYC"]}),
        ("\ufeffA\td\tTP53\r\n\r\nB\td\tMYC", {"A": ["TP53"], "B": ["MYC"]}),
        (gzip.compress(b"A\td\tTP53\n", mtime=0), {"A": ["TP53"]}),
    ],
    ids=["plain", "empty description", "spaces", "trailing tabs", "repeated gene", "weights", "BOM and CRLF", "gzip"],
)
def test_reads_what_real_files_hold(tmp_path, content, expected):
    assert read_gmt(write(tmp_path, content)) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("A\td\tTP53\nB\td\tMYC\nA\td\tKIT\n", r"line 3: gene set 'A' appears twice.*lines 1 and 3"),
        ("A\td\tTP53\nB\tMYC\n", r"line 2: malformed gene set; expected at least 3 tab-separated fields"),
        ("A\td\t\t\n", r"line 1: malformed gene set"),
        ("TP53,MYC,KIT\n", r"line 1: malformed gene set"),
        ("\td\tTP53\n", r"line 1: gene set without a name"),
        ("", "gene set file is empty"),
        ("\n \n", "gene set file is empty"),
        ("<!DOCTYPE html>\n<html></html>\n", "gene set file is a web page"),
        (b"\xff\xfe\x00A", "line 1: not UTF-8 text"),
        (gzip.compress(b"A\td\tTP53\n" * 50, mtime=0)[:-12], "truncated gzip file"),
    ],
)
def test_bad_files_are_named_with_their_line(tmp_path, content, message):
    with pytest.raises(AmuclError, match=message):
        read_gmt(write(tmp_path, content))


def test_missing_file_and_directory(tmp_path):
    with pytest.raises(AmuclError, match="does not exist"):
        read_gmt(tmp_path / "none.gmt")
    with pytest.raises(AmuclError, match="is a directory"):
        read_gmt(tmp_path)


def test_written_sets_are_read_back(tmp_path):
    sets = {"A set": ["TP53", "MYC"], "B": ["KIT"]}
    write_gmt(sets, tmp_path / "out.gmt")
    assert read_gmt(tmp_path / "out.gmt") == sets


@needs_shared
@pytest.mark.parametrize(
    ("name", "n_sets", "first"),
    [
        ("h.all.v7.0.symbols.gmt", 50, "HALLMARK_TNFA_SIGNALING_VIA_NFKB"),
        ("c2.cp.kegg.v7.5.1.symbols.gmt", 186, "KEGG_N_GLYCAN_BIOSYNTHESIS"),
        ("c2.cp.reactome.v6.2.symbols.gmt", 674, "REACTOME_GLYCOGEN_BREAKDOWN_GLYCOGENOLYSIS"),
        ("enrichr.GO_Biological_Process_2021.gmt", 6036, "'de novo' posttranslational protein folding (GO:0051084)"),
    ],
)
def test_published_collections(name, n_sets, first):
    sets = read_gmt(MIRROR / "genesets" / name)
    assert len(sets) == n_sets
    assert next(iter(sets)) == first
    assert all(sets.values())
