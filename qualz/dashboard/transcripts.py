"""Transcripts: a study's interviews in a list, and one of them beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload

from qualz import transcript
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview, find_study
from qualz.dashboard.partials import is_partial, refreshed
from qualz.dashboard.recordings import shown as shown_recording
from qualz.database import db
from qualz.interview import Interview
from qualz.recording import Recording
from qualz.study import Study

ROWS = 50


@dataclass(frozen=True, slots=True)
class Rows:
    """One page of a study's interviews, the newest first. `newer` and `older` begin the others."""

    interviews: Sequence[Interview]
    first: int | None
    newer: int | None
    older: int | None


@dashboard.get("/studies/<study_id>/transcripts")
def transcripts(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    return render_template(
        "dashboard/transcripts/index.html", study=study, tab="transcripts", rows=rows_of(study)
    )


@dashboard.get("/studies/<study_id>/transcripts/rows")
def transcript_rows(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    chosen = request.args.get("chosen")
    return refreshed(
        "dashboard/transcripts/_rows.html",
        study=study,
        rows=rows_of(study),
        interview=Interview.of(study, chosen) if chosen else None,
    )


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>")
def transcript_of(study_id: str, interview_id: str) -> ResponseReturnValue:
    """The list with the interview beside it; to HTMX the interview and its row, marked."""
    interview = find_interview(study_id, interview_id)
    return render_template(
        f"dashboard/transcripts/{'_chosen' if is_partial() else 'index'}.html",
        study=interview.study,
        tab="transcripts",
        rows=rows_of(interview.study, showing=interview),
        interview=interview,
        lines=list(transcript.lines(interview)),
        **shown_recording(interview.recording),
    )


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/turns")
def turns(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    return refreshed(
        "dashboard/transcripts/_refreshed_turns.html",
        study=interview.study,
        interview=interview,
        lines=list(transcript.lines(interview)),
    )


def rows_of(study: Study, showing: Interview | None = None) -> Rows:
    """The page of rows that the address asks for, else the one that holds `showing`."""
    first = request.args.get("first", type=int)
    if first is None and showing is not None:
        newest = db.session.scalar(select(func.max(Interview.number)).where(_is_of(study))) or 0
        first = showing.number if showing.number <= newest - ROWS else None
    recording = joinedload(Interview.recording)
    query = (
        select(Interview)
        .where(_is_of(study))
        .order_by(Interview.number.desc())
        .options(recording.selectinload(Recording.parts), recording.selectinload(Recording.merges))
        .limit(ROWS + 1)
    )
    if first is not None:
        query = query.where(Interview.number <= first)
    found = db.session.scalars(query).all()
    return Rows(
        interviews=found[:ROWS],
        first=first,
        newer=first + ROWS if first is not None else None,
        older=found[ROWS].number if len(found) > ROWS else None,
    )


def _is_of(study: Study) -> ColumnElement[bool]:
    return Interview.study_id == study.id
