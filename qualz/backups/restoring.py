"""Puts a backup back where nothing is yet: all of it, and only if every byte is as it was saved."""

from __future__ import annotations

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import make_url

from qualz.backups import databases, manifest
from qualz.backups.databases import FILES
from qualz.backups.manifest import Entry, Manifest
from qualz.backups.places import Reader
from qualz.backups.problem import CannotCopy, CannotRestore, NotABackup, few
from qualz.backups.saving import KEYS, MEDIA, SECRETS
from qualz.media import disk
from qualz.media.disk import DiskFull
from qualz.processes import instance
from qualz.settings import Settings

# What a start that came to nothing leaves, and Qualz makes anew.
HARMLESS = {*KEYS, "log", "run"}
STAGING = ".restoring-"


class _Source(Protocol):
    def open(self, name: str) -> IO[bytes]:
        """Raises `FileNotFoundError`."""
        ...


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    def open(self, name: str) -> IO[bytes]:
        return (self._root / name).open("rb")


class _Tar:
    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._members = {member.name: member for member in tar if member.isreg()}

    def open(self, name: str) -> IO[bytes]:
        member = self._members.get(name)
        file = self._tar.extractfile(member) if member else None
        if file is None:
            raise FileNotFoundError(name)
        return file


def restore(settings: Settings, backup: Path, known: set[str]) -> Manifest:
    """Fill an empty data folder from a backup. `known`: the migrations that this version has.

    Raises `CannotRestore`.
    """
    try:
        with opened(backup) as (source, told), disk.disk_full():
            _demand_fits(settings, told, known)
            demand_empty(settings)
            staging = Path(tempfile.mkdtemp(prefix=STAGING, dir=settings.data))
            try:
                _copy(source, told, staging)
                for folder, _, _ in os.walk(staging, topdown=False):
                    disk.sync_folders(Path(folder) / "any", Path(folder))
                _put_in_place(settings, told, staging)
            finally:
                shutil.rmtree(staging, ignore_errors=True)
    except DiskFull:
        raise CannotRestore("There is no room left for it. Make some and try again.") from None
    except CannotCopy as cause:
        raise CannotRestore(str(cause)) from cause
    return told


def check(backup: Path) -> Manifest:
    """Read every byte of a backup and change nothing. Raises `CannotRestore`."""
    with opened(backup) as (source, told):
        _copy(source, told, None)
    return told


@contextmanager
def opened(backup: Path) -> Iterator[tuple[_Source, Manifest]]:
    with ExitStack() as stack:
        try:
            if backup.is_dir():
                source: _Source = _Folder(backup)
            else:
                source = _Tar(stack.enter_context(tarfile.open(backup, "r:")))
            told = _manifest(source)
        except NotABackup as cause:
            raise CannotRestore(f"{backup}: {cause}") from cause
        except (OSError, tarfile.TarError) as cause:
            raise CannotRestore(f"{backup} is no backup of Qualz, or not a whole one.") from cause
        yield source, told


def _manifest(source: _Source) -> Manifest:
    with closing(source.open(manifest.NAME)) as file:
        return Manifest.from_bytes(file.read())


def _demand_fits(settings: Settings, told: Manifest, known: set[str]) -> None:
    if told.migration not in known:
        raise CannotRestore(
            f"It was made by a newer Qualz ({told.version}, migration {told.migration}). "
            "Install that one and try again."
        )
    kind = databases.kind_of(settings.database_url)
    if kind != told.database:
        raise CannotRestore(
            f"It holds a database of {told.database}, and DATABASE_URL names one of {kind}."
        )


def demand_empty(settings: Settings) -> None:
    """Raises `CannotRestore` where something is that would be mixed with the backup or lost."""
    if holder := instance.running(settings):
        raise CannotRestore(f"Qualz runs on {settings.data} (process {holder.pid}). Stop it first.")
    settings.data.mkdir(parents=True, exist_ok=True)
    for path in settings.data.glob(f"{STAGING}*"):
        shutil.rmtree(path, ignore_errors=True)
    found = sorted(
        path.name
        for path in settings.data.iterdir()
        if path.name not in HARMLESS and not _is_bare(path)
    )
    if found:
        raise CannotRestore(
            f"{settings.data} is not empty: it holds {few(found)}. "
            "Name an empty folder in QUALZ_DATA, so that nothing there is lost."
        )
    if not databases.is_empty(settings.database_url):
        raise CannotRestore("The database in DATABASE_URL is not empty. Name an empty one.")


def _is_bare(path: Path) -> bool:
    return path.is_dir() and not any(files for _, _, files in os.walk(path))


def _copy(source: _Source, told: Manifest, staging: Path | None) -> None:
    """Every file, held against its digest. All that are not as they were saved are named."""
    wrong = [entry.name for entry in told.entries if not _is_copied(source, entry, staging)]
    if wrong:
        raise CannotRestore(
            f"Not as it was saved: {few(wrong)}. Nothing was restored. Take another backup."
        )


def _is_copied(source: _Source, entry: Entry, staging: Path | None) -> bool:
    try:
        file = source.open(entry.name)
    except OSError:
        return False
    with closing(file):
        reader, count = Reader(file, entry.bytes + 1), 0
        try:
            with _target(staging, entry) as copy:
                while data := reader.read():
                    count += len(data)
                    copy.write(data)
                copy.flush()
                if staging:
                    os.fsync(copy.fileno())
        except tarfile.TarError:
            return False
    return (count, reader.sha256) == (entry.bytes, entry.sha256)


def _target(staging: Path | None, entry: Entry) -> IO[bytes]:
    if staging is None:
        return Path(os.devnull).open("wb")
    path = staging / entry.name
    path.parent.mkdir(parents=True, exist_ok=True)
    mode = 0o600 if entry.name.startswith((SECRETS, *KEYS)) else 0o640
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")


def _put_in_place(settings: Settings, told: Manifest, staging: Path) -> None:
    """The database last: a folder without one is not taken for one that was restored."""
    copy = staging / FILES[told.database]
    if told.database != "sqlite":
        databases.fill(settings.database_url, copy)
    for name in (*KEYS, SECRETS, MEDIA):
        if (staging / name).exists():
            _move(staging / name, settings.data / name)
    if (settings.data / SECRETS).is_dir():
        (settings.data / SECRETS).chmod(0o700)
    if told.database == "sqlite":
        database = Path(make_url(settings.database_url).database or "")
        database.parent.mkdir(parents=True, exist_ok=True)
        _move(copy, database)
        disk.sync_folders(database, database.parent)
    disk.sync_folders(settings.data / MEDIA, settings.data)


def _move(source: Path, target: Path) -> None:
    if target.is_dir():
        # Empty, or it would not have come to this.
        shutil.rmtree(target)
    try:
        source.replace(target)
    except OSError:
        # On another file system.
        shutil.move(source, target)
