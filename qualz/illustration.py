"""Illustrations: the poster of a Full Session, and how loud it is over time.

Made at leisure once it is there: nobody waits for them, and without them it plays as well.
"""

from __future__ import annotations

import logging

from sqlalchemy import or_, select

from qualz.database import db
from qualz.media import waveform
from qualz.media.ffmpeg import Failed, FFmpeg, Stopped
from qualz.media.poster import poster
from qualz.media.shelf import OutOfReach
from qualz.media.storage import DiskFull, Storage
from qualz.recording import Recording

log = logging.getLogger(__name__)


def wanting() -> list[int]:
    """Recordings whose Full Session has none yet."""
    lacks = or_(Recording.illustrated.is_(None), Recording.illustrated != Recording.full_session)
    found = select(Recording.id).where(Recording.full_session.is_not(None), lacks)
    return list(db.session.scalars(found))


def illustrate(recording: Recording, *, storage: Storage, ffmpeg: FFmpeg | None) -> None:
    """Make them for the Full Session as it is now, once. What cannot be made is gone without."""
    name = recording.full_session
    if name is None or ffmpeg is None or recording.illustrated == name:
        return
    has_picture = (recording.full_session_type or "").startswith("video")
    # Noted before: what takes its worker down is not to do so each second.
    recording.illustrated = name
    db.session.commit()
    _make(recording, name, has_picture, storage, ffmpeg)


def _make(
    recording: Recording, name: str, has_picture: bool, storage: Storage, ffmpeg: FFmpeg
) -> None:
    path, seconds = storage.here(name), recording.seconds
    peaks, picture = recording.peaks or "", recording.poster or ""
    # No transaction stays open while ffmpeg works.
    db.session.commit()
    with storage.workspace("illustration") as workspace:
        made = workspace / "made"
        try:
            if has_picture:
                poster(path, seconds, made, ffmpeg=ffmpeg)
                storage.publish_beside(made, picture, of=name)
            made.write_bytes(waveform.peaks(path, seconds, workspace, ffmpeg=ffmpeg))
            storage.publish_beside(made, peaks, of=name)
        except OutOfReach:
            raise
        except (Failed, Stopped, DiskFull, OSError, ValueError) as reason:
            log.warning("%s goes without all of its illustrations: %s", name, reason)
