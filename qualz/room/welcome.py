"""The doors: the share link with its consent, and resume links."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask import Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from qualz import auditing, broadcasts, door, limits, page_language, pages, preview
from qualz.consent import Consent
from qualz.database import db, once_more_if_taken, remembering
from qualz.errors import InterviewWithdrawn, LinkUnusable, NotFound, StudyClosed
from qualz.interview import Interview
from qualz.invitation import Invitation
from qualz.recap import where_we_were
from qualz.removal import remove_previews
from qualz.resume_link import ResumeLink
from qualz.room import admission, headroom, room
from qualz.room.frames import speak_for
from qualz.room.statements import statement_of
from qualz.study import Study
from qualz.wording import told


@room.before_request
def _hide_address() -> None:
    pages.hide_address()


@room.before_request
def _demand_no_guesser() -> None:
    """At the doors alone: who is inside is never stopped by what others try."""
    if "token" in (request.view_args or {}):
        limits.demand_left(limits.LINK)


@room.errorhandler(LinkUnusable)
def _unusable(error: LinkUnusable) -> ResponseReturnValue:
    limits.note(limits.LINK)
    return render_template("room/link_unusable.html", advice=_(str(error))), 410


@room.errorhandler(InterviewWithdrawn)
def _withdrawn(error: InterviewWithdrawn) -> ResponseReturnValue:
    if not pages.wants_page():
        return {"error": type(error).__name__, "message": str(error)}, error.status
    page_language.speak(error.language)
    return render_template("room/withdrawn.html", receipt=error.receipt), error.status


@room.get("/i/<token>")
def welcome(token: str) -> ResponseReturnValue:
    study = _study_of(token)
    mine = None if _is_preview(study) else next(_begun_here(study), None)
    if mine is not None and (Interview.shut_because(study) or not headroom.is_left()):
        return render_template("room/again.html", study=study, interview=mine)
    _demand_open(study)
    return _door(study, interview=mine)


@room.post("/i/<token>")
@remembering()
def agree(token: str) -> ResponseReturnValue:
    study = _study_of(token)
    _demand_open(study)
    is_preview = _is_preview(study)
    if wrong := what_is_wrong(study, asks_code=not is_preview):
        return _door(study, **wrong), 422
    limits.spend(limits.BEGUN)
    if is_preview:
        remove_previews(study, current_app.extensions["storage"])
    interview = once_more_if_taken(lambda: _begin(token, is_preview))
    broadcasts.interview_changed(interview)
    return admission.admit(to_room(interview), interview)


def what_is_wrong(study: Study, *, asks_code: bool) -> dict[str, Any] | None:
    """With the form that the door's page sends: what the page then shows besides."""
    if not request.form.get("consent"):
        error = _("Tick the box to say that you agree, or close this page if you do not.")
        return {"error": error, "to_camera": bool(request.form.get("camera"))}
    whose = f"{limits.address()} {study.id}"
    if asks_code and study.access_code:
        limits.demand_left(limits.ACCESS_CODE, whose)
    if asks_code and not door.opens_to(study, request.form.get("code", "")):
        limits.note(limits.ACCESS_CODE, whose)
        error = _("That is not the access code. Check it with whoever sent you the link.")
        return {"error": error, "has_wrong_code": True}
    if request.form.get("shown") != statement_of(study).digest:
        error = _("This text has changed since you opened the page. Please read it once more.")
        return {"error": error}
    return None


def consent_to(study: Study) -> Consent:
    """What the form that the door's page sends says yes to."""
    to_camera = bool(request.form.get("camera"))
    return Consent.given(study, statement_of(study), to_camera=to_camera)


def _door(study: Study, **shown: Any) -> str:
    is_preview = _is_preview(study)
    asks_code = bool(study.access_code) and not is_preview
    return show_door(study, is_preview=is_preview, asks_code=asks_code, **shown)


def show_door(study: Study, **shown: Any) -> str:
    return render_template("room/welcome.html", study=study, statement=statement_of(study), **shown)


def _is_preview(study: Study) -> bool:
    return preview.is_for(study, request.args.get("preview", ""))


def _begin(token: str, is_preview: bool) -> Interview:
    invitation = Invitation.opened_by(token)
    consent = consent_to(invitation.study)
    interview = Interview.begin(invitation, consent, is_preview=is_preview, carried=request.args)
    db.session.commit()
    return interview


@room.get("/r/<token>")
def resume(token: str) -> ResponseReturnValue:
    """Shows a button rather than resuming: programs that preview links open them too."""
    interview = ResumeLink.opened_by(token).interview
    interview.demand_kept()
    speak_for(interview.study)
    return show_way_back(interview)


def show_way_back(interview: Interview) -> str:
    # Whoever opens the link sees this, so nothing that was said is on it.
    where = where_we_were(interview.conversation, interview.guide.questions, quoting=False)
    return render_template(
        "room/resume.html", study=interview.study, interview=interview, where=where
    )


@room.post("/r/<token>")
def use_resume_link(token: str) -> ResponseReturnValue:
    link = once_more_if_taken(lambda: _use(token))
    broadcasts.interview_changed(link.interview)
    answer = to_room(link.interview)
    if admission.came_by_consent(request.cookies, link.interview.public_id):
        # Their own key stays: it outlives the link, should that be revoked.
        return answer
    return admission.admit(answer, link.interview, by=link)


def _use(token: str) -> ResumeLink:
    link = ResumeLink.opened_by(token)
    link.use()
    link.interview.reopen()
    db.session.commit()
    return link


def _study_of(token: str) -> Study:
    study = Invitation.opened_by(token).study
    speak_for(study)
    return study


def _demand_open(study: Study) -> None:
    headroom.demand()
    if not (_is_preview(study) and study.can_open):
        Interview.demand_open(study)


def _begun_here(study: Study) -> Iterator[Interview]:
    return admission.interviews_in(request.cookies, study)


def to_room(interview: Interview) -> Response:
    auditing.about(interview)
    room_url = url_for("room.enter", public_id=interview.public_id)
    return make_response(redirect(room_url, code=303))


@room.errorhandler(StudyClosed)
@room.errorhandler(NotFound)
def _unavailable(error: StudyClosed | NotFound) -> ResponseReturnValue:
    if isinstance(error, NotFound) and "token" in (request.view_args or {}):
        limits.note(limits.LINK)
    if not pages.wants_page():
        return {"error": type(error).__name__, "message": str(error)}, error.status
    current_app.logger.info("A participant met: %s", type(error).__name__)
    heading = error.heading if isinstance(error, StudyClosed) else told("This link leads nowhere")
    page = render_template("room/unavailable.html", heading=_(heading), text=_(str(error)))
    return page, error.status
