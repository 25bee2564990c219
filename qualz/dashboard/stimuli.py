"""Pictures and films for the guide: taken, and shown to the study's researcher."""

from __future__ import annotations

from flask import Response, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge

from qualz import pages
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_study
from qualz.dashboard.partials import htmx_answer, is_partial
from qualz.dashboard.question_forms import QuestionForm
from qualz.database import db
from qualz.errors import NotFound
from qualz.question import Kind
from qualz.stimuli import LARGEST, NotShowable, folder_of, is_of, keep, mime_type, too_large

# The rest of a form may come along.
LARGEST_REQUEST = LARGEST[Kind.VIDEO] + 2 * 1024 * 1024


@dashboard.url_value_preprocessor
def _let_large_files_in(endpoint: str | None, _values: object) -> None:
    """Before anything reads the form, as the check for forged requests does."""
    if endpoint == "dashboard.add_stimulus":
        request.max_content_length = LARGEST_REQUEST


@dashboard.errorhandler(RequestEntityTooLarge)
def _refuse_large(error: RequestEntityTooLarge) -> ResponseReturnValue:
    if not is_partial():
        raise error
    question = (request.view_args or {}).get("question", "")
    words = f'<p class="field__error">{too_large(Kind.VIDEO)}</p>'
    return htmx_answer(words, 422, retarget=f"#stimulus-error-{question}", reswap="innerHTML")


@dashboard.post("/studies/<study_id>/set-up/guide/stimuli/<question>")
def add_stimulus(study_id: str, question: str) -> ResponseReturnValue:
    """By a script the file alone; without one, the whole form with it."""
    study = find_study(study_id)
    typed = request.form.to_dict(flat=False)
    row = QuestionForm(question, MultiDict([(k, v) for k, vs in typed.items() for v in vs]))
    row.shown.data = "file"
    file = request.files.get(f"upload-{question}")
    try:
        if file is None or not file.filename:
            raise NotShowable("Choose a file first.")
        row.source.data = keep(study, file.stream, current_app.extensions["storage"]).source
    except NotShowable as refused:
        row.source.errors = [str(refused)]
    if is_partial():
        page = render_template("dashboard/set_ups/_stimulus.html", study=study, row=row)
        return page, 422 if row.source.errors else 200
    typed = {name: texts for name, texts in typed.items() if name not in ("csrf_token", "go")}
    source = [row.source.data or ""]
    study.keep_unsaved("guide", {**typed, row.source.name: source, row.shown.name: ["file"]})
    db.session.commit()
    if row.source.errors:
        raise NotShowable(str(row.source.errors[0]))
    there = url_for(".set_up", study_id=study_id, step="guide", _anchor=f"question-{question}")
    return redirect(there)


@dashboard.get("/studies/<study_id>/stimuli/<file>")
def stimulus(study_id: str, file: str) -> Response:
    study = find_study(study_id)
    source = f"{folder_of(study)}/{file}"
    if not is_of(study, source):
        raise NotFound("This study shows no such file.")
    return pages.send_for_good(source, mime_type(file))
