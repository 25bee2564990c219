"""The sweep: every few seconds it finds what is due and rings for it.

Nothing waits for an event that may have been lost: presence that lapsed, parts that nobody
closes, merges, renditions, exports and hearings that no worker holds are all found by looking.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial
from itertools import count
from typing import TypeAlias

from flask import Flask, current_app
from sqlalchemy import and_, func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from qualz import (
    background,
    broadcasts,
    clock,
    erasing,
    illustration,
    preparation,
    presence,
    removal,
    shelving,
    telling,
)
from qualz.bundle import Bundle
from qualz.database import after_commit, db
from qualz.deletion import Deletion
from qualz.delivery import Delivery
from qualz.excerpt import Excerpt
from qualz.happening import Happening
from qualz.hearing import Hearing
from qualz.interview import Interview
from qualz.leased import Leased
from qualz.letter import Letter
from qualz.mail import Mail
from qualz.media.shelved import ShelvedStorage
from qualz.media.storage import Storage
from qualz.merge import Merge
from qualz.part import EndReason, Part
from qualz.recording import Recording
from qualz.rendition import Rendition
from qualz.settings import Settings
from qualz.sign_in import Lengths, SignIn
from qualz.turn import Turn

log = logging.getLogger(__name__)

Step: TypeAlias = Callable[[], list[Interview] | None]
# By the jobs that do it, and in that order.
WORK: dict[str, type[Leased]] = {
    "merge": Merge,
    "letter": Letter,
    "mail": Mail,
    "deliver": Delivery,
    "delete": Deletion,
    "rendition": Rendition,
    "excerpt": Excerpt,
    "bundle": Bundle,
}
# Rounds from one tidying to the next: looking for what is seldom there costs as much each time.
TIDIED_EVERY = 5


def run(app: Flask, stop: threading.Event) -> None:
    """Sweep until told to stop. A round that fails is logged, and the next one tries again."""
    settings: Settings = app.extensions["settings"]
    for number in count():
        if stop.wait(settings.sweep_interval.total_seconds()):
            return
        with app.app_context():
            try:
                once(settings, is_thorough=number % TIDIED_EVERY == 0)
                app.extensions["counts"].mark("sweep", clock.now().timestamp())
            except Exception:
                # Whatever it is, the others that depend on the sweep are not to wait for a restart.
                log.exception("A sweep failed; the next one tries again.")


def shelve(app: Flask, stop: threading.Event) -> None:
    """Beside it, where there is a shelf: what goes there, and comes from there."""
    settings: Settings = app.extensions["settings"]
    for number in count():
        if stop.wait(settings.sweep_interval.total_seconds()):
            return
        with app.app_context():
            try:
                shelve_once(is_thorough=number % TIDIED_EVERY == 0)
            except Exception:
                log.exception("Shelving failed; the next round tries again.")


def shelve_once(*, is_thorough: bool = True) -> None:
    storage: ShelvedStorage = current_app.extensions["storage"]
    steps: list[Step] = [partial(shelving.shelve_closed, storage)]
    if is_thorough:
        steps += [partial(shelving.tidy, storage), *_clearing(storage)]
    _take(steps)


def once(settings: Settings, *, is_thorough: bool = True) -> None:
    _take([*_watching(settings), *(_tidying(settings) if is_thorough else ())])
    if is_thorough:
        current_app.extensions["storage"].clear_workspaces()
    queue = current_app.extensions["queue"]
    for job, work_id in _waiting():
        if not background.ring(queue, job, work_id):
            break


def _take(steps: Iterable[Step]) -> None:
    """Each step by itself: none holds the database while the next one looks around."""
    for step in steps:
        try:
            changed = step()
            db.session.commit()
            for interview in changed or []:
                broadcasts.interview_changed(interview)
        except (SQLAlchemyError, OSError):
            log.exception("A step of the sweep failed; the next round tries again.")
            db.session.rollback()


def _watching(settings: Settings) -> list[Step]:
    """What somebody may be waiting for."""
    storage: Storage = current_app.extensions["storage"]
    return [
        presence.notice_drops,
        partial(presence.interrupt_lapsed, grace=settings.grace),
        partial(presence.complete_again, hold=settings.hold),
        presence.abandon_forgotten,
        partial(close_held_parts, hold=settings.hold, storage=storage),
        partial(begin_due_merges, hold=settings.hold, has_shelf=storage.has_shelf),
        partial(hand_on_news, settings),
    ]


def _tidying(settings: Settings) -> list[Step]:
    """What nobody waits for."""
    lengths = Lengths(settings.sign_in_idle, settings.sign_in_longest)
    storage: Storage = current_app.extensions["storage"]
    return [
        # A store may let one wait, and drops are noticed here.
        *(() if storage.has_shelf else _clearing(storage)),
        Hearing.begin_completed,
        Deletion.keep_promises,
        Deletion.clear_old,
        Happening.clear_old,
        Delivery.clear_old,
        Letter.clear_old,
        partial(SignIn.clear_old, lengths),
    ]


def _clearing(storage: Storage) -> list[Step]:
    """What removes files."""
    return [
        partial(Rendition.keep_up, storage),
        partial(Excerpt.keep_up, storage),
        partial(Bundle.keep_up, storage),
        partial(removal.go_on, storage),
    ]


def _waiting() -> Iterator[tuple[str, int]]:
    """What nobody is at, by the job that does it; what somebody waits for goes first."""
    yield from ((hearing.job, hearing.id) for hearing in Hearing.unclaimed())
    for job, kind in WORK.items():
        yield from ((job, work.id) for work in kind.unclaimed())
    yield from (("prepare", recording_id) for recording_id in preparation.unprepared())
    if current_app.extensions.get("ffmpeg"):
        yield from (("illustrate", recording_id) for recording_id in illustration.wanting())


def hand_on_news(settings: Settings) -> None:
    by_mail = current_app.extensions["post"] is not None
    hold, address = settings.hold, settings.address
    for researcher_id in telling.hand_on(by_mail=by_mail, hold=hold, address=address):
        after_commit(partial(broadcasts.news_for, researcher_id))


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


def begin_due_merges(*, hold: timedelta, has_shelf: bool = False) -> None:
    """`Recording.is_due` decides; the query only spares it those that cannot be.

    With a shelf parts are waited for there: another machine may do the merge.
    """
    is_left = or_(
        Interview.state.in_([Interview.State.COMPLETED, Interview.State.ABANDONED]),
        Interview.interrupted_at <= clock.now() - hold,
    )
    candidates = select(Recording).where(
        or_(
            Recording.state.in_([Recording.State.NONE, Recording.State.STALE]),
            (Recording.state == Recording.State.FAILED) & Turn.is_left_in(Recording.interview_id),
        ),
        Recording.interview.has(and_(is_left, Interview.is_preview.is_(False))),
        Recording.parts.any(Part.bytes_durable > 0),
        ~Recording.parts.any(Part.closed_at.is_(None)),
    )
    if has_shelf:
        unshelved = Part.shelved.is_(None) & (Part.bytes_durable > 0)
        candidates = candidates.where(~Recording.parts.any(unshelved))
    for recording in db.session.scalars(candidates).all():
        if recording.is_due(hold=hold) or erasing.is_due_again(recording):
            Merge.begin(recording)
            # One by one: many may be due, and others want to write as well.
            db.session.commit()
