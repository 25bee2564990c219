"""The common chunk: the next bytes of a part whose recorder runs, with their checksum.

What is in any way unlike that is looked at closer, by `parts.append`.
"""

from __future__ import annotations

from flask import Response, current_app, request

from qualz import counting, growing
from qualz.growing import Growing
from qualz.media.storage import Storage
from qualz.room import admission, asked, claims, expiration, pace, quotas
from qualz.room.bodies import PIECE, Body
from qualz.room.tus import BrokenOff
from qualz.settings import Settings


def take(public_id: str, upload: str) -> Response | None:
    """The answer to it; None, with nothing read or done, where it is no common chunk."""
    part = _growing(public_id, upload) if _looks_common() else None
    if part is None:
        return None
    settings: Settings = current_app.extensions["settings"]
    storage: Storage = current_app.extensions["storage"]
    body = Body(most_at_once=settings.largest_chunk)
    with claims.of_request(public_id, upload) as claim:
        at = part.bytes_durable
        # Whoever held it before may have brought bytes while they were waited for.
        if storage.spooled(part.file) != at:
            return None
        storage.demand_room(body.announced)
        body.demand_fits(settings.largest_part - at)
        durable = at
        for piece in body.pieces(is_unwanted=lambda: claim.is_lost):
            until_ms = asked.milliseconds(request.headers.get("Recorded-Until"))
            durable = part.append(piece, storage=storage, until_ms=until_ms)
            grown_ms = (until_ms or 0) - (part.stored_ms or 0)
            counting.note_received(size=len(piece), milliseconds=grown_ms)
        claim.demand()
        if body.broke_off:
            raise BrokenOff(durable)
    expires = expiration.after(part.started_at, part.last_seen_at)
    headers = {"Upload-Offset": str(durable), **expiration.told(expires), **pace.told()}
    return Response(status=204, headers=headers)


def _looks_common() -> bool:
    return (
        request.mimetype == "application/offset+octet-stream"
        and "Upload-Checksum" in request.headers
        and "Upload-Length" not in request.headers
        and 0 < (request.content_length or 0) <= PIECE
        and _offset() > 0
    )


def _offset() -> int:
    said = request.headers.get("Upload-Offset", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 16 else -1


def _growing(public_id: str, upload: str) -> Growing | None:
    """The part, where these bytes are the next ones, are let in and are not too many."""
    key = admission.key_in(request.cookies, public_id)
    if key is None:
        return None
    asked_for = growing.Asked(public_id, upload, key["link"], bool(key.get("personal")))
    found = growing.find(asked_for)
    if found is None or _offset() != found.bytes_durable:
        return None
    is_late = expiration.is_over(expiration.after(found.started_at, found.last_seen_at))
    return None if is_late or not _fits(found) else found


def _fits(found: Growing) -> bool:
    coming = request.content_length or 0
    until_ms = asked.milliseconds(request.headers.get("Recorded-Until"))
    return quotas.has_room(
        held=found.bytes_of_others + found.bytes_durable + coming,
        recorded_ms=found.ms_of_others + (until_ms or 0),
    )
