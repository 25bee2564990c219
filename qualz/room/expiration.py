"""Until when the rest of a part is taken: for as long as its browser may come back to send it."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from flask import current_app

from qualz import clock
from qualz.part import Part
from qualz.room.tus import UploadExpired
from qualz.settings import Settings


def at(part: Part) -> datetime:
    """When it expires at the earliest."""
    return after(part.started_at, part.recording.interview.last_seen_at)


def after(started_at: datetime, last_seen_at: datetime | None) -> datetime:
    """A browser's key is valid for so long after it came; it may come again, so this moves on with
    its participant's last sign of life."""
    settings: Settings = current_app.extensions["settings"]
    return max(started_at, last_seen_at or started_at) + settings.resume_link_validity


def is_over(when: datetime) -> bool:
    return clock.now() >= when


def demand(part: Part) -> None:
    """Raises `UploadExpired`, unless a resume link can still lead its browser back."""
    if part.is_whole or not is_over(at(part)):
        return
    if not any(link.is_valid for link in part.recording.interview.resume_links):
        raise UploadExpired(
            "This upload has expired. What arrived is kept. To send the rest, ask the research "
            "team for a link back into the interview."
        )


def header(part: Part, when: datetime | None = None) -> dict[str, str]:
    """`Upload-Expires`, for a part that is not whole. `when`: what `at` said of it, if known."""
    return {} if part.is_whole else told(when or at(part))


def told(when: datetime) -> dict[str, str]:
    return {"Upload-Expires": format_datetime(when, usegmt=True)}
