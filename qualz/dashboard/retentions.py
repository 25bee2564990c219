"""Retention: for how long the workspace, a study and a single interview are kept."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz import broadcasts, promises, retention
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_interview, find_study, researcher
from qualz.dashboard.partials import is_partial
from qualz.database import db
from qualz.errors import CannotKeepSo
from qualz.retention import StudyRule, Terms, WorkspaceRule
from qualz.study import Study


@dashboard.get("/settings/retention")
def workspace_retention() -> ResponseReturnValue:
    return _workspace_page(_typed_from(WorkspaceRule.now().terms))


@dashboard.post("/settings/retention")
def set_workspace_retention() -> ResponseReturnValue:
    try:
        retention.set_for_workspace(_asked())
    except CannotKeepSo as cause:
        db.session.rollback()
        return _workspace_page(request.form.to_dict(), error=str(cause)), 422
    db.session.commit()
    flash("Saved. Nothing goes within the next week.")
    return redirect(url_for(".workspace_retention"), code=303)


@dashboard.post("/studies/<study_id>/retention")
def set_retention(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    try:
        retention.set_for_study(study, _asked() if request.form.get("rule") == "own" else None)
    except CannotKeepSo as cause:
        db.session.rollback()
        study = find_study(study_id)
        return render_template(
            "dashboard/retentions/study.html",
            study=study,
            tab="settings",
            **_of(study, request.form.to_dict(), error=str(cause)),
        ), 422
    db.session.commit()
    flash("Saved. Nothing goes within the next week.")
    return redirect(url_for(".settings", study_id=study_id, _anchor="retention"), code=303)


@dashboard.get("/studies/<study_id>/transcripts/<interview_id>/keeping")
def keeping(study_id: str, interview_id: str) -> ResponseReturnValue:
    interview = find_interview(study_id, interview_id)
    template = "_dialog" if is_partial() else "page"
    return render_template(
        f"dashboard/retentions/{template}.html",
        study=interview.study,
        interview=interview,
        kept=retention.kept(interview),
        due=promises.due_at(interview),
        longest=retention.LONGEST_REASON,
    )


@dashboard.post("/studies/<study_id>/transcripts/<interview_id>/keeping")
def keep(study_id: str, interview_id: str) -> ResponseReturnValue:
    """Keep it, with a reason; or keep it no longer."""
    interview = find_interview(study_id, interview_id)
    if "release" in request.form:
        retention.release(interview)
        flash(f"{interview.label} goes by the rule again, in a week at the earliest.")
    else:
        retention.keep(interview, request.form.get("reason", ""), researcher())
        flash(f"{interview.label} is kept until you say otherwise.")
    db.session.commit()
    broadcasts.interview_changed(interview)
    address = url_for(".transcript_of", study_id=study_id, interview_id=interview_id)
    return redirect(address, code=303)


def _asked() -> Terms:
    return Terms(recordings=_days("recordings"), everything=_days("everything"))


def _days(name: str) -> int | None:
    text = "".join(request.form.get(name, "").split())
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise CannotKeepSo("Give whole days in digits, such as 90. Leave it empty to keep them.")
    return int(text)


def _typed_from(terms: Terms) -> dict[str, str]:
    days = {"recordings": terms.recordings, "everything": terms.everything}
    return {name: "" if count is None else str(count) for name, count in days.items()}


def _workspace_page(typed: dict[str, str], error: str | None = None) -> str:
    return render_template("dashboard/retentions/workspace.html", typed=typed, error=error)


def _of(
    study: Study, typed: dict[str, str] | None = None, error: str | None = None
) -> dict[str, object]:
    """What the study's own form shows, wherever it is included."""
    own, everybodys = db.session.get(StudyRule, study.id), WorkspaceRule.now().terms
    kept = _typed_from(own.terms if own else everybodys)
    return {
        "typed": typed or {**kept, "rule": "own" if own else "workspace"},
        "error": error,
        "workspace_terms": everybodys,
    }


def in_words(terms: Terms) -> str:
    """As a sentence, such as “Recordings are deleted 30 days after the interview.”"""
    told = []
    if terms.recordings:
        told.append(f"Recordings are deleted {terms.recordings:,} days after the interview")
    if terms.everything:
        what = "everything else" if terms.recordings else "Everything is deleted"
        told.append(
            f"{what} {'after ' if terms.recordings else ''}{terms.everything:,} days"
            f"{'' if terms.recordings else ' after the interview'}"
        )
    return ", ".join(told) + "." if told else "Everything is kept until somebody deletes it."


@dashboard.app_context_processor
def _words() -> dict[str, object]:
    return {
        "retention_of": _of,
        "rule_in_words": in_words,
        "terms_of": retention.terms_of,
        "upcoming_of": promises.upcoming,
        "due_of": promises.due_at,
        "kept_of": retention.kept,
    }
