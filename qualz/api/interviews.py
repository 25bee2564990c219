"""Interviews, as another program reads them: in lists, and one with its parts and transcript."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import contains_eager

from qualz.api import api, cursors
from qualz.api.access import find_interview, researcher
from qualz.api.answers import (
    InterviewAnswer,
    InterviewInFull,
    InterviewPage,
    InterviewsAsked,
    PartAnswer,
    RecordingAnswer,
    TurnAnswer,
)
from qualz.api.studies import address
from qualz.api.views import Described, answers
from qualz.interview import Interview
from qualz.part import Part
from qualz.recording import Recording
from qualz.said import Said, said_in
from qualz.study import Study

# Something happened in an interview when any of these was set.
MOMENTS = (
    Interview.consented_at,
    Interview.last_seen_at,
    Interview.interrupted_at,
    Interview.completed_at,
    Interview.withdrawn_at,
    Recording.ready_at,
)


@api.get("/interviews")
@answers(Described(summary="List interviews", query=InterviewsAsked, answer=InterviewPage))
def interviews(asked: InterviewsAsked) -> InterviewPage:
    found, after = cursors.page(
        _that_match(asked),
        by=Interview.consented_at,
        name=Interview.public_id,
        cursor=asked.cursor,
        limit=asked.limit,
    )
    items = [InterviewAnswer(**_told(one)) for one in found]
    return InterviewPage(items=items, next_cursor=after)


@api.get("/interviews/<interview_id>")
@answers(
    Described(summary="Read one interview with its parts and transcript", answer=InterviewInFull)
)
def interview(interview_id: str) -> InterviewInFull:
    found = find_interview(interview_id)
    withheld = found.recording.withheld
    return InterviewInFull(
        **_told(found),
        parts=[_part(found, part, withheld) for part in found.recording.parts],
        transcript=[_turn(said) for said in said_in(found)],
    )


def _that_match(asked: InterviewsAsked) -> Select[Interview]:
    mine = (Study.seen_by(researcher()), Interview.is_preview.is_(False))
    found = (
        select(Interview)
        .join(Interview.study)
        .join(Interview.recording)
        .where(*mine)
        .options(
            contains_eager(Interview.study),
            contains_eager(Interview.recording).selectinload(Recording.parts),
        )
    )
    if asked.study:
        found = found.where(Study.public_id == asked.study)
    if asked.state:
        found = found.where(Interview.state == asked.state)
    if asked.since:
        found = found.where(or_(*(moment >= asked.since for moment in MOMENTS)))
    return found


def _told(interview: Interview) -> dict[str, Any]:
    study = interview.study.public_id
    return {
        "id": interview.public_id,
        "study": study,
        "number": interview.number,
        "name": interview.label,
        "state": interview.state,
        "ended_early": interview.ended_early,
        "screened_out": interview.screened_out,
        "began_at": interview.consented_at,
        "last_seen_at": interview.last_seen_at,
        "completed_at": interview.completed_at,
        "parameters": interview.parameters,
        "recording": _recording(interview.recording),
        "link": f"{address()}/studies/{study}/transcripts/{interview.public_id}",
    }


def _recording(recording: Recording) -> RecordingAnswer:
    return RecordingAnswer(
        state=recording.state,
        reason=recording.reason,
        seconds=recording.seconds,
        ready_at=recording.ready_at,
        content_type=recording.full_session_type,
        url=f"{_of(recording.interview)}/recording" if recording.full_session else None,
    )


def _part(interview: Interview, part: Part, withheld: set[int]) -> PartAnswer:
    can_be_had = part.bytes_durable and part.id not in withheld
    return PartAnswer(
        number=part.number,
        began_at=part.started_at,
        seconds=part.seconds,
        bytes=part.bytes_durable,
        content_type=part.content_type,
        has_camera=part.has_camera,
        is_open=part.is_open,
        end_reason=part.end_reason,
        missing_seconds=part.missing,
        url=f"{_of(interview)}/parts/{part.number}/clip" if can_be_had else None,
    )


def _turn(said: Said) -> TurnAnswer:
    return TurnAnswer(
        position=said.turn.position,
        speaker=said.turn.speaker,
        question=said.turn.question_id,
        text=said.text,
        is_draft=said.is_draft,
        said_at=said.turn.said_at,
        begins=said.begins,
        ends=said.ends,
    )


def _of(interview: Interview) -> str:
    return f"{address()}/api/v1/interviews/{interview.public_id}"
