"""What strangers do to files: every mutation a small function, and beside it what must come of it.

A function takes what it changes, by the name of its first argument: `data` (bytes), `text`, `rows` (lists of fields) or
`folder`. Above it stands, for the kinds of files it is applied to, one of

- ``read_right(kinds, change)``: the reading equals that of the clean files, or ``change`` of it;
- ``refused(kinds, place)``: one line that names the file and has ``place`` in it, a regular expression.
"""

from __future__ import annotations

import gzip
import inspect
import io
import re
import shutil
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from tests.badfiles.wellformed import (
    BARCODES,
    BINARY,
    GENES,
    KINDS,
    MATRICES,
    MAX_BYTES,
    TABLES,
    TEXTS,
    Kind,
    as_frame,
    tarred,
    zipped,
)
from tests.unit.cohort.written_r import write_rds


@dataclass(frozen=True)
class Case:
    """One mutation of one kind of file; `place` is None where it must be read right, as `expected` of the clean one."""

    mutation: str
    kind: str
    change: Callable
    place: str | None
    expected: Callable[[dict], dict] | None


CASES: list[Case] = []


def read_right(kinds: str | Sequence[str], expected: Callable[[dict], dict] | None = None) -> Callable:
    """The mutated files are read, as the clean ones or as `expected` of these."""
    return lambda change: _add(change, kinds, None, expected)


def refused(kinds: str | Sequence[str], place: str) -> Callable:
    """The mutated files are refused in one line with `place`."""
    return lambda change: _add(change, kinds, place, None)


def _add(change: Callable, kinds: str | Sequence[str], place: str | None, expected: Callable | None) -> Callable:
    for kind in [kinds] if isinstance(kinds, str) else kinds:
        assert (change.__name__, kind) not in {(case.mutation, case.kind) for case in CASES}, (change.__name__, kind)
        CASES.append(Case(change.__name__, kind, change, place, expected))
    return change


def apply(change: Callable, kind: Kind, folder: Path) -> None:
    """Mutate the files of a kind in `folder`."""
    wanted = next(iter(inspect.signature(change).parameters))
    if wanted == "folder":
        change(folder)
        return
    data = kind.load(folder)
    if wanted == "data":
        kind.store(folder, change(data))
        return
    text = data.decode()
    if wanted == "text":
        changed = change(text)
    else:
        rows = change([line.split(kind.separator) for line in text.removesuffix("\n").split("\n")])
        changed = "\n".join(kind.separator.join(row) for row in rows) + "\n"
    kind.store(folder, changed if isinstance(changed, bytes) else changed.encode())


def without(kinds: Sequence[str], *names: str) -> list[str]:
    """`kinds` but for some."""
    return [kind for kind in kinds if kind not in names]


# Bytes of a text -----------------------------------------------------------------------------------------------------


@read_right(TEXTS)
def byte_order_mark(data):
    return b"\xef\xbb\xbf" + data


@read_right(TEXTS)
def windows_line_ends(data):
    return data.replace(b"\n", b"\r\n")


@read_right(without(TEXTS, "Xena expression", "Xena methylation"))
@refused(["Xena expression", "Xena methylation"], "line 1: lines end in CR alone")
def old_mac_line_ends(data):
    return data.replace(b"\n", b"\r")


@read_right(TEXTS)
def no_final_line_end(data):
    return data.removesuffix(b"\n")


@read_right(TEXTS)
def empty_lines_at_the_end(data):
    return data.removesuffix(b"\n") + b"\n\n\n"


@refused(TEXTS, r"line 1: not UTF-8 text: byte 0x[0-9a-f]+ at byte 1; got UTF-16")
def utf16(text):
    return text.encode("utf-16")


@refused(TEXTS, r"line 1: not UTF-8 text: byte 0x00 at byte 2; got UTF-16")
def utf16_little_endian_without_mark(text):
    return text.encode("utf-16-le")


@refused(TEXTS, r"line 1: not UTF-8 text: byte 0x00 at byte 1; got UTF-16")
def utf16_big_endian_without_mark(text):
    return text.encode("utf-16-be")


@refused(TEXTS, r"line 1: not UTF-8 text: byte 0xe9")
def latin_1(data):
    return data[:1] + "é".encode("latin-1") + data[1:]


@refused(TEXTS, r"line 2: not UTF-8 text: byte 0x92")
def windows_1252_apostrophe(data):
    first, rest = data.split(b"\n", 1)
    return first + b"\n" + rest[:1] + b"\x92" + rest[1:]


@refused(TEXTS, r"line 1: not UTF-8 text: byte 0x00")
def nul_byte(data):
    return data[:2] + b"\x00" + data[2:]


@refused(TEXTS, r"line \d+: not UTF-8 text: byte 0x00")
def nul_bytes_at_the_end(data):
    return data + bytes(512)


@refused(TEXTS, r"line 1: a control character: byte 0x1b")
def terminal_escape_in_an_id(data):
    return data[:1] + b"\x1b[31m" + data[1:]


