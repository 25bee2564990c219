"""Exports: an interview's transcript to take away, in the form that is wanted."""

from __future__ import annotations

from io import BytesIO

from flask import render_template, request, send_file
from flask.typing import ResponseReturnValue

from qualz import export
from qualz.dashboard import dashboard, media
from qualz.dashboard.access import find_interview
from qualz.dashboard.partials import is_partial
from qualz.errors import NotFound
from qualz.export import Form
from qualz.guise import PLAIN
from qualz.interview import Interview
from qualz.pseudonym import NOT_CAUGHT, Pseudonyms

WORDS = {
    Form.DOCX: ("Word", "To read, to print and to comment on."),
    Form.TXT: ("Text", "To read and to print."),
    Form.MD: ("Markdown", "For notes and wikis."),
    Form.VTT: ("WebVTT", "Subtitles for web players, with speakers."),
    Form.SRT: ("SRT", "Subtitles for video editors."),
    Form.CSV: ("CSV", "One row a turn, for spreadsheets."),
    Form.JSON: ("JSON", "Everything, for scripts."),
}


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/export")
def exports(study_id: str, interview_id: str) -> ResponseReturnValue:
    """The dialog; a page without HTMX."""
    interview = _kept(study_id, interview_id)
    template = "_dialog" if is_partial() else "page"
    return render_template(
        f"dashboard/exports/{template}.html",
        study=interview.study,
        interview=interview,
        forms=WORDS,
    )


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/export/<form>")
def exported(study_id: str, interview_id: str, form: str) -> ResponseReturnValue:
    interview = _kept(study_id, interview_id)
    try:
        wanted = Form(form)
    except ValueError:
        raise NotFound("Transcripts are not written in that form.") from None
    guise = Pseudonyms(interview.study) if "pseudonyms" in request.args else PLAIN
    answer = send_file(
        BytesIO(export.export(interview, wanted, guise)),
        mimetype=wanted.mime_type,
        as_attachment=True,
        download_name=media.file_name(interview, wanted.value, guise),
        max_age=0,
    )
    answer.cache_control.private = True
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@dashboard.app_context_processor
def _words() -> dict[str, object]:
    return {"not_caught": NOT_CAUGHT}


def _kept(study_id: str, interview_id: str) -> Interview:
    interview = find_interview(study_id, interview_id)
    if interview.is_withdrawn:
        raise NotFound("The participant had everything deleted that was said in this interview.")
    return interview
