"""Overviews: what has become of a study's interviews, counted by the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, distinct, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from qualz.conversation import Act, Manner
from qualz.database import db
from qualz.drop import Cause, Drop
from qualz.interview import Interview
from qualz.part import Part
from qualz.question import Question
from qualz.recording import Recording
from qualz.study import Study
from qualz.turn import Speaker, Turn

MOST_LIVE = 20
MOST_EVENTS = 10
# Who only loads the page anew, or moves to another device, has not dropped.
DROPS = (None, Cause.CONNECTION, Cause.SERVER, Cause.LEFT, Cause.CLOSED, Cause.CRASHED)


class What(StrEnum):
    JOINED = "joined"
    COMPLETED = "completed"
    DROPPED = "dropped"
    READY = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    at: datetime
    what: What
    interview: Interview


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """In how many interviews a question was asked and answered, and was the last before they were
    left. Skipping is no answer, and who is still inside has not left."""

    question: Question
    asked: int
    answered: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """`seconds` are recorded in all, `median` is the length of a completed interview."""

    began: int
    live: int
    interrupted: int
    completed: int
    screened_out: int
    seconds: float
    median: float | None


def figures(study: Study) -> Figures:
    def count(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count(Interview.id).filter(*conditions)

    state = Interview.state
    is_completed = state == Interview.State.COMPLETED
    began, live, interrupted, completed, screened_out = db.session.execute(
        _of(study, func.count(Interview.id))
        .add_columns(count(state == Interview.State.LIVE))
        .add_columns(count(state == Interview.State.INTERRUPTED))
        .add_columns(count(is_completed, Interview.screened_out.is_(False)))
        .add_columns(count(Interview.screened_out.is_(True)))
    ).one()
    came_through = and_(is_completed, Interview.screened_out.is_(False))
    lengths = db.session.execute(_lengths(study).add_columns(came_through)).all()
    finished = [float(seconds) for seconds, is_one in lengths if is_one]
    return Figures(
        began=began,
        live=live,
        interrupted=interrupted,
        completed=completed,
        screened_out=screened_out,
        seconds=sum(float(seconds) for seconds, _ in lengths),
        median=median(finished) if finished else None,
    )


def _of(study: Study, *columns: Any) -> Select[Any]:
    mine = [Interview.study_id == study.id, Interview.is_preview.is_(False)]
    return select(*columns).select_from(Interview).where(*mine)


def _lengths(study: Study) -> Select[Any]:
    """How many seconds of each interview were recorded, as probed, else as its page told."""
    told = func.coalesce(Part.recorded_ms, Part.stored_ms, 0) / 1000.0
    length = func.coalesce(Part.probed["duration"].as_float(), told)
    return (
        _of(study, func.sum(length).label("seconds"))
        .join(Recording, Recording.interview_id == Interview.id)
        .join(Part, and_(Part.recording_id == Recording.id, Part.bytes_durable > 0))
        .group_by(Interview.id)
    )


# ---- by question


def steps(study: Study) -> list[Step]:
    """The questions of the guide in order, then those of earlier versions that were asked."""
    heard = _heard(study)
    left = _left(study)
    found: dict[str, Step] = {}
    for guide in reversed(study.guides):
        for question in guide.questions:
            asked, answered = heard.get(question.id, (0, 0))
            if question.id not in found and (asked or guide is study.guide):
                found[question.id] = Step(
                    question=question,
                    asked=asked,
                    answered=answered,
                    left=left.get(question.id, 0),
                )
    return list(found.values())


def _heard(study: Study) -> dict[str, tuple[int, int]]:
    """In how many interviews each question was asked, and answered, by its id."""
    interviews = distinct(Turn.interview_id)
    asks = and_(Turn.speaker == Speaker.MODERATOR, Turn.act == Act.QUESTION)
    answers = and_(Turn.speaker == Speaker.PARTICIPANT, Turn.manner != Manner.SKIPPED)
    rows = db.session.execute(
        _of(study, Turn.question_id)
        .add_columns(func.count(interviews).filter(asks), func.count(interviews).filter(answers))
        .join(Turn, Turn.interview_id == Interview.id)
        .where(Turn.question_id.is_not(None))
        .group_by(Turn.question_id)
    )
    return {question: (asked, answered) for question, asked, answered in rows}


def _left(study: Study) -> dict[str, int]:
    """How many interviews ended, or stand still, at each question without having come through."""
    stands = Interview.state.in_([Interview.State.INTERRUPTED, Interview.State.ABANDONED])
    ended = and_(Interview.state == Interview.State.COMPLETED, Interview.ended_early.is_(True))
    last = (
        _of(study, Interview.id.label("id"), func.max(Turn.position).label("position"))
        .join(Turn, Turn.interview_id == Interview.id)
        .where(or_(stands, ended), Turn.question_id.is_not(None))
        .group_by(Interview.id)
        .subquery()
    )
    rows = db.session.execute(
        select(Turn.question_id, func.count())
        .join(last, and_(Turn.interview_id == last.c.id, Turn.position == last.c.position))
        .group_by(Turn.question_id)
    )
    return {question: count for question, count in rows if question}


# ---- who is there, and what happened last


def live(study: Study) -> Sequence[Interview]:
    """Interviews that are going on, who was there last first."""
    recording = joinedload(Interview.recording).selectinload(Recording.parts)
    going = _of(study, Interview).where(Interview.state == Interview.State.LIVE)
    return db.session.scalars(
        going.options(recording).order_by(Interview.number.desc()).limit(MOST_LIVE)
    ).all()


def happenings(study: Study) -> list[Happening]:
    """What happened last, the newest first."""
    found = [*_joined(study), *_completed(study), *_dropped(study), *_ready(study)]
    return sorted(found, key=lambda one: one.at, reverse=True)[:MOST_EVENTS]


def _joined(study: Study) -> Iterator[Happening]:
    return _latest(_of(study, Interview), Interview.consented_at, What.JOINED)


def _completed(study: Study) -> Iterator[Happening]:
    over = _of(study, Interview).where(Interview.state == Interview.State.COMPLETED)
    return _latest(over, Interview.completed_at, What.COMPLETED)


def _dropped(study: Study) -> Iterator[Happening]:
    dropped = _of(study, Interview).join(Drop, Drop.interview_id == Interview.id)
    causes = [Drop.cause == cause for cause in DROPS]
    return _latest(dropped.where(or_(*causes)), Drop.left_at, What.DROPPED)


def _ready(study: Study) -> Iterator[Happening]:
    ready = _of(study, Interview).join(Recording, Recording.interview_id == Interview.id)
    ready = ready.where(Recording.state == Recording.State.READY)
    return _latest(ready, Recording.ready_at, What.READY)


def _latest(
    query: Select[Any],
    at: InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None],
    what: What,
) -> Iterator[Happening]:
    """Which they are is found among all; only those are read."""
    narrow = query.with_only_columns(Interview.id, at).where(at.is_not(None))
    latest = db.session.execute(narrow.order_by(at.desc()).limit(MOST_EVENTS)).all()
    held = select(Interview).where(Interview.id.in_([one for one, _ in latest]))
    found = {interview.id: interview for interview in db.session.scalars(held)}
    for interview_id, when in latest:
        if when and interview_id in found:
            yield Happening(at=when, what=what, interview=found[interview_id])
