"""Media: the bytes of clips and Full Sessions, for nobody but the study's researcher."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import current_app, request, send_file
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from qualz.dashboard import dashboard
from qualz.dashboard.access import researcher
from qualz.database import db
from qualz.errors import NotFound
from qualz.interview import Interview
from qualz.part import Part
from qualz.recording import Recording
from qualz.study import Study

if TYPE_CHECKING:
    from qualz.media.storage import Storage


@dashboard.get("/media/parts/<part_id>")
def part(part_id: str) -> ResponseReturnValue:
    found = db.session.scalar(
        select(Part)
        .join(Recording)
        .join(Interview)
        .join(Study)
        .where(Part.public_id == part_id, Study.researcher_id == researcher().id)
    )
    if found is None or not found.bytes_durable:
        raise NotFound("There is no such clip among yours.")
    return _send(found.file, found.content_type)


@dashboard.get("/media/full-sessions/<interview_id>")
def full_session(interview_id: str) -> ResponseReturnValue:
    found = db.session.scalar(
        select(Recording)
        .join(Interview)
        .join(Study)
        .where(Interview.public_id == interview_id, Study.researcher_id == researcher().id)
    )
    if found is None or found.full_session is None:
        raise NotFound("There is no Full Session of this interview yet.")
    # A player reads a file piece by piece; pieces of two merges would not fit together.
    if request.args.get("v", version(found)) != version(found):
        raise NotFound("This Full Session has been replaced by a newer one.")
    return _send(found.full_session, found.full_session_type or "video/webm")


def version(recording: Recording) -> str:
    """Tells one Full Session of an interview from the one that replaced it."""
    return str(int(recording.ready_at.timestamp() * 1000)) if recording.ready_at else "0"


def _send(file: str, content_type: str) -> ResponseReturnValue:
    storage: Storage = current_app.extensions["storage"]
    try:
        response = send_file(storage.path(file), mimetype=content_type, conditional=True, max_age=0)
    except FileNotFoundError as cause:
        raise NotFound("The file is not in this server's storage any more.") from cause
    response.cache_control.private = True
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
