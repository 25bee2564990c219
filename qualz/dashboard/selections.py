"""Selections: what is done with the interviews that were chosen in the list."""

from __future__ import annotations

from urllib.parse import parse_qsl

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz import auditing, background
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_study, researcher
from qualz.dashboard.bundles import KINDS
from qualz.dashboard.exports import WORDS as FORMS
from qualz.dashboard.partials import is_partial
from qualz.dashboard.rows import chosen_in, ids_that_match
from qualz.dashboard.wanted import Wanted
from qualz.database import db
from qualz.deletion import Deletion
from qualz.errors import NothingChosen
from qualz.study import Study


@dashboard.get("/studies/<study_id>/transcripts/chosen/export")
def export_chosen(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    return _asked("export", study, forms=FORMS, kinds=KINDS)


@dashboard.get("/studies/<study_id>/transcripts/chosen/deletion")
def ask_to_delete_chosen(study_id: str) -> ResponseReturnValue:
    return _asked("delete", find_study(study_id))


@dashboard.post("/studies/<study_id>/transcripts/chosen/deletion")
def delete_chosen(study_id: str) -> ResponseReturnValue:
    """Only where as many are meant as somebody typed: others may have come meanwhile."""
    study = find_study(study_id)
    chosen = chosen_in(study)
    typed = "".join(request.form.get("typed", "").split())
    if typed != str(len(chosen)):
        raise NothingChosen(
            f"{len(chosen)} interviews are chosen by now, which is not the number that was typed. "
            "Nothing was deleted. Go back and choose once more."
        )
    auditing.among(chosen)
    deletion = Deletion.ask(study, chosen, by=researcher().name)
    background.later("delete", deletion.id)
    db.session.commit()
    return redirect(url_for(".transcripts", study_id=study_id), code=303)


def _asked(what: str, study: Study, **context: object) -> str:
    """The dialog; without a script nobody can choose, so the page says where to go."""
    every = "all" in request.args
    count = len(ids_that_match(study)) if every else request.args.get("count", 0, type=int)
    return render_template(
        f"dashboard/selections/{'_dialog' if is_partial() else 'page'}.html",
        what=what,
        study=study,
        count=count,
        narrowed=dict(parse_qsl(Wanted.from_request().asked)),
        **context,
    )
