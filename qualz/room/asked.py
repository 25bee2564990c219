"""What a page's script sent, read with care: anybody can send anything here."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import request

from qualz.errors import QualzError
from qualz.part import LONGEST_MS

EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


class NotUnderstood(QualzError):
    """The body is not what this address takes."""


def body() -> dict[str, Any]:
    """The JSON object that was sent. Raises `NotUnderstood` for anything else."""
    sent = request.get_json(silent=True)
    if not isinstance(sent, dict):
        raise NotUnderstood("Send a JSON object.")
    return sent


def name_in(sent: dict[str, Any], key: str) -> str:
    """A short name, such as that of a place in the room."""
    name = sent.get(key)
    if not (isinstance(name, str) and 0 < len(name) <= 64 and name.isprintable()):
        raise NotUnderstood(f"“{key}” must be a text of at most 64 characters.")
    return name


def moment(text: object) -> datetime | None:
    """A moment by the participant's clock, as `Date.toISOString()` writes it, or None."""
    try:
        found = datetime.fromisoformat(str(text))
        found = found.astimezone(UTC) if found.tzinfo else LATEST
    except (ValueError, OverflowError):
        return None
    return found if EARLIEST < found < LATEST else None


def milliseconds(said: object) -> int | None:
    """A recorder's clock: whole milliseconds, of at most a day, or None."""
    text = str(said)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return None
    return min(int(text), LONGEST_MS)
