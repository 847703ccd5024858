"""Bringing one public file to disk: complete and verified, or not at all."""

from __future__ import annotations

import difflib
import hashlib
import json
import logging
import os
import re
import shutil
import stat
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

import requests

from amucl.errors import AmuclError, some
from amucl.files import atomic_path, require_file, write_json
from amucl.redaction import redacted

logger = logging.getLogger(__name__)

Progress = Callable[[int, int | None], None]

CHUNK_BYTES = 1 << 16
LONGEST_WAIT_SECONDS = 60.0
UNKNOWN_SIZE_STEP_BYTES = 10_000_000
NOT_THERE = (403, 404, 410)  # an object store that may not be listed answers 403 for what it does not have


class _Transient(Exception):
    """Trouble that may be over at the next attempt."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class _Absent(AmuclError):
    """A server does not have the file; another mirror may."""


class Fetched(NamedTuple):
    """What `fetch` brought: the file's sha256, and the mirror that gave it, None if no mirror was asked."""

    sha256: str
    mirror: str | None


def fetch(
    url: str | None,
    target: str | os.PathLike,
    *,
    mirror: str | os.PathLike | Sequence[str | os.PathLike] | None = None,
    mirror_path: str | None = None,
    sha256: str | None = None,
    retries: int = 4,
    timeout: float = 60.0,
    progress: Progress | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Fetched:
    """Bring one file to `target`; tell its sha256 and the mirror it is from.

    The bytes are collected in ``<target>.part``; an interrupted download is resumed from there by the next call
    (HTTP Range and If-Range, RFC 9110 sections 13.1.5 and 14.2). `target` appears only when the file is complete
    and verified. A `target` that is there already and has the known hash is left alone.

    Parameters
    ----------
    url : http or https address, or the path of a local file; None for a file that only a mirror can have.
    target : the file to make; its folder is made too.
    mirror : folder or http(s) address that replaces the network, or several: the source of a web `url` is then
        ``mirror/mirror_path`` of the first that has it. A folder or server without the file is passed over, a server
        that fails is an error, so that the same mirrors always give the same file.
    mirror_path : the file's path below `mirror`; by default the last part of `url`.
    sha256 : the hash the file must have. Without one the first download's hash is written to ``<target>.sha256``
        and enforced from then on.
    retries : further attempts after a connection error, a timeout, status 429 or 5xx, or a body cut short,
        with waits of 1, 2, 4, ... seconds, or the server's Retry-After.
    timeout : seconds without a byte after which a connection counts as dead.
    progress : called with (bytes so far, bytes in all or None); by default a log line about every 10 %.
    sleep : waits that many seconds between attempts.

    Raises
    ------
    AmuclError
        If the source is missing, refused or still failing after all attempts; if the content is empty, a web page,
        a broken zip or has another hash; if the disk cannot take it.
    """
    target = Path(target)
    recorded = _beside(target, ".sha256")
    expected = _valid_hash(sha256, "the sha256 of the registry") if sha256 else _recorded_hash(recorded)
    if expected and target.is_file() and _sha256_of(target) == expected:
        return Fetched(expected, None)
    sources = _sources(url, _mirrors(mirror), mirror_path)
    part = _beside(target, ".part")
    with _disk_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        report = progress or _ProgressLog(target.name)
        source, chosen = _copy_first(sources, part, retries=retries, timeout=timeout, progress=report, sleep=sleep)
        try:
            found = _verify(part, target, source, expected, None if sha256 else recorded)
        except AmuclError:
            _discard(part)
            raise
        if not expected:
            with atomic_path(recorded) as temporary:
                temporary.write_text(f"{found}  {target.name}\n", encoding="utf-8")
        os.replace(part, target)
        _discard(part)
    logger.info("%s: %s from %s", target.name, _size(target.stat().st_size), redacted(str(source)))
    return Fetched(found, chosen)


def safe_members(zip_path: str | os.PathLike, *, max_bytes: int = 8 << 30) -> list[str]:
    """Names of the files in an archive, if it is safe to unpack.

    Raises
    ------
    AmuclError
        If the archive cannot be read; if a member is absolute, climbs out with ``..``, names a drive or is a
        symbolic link; if the members together exceed `max_bytes` when unpacked.
    """
    archive = require_file(zip_path, purpose="archive")
    members = _central_directory(archive)
    for member in members:
        if danger := _danger(member):
            raise AmuclError(
                f"member {member.filename!r} {danger}",
                where=archive,
                expected="members that stay inside the archive's folder",
                action="do not unpack it; fetch the file again from a source you trust",
            )
    total = sum(member.file_size for member in members)
    if total > max_bytes:
        largest = max(members, key=lambda member: member.file_size)
        raise AmuclError(
            f"the archive is too large when unpacked; the largest member is {largest.filename!r}",
            where=archive,
            expected=f"at most {_size(max_bytes)}",
            got=_size(total),
            action="check that this is the right file",
        )
    return [member.filename for member in members if not member.is_dir()]


def _danger(member: zipfile.ZipInfo) -> str | None:
    path = member.filename.replace("\\", "/")
    if re.match(r"[A-Za-z]:", path):
        return "names a drive"
    if path.startswith("/"):
        return "is an absolute path"
    if ".." in path.split("/"):
        return "climbs out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "is a symbolic link"
    return None


def _beside(target: Path, suffix: str) -> Path:
    return target.with_name(target.name + suffix)


def _mirrors(mirror: str | os.PathLike | Sequence[str | os.PathLike] | None) -> list[str]:
    if mirror is None:
        return []
    return [os.fspath(mirror)] if isinstance(mirror, str | os.PathLike) else [os.fspath(one) for one in mirror]


def _sources(url: str | None, mirrors: list[str], mirror_path: str | None) -> list[tuple[str | Path, str | None]]:
    """What may be read, first choice first: http(s) addresses and existing local files, each with its mirror."""
    if url is not None and not _is_web(url):
        return [(require_file(url, purpose="source"), None)]
    if not mirrors and url is None:
        raise AmuclError(
            "no address is known for this file", where=mirror_path, action="set `mirror` to a folder or URL that has it"
        )
    if not mirrors:
        return [(url, None)]
    name = mirror_path or unquote(url.partition("?")[0].rpartition("/")[2])
    sources = []
    for mirror in mirrors:
        file = Path(mirror) / name
        if _is_web(mirror):
            sources.append((f"{mirror.rstrip('/')}/{quote(name)}", mirror))
        elif file.is_file():
            sources.append((require_file(file, purpose="file in the mirror"), mirror))
        elif not Path(mirror).is_dir():
            raise AmuclError("the mirror is not a folder", where=mirror, action="correct or remove `mirror`")
    if not sources:
        raise _not_mirrored([Path(mirror) / name for mirror in mirrors], url)
    return sources


def _is_web(address: str) -> bool:
    scheme, colon, _ = address.partition(":")
    if not colon or "/" in scheme:
        return False
    if scheme.lower() not in ("http", "https"):
        raise AmuclError(
            f"addresses of the kind {scheme}: are refused",
            where=address,
            expected="http, https or the path of a local file or folder",
            action="correct the address in the configuration",
        )
    return True


def _not_mirrored(files: list[Path], url: str | None) -> AmuclError:
    folders = [file.parent for file in files if file.parent.is_dir()]
    present = [path.name for folder in folders for path in sorted(folder.iterdir())]
    return AmuclError(
        "the file is not in the mirror" if len(files) == 1 else "the file is in none of the mirrors",
        where=some(files, 9),
        got=f"near matches: {some(_near(files[0].name, present)) or 'none'}",
        action="add it to a mirror; no address is known for it"
        if url is None
        else "add it to the mirror, or remove `mirror` to fetch it from its address",
    )


def _near(name: str, present: list[str]) -> list[str]:
    by_lower_case = {candidate.lower(): candidate for candidate in present}
    return [by_lower_case[match] for match in difflib.get_close_matches(name.lower(), by_lower_case)]


@contextmanager
def _disk_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AmuclError(
            f"the file cannot be stored: {error.strerror or error}",
            where=error.filename or target,
            action="check the free space and the permissions of the folder",
        ) from error


def _copy_first(sources: list[tuple[str | Path, str | None]], part: Path, **options) -> tuple[str | Path, str | None]:
    """Copy the first source that is there to `part`, and tell which it was."""
    for source, mirror in sources[:-1]:
        try:
            _copy(source, part, **options)
        except _Absent as absent:
            logger.info("%s; the next mirror is asked", absent)
        else:
            return source, mirror
    _copy(sources[-1][0], part, **options)
    return sources[-1]


def _copy(source: str | Path, part: Path, **options) -> None:
    if isinstance(source, Path):
        _discard(part)
        try:
            shutil.copyfile(source, part)
        except OSError:
            _discard(part)
            raise
    else:
        _download(source, part, **options)


def _download(
    source: str, part: Path, *, retries: int, timeout: float, progress: Progress, sleep: Callable[[float], None]
) -> None:
    for attempt in range(retries + 1):
        try:
            return _request(source, part, timeout, progress)
        except _Transient as trouble:
            if attempt == retries:
                raise AmuclError(
                    f"the download failed {retries + 1} times, at last with: {trouble}",
                    where=source,
                    action="run again later (it resumes where it stopped), or set `mirror` to a local copy",
                ) from trouble
            wait = min(LONGEST_WAIT_SECONDS, 2.0**attempt if trouble.retry_after is None else trouble.retry_after)
            logger.warning("%s: %s; next attempt in %g s", redacted(source), redacted(str(trouble)), wait)
            sleep(wait)


def _request(source: str, part: Path, timeout: float, progress: Progress) -> None:
    """One request; its bytes go to the end of `part` if the server agrees to resume, else `part` starts anew."""
    validator = _stored_validator(part, source)
    offset = part.stat().st_size if validator else 0
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers |= {"Range": f"bytes={offset}-", "If-Range": validator}
    try:
        with requests.get(source, headers=headers, timeout=timeout, stream=True) as response:
            _refuse_downgrade(response)
            if offset and _cannot_continue(response, offset, validator):
                _discard(part)
            else:
                return _save(response, part, source, offset, progress)
    except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError) as error:
        raise _Transient(_root_cause(error)) from error
    except requests.RequestException as error:
        raise AmuclError(f"the download failed: {error}", where=source, action="check the address") from error
    _request(source, part, timeout, progress)


