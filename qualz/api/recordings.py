"""The bytes of Full Sessions and clips, whole or by ranges."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from qualz import file_names, pages
from qualz.api import api
from qualz.api.access import find_interview
from qualz.api.views import Described, answers
from qualz.errors import NotFound
from qualz.interview import Interview

MEDIA = "*/*"


@api.get("/interviews/<interview_id>/recording")
@answers(Described(summary="Download the Full Session", media=MEDIA))
def recording(interview_id: str) -> ResponseReturnValue:
    found = find_interview(interview_id)
    file, content_type = found.recording.full_session, found.recording.full_session_type
    if file is None:
        raise NotFound("There is no Full Session of this interview yet.")
    ending = (content_type or "video/webm").partition("/")[2]
    name = f"{_name(found)}.{ending}"
    return pages.send_media(file, content_type or "video/webm", name=name)


@api.get("/interviews/<interview_id>/parts/<int:number>/clip")
@answers(Described(summary="Download one clip", media=MEDIA))
def clip(interview_id: str, number: int) -> ResponseReturnValue:
    found = find_interview(interview_id)
    part = next((part for part in found.recording.shown_clips if part.number == number), None)
    if part is None:
        raise NotFound("This interview has no such clip.")
    name = f"{_name(found)} — {part.label}.{part.content_type.partition('/')[2]}"
    return pages.send_media(part.kept_as, part.content_type, name=name)


def _name(interview: Interview) -> str:
    return f"{file_names.safe(interview.study.name)} — {file_names.safe(interview.label)}"
