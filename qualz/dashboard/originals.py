"""Originals: what is redacted, for the few who may read and hear it all the same."""

from __future__ import annotations

from flask import current_app

from qualz import redacting
from qualz.dashboard import dashboard
from qualz.dashboard.access import researcher
from qualz.errors import NotAllowed
from qualz.interview import Interview
from qualz.redaction import Redaction


def sees_originals(interview: Interview) -> bool:
    return redacting.may_see_originals(researcher(), interview.recording)


def demand_originals(interview: Interview) -> None:
    if not sees_originals(interview):
        raise NotAllowed("Only owners and admins may see what is redacted. Ask one of them.")


def note_seen(interview: Interview, what: str) -> None:
    """Written down each time."""
    current_app.logger.info(
        "Researcher %s was shown %s that are redacted in interview %s.",
        researcher().id,
        what,
        interview.public_id,
    )


@dashboard.app_context_processor
def _originals() -> dict[str, object]:
    return {"sees_originals": sees_originals, "may_undo": _may_undo}


def _may_undo(redaction: Redaction) -> bool:
    return redacting.may_undo(researcher(), redaction)
