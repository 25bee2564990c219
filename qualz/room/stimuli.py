"""What is shown beside the questions, for whoever is admitted to the interview."""

from __future__ import annotations

from flask import Response, request

from qualz import pages
from qualz.errors import NotFound
from qualz.room import admission, room
from qualz.stimuli import mime_type, shown_in


@room.get("/room/<public_id>/stimuli/<file>")
def stimulus(public_id: str, file: str) -> Response:
    interview = admission.interview_from(request.cookies, public_id)
    shown = shown_in(interview.guide.questions, file)
    if shown is None:
        raise NotFound("This interview shows no such file.")
    return pages.send_for_good(shown.source, mime_type(shown.file))
