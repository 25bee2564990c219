"""How much one interview may take: a link is open to anybody, and one participant may not fill the
disk for all the others. What is here by then is kept, and the interview goes on in writing.
"""

from __future__ import annotations

from flask import current_app
from sqlalchemy import func, select

from qualz.database import db
from qualz.errors import QualzError
from qualz.part import EndReason, Part
from qualz.recording import Recording
from qualz.room.tus import in_words
from qualz.settings import Settings


class QuotaReached(QualzError):
    """`quota` is its word, by which a page tells it from a proxy that takes less at once."""

    status = 413

    def __init__(self, quota: str, limit: str, setting: str) -> None:
        super().__init__(
            f"An interview may have at most {limit}. What is here is kept; go on in writing, or "
            f"ask whoever runs this server for more ({setting})."
        )
        self.quota = quota


def demand_part(recording: Recording, key: str | None) -> None:
    """Raises `QuotaReached` where there may be no further part; one that is there stays."""
    settings = _settings()
    if any(part.key == key for part in recording.parts):
        return
    if len(recording.parts) >= settings.interview_parts:
        parts = f"{settings.interview_parts} parts"
        raise QuotaReached("parts", parts, "QUALZ_INTERVIEW_PARTS")
    held = sum(part.bytes_durable for part in recording.parts)
    _demand(held, sum(part.stored for part in recording.parts))


def demand_bytes(part: Part, *, at: int, coming: int, until_ms: int | None) -> None:
    """Raises `QuotaReached`, after closing the part, where so much more would be too much."""
    sums = select(func.sum(Part.bytes_durable), func.sum(Part.stored_ms))
    others = sums.where(Part.recording_id == part.recording_id, Part.id != part.id)
    held, stored = (int(found or 0) for found in db.session.execute(others).one())
    try:
        # Not a byte or second more, but what is just full may be sent once more.
        _demand(held + at + coming - 1, (stored + (until_ms or 0) - 1) / 1000)
    except QuotaReached:
        part.close(EndReason.LIMIT)
        db.session.commit()
        raise


def has_room(*, held: int, recorded_ms: int) -> bool:
    """Whether an interview may hold so many bytes and milliseconds. What is just full may be sent
    once more."""
    settings = _settings()
    fits = held <= settings.interview_bytes
    return fits and (recorded_ms - 1) / 1000 < settings.interview_seconds


def _demand(held: int, seconds: float) -> None:
    settings = _settings()
    if held >= settings.interview_bytes:
        limit = f"{in_words(settings.interview_bytes)} of recordings"
        raise QuotaReached("bytes", limit, "QUALZ_INTERVIEW_BYTES")
    if seconds >= settings.interview_seconds:
        limit = f"{settings.interview_seconds} seconds of recordings"
        raise QuotaReached("seconds", limit, "QUALZ_INTERVIEW_SECONDS")


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
