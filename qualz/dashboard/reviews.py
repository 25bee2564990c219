"""What a researcher might change in a guide, and what to expect of it."""

from __future__ import annotations

from babel import Locale
from flask import current_app, render_template
from flask.typing import ResponseReturnValue

from qualz.ai.scripted import ScriptedModerator
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_study
from qualz.dashboard.guides import GuideForm
from qualz.dashboard.partials import is_partial
from qualz.dry_run import dry_run
from qualz.guide_review import Hint, review
from qualz.study import Study


def hints_on(study: Study, form: GuideForm) -> dict[str | None, list[Hint]]:
    """By question, as far as the form can be read; those about the whole guide under None."""
    moderator = current_app.extensions["moderators"].current()
    found = review(
        form.sections(), study.terms, has_model=not isinstance(moderator, ScriptedModerator)
    )
    return {
        id: [hint for hint in found if hint.question_id == id]
        for id in {hint.question_id for hint in found}
    }


@dashboard.get("/studies/<study_id>/dry-run")
def show_dry_run(study_id: str) -> ResponseReturnValue:
    """The guide as it is saved, with simulated participants."""
    study = find_study(study_id)
    name = "_forecast" if is_partial() else "dry_run"
    forecast = dry_run(study.guide.sections, study.terms)
    return render_template(
        f"dashboard/studies/{name}.html",
        study=study,
        tab="guide",
        forecast=forecast,
        spoken=Locale.parse(forecast.language).english_name if forecast else "",
    )
