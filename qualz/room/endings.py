"""The end of an interview, by Finish or before."""

from __future__ import annotations

from flask import Response, current_app, jsonify, request
from flask.typing import ResponseReturnValue

from qualz import broadcasts, withdrawal
from qualz.database import db, once_more_if_taken
from qualz.errors import InterviewWithdrawn
from qualz.interview import Interview
from qualz.room import admission, asked, room


@room.put("/room/<public_id>/ending")
def end(public_id: str) -> Response:
    early = bool(asked.body().get("early"))
    interview = once_more_if_taken(lambda: _complete(public_id, early))
    broadcasts.interview_changed(interview)
    return Response(status=204)


@room.get("/room/<public_id>/way-on")
def way_on(public_id: str) -> ResponseReturnValue:
    """Where the participant goes on; asked once everything has arrived."""
    interview = admission.interview_from(request.cookies, public_id)
    return jsonify(address=interview.way_on)


def _complete(public_id: str, early: bool) -> Interview:
    interview = admission.interview_from(request.cookies, public_id)
    interview.complete(early=early)
    db.session.commit()
    return interview


@room.put("/room/<public_id>/withdrawal")
def withdraw(public_id: str) -> Response:
    """Everything that was said is deleted before this is answered."""
    try:
        interview = admission.interview_from(request.cookies, public_id)
    except InterviewWithdrawn:
        # The first answer did not reach the page.
        return Response(status=204)
    withdrawal.withdraw(interview, current_app.extensions["storage"])
    broadcasts.interview_changed(interview)
    return Response(status=204)
