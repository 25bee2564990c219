"""The sweep: every few seconds it finds what is due and rings for it.

Nothing waits for an event that may have been lost: presence that lapsed, parts that nobody
closes, merges that no worker holds are all found by looking.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from flask import Flask, current_app
from sqlalchemy import func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from qualz import background, broadcasts, clock, presence
from qualz.database import db
from qualz.interview import Interview
from qualz.media.storage import Storage
from qualz.merge import Merge
from qualz.part import EndReason, Part
from qualz.recording import Recording
from qualz.settings import Settings

log = logging.getLogger(__name__)


def run(app: Flask, stop: threading.Event) -> None:
    """Sweep until told to stop. A round that fails is logged, and the next one tries again."""
    settings: Settings = app.extensions["settings"]
    while not stop.wait(settings.sweep_interval.total_seconds()):
        with app.app_context():
            try:
                once(settings)
            except Exception:
                # Whatever it is, the others that depend on the sweep are not to wait for a restart.
                log.exception("A sweep failed; the next one tries again.")


def once(settings: Settings) -> None:
    """Each step by itself: none holds the database while the next one looks around."""
    steps: list[Callable[[], list[Interview] | None]] = [
        presence.notice_drops,
        partial(presence.interrupt_lapsed, grace=settings.grace),
        partial(presence.complete_again, hold=settings.hold),
        presence.abandon_forgotten,
        partial(close_held_parts, hold=settings.hold, storage=current_app.extensions["storage"]),
        partial(begin_due_merges, hold=settings.hold),
    ]
    for step in steps:
        try:
            changed = step()
            db.session.commit()
            for interview in changed or []:
                broadcasts.interview_changed(interview)
        except SQLAlchemyError:
            log.exception("A step of the sweep failed; the next round tries again.")
            db.session.rollback()
    current_app.extensions["storage"].clear_workspaces()
    for merge in Merge.unclaimed():
        background.ring(current_app.extensions["queue"], "merge", merge.id)


def close_held_parts(*, hold: timedelta, storage: Storage) -> None:
    """Parts whose browser said nothing more within the hold are closed with what is there.

    Their files have the last word: a process may have ended between writing and noting it down.
    """
    heard = func.coalesce(Part.last_byte_at, Part.started_at)
    held = select(Part.id).where(Part.closed_at.is_(None), heard <= clock.now() - hold)
    for part_id in db.session.scalars(held).all():
        try:
            _close_held(part_id, storage)
        except Exception:
            # One that cannot be closed is not to keep all the others open.
            log.exception("A held part could not be closed; the next sweep tries again.")
            db.session.rollback()


def _close_held(part_id: int, storage: Storage) -> None:
    file = db.session.get_one(Part, part_id).file
    db.session.commit()
    # The disk is waited for before the database is written to: others want to write there.
    durable = storage.sync(file)
    part = db.session.get_one(Part, part_id, populate_existing=True)
    part.note_durable(durable)
    part.close(EndReason.GIVEN_UP)
    db.session.commit()


def begin_due_merges(*, hold: timedelta) -> None:
    """`Recording.is_due` decides; the query only spares it those that cannot be."""
    is_left = or_(
        Interview.state.in_([Interview.State.COMPLETED, Interview.State.ABANDONED]),
        Interview.interrupted_at <= clock.now() - hold,
    )
    candidates = select(Recording).where(
        Recording.state.in_([Recording.State.NONE, Recording.State.STALE]),
        Recording.interview.has(is_left),
        Recording.parts.any(Part.bytes_durable > 0),
        ~Recording.parts.any(Part.closed_at.is_(None)),
    )
    for recording in db.session.scalars(candidates).all():
        if recording.is_due(hold=hold):
            Merge.begin(recording)
