"""Studies: the list, a new one, and what one was set up to be."""

from __future__ import annotations

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz import duplication, preview
from qualz.dashboard import dashboard, study_access
from qualz.dashboard.access import find_study, researcher
from qualz.dashboard.forms import BasicsForm
from qualz.dashboard.languages import LANGUAGES
from qualz.dashboard.set_ups import STEPS, as_typed, next_step, save_or_keep
from qualz.dashboard.summaries import shelf_of
from qualz.database import db
from qualz.deletion import Deletion
from qualz.study import DEFAULT_CONSENT, Study


@dashboard.get("/")
@dashboard.get("/studies")
def studies() -> ResponseReturnValue:
    shelf = shelf_of(researcher())
    going = Deletion.going([one.study.id for one in shelf.summaries])
    # The list looks again until they are gone.
    is_going = any(one.is_under_way for one in going.values())
    return render_template(
        "dashboard/studies/index.html", shelf=shelf, going=going, is_going=is_going
    )


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


@dashboard.post("/studies/<study_id>/duplicates")
def duplicate_study(study_id: str) -> ResponseReturnValue:
    """Its guide and settings once more, as a draft to change."""
    study = find_study(study_id)
    copy = duplication.duplicate(study, current_app.extensions["storage"], by=researcher())
    db.session.commit()
    flash(f"“{copy.name}” is a draft with a link of its own. Change what should be different.")
    return redirect(url_for(".set_up", study_id=copy.public_id, step="basics"), code=303)


@dashboard.get("/studies/<study_id>")
def study(study_id: str) -> ResponseReturnValue:
    """A study opens on its overview, or on the first step that is left to do."""
    study = find_study(study_id)
    if study.is_draft and researcher().may_change:
        return redirect(url_for(".set_up", study_id=study_id, step=next_step(study)))
    return redirect(url_for(".overview_of", study_id=study_id))


@dashboard.get("/studies/<study_id>/guide")
def guide(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    return render_template(
        "dashboard/studies/guide.html", study=study, tab="guide", preview=preview.address_of(study)
    )


@dashboard.get("/studies/<study_id>/settings")
def settings(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    return render_template(
        "dashboard/studies/settings.html",
        study=study,
        tab="settings",
        language=LANGUAGES.get(study.language, study.language),
        **study_access.shown(study),
    )


def _basics_of_new(form: BasicsForm) -> str:
    return render_template(
        "dashboard/set_ups/basics.html", study=None, step="basics", steps=STEPS, form=form
    )
