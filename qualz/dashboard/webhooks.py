"""Webhooks: addresses that are told of what happens, and what became of each delivery."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from qualz import background
from qualz.courier import Courier, Forbidden
from qualz.dashboard import dashboard
from qualz.dashboard.access import researcher
from qualz.dashboard.integration_forms import WebhookForm
from qualz.dashboard.partials import refreshed
from qualz.dashboard.recordings import CLOSELY
from qualz.dashboard.services import vault
from qualz.database import db
from qualz.delivery import MOST_SHOWN, Delivery
from qualz.happening import Kind
from qualz.webhook import Webhook


@dashboard.get("/settings/webhooks")
def webhooks() -> ResponseReturnValue:
    return _index(WebhookForm(kinds=[kind.value for kind in Kind]))


@dashboard.post("/settings/webhooks")
def add_webhook() -> ResponseReturnValue:
    form = _filled()
    if form.errors:
        return _index(form), 422
    webhook, secret = Webhook.add(researcher(), form.url.data or "", form.chosen, vault())
    db.session.commit()
    # Shown in the answer itself, for it can be read only this once.
    return _page(webhook, _form_of(webhook), secret=secret), 201


@dashboard.get("/settings/webhooks/<webhook_id>")
def webhook(webhook_id: str) -> ResponseReturnValue:
    found = Webhook.of(webhook_id)
    return _page(found, _form_of(found))


@dashboard.post("/settings/webhooks/<webhook_id>")
def change_webhook(webhook_id: str) -> ResponseReturnValue:
    found = Webhook.of(webhook_id)
    form = _filled()
    if form.errors:
        return _page(found, form), 422
    found.change(form.url.data or "", form.chosen)
    db.session.commit()
    flash("Saved. It holds for what happens from now on.")
    return _to(found)


@dashboard.post("/settings/webhooks/<webhook_id>/delete")
def remove_webhook(webhook_id: str) -> ResponseReturnValue:
    Webhook.of(webhook_id).remove(vault())
    db.session.commit()
    flash("The webhook was deleted. Nothing more is sent there.")
    return redirect(url_for(".webhooks"), code=303)


@dashboard.get("/settings/webhooks/<webhook_id>/deliveries")
def deliveries(webhook_id: str) -> ResponseReturnValue:
    return _deliveries(Webhook.of(webhook_id))


@dashboard.post("/settings/webhooks/<webhook_id>/deliveries")
def try_webhook(webhook_id: str) -> ResponseReturnValue:
    """Send a test, by the same way as everything else."""
    found = Webhook.of(webhook_id)
    background.later("deliver", Delivery.test(found).id)
    db.session.commit()
    return _to(found)


@dashboard.post("/settings/webhooks/<webhook_id>/deliveries/<delivery_id>/repeats")
def repeat_delivery(webhook_id: str, delivery_id: str) -> ResponseReturnValue:
    found = Webhook.of(webhook_id)
    delivery = Delivery.of(found, delivery_id)
    delivery.repeat()
    background.later("deliver", delivery.id)
    db.session.commit()
    return _to(found)


def _filled() -> WebhookForm:
    """What was typed, with what speaks against it among its errors."""
    form = WebhookForm(request.form)
    if form.validate():
        courier: Courier = current_app.extensions["courier"]
        try:
            courier.demand_allowed(form.url.data or "")
        except Forbidden as cause:
            form.url.errors = [str(cause)]
    return form


def _form_of(found: Webhook) -> WebhookForm:
    return WebhookForm(url=found.url, kinds=found.kinds)


def _to(found: Webhook) -> ResponseReturnValue:
    return redirect(url_for(".webhook", webhook_id=found.public_id), code=303)


def _index(form: WebhookForm) -> str:
    found = Webhook.all()
    return render_template("dashboard/webhooks/index.html", form=form, webhooks=found)


def _page(found: Webhook, form: WebhookForm, secret: str | None = None) -> str:
    return render_template(
        "dashboard/webhooks/page.html", form=form, secret=secret, seen=None, **_shown(found)
    )


def _deliveries(found: Webhook) -> ResponseReturnValue:
    return refreshed("dashboard/webhooks/_deliveries.html", **_shown(found))


def _shown(found: Webhook) -> dict[str, Any]:
    newest = Delivery.newest(found)
    is_busy = any((one.is_under_way and not one.attempts) or one.lease for one in newest)
    return {
        "webhook": found,
        "deliveries": newest,
        "most_shown": MOST_SHOWN,
        "look_again": CLOSELY if is_busy else 15,
    }
