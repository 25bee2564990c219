"""Renaming and deleting: what is done to an interview or a study as a whole."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from qualz import background, broadcasts, removal
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview, find_study, researcher
from qualz.dashboard.partials import is_partial, page_shows
from qualz.database import db
from qualz.deletion import Deletion
from qualz.interview import Interview
from qualz.receipt import Why
from qualz.study import Study

# What of the list's address is kept over a deletion.
KEPT = ("q", "state", "tag", "sort", "first")


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/name")
def name(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    return _asked("rename", study=interview.study, interview=interview)


@dashboard.post("/studies/<study_id>/transcripts/<interview_id>/name")
def rename(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    interview.rename(request.form.get("name", ""))
    db.session.commit()
    broadcasts.interview_changed(interview)
    if not is_partial():
        return redirect(url_for(".transcript_of", study_id=study_id, interview_id=interview_id))
    return renamed(interview)


def renamed(interview: Interview) -> str:
    """The dialog is done; the heading says it anew where the interview is open."""
    return render_template(
        "dashboard/removals/_renamed.html",
        study=interview.study,
        interview=interview,
        is_open=page_shows(interview.public_id),
    )


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/delete")
def ask_to_delete_interview(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    _, _, query = request.headers.get("HX-Current-URL", "").partition("?")
    kept = {name: to for name, to in parse_qsl(query.partition("#")[0]) if name in KEPT}
    return _asked("interview", study=interview.study, interview=interview, kept=kept)


@dashboard.post("/studies/<study_id>/transcripts/<interview_id>/delete")
def delete_interview(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    label = interview.label
    why = Why(by=researcher().name)
    removal.remove_interview(interview, current_app.extensions["storage"], why)
    broadcasts.interview_removed(study_id, interview_id)
    flash(f"{label} was deleted, with the recording and the transcript.")
    kept: dict[str, Any] = {name: to for name, to in request.args.items() if name in KEPT}
    return redirect(url_for(".transcripts", study_id=study_id, **kept))


@dashboard.get("/studies/<study_id>/delete")
def ask_to_delete_study(study_id: str) -> ResponseReturnValue:
    return _ask_to_delete(find_study(study_id))


@dashboard.post("/studies/<study_id>/delete")
def delete_study(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    typed = request.form.get("typed", "")
    if not removal.is_confirmed(study, typed):
        return _ask_to_delete(study, typed=typed), 422
    held = select(Interview.id).where(Interview.study_id == study.id).limit(1)
    if db.session.scalar(held) is None:
        title, why = study.name, Why(by=researcher().name)
        removal.remove_study(study, current_app.extensions["storage"], why)
        flash(f"“{title}” was deleted.")
        return redirect(url_for(".studies"))
    deletion = Deletion.ask_for_study(study, by=researcher().name)
    background.later("delete", deletion.id)
    db.session.commit()
    flash(f"“{study.name}” is being deleted, with all that is in it. You can leave this page.")
    return redirect(url_for(".studies"))


def _ask_to_delete(study: Study, **typed: str) -> str:
    mine = (Interview.study_id == study.id, Interview.is_preview.is_(False))
    counted = select(func.count(Interview.id)).where(*mine)
    return _asked("study", study=study, interviews=db.session.scalar(counted), **typed)


def _asked(what: str, **context: Any) -> str:
    """The dialog that asks before anything is done; a page without HTMX."""
    template = "_dialog" if is_partial() else "page"
    return render_template(f"dashboard/removals/{template}.html", what=what, **context)
