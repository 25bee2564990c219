"""Answers: where participants read what they said, and take back one answer or all of them.

By a link of their own, which they get at the end.
"""

from __future__ import annotations

from flask import Response, current_app, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_date
from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeSerializer

from qualz import auditing, broadcasts, taking_back, withdrawal
from qualz.answers_link import AnswersLink
from qualz.database import db
from qualz.interview import Interview
from qualz.room import admission, asked, room
from qualz.room.frames import speak_for
from qualz.settings import Settings


@room.post("/room/<public_id>/answers-links")
def create_answers_link(public_id: str) -> Response:
    """For the end's page, which sends along the `token` that it was given before, if any: whoever
    reloads it sees the same link."""
    interview = admission.interview_from(request.cookies, public_id)
    held = asked.body().get("token")
    speak_for(interview.study)
    taking_back.demand_possible(interview)
    link, token = _link_of(interview, held if isinstance(held, str) else "")
    db.session.commit()
    answer = jsonify(
        address=url_for(".answers", token=token),
        token=token,
        until=_("It works until %(day)s.", day=format_date(link.expires_at, "long")),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


@room.get("/a/<token>")
def answers(token: str) -> ResponseReturnValue:
    link, interview = _opened_by(token)
    link.use()
    db.session.commit()
    return render_template(
        "room/answers.html",
        interview=interview,
        study=interview.study,
        token=token,
        link=link,
        answers=list(taking_back.answers_of(interview)),
        is_possible=taking_back.is_possible(interview),
    )


@room.post("/a/<token>/answers/<int:position>/withdrawal")
def take_back(token: str, position: int) -> ResponseReturnValue:
    """Its words are deleted before this is answered."""
    _link, interview = _opened_by(token)
    taking_back.take_back(interview, position, current_app.extensions["storage"])
    broadcasts.interview_changed(interview)
    return redirect(url_for("room.answers", token=token, _anchor=f"answer-{position}"), code=303)


@room.post("/a/<token>/withdrawal")
def take_back_all(token: str) -> ResponseReturnValue:
    _link, interview = _opened_by(token)
    withdrawal.withdraw(interview, current_app.extensions["storage"])
    broadcasts.interview_changed(interview)
    return redirect(url_for("room.answers", token=token), code=303)


def signed_link_to(interview: Interview) -> str:
    """As they were before each was kept: those are still taken, and no new ones are made."""
    signed = _signatures().dumps(interview.public_id)
    return signed if isinstance(signed, str) else signed.decode()


def _link_of(interview: Interview, held: str) -> tuple[AnswersLink, str]:
    if link := AnswersLink.held_by(interview, held):
        return link, held
    settings: Settings = current_app.extensions["settings"]
    return AnswersLink.create(interview, validity=settings.answers_link_validity)


def _opened_by(token: str) -> tuple[AnswersLink, Interview]:
    """Raises `LinkUnusable`, and `InterviewWithdrawn`, whose page has the receipt."""
    link = AnswersLink.opened_by(token, signed_for=_signed_for(token))
    interview = link.interview
    auditing.about(interview)
    speak_for(interview.study)
    interview.demand_kept()
    return link, interview


def _signed_for(token: str) -> str | None:
    try:
        return str(_signatures().loads(token))
    except (BadData, UnicodeError):
        return None


def _signatures() -> URLSafeSerializer:
    keys = current_app.extensions["settings"].signing_keys
    return URLSafeSerializer(keys, salt="qualz.answers")
