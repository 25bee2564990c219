"""The end of an interview, by Finish or before."""

from __future__ import annotations

from flask import Response, request

from qualz import broadcasts
from qualz.database import db
from qualz.room import admission, asked, room


@room.put("/room/<public_id>/ending")
def end(public_id: str) -> Response:
    interview = admission.interview_from(request.cookies, public_id)
    interview.complete(early=bool(asked.body().get("early")))
    db.session.commit()
    broadcasts.interview_changed(interview)
    return Response(status=204)
