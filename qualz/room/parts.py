"""Parts arrive by tus 1.0: one upload each. https://tus.io/protocols/resumable-upload

Core, creation, creation-defer-length, checksum, expiration and termination. The offset that is
answered is durable: the bytes before it have been fsynced.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.utils import format_datetime
from functools import partial
from typing import Any
from uuid import uuid4

from flask import Blueprint, Response, current_app, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import ClientDisconnected

from qualz import broadcasts, presence
from qualz.database import db, once_more_if_taken
from qualz.errors import CameraNotAllowed, PartClosed
from qualz.interview import Interview
from qualz.media.storage import DiskFull, OffsetMismatch, Storage
from qualz.part import EndReason, Part
from qualz.room import admission, asked
from qualz.room.tus import (
    CHECKSUMS,
    EXTENSIONS,
    VERSION,
    Unacceptable,
    metadata_from,
    verify,
    whole_number,
)
from qualz.settings import MEBIBYTE, Settings

uploads = Blueprint("uploads", __name__, url_prefix="/room/<public_id>/parts")
PIECE = 256 * 1024
# A flapping network makes many parts of a few seconds; an attacker makes more.
MOST_PARTS = 1000
# Bytes that no new part may begin to use up: parts that are under way, and merges, need them.
KEPT_FREE = 512 * MEBIBYTE
TYPES = ("audio/webm", "video/webm", "audio/mp4", "video/mp4", "video/x-matroska")


@uploads.before_request
def _demand_version() -> ResponseReturnValue | None:
    speaks_tus = request.headers.get("Tus-Resumable") == VERSION
    if speaks_tus or request.method == "OPTIONS" or request.endpoint == "uploads.close":
        return None
    return jsonify(error="Version", message=f"This server speaks tus {VERSION}."), 412


@uploads.errorhandler(OffsetMismatch)
def _tell_offset(error: OffsetMismatch) -> ResponseReturnValue:
    text = "Continue from the offset that is held here."
    return jsonify(error="OffsetMismatch", message=text), 409, {"Upload-Offset": str(error.size)}


@uploads.errorhandler(DiskFull)
def _tell_disk_full(_error: DiskFull) -> ResponseReturnValue:
    text = "The server's disk is full. Keep this page open; what was received so far is safe."
    return jsonify(error="DiskFull", message=text), 507


@uploads.after_request
def _set_version(response: Response) -> Response:
    response.headers["Tus-Resumable"] = VERSION
    response.headers["Tus-Version"] = VERSION
    response.headers["Cache-Control"] = "no-store"
    return response


@uploads.route("", methods=["OPTIONS"])
@uploads.route("/<upload>", methods=["OPTIONS"])
def options(public_id: str, upload: str = "") -> Response:
    settings: Settings = current_app.extensions["settings"]
    return Response(
        status=204,
        headers={
            "Tus-Extension": ",".join(EXTENSIONS),
            "Tus-Max-Size": str(settings.largest_part),
            "Tus-Checksum-Algorithm": ",".join(CHECKSUMS),
        },
    )


@uploads.post("")
def create(public_id: str) -> Response:
    """A new part. Sent again with the same `key` in its metadata it answers the same upload."""
    interview = _interview(public_id)
    length = _declared_length()
    if length is None and request.headers.get("Upload-Defer-Length") != "1":
        raise Unacceptable("Say Upload-Length, or Upload-Defer-Length: 1.")
    known = metadata_from(request.headers.get("Upload-Metadata", ""))
    reported = known.get("filetype") or "audio/webm"
    if reported.split(";")[0].strip() not in TYPES:
        raise Unacceptable("Only recordings are taken here: WebM or MP4.", status=415)
    camera = known.get("camera") == "true" or reported.startswith("video/")
    if camera and not interview.camera.is_allowed:
        raise CameraNotAllowed("The camera is disabled in this study.")
    _demand_room(interview)
    start = partial(
        _start_part,
        public_id,
        length,
        key=(known.get("key") or uuid4().hex)[:64],
        reported_type=reported[:120],
        has_camera=camera,
        device="phone" if known.get("device") == "phone" else "desktop",
        recorder_started_at=asked.moment(known.get("startedAt")),
    )
    part = once_more_if_taken(start)
    broadcasts.interview_changed(interview)
    location = url_for("uploads.ask", public_id=public_id, upload=part.public_id)
    headers = {"Location": location, "Part-Number": str(part.number), **_expiry(part)}
    return Response(status=201, headers=headers)


def _start_part(public_id: str, length: int | None, **known: Any) -> Part:
    part = _interview(public_id).recording.start_part(**known)
    if length is not None:
        part.declare_end(length=length, reason=EndReason.FINISHED)
    db.session.commit()
    return part


@uploads.route("/<upload>", methods=["HEAD"])
def ask(public_id: str, upload: str) -> Response:
    part = _part(public_id, upload)
    file = part.file
    db.session.commit()
    durable = _storage().sync(file)
    part.note_durable(durable)
    db.session.commit()
    length = (
        {"Upload-Defer-Length": "1"} if part.length is None else {"Upload-Length": str(part.length)}
    )
    return Response(status=200, headers={"Upload-Offset": str(durable), **length, **_expiry(part)})


@uploads.patch("/<upload>")
def append(public_id: str, upload: str) -> Response:
    """Bytes at their offset. With a checksum all or nothing is kept, without one what arrives."""
    part = _part(public_id, upload)
    if request.mimetype != "application/offset+octet-stream":
        raise Unacceptable("Send application/offset+octet-stream.", status=415)
    at = whole_number(request.headers.get("Upload-Offset"), "Upload-Offset")
    if (length := _declared_length()) is not None and part.length is None:
        part.declare_end(length=length, reason=EndReason.FINISHED)
    durable = at
    # Bodies come at the network's pace. Neither a connection nor SQLite's one write lock is held
    # while they, or the disk, are waited for.
    db.session.commit()
    for piece in _pieces(at):
        is_last = durable + len(piece) == at + (request.content_length or 0)
        until_ms = asked.milliseconds(request.headers.get("Recorded-Until")) if is_last else None
        durable = part.append(piece, at=durable, storage=_storage(), until_ms=until_ms)
        presence.note_chunk(part)
        db.session.commit()
    return Response(status=204, headers={"Upload-Offset": str(durable), **_expiry(part)})


@uploads.delete("/<upload>")
def terminate(public_id: str, upload: str) -> Response:
    """Termination takes back an upload that is still arriving; a closed part stays."""
    part = _part(public_id, upload)
    if not part.is_open:
        raise PartClosed("This part is complete; only the research team can delete it.")
    file = part.file
    db.session.delete(part)
    db.session.commit()
    _storage().delete(file)
    return Response(status=204)


@uploads.put("/<upload>/closure")
def close(public_id: str, upload: str) -> Response:
    """The page says that the recorder has stopped, why, and after how many bytes."""
    part = _part(public_id, upload)
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
    return admission.interview_from(request.cookies, public_id)


def _part(public_id: str, upload: str) -> Part:
    return Part.named(_interview(public_id).recording, upload)


def _demand_room(interview: Interview) -> None:
    """A link is open to anybody: one interview may not fill the disk for all the others."""
    if len(interview.recording.parts) >= MOST_PARTS:
        raise Unacceptable(f"An interview may have {MOST_PARTS} parts.", status=413)
    if _storage().free_bytes() < KEPT_FREE:
        raise DiskFull


def _declared_length() -> int | None:
    header = request.headers.get("Upload-Length")
    if header is None:
        return None
    length = whole_number(header, "Upload-Length")
    if length > _settings().largest_part:
        raise _too_large(_settings().largest_part)
    return length


def _pieces(at: int) -> Iterator[bytes]:
    """The body as it comes, so that one that breaks off leaves what arrived; with a checksum
    in one piece, once it is known to be right."""
    checksum = request.headers.get("Upload-Checksum")
    limit = _settings().largest_chunk if checksum else _settings().largest_part - at
    request.max_content_length = max(0, limit)
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    try:
        if checksum:
            body = request.stream.read()
            verify(body, checksum)
            yield body
        else:
            while piece := request.stream.read(PIECE):
                yield piece
    except (ClientDisconnected, TimeoutError):
        raise Unacceptable("The upload broke off. Ask for the offset and go on there.") from None


def _too_large(limit: int) -> Unacceptable:
    return Unacceptable(f"At most {limit} bytes are taken here.", status=413)


def _end_reason(word: object) -> EndReason:
    try:
        return EndReason(str(word))
    except ValueError:
        raise Unacceptable(f"“{word}” is no reason for a part's end.") from None


def _expiry(part: Part) -> dict[str, str]:
    if not part.is_open:
        return {}
    return {
        "Upload-Expires": format_datetime(
            part.expires_at(_settings().resume_link_validity), usegmt=True
        )
    }
