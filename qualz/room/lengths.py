"""How long an upload is going to be: said at its creation or once later, and never changed."""

from __future__ import annotations

from flask import current_app, request

from qualz.errors import PartClosed
from qualz.part import EndReason, Part
from qualz.room.tus import Unacceptable, in_words, whole_number
from qualz.settings import Settings


def declared() -> int | None:
    """What `Upload-Length` says, if it is there."""
    header = request.headers.get("Upload-Length")
    if header is None:
        return None
    length = whole_number(header, "Upload-Length")
    if length > _largest():
        raise Unacceptable(f"A part may have at most {in_words(_largest())}.", status=413)
    return length


def at_creation() -> int | None:
    """The length, or None where it is deferred. One of the two has to be said."""
    length, deferred = declared(), request.headers.get("Upload-Defer-Length")
    if deferred not in (None, "1") or (length is None) == (deferred is None):
        raise Unacceptable("Say either Upload-Length, or Upload-Defer-Length: 1.")
    return length


def left(part: Part, length: int | None, *, at: int, coming: int) -> int:
    """How many bytes may follow `at`, where `coming` are announced.

    `length` is what this request says. Raises `Unacceptable`, and `PartClosed` where nothing may.
    """
    known = length if part.length is None else part.length
    if length not in (None, known):
        raise Unacceptable(f"This part was said to have {known} bytes, which cannot be changed.")
    if known is None:
        return max(0, _largest() - at)
    if known < at:
        raise Unacceptable(f"Upload-Length is less than the {at} bytes that are here.")
    if known == at and coming:
        raise PartClosed("This part is complete; nothing can be added to it.")
    return known - at


def declare(part: Part, length: int | None) -> None:
    """Take in a length that comes late, once the bytes that it came with are accepted."""
    if length is not None and part.length is None:
        part.declare_end(length=length, reason=EndReason.FINISHED)


def header(part: Part) -> dict[str, str]:
    if part.length is None:
        return {"Upload-Defer-Length": "1"}
    return {"Upload-Length": str(part.length)}


def _largest() -> int:
    settings: Settings = current_app.extensions["settings"]
    return settings.largest_part
