"""Bundles: exports of many interviews, made in the background, and what there is of them."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask import current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz import auditing, background
from qualz.bundle import Bundle
from qualz.dashboard import dashboard
from qualz.dashboard.access import find_study, researcher
from qualz.dashboard.exports import WORDS as FORMS
from qualz.dashboard.partials import is_partial, refreshed
from qualz.dashboard.recordings import CLOSELY
from qualz.dashboard.rows import chosen_in, ids_that_match
from qualz.dashboard.wanted import STATES
from qualz.database import db
from qualz.errors import NotFound
from qualz.export import Form
from qualz.packing import Wanted
from qualz.rendition import Kind
from qualz.study import Study

KINDS = {
    Bundle.Kind.FILES: ("ZIP", "A folder for each interview, with a list of all files."),
    Bundle.Kind.PROJECT: (
        "REFI-QDA project",
        "For NVivo, MAXQDA, ATLAS.ti and QualCoder: recordings with their transcripts in step, "
        "coded by speaker. MP4s and sounds once made stand in for WebM, which few of them play.",
    ),
}
# What a list of those made calls them; that one is asked for beside its interview.
NAMES = {kind: name for kind, (name, _) in KINDS.items()} | {Bundle.Kind.PERSON: "Data request"}


@dashboard.get("/studies/<study_id>/exports")
def bundles(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    return render_template(
        "dashboard/bundles/index.html",
        study=study,
        tab="exports",
        forms=FORMS,
        states=STATES,
        **shown(study),
    )


@dashboard.get("/studies/<study_id>/exports/list")
def bundle_list(study_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    return refreshed("dashboard/bundles/_list.html", study=study, **shown(study))


@dashboard.post("/studies/<study_id>/exports")
def ask_for_bundle(study_id: str) -> ResponseReturnValue:
    """Of the interviews that were chosen in the list; from the page itself, of all that match."""
    study = find_study(study_id)
    chosen = chosen_in(study) if "chosen" in request.form else ids_that_match(study)
    auditing.among(chosen)
    bundle = Bundle.ask(study, _kind(), _wanted(), chosen)
    background.later("bundle", bundle.id)
    db.session.commit()
    return redirect(url_for(".bundles", study_id=study_id), code=303)


@dashboard.delete("/studies/<study_id>/exports/<bundle_id>")
def remove_bundle(study_id: str, bundle_id: str) -> ResponseReturnValue:
    study = find_study(study_id)
    # Where it is gone already, that is what was wanted.
    with suppress(NotFound):
        Bundle.of(study, bundle_id).remove(current_app.extensions["storage"])
    if is_partial():
        return bundle_list(study_id)
    return redirect(url_for(".bundles", study_id=study_id), code=303)


def _kind() -> Bundle.Kind:
    kind = request.form.get("kind", Bundle.Kind.FILES, type=Bundle.Kind)
    return kind if kind in KINDS else Bundle.Kind.FILES


def _wanted() -> Wanted:
    asked = request.form
    return Wanted(
        forms=tuple(form.value for form in Form if form.value in asked.getlist("form")),
        recording="recording" in asked,
        renditions=tuple(kind.value for kind in Kind if kind.value in asked.getlist("rendition")),
        pseudonyms="pseudonyms" in asked,
    )


def _is_shown(bundle: Bundle) -> bool:
    """A data request holds what is redacted, and interviews of other studies."""
    return bundle.kind is not Bundle.Kind.PERSON or researcher().may_manage


def shown(study: Study) -> dict[str, Any]:
    """What `_list.html` needs besides the study, wherever it is included."""
    found = [one for one in Bundle.all_of(study) if _is_shown(one)]
    return {
        "bundles": found,
        "kinds": KINDS,
        "names": NAMES,
        "look_again": CLOSELY if any(bundle.is_under_way for bundle in found) else None,
    }
