"""Passwords in addresses are used, and are nowhere but in the user's own configuration afterwards."""

import base64

from tests.server import Answer, Server
from tests.workflow.runner import Checkout

SECRET = "open-sesame-barley"
TABLE = b"sample\tgroup\np1\ta\np2\tb\n"


def traces(folder):
    """Files that hold a secret, by content or by name, Snakemake's own among them (it encodes names and parameters)."""
    encoded = [base64.b64encode(bytes(before) + SECRET.encode())[4:-4] for before in range(3)]
    words = [SECRET.encode(), *encoded]
    found = [path for path in folder.rglob("*") if path.is_file() and any(word in path.read_bytes() for word in words)]
    named = [path for path in folder.rglob("*") if SECRET in path.name]
    return {path.relative_to(folder).as_posix() for path in found + named}


def test_a_password_is_used_and_leaves_no_trace(tmp_path):
    server = Server()
    server.answers = [Answer(TABLE), Answer(TABLE), Answer(b"", status=404)]
    address = server.url.replace("http://", f"http://me:{SECRET}@").replace("set.bin", f"{{}}?token={SECRET}")
    tables = {name: address.format(name) for name in ("groups.tsv", "download", "absent.tsv")}
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "rna.tsv").write_text("gene\tp1\tp2\nA\t1\t2\n")
    labels = {name.partition(".")[0]: table for name, table in tables.items()}
    own = {"source": "files", "omics": {"expression": "rna.tsv"}, "label_tables": labels}
    run = Checkout(tmp_path / "run", {"datasets": {"own": own}, "biology": [], "methods": ["pca"]})
    try:
        folder = "results/downloads/labels"
        printed = run.snakemake("--", f"{folder}/groups.tsv", f"{folder}/download")
        printed += run.snakemake("--verbose", "--", f"{folder}/absent.tsv", succeeds=False)
    finally:
        server.close()
    asked = {(path.partition("?")[2], headers["Authorization"]) for path, headers in server.requests}
    assert asked == {(f"token={SECRET}", "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode())}
    assert (run.folder / folder / "groups.tsv").read_bytes() == TABLE
    assert "http://***@127.0.0.1" in printed
    assert "absent.tsv?token=***: the server answered 404" in printed
    assert SECRET not in printed
    assert traces(run.folder) == {"mine.yaml"}
