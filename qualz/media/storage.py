"""Bytes on disk are the truth: a size that `append` or `sync` answers has been fsynced.

Names are relative, with forward slashes, and never lead out of the root.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar

T = TypeVar("T")

WORKSPACES = ".workspaces"

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT}


class OffsetMismatch(Exception):
    """The file does not end where the bytes begin; `size` is where it durably ends."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the file holds {size} bytes")
        self.size = size


class DiskFull(Exception):
    """There is no room; the file is as it was before."""


class UnsafeName(ValueError):
    """A name that leads out of the root or names no file at all."""


class Offload(Protocol):
    """Runs a blocking function, perhaps on another thread, and answers what it answers."""

    def __call__(self, blocking: Callable[[], T], /) -> T: ...


def here(blocking: Callable[[], T], /) -> T:
    return blocking()


class Storage:
    """A folder of recordings. `offload` keeps waits for the disk off an event loop's thread."""

    def __init__(self, root: Path, offload: Offload = here) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()
        self._offload = offload

    def path(self, name: str) -> Path:
        """Where a name lies. Raises `UnsafeName`."""
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or "\0" in name:
            raise UnsafeName(name)
        path = self.root.joinpath(*parts)
        if not path.resolve().is_relative_to(self.root):
            raise UnsafeName(name)
        return path

    def exists(self, name: str) -> bool:
        return self.path(name).is_file()

    def size(self, name: str) -> int:
        """Bytes in the file, durable or not; 0 if there is none."""
        try:
            return self.path(name).stat().st_size
        except FileNotFoundError:
            return 0

    def head(self, name: str, count: int) -> bytes:
        """The first `count` bytes at most; nothing if there is no file."""
        try:
            with self.path(name).open("rb") as file:
                return file.read(count)
        except FileNotFoundError:
            return b""

    def append(self, name: str, data: bytes, *, at: int) -> int:
        """Put `data` at the end, which must be `at`, and answer the new size once it is durable.

        Raises `OffsetMismatch` with the durable size, changing nothing: so a repeat or an
        overlap is harmless. Raises `DiskFull` after taking back what was half written.
        """
        path = self.path(name)
        return self._offload(lambda: _append(path, data, at))

    def sync(self, name: str) -> int:
        """Make durable what is there, and answer the size: a process may have died between
        writing and syncing, and its bytes must not be counted on before."""
        path = self.path(name)
        return self._offload(lambda: _sync(path))

    def truncate(self, name: str, *, to: int) -> int:
        """Cut what lies beyond `to`, such as bytes that a power failure left behind unsynced."""
        path = self.path(name)
        return self._offload(lambda: _truncate(path, to))

    def publish(self, source: Path, name: str) -> None:
        """Move a finished file to its name: whole or absent, and durable. Same file system only.

        Raises `DiskFull`; the source is then still there.
        """
        target = self.path(name)
        self._offload(lambda: _publish(source, target))

    def delete(self, name: str) -> None:
        """Remove a file for good; no complaint if it is gone already."""
        path = self.path(name)
        with suppress(FileNotFoundError):
            path.unlink()
            _sync_folder(path.parent)

    def delete_tree(self, prefix: str) -> None:
        """Remove a folder and all that is in it; no complaint if it is gone already."""
        path = self.path(prefix)
        if path.is_dir():
            shutil.rmtree(path)
            _sync_folder(path.parent)

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.root).free

    @contextmanager
    def workspace(self, prefix: str) -> Iterator[Path]:
        """A private folder on the same file system, removed at the end.

        It stays locked meanwhile, so that `clear_workspaces` can tell those of the dead.
        """
        if "/" in prefix:
            raise UnsafeName(prefix)
        parent = self.root / WORKSPACES
        parent.mkdir(exist_ok=True)
        # The shared lock keeps a sweep away until the new folder has a lock of its own.
        with _locked(parent, fcntl.LOCK_SH):
            folder = Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=parent))
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)

    def clear_workspaces(self) -> int:
        """Remove workspaces whose process was killed; answer how many."""
        parent = self.root / WORKSPACES
        if not parent.is_dir():
            return 0
        cleared = 0
        with _locked(parent, fcntl.LOCK_EX):
            for folder in parent.iterdir():
                with suppress(BlockingIOError), _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    shutil.rmtree(folder, ignore_errors=True)
                    cleared += 1
        return cleared


def _append(path: Path, data: bytes, at: int) -> int:
    _make_folder(path.parent)
    with _open_locked(path) as descriptor:
        size = os.fstat(descriptor).st_size
        if size != at:
            # The answer invites the sender to forget what lies before it: it has to be durable.
            _make_durable(descriptor, path)
            raise OffsetMismatch(size)
        try:
            _write(descriptor, data, at)
            os.fsync(descriptor)
        except OSError as error:
            with suppress(OSError):
                os.ftruncate(descriptor, at)
            if error.errno in _NO_ROOM:
                raise DiskFull(str(error)) from error
            raise
        if at == 0:
            _sync_folder(path.parent)
        return at + len(data)


def _sync(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return 0
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        _make_durable(descriptor, path)
        return size
    finally:
        os.close(descriptor)


def _truncate(path: Path, to: int) -> int:
    if not path.exists():
        return 0
    with _open_locked(path) as descriptor:
        if os.fstat(descriptor).st_size > to:
            os.ftruncate(descriptor, to)
        _make_durable(descriptor, path)
        return os.fstat(descriptor).st_size


def _publish(source: Path, target: Path) -> None:
    try:
        _make_folder(target.parent)
        descriptor = os.open(source, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        source.replace(target)
        _sync_folder(target.parent)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull(str(error)) from error
        raise


@contextmanager
def _open_locked(path: Path) -> Iterator[int]:
    """The file, made if need be, with nobody else writing to it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Someone may have deleted the file while this one waited; what is written to it now
            # would be acknowledged and lost.
            if os.fstat(descriptor).st_nlink > 0:
                yield descriptor
                return
        finally:
            os.close(descriptor)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


def _write(descriptor: int, data: bytes, at: int) -> None:
    rest = memoryview(data)
    while rest:
        written = os.pwrite(descriptor, rest, at)
        rest, at = rest[written:], at + written


def _make_durable(descriptor: int, path: Path) -> None:
    os.fsync(descriptor)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A new, renamed or removed name is durable only once its folder is."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    _sync_folder(folder.parent)