@refused(TEXTS, r"line 1: not UTF-8 text: byte 0xe4")
def cut_inside_a_character(data):
    return "中".encode()[:2]


@refused(without(TEXTS, "registry (YAML)"), "empty|no rows|fields")
def empty_file(data):
    return b""


@refused(without(TEXTS, "registry (YAML)"), "empty|no rows|fields|malformed")
def only_white_space(data):
    return b" \n\n  \n"


@refused(without(TEXTS, "registry (YAML)"), "line|column|web page|field|no column|not a|[Nn]o ")
def web_page(data):
    return b"<!DOCTYPE html>\n<html><head><title>404</title></head>\n<body><p>Not Found</p></body>\n</html>\n"


@refused(TEXTS, r"line 1: not UTF-8 text")
def an_image(data):
    return b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@refused(TEXTS, r"line 1: not UTF-8 text.*a \.zip or a spreadsheet \(\.xlsx\)")
def a_spreadsheet(data):
    return zipped({"xl/worksheets/sheet1.xml": b"<worksheet/>"})


@refused(without(TEXTS, "gene sets (.gmt)", "gene map"), r"line 1: not UTF-8 text")
@read_right(["gene sets (.gmt)", "gene map"])
def gzipped_under_a_plain_name(data):
    return gzip.compress(data, mtime=0)


# Shape of a table ----------------------------------------------------------------------------------------------------


@read_right(without(TABLES, "benchmark survival", "published clusters"))
def every_field_quoted(rows):
    return [[f'"{cell}"' for cell in row] for row in rows]


@read_right(without(TABLES, "gene map", *[kind for kind in TABLES if KINDS[kind].separator == " "]))
def spaces_around_fields(rows):
    return [[f" {cell} " if i else cell for i, cell in enumerate(row)] for row in rows]


@refused(TABLES, r"line 3: .*(number of fields|another length)")
def short_row(rows):
    return [*rows[:2], rows[2][:-1], *rows[3:]]


@refused(TABLES, r"line 3: .*(number of fields|another length)")
def long_row(rows):
    return [*rows[:2], [*rows[2], "1"], *rows[3:]]


@refused(TABLES, r"line 3: .*(number of fields|another length)")
def row_cut_off(rows):
    return [*rows[:2], rows[2][:1]]


@refused(without(TABLES, "gene map"), r"line 3: unbalanced quote")
@refused("gene map", "line 4: ")
def quote_never_closed(rows):
    return [*rows[:2], ['"' + rows[2][0].strip('"'), *rows[2][1:]], *rows[3:]]


@read_right(MATRICES)
def separators_at_the_end_of_all_lines(rows):
    return [[*row, ""] for row in rows]


@refused(without(TABLES, "benchmark exp", "R table"), r"separator|line 2")
def separators_at_the_end_of_rows(rows):
    return [rows[0], *([*row, ""] for row in rows[1:])]


@refused(without(TABLES, "gene map"), r"line 3: .*number of fields")
def other_separator_in_one_row(rows):
    return [*rows[:2], ["|".join(rows[2])], *rows[3:]]


@refused(without(TABLES, "gene map", "label table"), r"line 2")
def header_with_another_separator(rows):
    return [["|".join(rows[0])], *rows[1:]]


@refused(MATRICES, r"the header looks like a row of values")
def header_lost(rows):
    return rows[1:]


@refused(
    without(TABLES, "gene map", *[kind for kind in TABLES if KINDS[kind].separator == " "]),
    r"line 2: the header stands here again",
)
def header_twice(rows):
    return [rows[0], *rows]


@refused(
    ["own clinical", "label table", "Xena phenotypes", "Xena survival", "cells' metadata"],
    r"line 4: the header stands here again",
)
def header_again_in_the_middle(rows):
    return [*rows[:3], rows[0], *rows[3:]]


@refused(without(MATRICES, "R table", "benchmark exp"), "empty sample id")
def header_shifted_left(rows):
    return [[*rows[0][1:], ""], *rows[1:]]


@refused(without(MATRICES, "R table", "benchmark exp"), r"line 2: wrong number of fields")
@read_right(["R table", "benchmark exp"])
def header_shifted_right(rows):
    return [["", "", *rows[0]], *rows[1:]]


@read_right(["own .tsv", "own .csv", "own .tsv.gz", "Xena expression", "Xena methylation", "own clinical"])
def header_without_corner(rows):
    return [rows[0][1:], *rows[1:]]


@read_right([*MATRICES, "own clinical"])
def comment_above_the_header(rows):
    return [["# made by hand"], *rows]


@refused([*MATRICES, "own clinical"], r"line 4: wrong number of fields")
def empty_line_inside(rows):
    return [*rows[:3], [""], *rows[3:]]


@refused(TABLES, r"header|no row|no gene|no column|one ")
def header_only(rows):
    return rows[:1]


