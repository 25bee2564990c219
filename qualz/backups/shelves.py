"""Moves all recordings from the data folder to the bucket, or back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from sqlalchemy import select, update

from qualz import shelving
from qualz.backups.holdings import held
from qualz.backups.problem import CannotCopy
from qualz.core import create_core
from qualz.database import db, rows_changed
from qualz.media.shelf import OutOfReach, Spoilt
from qualz.media.shelved import ShelvedStorage
from qualz.media.storage import DiskFull
from qualz.part import Part, is_part
from qualz.processes import instance
from qualz.settings import Settings


@dataclass(slots=True)
class Shifted:
    """How many files went, and which that rows name are in neither place."""

    files: int = 0
    missing: list[str] = field(default_factory=list)


def put_away(settings: Settings) -> Shifted:
    """Put all of this machine's on the shelf; Qualz may run. Parts of interviews that go on follow
    when they are closed. Raises `CannotCopy`; what went until then has gone."""
    told = Shifted()
    with _storage(settings) as storage:
        for part_id in shelving.unshelved():
            told.files += shelving.shelve_part(part_id, storage)
        for name, may_lack in _made(storage).items():
            if storage.put_away(name):
                told.files += 1
            elif not may_lack and not storage.exists(name):
                told.missing.append(name)
    return told


def bring_back(settings: Settings) -> Shifted:
    """Fetch everything; Qualz must not run. The bucket keeps what it has. Raises `CannotCopy`;
    what came until then is here, and the rest comes next time."""
    told = Shifted()
    try:
        with instance.sole_instance(settings), _storage(settings) as storage:
            _bring_parts(storage, told)
            for name, may_lack in {**_made(storage), **_shown(storage)}.items():
                if storage.path(name).is_file():
                    continue
                if storage.bring_back(name, name):
                    told.files += 1
                elif not may_lack:
                    told.missing.append(name)
    except instance.AlreadyRunning as cause:
        raise CannotCopy(str(cause)) from cause
    return told


def _bring_parts(storage: ShelvedStorage, told: Shifted) -> None:
    for part_id in db.session.scalars(select(Part.id).where(Part.shelved.is_not(None))).all():
        part = db.session.get_one(Part, part_id)
        file, kept = part.file, part.shelved or ""
        db.session.commit()
        if not storage.bring_back(kept, file):
            told.missing.append(kept)
            continue
        rows_changed(update(Part).where(Part.id == part_id).values(shelved=None))
        db.session.commit()
        told.files += 1


def _made(storage: ShelvedStorage) -> dict[str, bool]:
    """What rows name besides parts, and whether it may lack."""
    named = held(db.session.connection(), storage.root)
    found = {one.name: one.may_lack for one in named if not is_part(one.name)}
    db.session.commit()
    return found


def _shown(storage: ShelvedStorage) -> dict[str, bool]:
    """What participants are shown with questions."""
    return dict.fromkeys(storage.files_in("stimuli"), True)


@contextmanager
def _storage(settings: Settings) -> Iterator[ShelvedStorage]:
    if settings.s3_bucket is None:
        raise CannotCopy("Name the bucket in QUALZ_S3_BUCKET.")
    app = create_core(replace(settings, redis_url=None))
    try:
        with app.app_context():
            yield app.extensions["storage"]
    except (OutOfReach, Spoilt) as cause:
        raise CannotCopy(f"The store did not do it: {cause}. Start again to go on.") from cause
    except DiskFull as cause:
        raise CannotCopy("The disk is full. Make room, and start again to go on.") from cause
