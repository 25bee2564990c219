"""What workers do. Each job carries ids, may run twice, and leaves the work to the domain."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, TypeAlias

from flask import current_app
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError

from qualz import broadcasts, clock, counting, illustration, logs, preparation
from qualz.bundle import Bundle
from qualz.database import db
from qualz.deletion import Deletion
from qualz.delivery import Delivery
from qualz.excerpt import Excerpt
from qualz.hearing import Hearing
from qualz.leased import Leased, LeaseLost
from qualz.letter import Letter
from qualz.mail import Mail
from qualz.media import usage
from qualz.media.shelf import OutOfReach, beating
from qualz.merge import Merge
from qualz.recording import Recording
from qualz.rendition import Rendition
from qualz.settings import Settings

# How long a worker waits for the end of an answer's sound, and how often it looks, in seconds.
# What comes later is found by the sweep.
TAIL_WITHIN = timedelta(seconds=1)
LOOK_AGAIN = 0.05
Work: TypeAlias = Merge | Rendition | Hearing | Bundle | Excerpt | Deletion
# Beyond what any conversation with another server may take.
OUTSIDE = timedelta(minutes=2)


def merge(merge_id: int) -> None:
    _carry_out(Merge, merge_id)


def rendition(rendition_id: int) -> None:
    _carry_out(Rendition, rendition_id)


def excerpt(excerpt_id: int) -> None:
    _carry_out(Excerpt, excerpt_id)


def bundle(bundle_id: int) -> None:
    _carry_out(Bundle, bundle_id)


def delete(deletion_id: int) -> None:
    _carry_out(Deletion, deletion_id)


def mail(mail_id: int) -> None:
    post, address = current_app.extensions["post"], current_app.extensions["settings"].address
    _reach_out(Mail, mail_id, post=post, address=address)


def letter(letter_id: int) -> None:
    post, address = current_app.extensions["post"], current_app.extensions["settings"].address
    _reach_out(Letter, letter_id, post=post, address=address)


def deliver(delivery_id: int) -> None:
    courier, vault = current_app.extensions["courier"], current_app.extensions["vault"]
    _reach_out(Delivery, delivery_id, courier=courier, vault=vault)


def _reach_out(kind: type[Mail | Letter | Delivery], work_id: int, **by: Any) -> None:
    if claimed := kind.claim(work_id, lease_for=OUTSIDE):
        _log_about(claimed)
        try:
            claimed.run(**by)
            _ended(kind, work_id)
        except (ObjectDeletedError, StaleDataError):
            current_app.logger.info("What %s %s told of is gone.", kind.__name__, work_id)
        except Exception as cause:
            claimed.note_trouble(cause)
            raise


def hear(hearing_id: int) -> None:
    """The last second of an answer may still be on its way.

    It is waited for from when the answer was given, so many who finish together wait no longer.
    """
    while _is_worth_waiting_for(hearing_id):
        time.sleep(LOOK_AGAIN)
    hear_again(hearing_id)


def hear_again(hearing_id: int) -> None:
    if hearing := db.session.get(Hearing, hearing_id):
        listeners = current_app.extensions["listeners"]
        interview = hearing.turn.interview
        language = interview.conversation.terms.language
        listener = listeners.current(language, interview.consent, alone=hearing.is_heard_well)
        _carry_out(Hearing, hearing_id, listener=listener)
        listeners.remember()


def _is_worth_waiting_for(hearing_id: int) -> bool:
    hearing = db.session.get(Hearing, hearing_id)
    is_late = hearing is None or clock.now() - hearing.turn.said_at > TAIL_WITHIN
    waits = hearing is not None and not is_late and not hearing.is_ripe
    db.session.commit()
    return waits


def _carry_out(kind: type[Work], work_id: int, **more: Any) -> None:
    lease = current_app.extensions["settings"].lease
    if claimed := kind.claim(work_id, lease_for=lease):
        announce = _news_of(claimed)
        _log_about(claimed)
        try:
            # A large file may be on its way from a store for longer than a lease.
            with beating(partial(claimed.stay_claimed, lease)):
                claimed.run(
                    storage=current_app.extensions["storage"],
                    ffmpeg=current_app.extensions.get("ffmpeg"),
                    lease_for=lease,
                    announce=announce,
                    **more,
                )
            announce()
            _ended(kind, work_id)
        except (LeaseLost, ObjectDeletedError):
            current_app.logger.info(
                "%s %s was taken over, cancelled or removed; nothing of it is kept here.",
                kind.__name__,
                work_id,
            )
            # There may be nothing left to tell of.
            return
        except OutOfReach as cause:
            claimed.put_off(f"The store of recordings is out of reach: {cause}")
            raise
        except Exception as cause:
            claimed.note_trouble(cause)
            raise


def _ended(kind: type[Leased], work_id: int) -> None:
    counting.note_attempt(kind, work_id)
    if work := db.session.get(kind, work_id):
        # Without the reason: that may hold an address.
        current_app.logger.info("%s %s is %s", kind.__name__, work_id, work.state)


def _log_about(work: Leased) -> None:
    """Which interview it is about, if it is about one."""
    recording = getattr(work, "recording", None)
    interview = recording.interview if recording else getattr(work, "interview", None)
    if interview:
        logs.about(interview=interview.public_id)


def _news_of(work: Work) -> Callable[[], None]:
    """Whom it concerns looks again; exports and excerpts look by themselves while one is made."""
    if isinstance(work, Bundle | Excerpt):
        return lambda: None
    if isinstance(work, Deletion):
        return partial(broadcasts.study_changed, work.study)
    return partial(broadcasts.recording_changed, work.recording)


def prepare(recording_id: int) -> None:
    _work_on(recording_id, preparation.prepare)


def illustrate(recording_id: int) -> None:
    _work_on(recording_id, illustration.illustrate)


def weigh() -> None:
    """Look at what the disk is full of, for those who look after it."""
    settings: Settings = current_app.extensions["settings"]
    found = usage.usage(settings.media)
    besides = {"database": settings.data.glob("*.db*"), "logs": settings.logs.glob("*")}
    for what, files in besides.items():
        found[what] = sum(file.stat().st_size for file in files)
    seen = {
        "at": clock.now().timestamp(),
        "found": {what: found[what] for what in found if found[what]},
    }
    current_app.extensions["counts"].keep("usage", seen)


def _work_on(recording_id: int, work: Callable[..., None]) -> None:
    # It may have been deleted before, or meanwhile.
    if recording := db.session.get(Recording, recording_id):
        logs.about(interview=recording.interview.public_id)
        with suppress(ObjectDeletedError, StaleDataError):
            work(
                recording,
                storage=current_app.extensions["storage"],
                ffmpeg=current_app.extensions.get("ffmpeg"),
            )
