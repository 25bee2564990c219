"""Preparation: what can be done with closed parts before their merge, so that it is soon done."""

from __future__ import annotations

import logging

from sqlalchemy import select

from qualz.database import db
from qualz.manifest import room_to_merge
from qualz.media import full_session
from qualz.media.ffmpeg import FFmpeg, Stopped
from qualz.media.storage import DiskFull, Storage
from qualz.part import Part
from qualz.recording import Recording

log = logging.getLogger(__name__)


class NotIdle(Exception):
    """A merge has begun, and does what is missing, or was there in between."""


def unprepared() -> list[int]:
    """Recordings with closed parts that nobody has looked at yet."""
    closed = (Part.closed_at.is_not(None)) & (Part.content_bytes < Part.bytes_durable)
    idle = Recording.state.in_([Recording.State.NONE, Recording.State.STALE])
    waiting = select(Recording.id).where(idle, Recording.parts.any(closed))
    return list(db.session.scalars(waiting))


def prepare(recording: Recording, *, storage: Storage, ffmpeg: FFmpeg | None) -> None:
    """Probe the closed parts and normalise those that will be odd. Safe to run twice.

    Where it ends early, for whatever reason, the merge does the rest.
    """
    with storage.alone(recording.folder) as is_alone:
        # Whoever is at it looks again for parts that closed in the meantime.
        while is_alone and _digest_new(recording, storage):
            try:
                if ffmpeg and _has_room(recording, storage):
                    _prepare(recording, storage, ffmpeg)
            except (NotIdle, Stopped, DiskFull) as reason:
                log.info("preparing %s ended early: %r", recording.folder, reason)
                return


def _digest_new(recording: Recording, storage: Storage) -> bool:
    """Give each new part its digest; whether there was one. From then on it is not new any more:
    what cannot be prepared is not tried for ever."""
    db.session.expire_all()
    new = [part for part in _closed(recording) if part.content_bytes < part.bytes_durable]
    known = [(part, part.kept_as, part.bytes_durable) for part in new]
    if storage.has_shelf:
        # What another machine received is looked at once it lies on the shelf.
        known = [one for one in known if storage.size(one[1]) >= one[2]]
    # No transaction stays open while the disk works.
    db.session.commit()
    digests = [storage.digest(file, count) for _, file, count in known]
    for (part, _, count), digest in zip(known, digests, strict=True):
        part.content, part.content_bytes = digest, count
    db.session.commit()
    return bool(known)


def _has_room(recording: Recording, storage: Storage) -> bool:
    """Whether the participants who are recording would keep theirs."""
    try:
        storage.demand_room(round(room_to_merge(recording.manifest())))
    except DiskFull:
        return False
    return True


def _prepare(recording: Recording, storage: Storage, ffmpeg: FFmpeg) -> None:
    idle = recording.state

    def look_up(_: float) -> None:
        db.session.refresh(recording, ["state"])
        changed = recording.state is not idle
        # No transaction stays open while ffmpeg works.
        db.session.commit()
        if changed:
            raise NotIdle

    parts = _closed(recording)
    sources = recording.sources(parts, storage)
    prepared = full_session.Prepared(storage.path(recording.prepared))
    contents = {part.id: part.content for part in parts}
    try:
        with storage.workspace(f"prepare-{recording.id}") as workspace:
            probes = full_session.prepare(
                sources, prepared, ffmpeg=ffmpeg, workspace=workspace, on_progress=look_up
            )
    finally:
        _forget_erased(recording, contents, storage)
    for part, found in zip(parts, probes, strict=True):
        if not isinstance(found, full_session.Unreadable):
            part.probed = {**(part.probed or {}), "duration": found.duration}
    db.session.commit()


def _forget_erased(recording: Recording, contents: dict[int, str | None], storage: Storage) -> None:
    """What was made of a part that lost an answer meanwhile holds it still."""
    db.session.expire_all()
    if any(part.content != contents.get(part.id) for part in recording.parts if part.is_sealed):
        storage.delete_tree(recording.prepared)
    db.session.commit()


def _closed(recording: Recording) -> list[Part]:
    return [part for part in recording.clips if not part.is_open]
