"""The conversation: the question that stands, and answers to it."""

from __future__ import annotations

import time
from typing import Any

from flask import current_app, make_response, render_template, request
from flask.typing import ResponseReturnValue

from qualz import background, moderation, page_language
from qualz.conversation import Manner
from qualz.database import db, once_more_if_taken, remembering
from qualz.dialogue import Place
from qualz.hearing import Hearing
from qualz.interview import Interview
from qualz.part import LONGEST_MS, Part
from qualz.room import admission, room
from qualz.room.captions import captioned, who_hears
from qualz.room.speech import make_ahead

LONGEST_ANSWER = 20_000
# A stretch of an answer in which a word may have been said.
SHORTEST_MS = 300


@room.get("/room/<public_id>/question")
@remembering()
def question(public_id: str) -> ResponseReturnValue:
    return _question(_who_speaks(public_id))


def _who_speaks(public_id: str) -> Interview:
    return admission.interview_from(request.cookies, public_id, *Interview.with_all_said())


@room.post("/room/<public_id>/turns")
@remembering()
def answer(public_id: str) -> ResponseReturnValue:
    # Of two that write to the log at once one is let through; an answer sent twice is kept once.
    return _question(once_more_if_taken(lambda: _keep_answer(public_id)))


def _keep_answer(public_id: str) -> Interview:
    interview = _who_speaks(public_id)
    form = request.form
    interview.answer(
        key=form.get("key", "")[:64],
        to=form.get("to", 0, type=int),
        **_said(interview),
    )
    interview.seen()
    _have_heard(interview)
    db.session.commit()
    return interview


def _have_heard(interview: Interview) -> None:
    """A spoken answer is put into words, if anybody can."""
    if who_hears(interview) is None:
        return
    db.session.flush()
    for hearing in Hearing.of_last_answer(interview):
        if hearing.is_under_way:
            background.later(hearing.job, hearing.id)


def _said(interview: Interview) -> dict[str, Any]:
    """An answer as the form tells it. Typed words win: they are there whatever was recorded."""
    form = request.form
    options = {option.id: option for option in interview.offered}
    text = form.get("text", "").strip()[:LONGEST_ANSWER]
    part = _part_called(form.get("part", ""), interview)
    begins, ends = (_milliseconds(name) for name in ("begins_ms", "ends_ms"))
    placed: dict[str, Any] = {}
    if part:
        # What was said before somebody typed or skipped is theirs to take back as well.
        placed = {"part": part, "begins_ms": begins, "ends_ms": max(begins, ends)}
        placed["earlier"] = _earlier(interview, part)
    if choice := options.get(form.get("choice", "")):
        return {"manner": Manner.TYPED, "choice": choice, **placed}
    if text:
        return {"manner": Manner.TYPED, "text": text, **placed}
    if form.get("manner") == Manner.SKIPPED or not part:
        return {"manner": Manner.SKIPPED, **placed}
    return {"manner": Manner.SPOKEN, **placed}


def _earlier(interview: Interview, last: Part) -> list[Place]:
    """Where an answer that ends in that part was begun: in which part, as the form tells, from when
    on, and in all parts between."""
    first = _part_called(request.form.get("began_part", ""), interview)
    if first is None:
        return []
    places = [
        Place(part, _milliseconds("began_ms") if part is first else 0, round(part.recorded * 1000))
        for part in interview.recording.parts
        if first.number <= part.number < last.number
    ]
    return [place for place in places if place.ends_ms - place.begins_ms >= SHORTEST_MS]


def _part_called(key: str, interview: Interview) -> Part | None:
    return next((part for part in interview.recording.parts if part.key == key), None)


def _milliseconds(name: str) -> int:
    return min(max(0, request.form.get(name, 0, type=int)), LONGEST_MS)


def _question(interview: Interview) -> ResponseReturnValue:
    """Where the interview stands. The moderator speaks if the last utterance was answered."""
    page_language.speak(interview.study.language)
    moderator = current_app.extensions["moderators"].current(interview.consent)
    wait = Wait()
    began = time.monotonic()
    said = moderation.hear(interview, moderator, sleep=wait.sleep)
    decision = time.monotonic() - began - wait.seconds
    make_ahead(said)
    page = render_template(
        "room/_question.html",
        interview=interview,
        study=interview.study,
        said=said,
        captioned=captioned(said),
        progress=interview.progress,
        is_closing=interview.has_been_closed,
        options=interview.offered,
        is_screening=any(option.ends for option in interview.offered),
        stimulus=interview.stimulus,
        standing=interview.standing,
    )
    answer = make_response(page)
    # For browsers' network tools and the benchmark: what of the time was whose, in milliseconds.
    stages = {"words": wait.seconds, "decision": decision}
    told = (f"{name};dur={1000 * seconds:.1f}" for name, seconds in stages.items())
    answer.headers["Server-Timing"] = ", ".join(told)
    return answer


class Wait:
    """How long the moderator waited for words, or for somebody else's decision."""

    seconds = 0.0

    def sleep(self, seconds: float) -> None:
        began = time.monotonic()
        time.sleep(seconds)
        self.seconds += time.monotonic() - began
