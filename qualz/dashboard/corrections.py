"""Corrections: a turn's text, changed in its place."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from qualz import broadcasts
from qualz import correction as corrections
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview, researcher
from qualz.dashboard.partials import htmx_answer
from qualz.dashboard.transcripts import refreshed_turns
from qualz.errors import ChangedMeanwhile
from qualz.interview import Interview
from qualz.transcript import turn_of
from qualz.turn import Turn

TURN = "/studies/<study_id>/transcripts/<interview_id>/turns/<int:number>"


@dashboard.get(f"{TURN}/correction")
def correction(study_id: str, interview_id: str, number: int) -> ResponseReturnValue:
    """The form that takes the place of what was said."""
    interview = find_interview(study_id, interview_id)
    return _form(interview, turn_of(interview, number))


@dashboard.post(f"{TURN}/correction")
def correct(study_id: str, interview_id: str, number: int) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    turn, typed = turn_of(interview, number), request.form.get("text", "")
    try:
        corrections.correct(turn, typed, seen=request.form.get("seen", ""), by=researcher())
    except ChangedMeanwhile:
        # Both texts are shown, and whoever came second decides.
        form = _form(interview, turn_of(interview, number), meanwhile=True, typed=typed)
        return htmx_answer(form, 422, retarget=f"#said-{number}", reswap="innerHTML")
    broadcasts.interview_changed(interview)
    return refreshed_turns(interview)


@dashboard.delete(f"{TURN}/correction")
def take_back(study_id: str, interview_id: str, number: int) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    seen = request.args.get("seen", "")
    corrections.take_back(turn_of(interview, number), seen=seen, by=researcher())
    broadcasts.interview_changed(interview)
    return refreshed_turns(interview)


def _form(interview: Interview, turn: Turn, **more: object) -> str:
    return render_template(
        "dashboard/corrections/_form.html",
        study=interview.study,
        interview=interview,
        turn=turn,
        **more,
    )


@dashboard.app_context_processor
def _versions() -> dict[str, object]:
    return {"version_of": corrections.version}
