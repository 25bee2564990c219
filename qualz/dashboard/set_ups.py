"""The wizard: a study is set up in four steps, and nothing typed is ever lost on the way.

Whatever a form says is either saved or, where it cannot be, kept in `study.unsaved` as it was
typed. So every way out of a step is safe: on, back, to any other step, or none at all.
"""

from __future__ import annotations

from typing import Any, Protocol

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from qualz import preview
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_study
from qualz.dashboard.forms import BasicsForm, ConfigureForm
from qualz.dashboard.guides import GuideForm
from qualz.dashboard.invitations import ways_in
from qualz.dashboard.question_forms import OptionRow, QuestionForm, SectionForm, new_id
from qualz.dashboard.rearranging import rearranged
from qualz.dashboard.reviews import hints_on
from qualz.database import db
from qualz.study import Study

STEPS = {"basics": "Basics", "guide": "Guide", "configure": "Configure", "share": "Share"}
# These are refused while something is wrong; all other ways out keep it and let the person go.
ONLY_WHEN_RIGHT = {"next", "done"}


class StepForm(Protocol):
    def validate(self) -> bool: ...
    def save(self, study: Study) -> None: ...
    def says_the_same_as(self, study: Study) -> bool: ...


FORMS: dict[str, Any] = {"basics": BasicsForm, "guide": GuideForm, "configure": ConfigureForm}


@dashboard.get("/studies/<study_id>/set-up/<any(basics,guide,configure):step>")
def set_up(study_id: str, step: str) -> ResponseReturnValue:
    study = find_study(study_id)
    form, is_restored = form_of(study, step)
    return render_template(
        f"dashboard/set_ups/{step}.html",
        study=study,
        step=step,
        steps=STEPS,
        form=form,
        is_restored=is_restored,
        preview=preview.address_of(study),
        hints=hints_on(study, form) if isinstance(form, GuideForm) else {},
    )


@dashboard.post("/studies/<study_id>/set-up/<any(basics,guide,configure):step>")
def save_step(study_id: str, step: str) -> ResponseReturnValue:
    study = find_study(study_id)
    typed = {"go": ["next"], **as_typed(request.form)}
    go = typed["go"][0]
    if change := rearranged(typed, go):
        study.keep_unsaved(step, change.typed)
        db.session.commit()
        sure = change.confirm
        return redirect(
            url_for(".set_up", study_id=study_id, step=step, confirm=sure, _anchor=change.anchor)
        )
    is_right = save_or_keep(study, step, typed)
    db.session.commit()
    if not is_right and go in ONLY_WHEN_RIGHT:
        return redirect(url_for(".set_up", study_id=study_id, step=step))
    return redirect(_destination(study, step, go))


@dashboard.get("/studies/<study_id>/set-up/share")
def share_step(study_id: str) -> ResponseReturnValue:
    """Looking changes nothing: it is opened by its own button, once nothing is missing."""
    study = find_study(study_id)
    return render_template(
        "dashboard/set_ups/share.html",
        study=study,
        step="share",
        steps=STEPS,
        missing=missing_from(study),
        preview=preview.address_of(study),
        **ways_in(study),
    )


@dashboard.get("/studies/<study_id>/set-up/guide/questions/new")
def new_question(study_id: str) -> ResponseReturnValue:
    """One more row for the guide's form. It is kept with the rest once something is typed."""
    row = QuestionForm(new_id())
    return _new_row("question", study_id, row=row, number=None)


@dashboard.get("/studies/<study_id>/set-up/guide/sections/new")
def new_section(study_id: str) -> ResponseReturnValue:
    return _new_row("section", study_id, row=SectionForm(new_id()), inside=0)


@dashboard.get("/studies/<study_id>/set-up/guide/options/new/<question>")
def new_option(study_id: str, question: str) -> ResponseReturnValue:
    """One more answer to choose from."""
    return _new_row("option", study_id, row=QuestionForm(question), option=OptionRow(new_id()))


def _new_row(what: str, study_id: str, **row: Any) -> ResponseReturnValue:
    study = find_study(study_id)
    return render_template(f"dashboard/set_ups/_{what}.html", study=study, is_new=True, **row)


def form_of(study: Study, step: str) -> tuple[StepForm, bool]:
    """The step's form, and whether it shows what is not saved yet.

    What was sent off (by any button) is shown with what is wrong about it; what was only being
    typed when its page was closed is not held against anyone.
    """
    kept = study.unsaved.get(step)
    if kept is None:
        return FORMS[step](obj=study), False
    form = form_typed(step, kept)
    if "go" in kept:
        form.validate()
    return form, True


def form_typed(step: str, typed: dict[str, list[str]]) -> StepForm:
    values: MultiDict[str, str] = MultiDict(
        (name, text) for name, texts in typed.items() for text in texts
    )
    form: StepForm = FORMS[step](values)
    return form


def save_or_keep(study: Study, step: str, typed: dict[str, list[str]]) -> bool:
    """Save what was typed if it is right, else keep it. Answers whether it was right."""
    form = form_typed(step, typed)
    if form.validate():
        form.save(study)
        study.forget_unsaved(step)
        return True
    study.keep_unsaved(step, typed)
    return False


def next_step(study: Study) -> str:
    """The first step of a draft that is left to do."""
    if "basics" in study.unsaved or not study.title:
        return "basics"
    if "guide" in study.unsaved or not study.guide.kept_questions:
        return "guide"
    return "configure"


def as_typed(sent: MultiDict[str, str]) -> dict[str, list[str]]:
    """All but the token, and files, which have a way of their own."""
    return {
        name: texts
        for name, texts in sent.to_dict(flat=False).items()
        if name != "csrf_token" and not name.startswith("upload-")
    }


def missing_from(study: Study) -> dict[str, str]:
    """What stands in the way of opening a draft, by the step where it is put right."""
    found = {}
    for step in FORMS:
        kept = study.unsaved.get(step)
        if kept and not form_typed(step, {**kept, "go": ["share"]}).validate():
            found[step] = "Something in it is missing or not quite right."
        elif not kept and step == "basics" and not study.title:
            found[step] = "The study needs a title."
        elif not kept and step == "guide" and not study.guide.kept_questions:
            found[step] = "The moderator needs at least one question."
    return found


def first_unfinished(study: Study) -> str | None:
    """Save what is right of a draft; answer the first step that is not, with its faults marked."""
    return next((step for step in FORMS if not _is_finished(study, step)), None)


def _is_finished(study: Study, step: str) -> bool:
    """Whether nothing is missing from a step on the way to sharing; what is, is marked."""
    if kept := study.unsaved.get(step):
        return save_or_keep(study, step, {**kept, "go": ["share"]})
    if step == "basics" and not study.title:
        study.keep_unsaved(step, {"title": [""], "go": ["share"]})
        return False
    if step == "guide" and not study.guide.kept_questions:
        study.keep_unsaved(step, {"question": [new_id()], "go": ["share"]})
        return False
    return True


def _destination(study: Study, step: str, go: str) -> str:
    names = list(STEPS)
    here = names.index(step)
    to = {"next": names[here + 1], "back": names[max(0, here - 1)]}.get(go, go)
    if (go == "back" and here == 0) or to not in STEPS:
        if study.is_draft:
            return url_for(".studies")
        return url_for(".study", study_id=study.public_id)
    if to == "share":
        return url_for(".share_step", study_id=study.public_id)
    return url_for(".set_up", study_id=study.public_id, step=to)
