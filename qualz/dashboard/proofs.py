"""Proofs: whoever is inside shows once more who they are before they change what protects the
account or the workspace. Somebody who only found an open browser gets no further."""

from __future__ import annotations

from datetime import timedelta

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz.dashboard import dashboard, entrances
from qualz.dashboard.accounts import local_path
from qualz.dashboard.partials import is_partial
from qualz.dashboard.second_steps import is_proven, proof_form
from qualz.database import db

HOLDS_FOR = timedelta(minutes=15)
# What asks for it, and the page on which that is asked for. What has a field for the password of
# its own is not among them.
SENSITIVE = {
    "prepare_second_step": "security",
    "confirm_second_step": "second_step_settings",
    "remove_identity": "security",
    "create_api_token": "api_tokens",  # nosec B105 # the name of a page
    "invite": "team",
    "change_person": "team",
    "let_person_back": "team",
    "save_moderator": "moderator",
    "save_listener": "listener",
    "save_voice": "voice",
    "add_webhook": "webhooks",
    "change_webhook": "webhooks",
    "set_workspace_retention": "workspace_retention",
    "delete_study": "studies",
}


@dashboard.before_request
def _demand_proof() -> ResponseReturnValue | None:
    page = SENSITIVE.get((request.endpoint or "").removeprefix("dashboard."))
    inside = entrances.present()
    if page is None or inside is None or inside.was_proven(HOLDS_FOR):
        return None
    address = url_for(".prove", next=url_for(f".{page}"))
    if is_partial():
        return Response(status=204, headers={"HX-Redirect": address})
    return redirect(address, code=303)


@dashboard.route("/sign-in/again", methods=["GET", "POST"])
def prove() -> ResponseReturnValue:
    destination = local_path(request.values.get("next"))
    form = proof_form()
    if request.method == "POST" and is_proven(form):
        if inside := entrances.present():
            inside.prove()
        db.session.commit()
        flash("Thank you. Nothing was changed yet: you can do it now, for 15 minutes.")
        return redirect(destination, code=303)
    page = render_template("dashboard/security/again.html", form=form, next=destination)
    return page, 422 if form.errors else 200
