"""Making: the renditions that a bundle is to hold and that nobody has asked for yet."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy.orm.exc import ObjectDeletedError

from qualz.database import db, once_more_if_taken
from qualz.interview import Interview
from qualz.leased import LeaseLost
from qualz.rendition import Kind, Rendition

if TYPE_CHECKING:
    from qualz.media.ffmpeg import FFmpeg
    from qualz.media.storage import Storage

# Seconds between two looks at one that another worker makes.
LOOK_AGAIN = 0.5


def make_missing(
    interviews: Sequence[int],
    kinds: Sequence[str],
    *,
    storage: Storage,
    ffmpeg: FFmpeg | None,
    lease_for: timedelta,
    on_progress: Callable[[float], None],
) -> None:
    """Have each Full Session in each of these forms that it can be had in. Commits.

    `on_progress` gets the fraction that is there; what it raises ends the one that is being made
    and passes through. One that cannot be made is gone without: its row says why.
    """
    missing = [
        (interview_id, kind)
        for interview_id in interviews
        for kind in _lacking(interview_id, kinds)
    ]
    for place, (interview_id, kind) in enumerate(missing):

        def tell(done: float, place: int = place) -> None:
            on_progress((place + done) / len(missing))

        tell(0.0)
        asked = _ask(interview_id, kind)
        if asked is not None:
            _have_made(asked, storage, ffmpeg, lease_for, tell)


def _lacking(interview_id: int, kinds: Sequence[str]) -> list[Kind]:
    interview = db.session.get(Interview, interview_id)
    if interview is None:
        return []
    there = {one.kind for one in interview.recording.renditions if one.is_ready}
    return [kind for kind in Rendition.offered(interview.recording) if kind in set(kinds) - there]


def _ask(interview_id: int, kind: Kind) -> int | None:
    """The rendition's id; None where the interview or its Full Session went meanwhile."""

    def ask() -> int | None:
        interview = db.session.get(Interview, interview_id, populate_existing=True)
        if interview is None or kind not in Rendition.offered(interview.recording):
            return None
        asked = Rendition.ask(interview.recording, kind).id
        db.session.commit()
        return asked

    return once_more_if_taken(ask)


def _have_made(
    rendition_id: int,
    storage: Storage,
    ffmpeg: FFmpeg | None,
    lease_for: timedelta,
    tell: Callable[[float], None],
) -> None:
    """Here, or by the worker that is at it already."""
    while True:
        claimed = Rendition.claim(rendition_id, lease_for=lease_for)
        if claimed:
            _make(claimed, storage, ffmpeg, lease_for, tell)
        found = db.session.get(Rendition, rendition_id, populate_existing=True)
        is_over = found is None or not found.is_under_way
        done = 1.0 if found is None or is_over else found.progress
        db.session.commit()
        tell(done)
        if claimed or is_over:
            return
        time.sleep(LOOK_AGAIN)


def _make(
    claimed: Rendition,
    storage: Storage,
    ffmpeg: FFmpeg | None,
    lease_for: timedelta,
    tell: Callable[[float], None],
) -> None:
    rendition_id, stopped = claimed.id, False

    def announce() -> None:
        nonlocal stopped
        stopped = True
        tell(claimed.progress)
        stopped = False

    try:
        claimed.run(storage=storage, ffmpeg=ffmpeg, lease_for=lease_for, announce=announce)
    except (LeaseLost, ObjectDeletedError):
        db.session.rollback()
        # Without the bundle nobody wants it; where it was itself taken away, the bundle goes on.
        if not stopped:
            return
        if left := db.session.get(Rendition, rendition_id, populate_existing=True):
            left.remove(storage)
        raise
    except Exception as cause:
        claimed.note_trouble(cause)
        raise
