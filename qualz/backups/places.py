"""Where the files of a backup go: a folder, which shares what is unchanged with the one before, or
one tar file."""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tarfile
from abc import ABC, abstractmethod
from pathlib import Path
from typing import IO

from qualz.backups.manifest import NAME, Entry, Manifest
from qualz.backups.problem import NotABackup
from qualz.media.disk import AT_ONCE

NANO = 10**9


class Place(ABC):
    # How many files are those of the backup before.
    linked = 0

    def put(self, name: str, source: Path, *, count: int | None = None) -> Entry | None:
        """Keep a file, or its first `count` bytes at most; None where it is not there any more."""
        try:
            file = source.open("rb")
        except FileNotFoundError:
            return None
        with file:
            state = os.fstat(file.fileno())
            size = state.st_size if count is None else min(count, state.st_size)
            return self._put(name, file, size, state.st_mtime_ns)

    @abstractmethod
    def _put(self, name: str, file: IO[bytes], size: int, written: int) -> Entry: ...

    @abstractmethod
    def put_bytes(self, name: str, text: bytes) -> None: ...

    @abstractmethod
    def finish(self) -> None:
        """Make all of it durable."""


class Reader:
    """Reads so many bytes of a file and no more, and knows the digest of what was read."""

    def __init__(self, file: IO[bytes], count: int) -> None:
        self._file, self._left = file, count
        self._digest = hashlib.sha256()

    def read(self, count: int = AT_ONCE) -> bytes:
        data = self._file.read(min(count, self._left))
        self._left -= len(data)
        self._digest.update(data)
        return data

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class FolderPlace(Place):
    def __init__(self, root: Path, earlier: tuple[Path, Manifest] | None = None) -> None:
        self.root = root
        self._earlier_root, kept = earlier or (root, None)
        self._earlier = {entry.name: entry for entry in kept.entries} if kept else {}
        self._folders = {root}

    def _put(self, name: str, file: IO[bytes], size: int, written: int) -> Entry:
        target = self._target(name)
        if entry := self._linked(name, size, written, target):
            return entry
        reader = Reader(file, size)
        with _created(target) as copy:
            while data := reader.read():
                copy.write(data)
            _sync(copy)
        return Entry(name, size, reader.sha256, written)

    def put_bytes(self, name: str, text: bytes) -> None:
        with _created(self._target(name)) as copy:
            copy.write(text)
            _sync(copy)

    def finish(self) -> None:
        for folder in sorted(self._folders, reverse=True):
            descriptor = os.open(folder, os.O_RDONLY)
            os.fsync(descriptor)
            os.close(descriptor)

    def _target(self, name: str) -> Path:
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        self._folders.update(p for p in target.parents if p.is_relative_to(self.root))
        return target

    def _linked(self, name: str, size: int, written: int, target: Path) -> Entry | None:
        """Recordings only ever grow at their end, or are replaced under another name: what was
        not written to since is the same."""
        entry = self._earlier.get(name)
        if entry is None or (entry.bytes, entry.written) != (size, written):
            return None
        before = self._earlier_root / name
        try:
            if before.stat().st_size != size:
                return None
            os.link(before, target)
        except OSError:
            # Gone, one link too many, or a file system without links.
            return None
        self.linked += 1
        return entry


class TarPlace(Place):
    def __init__(self, path: Path) -> None:
        self._file = path.open("wb")
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)  # noqa: SIM115

    def _put(self, name: str, file: IO[bytes], size: int, written: int) -> Entry:
        reader = Reader(file, size)
        self._tar.addfile(_told(name, size, written // NANO), reader)
        return Entry(name, size, reader.sha256, written)

    def put_bytes(self, name: str, text: bytes) -> None:
        self._tar.addfile(_told(name, len(text), 0), io.BytesIO(text))

    def finish(self) -> None:
        self._tar.close()
        _sync(self._file)
        self._file.close()


def earlier_in(into: Path) -> tuple[Path, Manifest] | None:
    """The newest whole backup in a folder of them, to share with."""
    for path in sorted(into.glob("qualz-*"), reverse=True):
        try:
            return path, Manifest.from_bytes((path / NAME).read_bytes())
        except (OSError, NotABackup):
            continue
    return None


def _told(name: str, size: int, written: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, written, stat.S_IRUSR | stat.S_IWUSR
    return info


def _created(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _sync(file: IO[bytes]) -> None:
    file.flush()
    os.fsync(file.fileno())
