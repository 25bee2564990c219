"""The doors: the share link with its consent, and resume links."""

from __future__ import annotations

from flask import Response, current_app, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz import broadcasts, pages
from qualz.database import db, once_more_if_taken
from qualz.errors import LinkUnusable, NotFound, StudyClosed
from qualz.interview import Interview
from qualz.invitation import Invitation
from qualz.resume_link import ResumeLink
from qualz.room import admission, room
from qualz.study import Study


@room.before_request
def _hide_address() -> None:
    pages.hide_address()


@room.errorhandler(LinkUnusable)
def _unusable(_error: LinkUnusable) -> ResponseReturnValue:
    return render_template("room/link_unusable.html"), 410


@room.get("/i/<token>")
def welcome(token: str) -> ResponseReturnValue:
    study = _open_study(token)
    mine = next(admission.interviews_in(request.cookies, study), None)
    return render_template("room/welcome.html", study=study, token=token, interview=mine)


@room.post("/i/<token>")
def consent(token: str) -> ResponseReturnValue:
    study = _open_study(token)
    if not request.form.get("consent"):
        error = "Tick the box to say that you agree, or close this page if you do not."
        return render_template("room/welcome.html", study=study, token=token, error=error), 422
    interview = once_more_if_taken(lambda: _begin(token))
    broadcasts.interview_changed(interview)
    return admission.admit(_to_room(interview), interview)


def _begin(token: str) -> Interview:
    interview = Interview.begin(Invitation.opened_by(token))
    db.session.commit()
    return interview


@room.get("/r/<token>")
def resume(token: str) -> ResponseReturnValue:
    """Shows a button rather than resuming: programs that preview links open them too."""
    link = ResumeLink.opened_by(token)
    return render_template("room/resume.html", study=link.interview.study, interview=link.interview)


@room.post("/r/<token>")
def use_resume_link(token: str) -> ResponseReturnValue:
    link = ResumeLink.opened_by(token)
    link.use()
    link.interview.reopen()
    db.session.commit()
    broadcasts.interview_changed(link.interview)
    answer = _to_room(link.interview)
    if admission.came_by_consent(request.cookies, link.interview.public_id):
        # Their own key stays: it outlives the link, should that be revoked.
        return answer
    return admission.admit(answer, link.interview, by=link)


def _open_study(token: str) -> Study:
    study = Invitation.opened_by(token).study
    if study.state is not Study.State.LIVE:
        raise StudyClosed("This study is not open yet. Ask whoever sent you the link.")
    return study


def _to_room(interview: Interview) -> Response:
    room_url = url_for("room.enter", public_id=interview.public_id)
    return make_response(redirect(room_url, code=303))


@room.errorhandler(StudyClosed)
@room.errorhandler(NotFound)
def _unavailable(error: StudyClosed | NotFound) -> ResponseReturnValue:
    if not pages.wants_page():
        return {"error": type(error).__name__, "message": str(error)}, error.status
    heading = "Not open yet" if isinstance(error, StudyClosed) else "This link leads nowhere"
    current_app.logger.info("A participant met: %s", heading)
    return render_template("room/unavailable.html", heading=heading, text=str(error)), error.status