@refused(["own .tsv", "own .csv", "R table", "own .tsv.gz"], r"duplicate feature ids.*in lines 3 and 7")
@refused(["Xena phenotypes", "Xena survival", "cells' metadata"], r"duplicate sample ids.*lines 3 and [67]")
@refused("benchmark clinical", "duplicate sample ids")
@read_right("label table")
@read_right("own clinical", lambda clean: clean | {"join": None})
def row_twice(rows):
    return [*rows, rows[2]]


@refused("label table", "rows of one sample or patient that differ")
def row_twice_with_other_values(rows):
    return [*rows, [rows[2][0], *(f"{cell}0" for cell in rows[2][1:])]]


def _sample_columns(clean):
    """Features are one fewer."""
    return {"omic": clean["omic"].drop(columns=GENES[2])}


@read_right(["R table", "own .tsv.gz"], _sample_columns)
def row_lost(rows):
    return [*rows[:3], *rows[4:]]


@refused(MATRICES, r"duplicate sample ids")
def column_twice(rows):
    return [[*row, row[-1]] for row in rows]


@refused(["own clinical", "label table", "Xena phenotypes", "cells' metadata"], r"duplicate column ids")
def clinical_column_twice(rows):
    return [[*row, row[-1]] for row in rows]


@refused(MATRICES, r"empty sample id; got none at position 2")
def sample_without_a_name(rows):
    place = 2 - (len(rows[0]) < len(rows[1]))
    return [[*rows[0][:place], '""', *rows[0][place + 1 :]], *rows[1:]]


@refused(["own .tsv", "own .csv", "own .tsv.gz", "R table"], r"empty feature id; got none at position 2")
def feature_without_a_name(rows):
    return [*rows[:2], ['""', *rows[2][1:]], *rows[3:]]


@refused("own .tsv", r"shares no samples")
@refused("own .csv", r"the samples are named as features are")
@read_right("own clinical")
@refused(["Xena expression", "Xena methylation"], "no column is a TCGA sample")
def transposed(rows):
    return [list(row) for row in zip(*rows, strict=True)]


@refused(["own .tsv", "own .csv"], r"shares no samples")
@refused("own clinical", "shares no sample")
def ids_of_another_study(text):
    return re.sub(r"\bp(\d)\b", r"X\1", text)


@refused(["Xena expression", "Xena methylation"], r"no column is a tumour sample")
@refused("benchmark exp", r"no tumour sample")
def normal_tissue_only(text):
    return text.replace("-03", "-11").replace(".03", ".11")


@refused(without(TABLES, "gene map"), r"line 3: a field is too long|line 3: not a TCGA barcode")
def giant_id(rows):
    return [*rows[:2], ["g" * 200_000, *rows[2][1:]], *rows[3:]]


@refused(without(MATRICES, "Xena methylation"), r"line 3: a field is too long")
def giant_cell(rows):
    return [*rows[:2], [*rows[2][:-1], "1" * 200_000], *rows[3:]]


# Cells of a matrix ---------------------------------------------------------------------------------------------------


def _gap(clean):
    """The cell of the third gene and second sample is missing; features that are chosen by their mean stay."""
    changed = dict(clean)
    for name in ("omic", "expression"):
        if name in changed:
            changed[name] = changed[name].copy()
            changed[name].iloc[1, 2] = np.nan
    return changed


def _with_cell(token):
    def change(rows):
        return [*rows[:3], [*rows[3][:2], token, *rows[3][3:]], *rows[4:]]

    return change


READ_AS_MISSING = {
    "NA": "cell_NA", "NaN": "cell_NaN", "nan": "cell_nan_small", "null": "cell_null", "NULL": "cell_NULL_capital",
    "N/A": "cell_N_slash_A", ".": "cell_dot", '""': "cell_empty_quotes", "?": "cell_question_mark", "-": "cell_dash",
    "#N/A": "cell_spreadsheet_NA", "#DIV/0!": "cell_spreadsheet_error", "'--": "cell_of_the_GDC", "none": "cell_none",
}  # fmt: skip
NO_NUMBERS = {
    "inf": "cell_inf", "-Inf": "cell_minus_inf", "1e999": "cell_overflow",
    "1e300": "cell_giant", "9.96921e36": "cell_fill_value_of_netcdf", "1,5": "cell_decimal_comma",
    "1.234,5": "cell_european_thousands",
    "1_000": "cell_underscore", "0x1F": "cell_hexadecimal", "TRUE": "cell_boolean",
    "<0.5": "cell_below_detection", "5%": "cell_percent",
    "１２": "cell_full_width_digits",
    "1-Sep": "cell_date", "high": "cell_word", "--1": "cell_two_signs", "1e": "cell_half_exponent",
    "1\u00a0000": "cell_hard_space",
    "−1": "cell_typographic_minus", "=A1*2": "cell_formula", "1d3": "cell_fortran_exponent", "nil": "cell_nil",
}  # fmt: skip
for token, name in READ_AS_MISSING.items():
    change = _with_cell(token)
    change.__name__ = name
    read_right(["own .tsv", "R table", "own .tsv.gz", "benchmark exp", "Xena expression"], _gap)(change)
