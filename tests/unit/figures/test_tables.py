import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from amucl.figures.tables import LARGEST_PAGE, MAX_ROWS, write_html_table


class Page(HTMLParser):
    """The text of every cell of the page, row by row, and of its paragraphs."""

    def __init__(self, path):
        super().__init__()
        self.rows, self.numbers, self.notes, self.open = [], [], [], None
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.numbers.append(("class", "number") in attributes)
        if tag == "p":
            self.notes.append("")
        self.open = tag

    def handle_endtag(self, tag):
        self.open = None

    def handle_data(self, data):
        if self.open in ("td", "th"):
            self.rows[-1][-1] += data
        if self.open == "p":
            self.notes[-1] += data


def page(table, tmp_path, **options):
    write_html_table(table, tmp_path / "table.html", **options)
    return Page(tmp_path / "table.html")


def test_every_cell_is_shown_with_numbers_to_four_digits(tmp_path):
    table = pd.DataFrame(
        {
            "gene": ["TP53", None, "NA"],
            "n": [3, 0, 1200],
            "p": [0.000123456, np.nan, 1.0],
            "x": [-2.5, 12345.678, np.inf],
        },
        index=[5, 6, 7],
    )
    found = page(table, tmp_path)
    assert found.rows == [
        ["gene", "n", "p", "x"],
        ["TP53", "3", "0.0001235", "-2.5"],
        ["", "0", "", "1.235e+04"],
        ["NA", "1200", "1", "inf"],
    ]
    assert found.numbers == [False] * 4 + [False, True, True, True] * 3
    assert found.notes == []


def test_dtypes_of_pandas_and_truth_values(tmp_path):
    table = pd.DataFrame(
        {"a": pd.array([1, None], dtype="Int64"), "b": pd.Categorical(["x", None]), "c": [True, False]}
    )
    assert page(table, tmp_path).rows[1:] == [["1", "x", "True"], ["", "", "False"]]


def test_text_cannot_become_markup(tmp_path):
    nasty = "<script>alert('1 & 2')</script>"
    found = page(pd.DataFrame({nasty: [nasty], "{note}": ["{table}"]}), tmp_path)
    assert found.rows == [[nasty, "{note}"], [nasty, "{table}"]]
    assert "<script" not in (tmp_path / "table.html").read_text()


def test_a_page_is_never_larger_than_the_report_shows(tmp_path):
    """Chromium shows nothing of an address above 2 MB, and the report holds a page as one."""
    table = pd.DataFrame({"term": [f"set {i}" for i in range(1500)], "genes": ["<GENE>;" * 300] * 1500})
    write_html_table(table, tmp_path / "long.html", note="<é>" * 2000)
    assert LARGEST_PAGE * 0.9 < (tmp_path / "long.html").stat().st_size <= LARGEST_PAGE
    found = Page(tmp_path / "long.html")
    assert re.fullmatch(r"The first (\d+) of 1500 rows; all of them are in the .tsv beside this page.", found.notes[1])
    assert f"The first {len(found.rows) - 1} of" in found.notes[1]


def test_long_tables_are_cut_with_a_note(tmp_path):
    table = pd.DataFrame({"i": range(12)})
    found = page(table, tmp_path, max_rows=5)
    assert [row[0] for row in found.rows[1:]] == ["0", "1", "2", "3", "4"]
    assert found.notes == ["The first 5 of 12 rows; all of them are in the .tsv beside this page."]
    assert page(table, tmp_path, max_rows=12).notes == []
    assert len(page(pd.DataFrame({"i": range(MAX_ROWS + 1)}), tmp_path).rows) == MAX_ROWS + 1


@pytest.mark.parametrize("columns", [[], ["gene", "p"]])
def test_a_table_without_rows_says_so(tmp_path, columns):
    found = page(pd.DataFrame(columns=columns), tmp_path)
    assert found.rows == []
    assert found.notes == ["No rows."]


def test_page_is_complete_and_the_same_on_repeat(tmp_path):
    table = pd.DataFrame({"name": ["größe"], "value": [1.5]})
    for name in ("a.html", "b.html"):
        write_html_table(table, tmp_path / name)
    text = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert text.startswith("<!doctype html>")
    assert "größe" in text
    for tag in ("html", "head", "style", "body", "table", "thead", "tbody"):
        assert len(re.findall(f"<{tag}[ >]", text)) == text.count(f"</{tag}>") == 1
    assert not re.search(r"(src|href)=", text)  # it stands alone in the report


def test_numbers_and_short_words_are_not_broken(tmp_path):
    table = pd.DataFrame({"omic": ["expression", "x" * 60], "scale": [0.98672, 1.0]})
    write_html_table(table, tmp_path / "table.html")
    page = (tmp_path / "table.html").read_text(encoding="utf-8")
    assert [line for line in page.splitlines() if "anywhere" in line] == [
        "td.long { min-width: 16em; overflow-wrap: anywhere; }"
    ]
    assert "white-space: nowrap" in next(line for line in page.splitlines() if line.startswith("td.number"))
    assert "<td>expression</td>" in page
    assert f'<td class="long">{"x" * 60}</td>' in page
