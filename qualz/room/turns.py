"""The conversation: the question that stands, and answers to it."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from qualz.database import db
from qualz.interview import Interview
from qualz.part import Part
from qualz.room import admission, room
from qualz.room.asked import LONGEST_PART_MS
from qualz.turn import Manner

LONGEST_ANSWER = 20_000


@room.get("/room/<public_id>/question")
def question(public_id: str) -> ResponseReturnValue:
    return _question(admission.interview_from(request.cookies, public_id))


@room.post("/room/<public_id>/turns")
def answer(public_id: str) -> ResponseReturnValue:
    interview = admission.interview_from(request.cookies, public_id)
    form = request.form
    interview.answer(
        key=form.get("key", "")[:64],
        to=form.get("to", 0, type=int),
        **_said(interview),
    )
    interview.seen()
    try:
        db.session.commit()
    except IntegrityError:
        # The same answer arrived twice at once; the other request has kept it.
        db.session.rollback()
    return _question(admission.interview_from(request.cookies, public_id))


def _said(interview: Interview) -> dict[str, Any]:
    """An answer as the form tells it. Typed words win: they are there whatever was recorded."""
    form = request.form
    text = form.get("text", "").strip()[:LONGEST_ANSWER]
    part = db.session.scalar(
        select(Part).where(
            Part.recording_id == interview.recording.id, Part.key == form.get("part", "")
        )
    )
    begins, ends = (_milliseconds(name) for name in ("begins_ms", "ends_ms"))
    placed = {"part": part, "begins_ms": begins, "ends_ms": max(begins, ends)} if part else {}
    if text:
        return {"manner": Manner.TYPED, "text": text, **placed}
    if form.get("manner") == Manner.SKIPPED or not part:
        return {"manner": Manner.SKIPPED}
    return {"manner": Manner.SPOKEN, **placed}


def _milliseconds(name: str) -> int:
    return min(max(0, request.form.get(name, 0, type=int)), LONGEST_PART_MS)


def _question(interview: Interview) -> ResponseReturnValue:
    """Where the interview stands. The moderator speaks if the last utterance was answered."""
    try:
        said = interview.hear_moderator(current_app.extensions["moderator"])
        db.session.commit()
    except IntegrityError:
        # Two requests let the moderator speak at once; what the other one kept is what was said.
        db.session.rollback()
        said = interview.hear_moderator(current_app.extensions["moderator"])
    return render_template(
        "room/_question.html",
        interview=interview,
        study=interview.study,
        said=said,
        progress=interview.progress,
        is_closing=interview.has_been_closed,
    )
