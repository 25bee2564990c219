"""Studies: the list, a new one, and what one was set up to be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import func, select

from qualz.dashboard import dashboard
from qualz.dashboard.access import find_study, researcher
from qualz.dashboard.forms import BasicsForm
from qualz.dashboard.languages import LANGUAGES
from qualz.dashboard.set_ups import STEPS, as_typed, next_step, save_or_keep
from qualz.database import db
from qualz.interview import Interview
from qualz.researcher import Researcher
from qualz.study import DEFAULT_CONSENT, Study


@dataclass(frozen=True, slots=True)
class Summary:
    study: Study
    interviews: int
    live: int
    last_activity: datetime


@dashboard.get("/")
@dashboard.get("/studies")
def studies() -> ResponseReturnValue:
    return render_template("dashboard/studies/index.html", summaries=summaries_of(researcher()))


@dashboard.get("/studies/new")
def new_study() -> ResponseReturnValue:
    return _basics_of_new(BasicsForm(language="en", consent_text=DEFAULT_CONSENT))


@dashboard.post("/studies")
def create_study() -> ResponseReturnValue:
    typed = as_typed(request.form)
    begun = typed.pop("draft", [""])[0]
    form = BasicsForm(request.form)
    if not begun and not form.validate():
        return _basics_of_new(form), 422
    study = Study.of(researcher(), begun) if begun else Study.start(researcher())
    is_right = save_or_keep(study, "basics", typed)
    db.session.commit()
    step = "guide" if is_right else "basics"
    return redirect(url_for(".set_up", study_id=study.public_id, step=step))


@dashboard.get("/studies/<study_id>")
def study(study_id: str) -> ResponseReturnValue:
    """A study opens on its transcripts, or on the first step that is left to do."""
    study = find_study(study_id)
    if study.state is Study.State.DRAFT:
        return redirect(url_for(".set_up", study_id=study_id, step=next_step(study)))
    return redirect(url_for(".transcripts", study_id=study_id))


@dashboard.get("/studies/<study_id>/guide")
def guide(study_id: str) -> ResponseReturnValue:
    return render_template("dashboard/studies/guide.html", study=find_study(study_id), tab="guide")


@dashboard.get("/studies/<study_id>/settings")
def settings(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    return render_template(
        "dashboard/studies/settings.html",
        study=study,
        tab="settings",
        language=LANGUAGES.get(study.language, study.language),
    )


def summaries_of(researcher: Researcher) -> list[Summary]:
    """A researcher's studies, the one where something happened last first. One query."""
    is_live = Interview.state == Interview.State.LIVE
    rows = db.session.execute(
        select(
            Study,
            func.count(Interview.id),
            func.count(Interview.id).filter(is_live),
            func.max(Interview.last_seen_at),
        )
        .outerjoin(Interview, Interview.study_id == Study.id)
        .where(Study.researcher_id == researcher.id)
        .group_by(Study.id)
    )
    found = [
        Summary(study, count, live, max(filter(None, (seen, study.created_at))))
        for study, count, live, seen in rows
    ]
    return sorted(found, key=lambda summary: summary.last_activity, reverse=True)


def _basics_of_new(form: BasicsForm) -> str:
    return render_template(
        "dashboard/set_ups/basics.html", study=None, step="basics", steps=STEPS, form=form
    )
