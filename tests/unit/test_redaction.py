"""Web addresses are shown and stored without passwords and tokens, in whatever text they stand."""

import logging

import pytest

from amucl.config import collection_name, gene_set_source
from amucl.errors import AmuclError
from amucl.redaction import RedactingFormatter, plain_query, redacted, redacted_values

SECRETS = [
    "https://me:SECRET@host/x.tsv", "https://SECRET@host/x.tsv", "http://me:SEC/SECRET@host/x", "HTTPS://Me:SECRET@Host/x",
    "https://me:p@SECRET@host:8080/x.tsv", "https://me:a?SECRET@host/x", "https://me:a#SECRET@host/x",
    "https://host/x.tsv?token=SECRET", "https://host/x.tsv?n=1&X-Amz-Signature=SECRET&y=SECRET", "https://host/x?SECRET",
    "https://host/x.tsv#access_token=SECRET", "https://host/a/b?sv=1;sig=SECRET%2F%3D", "https://me:SECRET@",
    "https:me:SECRET@host/x", "/x.tsv?token=SECRET (Caused by: none)", "<a href='https://me:SECRET@host/x?t=SECRET'>",
    "https://a/x, then https://me:SECRET@host/x and https://c/?z=SECRET",
]  # fmt: skip


@pytest.mark.parametrize("text", SECRETS)
@pytest.mark.parametrize("around", ["{}", "got {}; check it", "{}: no", "['{}', \"{}\"]", "a\n{}\nb"])
def test_secrets_are_masked_and_only_they(text, around):
    shown = redacted(around.format(text, text))
    assert "SECRET" not in shown
    assert "***" in shown
    assert redacted(shown) == shown
    assert [word for word in ("got ", "; check", "\nb") if word in around] == [
        word for word in ("got ", "; check", "\nb") if word in shown
    ]


@pytest.mark.parametrize(
    "text",
    [
        "https://host/x.tsv", "https://host:8080/a/b.tsv", "https://host/@scope/x", "me@host", "/data/what?.tsv",
        "a? b=c", "https://host/x?",
        "/data/a@b/x.tsv", "https://host/x.tsv: not found; got 404", "a://b@c", "see https://host, or write to me@host",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(text):
    assert redacted(text) == text


def test_what_is_left_says_where():
    assert redacted("https://me:pw@host:80/a.tsv?token=x&n=1") == "https://***@host:80/a.tsv?token=***&n=***"


def test_values_of_any_shape():
    given = {"https://u:SECRET@h/x": ["https://h/?t=SECRET", {"n": 1, "m": None}], "b": ("https://h/x", 2.5, True)}
    assert redacted_values(given) == {
        "https://***@h/x": ["https://h/?t=***", {"n": 1, "m": None}],
        "b": ["https://h/x", 2.5, True],
    }


def test_messages_and_logs():
    error = AmuclError(
        "no", where="https://u:SECRET@h/x", expected="https://h?t=SECRET", got="SECRETS", action="https://h"
    )
    assert str(error) == "https://***@h/x: no; expected https://h?t=***; got SECRETS; https://h"
    record = logging.LogRecord("a", logging.INFO, "f", 1, "from %s", ("https://u:SECRET@h/x",), None)
    assert RedactingFormatter("%(levelname)s %(message)s").format(record) == "INFO from https://***@h/x"
    try:
        raise ValueError("https://u:SECRET@h/x?t=SECRET")
    except ValueError as bug:
        record.exc_info = (ValueError, bug, bug.__traceback__)
    shown = RedactingFormatter("%(message)s").format(record).splitlines()
    assert shown[-1] == "ValueError: https://***@h/x?t=***"


def test_names_of_downloads_hold_no_secrets():
    registry = {"gene_sets": {}}
    address = (
        "https://me:SECRET@host/download?acc=GSE1&token=SECRET&format=gmt&X-Amz-Credential=SECRET&h=" + "SECRET" * 9
    )
    assert gene_set_source(address, registry)["mirror_path"] == "genesets/download_acc_GSE1_format_gmt"
    assert gene_set_source(address, registry)["url"] == address
    assert collection_name(address, registry) == "download_acc_GSE1_format_gmt"
    assert collection_name("https://host/sets.gmt?token=SECRET", registry) == "sets"
    assert collection_name("https://host/download?token=SECRET", registry) == "download"
    assert plain_query("id=3&flag") == "id=3&flag"
