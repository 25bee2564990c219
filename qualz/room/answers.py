"""Answers: where participants read what they said, and take back one answer or all of them.

By a link of their own, which they get at the end. It holds for as long as the interview is kept and
the key that signed it is taken.
"""

from __future__ import annotations

from flask import current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeSerializer
from sqlalchemy import select

from qualz import auditing, broadcasts, taking_back, withdrawal
from qualz.database import db
from qualz.errors import NotFound
from qualz.interview import Interview
from qualz.room import room
from qualz.room.frames import speak_for
from qualz.wording import told


@room.get("/a/<key>")
def answers(key: str) -> ResponseReturnValue:
    interview = _interview_of(key)
    return render_template(
        "room/answers.html",
        interview=interview,
        study=interview.study,
        key=key,
        answers=list(taking_back.answers_of(interview)),
        is_possible=taking_back.is_possible(interview),
    )


@room.post("/a/<key>/answers/<int:position>/withdrawal")
def take_back(key: str, position: int) -> ResponseReturnValue:
    """Its words are deleted before this is answered."""
    interview = _interview_of(key)
    taking_back.take_back(interview, position, current_app.extensions["storage"])
    broadcasts.interview_changed(interview)
    return redirect(url_for("room.answers", key=key, _anchor=f"answer-{position}"), code=303)


@room.post("/a/<key>/withdrawal")
def take_back_all(key: str) -> ResponseReturnValue:
    interview = _interview_of(key)
    withdrawal.withdraw(interview, current_app.extensions["storage"])
    broadcasts.interview_changed(interview)
    return redirect(url_for("room.answers", key=key), code=303)


def key_to(interview: Interview) -> str:
    return _keys().dumps(interview.public_id)


def _interview_of(key: str) -> Interview:
    """Raises `NotFound`, and `InterviewWithdrawn`, whose page has the receipt."""
    try:
        public_id = _keys().loads(key)
    except (BadData, UnicodeError):
        public_id = None
    held = select(Interview).where(Interview.public_id == public_id)
    interview = db.session.scalar(held) if public_id else None
    if interview is None:
        raise NotFound(told("Check that you have copied all of the link."))
    auditing.about(interview)
    speak_for(interview.study)
    interview.demand_kept()
    return interview


def _keys() -> URLSafeSerializer:
    keys = current_app.extensions["settings"].signing_keys
    return URLSafeSerializer(keys, salt="qualz.answers")