for token, name in NO_NUMBERS.items():
    change = _with_cell(token)
    change.__name__ = name
    place = r"line 4, row TP53, column \S+2?\S*: (not a number|infinite value|a value too large)"
    refused(["own .tsv", "R table", "own .tsv.gz", "benchmark exp", "Xena expression"], place)(change)


@refused("own .csv", r"line \d: wrong number of fields")
@refused("Xena expression", r"line 2, row SEPT1.* with a point")
@read_right(["own .tsv", "R table", "own .tsv.gz", "benchmark exp"])
def decimal_commas_everywhere(text):
    header, rows = text.split("\n", 1)
    return header + "\n" + re.sub(r"(\d)\.(\d)", r"\1,\2", rows)


@read_right("own .csv")
def european_csv(text):
    return text.replace(",", ";").replace(".", ",")


@read_right("own .csv")
def semicolons(text):
    return text.replace(",", ";")


@read_right("own .csv")
def tabs_in_a_csv(text):
    return text.replace(",", "\t")


@refused("own .tsv", r"empty sample id")
def every_tab_twice(text):
    return text.replace("\t", "\t\t")


@read_right("own .tsv")
def commas_in_a_tsv(text):
    return text.replace("\t", ",")


# Names ---------------------------------------------------------------------------------------------------------------


def _renamed(clean):
    names = {"TP53": "中文 é 🧬", "KRAS": "<b>$(x)`;'"}
    return {name: table.rename(columns=names) for name, table in clean.items()}


@read_right(["own .tsv.gz"], _renamed)
def ids_of_any_script(text):
    return text.replace("TP53", "中文 é 🧬").replace("KRAS", "<b>$(x)`;'")


def _dates(clean):
    """The names are as the file has them, and the first step tells of it."""
    changed = {**clean, "expression": clean["expression"].rename(columns={"SEPT1": "1-Sep", "MARCH1": "1-Mar"})}
    steps = clean["steps"].copy()
    read = (steps["omic"] == "expression") & (steps["step"] == "read")
    steps.loc[read, "reason"] += "; 2 feature ids look like dates or numbers made by a spreadsheet: 1-Sep, 1-Mar"
    return changed | {"steps": steps}


@read_right(["own .tsv", "benchmark exp", "Xena expression"], _dates)
def genes_made_dates_by_a_spreadsheet(text):
    return text.replace("SEPT1", "1-Sep").replace("MARCH1", "1-Mar")


@refused(["own .tsv", "R table", "own .tsv.gz"], r"duplicate feature ids.*1-Mar in lines 2 and 3")
def two_genes_made_one_date(text):
    return text.replace("SEPT1", "1-Mar").replace("MARCH1", "1-Mar")


@refused("Xena survival", r"line 2, column sample: not a TCGA barcode")
@refused("benchmark survival", r"line 2, column PatientID: not a TCGA barcode")
def ids_that_are_no_barcodes(text):
    return text.replace("TCGA-AB-0001", "TCGA_AB0001", 1)


@read_right(["benchmark exp", "benchmark survival", "benchmark clinical"])
def barcodes_in_small_letters(text):
    return text.replace("TCGA", "tcga").replace("AB", "ab")


# Survival ------------------------------------------------------------------------------------------------------------


def _survival(column, value, *, kind="own clinical"):
    def change(rows):
        place = [cell.strip('"') for cell in rows[0]].index(column)
        return [rows[0], [*rows[1][:place], value, *rows[1][place + 1 :]], *rows[2:]]

    return change


IMPOSSIBLE_TIMES = {
    "inf": "time_infinite",
    "1e12": "time_giant",
    "3 years": "time_in_words",
    "12,5": "time_with_comma",
    "1_0": "time_with_underscore",
}
IMPOSSIBLE_EVENTS = {"2": "event_two", "dead": "event_word", "0.5": "event_half", "-1": "event_negative"}
for values, columns in (
    (IMPOSSIBLE_TIMES, ("os_time", "Survival", "OS.time")),
    (IMPOSSIBLE_EVENTS, ("os_event", "Death", "OS")),
):
    for value, name in values.items():
        for kind, column in zip(("own clinical", "benchmark survival", "Xena survival"), columns, strict=True):
            change = _survival(column, value)
            change.__name__ = name
            place = (
                "sample p1: impossible survival" if kind == "own clinical" else f"line 2, column {re.escape(column)}: "
            )
            refused(kind, place)(change)


def _no_time(clean):
    """A negative time is taken as missing, and the join report counts it."""
    clinical = clean["clinical"].copy()
    clinical.loc[BARCODES[0], ["os_time", "os_event"]] = np.nan
    return clean | {"clinical": clinical, "join": None}


