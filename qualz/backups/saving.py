"""Saves all while it runs: the database as it is at one moment, then the files of that moment.

A backup is whole or not there: it is written under another name and renamed at the end.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from alembic.migration import MigrationContext

from qualz import clock
from qualz.backups import databases, manifest
from qualz.backups.holdings import Held, held
from qualz.backups.manifest import Manifest
from qualz.backups.places import FolderPlace, Place, TarPlace, earlier_in
from qualz.backups.problem import CannotCopy, CannotSave
from qualz.media import disk
from qualz.media.disk import DiskFull
from qualz.settings import Settings

UNFINISHED = ".unfinished"
SECRETS, MEDIA = "secrets", "media"
# Without the second nobody can read the secrets.
KEYS = ("secret-key", "master-key")


@dataclass(frozen=True, slots=True)
class Saved:
    path: Path
    manifest: Manifest
    linked: int  # files that are those of the backup before, and take no room of their own


def save(settings: Settings, into: Path, *, tar: bool = False, with_secrets: bool = False) -> Saved:
    """Make a new backup in the folder `into`. Raises `CannotSave`."""
    into = into.expanduser().resolve()
    if into.is_relative_to(settings.media.resolve()):
        raise CannotSave("That is among the recordings. Choose a folder outside of them.")
    name = f"qualz-{clock.now():%Y%m%d-%H%M%S}{'.tar' if tar else ''}"
    path, earlier = into / name, None if tar else earlier_in(into)
    try:
        into.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists():
            raise CannotSave(f"{path} was made this very second. Try again.")
        _clear_unfinished(into)
        with disk.disk_full(), _unfinished(path, is_folder=not tar) as made:
            place = TarPlace(made) if tar else FolderPlace(made, earlier)
            with _unfinished(into / f"{name}.database", is_folder=False) as copy:
                told = _fill(place, settings, with_secrets, copy)
            place.put_bytes(manifest.NAME, told.as_bytes())
            place.finish()
            made.rename(path)
            disk.sync_folders(path, into)
    except DiskFull:
        raise CannotSave(
            f"There is no room left for it in {into}. Nothing was kept of it."
        ) from None
    except (CannotCopy, OSError) as cause:
        raise CannotSave(str(cause)) from cause
    return Saved(path, told, place.linked)


def _fill(place: Place, settings: Settings, with_secrets: bool, copy: Path) -> Manifest:
    made_at = clock.now().isoformat(timespec="seconds")
    kind = databases.kind_of(settings.database_url)
    with databases.snapshot(settings.database_url, copy) as connection:
        migration = MigrationContext.configure(connection).get_current_revision()
        if migration is None:
            raise CannotSave("The database is empty, so there is nothing to back up yet.")
        files = list(held(connection, settings.media))
    told = Manifest(made_at, version("qualz"), migration, kind)
    _put(place, databases.FILES[kind], copy, told)
    copy.unlink()
    if settings.s3_bucket:
        # The store keeps what lies there; what has just arrived lies here alone.
        files = [file for file in files if (settings.media / file.name).is_file()]
    for file in files:
        _put_held(place, settings.media, file, told)
    for name, path in _secrets(settings.data) if with_secrets else ():
        _put(place, name, path, told)
    return told


def _put(place: Place, name: str, source: Path, told: Manifest) -> None:
    if entry := place.put(name, source):
        told.entries.append(entry)


def _put_held(place: Place, media: Path, file: Held, told: Manifest) -> None:
    """What a file has beyond its durable bytes comes after the moment that is saved."""
    entry = place.put(f"{MEDIA}/{file.name}", media / file.name, count=file.count)
    if entry:
        told.entries.append(entry)
        if file.count is not None and entry.bytes < file.count:
            told.short.append(file.name)
    elif not file.may_lack:
        told.gone.append(file.name)


def _secrets(data: Path) -> Iterator[tuple[str, Path]]:
    folder = data / SECRETS
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        yield f"{SECRETS}/{path.name}", path
    for name in KEYS:
        if (data / name).is_file():
            yield name, data / name


@contextmanager
def _unfinished(path: Path, *, is_folder: bool) -> Iterator[Path]:
    """Where it is made, locked meanwhile, so that those of the dead can be told; gone at the end
    unless it was renamed."""
    made = path.with_name(f".{path.name}{UNFINISHED}")
    if is_folder:
        made.mkdir(mode=0o700)
    else:
        made.touch(mode=0o600, exist_ok=False)
    try:
        with disk.locked(made, fcntl.LOCK_EX):
            yield made
    finally:
        _remove(made)


def _clear_unfinished(into: Path) -> None:
    for path in into.glob(f".qualz-*{UNFINISHED}"):
        # Somebody is at it right now, or has just ended.
        spared = suppress(BlockingIOError, FileNotFoundError)
        with spared, disk.locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
