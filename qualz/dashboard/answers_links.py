"""Answers links: researchers see which ones participants hold, and revoke one that went astray."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview
from qualz.dashboard.resume_links import show_links
from qualz.database import db
from qualz.errors import NotFound


@dashboard.delete("/studies/<study_id>/transcripts/<interview_id>/answers-links/<int:link_id>")
def revoke_answers_link(study_id: str, interview_id: str, link_id: int) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    link = next((link for link in interview.answers_links if link.id == link_id), None)
    if link is None:
        raise NotFound("This interview has no such link.")
    link.revoke()
    db.session.commit()
    return show_links(interview, revoked=link)
