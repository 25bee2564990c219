"""What the settings pages of services have in common: shown, saved, and what is typed in tried."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz.dashboard.forms import ServiceForm
from qualz.dashboard.partials import is_partial
from qualz.database import db
from qualz.service import Kind, Service, is_same_place
from qualz.vault import Vault


@dataclass(frozen=True)
class SettingsPage:
    """`folder` has its `page.html`, and `_trial.html` where it can be tried; `name` is the view
    that shows it."""

    kind: Kind
    form: type[ServiceForm]
    folder: str
    name: str
    saved: str

    def show(self) -> str:
        service = self.service
        known: dict[str, Any] = {"is_on": "yes" if service and service.is_on else "no"}
        if service:
            known |= {"url": service.url, "model": service.model, **service.wishes}
        return self.page(self.form(data=known))

    def save(self) -> ResponseReturnValue:
        form = self.form(request.form)
        if not form.validate():
            return self.page(form), 422
        had_key = self.service is not None and self.service.has_key
        saved = Service.set(
            self.kind,
            vault(),
            url=form.url.data or "",
            model=form.model.data or "",
            key=form.key.data or "",
            is_on=form.wants_service,
            wishes=form.wishes,
        )
        db.session.commit()
        flash(self.saved)
        if had_key and not saved.has_key:
            flash("The key that was kept was for another server, and has been removed.")
        return redirect(url_for(f".{self.name}"))

    def page(self, form: ServiceForm, **told: object) -> str:
        service, url = self.service, form.url.data or ""
        has_key = service is not None and service.has_key and is_same_place(service.url, url)
        return render_template(
            f"dashboard/{self.folder}/page.html", form=form, has_key=has_key, **told
        )

    def result(self, form: ServiceForm, **told: object) -> str:
        """What came of a test: beside the fields for htmx, else within the whole page."""
        if is_partial():
            return render_template(f"dashboard/{self.folder}/_trial.html", **told)
        return self.page(form, **told)

    @property
    def service(self) -> Service | None:
        return Service.of(self.kind)

    def key_of(self, form: ServiceForm) -> str:
        """The key that is typed in, else the one that is kept for that address."""
        service = self.service
        return form.key.data or (service.key_for(form.url.data or "", vault()) if service else "")


def vault() -> Vault:
    kept: Vault = current_app.extensions["vault"]
    return kept
