"""Parts arrive by tus 1.0: one upload each. https://tus.io/protocols/resumable-upload

Core, creation, creation-defer-length, checksum, expiration and termination. The offset that is
answered is durable: the bytes before it have been fsynced.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import uuid4

from flask import Response, current_app, request, url_for

from qualz import broadcasts, counting, presence
from qualz.database import db, once_more_if_taken, remembering
from qualz.errors import CameraNotAllowed, NotFound
from qualz.interview import Interview
from qualz.media.storage import DiskFull, OffsetMismatch, Storage
from qualz.part import EndReason, Part, demand_here
from qualz.room import admission, asked, chunks, claims, expiration, lengths, pace, quotas
from qualz.room.bodies import Body
from qualz.room.claims import Claim, Claims
from qualz.room.pace import Pace
from qualz.room.tus import BrokenOff, Unacceptable, metadata_from, whole_number
from qualz.room.uploads import uploads as uploads
from qualz.settings import MEBIBYTE, Settings

uploads.record(lambda state: state.app.extensions.update(claims=Claims(), pace=Pace()))
# Bytes that no new part may begin to use up: parts that are under way, and merges, need them.
KEPT_FREE = 512 * MEBIBYTE
TYPES = ("audio/webm", "video/webm", "audio/mp4", "video/mp4", "video/x-matroska")


@uploads.post("")
@remembering()
def create(public_id: str) -> Response:
    """A new part. Sent again with the same `key` in its metadata it answers the same upload.

    Bytes that are sent along are not taken: the offset that is answered says so.
    """
    interview = _interview(public_id)
    length = lengths.at_creation()
    sent = request.headers.get("Upload-Metadata", "")
    known = metadata_from(sent)
    reported = known.get("filetype") or "audio/webm"
    if reported.split(";")[0].strip() not in TYPES:
        raise Unacceptable("Only recordings are taken here: WebM or MP4.", status=415)
    camera = known.get("camera") == "true" or reported.startswith("video/")
    if camera and not interview.camera.is_allowed:
        raise CameraNotAllowed("This interview has no camera.")
    quotas.demand_part(interview.recording, known.get("key"))
    _demand_room()
    start = partial(
        _start_part,
        public_id,
        length,
        key=(known.get("key") or uuid4().hex)[:64],
        reported_type=reported[:120],
        metadata_sent=sent or None,
        has_camera=camera,
        device="phone" if known.get("device") == "phone" else "desktop",
        recorder_started_at=asked.moment(known.get("startedAt")),
    )
    part = once_more_if_taken(start)
    broadcasts.interview_changed(interview)
    headers = {
        "Location": url_for("uploads.ask", public_id=public_id, upload=part.public_id),
        "Part-Number": str(part.number),
        "Upload-Offset": str(part.bytes_durable),
    }
    return Response(status=201, headers={**headers, **expiration.header(part)})


def _start_part(public_id: str, length: int | None, **known: Any) -> Part:
    part = _interview(public_id).recording.start_part(**known)
    if length is not None:
        part.declare_end(length=length, reason=EndReason.FINISHED)
    db.session.commit()
    return part


@uploads.route("/<upload>", methods=["HEAD"])
def ask(public_id: str, upload: str) -> Response:
    """How far it is. Who asks is about to go on: a request that still waits for bytes is ended."""
    with _claimed(_interview(public_id), upload) as (part, _):
        headers = {"Upload-Offset": str(_durable(part)), **expiration.header(part)}
        if part.metadata_sent:
            headers["Upload-Metadata"] = part.metadata_sent
        return Response(status=200, headers={**headers, **lengths.header(part)})


@uploads.patch("/<upload>")
def append(public_id: str, upload: str) -> Response:
    """Bytes at their offset. With a checksum all or nothing is kept, without one what arrives."""
    if answer := chunks.take(public_id, upload):
        return answer
    interview = _interview(public_id)
    if request.mimetype != "application/offset+octet-stream":
        raise Unacceptable("Send application/offset+octet-stream.", status=415)
    at = whole_number(request.headers.get("Upload-Offset"), "Upload-Offset")
    length = lengths.declared()
    body = Body(most_at_once=_settings().largest_chunk)
    with remembering(), _claimed(interview, upload) as (part, claim):
        _demand_offset(part, at)
        body.demand_fits(lengths.left(part, length, at=at, coming=body.announced))
        _storage().demand_room(body.announced)
        quotas.demand_bytes(part, at=at, coming=body.announced, until_ms=_recorded_until())
        expires = expiration.at(part)
        durable = _take(body, part, claim, at=at, length=length)
        headers = {"Upload-Offset": str(durable), **expiration.header(part, expires)}
        return Response(status=204, headers={**headers, **pace.told()})


def _take(body: Body, part: Part, claim: Claim, *, at: int, length: int | None) -> int:
    """Append what the body brings and answer the durable offset after it.

    Bodies come at the network's pace. Neither a connection nor SQLite's one write lock is held
    while they, or the disk, are waited for.
    """
    db.session.commit()
    durable, last = at, at + body.announced
    for piece in body.pieces(is_unwanted=lambda: claim.is_lost):
        lengths.declare(part, length)
        until_ms = _recorded_until() if durable + len(piece) == last else None
        stored_ms = part.stored_ms or 0
        durable = part.append(piece, at=durable, storage=_storage(), until_ms=until_ms)
        presence.note_chunk(part)
        db.session.commit()
        grown_ms = (part.stored_ms or 0) - stored_ms
        counting.note_received(size=len(piece), milliseconds=grown_ms)
    claim.demand()
    if body.broke_off:
        raise BrokenOff(durable)
    lengths.declare(part, length)
    db.session.commit()
    return durable


@uploads.delete("/<upload>")
def terminate(public_id: str, upload: str) -> Response:
    """Termination takes back an upload that is still arriving; a closed part stays."""
    with _claimed(_interview(public_id), upload) as (part, _):
        if not part.is_open:
            text = "This part is complete; only the research team can delete it."
            raise Unacceptable(text, status=403)
        file, recording = part.file, part.recording
        db.session.delete(part)
        db.session.commit()
        _storage().delete(file)
        broadcasts.recording_changed(recording)
    return Response(status=204)


@uploads.put("/<upload>/closure")
def close(public_id: str, upload: str) -> Response:
    """The page says that the recorder has stopped, why, and after how many bytes."""
    part = Part.named(_interview(public_id).recording, upload)
    said = asked.body()
    part.declare_end(
        length=whole_number(said.get("length"), "length"),
        reason=_end_reason(said.get("reason")),
        recorder_ended_at=asked.moment(said.get("endedAt")),
        recorded_ms=asked.milliseconds(said.get("ms")),
        delivered_ms=asked.milliseconds(said.get("until")),
    )
    db.session.commit()
    broadcasts.recording_changed(part.recording)
    return Response(status=204)


# ---- what the requests share


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


def _storage() -> Storage:
    storage: Storage = current_app.extensions["storage"]
    return storage


def _interview(public_id: str) -> Interview:
    """The interview that the browser was let into. For another participant's there is nothing
    here; who has lost their own key is told so."""
    try:
        return admission.interview_from(request.cookies, public_id)
    except admission.NotAdmitted:
        if admission.belongs_elsewhere(request.cookies, public_id):
            raise NotFound("This browser's interviews have no such part.") from None
        raise


@contextmanager
def _claimed(interview: Interview, upload: str) -> Iterator[tuple[Part, Claim]]:
    """The part, for this request alone. Whoever was at it before has ended; see `claims`."""
    with claims.of_request(interview.public_id, upload) as claim:
        part = Part.named(interview.recording, upload)
        expiration.demand(part)
        yield part, claim


def _durable(part: Part) -> int:
    """How much of it is durable, also in the database: a process may have died in between."""
    file, kept, known = part.file, part.shelved, part.bytes_durable
    db.session.commit()
    if kept and _storage().spooled(file) < known:
        _storage().recall(kept, file)
    durable = _storage().sync(file)
    demand_here(durable, acknowledged=known, storage=_storage())
    part.note_durable(durable)
    db.session.commit()
    return durable


def _demand_offset(part: Part, at: int) -> None:
    """Refuse before the body is read; `storage.append` has the last word.

    Raises `OffsetMismatch`.
    """
    if _storage().spooled(part.file) == part.bytes_durable == at:
        return
    durable = _durable(part)
    if durable != at:
        raise OffsetMismatch(durable)


def _demand_room() -> None:
    if _storage().free_bytes() < KEPT_FREE:
        raise DiskFull


def _recorded_until() -> int | None:
    return asked.milliseconds(request.headers.get("Recorded-Until"))


def _end_reason(word: object) -> EndReason:
    try:
        return EndReason(str(word))
    except ValueError:
        raise Unacceptable(f"“{word}” is no reason for a part's end.") from None
