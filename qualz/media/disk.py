"""Writing so that a power failure can't take it back: the steps under `storage`.

`root` is the folder that is known to be durable; names below it are made so here.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

AT_ONCE = 1 << 20  # bytes that are read in one go
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class OffsetMismatch(Exception):
    """The file does not end where the bytes begin; `size` is where it durably ends."""

    def __init__(self, size: int) -> None:
        super().__init__(f"the file holds {size} bytes")
        self.size = size


class DiskFull(Exception):
    """There is no room; the file is as it was before."""


def append(root: Path, path: Path, data: bytes, at: int, kept_free: int) -> int:
    """Write `data` at the file's end, which has to be `at`; answer the new end once durable."""
    with disk_full():
        if at == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with _exclusive(path, create=at == 0) as descriptor:
                size = os.fstat(descriptor).st_size
                if size != at:
                    # The answer invites the sender to forget what lies before it.
                    _make_durable(descriptor, path, root)
                    raise OffsetMismatch(size)
                demand_room(root, len(data), kept_free)
                _write_or_undo(descriptor, data, at)
                if at == 0:
                    sync_folders(path, root)
        except FileNotFoundError:
            raise OffsetMismatch(0) from None
    return at + len(data)


def free_bytes(root: Path) -> int:
    return shutil.disk_usage(root).free


def demand_room(root: Path, count: int, kept_free: int) -> None:
    """Raises `DiskFull` where `count` more bytes would leave less than `kept_free`."""
    if count and free_bytes(root) - count < kept_free:
        raise DiskFull("too little would be left free")


def sync(root: Path, path: Path) -> int:
    """Make durable what is there and answer how much it is."""
    try:
        with _exclusive(path) as descriptor:
            _make_durable(descriptor, path, root)
            return os.fstat(descriptor).st_size
    except FileNotFoundError:
        return 0


def publish(root: Path, source: Path, target: Path) -> None:
    """Rename a file into place, its bytes durable before and its name after."""
    with disk_full():
        target.parent.mkdir(parents=True, exist_ok=True)
        _sync_path(source)
        source.replace(target)
        sync_folders(target, root)


def share(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        # Another file system, one without links, or one link too many.
        with disk_full():
            shutil.copyfile(source, target)


def digest(path: Path, count: int) -> str:
    found = hashlib.sha256()
    with suppress(FileNotFoundError), path.open("rb") as file:
        while count > 0 and (data := file.read(min(count, AT_ONCE))):
            found.update(data)
            count -= len(data)
    return found.hexdigest()


def keep_within(folder: Path, count: int) -> None:
    """Remove the files that were not touched for longest until the rest takes at most `count`."""
    found = []
    for path in folder.glob("*"):
        # Another process may be at it as well.
        with suppress(FileNotFoundError):
            state = path.stat()
            if stat.S_ISREG(state.st_mode):
                found.append((state.st_mtime, state.st_size, path))
    taken = 0
    for _, size, path in sorted(found, reverse=True):
        taken += size
        if taken > count:
            path.unlink(missing_ok=True)


def sync_folders(path: Path, root: Path) -> None:
    """A new, renamed or removed name is durable only once its folder is, and so on upwards."""
    for folder in path.parents:
        _sync_path(folder)
        if folder == root:
            return


@contextmanager
def locked(folder: Path, how: int) -> Iterator[None]:
    """Hold a lock on a folder; `how` is made of `fcntl.LOCK_…`."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, how)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _exclusive(path: Path, *, create: bool = False) -> Iterator[int]:
    """The file, with nobody else writing to it."""
    while True:
        descriptor = os.open(path, os.O_RDWR | (os.O_CREAT if create else 0), 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            # Someone may have deleted the file, or put it elsewhere, while this one waited; what is
            # written to it now would be acknowledged and lost.
            if _is_still(path, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def rename_if(path: Path, target: Path, size: int) -> None:
    """Rename a file that has exactly these bytes, and nobody writing to it."""
    with suppress(FileNotFoundError), _exclusive(path) as descriptor:
        if os.fstat(descriptor).st_size == size:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)


def place(root: Path, own: Path, target: Path) -> None:
    """Have a file at a name, durably, unless somebody who does the same was there before."""
    with disk_full():
        _sync_path(own)
        target.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.link(own, target)
        sync_folders(target, root)


@contextmanager
def disk_full() -> Iterator[None]:
    """What the system says of a disk without room, in our word: `DiskFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFull(str(error)) from error
        raise


def _write_or_undo(descriptor: int, data: bytes, at: int) -> None:
    rest, end = memoryview(data), at
    try:
        while rest:
            written = os.pwrite(descriptor, rest, end)
            rest, end = rest[written:], end + written
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):
            os.ftruncate(descriptor, at)
        raise


def _make_durable(descriptor: int, path: Path, root: Path) -> None:
    os.fsync(descriptor)
    sync_folders(path, root)


def _sync_path(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
