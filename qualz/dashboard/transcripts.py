"""Transcripts: a study's interviews in a list, and one of them beside it."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz import transcript
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview, find_study
from qualz.dashboard.partials import htmx_answer, is_partial, refreshed
from qualz.dashboard.recordings import shown as shown_recording
from qualz.dashboard.renditions import shown as shown_renditions
from qualz.dashboard.rows import rows_of
from qualz.dashboard.wanted import ORDERS, PICTURES, STATES
from qualz.errors import NotFound
from qualz.interview import Interview
from qualz.tag import Tag

# The form's id, by which HTMX says that it asks.
FILTERS = "filters"


@dashboard.get("/studies/<study_id>/transcripts")
def transcripts(study_id: str) -> ResponseReturnValue:
    """The list; to HTMX what is there once the interview beside it was closed."""
    study = find_study(study_id)
    return render_template(
        f"dashboard/transcripts/{'_closed' if is_partial() else 'index'}.html",
        study=study,
        tab="transcripts",
        rows=rows_of(study),
        states=STATES,
        orders=ORDERS,
        tags=Tag.all_of(study),
        pictures=PICTURES,
    )


@dashboard.get("/studies/<study_id>/transcripts/rows")
def transcript_rows(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    chosen = request.args.get("chosen")
    rows = rows_of(study)
    try:
        interview = Interview.of(study, chosen) if chosen else None
    except NotFound:
        # Deleted in another tab or by somebody else, while it was open here.
        places: dict[str, Any] = rows.wanted.address()
        return htmx_answer(
            render_template("dashboard/transcripts/_deleted.html", study=study, rows=rows),
            replace_url=url_for(".transcripts", study_id=study_id, **places),
        )
    answer = current_app.make_response(
        refreshed("dashboard/transcripts/_rows.html", study=study, rows=rows, interview=interview)
    )
    if request.headers.get("HX-Trigger") == FILTERS:
        # What was asked for stays in the address, beside the interview that is open.
        endpoint = ".transcript_of" if interview else ".transcripts"
        places = {"interview_id": chosen or None, **rows.wanted.address()}
        answer.headers["HX-Replace-Url"] = url_for(endpoint, study_id=study_id, **places)
    return answer


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>")
def transcript_of(study_id: str, interview_id: str) -> ResponseReturnValue:
    """The list with the interview beside it; to HTMX the interview and its row, marked."""
    interview = find_interview(study_id, interview_id)
    return render_template(
        f"dashboard/transcripts/{'_chosen' if is_partial() else 'index'}.html",
        study=interview.study,
        tab="transcripts",
        rows=rows_of(interview.study, showing=interview),
        states=STATES,
        orders=ORDERS,
        tags=Tag.all_of(interview.study),
        pictures=PICTURES,
        interview=interview,
        lines=list(transcript.lines(interview)),
        **shown_recording(interview.recording),
        **shown_renditions(interview.recording),
    )


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/turns")
def turns(study_id: str, interview_id: str) -> ResponseReturnValue:
    return refreshed_turns(find_interview(study_id, interview_id))


def refreshed_turns(interview: Interview) -> ResponseReturnValue:
    """What every change of a turn is answered with, and what the page asks for by itself: so a
    page that has made the change is told nothing new after it."""
    return refreshed(
        "dashboard/transcripts/_refreshed_turns.html",
        study=interview.study,
        interview=interview,
        lines=list(transcript.lines(interview)),
    )
