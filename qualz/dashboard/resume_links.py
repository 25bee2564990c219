"""Resume links: reinviting a participant into the interview that they left."""

from __future__ import annotations

from flask import current_app, render_template, url_for
from flask.typing import ResponseReturnValue

from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview
from qualz.dashboard.invitations import absolute
from qualz.dashboard.partials import is_partial
from qualz.database import db
from qualz.errors import NotFound
from qualz.interview import Interview
from qualz.resume_link import ResumeLink
from qualz.settings import Settings


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/resume-links")
def resume_links(study_id: str, interview_id: str) -> ResponseReturnValue:
    return _answer(find_interview(study_id, interview_id), is_new=True)


@dashboard.post("/studies/<study_id>/transcripts/<interview_id>/resume-links")
def create_resume_link(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    settings: Settings = current_app.extensions["settings"]
    link, token = ResumeLink.create(interview, validity=settings.resume_link_validity)
    db.session.commit()
    address = absolute(url_for("room.resume", token=token))
    return _answer(interview, created=link, address=address)


@dashboard.delete("/studies/<study_id>/transcripts/<interview_id>/resume-links/<int:link_id>")
def revoke_resume_link(study_id: str, interview_id: str, link_id: int) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    link = next((link for link in interview.resume_links if link.id == link_id), None)
    if link is None:
        raise NotFound("This interview has no such link.")
    link.revoke()
    db.session.commit()
    return _answer(interview, revoked=link)


def _answer(
    interview: Interview,
    *,
    created: ResumeLink | None = None,
    address: str | None = None,
    revoked: ResumeLink | None = None,
    is_new: bool = False,
) -> ResponseReturnValue:
    """The dialog when it opens, its inside when something in it was pressed; else a page."""
    template = "page"
    if is_partial():
        template = "_dialog" if is_new else "_links"
    page = render_template(
        f"dashboard/resume_links/{template}.html",
        study=interview.study,
        interview=interview,
        links=sorted(interview.resume_links, key=lambda link: link.id, reverse=True),
        created=created,
        address=address,
        revoked=revoked,
        validity=current_app.extensions["settings"].resume_link_validity,
    )
    # The address in it is a secret that is read once.
    return page, {"Cache-Control": "no-store"}
