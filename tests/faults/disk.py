"""Disks that are full or must not be written."""

import os
import resource
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CHUNK = bytes(4096)


@contextmanager
def small_disk(folder: Path, megabytes: float) -> Iterator[Path]:
    """`folder` as a disk of its own in memory; the test is skipped where this user may not mount one."""
    if shutil.which("mount") is None:
        pytest.skip("no disk of a test's own can be mounted here: there is no program mount")
    folder.mkdir(parents=True, exist_ok=True)
    size = f"size={int(megabytes * 1024)}k"
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", folder], capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"no disk of a test's own can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def resize(folder: Path, megabytes: float) -> None:
    """Make a disk of `small_disk` larger."""
    subprocess.run(["mount", "-o", f"remount,size={int(megabytes * 1024)}k", folder], check=True)


def make_read_only(folder: Path) -> None:
    """Of a disk made by `small_disk`."""
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)


def make_writable(folder: Path) -> None:
    """Of a disk made by `small_disk`."""
    subprocess.run(["mount", "-o", "remount,rw", folder], check=True)


def fill(folder: Path, *, spare: int = 0) -> Path:
    """A file that takes all but `spare` bytes of what is left of a disk; delete it to have the space again."""
    filler = folder / "filler"
    try:
        with filler.open("ab", buffering=0) as stream:
            while stream.write(CHUNK):
                pass
    except OSError:
        os.truncate(filler, filler.stat().st_size - spare)
        return filler
    raise AssertionError("the disk has no end")


@contextmanager
def size_limit(n_bytes: int) -> Iterator[None]:
    """No file of this process can grow beyond `n_bytes`: what a full disk is for a user who may not mount one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
