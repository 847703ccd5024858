"""Reading members of archives in memory: nothing is unpacked, and nothing outside the archive is reached."""

from __future__ import annotations

import gzip
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath

from amucl.cohort.readers.text import decode
from amucl.errors import AmuclError, some
from amucl.files import require_file


def member_names(archive: str | os.PathLike) -> list[str]:
    """Paths of the files in `archive`. Raises AmuclError if it is damaged or unsafe."""
    with _opened(archive) as (_, members):
        return [member.filename for member in members]


def read_members(
    archive: str | os.PathLike, wanted: Sequence[str], *, max_bytes: int, advice: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Text of the members called `wanted`, in any folder of the archive and in either case.

    Parameters
    ----------
    wanted : names of files, each with as many of its folders as tell it from others: ``exp``, ``aml/exp``.
    max_bytes : largest uncompressed size of a member.
    advice : what to do where a member is absent, by its name in `wanted`.

    Raises
    ------
    AmuclError : the archive is damaged or has a member that is a link or lies outside it; a wanted member is absent,
        there twice, encrypted, too large or not UTF-8 text.
    """
    with _opened(archive) as (opened, members):
        found = {name: _find(members, name, opened.filename, (advice or {}).get(name)) for name in wanted}
        return {name: _read(opened, member, max_bytes) for name, member in found.items()}


@contextmanager
def _opened(archive: str | os.PathLike) -> Iterator[tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]]:
    """The open archive and its files."""
    file = require_file(archive, purpose="archive")
    try:
        with zipfile.ZipFile(file) as opened:
            yield opened, _safe_files(opened)
    except AmuclError:
        raise
    except Exception as error:  # malformed bytes make the parser fail in any way whatever
        with file.open("rb") as handle:
            is_zip = handle.read(2) == b"PK"
        what = "damaged or truncated zip archive" if is_zip else "not a zip archive"
        raise AmuclError(what, where=file, got=error, action="delete it and download it again") from error


def read_tar(archive: str | os.PathLike, wanted: Sequence[str], *, max_bytes: int) -> dict[str, bytes]:
    """Bytes of the members of a .tar.gz archive whose paths end in `wanted`: ``data/mean.rda``.

    Parameters
    ----------
    max_bytes : largest uncompressed size of all files of the archive together; nothing beyond it is read.

    Raises
    ------
    AmuclError : the archive is damaged, too large, or has a member that is a link or device or lies outside it; a
        wanted member is absent or there twice.
    """
    file = require_file(archive, purpose="archive")
    found: dict[str, bytes] = {}
    size = 0
    try:
        with gzip.open(file) as content, tarfile.open(fileobj=content, mode="r|") as opened:
            for member in opened:
                path = _posix(member.name)
                if not (member.isfile() or member.isdir()):
                    raise _refused("a member is neither a file nor a folder", file, member.name)
                _require_inside(path, file, member.name)
                size += member.size
                _require_size(size, max_bytes, file)
                name = next(
                    (name for name in wanted if path.parts[-len(_posix(name).parts) :] == _posix(name).parts), None
                )
                if name in found:
                    raise AmuclError(f"two members are called {name}", where=file)
                if name is not None and member.isfile():
                    found[name] = opened.extractfile(member).read()
            while rest := content.read(1 << 20):  # the checksum stands at the end
                size += len(rest)
                _require_size(size, max_bytes, file)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise AmuclError(
            "not a .tar.gz archive, or a damaged one", where=file, got=error, action="delete it and download it again"
        ) from error
    lacking = [name for name in wanted if name not in found]
    if lacking:
        raise AmuclError("the archive lacks files", where=file, expected=some(wanted), got=f"no {some(lacking)}")
    return found


def _require_size(size: int, max_bytes: int, archive: object) -> None:
    if size > max_bytes:
        raise AmuclError("the archive is too large", where=archive, expected=f"at most {max_bytes} bytes")


def _safe_files(opened: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    files = []
    for member in opened.infolist():
        path = _path(member)
        _require_inside(path, opened.filename, member.filename)
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind == stat.S_IFLNK:
            raise _refused("a member is a symbolic link", opened.filename, member.filename)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused("a member is neither a file nor a folder", opened.filename, member.filename)
        if not member.is_dir() and "__MACOSX" not in path.parts:
            files.append(member)
    return files


def _path(member: zipfile.ZipInfo) -> PurePosixPath:
    return _posix(member.filename)


def _posix(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))


def _require_inside(path: PurePosixPath, archive: object, member: str) -> None:
    if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", member):
        raise _refused("a member lies outside the archive", archive, member)


def _refused(what: str, archive: object, member: str) -> AmuclError:
    return AmuclError(what, where=archive, got=member, action="do not use it")


def _find(members: list[zipfile.ZipInfo], name: str, archive: str, advice: str | None) -> zipfile.ZipInfo:
    parts = PurePosixPath(name.casefold()).parts
    found = [member for member in members if PurePosixPath(str(_path(member)).casefold()).parts[-len(parts) :] == parts]
    if len(found) > 1:
        raise AmuclError(f"two members are called {name}", where=archive, got=some(member.filename for member in found))
    if not found:
        raise AmuclError(
            f"the archive has no member {name}",
            where=archive,
            expected=name,
            got=some((member.filename for member in members), 20) or "an empty archive",
            action=advice,
        )
    return found[0]


def _read(opened: zipfile.ZipFile, member: zipfile.ZipInfo, max_bytes: int) -> str:
    where = f"{opened.filename}:{member.filename}"
    if member.flag_bits & 1:
        raise AmuclError("the member is encrypted", where=where, expected="an archive without a password")
    if member.file_size > max_bytes:
        raise AmuclError(
            "the member is too large", where=where, expected=f"at most {max_bytes} bytes", got=member.file_size
        )
    return decode(opened.read(member), where)
