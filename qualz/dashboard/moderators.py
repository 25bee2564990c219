"""The moderator's settings: the script, or a language model and whether it is up to it."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from qualz import moderators
from qualz.ai import trial
from qualz.dashboard import dashboard
from qualz.dashboard.forms import ModelForm
from qualz.dashboard.services import SettingsPage
from qualz.database import db
from qualz.service import Kind

PAGE = SettingsPage(
    kind=Kind.LANGUAGE_MODEL,
    form=ModelForm,
    folder="moderators",
    name="moderator",
    saved="Saved. It holds from the next answer on, for all participants who were told.",
)


@dashboard.get("/settings/moderator")
def moderator() -> ResponseReturnValue:
    return PAGE.show()


@dashboard.post("/settings/moderator")
def save_moderator() -> ResponseReturnValue:
    return PAGE.save()


@dashboard.post("/settings/moderator/trials")
def try_moderator() -> ResponseReturnValue:
    """Ask the model that is typed in, saved or not, three times."""
    form = ModelForm(request.form)
    if not form.validate(is_needed=True):
        # Its fields stand beside the result; htmx shows only the latter.
        return PAGE.result(form, errors=form.summary)
    url, model = form.url.data or "", form.model.data or ""
    service = PAGE.service
    is_kept = service is not None and (service.url, service.model) == (url, model)
    revision = service.revision if service else None
    endpoint = moderators.endpoint(url, model, PAGE.key_of(form), {})
    # The model takes its time, and no connection is to wait for it.
    db.session.commit()
    found = trial.run(endpoint)
    # Somebody else may have saved another one meanwhile.
    if service is not None and is_kept and found.is_usable and service.revision == revision:
        service.manners = endpoint.manners
        service.revision += 1
        db.session.commit()
    return PAGE.result(form, trial=found)