for kind, column in {"own clinical": "os_time", "benchmark survival": "Survival", "Xena survival": "OS.time"}.items():
    change = _survival(column, "-5")
    change.__name__ = "time_negative"
    if kind == "own clinical":
        refused(kind, "os_time, sample p1: impossible survival; expected days, 0 to 50000; got -5")(change)
    else:
        read_right(kind, _no_time)(change)


def _zero(clean):
    clinical = clean["clinical"].copy()
    clinical.loc[clinical.index[0], "os_time"] = 0.0
    return clean | {"clinical": clinical}


for kind, column in {"own clinical": "os_time", "benchmark survival": "Survival", "Xena survival": "OS.time"}.items():
    change = _survival(column, "0")
    change.__name__ = "time_zero"
    read_right(kind, _zero)(change)


@refused(["benchmark survival", "Xena survival"], r"not a survival table|no column")
def survival_column_absent(text):
    return text.replace("Survival", "Time").replace("OS.time", "Time")


# Gene sets, maps, embeddings -----------------------------------------------------------------------------------------


@refused("gene sets (.gmt)", r"line 1: malformed gene set")
def gmt_with_commas(text):
    return text.replace("\t", ",")


@refused("gene sets (.gmt)", r"line 3: gene set 'SET A' appears twice")
def gmt_set_twice(text):
    return text + text.split("\n")[0] + "\n"


@refused("gene sets (.gmt)", r"line 2: malformed gene set")
def gmt_set_without_genes(text):
    return text.split("\n")[0] + "\nSET C\tnothing\n"


@refused("gene sets (.gmt)", r"line 3: gene set without a name")
def gmt_set_without_a_name(text):
    return text + "\t\tTP53\n"


@refused("gene map", r"gene map names no gene")
def map_without_genes(text):
    return "probe\tgene\ncg1\t\ncg2\tNA\n"


@refused("gene map", r"has one column")
def map_of_one_column(text):
    return "probe\ncg1\ncg2\n"


@read_right("gene map")
def map_as_r_writes_it(rows):
    return [rows[0], *([str(number), *row] for number, row in enumerate(rows[1:], start=1))]


@refused("published embedding", r"line 2: not a finite number")
def embedding_with_nan(text):
    return text.replace("1.5", "nan")


@refused("published embedding", r"line 2: not a finite number")
def embedding_with_underscore(text):
    return text.replace("1.5", "1_5")


@refused("published embedding", r"line 3: wrong number of fields")
def embedding_ragged(text):
    return text.replace("2.5 2", "2.5 2 2")


@refused("published embedding", r"the samples are not those")
def embedding_with_a_row_lost(text):
    return text.split("\n", 1)[1]


# Registry ------------------------------------------------------------------------------------------------------------


@refused("registry (YAML)", "line 1|datasets")
def yaml_list(text):
    return "- aml\n- gbm\n"


@refused("registry (YAML)", "line [0-9]+, column [0-9]+: cannot be read as YAML")
def yaml_tabs(text):
    return text.replace("  ", "\t")


@refused("registry (YAML)", "line [0-9]+, column [0-9]+: cannot be read as YAML")
def yaml_unclosed(text):
    return text + "  x: {a: [1\n"


@refused("registry (YAML)", "line [0-9]+, column [0-9]+: cannot be read as YAML.*python/object")
def yaml_with_code(text):
    return "datasets: !!python/object/apply:os.system ['touch hacked']\n"


@refused("registry (YAML)", "datasets.aml")
def yaml_entry_in_words(text):
    return "datasets: {aml: from the benchmark}\n"


@refused("registry (YAML)", "datasets")
def yaml_datasets_as_list(text):
    return "datasets: [aml]\n"


@refused("registry (YAML)", "datasets.aml.url.*http")
def yaml_file_address(text):
    return text.replace("https://a/aml.zip", "file:///etc/passwd")


@refused("registry (YAML)", "gene_sets.hallmark.url.*http")
def yaml_script_address(text):
    return text.replace("https://a/h.gmt", "javascript:alert(1)")


@refused("registry (YAML)", "gene_sets.hallmark.file")
def yaml_file_outside(text):
    return text.replace(
        "url: https://a/h.gmt", "{url: https://a/h.gmt, file: ../../h.gmt}".strip("{}").replace(", ", "\n    ")
    )


@refused("registry (YAML)", "twice.*line|line.*twice")
def yaml_key_twice(text):
    return text + "datasets: {}\n"


# Compressed ----------------------------------------------------------------------------------------------------------

GZIPS = [".gz itself", "Xena .gz itself"]


@refused([*GZIPS, ".tar.gz"], "truncated|damaged")
def gzip_truncated(data):
    return data[:-12]


@refused(GZIPS, "truncated|damaged|header")
@refused(".tar.gz", "damaged|lacks")
def gzip_cut_in_its_header(data):
    return data[:6]


@refused([*GZIPS, ".tar.gz"], "damaged")
def gzip_with_wrong_checksum(data):
    return data[:-8] + bytes([data[-8] ^ 1]) + data[-7:]


