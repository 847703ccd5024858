"""The mutations that apply to any file of a kind, on small real files of the shared data, where these are."""

from __future__ import annotations

import zipfile

from amucl.biology.genesets import read_gmt
from amucl.cohort.readers.rfiles import read_rds
from amucl.cohort.readers.tables import read_clinical, read_columns, read_omic
from amucl.cohort.sources.benchmark import read_benchmark
from amucl.cohort.sources.published import read_published
from tests.badfiles.mutations import CASES, Case
from tests.badfiles.wellformed import KINDS, Kind, member, reading, zipped
from tests.shared import MIRROR, SHARED

MAX_BYTES = 1 << 20
REAL: dict[str, Kind] = {}
REAL_CASES: list[Case] = []


def add(name, file, like, source, read, *mutations, load=None, store=None, place=None, separator=None) -> None:
    """Register a real file: `source` is copied, and mutated as a file of the kind `like` is, by some `mutations`."""
    if not SHARED.is_dir():
        return
    load = load or (lambda folder: (folder / file).read_bytes())
    store = store or (lambda folder, data: (folder / file).write_bytes(data))
    REAL[name] = Kind(
        name, place or file, lambda folder: source(folder), read, load, store, separator or KINDS[like].separator
    )
    for case in CASES:
        if case.kind == like and (case.mutation in mutations):
            REAL_CASES.append(Case(case.mutation, name, case.change, case.place, case.expected))


N_LINES = 30


def head(data: bytes) -> bytes:
    """The first lines of a table: enough to be read in milliseconds."""
    return b"".join(data.splitlines(keepends=True)[:N_LINES])


def copy(*paths):
    """Writes copies that can be changed, of matrices their first lines."""

    def write(folder):
        for path in paths:
            data = path.read_bytes()
            (folder / path.name).write_bytes(head(data) if path.name.startswith("omics") else data)

    return write


TEXT = (
    "windows_line_ends", "old_mac_line_ends", "no_final_line_end", "empty_lines_at_the_end", "utf16",
    "latin_1", "utf16_little_endian_without_mark", "utf16_big_endian_without_mark", "windows_1252_apostrophe",
    "nul_byte", "nul_bytes_at_the_end", "terminal_escape_in_an_id", "cut_inside_a_character", "empty_file",
    "only_white_space", "web_page", "an_image", "a_spreadsheet",
)  # fmt: skip
TABLE = ("short_row", "long_row", "row_cut_off", "other_separator_in_one_row", "giant_id")
MATRIX = (
    *TABLE, "byte_order_mark", "header_lost", "header_shifted_left", "header_shifted_right", "header_twice",
    "empty_line_inside", "column_twice", "separators_at_the_end_of_all_lines",
    "separators_at_the_end_of_rows", "sample_without_a_name", "header_without_corner",
    "header_with_another_separator", "giant_cell",
)  # fmt: skip
BINARY = ("binary_empty", "binary_cut_in_half", "binary_wrong_magic", "binary_is_text", "binary_is_a_web_page")
WITHOUT_MARK = (
    "latin_1", "terminal_escape_in_an_id", "nul_byte", "utf16_little_endian_without_mark",
    "utf16_big_endian_without_mark",
)  # fmt: skip
ZIP = tuple(case.mutation for case in CASES if case.kind == ".zip itself" and case.mutation.startswith("zip_"))
WITHOUT_EXP = ("zip_bomb", "zip_bomb_that_lies_about_its_size", "zip_without_the_member", "zip_with_the_member_twice")

simulation = SHARED / "simulated" / "equal" / "5"
add(
    "published simulation",
    "omics2.txt",
    "own .tsv.gz",
    copy(simulation / "omics2.txt"),
    lambda folder: {"omic": read_omic(folder / "omics2.txt", omic="expression")},
    *TEXT,
    *MATRIX,
)
add(
    "published simulation's clusters",
    "clusters.txt",
    "published clusters",
    copy(simulation / "omics2.txt", simulation / "clusters.txt"),
    lambda folder: reading(read_published({"expression": folder / "omics2.txt"}, folder / "clusters.txt")),
    *TEXT,
    *TABLE,
)
add(
    "AML subtypes",
    "AML_subtypes.tsv",
    "own clinical",
    copy(SHARED / "labels" / "tcga_laml_subtypes" / "AML_subtypes.tsv"),
    lambda folder: {"clinical": read_clinical(folder / "AML_subtypes.tsv")},
    *TEXT,
    *TABLE,
    "byte_order_mark",
)
add(
    "GBM subtypes",
    "gbm_subtypes.csv",
    "label table",
    copy(SHARED / "labels" / "gbm_subtypes.csv"),
    lambda folder: {"clinical": read_columns(folder / "gbm_subtypes.csv").reset_index(drop=True)},
    *(one for one in TEXT if one not in WITHOUT_MARK),
    *TABLE,
)
add(
    "hallmark gene sets",
    "h.all.v7.0.symbols.gmt",
    "gene sets (.gmt)",
    copy(MIRROR / "genesets" / "h.all.v7.0.symbols.gmt"),
    lambda folder: read_gmt(folder / "h.all.v7.0.symbols.gmt"),
    *TEXT,
    "byte_order_mark",
    "gmt_with_commas",
    "gmt_set_without_genes",
    "gzipped_under_a_plain_name",
)
add(
    "metadata of cells (.RDS)",
    "HumanEmbryo_metadata.RDS",
    "R object (.RDS)",
    copy(MIRROR / "singlecell" / "HumanEmbryo_metadata.RDS"),
    lambda folder: {"cells": read_rds(folder / "HumanEmbryo_metadata.RDS")},
    *BINARY,
    "rds_uncompressed",
    "rds_with_a_flipped_byte",
)


def write_sarcoma(folder):
    """Its survival and the beginning of its miRNA, and its clinical table alone."""
    archive, clinical = MIRROR / "benchmark" / "sarcoma.zip", MIRROR / "benchmark" / "clinical.zip"
    with zipfile.ZipFile(archive) as opened:
        contents = {"mirna": head(opened.read("mirna")), "survival": opened.read("survival")}
    (folder / "sarcoma.zip").write_bytes(zipped(contents))
    with zipfile.ZipFile(clinical) as opened:
        (folder / "clinical.zip").write_bytes(zipped({"sarcoma": head(opened.read("clinical/sarcoma"))}))


def read_sarcoma(folder):
    archives = folder / "sarcoma.zip", folder / "clinical.zip"
    return reading(read_benchmark(archives[0], cancer="sarcoma", omics=["mirna"], clinical_archive=archives[1]))


# What points at a place in the bytes of the small archive means another one here.
BY_POSITION = (
    "zip_in_a_zip", "zip_encrypted", "zip_of_overlapping_members", "zip_with_a_flipped_bit",
    "zip_of_an_unknown_compression",
)  # fmt: skip
BY_CORNER = ("header_shifted_left", "header_twice", "header_without_corner", "separators_at_the_end_of_rows")
add(
    "TCGA sarcoma (.zip)",
    "sarcoma.zip",
    ".zip itself",
    write_sarcoma,
    read_sarcoma,
    *BINARY,
    *(one for one in ZIP if one not in (*WITHOUT_EXP, *BY_POSITION)),
)
for name, like, mutations in (
    ("mirna", "benchmark exp", [one for one in MATRIX if one not in BY_CORNER]),
    ("survival", "benchmark survival", TABLE),
):
    add(
        f"TCGA sarcoma's {name}",
        "sarcoma.zip",
        like,
        write_sarcoma,
        read_sarcoma,
        *TEXT,
        *mutations,
        **member("sarcoma.zip", name),
    )
