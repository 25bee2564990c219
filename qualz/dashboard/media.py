"""Media: the bytes of clips and Full Sessions, for those who may see the study."""

from __future__ import annotations

from typing import TypeVar

from flask import current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Select, select

from qualz import file_names, pages
from qualz.bundle import Bundle
from qualz.captions import webvtt
from qualz.dashboard import dashboard
from qualz.dashboard.access import researcher, seen
from qualz.dashboard.originals import demand_originals, note_seen
from qualz.database import db
from qualz.errors import NotFound
from qualz.excerpt import Excerpt
from qualz.guise import PLAIN, Guise
from qualz.highlight import Highlight
from qualz.interview import Interview
from qualz.part import Part
from qualz.recording import Recording
from qualz.rendition import Rendition
from qualz.study import Study
from qualz.turn import Turn

T = TypeVar("T")


@dashboard.get("/media/parts/<part_id>")
def part(part_id: str) -> ResponseReturnValue:
    found = _seen(select(Part).join(Recording).where(Part.public_id == part_id))
    if found is None or not found.bytes_durable:
        raise NotFound("There is no such clip among yours.")
    if found.id in found.recording.withheld:
        raise NotFound("Something in this clip is redacted or was taken back. It is not played.")
    return pages.send_media(found.kept_as, found.content_type)


@dashboard.get("/media/full-sessions/<interview_id>")
def full_session(interview_id: str) -> ResponseReturnValue:
    found = _recording(interview_id)
    content_type = found.full_session_type or "video/webm"
    name = file_name(found.interview, content_type[6:]) if "download" in request.args else None
    return pages.send_media(found.full_session or "", content_type, name=name)


@dashboard.get("/media/originals/<interview_id>")
def original(interview_id: str) -> ResponseReturnValue:
    """The Full Session with what is redacted in it. Who played it is written down."""
    found = _seen(select(Recording).where(Interview.public_id == interview_id))
    if found is None:
        raise NotFound("There is no such interview among yours.")
    demand_originals(found.interview)
    if found.original is None:
        raise NotFound("Nothing is redacted in this interview.")
    # A player asks for it piece by piece: its first piece is what tells that it was played.
    if request.headers.get("Range", "bytes=0-").startswith("bytes=0-"):
        note_seen(found.interview, "the sounds and pictures")
    return pages.send_media(found.original, found.original_type or "video/webm")


@dashboard.get("/media/captions/<interview_id>")
def captions(interview_id: str) -> ResponseReturnValue:
    """Of the Full Session, or of the clip that is asked for, as the transcript reads now."""
    named = Interview.public_id == interview_id
    interview = db.session.scalar(select(Interview).join(Study).where(seen(), named))
    clips = {part.public_id: part for part in interview.recording.clips} if interview else {}
    asked = request.args.get("part")
    if interview is None or (asked is not None and asked not in clips):
        raise NotFound("There are no captions of that among yours.")
    response = current_app.make_response(webvtt(interview, clips[asked] if asked else None))
    response.headers.update(
        {"Content-Type": "text/vtt; charset=utf-8", "Cache-Control": "no-store"}
    )
    return response


@dashboard.get("/media/posters/<interview_id>")
def poster(interview_id: str) -> ResponseReturnValue:
    return pages.send_media(_recording(interview_id).poster or "", "image/jpeg")


@dashboard.get("/media/peaks/<interview_id>")
def peaks(interview_id: str) -> ResponseReturnValue:
    """A byte for each twentieth of a second, 255 for the loudest there can be."""
    return pages.send_media(_recording(interview_id).peaks or "", "application/octet-stream")


def _recording(interview_id: str) -> Recording:
    """The recording, if it has the Full Session that is asked for."""
    found = _seen(select(Recording).where(Interview.public_id == interview_id))
    if found is None or found.full_session is None:
        raise NotFound("There is no Full Session of this interview yet.")
    # A player reads a file piece by piece; pieces of two merges would not fit together.
    if request.args.get("v", version(found)) != version(found):
        raise NotFound("This Full Session has been replaced by a newer one.")
    return found


@dashboard.get("/media/renditions/<rendition_id>")
def rendition(rendition_id: str) -> ResponseReturnValue:
    found = _seen(select(Rendition).join(Recording).where(Rendition.public_id == rendition_id))
    if found is None or not found.is_ready:
        raise NotFound("This download is not there. Open the interview and ask for it once more.")
    name = file_name(found.recording.interview, found.kind.ending)
    return pages.send_media(found.file or "", found.kind.mime_type, name=name)


@dashboard.get("/media/excerpts/<excerpt_id>")
def excerpt_file(excerpt_id: str) -> ResponseReturnValue:
    of_recordings = select(Excerpt).join(Highlight).join(Turn).join(Interview).join(Recording)
    held = of_recordings.join(Study, Interview.study).where(seen(), Excerpt.public_id == excerpt_id)
    found = db.session.scalar(held)
    if found is None or not found.is_ready:
        raise NotFound("This excerpt is not there. Open the highlight and make it once more.")
    begins = int(found.highlight.span[0]) if found.highlight.span else 0
    at = f"{begins // 60:02}.{begins % 60:02}"
    name = file_name(found.interview, f"{at}.{found.ending}")
    return pages.send_media(found.file or "", found.mime_type, name=name)


@dashboard.get("/media/exports/<bundle_id>")
def bundle(bundle_id: str) -> ResponseReturnValue:
    """By pieces, too, so that a long download goes on where it stood."""
    named = Bundle.public_id == bundle_id
    found = db.session.scalar(select(Bundle).join(Study).where(seen(), named))
    is_of_person = found is not None and found.kind is Bundle.Kind.PERSON
    if found is None or not found.is_ready or (is_of_person and not researcher().may_manage):
        raise NotFound("This export is not there any more. Open the study and export again.")
    day = f"{found.created_at:%Y-%m-%d}"
    what = "Data request" if is_of_person else file_names.safe(found.study.name)
    name = f"{what}, {day}.{found.ending}"
    return pages.send_media(found.file or "", "application/zip", name=name)


def _seen(of_recordings: Select[T]) -> T | None:
    """The one that is asked for, if the researcher may see its study."""
    of_studies = of_recordings.join(Interview, Recording.interview).join(Study)
    found: T | None = db.session.scalar(of_studies.where(seen()))
    return found


def version(recording: Recording) -> str:
    """Tells one Full Session of an interview from the one that replaced it."""
    return str(int(recording.ready_at.timestamp() * 1000)) if recording.ready_at else "0"


def file_name(interview: Interview, ending: str, guise: Guise = PLAIN) -> str:
    """What a download is called on its researcher's disk."""
    study, label = map(file_names.safe, (interview.study.name, guise.label(interview)))
    return f"{study} — {label}.{ending}"