def _refuse_downgrade(response: requests.Response) -> None:
    """Who asks for an encrypted transfer must not be led to one that anybody on the way can change."""
    addresses = [one.url for one in (*response.history, response)]
    for address, leads_to in pairwise(addresses):
        if address.startswith("https:") and not leads_to.startswith("https:"):
            raise AmuclError(
                "an https address leads to an unencrypted one",
                where=address,
                got=leads_to,
                action="check the address; give the http address itself if you trust it",
            )


def _cannot_continue(response: requests.Response, offset: int, validator: str) -> bool:
    """Whether the answer to a Range request shows that the bytes we have are of no use to the server."""
    if response.status_code != requests.codes.partial_content:
        return response.status_code == requests.codes.requested_range_not_satisfiable
    start, _ = _content_range(response)
    return start != offset or _validator(response) not in (None, validator)


def _save(response: requests.Response, part: Path, source: str, offset: int, progress: Progress) -> None:
    resumed = bool(offset) and response.status_code == requests.codes.partial_content
    if not resumed:
        _require_ok(response, source)
        offset = 0
    _refuse_page(response.headers.get("Content-Type", "").startswith("text/html"), response.url, part)
    total = _total_size(response, resumed)
    with part.open("ab" if resumed else "wb") as stream:
        if not resumed:
            write_json({"source": _fingerprint(source), "validator": _validator(response)}, _beside(part, ".json"))
        done = offset
        for chunk in response.iter_content(CHUNK_BYTES):
            stream.write(chunk)
            done += len(chunk)
            progress(done, total)
    if total is not None and done != total:
        raise _Transient(f"the body ended after {done} of {total} bytes")


