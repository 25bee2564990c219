"""Who hears spoken answers: this server, or a service elsewhere."""

from __future__ import annotations

from flask import current_app, request
from flask.typing import ResponseReturnValue

from qualz.ai import hearing_trial
from qualz.ai.endpoint import Endpoint
from qualz.dashboard import dashboard
from qualz.dashboard.forms import ListenerForm
from qualz.dashboard.services import SettingsPage
from qualz.database import db
from qualz.service import Kind

PAGE = SettingsPage(
    kind=Kind.HEARING,
    form=ListenerForm,
    folder="listeners",
    name="listener",
    saved="Saved. It holds from the next answer on, for all participants who were told.",
)


@dashboard.get("/settings/hearing")
def listener() -> ResponseReturnValue:
    return PAGE.show()


@dashboard.post("/settings/hearing")
def save_listener() -> ResponseReturnValue:
    return PAGE.save()


@dashboard.post("/settings/hearing/trials")
def try_listener() -> ResponseReturnValue:
    """Have the service that is typed in, saved or not, hear a sentence."""
    form = ListenerForm(request.form)
    if not form.validate(is_needed=True):
        # Its fields stand beside the result; htmx shows only the latter.
        return PAGE.result(form, errors=form.summary)
    url, model = form.url.data or "", form.model.data or ""
    service = PAGE.service
    is_kept = service is not None and (service.url, service.model) == (url, model)
    revision = service.revision if service else None
    endpoint = Endpoint(url=url, model=model, key=PAGE.key_of(form))
    # A service takes its time, and no connection is to wait for it.
    db.session.commit()
    found = hearing_trial.run(endpoint)
    # Somebody else may have saved another one meanwhile.
    if service is not None and is_kept and found.is_usable and service.revision == revision:
        service.manners = {"form": found.form}
        # A listener that rests is made anew, and hears again.
        service.revision += 1
        db.session.commit()
    return PAGE.result(form, trial=found)


@dashboard.app_template_global()
def own_listener() -> str | None:
    """What hears on this server, if anything does."""
    name: str | None = current_app.extensions["listeners"].own_name
    return name
