"""Heartbeats, by socket or by HTTP. Most say no more than that all is as it was."""

from __future__ import annotations

import logging
from typing import Any

from flask import request
from sqlalchemy.exc import OperationalError

from qualz import broadcasts, presence, switchboard
from qualz.database import db, lightly
from qualz.room import admission

log = logging.getLogger(__name__)


def hear(public_id: str, place: str, said: dict[str, Any]) -> bool:
    """Whether that place is still the one in the room. Raises `NotAdmitted`.

    Whoever is heard is here, also while a full disk lets nobody write it down.
    """
    try:
        return _note(public_id, place, said)
    except OperationalError as cause:
        log.warning("A heartbeat could not be written down: %s", cause.orig)
        db.session.rollback()
        return admission.interview_from(request.cookies, public_id).place == place


def _note(public_id: str, place: str, said: dict[str, Any]) -> bool:
    """A thousand participants make five hundred a second: the common ones are noted together."""
    report = presence.tidy(said)
    key = admission.key_in(request.cookies, public_id)
    if key:
        links = {"link_id": key["link"], "by_personal_link": bool(key.get("personal"))}
        if presence.is_as_it_was(presence.Beat(public_id, place, report, **links)):
            return True
    lightly()
    interview = admission.interview_from(request.cookies, public_id)
    was_away = not interview.is_present
    here = presence.beat(interview, place, report, listening_since=switchboard.listening_since())
    db.session.commit()
    if here and was_away:
        broadcasts.interview_changed(interview)
    return here