def _require_ok(response: requests.Response, source: str) -> None:
    status = response.status_code
    if status == requests.codes.ok:
        return
    answer = f"the server answered {status} {response.reason}"
    if status == requests.codes.too_many_requests or status >= 500:
        seconds = response.headers.get("Retry-After", "")
        raise _Transient(answer, float(seconds) if seconds.isdigit() else None)
    kind = _Absent if status in NOT_THERE else AmuclError
    raise kind(answer, where=source, action="check the address, or set `mirror` to a copy of the file")


def _total_size(response: requests.Response, resumed: bool) -> int | None:
    if resumed:
        return _content_range(response)[1]
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdigit() and "Content-Encoding" not in response.headers else None


def _content_range(response: requests.Response) -> tuple[int | None, int | None]:
    """First byte and size of the whole file, each None if the server does not say."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if not match:
        return None, None
    return int(match[1]), None if match[2] == "*" else int(match[2])


def _validator(response: requests.Response) -> str | None:
    """What tells two versions of the file apart; a weak ETag may not (RFC 9110 section 13.1.5)."""
    etag = response.headers.get("ETag", "W/")
    return response.headers.get("Last-Modified") if etag.startswith("W/") else etag


def _stored_validator(part: Path, source: str) -> str | None:
    """The validator of an earlier download of `source`, if `part` holds its beginning."""
    try:
        state = json.loads(_beside(part, ".json").read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return state["validator"] if part.is_file() and state.get("source") == _fingerprint(source) else None


def _fingerprint(source: str) -> str:
    """What tells addresses apart in a file that anybody may read."""
    return hashlib.sha256(source.encode()).hexdigest()


def _discard(part: Path) -> None:
    part.unlink(missing_ok=True)
    _beside(part, ".json").unlink(missing_ok=True)


def _root_cause(error: BaseException) -> str:
    while (deeper := error.__cause__ or error.__context__) is not None:
        error = deeper
    return f"{type(error).__name__}: {error}"


def _verify(part: Path, target: Path, source: str | Path, expected: str | None, recorded: Path | None) -> str:
    """The file's sha256, if its content is what the target's name and hash promise."""
    with part.open("rb") as stream:
        head = stream.read(256)
    if not head:
        raise AmuclError("the file is empty", where=source, action="check the source")
    _refuse_page(head.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype html", b"<html")), source, part)
    if target.suffix == ".zip":
        _central_directory(part, name=source)
    found = _sha256_of(part)
    if expected not in (None, found):
        raise AmuclError(
            "the file's sha256 is not the recorded one" if recorded else "the file's sha256 is not the registry's",
            where=source,
            expected=expected,
            got=found,
            action=f"to accept the new file delete {recorded}"
            if recorded
            else "check the source; if it was published anew, correct the sha256 in the registry",
        )
    return found


def _refuse_page(is_page: bool, address: object, part: Path) -> None:
    name = part.name.removesuffix(".part")
    if is_page and not name.endswith((".html", ".htm")):
        raise AmuclError(
            "the source is a web page (HTML), not the file itself",
            where=address,
            expected=name,
            action="open the address in a browser, find the file's direct link and set it as the URL",
        )


def _central_directory(archive: Path, name: object | None = None) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(archive) as opened:
            return opened.infolist()
    except Exception as error:  # malformed bytes make the parser fail in any way whatever
        raise AmuclError(
            f"the zip archive is truncated or damaged ({error})",
            where=name or archive,
            got=f"{archive.stat().st_size} bytes",
            action="fetch it again, and replace the copy in the mirror if it came from one",
        ) from error


def _sha256_of(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _valid_hash(text: str, where: object) -> str:
    value = text.lower()
    if not re.fullmatch(r"[0-9a-f]{64}", value):
        raise AmuclError("not a sha256", where=where, expected="64 hexadecimal digits", got=repr(text))
    return value


def _recorded_hash(recorded: Path) -> str | None:
    if not recorded.exists():
        return None
    first, _, _ = require_file(recorded).read_text(encoding="utf-8", errors="replace").partition(" ")
    return _valid_hash(first, recorded)


class _ProgressLog:
    """A log line about every tenth of the file, or every 10 MB where its size is unknown."""

    def __init__(self, name: str) -> None:
        self.name, self.next = name, 0.0

    def __call__(self, done: int, total: int | None) -> None:
        if done < self.next and done != total:
            return
        self.next = done + (total / 10 if total else UNKNOWN_SIZE_STEP_BYTES)
        share = f" of {_size(total)} ({done / total:.0%})" if total else ""
        logger.info("%s: %s%s", self.name, _size(done), share)


def _size(count: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.4g} {unit}"
        count /= 1000
    return f"{count:.4g} GB"
