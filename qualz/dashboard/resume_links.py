"""Resume links: reinviting a participant into the interview that they left."""

from __future__ import annotations

from datetime import timedelta

from flask import current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz.answers_link import AnswersLink
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview, researcher
from qualz.dashboard.invitations import absolute
from qualz.dashboard.partials import is_partial
from qualz.database import db
from qualz.errors import NotFound
from qualz.interview import Interview
from qualz.personal_link import PersonalLink
from qualz.reinvitation import Reinvitation, reinvitation
from qualz.resume_link import ResumeLink

# For how long a link may be valid, in days.
DAYS = {1: "1 day", 3: "3 days", 7: "One week", 14: "Two weeks", 30: "30 days"}


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/resume-links")
def resume_links(study_id: str, interview_id: str) -> ResponseReturnValue:
    return show_links(find_interview(study_id, interview_id), is_new=True)


@dashboard.post("/studies/<study_id>/transcripts/<interview_id>/resume-links")
def create_resume_link(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    link, token = ResumeLink.create(interview, validity=_validity(), by=researcher())
    replaced = request.form.get("replaces", type=int)
    if replaced is not None:
        _find(interview, replaced).give_way_to(link)
    db.session.commit()
    address = absolute(url_for("room.resume", token=token))
    return show_links(interview, created=link, address=address)


@dashboard.delete("/studies/<study_id>/transcripts/<interview_id>/resume-links/<int:link_id>")
def revoke_resume_link(study_id: str, interview_id: str, link_id: int) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    link = _find(interview, link_id)
    link.revoke()
    db.session.commit()
    return show_links(interview, revoked=link)


def _find(interview: Interview, link_id: int) -> ResumeLink:
    link = next((link for link in interview.resume_links if link.id == link_id), None)
    if link is None:
        raise NotFound("This interview has no such link.")
    return link


def _validity() -> timedelta:
    """The days that were chosen, of those that are offered; else the server's usual time."""
    usual: timedelta = current_app.extensions["settings"].resume_link_validity
    days = request.form.get("days", type=int)
    return timedelta(days=days) if days in DAYS else usual


def show_links(
    interview: Interview,
    *,
    created: ResumeLink | None = None,
    address: str | None = None,
    revoked: ResumeLink | AnswersLink | None = None,
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
        answers_links=interview.answers_links[::-1],
        created=created,
        address=address,
        revoked=revoked,
        mail=_mail(interview, created, address) if created and address else None,
        choices=DAYS,
        days=_validity().days,
    )
    # The address in it is a secret that is read once.
    return page, {"Cache-Control": "no-store"}


def _mail(interview: Interview, link: ResumeLink, address: str) -> Reinvitation:
    """To whom the interview's personal link was made for, if it has one: else nobody is named, for
    what a researcher calls somebody is not for them to read."""
    person = PersonalLink.of(interview)
    study = interview.study
    return reinvitation(
        title=study.name,
        language=study.language,
        address=address,
        until=link.expires_at,
        name=person.name if person else "",
        to=person.email if person else "",
    )
