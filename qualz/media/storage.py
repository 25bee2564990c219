"""Bytes on disk are the truth: a size that `append` or `sync` answers has been fsynced.

Names are relative, with forward slashes, and never lead out of the root.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar
from urllib.parse import quote, unquote

from qualz.media import disk
from qualz.media.disk import DiskFull, OffsetMismatch

__all__ = ["DiskFull", "OffsetMismatch", "Storage", "UnsafeName"]

T = TypeVar("T")

WORKSPACES = ".workspaces"
MEANT = ".removals"
# Copies of what lies on a shelf; see `shelved`.
FETCHED = ".fetched"
# Bytes that appends leave to others on the same disk: the database, the queue and the logs go on
# writing when no more media is taken.
KEPT_FREE = 64 * 1024 * 1024


class UnsafeName(ValueError):
    """A name that leads out of the root or names no file at all."""


class Offload(Protocol):
    """Runs a blocking function, perhaps on another thread, and answers what it answers."""

    def __call__(self, blocking: Callable[[], T], /) -> T: ...


def here(blocking: Callable[[], T], /) -> T:
    return blocking()


class Storage:
    """A folder of recordings. `offload` keeps waits for the disk off an event loop's thread;
    `kept_free` is how many bytes appends leave on it."""

    # Whether whole files lie elsewhere, and this folder is only where parts arrive.
    has_shelf = False

    def __init__(self, root: Path, offload: Offload = here, kept_free: int = KEPT_FREE) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()
        self._offload = offload
        self._kept_free = kept_free

    def path(self, name: str) -> Path:
        """Where a name lies. Raises `UnsafeName`."""
        parts = PurePosixPath(name).parts
        if not parts or name.startswith("/") or ".." in parts or "\0" in name:
            raise UnsafeName(name)
        path = self.root.joinpath(*parts)
        if not path.resolve().is_relative_to(self.root):
            raise UnsafeName(name)
        return path

    def here(self, name: str) -> Path:
        """A whole file, to be read now."""
        return self.path(name)

    def exists(self, name: str) -> bool:
        return self.path(name).is_file()

    def size(self, name: str) -> int:
        """Bytes in the file, durable or not; 0 if there is none."""
        return self.spooled(name)

    def spooled(self, name: str) -> int:
        """Bytes that arrived on this machine, durable or not; 0 if there are none."""
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
        overlap is harmless. Raises `DiskFull` where too little would be left free, and where
        there is no room, after taking back what was half written.
        """
        path = self.path(name)
        return self._offload(lambda: disk.append(self.root, path, data, at, self._kept_free))

    def sync(self, name: str) -> int:
        """Make durable what is there, and answer the size: a process may have died between
        writing and syncing, and its bytes must not be counted on before."""
        path = self.path(name)
        return self._offload(lambda: disk.sync(self.root, path))

    def publish(self, source: Path, name: str) -> None:
        """Move a finished file to its name: whole or absent, and durable. Same file system only.

        Raises `DiskFull`; the source is then still there.
        """
        target = self.path(name)
        self._offload(lambda: disk.publish(self.root, source, target))

    def replace(self, source: Path, name: str) -> None:
        """Publish what takes the place of a part, on this machine."""
        Storage.publish(self, source, name)

    def shelve(self, name: str) -> str | None:
        """Put what arrived of a part on the shelf, and answer its name there, which says what is in
        it. None where there is no shelf. Raises `shelf.OutOfReach`."""
        return None

    def settle(self, name: str, kept: str | None, size: int) -> None:
        """A row says by now that the part lies on the shelf as `kept`: it need not lie here, if it
        has no more than these bytes, and nothing else is kept of it there."""

    def recall(self, kept: str, name: str) -> None:
        """Have a part arrive once more where it left off. Raises `FileNotFoundError`, `DiskFull`
        and `shelf.OutOfReach`."""
        raise FileNotFoundError(kept)

    def share(self, source: Path, name: str) -> None:
        """Put a file of which there are many in its place, without bytes of its own where the file
        system can do that. It is durable when the disk is next synced: for what can be made again.
        """
        disk.share(source, self.path(name))

    def publish_beside(self, source: Path, name: str, *, of: str) -> None:
        """Publish what belongs to a file, if that is still there: else it would never go."""
        self.publish(source, name)
        if not self.exists(of):
            self.delete(name)
            self.delete_if_empty(name.rpartition("/")[0])

    def delete(self, name: str) -> None:
        """Remove a file for good; no complaint if it is gone already."""
        path = self.path(name)
        with suppress(FileNotFoundError):
            path.unlink()
            disk.sync_folders(path, self.root)

    def delete_fitting(self, pattern: str, *, but: str | None = None) -> None:
        """Remove the files of a folder that fit the pattern, but for one and what goes with it:
        files of its name with another ending."""
        kept = self.path(but).name.partition(".")[0] if but else None
        pattern_path = self.path(pattern)
        for path in pattern_path.parent.glob(pattern_path.name):
            if path.name.partition(".")[0] != kept:
                path.unlink(missing_ok=True)

    def keep_within(self, folder: str, count: int) -> None:
        """Remove the files of a folder that were not used for longest, until the rest takes no
        more than `count` bytes; see `use`."""
        self._offload(lambda: disk.keep_within(self.path(folder), count))

    def use(self, name: str) -> bool:
        """Whether there is such a file, which is then the last one to be removed for room."""
        try:
            os.utime(self.path(name))
        except FileNotFoundError:
            return False
        return True

    def digest(self, name: str, count: int) -> str:
        """SHA-256 of the first `count` bytes of a file, in hex; of nothing if there is none."""
        return self._offload(lambda: disk.digest(self.path(name), count))

    @contextmanager
    def alone(self, folder: str) -> Iterator[bool]:
        """Whether nobody else is in here with the same folder; if so, nobody will be meanwhile.

        A folder that is not there is nobody's.
        """
        with ExitStack() as stack:
            try:
                stack.enter_context(disk.locked(self.path(folder), fcntl.LOCK_EX | fcntl.LOCK_NB))
                is_free = True
            except (BlockingIOError, FileNotFoundError):
                is_free = False
            yield is_free

    def delete_tree(self, prefix: str) -> None:
        """Remove a folder and all that is in it; no complaint if it is gone already."""
        path = self.path(prefix)
        if path.is_dir():
            self._offload(lambda: shutil.rmtree(path))
            disk.sync_folders(path, self.root)

    def files_in(self, prefix: str) -> list[str]:
        """The names of all files in a folder and the folders in it; none where there is none."""
        found = self.path(prefix).rglob("*")
        return [path.relative_to(self.root).as_posix() for path in found if path.is_file()]

    def holds(self, prefix: str) -> bool:
        """Whether there is such a folder."""
        return self.path(prefix).exists()

    def delete_files(self, prefix: str, names: Sequence[str]) -> None:
        """Remove those files for good, and what they leave empty of the folder they were in."""
        for name in names:
            self.delete(name)
        folder = self.path(prefix)
        for path in [*sorted(folder.rglob("*"), reverse=True), folder]:
            # What is no folder, or has something in it, stays.
            with suppress(OSError):
                path.rmdir()

    def mean_to_delete(self, *prefixes: str) -> None:
        """Write down, durably, that folders are about to go: for whoever finds them half gone."""
        meant = self.root / MEANT
        meant.mkdir(exist_ok=True)
        for prefix in prefixes:
            (meant / quote(prefix, safe="")).touch()
        disk.sync_folders(meant / "any", self.root)

    def forget_meaning(self, prefix: str) -> None:
        (self.root / MEANT / quote(prefix, safe="")).unlink(missing_ok=True)

    def meant_to_go(self, *, since: datetime) -> list[str]:
        """The folders of which that was written down before `since` and not taken back."""
        meant = self.root / MEANT
        if not meant.is_dir():
            return []
        return [
            unquote(entry.name)
            for entry in os.scandir(meant)
            if entry.stat().st_mtime < since.timestamp()
        ]

    def delete_if_empty(self, prefix: str) -> None:
        """Remove a folder that holds nothing any more."""
        path = self.path(prefix)
        with suppress(OSError):
            path.rmdir()
            disk.sync_folders(path, self.root)

    def free_bytes(self) -> int:
        return disk.free_bytes(self.root)

    def disk_bytes(self) -> int:
        """How large the disk is that all of it lies on."""
        return shutil.disk_usage(self.root).total

    def demand_room(self, count: int) -> None:
        """Raises `DiskFull` where so many more bytes could not be appended."""
        disk.demand_room(self.root, count, self._kept_free)

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
        with disk.locked(parent, fcntl.LOCK_SH):
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
        return self._each_dead_workspace(lambda folder: shutil.rmtree(folder, ignore_errors=True))

    def dead_workspaces(self) -> int:
        return self._each_dead_workspace(lambda folder: None)

    def _each_dead_workspace(self, do: Callable[[Path], None]) -> int:
        parent = self.root / WORKSPACES
        if not parent.is_dir():
            return 0
        count = 0
        with disk.locked(parent, fcntl.LOCK_EX):
            for folder in parent.iterdir():
                # Somebody works in it, or has just left and taken it away.
                spared = suppress(BlockingIOError, FileNotFoundError)
                with spared, disk.locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    do(folder)
                    count += 1
        return count
