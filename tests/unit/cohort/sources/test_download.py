import base64
import hashlib
import io
import json
import logging
import os
import zipfile
from pathlib import Path

import pytest

from amucl.cohort.sources.download import fetch, safe_members
from amucl.errors import AmuclError
from tests.server import BODY, Answer, Server
from tests.shared import MIRROR, needs_shared

HALF = len(BODY) // 2


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    running = Server()
    yield running
    running.close()


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "store" / "set.bin"


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def get(server, target, waits):
    def call(**options):
        return fetch(**({"url": server.url, "target": target, "sleep": waits.append} | options)).sha256

    return call


def leave_part(server, target, content, *, etag='"v1"', url=None):
    """What a killed download leaves behind."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name("set.bin.part")
    part.write_bytes(content)
    source = hashlib.sha256((url or server.url).encode()).hexdigest()
    part.with_name("set.bin.part.json").write_text(json.dumps({"source": source, "validator": etag}))


def files_beside(target):
    return sorted(path.name for path in target.parent.iterdir())


def zipped(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def test_whole_file_its_hash_and_nothing_else_stays(get, target, waits):
    assert get() == sha(BODY)
    assert target.read_bytes() == BODY
    assert files_beside(target) == ["set.bin", "set.bin.sha256"]
    assert target.with_name("set.bin.sha256").read_text() == f"{sha(BODY)}  set.bin\n"
    assert waits == []


def test_given_hash_is_checked_and_not_recorded(get, target):
    assert get(sha256=sha(BODY).upper()) == sha(BODY)
    assert files_beside(target) == ["set.bin"]


@pytest.mark.survives("download: wrong hash")
def test_wrong_given_hash_leaves_nothing_and_shows_both(get, target):
    with pytest.raises(AmuclError, match=f"{'0' * 64}.*{sha(BODY)}.*correct the sha256 in the registry"):
        get(sha256="0" * 64)
    assert files_beside(target) == []


def test_given_hash_must_be_one(get, server):
    with pytest.raises(AmuclError, match="expected 64 hexadecimal digits; got 'abc'"):
        get(sha256="abc")
    assert server.requests == []


def test_present_file_with_the_known_hash_is_not_fetched_again(get, server):
    get()
    assert get() == sha(BODY)
    assert len(server.requests) == 1


@pytest.mark.survives("download: wrong hash")
def test_damaged_present_file_is_fetched_again(get, target):
    get()
    target.write_bytes(b"damaged")
    assert get() == sha(BODY)
    assert target.read_bytes() == BODY


@pytest.mark.survives("download: wrong hash")
def test_changed_file_is_refused_on_the_second_fetch_until_the_record_is_deleted(get, server, target):
    get()
    target.unlink()
    server.answers = [Answer(b"new content", etag='"v2"')]
    with pytest.raises(AmuclError) as error:
        get()
    message = str(error.value)
    record = target.with_name("set.bin.sha256")
    assert sha(BODY) in message
    assert sha(b"new content") in message
    assert f"delete {record}" in message
    assert files_beside(target) == ["set.bin.sha256"]
    record.unlink()
    assert get() == sha(b"new content")


@pytest.mark.survives("download: wrong hash")
def test_record_that_is_not_a_hash(get, target):
    target.parent.mkdir()
    target.with_name("set.bin.sha256").write_text("hello\n")
    with pytest.raises(AmuclError, match=r"set\.bin\.sha256: not a sha256.*'hello\\n'"):
        get()


@pytest.mark.survives("download: cut off and continued")
def test_truncated_body_is_resumed(get, server, target, waits):
    server.answers = [Answer(send=HALF), Answer()]
    assert get() == sha(BODY)
    assert target.read_bytes() == BODY
    first, second = server.asked_ranges()
    assert first is None
    assert 0 < int(second.removeprefix("bytes=").rstrip("-")) <= HALF
    assert waits == [1.0]


@pytest.mark.survives("download: cut off and continued")
def test_always_truncated_is_a_clear_error_and_keeps_the_part(get, server, target):
    server.answers = [Answer(send=HALF, ranges=False)]
    with pytest.raises(AmuclError, match=r"failed 3 times, at last with: .*; run again later"):
        get(retries=2)
    assert len(server.requests) == 3
    assert not target.exists()
    assert "set.bin.part" in files_beside(target)


@pytest.mark.survives("download: killed and continued")
def test_killed_download_is_resumed_by_the_next_call(get, server, target):
    leave_part(server, target, BODY[:HALF])
    assert get() == sha(BODY)
    (_, headers), *others = server.requests
    assert headers["Range"] == f"bytes={HALF}-"
    assert headers["If-Range"] == '"v1"'
    assert others == []
    assert files_beside(target) == ["set.bin", "set.bin.sha256"]


@pytest.mark.survives("download: a beginning that is of no use")
@pytest.mark.parametrize("bad_beginning", [b"x" * HALF, b"x" * (len(BODY) + 5)])
@pytest.mark.parametrize(
    "change",
    [
        {"etag": '"v2"'},  # the validator changed: the server sends the whole file
        {"ranges": False},  # the server ignores Range
    ],
)
def test_starts_over_when_the_part_is_of_no_use(get, server, target, change, bad_beginning):
    leave_part(server, target, bad_beginning)
    server.answers = [Answer(**change)]
    assert get() == sha(BODY)


@pytest.mark.survives("download: a beginning that is of no use")
def test_starts_over_on_416(get, server, target, waits):
    leave_part(server, target, b"x" * (len(BODY) + 5))
    assert get() == sha(BODY)
    assert server.asked_ranges() == [f"bytes={len(BODY) + 5}-", None]
    assert waits == []


@pytest.mark.survives("download: a beginning that is of no use")
def test_starts_over_when_the_server_ignores_if_range(get, server, target):
    leave_part(server, target, b"x" * HALF, etag='"v0"')
    server.range_start = lambda handler, answer: HALF if handler.headers.get("Range") else 0
    assert get() == sha(BODY)
    assert server.asked_ranges() == [f"bytes={HALF}-", None]


@pytest.mark.survives("download: a beginning that is of no use")
def test_part_of_another_address_is_not_continued(get, server, target):
    leave_part(server, target, b"x" * HALF, url="http://elsewhere/set.bin")
    assert get() == sha(BODY)
    assert server.asked_ranges() == [None]


@pytest.mark.survives("download: a beginning that is of no use")
def test_weak_etag_without_date_is_not_resumed(get, server):
    server.answers = [Answer(send=HALF, etag='W/"v1"'), Answer(etag='W/"v1"')]
    assert get() == sha(BODY)
    assert server.asked_ranges() == [None, None]


@pytest.mark.survives("download: cut off and continued")
def test_last_modified_serves_where_there_is_no_etag(get, server, target):
    date = "Wed, 01 Jan 2020 00:00:00 GMT"
    server.answers = [Answer(send=HALF, etag=None, headers={"Last-Modified": date}), Answer(etag=date)]
    assert get() == sha(BODY)
    assert server.requests[1][1]["If-Range"] == date


@pytest.mark.survives("download: HTTP 429, 5xx")
def test_500_twice_then_ok(get, server, target, waits, caplog):
    server.answers = [Answer(b"", status=500), Answer(b"", status=503), Answer()]
    with caplog.at_level(logging.WARNING):
        assert get() == sha(BODY)
    assert waits == [1.0, 2.0]
    assert "the server answered 500" in caplog.text


@pytest.mark.survives("download: HTTP 429, 5xx")
def test_backoff_doubles_and_the_last_failure_is_told(get, server, waits):
    server.answers = [Answer(b"", status=502)]
    with pytest.raises(AmuclError, match="failed 5 times, at last with: the server answered 502"):
        get()
    assert waits == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.survives("download: HTTP 429, 5xx")
def test_retry_after_is_honoured_up_to_a_minute(get, server, waits):
    server.answers = [
        Answer(b"", status=429, headers={"Retry-After": 7}),
        Answer(b"", status=429, headers={"Retry-After": 86400}),
        Answer(b"", status=429, headers={"Retry-After": "Wed, 01 Jan 2020 00:00:00 GMT"}),
        Answer(),
    ]
    get()
    assert waits == [7.0, 60.0, 4.0]


@pytest.mark.survives("download: HTTP 403, 404")
@pytest.mark.parametrize("status", [403, 404])
def test_other_client_errors_are_not_retried(get, server, target, waits, status):
    server.answers = [Answer(b"", status=status)]
    with pytest.raises(AmuclError, match=rf"set\.bin: the server answered {status} .*set `mirror`"):
        get()
    assert len(server.requests) == 1
    assert waits == []
    assert files_beside(target) == []


@pytest.mark.survives("download: timeout, refused connection")
def test_slow_server_times_out_and_is_retried(get, server, waits, caplog):
    server.answers = [Answer(stall="before"), Answer()]
    with caplog.at_level(logging.WARNING):
        assert get(timeout=0.2) == sha(BODY)
    assert "TimeoutError" in caplog.text
    assert waits == [1.0]


@pytest.mark.survives("download: cut off and continued")
def test_range_answered_in_part_is_continued(get, server, target):
    leave_part(server, target, BODY[:1000])
    short = {"Content-Length": 500, "Content-Range": f"bytes 1000-1499/{len(BODY)}"}
    server.answers = [Answer(BODY[1000:1500], status=206, headers=short), Answer()]
    assert get() == sha(BODY)
    assert server.asked_ranges() == ["bytes=1000-", "bytes=1500-"]


@pytest.mark.survives("download: slow server")
def test_a_slow_server_is_waited_for_while_it_sends(get, server, waits):
    server.answers = [Answer(pieces=6, pause=0.5)]
    assert get(timeout=2) == sha(BODY)
    assert len(server.requests) == 1
    assert waits == []


@pytest.mark.survives("download: timeout, refused connection")
def test_refused_connection_tells_the_cause(get, server):
    server.close()
    with pytest.raises(AmuclError, match="failed 2 times, at last with: ConnectionRefusedError"):
        get(retries=1)


@pytest.mark.survives("download: a web page for the file")
@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"anything", {"Content-Type": "text/html; charset=utf-8"}),
        (b"\xef\xbb\xbf\n<!DOCTYPE HTML><title>sign in</title>", {}),
        (b"<html><body>moved</body></html>", {}),
    ],
)
@pytest.mark.parametrize("name", ["aml.zip", "h.all.gmt"])
def test_web_page_instead_of_the_file(get, server, target, name, body, headers):
    page = Answer(body, headers=headers)
    server.answers = [Answer(b"", status=302, headers={"Location": "/sign-in"}), page]
    with pytest.raises(AmuclError, match=rf"web page \(HTML\), not the file itself; expected {name}"):
        get(target=target.with_name(name))
    assert files_beside(target) == []


@pytest.mark.survives("download: redirect to an address of another kind")
def test_redirect_to_another_kind_of_address_is_refused(get, server):
    server.answers = [Answer(b"", status=302, headers={"Location": "ftp://127.0.0.1/set.bin"})]
    with pytest.raises(AmuclError, match="the download failed: No connection adapters"):
        get()


@pytest.mark.survives("download: empty or truncated file")
def test_empty_file(get, server, target):
    server.answers = [Answer(b"")]
    with pytest.raises(AmuclError, match="the file is empty"):
        get()
    assert files_beside(target) == []


@pytest.mark.survives("download: empty or truncated file")
def test_truncated_zip(get, server, target):
    whole = zipped({"exp": b"1 2 3" * 100})
    server.answers = [Answer(whole[:-30])]
    with pytest.raises(AmuclError, match=r"set\.bin: the zip archive is truncated or damaged.*fetch it again"):
        get(target=target.with_name("aml.zip"))
    assert files_beside(target) == []


@pytest.mark.parametrize("address", ["ftp://host/aml.zip", "file:///etc/hosts", "s3://bucket/aml.zip"])
@pytest.mark.parametrize("role", ["url", "mirror"])
def test_other_schemes_are_refused(get, role, address):
    with pytest.raises(AmuclError, match=f"{address}: addresses of the kind .*: are refused; expected http, https"):
        get(**{role: address})


def test_local_path_as_address(get, server, tmp_path, target):
    source = tmp_path / "own.gmt"
    source.write_bytes(b"SET\t\tTP53\n")
    assert get(url=str(source), mirror=tmp_path / "absent") == sha(b"SET\t\tTP53\n")
    assert source.exists()
    assert server.requests == []


def test_missing_local_path(get, tmp_path):
    with pytest.raises(AmuclError, match=r"own\.gmt: source does not exist"):
        get(url=str(tmp_path / "own.gmt"))


def test_mirror_folder_replaces_the_network(get, server, tmp_path, target):
    (tmp_path / "mirror" / "sets").mkdir(parents=True)
    (tmp_path / "mirror" / "sets" / "my set.bin").write_bytes(b"mirrored")
    assert get(mirror=tmp_path / "mirror", mirror_path="sets/my set.bin") == sha(b"mirrored")
    assert target.read_bytes() == b"mirrored"
    assert server.requests == []
    assert files_beside(target) == ["set.bin", "set.bin.sha256"]


@pytest.mark.survives("mirrors that lack a file, fail or are absent")
def test_file_missing_in_the_mirror_folder(get, tmp_path):
    (tmp_path / "sets").mkdir()
    for name in ("h.all.v7.0.symbols.gmt", "unlike"):
        (tmp_path / "sets" / name).touch()
    with pytest.raises(AmuclError) as error:
        get(mirror=tmp_path, mirror_path="sets/H.all.v7.1.symbols.gmt")
    assert str(error.value) == (
        f"{tmp_path}/sets/H.all.v7.1.symbols.gmt: the file is not in the mirror; "
        "got near matches: h.all.v7.0.symbols.gmt; "
        "add it to the mirror, or remove `mirror` to fetch it from its address"
    )


@pytest.mark.survives("mirrors that lack a file, fail or are absent")
def test_file_missing_with_its_whole_folder(get, tmp_path):
    with pytest.raises(AmuclError, match="not in the mirror; got near matches: none"):
        get(mirror=tmp_path, mirror_path="sets/a.gmt")


@pytest.mark.survives("mirrors that lack a file, fail or are absent")
def test_mirror_folder_that_does_not_exist(get, tmp_path):
    with pytest.raises(AmuclError, match="nowhere: the mirror is not a folder"):
        get(mirror=tmp_path / "nowhere")


def test_mirror_address(get, server, target):
    mirror = server.url.replace("/data/set.bin", "/copy/")
    assert get(url="https://unreachable.invalid/x", mirror=mirror, mirror_path="sets/my #1 set.bin") == sha(BODY)
    assert [path for path, _ in server.requests] == ["/copy/sets/my%20%231%20set.bin"]


def test_mirrors_are_searched_in_order(server, tmp_path, target):
    for name in ("empty", "first", "second"):
        (tmp_path / name).mkdir()
    for name in ("first", "second"):
        (tmp_path / name / "set.bin").write_bytes(name.encode())
    mirrors = [tmp_path / "empty", str(tmp_path / "first"), tmp_path / "second"]
    assert fetch(server.url, target, mirror=mirrors) == (sha(b"first"), str(tmp_path / "first"))
    target.with_name("set.bin.sha256").unlink()
    assert fetch(server.url, target, mirror=mirrors[::-1]) == (sha(b"second"), str(tmp_path / "second"))
    assert server.requests == []


@pytest.mark.survives("mirrors that lack a file, fail or are absent")
def test_a_server_without_the_file_is_passed_over(server, tmp_path, target, waits):
    (tmp_path / "set.bin").write_bytes(b"mirrored")
    base = server.url.rpartition("/")[0]
    server.answers = [Answer(b"", status=404), Answer(b"", status=403), Answer()]
    found = fetch(server.url, target, mirror=[f"{base}/a", f"{base}/b", f"{base}/c", tmp_path], sleep=waits.append)
    assert found == (sha(BODY), f"{base}/c")
    assert [path for path, _ in server.requests] == ["/data/a/set.bin", "/data/b/set.bin", "/data/c/set.bin"]
    server.answers = [Answer(b"", status=410)]
    target.with_name("set.bin.sha256").unlink()
    assert fetch(server.url, target, mirror=[base, str(tmp_path)]).mirror == str(tmp_path)


@pytest.mark.survives("mirrors that lack a file, fail or are absent")
def test_a_server_that_fails_is_not_passed_over(get, server, tmp_path, target):
    (tmp_path / "set.bin").write_bytes(b"mirrored")
    server.answers = [Answer(b"", status=500)]
    with pytest.raises(AmuclError, match="failed 2 times, at last with: the server answered 500"):
        get(mirror=[server.url.rpartition("/")[0], tmp_path], retries=1)
    assert not target.exists()


@pytest.mark.survives("mirrors that lack a file, fail or are absent")
def test_the_last_mirror_without_the_file_ends_the_search(get, server, tmp_path):
    server.answers = [Answer(b"", status=404)]
    with pytest.raises(AmuclError, match=r"set\.bin: the server answered 404 .*check the address"):
        get(mirror=[tmp_path, server.url.rpartition("/")[0]])


@pytest.mark.survives("mirrors that lack a file, fail or are absent")
def test_file_missing_in_every_mirror_folder(get, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "b" / "Set.bin").touch()
    with pytest.raises(AmuclError) as error:
        get(mirror=[tmp_path / "a", tmp_path / "b"], mirror_path="set.bin")
    assert str(error.value) == (
        f"{tmp_path}/a/set.bin, {tmp_path}/b/set.bin: the file is in none of the mirrors; "
        "got near matches: Set.bin; add it to the mirror, or remove `mirror` to fetch it from its address"
    )
    with pytest.raises(AmuclError, match=f"{tmp_path}/nowhere: the mirror is not a folder"):
        get(mirror=[tmp_path / "b", tmp_path / "nowhere"], mirror_path="Set.bin")


@pytest.mark.survives("mirrors that lack a file, fail or are absent")
def test_file_without_an_address(get, tmp_path, target):
    with pytest.raises(AmuclError, match=r"^simulated/x\.txt: no address is known for this file; set `mirror` to"):
        get(url=None, mirror_path="simulated/x.txt")
    with pytest.raises(AmuclError, match=r"not in the mirror.*add it to a mirror; no address is known for it$"):
        get(url=None, mirror=tmp_path, mirror_path="simulated/x.txt")
    (tmp_path / "x.txt").write_bytes(b"1")
    assert fetch(None, target, mirror=tmp_path, mirror_path="x.txt") == (sha(b"1"), str(tmp_path))


def test_no_mirror_is_named_where_none_was_asked(server, target):
    assert fetch(server.url, target) == (sha(BODY), None)
    assert fetch(server.url, target, mirror=server.url) == (sha(BODY), None)  # it is there already


def test_mirror_path_defaults_to_the_name_in_the_address(get, tmp_path, target):
    (tmp_path / "aml data.zip").write_bytes(zipped({"exp": b"1"}))
    get(url="https://unreachable.invalid/multi/aml%20data.zip?download=1", mirror=tmp_path)
    assert zipfile.is_zipfile(target)


@pytest.mark.survives("full disk, download")
def test_disk_full(get, target):
    if not os.path.exists("/dev/full"):
        pytest.skip("needs /dev/full")
    target.parent.mkdir()
    target.with_name("set.bin.part").symlink_to("/dev/full")
    with pytest.raises(AmuclError, match=r"store/set\.bin.*cannot be stored: No space left on device; check the free"):
        get()
    assert not target.exists()


def test_folder_that_cannot_be_made(get, tmp_path):
    (tmp_path / "store").write_text("a file, not a folder")
    with pytest.raises(AmuclError, match=f"{tmp_path}/store.*cannot be stored"):
        get()


def test_progress_counts_all_bytes(get):
    seen = []
    get(progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})


def test_progress_log_names_file_and_sizes(get, server, caplog):
    server.answers = [Answer(4 * BODY)]
    with caplog.at_level(logging.INFO, logger="amucl"):
        get()
    lines = [record.message for record in caplog.records if "%" in record.message]
    assert lines[-1] == "set.bin: 2.048 MB of 2.048 MB (100%)"
    assert 2 <= len(lines) <= 11


def test_safe_members_lists_files(tmp_path):
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped({"exp": b"1", "clinical/": b"", "clinical/aml": b"2", "notes..txt": b"3"}))
    assert safe_members(archive) == ["exp", "clinical/aml", "notes..txt"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("../evil", "climbs out"),
        ("a/../../evil", "climbs out"),
        ("a\\..\\evil", "climbs out"),
        ("/etc/evil", "absolute path"),
        ("\\evil", "absolute path"),
        ("C:evil", "names a drive"),
        ("c:\\evil", "names a drive"),
    ],
)
def test_unsafe_member(tmp_path, name, reason):
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped({"fine": b"1", name: b"2"}))
    with pytest.raises(AmuclError) as error:
        safe_members(archive)
    assert reason in str(error.value)
    assert repr(name) in str(error.value)


def test_symbolic_link_in_the_archive(tmp_path):
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(AmuclError, match="'link' is a symbolic link"):
        safe_members(tmp_path / "a.zip")


def test_archive_too_large(tmp_path):
    archive = tmp_path / "a.zip"
    archive.write_bytes(zipped({"small": b"1", "big": b"0" * 5000}))
    assert len(safe_members(archive, max_bytes=5001)) == 2
    with pytest.raises(AmuclError, match=r"largest member is 'big'; expected at most 5 kB; got 5\.001 kB"):
        safe_members(archive, max_bytes=5000)


def test_not_an_archive(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no zip")
    with pytest.raises(AmuclError, match=r"a\.zip: the zip archive is truncated or damaged"):
        safe_members(tmp_path / "a.zip")


@needs_shared
def test_real_archive_from_the_mirror(tmp_path):
    target = tmp_path / "aml.zip"
    fetched = fetch("https://unreachable.invalid/aml.zip", target, mirror=MIRROR, mirror_path="benchmark/aml.zip")
    assert fetched == (sha(target.read_bytes()), str(MIRROR))
    assert {"exp", "methy", "mirna", "survival"} <= set(safe_members(target))


def test_a_password_of_a_netrc_is_used(server, tmp_path, monkeypatch):
    """So that a configuration need not hold one."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password sesame\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    fetch(server.url, tmp_path / "set.bin")
    ((_, headers),) = server.requests
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"me:sesame").decode()
