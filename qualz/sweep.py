"""The sweep: every few seconds it finds what is due and rings for it.

Nothing waits for an event that may have been lost: presence that lapsed, parts that nobody
closes, merges that no worker holds are all found by looking.
"""

from __future__ import annotations

import logging
import threading

from flask import Flask, current_app
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from qualz import background, clock, presence
from qualz.database import db
from qualz.interview import Interview
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
            except SQLAlchemyError:
                log.exception("A sweep failed; the next one tries again.")


def once(settings: Settings) -> None:
    presence.interrupt_lapsed(grace=settings.grace)
    presence.abandon_forgotten()
    close_held_parts(settings)
    begin_due_merges(settings)
    db.session.commit()
    current_app.extensions["storage"].clear_workspaces()
    queue = current_app.extensions["queue"]
    for merge in Merge.unclaimed():
        background.ring(queue, "merge", merge.id)


def close_held_parts(settings: Settings) -> None:
    """Parts whose browser said nothing more within the hold are closed with what is there."""
    for part in db.session.scalars(select(Part).where(Part.closed_at.is_(None))):
        if clock.now() - (part.last_byte_at or part.started_at) >= settings.hold:
            part.close(EndReason.GIVEN_UP)


def begin_due_merges(settings: Settings) -> None:
    candidates = select(Recording).where(
        Recording.state.in_([Recording.State.NONE, Recording.State.STALE]),
        Recording.interview.has(
            Interview.state.in_(
                [
                    Interview.State.COMPLETED,
                    Interview.State.INTERRUPTED,
                    Interview.State.ABANDONED,
                ]
            )
        ),
    )
    for recording in db.session.scalars(candidates):
        if recording.is_due(hold=settings.hold):
            Merge.begin(recording)