@refused([*GZIPS, ".tar.gz"], "not a |damaged")
def plain_text_under_gz(data):
    return gzip.decompress(data)


@refused(GZIPS, "not a gzip file, or a damaged one")
def bytes_after_the_gzip(data):
    return data + b"garbage"


@read_right(GZIPS)
def gzip_in_two_members(data):
    content = gzip.decompress(data)
    return gzip.compress(content[:40], mtime=0) + gzip.compress(content[40:], mtime=0)


@read_right(GZIPS)
def zeros_after_the_gzip(data):
    return data + bytes(100)


@refused([*BINARY], "empty|not a|damaged|no rows|is not")
def binary_empty(data):
    return b""


@refused([*BINARY], "truncated|damaged|not a|is not")
def binary_cut_in_half(data):
    return data[: len(data) // 2]


@refused(without(BINARY, ".parquet", ".h5mu"), "damaged|not a|is not")
@read_right([".parquet", ".h5mu"])  # the first bytes say nothing that is needed
def binary_wrong_magic(data):
    return b"????" + data[4:]


@refused([*BINARY], "damaged|not a|is not")
def binary_is_text(data):
    return b"gene\tp1\tp2\nTP53\t1\t2\n"


@refused([*BINARY], "damaged|not a|is not")
def binary_is_a_web_page(data):
    return b"<!DOCTYPE html><html><body>Sign in</body></html>"


# Archives ------------------------------------------------------------------------------------------------------------


def _members(data):
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def _zip_with(name, content=b"x", mode=None):
    def change(data):
        entry = zipfile.ZipInfo(name)
        if mode is not None:
            entry.external_attr = mode << 16
        return zipped(_members(data) | {entry: content})

    return change


OUTSIDE = {
    "../evil": "zip_slip", "/etc/evil": "zip_absolute", "a/../../evil": "zip_slip_inside",
    "..\\evil": "zip_slip_backslash",
    "C:\\evil": "zip_drive", "C:evil": "zip_drive_relative",
}  # fmt: skip
ODD_MEMBERS = {
    "zip_symlink": stat.S_IFLNK,
    "zip_device": stat.S_IFCHR,
    "zip_block_device": stat.S_IFBLK,
    "zip_pipe": stat.S_IFIFO,
    "zip_socket": stat.S_IFSOCK,
}
for path, name in OUTSIDE.items():
    change = _zip_with(path)
    change.__name__ = name
    refused(".zip itself", rf"outside the archive; got {re.escape(path)}")(change)
for name, mode in ODD_MEMBERS.items():
    change = _zip_with("odd", b"/etc/passwd", mode | 0o777)
    change.__name__ = name
    refused(".zip itself", "a member is (a symbolic link|neither a file nor a folder); got odd")(change)


@refused(".zip itself", r"aml\.zip:exp: the member is too large; expected at most \d+ bytes; got \d+")
def zip_bomb(data):
    return zipped(_members(data) | {"exp": bytes(MAX_BYTES + 1)})


@refused(".zip itself", r"damaged")
def zip_bomb_that_lies_about_its_size(data):
    bomb = bytearray(zipped(_members(data) | {"exp": bytes(4 * MAX_BYTES)}))
    size = struct.pack("<I", 4 * MAX_BYTES)
    while size in bomb:
        place = bomb.index(size)
        bomb[place : place + 4] = struct.pack("<I", 100)
    return bytes(bomb)


@refused(".zip itself", r"damaged|two members|verlap")
def zip_of_overlapping_members(data):
    overlapping = bytearray(data)
    entries = [match.start() for match in re.finditer(b"PK\x01\x02", data)]
    overlapping[entries[1] + 42 : entries[1] + 46] = data[entries[0] + 42 : entries[0] + 46]
    return bytes(overlapping)


@refused(".zip itself", "no member exp")
def zip_without_the_member(data):
    return zipped({"survival": _members(data)["survival"]})


@refused(".zip itself", "two members are called exp; got exp, copy/exp")
def zip_with_the_member_twice(data):
    return zipped(_members(data) | {"copy/exp": b"x"})


@refused(".zip itself", "aml.zip:exp: the member is encrypted")
def zip_encrypted(data):
    changed = bytearray(data)
    changed[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


@refused(".zip itself", "damaged")
def zip_of_an_unknown_compression(data):
    changed = bytearray(data)
    for signature, place in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        changed[data.index(signature) + place] = 77
    return bytes(changed)


@refused(".zip itself", "damaged")
def zip_with_a_flipped_bit(data):
    return data[:60] + bytes([data[60] ^ 0x10]) + data[61:]


@refused(".zip itself", "not UTF-8 text")
def zip_in_a_zip(data):
    return zipped(_members(data) | {"exp": data})


@read_right(".zip itself")
def zip_with_what_a_finder_leaves(data):
    return zipped({f"aml/{name}": content for name, content in _members(data).items()} | {"__MACOSX/aml/exp": b"\x00"})


@refused(".zip itself", "not a zip archive|damaged")
def gzip_named_zip(data):
    return gzip.compress(data)


TAR = {"p/data/x.rda": b"1"}
for path, name in {"../evil": "tar_slip", "/etc/evil": "tar_absolute", "C:\\evil": "tar_drive"}.items():

    def change(data, path=path):
        return tarred(TAR | {path: b"x"})

    change.__name__ = name
    refused(".tar.gz", rf"outside the archive; got {re.escape(path)}")(change)
for name, kind in {
    "tar_symlink": tarfile.SYMTYPE, "tar_hard_link": tarfile.LNKTYPE, "tar_device": tarfile.CHRTYPE,
    "tar_block_device": tarfile.BLKTYPE, "tar_pipe": tarfile.FIFOTYPE,
}.items():  # fmt: skip

    def change(data, kind=kind):
        return tarred(TAR | {"odd": b""}, odd=kind)

    change.__name__ = name
    refused(".tar.gz", "neither a file nor a folder; got odd")(change)


@refused(".tar.gz", "too large")
def tar_bomb(data):
    return tarred({"p/zeros": bytes(MAX_BYTES + 1)} | TAR)


@refused(".tar.gz", r"lacks files; expected data/x\.rda")
def tar_without_the_member(data):
    return tarred({"p/data/y.rda": b"1"})


@refused(".tar.gz", r"two members are called data/x\.rda")
def tar_with_the_member_twice(data):
    return tarred(TAR | {"q/data/x.rda": b"2"})


# Binary tables -------------------------------------------------------------------------------------------------------


def _parquet(edit):
    def change(folder):
        edit(as_frame()).to_parquet(folder / "rna.parquet")

    return change


def _object_cells(value):
    def edit(frame):
        return frame.assign(p2=pd.Series([value] * len(frame), index=frame.index))

    return edit


for name, place, edit in [
    ("parquet_of_dates", "row SEPT1, column p2: not a number", _object_cells(pd.Timestamp("2020-01-01"))),
    ("parquet_of_durations", "row SEPT1, column p2: not a number", _object_cells(pd.Timedelta("1d"))),
    ("parquet_of_bytes", "row SEPT1, column p2: not a number", _object_cells(b"1")),
    ("parquet_of_booleans", "row SEPT1, column p2: not a number", _object_cells(True)),
    ("parquet_of_words", "row SEPT1, column p2: not a number", _object_cells("high")),
    ("parquet_of_lists", "row SEPT1, column p2: not a number", lambda f: f.assign(p2=[[1]] * 5)),
    ("parquet_infinite", "row SEPT1, column p2: infinite", _object_cells(np.inf)),
    ("parquet_giant", "row SEPT1, column p2: a value too large", _object_cells(1e300)),
    ("parquet_without_ids", "no id column", lambda f: f.reset_index(drop=True)),
    ("parquet_of_two_indices", "several levels", lambda f: f.set_index(pd.Index([1] * 5, name="n"), append=True)),
    ("parquet_id_twice", "duplicate feature ids", lambda f: f.rename(index={"TP53": "KRAS"})),
    (
        "parquet_id_with_nul",
        "feature id with control characters; got 'TP\\\\x0053'",
        lambda f: f.rename(index={"TP53": "TP\x0053"}),
    ),
    ("parquet_id_with_line_end", "feature id with control characters", lambda f: f.rename(index={"TP53": "TP\n53"})),
    ("parquet_empty_table", "no rows or no columns", lambda f: f.iloc[:0]),
]:
    change = _parquet(edit)
    change.__name__ = name
    refused(".parquet", place)(change)
for name, edit in {
    "parquet_of_numbers_in_text": lambda f: f.astype(str),
    "parquet_with_ids_in_a_column": lambda f: f.reset_index(),
}.items():
    change = _parquet(edit)
    change.__name__ = name
    read_right(".parquet")(change)


def _h5(edit):
    def change(folder):
        import h5py

        with h5py.File(folder / "rna.h5mu", "r+") as handle:
            edit(handle)

    return change


def _set(handle, path, value):
    del handle[path]
    handle[path] = value


for name, place, edit in [
    ("h5mu_without_modality", "not an .h5mu|no such modality", lambda h: h.__delitem__("mod/expression")),
    ("h5mu_without_obs", "not an .h5mu", lambda h: h.__delitem__("obs")),
    ("h5mu_of_numbers_only", "not an .h5mu", lambda h: _set(h, "mod", 1.0)),
    (
        "h5mu_infinite",
        "modality expression, row p1, column SEPT1: infinite",
        lambda h: h["mod/expression/X"].__setitem__((0, 0), np.inf),
    ),
    (
        "h5mu_giant",
        "modality expression, row p1, column SEPT1: a value too",
        lambda h: h["mod/expression/X"].__setitem__((0, 0), 1e300),
    ),
    ("h5mu_of_another_shape", "not an .h5mu", lambda h: _set(h, "mod/expression/X", np.ones((9, 9)))),
    ("h5mu_sample_twice", "duplicate|not an .h5mu", lambda h: h["mod/expression/obs/_index"].__setitem__(0, "p2")),
]:
    change = _h5(edit)
    change.__name__ = name
    refused(".h5mu", place)(change)


def _rds(edit):
    def change(folder):
        values = np.arange(1, 21).reshape(5, 4).astype(float)
        write_rds(folder / "rna.RDS", edit(pd.DataFrame(values, index=GENES, columns=["c1", "c2", "c3", "c4"])))

    return change


def _at(frame, value):
    frame.iloc[2, 1] = value
    return frame


for name, place, edit in [
    ("rds_negative_count", "feature TP53, cell c2: a negative count", lambda f: _at(f, -1)),
    ("rds_missing_count", "feature TP53, cell c2: a missing or infinite value", lambda f: _at(f, np.nan)),
    ("rds_infinite_count", "feature TP53, cell c2: a missing or infinite value", lambda f: _at(f, np.inf)),
    ("rds_giant_count", "feature TP53, cell c2: a value too large", lambda f: _at(f, 1e300)),
    ("rds_gene_twice", "duplicate feature ids", lambda f: f.rename(index={"TP53": "KRAS"})),
    ("rds_of_text", "not a matrix of numbers", lambda f: f.astype(str)),
    ("rds_transposed", "share no cell", lambda f: f.T),
    ("rds_vector", "not a matrix of numbers", lambda f: f["c1"]),
]:
    change = _rds(edit)
    change.__name__ = name
    refused("R object (.RDS)", place)(change)


@read_right(["R object (.RDS)", "R matrix"])
def rds_uncompressed(data):
    return gzip.decompress(data)


@refused("R object (.RDS)", "damaged")
def rds_with_a_flipped_byte(data):
    return data[:-6] + bytes([data[-6] ^ 0xFF]) + data[-5:]


def _npy(make):
    def change(folder):
        np.save(folder / "atac.npy", make(np.arange(8.0).reshape(4, 2)), allow_pickle=True)

    return change


for name, place, make in [
    ("npy_of_objects", r"not an \.npy matrix of numbers", lambda a: np.array([{"a": 1}] * 4, dtype=object)),
    ("npy_of_text", "not a matrix of numbers", lambda a: a.astype(str)),
    ("npy_of_complex_numbers", "not a matrix of numbers", lambda a: a + 1j),
    ("npy_with_three_axes", "not a matrix of numbers", lambda a: a[:, :, None]),
    ("npy_of_fewer_cells", "not of the same cells", lambda a: a[:3]),
    ("npy_with_nan", "feature atac_1, cell A: a missing", lambda a: np.where(a == 0, np.nan, a)),
    ("npy_infinite", "feature atac_1, cell A: a missing or infinite", lambda a: np.where(a == 0, np.inf, a)),
    ("npy_giant", "feature atac_1, cell A: a value too large", lambda a: np.where(a == 0, 1e300, a)),
]:
    change = _npy(make)
    change.__name__ = name
    refused(".npy", place)(change)
for name, make in {
    "npy_in_fortran_order": np.asfortranarray,
    "npy_big_endian": lambda a: a.astype(">f8"),
    "npy_of_integers": lambda a: a.astype(np.int16),
}.items():
    change = _npy(make)
    change.__name__ = name
    read_right(".npy")(change)


@refused(".npy", "damaged")
def npy_with_a_damaged_header(data):
    return data.replace(b", }", b",  ")


@refused(".npy", "damaged")
def npy_that_claims_a_giant_shape(data):
    return data.replace(b"(4, 2), }" + b" " * 10, b"(4, 99999999999), }")


# Things that are no files --------------------------------------------------------------------------------------------


@refused(["own .tsv", "gene sets (.gmt)", ".zip itself", ".tar.gz", ".h5mu", "R object (.RDS)"], "does not exist")
def file_missing(folder):
    for name in ("rna.tsv", "sets.gmt", "aml.zip", "package.tar.gz", "rna.h5mu", "rna.RDS"):
        (folder / name).unlink(missing_ok=True)


@refused(["own .tsv", "gene sets (.gmt)", ".zip itself", ".tar.gz", ".h5mu", "R object (.RDS)"], "is a directory")
def folder_in_place_of_the_file(folder):
    for name in ("rna.tsv", "sets.gmt", "aml.zip", "package.tar.gz", "rna.h5mu", "rna.RDS"):
        if (folder / name).exists():
            (folder / name).unlink()
            (folder / name).mkdir()


@refused(["own .tsv", "gene sets (.gmt)"], "does not exist")
def link_that_leads_nowhere(folder):
    for name in ("rna.tsv", "sets.gmt"):
        if (folder / name).exists():
            shutil.move(folder / name, folder / "away")
            (folder / name).symlink_to("nowhere")
            (folder / "away").unlink()
