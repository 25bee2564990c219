"""Comments on a turn: written and deleted beside it."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from qualz import broadcasts
from qualz.comment import Comment
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview, researcher
from qualz.dashboard.corrections import TURN
from qualz.dashboard.transcripts import refreshed_turns
from qualz.database import db
from qualz.transcript import turn_of


@dashboard.get(f"{TURN}/comments/new")
def new_comment(study_id: str, interview_id: str, number: int) -> ResponseReturnValue:
    """The form that stands beneath the turn."""
    interview = find_interview(study_id, interview_id)
    return render_template(
        "dashboard/comments/_form.html",
        study=interview.study,
        interview=interview,
        turn=turn_of(interview, number),
    )


@dashboard.post(f"{TURN}/comments")
def comment(study_id: str, interview_id: str, number: int) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    Comment.write(turn_of(interview, number), request.form.get("text", ""), by=researcher())
    db.session.commit()
    broadcasts.interview_changed(interview)
    return refreshed_turns(interview)


@dashboard.delete(f"{TURN}/comments/<comment_id>")
def remove_comment(
    study_id: str, interview_id: str, number: int, comment_id: str
) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    Comment.remove(turn_of(interview, number), comment_id, by=researcher())
    db.session.commit()
    broadcasts.interview_changed(interview)
    return refreshed_turns(interview)
