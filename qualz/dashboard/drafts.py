"""Drafts: what is being typed into a step of the wizard, kept while it is typed."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz.dashboard import dashboard
from qualz.dashboard.access import find_study, researcher
from qualz.dashboard.guides import GuideForm
from qualz.dashboard.partials import htmx_answer
from qualz.dashboard.reviews import hints_on
from qualz.dashboard.set_ups import as_typed, form_typed
from qualz.database import db
from qualz.study import Study


@dashboard.put("/studies/<study_id>/drafts/<any(basics,guide,configure):step>")
def keep_draft(study_id: str, step: str) -> ResponseReturnValue:
    study = find_study(study_id)
    typed = as_typed(request.form)
    form = form_typed(step, typed)
    # One that arrives after its page was sent off says nothing that is not saved by then.
    if form.validate() and form.says_the_same_as(study):
        study.forget_unsaved(step)
    else:
        study.keep_unsaved(step, typed)
    db.session.commit()
    hints = hints_on(study, form) if isinstance(form, GuideForm) else {}
    return render_template(
        "dashboard/set_ups/_draft.html", study=study, step=step, form=form, hints=hints
    )


@dashboard.delete("/studies/<study_id>/drafts/<any(basics,guide,configure):step>")
def discard_draft(study_id: str, step: str) -> ResponseReturnValue:
    find_study(study_id).forget_unsaved(step)
    db.session.commit()
    return htmx_answer(status=204, refresh=True)


@dashboard.post("/studies/drafts")
def begin_draft() -> ResponseReturnValue:
    """The first words of a new study. From here on the page writes to the study they began."""
    typed = as_typed(request.form)
    begun = typed.pop("draft", [""])[0]
    study = Study.of(researcher(), begun) if begun else Study.start(researcher())
    study.keep_unsaved("basics", typed)
    db.session.commit()
    return htmx_answer(
        render_template("dashboard/set_ups/_draft.html", study=study, step="basics", begins=True),
        replace_url=url_for(".set_up", study_id=study.public_id, step="basics"),
    )
